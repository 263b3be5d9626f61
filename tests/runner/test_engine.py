"""What differs from run to run is taken out, what the reader needs stays in."""

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook

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


def execute(folder, code=CODE, parameters=None):
    """Run one cell through papermill with the engine, in `folder`."""
    cells = [new_code_cell("seed = 0", metadata={"tags": ["parameters"]}), new_code_cell(code)]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "in.ipynb")
    papermill.execute_notebook(
        folder / "in.ipynb", folder / "out.ipynb", parameters or {"seed": 1}, "chatkit", progress_bar=False, cwd=folder
    )
    return (folder / "out.ipynb").read_text()


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The same notebook executed twice, in folders of different length."""
    return [execute(tmp_path_factory.mktemp(name)) for name in ("a", "a-much-longer-name")]


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
