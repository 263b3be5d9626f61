"""What code determines a result: a digest of each module that is reached, without comments and docstrings."""

import ast
import functools
import hashlib
import json
import re
from itertools import accumulate, groupby
from pathlib import Path

from chatkit.project import InputError, path, replacing, stages

PACKAGE = Path(__file__).parent
# Every notebook is run by this module, so its code is part of every stage.
RUNNER = "chatkit.runner.stage"
# Files that are no modules and are read while a stage runs, by the module that reads them.
FILES = {
    "chatkit/site/page.py": [
        f"chatkit/site/template/{name}"
        for name in ("cells.html.j2", "conf.json", "frame.html.j2", "page.html.j2", "style.css")
    ],
}
_DIGITS = 16
# What a syntax tree has beside the code itself, and not in every version of Python.
_ASIDE = {"ctx", "kind", "type_comment", "type_ignores"}
# What IPython makes of its own commands, and those of them that name modules.
_COMMANDS = {"run_line_magic", "run_cell_magic", "getoutput", "system"}
_LOADERS = {"run", "load_ext", "reload_ext"}
_IN_BRACES = re.compile(r"\{([^{}]+)\}")


def fingerprint(stage):
    """Digest the code that a stage uses: what its notebook reaches through imports, and what runs notebooks.

    Comments, docstrings and layout do not count. The same for Python 3.11 to 3.13.

    Code behind IPython's commands counts, as in ``%time f(x)``, ``%%time``, ``!ls {f(x)}``, ``%run chatkit/x.py``
    and ``%load_ext chatkit.x``. Not followed are programs that a shell starts (``!python -m chatkit.x``), files outside
    the package that ``%run`` names, modules whose names are made while the notebook runs, what ``f?`` shows of
    docstrings, and text in variables. A command without its ``%``, such as ``cd ..``, is no Python here.

    Parameters
    ----------
    stage : str
        Name of a notebook in the folder notebooks.

    Returns
    -------
    dict of str to str
        Sixteen digits by file, sorted; files as paths from the folder that holds the package.

    Raises
    ------
    InputError
        When the notebook is missing or is none, IPython can make no Python of a cell, or the ``_HOME`` of a package is
        no plain dict of strings.
    """
    return _digests([*_uses(_code_of(path("notebooks", f"{stage}.ipynb"))), (RUNNER, None)])


def code_sha256(module):
    """Digest the code of a module and of all that it reaches.

    Parameters
    ----------
    module : str
        Its name, such as ``"chatkit.model.bundle"``.

    Returns
    -------
    str
        SHA-256, hexadecimal.

    Raises
    ------
    InputError
        When the ``_HOME`` of a package is no plain dict of strings.

    Examples
    --------
    >>> len(code_sha256("chatkit.project"))
    64
    """
    return hashlib.sha256(json.dumps(_digests([(module, None)]), sort_keys=True).encode()).hexdigest()


def fingerprint_file(stage):
    """Name the file on which a stage depends in place of its modules, from the project's root."""
    return f"fingerprints/{stage}.json"


def fingerprint_text(stage):
    """Write the `fingerprint` of a stage as its file has it, one line a module."""
    return json.dumps(fingerprint(stage), indent=1) + "\n"


def write_fingerprints(*names):
    """Write the files of `fingerprint_file`.

    Parameters
    ----------
    *names : str
        Stages; by default all of dvc.yaml. A file that is right already is left alone.

    Raises
    ------
    InputError
        As `fingerprint`; then nothing is written.
    """
    for name, text in {name: fingerprint_text(name) for name in names or stages()}.items():
        file = path(fingerprint_file(name))
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            with replacing(file) as beside:
                beside.write_text(text, encoding="utf-8", newline="\n")


def _digests(requests):
    """Follow requests from file to file; return the digest of each file."""
    digests, requests, done = {}, list(requests), set()
    while requests:
        request = requests.pop()
        if request in done:
            continue
        done.add(request)
        for file in _homes(*request):
            name = file.relative_to(PACKAGE.parent).as_posix()
            if name not in digests:
                source = file.read_bytes()
                digests[name] = _digest(source)
                requests += _uses(_parsed(source), name)
                for other in FILES.get(name, []):
                    digests[other] = _short((PACKAGE.parent / other).read_bytes().replace(b"\r\n", b"\n"))
    return {name: digest for name, digest in sorted(digests.items()) if digest}


def _homes(name, attributes):
    """Files that are executed when a name of the package is imported and, of it, these attributes (None: all) are used.

    Python first executes the packages around a module. A package with an index ``_HOME`` imports nothing by itself:
    what counts is where its names are defined.
    """
    file = _file(name)
    if file is None:  # a name inside a module
        parent, _, attribute = name.rpartition(".")
        return _homes(parent, (attribute,)) if parent else []
    around = accumulate(name.split("."), lambda package, part: f"{package}.{part}")
    files = [other for other in map(_file, around) if other and _index(other) is None]
    if file.name == "__init__.py":
        home = _index(file) or {}
        for attribute in home if attributes is None else attributes:
            target = home.get(attribute, f"{name}.{attribute}")
            files += _homes(target, None) if _file(target) else []
    return files


def _file(name):
    """The file of a module or package, None when the name is neither."""
    stem = PACKAGE.parent / name.replace(".", "/")
    return next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None)


def _index(file):
    """Where the names of a package are defined, None when its file says nothing of it."""
    return _index_in(file.read_bytes(), file.relative_to(PACKAGE.parent).as_posix())


