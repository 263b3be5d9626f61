"""What a stage's code comes to: which modules are reached, and what of them counts."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from chatkit import fingerprint as module
from chatkit.fingerprint import _digest, code_sha256, fingerprint, fingerprint_file, write_fingerprints
from chatkit.project import InputError
from tests.conftest import ROOT

CODE = '''"""A module."""

import os  # for names


def read(name, *, whole=True):
    """Read it."""
    return f"{os.sep}{name!r:>{10}}" if whole else "é" "\\U0001fae8"
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package of the same name, in a project of its own with a notebook `one`."""
    files = {
        "__init__.py": '_HOME = {"load": "chatkit.model"}',
        "project.py": "A = 1",
        "model.py": "from chatkit.project import A\ndef load():\n    from chatkit.text.words import split",
        "text/__init__.py": '"""Only says what it is."""',
        "text/words.py": "from . import stop\nfrom ..loud import cry",
        "text/stop.py": "B = 2",
        "loud/__init__.py": "from chatkit.project import A\ncry = A",
        "loud/inner.py": "C = 3",
        "plots/__init__.py": '_HOME = {"bar": "chatkit.plots.bars", "pie": "chatkit.plots.pies"}',
        "plots/bars.py": "from chatkit.plots import style",
        "plots/pies.py": "D = 4",
        "plots/style.py": "E = 5",
        "runner/stage.py": "F = 6",
        "unused.py": "G = 7",
    }
    for name, source in files.items():
        (tmp_path / "chatkit" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "chatkit" / name).write_text(source)
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setattr(module, "PACKAGE", tmp_path / "chatkit")
    monkeypatch.setattr(module, "FILES", {})
    monkeypatch.chdir(tmp_path)
    return tmp_path / "chatkit"


def notebook(*sources):
    """Write the notebook `one` with these code cells."""
    cells = [new_markdown_cell("import chatkit.unused"), *map(new_code_cell, sources)]
    Path("notebooks").mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), "notebooks/one.ipynb")


@pytest.mark.parametrize(
    ("code", "reached"),
    [
        ("import os", ""),
        ("import chatkit", ""),
        ("from chatkit import load", "model project text/words text/stop loud/__init__"),
        ("import chatkit as c\nc.load()", "model project text/words text/stop loud/__init__"),
        ("import chatkit.project", "project"),
        ("def late():\n    from chatkit.text.stop import B", "text/stop"),
        ("import chatkit.loud.inner", "loud/__init__ loud/inner project"),
        ("from chatkit.loud import inner", "loud/__init__ loud/inner project"),
        ("from chatkit import plots", ""),
        ("from chatkit import plots\nplots.pie()", "plots/pies"),
        ("from chatkit import plots\nplots.bar().show()", "plots/bars plots/style"),
        ("from chatkit import plots as p\np.style.E", "plots/style"),
        ("from chatkit.plots import bar", "plots/bars plots/style"),
        ("from chatkit.plots import *", "plots/bars plots/style plots/pies"),
        ("import chatkit.plots", "plots/bars plots/style plots/pies"),
        ("from chatkit import plots\nprint(plots)", "plots/bars plots/style plots/pies"),
        ("%time x = 1\nfrom chatkit.project import A\n!ls", "project"),
        ("from chatkit import plots\n%time plots.pie()", "plots/pies"),
        ("from chatkit import plots\nx = %timeit -n 3 -r 2 -o plots.pie()", "plots/pies"),
        ("for x in y:\n    %time from chatkit.project import A", "project"),
        ("%%time\nfrom chatkit.text.stop import B\nB", "text/stop"),
        ("%%timeit -n 3 from chatkit.text import stop\nimport chatkit.project", "text/stop project"),
        ("%%capture out\n%%time\n%time import chatkit.project", "project"),
        ("get_ipython().run_line_magic('time', line='import chatkit.project')", "project"),
        ("from chatkit import plots\nx = !ls\nx", ""),
        ("from chatkit import plots\n!ls {plots.pie()} | awk '{print $1}'", "plots/pies"),
        ("from chatkit import plots\nplots?", "plots/bars plots/style plots/pies"),
        ("from chatkit import plots\nplots.pie??", "plots/pies"),
        ("%%bash\nls -l | wc", ""),
        ("%%bash\nif true; then ls; fi", ""),
        ("%run -i ../chatkit/text/stop.py a", "text/stop"),
        ("%run -m chatkit.project", "project"),
        ("%load_ext chatkit.loud.inner", "loud/__init__ loud/inner project"),
    ],
)
def test_what_a_notebook_reaches(package, code, reached):
    """Imports at any place, from file to file; of an index what is used, and all of it where that cannot be told."""
    notebook(code)
    expected = {f"chatkit/{name}.py" for name in [*reached.split(), "runner/stage"]}
    assert set(fingerprint("one")) == expected


