"""The house rules that code can keep: dependencies, notebooks, locks, imports."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import chatkit
from chatkit.evaluation import checks, plots
from chatkit.fingerprint import fingerprint_file
from chatkit.project import stages
from chatkit.report.stage import declared_parameters

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "chatkit"
STAGES = ("query", "split", "train", "evaluate", "explain", "triage", "overfitting")
# Notebooks that a command of their own runs, with these values from the command line: what they read changes at all times.
OWN = {"monitor": {"config", "until"}}
# From the bottom to the top: a room imports from those before it, never from those after it.
ROOMS = ("project", "fingerprint", "text", "data", "model", "evaluation", "service", "report", "cli")


def chatkit_imports(tree):
    """Names of the chatkit modules that a piece of code imports, functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("chatkit"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("chatkit"):
            for alias in node.names:
                yield chatkit._HOME.get(alias.name, node.module) if node.module == "chatkit" else node.module
                yield f"{node.module}.{alias.name}"


def code_of(stage):
    """A notebook's code as one syntax tree."""
    cells = json.loads((ROOT / "notebooks" / f"{stage}.ipynb").read_text())["cells"]
    return ast.parse("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))


def definition(stage):
    """A stage as dvc.yaml defines it."""
    return YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"][stage]


def test_one_word_names_a_stage_everywhere():
    """Stage, notebook, section of params.yaml; the notebooks of commands are no stages, but have the rest."""
    assert tuple(stages()) == STAGES
    assert tuple(YAML(typ="safe").load(ROOT / "params.yaml")) == (*STAGES, *OWN)
    assert sorted(file.stem for file in (ROOT / "notebooks").glob("*.ipynb")) == sorted((*STAGES, *OWN))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_its_notebook_its_code_its_section_and_its_reports(stage):
    """The shape that every stage shares; its code is one dependency, made by the stage fingerprint."""
    stage_definition = definition(stage)
    assert stage_definition["cmd"] == f"chatkit run {stage}"
    assert f"notebooks/{stage}.ipynb" in stage_definition["deps"]
    assert fingerprint_file(stage) in stage_definition["deps"]
    assert not [dep for dep in stage_definition["deps"] if dep.startswith("chatkit")]
    assert stage_definition["params"] == [stage]
    assert {f"reports/{stage}.ipynb", f"reports/{stage}.html"} <= set(stage_definition["outs"])


def test_the_stage_fingerprint_sees_all_code():
    """The package and the notebooks; what it makes is small and in git, so that a fresh clone has it."""
    stage_definition = definition("fingerprint")
    assert stage_definition["deps"] == ["chatkit", "notebooks"]
    assert stage_definition["outs"] == [{fingerprint_file(stage): {"cache": False}} for stage in STAGES]


@pytest.mark.parametrize("stage", [*STAGES, *OWN])
def test_a_notebook_declares_what_params_yaml_gives(stage):
    """One line a parameter, read from params.yaml, with a comment that says what it means."""
    import nbformat

    notebook = nbformat.read(ROOT / "notebooks" / f"{stage}.ipynb", as_version=4)
    nbformat.validate(notebook)
    given = set(YAML(typ="safe").load(ROOT / "params.yaml")[stage]) | OWN.get(stage, set())
    assert declared_parameters(notebook, stage) == given
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    for line in cell.source.splitlines():
        if "p[" in line:
            assert re.fullmatch(r'(\w+) = p\["\1"\]  # .{5,}', line), line


@pytest.mark.parametrize("stage", [*STAGES, *OWN])
def test_a_notebook_is_thin_and_without_outputs(stage):
    """Parameters, calls and prose: a function belongs in the library, an output in the report."""
    notebook = json.loads((ROOT / "notebooks" / f"{stage}.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert not [node for node in ast.walk(code_of(stage)) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For)]


def test_imports_run_in_one_direction():
    """cli → report, service → evaluation → model → data, text → project."""

    def room(name):
        return name.split(".")[1] if "." in name else ""

    upward = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in PACKAGE.rglob("*.py")
        for name in chatkit_imports(ast.parse(file.read_text()))
        if room(name) in ROOMS
        and file.parent != PACKAGE
        and ROOMS.index(room(name)) > ROOMS.index(file.relative_to(PACKAGE).parts[0])
    ]
    assert upward == []


@pytest.mark.parametrize("package", [chatkit, plots, checks])
def test_public_names_are_there(package):
    """The literal __all__ is what can be imported, and no module of the package has a name's name."""
    assert sorted(package._HOME) == sorted(package.__all__)
    assert set(package.__all__) <= set(dir(package))
    assert all(getattr(package, name).__name__ == name for name in package.__all__)
    assert not {file.stem for file in Path(package.__file__).parent.iterdir()} & set(package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_a_plot_is_read_when_it_is_used():
    """Who draws one figure need not read the code of all."""
    code = (
        "import sys; from chatkit.evaluation import plots; dir(plots); "
        "assert not [name for name in sys.modules if name.startswith('chatkit.evaluation.plots.')]; plots.class_shares; "
        "assert 'chatkit.evaluation.plots.triage' not in sys.modules; from chatkit.evaluation.checks.result import Result; "
        "assert 'chatkit.evaluation.checks.run' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_locks_follow_pyproject_and_name_no_index():
    """Every dependency is pinned with hashes, nothing says where it came from, conda users get the same."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name = re.compile(r"[\w.-]+")
    extras = project["optional-dependencies"]
    dev = [
        entry for name in ("dev", "postgres", "service") for entry in extras[name] if not entry.startswith("chatkit[")
    ]
    dev += project["dependencies"]
    for lock, wanted in (("requirements.lock", project["dependencies"]), ("requirements-dev.lock", dev)):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        pins = dict(re.findall(r"^([\w.-]+)(?:\[\S+\])?==(\S+)", text, re.MULTILINE))
        assert {re.sub(r"[._]", "-", name.match(entry)[0]) for entry in wanted} <= set(pins)
        assert text.count("--hash=sha256:") >= len(pins)
    both = [dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))
            for lock in ("requirements.lock", "requirements-dev.lock")]  # fmt: skip
    assert both[0].items() <= both[1].items()
    (pip,) = (
        entry["pip"]
        for entry in YAML(typ="safe").load(ROOT / "environment.yml")["dependencies"]
        if "pip" in entry and isinstance(entry, dict)
    )
    assert pip == ["-r requirements.lock"]


def test_no_machine_path_stands_in_a_tracked_file():
    """The project is the same wherever it is cloned."""
    home = re.compile(r"/(?:home|Users|root|work)/\w+")
    files = [*ROOT.glob("*.*"), *PACKAGE.rglob("*.*"), *(ROOT / "notebooks").glob("*"), *(ROOT / ".dvc").glob("config")]
    named = [
        file
        for file in files
        if file.is_file()
        and "__pycache__" not in file.parts
        and file.suffix != ".png"
        and home.search(file.read_text())
    ]
    assert named == []


def test_no_test_is_left_out():
    """The paths that pytest is given, in their order, hold every test file."""
    paths = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    assert all((ROOT / path).exists() for path in paths)
    left_out = [
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "tests").rglob("test_*.py")
        if not any(file == ROOT / path or ROOT / path in file.parents for path in paths)
    ]
    assert left_out == []