@functools.cache
def _index_in(source, name):
    for node in _parsed(source).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["_HOME"]:
            try:
                home = ast.literal_eval(node.value)
            except ValueError:
                home = None
            if isinstance(home, dict) and all(isinstance(text, str) for item in home.items() for text in item):
                return home
            raise InputError(
                f"{name} has _HOME = {ast.unparse(node.value):.60}, expected a plain dict of strings; write each name "
                "and its module out."
            )
    return None


@functools.cache
def _uses(tree, module=""):
    """What code imports, wherever it does so: names of the package, and the attributes used of each (None: any)."""
    requests, local = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname or "." not in alias.name:
                    local.add((alias.asname or alias.name, alias.name))
                else:
                    requests.add((alias.name, None))
        elif isinstance(node, ast.ImportFrom):
            parent = _absolute(node, module)
            for alias in node.names:
                if alias.name == "*":
                    requests.add((parent, None))
                else:
                    local.add((alias.asname or alias.name, f"{parent}.{alias.name}"))
    attributes = _attributes(tree)
    requests |= {(name, attributes.get(as_name, ())) for as_name, name in local}
    return [request for request in requests if request[0].split(".")[0] == PACKAGE.name]


def _absolute(node, module):
    """The module that a from-import names, dots at its beginning resolved."""
    around = module.split("/")[:-1]
    parent = around[: len(around) - node.level + 1] if node.level else []
    return ".".join([*parent, *filter(None, [node.module])])


def _attributes(tree):
    """The attributes used of each name, None for a name that is also used otherwise, such as given to a function."""
    used, inside = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used.setdefault(node.value.id, set()).add(node.attr)
            inside.add(node.value)
    alone = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in inside}
    return {name: tuple(sorted(attributes)) for name, attributes in used.items()} | dict.fromkeys(alone)


def _code_of(file):
    """A notebook's code as one syntax tree."""
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        kind = "does not exist" if isinstance(error, FileNotFoundError) else "is no notebook"
        raise InputError(f"notebooks/{file.name} {kind}; restore it with `git checkout`.") from None
    return ast.Module([node for source in sources for node in _cell(source, file.name)], [])


def _cell(source, name):
    try:
        return _statements(source)
    except (SyntaxError, ValueError) as error:  # Python 3.11 says of some characters that they are a wrong value
        reason, line = getattr(error, "msg", error), getattr(error, "text", None) or ""
        raise InputError(
            f"notebooks/{name} has a cell that is no Python: {reason} in «{line.strip()}»; mend it."
        ) from None


def _statements(source):
    """Parse a cell, IPython's own commands included, and the code that these are given as text."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # half a second, for the few who need it

        body = ast.parse(TransformerManager().transform_cell(source)).body
    calls = [node for part in body for node in ast.walk(part) if isinstance(node, ast.Call)]
    return [*body, *(node for call in calls for node in _behind(call))]


def _behind(call):
    """Statements that a call runs, where it is one of IPython's commands and its text says so."""
    command = getattr(call.func, "attr", None)
    if command not in _COMMANDS:
        return
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    texts = [node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    for text in texts:
        for code in _IN_BRACES.findall(text):
            yield from _without_options(code.strip())
    if command in ("getoutput", "system"):  # the rest is for the shell
        return
    for text in texts[1:]:
        yield from _without_options(text)
        if texts[0] in _LOADERS:
            for word in text.split():
                loaded = word.strip("'\"").lstrip("./").removesuffix(".py").replace("/", ".")
                yield ast.ImportFrom(loaded, [ast.alias("*")], 0)


def _without_options(text):
    """Parse the text of a command: all of it or, after options, the longest end that is Python; else nothing."""
    options = text.startswith("-")
    while text:
        try:
            return _statements(text)
        except (SyntaxError, ValueError):
            text = text.partition(" ")[2].lstrip() if options else ""
    return []


@functools.cache
def _parsed(source):
    try:
        return ast.parse(source)
    except SyntaxError:  # somebody is writing: the stages that import it will say what is wrong
        return ast.Module([], [ast.TypeIgnore(0, "no Python")])


@functools.cache
def _digest(source):
    """Digest a module; nothing for one that holds nothing but comments and docstrings."""
    tree = _parsed(source)
    if tree.type_ignores:
        return _short(source)
    code = _written(tree.body)
    return _short(code.encode()) if code != "[]" else ""


def _short(content):
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _written(value):
    """Write a syntax tree as text, in our own way: `ast.dump` and `ast.unparse` differ between versions of Python."""
    if isinstance(value, list):
        return f"[{','.join(_written(item) for item in value if not _is_docstring(item))}]"
    if isinstance(value, ast.JoinedStr):
        return f"JoinedStr({','.join(_pieces(value.values))})"
    if isinstance(value, ast.AST):
        fields = ((name, getattr(value, name, None)) for name in value._fields if name not in _ASIDE)
        written = (f"{name}={_written(field)}" for name, field in fields if field is not None and field != [])
        return f"{type(value).__name__}({','.join(written)})"
    return ascii(value)  # not repr: which characters it shows depends on the version's Unicode


def _pieces(values):
    """The parts of an f-string; versions cut the text between two braces otherwise."""
    for is_text, group in groupby(values, lambda value: isinstance(value, ast.Constant)):
        if is_text:
            text = "".join(value.value for value in group)
            yield from [ascii(text)] if text else []
        else:
            yield from map(_written, group)


def _is_docstring(node):
    """Whether a statement is a bare string: it does nothing, wherever it stands."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