def test_an_alias_holds_for_the_cells_below(package):
    """A notebook is one piece of code."""
    notebook("from chatkit import plots", "plots.pie()")
    assert "chatkit/plots/pies.py" in fingerprint("one")


def test_comments_docstrings_and_layout_do_not_count():
    """Nor does a bare string anywhere."""
    other = CODE.replace("A module", "The module").replace("  # for names", "\n# a comment").replace(
        '    """Read it."""\n', "    'Another.'\n    'And more.'\n"
    )  # fmt: skip
    other = other.replace("(name, *, whole=True)", "(\n    name,\n    *,\n    whole=True,\n)").replace('"é" "', '"é')
    assert other != CODE
    assert _digest(other.encode()) == _digest(CODE.encode()) == _digest(CODE.replace("\n", "\r\n").encode())
    assert _digest(b'# Nothing.\n"""Nothing."""\n') == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("whole=True", "whole=False"), ("whole=True", "whole=1"), ("*, ", ""), ("import os", "import os as o"),
        ("!r", "!s"), ("{10}", "{11}"), ('"é"', '"e"'), ("U0001fae8", "U0001fae7"), ("os.sep", "os.linesep"),
        ("return", "yield"), ("if whole", "if not whole"), ("def read", "@print\ndef read"), ('f"{', 'f" {'),
    ],
)  # fmt: skip
def test_whatever_may_change_a_result_counts(old, new):
    """Values, types, names, order, decorators, f-strings."""
    assert old in CODE
    assert _digest(CODE.replace(old, new).encode()) != _digest(CODE.encode())


def test_all_pythons_give_the_same_digests():
    """dvc.lock is the same for each version that chatkit runs on: every file of the package, and what is tricky."""
    tricky = 'x = f"a" "b" f"{1:>{2}}" f"{x!r}" "" f"c{{d}}{y=}{z:%H:%M}{w:{a}.{b}}" f"" "é\\U0001fae8" rf"\\d{e}\\n"\n'
    sources = [
        file.read_text(encoding="utf-8") for folder in ("chatkit", "tests") for file in (ROOT / folder).rglob("*.py")
    ]
    sources += [CODE, tricky, "x = 1e999 + 1_0j + -0.0", 'class A:\n    """D."""\n']
    code = (ROOT / "chatkit" / "fingerprint.py").read_text(encoding="utf-8")
    # By the standard library alone: another version need not have the packages.
    code = code.replace("from chatkit.project import InputError, path, replacing, stages", "__file__ = ''")
    code += "\nimport sys\nfor source in json.load(sys.stdin):\n    print(_digest(source.encode()))"

    def digests(python):
        done = subprocess.run(
            [python, "-c", code],
            input=json.dumps(sources),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout.split("\n")

    others = [python for minor in (11, 12, 13) for python in pythons(minor) if Path(python) != Path(sys.executable)]
    if not others:
        pytest.skip("no other Python from 3.11 to 3.13 is on this machine")
    expected = [_digest(source.encode()) for source in sources] + [""]
    for python in others:
        assert digests(python) == expected, python


def pythons(minor):
    """An interpreter of a version, where there is one: on the PATH or among pyenv's."""
    found = [shutil.which(f"python3.{minor}"), *map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))]
    return [python for python in found if python and (version := answer(python)) and version == f"3.{minor}"][-1:]


