"""What differs from run to run is taken out, what the reader needs stays in."""

import json
import subprocess
import sys

import nbformat
import papermill
import pytest
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from chatkit.runner.engine import normalise

CODE = """
import os, sys, warnings
import pandas as pd
class Thing: pass
print(Thing(), os.getcwd() + "/data")
warnings.warn("mind this")
print("to stderr", file=sys.stderr)
pd.DataFrame({"a": [1]}).style
"""


# What goes past Python: the system's call, C, processes that inherit a descriptor, are given one, or open it anew.
BESIDE = """
import ctypes, os, subprocess, sys
assert "PYTEST_CURRENT_TEST" not in os.environ  # with it ipykernel behaves as nowhere else
print("python", file=sys.stderr)
os.write(2, b"call\\n")
ctypes.CDLL(None).dprintf(2, b"C\\n")
subprocess.run(["sh", "-c", "echo inherited >&2; echo opened > /dev/stderr; echo opened again > /dev/stderr"])
subprocess.run(["sh", "-c", "echo given >&2; echo result"], stdout=sys.stdout, stderr=sys.stderr)
print("python again", file=sys.stderr)
os.write(2, "ä".encode() * 100_000 + b"\\n")
os.write(1, b"last")
"""
# Like Deno's: it knows one argument, and stops at any other.
OTHER_KERNEL = """
import argparse
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

class Upper(Kernel):
    implementation, implementation_version, banner = "upper", "1", ""
    language_info = {"name": "upper", "mimetype": "text/plain", "file_extension": ".txt"}

    def do_execute(self, code, silent, *args, **kwargs):
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": code.upper()})
        return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

parser = argparse.ArgumentParser()
parser.add_argument("file")
IPKernelApp.launch_instance(["-f", parser.parse_args().file], kernel_class=Upper)
"""


def write(folder, *code, kernel="python3"):
    """Write a notebook with a cell of parameters and others; returns its file."""
    cells = [new_code_cell("seed = 0", metadata={"tags": ["parameters"]}), *map(new_code_cell, code)]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    metadata = {"kernelspec": {"name": kernel, "language": "python", "display_name": "A kernel"}}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), folder / "in.ipynb")
    return folder / "in.ipynb"


def execute(folder, *code, parameters=None, **options):
    """Run cells through papermill with the engine, in `folder`."""
    papermill.execute_notebook(
        write(folder, *code), folder / "out.ipynb", parameters, "chatkit", progress_bar=False, cwd=folder, **options
    )
    return (folder / "out.ipynb").read_text()


def texts(text):
    """What stands on each stream, cell by cell."""
    cells = nbformat.reads(text, as_version=4).cells
    return [{output.name: output.text for output in cell.outputs if "text" in output} for cell in cells]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Make a script a kernel of this name, with further arguments."""

    def install(name, script, *arguments):
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        argv = [sys.executable, "-c", script, *arguments, "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": "upper"}
        (folder / "kernel.json").write_text(json.dumps(spec))

    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    return install


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The same notebook executed twice, in folders of different length."""
    return [
        execute(tmp_path_factory.mktemp(name), CODE, parameters={"seed": 1}) for name in ("a", "a-much-longer-name")
    ]


def test_two_runs_are_the_same_bytes(outputs):
    """Times, random ids, addresses, temporary files, Styler ids and the folder are gone."""
    assert outputs[0] == outputs[1]


def test_the_reader_still_gets_everything(outputs):
    """Warnings, standard error, results and the parameters of the run."""
    for kept in ("mind this", "to stderr", "0x...", "injected-parameters", "seed = 1", "T_00000", " data"):
        assert kept in outputs[0], kept
    for gone in ("start_time", "/tmp", "input_path", "iopub"):
        assert gone not in outputs[0], gone


