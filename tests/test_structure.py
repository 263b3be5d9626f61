"""The house rules that code can keep: dependencies, notebooks, locks, imports."""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import chatkit
from chatkit import checks, plots
from chatkit.fingerprint import fingerprint, fingerprint_file
from chatkit.project import stages
from chatkit.runner.stage import declared_parameters

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "chatkit"
STAGES = ("query", "split", "train", "evaluate", "explain", "triage", "overfitting")
# Notebooks that a command of their own runs, with these values from the command line: what they read changes at all times.
OWN = {"monitor": {"config", "until"}}
SHARED = {"evaluate": ["categories"], "triage": ["categories"]}  # sections that stages have beside their own
# How code reaches other code, or docstrings, past `chatkit.fingerprint`; of the second only the built-in functions.
UNSEEN = {
    "__doc__", "__import__", "__builtins__", "builtins", "import_module", "runpy", "getdoc", "getsource",
    "spec_from_file_location",
}  # fmt: skip
BUILT_IN = {"exec", "eval", "compile"}
# What libraries compute by processor in ways that round the last bit otherwise; chatkit.text.exact has them exact.
LIBRARIES = {"numpy", "math", "scipy", "sklearn"}
INEXACT = {
    "exp", "log", "log1p", "expm1", "logaddexp", "exp2", "log2", "log10", "logaddexp2",
    "softmax", "log_softmax", "expit", "logsumexp", "logit", "log_expit",
}  # fmt: skip
INDEX = '''"""A package."""

from importlib import import_module

__all__ = ["A"]

_HOME = {"A": "chatkit.a"}


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(_HOME[name]), name)


def __dir__():
    return sorted({*globals(), *__all__})
'''
# From the bottom to the top: a room imports from those before it, never from those after it.
ROOMS = (
    "project", "fingerprint", "statistics", "text", "data", "model", "scores", "explain", "checks", "decisions",
    "monitoring", "plots", "evaluation", "explore", "service", "provenance", "site", "runner", "cli",
)  # fmt: skip
# Lines of code, without docstrings, comments and blanks, that each room may have, and the sum of all limits.
LIMIT = 11824
BUDGET = {
    "__init__": 15, "project": 85, "fingerprint": 200, "statistics": 49, "text": 1435, "data": 1795, "model": 1000,
    "scores": 525, "explain": 440, "checks": 940, "decisions": 315, "monitoring": 270, "plots": 885,
    "evaluation": 110, "explore": 1005, "service": 1230, "provenance": 425, "site": 615, "runner": 300, "cli": 185,
}  # fmt: skip


def code_lines(source):
    """How many lines of a module are code: no blanks, comments and docstrings."""
    aside = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in aside:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            lines.difference_update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def chatkit_imports(tree):
    """Names of the chatkit modules that a piece of code imports, functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("chatkit"))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("chatkit"):
            for alias in node.names:
                yield chatkit._HOME.get(alias.name, node.module) if node.module == "chatkit" else node.module
                yield f"{node.module}.{alias.name}"


def unseen(source):
    """What a piece of code uses and `chatkit.fingerprint` cannot see: docstrings, and code that is named by text."""
    tree, allowed = ast.parse(source), set()
    getters = [node for node in tree.body if is_function(node, "__getattr__")]
    if getters and any(is_home(node) for node in tree.body):
        # The one legitimate use: an index says in plain text where its names are defined, and the fingerprint reads it.
        calls = [node for getter in getters for node in ast.walk(getter) if isinstance(node, ast.Call)]
        allowed = {call.func for call in calls if ast.unparse(call) == "import_module(_HOME[name])"}
        imports = [node for node in tree.body if ast.unparse(node) == "from importlib import import_module"]
        allowed |= {alias for node in imports for alias in node.names}
    for node in ast.walk(tree):
        if node not in allowed:
            refused = UNSEEN | BUILT_IN if isinstance(node, ast.Name | ast.alias) else UNSEEN
            yield from (f"line {node.lineno}: {name}" for name in names_in(node) if name in refused)


def names_in(node):
    """The names that one node of a syntax tree spells, a string that is nothing else included."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.alias):
        yield from (node.name.rpartition(".")[2], node.name)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def is_function(node, *names):
    """Whether a statement defines a function of one of these names."""
    return isinstance(node, ast.FunctionDef) and node.name in names


def is_home(node):
    """Whether a statement is the index of a package, spelled as `chatkit.fingerprint` reads it."""
    return (
        isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == ["_HOME"]
        and isinstance(node.value, ast.Dict)
        and all(
            isinstance(text, ast.Constant) and isinstance(text.value, str)
            for text in (*node.value.keys, *node.value.values)
        )
    )