def answer(python):
    """The version that an interpreter says it has; pyenv's stand-ins may refuse."""
    code = "import sys; print(f'{sys.version_info[0]}.{sys.version_info[1]}')"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


def test_half_written_code_counts_as_it_stands(package):
    """A module that somebody is writing stops nobody's other stages; a notebook is named, with the line."""
    (package / "project.py").write_text("def (")
    notebook("import chatkit.project")
    before = fingerprint("one")
    (package / "project.py").write_text("def (:")
    assert fingerprint("one") != before
    for cell in ("y = (\n", "%time x\ny = (\n"):
        notebook("x = 1", cell)
        with pytest.raises(
            InputError, match=r"notebooks/one\.ipynb has a cell that is no Python: .* in «y = \(»; mend it\."
        ):
            fingerprint("one")
    for cell in ("this is no Python", "x = \0", "cd .."):
        notebook(cell)
        with pytest.raises(InputError, match=r"^notebooks/one\.ipynb has a cell that is no Python: .*; mend it\.$"):
            fingerprint("one")
    Path("notebooks/one.ipynb").write_text("{}")
    with pytest.raises(InputError, match=r"one\.ipynb is no notebook; restore it"):
        fingerprint("one")
    with pytest.raises(InputError, match=r"two\.ipynb does not exist; restore it"):
        fingerprint("two")


@pytest.mark.parametrize(
    "home", ['dict(A="chatkit.project")', '{"A": 1}', '["A"]', '{**other, "A": "chatkit.project"}']
)
def test_an_index_that_cannot_be_read_is_one_sentence(package, home):
    """It says where names are defined, so it must be plain."""
    (package / "plots" / "__init__.py").write_text(f"_HOME = {home}")
    notebook("from chatkit.plots import A")
    with pytest.raises(
        InputError, match=r"^chatkit/plots/__init__\.py has _HOME = .*, expected a plain dict of strings;"
    ):
        fingerprint("one")


def test_files_that_are_no_modules_count(package, monkeypatch):
    """With the module that reads them, whatever their line ends."""
    monkeypatch.setattr(module, "FILES", {"chatkit/project.py": ["chatkit/page.html"]})
    notebook("import chatkit.project")
    found = []
    for content in (b"<p>\nA", b"<p>\r\nA", b"<p>\nB"):
        (package / "page.html").write_bytes(content)
        found.append(fingerprint("one"))
    assert found[0] == found[1] != found[2]
    assert found[0]["chatkit/page.html"] == hashlib.sha256(b"<p>\nA").hexdigest()[:16]


def test_files_are_written_where_they_are_not_right(package):
    """Sorted JSON, a line a module; one that is right keeps its time."""
    Path("dvc.yaml").write_text("stages:\n  one:\n    cmd: chatkit run one\n  other:\n    cmd: something else\n")
    notebook("import chatkit.text.words")
    write_fingerprints()
    file = Path(fingerprint_file("one"))
    assert json.loads(file.read_text()) == fingerprint("one")
    assert list(fingerprint("one")) == sorted(fingerprint("one"))
    assert [path.name for path in file.parent.iterdir()] == ["one.json"]
    before = file.stat().st_mtime_ns
    write_fingerprints("one")
    assert file.stat().st_mtime_ns == before
    (package / "text" / "words.py").write_text("B = 3")
    write_fingerprints("one")
    assert json.loads(file.read_text()) == fingerprint("one")


def test_the_digest_of_code_is_of_all_that_it_reaches(package):
    """And of nothing else."""
    before = code_sha256("chatkit.model")
    (package / "unused.py").write_text("G = 8")
    assert code_sha256("chatkit.model") == before
    (package / "text" / "stop.py").write_text("B = 3")
    assert code_sha256("chatkit.model") != before