def test_a_failed_notebook_keeps_its_marks(tmp_path):
    """papermill needs them to name the cell."""
    with pytest.raises(papermill.PapermillExecutionError, match="broken"):
        execute(tmp_path, "raise ValueError('broken')")
    assert "papermill-error-cell" in (tmp_path / "out.ipynb").read_text()


def test_a_planted_difference_is_not_swallowed(tmp_path):
    """Only what is known to vary is touched: numbers and words are not."""
    text = "at 0x7 T_shirt 0.1234 T_12345x ipykernel"
    cell = new_code_cell("", outputs=[nbformat.v4.new_output("stream", text=text)])
    assert normalise(new_notebook(cells=[cell]), str(tmp_path)).cells[0].outputs[0].text == text


def test_what_goes_past_python_is_in_its_cell(tmp_path, monkeypatch):
    """Behind what Python printed there, whole and once, in the order in which it was written; twice the same."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    first, second = (execute(tmp_path, BESIDE, "os.write(2, b'the next\\n')", "") for _ in range(2))
    assert first == second
    lines = "python", "python again", "call", "C", "inherited", "opened", "opened again", "given", "ä" * 100_000, ""
    beside = {"stdout": "result\nlast", "stderr": "\n".join(lines)}
    assert texts(first) == [{}, beside, {"stderr": "the next\n"}, {}]


def test_the_last_words_of_a_kernel_are_with_the_error(tmp_path, install):
    """Of one that dies in a cell, and of one that cannot start."""
    with pytest.raises(DeadKernelError) as died:
        execute(tmp_path, "import os; os.write(2, b'out of memory'); os._exit(1)")
    install("broken", "import sys; sys.exit('nothing works')", "-m", "ipykernel_launcher")
    with pytest.raises(RuntimeError, match="Kernel died before") as stillborn:
        execute(tmp_path, kernel_name="broken")
    words = [error.value.__notes__[-1].splitlines()[-1] for error in (died, stillborn)]
    assert words == ["out of memory", "nothing works"]


@pytest.mark.parametrize("named", ["by the caller", "by the notebook", "on the command line"])
def test_another_kernel_gets_no_options_of_ipykernel(tmp_path, install, named):
    """It would not start with them."""
    install("upper", OTHER_KERNEL)
    file = write(tmp_path, "some words", kernel="upper" if named == "by the notebook" else "python3")
    if named == "on the command line":
        command = [
            sys.executable,
            "-m",
            "papermill",
            file,
            tmp_path / "out.ipynb",
            "--engine",
            "chatkit",
            "-k",
            "upper",
        ]
        subprocess.run(command, check=True, capture_output=True)
    else:
        name = "upper" if named == "by the caller" else None
        papermill.execute_notebook(file, tmp_path / "out.ipynb", None, "chatkit", kernel_name=name, progress_bar=False)
    assert texts((tmp_path / "out.ipynb").read_text()) == [{"stdout": "SEED = 0"}, {"stdout": "SOME WORDS"}]


def test_a_kernel_that_does_not_exist_is_papermills_error(tmp_path):
    """No other error goes before it, and nothing is added to it."""
    with pytest.raises(NoSuchKernel, match="nowhere") as error:
        execute(tmp_path, kernel_name="nowhere")
    assert not hasattr(error.value, "__notes__")


ASKED = """
import ipykernel.kernelapp, json
with open(ipykernel.get_connection_file()) as file:
    print(word, ipykernel.kernelapp.IPKernelApp.instance().log_level, "curve_publickey" in json.load(file))