def is_plain(node):
    """Whether a statement may stand in an index, which is part of no fingerprint: it determines no result."""
    if isinstance(node, ast.Import):
        return not any(alias.name.split(".")[0] == "chatkit" for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return not node.level and node.module.split(".")[0] != "chatkit"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
        return isinstance(node.value, ast.List) and all(isinstance(item, ast.Constant) for item in node.value.elts)
    return is_home(node) or is_function(node, "__getattr__", "__dir__")


def faults_of_index(source, is_package=True):
    """What keeps a file from being an index that the fingerprint reads; nothing for one that has no ``_HOME``."""
    tree = ast.parse(source)
    spelled = [node for node in ast.walk(tree) if "_HOME" in names_in(node) and not isinstance(node, ast.Constant)]
    if not spelled:
        return
    homes = [node for node in tree.body if is_home(node)]
    if len(homes) != 1 or not is_package:
        yield "_HOME is not one plain dict of strings in a package's own file"
        return
    looked_up = [
        node.value if isinstance(node, ast.Subscript) else node.comparators[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) or (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load))
    ]
    if [node for node in spelled if node is not homes[0].targets[0] and node not in looked_up]:
        yield "_HOME is used for more than to look a name up"
    yield from (f"an index has {ast.unparse(node).splitlines()[0]}" for node in tree.body if not is_plain(node))


def inexact(source):
    """Functions that a piece of code uses although they differ between processors in the last bit."""
    tree, libraries = ast.parse(source), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias for alias in node.names if alias.name.split(".")[0] in LIBRARIES]
            libraries |= {alias.asname or alias.name.split(".")[0] for alias in names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module.split(".")[0] in LIBRARIES:
            libraries |= {alias.asname or alias.name for alias in node.names}
            yield from (alias.name for alias in node.names if alias.name in INEXACT)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in INEXACT and ast.unparse(node).split(".")[0] in libraries:
            yield ast.unparse(node)


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
    assert tuple(YAML(typ="safe").load(ROOT / "params.yaml")) == (*STAGES, "categories", *OWN)
    assert sorted(file.stem for file in (ROOT / "notebooks").glob("*.ipynb")) == sorted((*STAGES, *OWN))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_its_notebook_its_code_its_section_and_its_reports(stage):
    """The shape that every stage shares; its code is one dependency, made by the stage fingerprint."""
    stage_definition = definition(stage)
    assert stage_definition["cmd"] == f"chatkit run {stage}"
    assert f"notebooks/{stage}.ipynb" in stage_definition["deps"]
    assert fingerprint_file(stage) in stage_definition["deps"]
    assert not [dep for dep in stage_definition["deps"] if dep.startswith("chatkit")]
    assert stage_definition["params"] == [stage, *SHARED.get(stage, [])]
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
    sections = YAML(typ="safe").load(ROOT / "params.yaml")
    given = {name for section in (stage, *SHARED.get(stage, [])) for name in sections[section]} | OWN.get(stage, set())
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


@pytest.mark.parametrize("file", sorted((ROOT / "notebooks" / "explore").glob("*.ipynb")), ids=lambda file: file.stem)
def test_a_notebook_for_people_is_thin_and_without_outputs(file):
    """As a stage's; and no stage has anything to do with it."""
    cells = [cell for cell in json.loads(file.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    code = "\n".join("".join(cell["source"]) for cell in cells if not cell["source"][0].startswith("%"))
    assert not [
        node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For)
    ]
    assert "explore" not in (ROOT / "dvc.yaml").read_text()


def test_no_stage_uses_what_is_for_people():
    """Edited, it makes nothing run again: not even the stage fingerprint."""
    used = {name for stage in STAGES for name in fingerprint(stage) if name.startswith("chatkit/explore/")}
    assert used == set()
    assert {"/notebooks/explore", "/chatkit/explore"} <= set((ROOT / ".dvcignore").read_text().splitlines())


def test_imports_run_in_one_direction():
    """From cli down to project, as `ROOMS` lists them."""

    def room(name):
        return name.split(".")[1] if "." in name else ""

    upward = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in PACKAGE.rglob("*.py")
        if (own := file.relative_to(PACKAGE).parts[0].removesuffix(".py")) in ROOMS
        for name in chatkit_imports(ast.parse(file.read_text()))
        if room(name) in ROOMS and ROOMS.index(room(name)) > ROOMS.index(own)
    ]
    assert upward == []


def test_lines_of_code_are_counted():
    """Statements over several lines and text that is no docstring count; docstrings, comments and blanks do not."""
    assert code_lines('"""A module.\n\nOf two."""\n\nimport os  # why\n# a comment\nX = """a\nb"""\n') == 3
    assert code_lines('def f(\n    x,\n):\n    """A line."""\n\n    return x\n') == 4


def test_no_room_grows_beyond_its_budget():
    """Who adds code looks first for what it makes superfluous; a room that must grow gets another limit here."""
    lines = Counter()
    for file in PACKAGE.rglob("*.py"):
        lines[file.relative_to(PACKAGE).parts[0].removesuffix(".py")] += code_lines(file.read_text())
    assert {room: count for room, count in lines.items() if count > BUDGET.get(room, 0)} == {}
    assert sum(BUDGET.values()) <= LIMIT


def test_what_the_fingerprint_cannot_see_is_not_used():
    """Docstrings do not count and code named by text is not followed; Alembic finds the service's migrations its way."""
    used = {
        file.relative_to(ROOT).as_posix(): found
        for file in PACKAGE.rglob("*.py")
        if PACKAGE / "service" / "migrations" not in file.parents and (found := [*unseen(file.read_text())])
    }
    assert used == {}
    assert [*unseen(INDEX)] == []


@pytest.mark.parametrize(
    "code",
    [
        "print(__doc__)", "f.__doc__", "getattr(f, '__doc__')", "__import__('chatkit.x')", "exec('x')", "eval('x')",
        "x = eval", "exec(compile('x', '', 'exec'))", "from importlib import import_module\nimport_module('chatkit.x')",
        "import importlib\nimportlib.import_module('chatkit.x')", "from importlib import import_module as i",
        "import builtins", "def f():\n    import runpy", "import inspect\ninspect.getdoc(f)",
        INDEX.replace("__getattr__", "get"), INDEX.replace("_HOME = ", "_THERE = "),
        INDEX + "import_module('chatkit.x')", INDEX.replace("import_module(_HOME[name])", "import_module(name)"),
    ],
)  # fmt: skip
def test_what_the_fingerprint_cannot_see_is_found(code):
    """Called, given away or imported; in an index whatever is not the look-up of a name."""
    assert [*unseen(code)]


def test_an_index_holds_nothing_else():
    """A package with ``_HOME`` is part of no fingerprint, so that nothing in it may determine a result."""
    faults = {
        file.relative_to(ROOT).as_posix(): found
        for file in PACKAGE.rglob("*.py")
        if (found := [*faults_of_index(file.read_text(), file.name == "__init__.py")])
    }
    assert faults == {}
    assert [*faults_of_index(INDEX)] == []
    assert [*faults_of_index(INDEX, is_package=False)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("_HOME = {", "_HOME: dict = {"), ("_HOME = {", "HOME = _HOME = {"), ("_HOME = {", "_HOME |= {"),
        ('{"A": "chatkit.a"}', 'dict(A="chatkit.a")'), ('{"A": "chatkit.a"}', '{"A": "chatkit." + "a"}'),
        ('{"A": "chatkit.a"}', "{**other}"), ('{"A": "chatkit.a"}', '{"A": f"{x}"}'), ('"chatkit.a"', "1"),
        ("_HOME = {", "_HOME = {}\n_HOME = {"), ("_HOME = {", "if True:\n    _HOME = {"),
        ("__all__ =", "_HOME['B'] = 'chatkit.b'\n__all__ ="), ("    if name", "    _HOME.update(B='b')\n    if name"),
        ("    if name", "    (_HOME := {})\n    if name"), ("from importlib", "from chatkit.a import _HOME\nfrom importlib"),
        ("from importlib", "from chatkit.a import A\nfrom importlib"), ("from importlib", "from . import a\nfrom importlib"),
        ("from importlib", "import chatkit.a\nfrom importlib"), ("__all__ =", "SEED = 3\n__all__ ="),
        ("__all__ =", "print()\n__all__ ="), ('__all__ = ["A"]', "__all__ = make()"), ("def __dir__", "def other"),
        ("def __dir__", "class A:\n    pass\ndef __dir__"),
    ],
)  # fmt: skip
def test_a_fault_of_an_index_is_found(old, new):
    """``_HOME`` spelled otherwise than the fingerprint reads it, and whatever else stands beside it."""
    assert INDEX.count(old) == 1
    assert [*faults_of_index(INDEX.replace(old, new))]