"""
WORD, LOG = "--IPKernelApp.exec_lines=word = 41", "--log-level=40"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"extra_arguments": [WORD, LOG]}, "41 40 True"),
        ({"config": Config({"NotebookClient": {"extra_arguments": [WORD]}})}, "41 50 True"),
        (
            {"extra_arguments": [WORD], "config": Config({"KernelManager": {"transport_encryption": "disabled"}})},
            "41 50 False",
        ),
    ],
)
def test_what_the_caller_says_is_added(tmp_path, options, said):
    """Arguments beside ours or in place of them, settings before ours; what the caller says nothing of stays ours."""
    assert texts(execute(tmp_path, ASKED, **options))[1] == {"stdout": said + "\n"}


@pytest.mark.parametrize(
    "options", [{"record_timing": True}, {"config": Config({"NotebookClient": {"record_timing": True}})}]
)
def test_times_stay_for_those_who_ask(tmp_path, options):
    """papermill's and the kernel's; without the question they are gone."""
    for asked in (options, {}):
        notebook = nbformat.reads(execute(tmp_path, "1", **asked), as_version=4)
        assert bool(notebook.metadata.get("papermill", {}).get("duration")) == bool(asked)
        assert all(("execution" in cell.metadata) == bool(asked) for cell in notebook.cells)


def test_streams_are_joined_whatever_the_caller_says(tmp_path):
    """Where they are cut differs from run to run."""
    code = "import sys\nfor n in range(3):\n    print(n, flush=True)\n    print(n, file=sys.stderr, flush=True)"
    outputs = nbformat.reads(execute(tmp_path, code, coalesce_streams=False), as_version=4).cells[1].outputs
    assert [output.text for output in outputs] == ["0\n1\n2\n"] * 2


def test_a_carriage_return_lets_a_line_begin_anew(tmp_path):
    """As a progress bar does; at the end of a line it is part of the line's end."""
    code = "print('1 of 2\\r2 of 2')\nprint('a\\r\\nb', end='')"
    assert texts(execute(tmp_path, code))[1] == {"stdout": "2 of 2\na\r\nb"}


def test_a_long_line_and_much_output_take_no_quadratic_time(tmp_path):
    """Three megabytes on one line, and thirty past Python: either alone took minutes."""
    code = "import os\nprint('x' * 3_000_000)\nfor _ in range(300):\n    os.write(1, b'y' * 100_000)"
    assert texts(execute(tmp_path, code))[1] == {"stdout": "x" * 3_000_000 + "\n" + "y" * 30_000_000}


@pytest.mark.parametrize("first", ["chatkit.runner.engine", "papermill"])
def test_the_engine_is_there_whatever_is_imported_first(first):
    """papermill imports the engine, which builds on papermill."""
    code = f"import {first}, papermill.engines as e; print(e.papermill_engines.get_engine('chatkit').__name__)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "ReproducibleEngine\n"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("/a/b", "."), ("in /a/b.", "in .."), ("'/a/b', (/a/b)", "'.', (.)"), ("/a/b/c/d.py", "c/d.py"),
        ("file:///a/b/c", "file://c"), ("=/a/b:1", "=.:1"), ("\x1b[1m\x1b[32m/a/b/c\x1b[39m", "\x1b[1m\x1b[32mc\x1b[39m"),
        (r"'one\n/a/b/c\n/a/b\n'", r"'one\nc\n.\n'"),
        *((other, other) for other in ("/a/bc", "/a/b-c/d", "/a/b.txt", "/a/b~", "/x/a/b", "./a/b/c", "/a/b_c", "/aXb")),
    ],
)  # fmt: skip
def test_the_folder_is_replaced_where_it_is_the_folder(text, cleaned):
    """By itself or before a slash, and never as a part of another path."""
    cell = new_code_cell("", outputs=[nbformat.v4.new_output("stream", text=text)])
    assert normalise(new_notebook(cells=[cell]), "/a/b").cells[0].outputs[0].text == cleaned


def test_a_folder_is_no_pattern():
    """Its name may hold what regular expressions and templates read otherwise."""
    cell = new_code_cell("", outputs=[nbformat.v4.new_output("stream", text="/a{0}/b+(1)/c /ab1")])
    assert normalise(new_notebook(cells=[cell]), "/a{0}/b+(1)").cells[0].outputs[0].text == "c /ab1"