def test_no_last_bit_depends_on_the_processor():
    """Text and model take these functions from chatkit.text.exact.

    Of libraries' own code nothing can be said here: scikit-learn's logistic regression has its own softmax.
    """
    used = {
        file.relative_to(ROOT).as_posix(): found
        for room in ("text", "model")
        for file in (PACKAGE / room).rglob("*.py")
        if file != PACKAGE / "text" / "exact.py" and (found := [*inexact(file.read_text())])
    }
    assert used == {}


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nnp.exp(x)", "import numpy\nf = numpy.log", "import numpy as np\nnp.logaddexp.reduce(x)",
        "import math\nmath.log(2)", "from math import exp", "from numpy import log1p as l",
        "from scipy.special import softmax", "import scipy.special\nscipy.special.expit(x)",
        "from scipy import special as s\ns.logsumexp(x)", "def f():\n    from scipy.special import log_softmax",
        "import numpy as np\nnp.expm1(x)", "import scipy.special as s\ns.softmax(x)",
    ],
)  # fmt: skip
def test_a_last_bit_that_depends_on_the_processor_is_found(code):
    """However the function is named; the exact ones of the same names are none."""
    assert [*inexact(code)]
    assert [*inexact("from chatkit.text.exact import exp, softmax\nimport numpy as np\nexp(np.abs(softmax(x)))")] == []


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
        "import sys; from chatkit import plots; dir(plots); "
        "assert not [name for name in sys.modules if name.startswith('chatkit.plots.')]; plots.class_shares; "
        "assert 'chatkit.plots.triage' not in sys.modules; from chatkit.checks.result import Result; "
        "assert 'chatkit.checks.suite' not in sys.modules"
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
