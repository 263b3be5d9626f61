"""Where the project is: its root, its parameters, its files."""

import contextlib
import datetime as dt
import os
import textwrap
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

IN_A_RUN = "CHATKIT_RUN"  # environment variable of the kernels that `chatkit run` and other commands start


class InputError(ValueError):
    """A mistake in a file, parameter or command that the user can correct; its message is one sentence."""


@contextlib.contextmanager
def suppress_input_error():
    """Suppress an InputError and print its message, so that a notebook goes on with the next cell.

    Examples
    --------
    >>> with suppress_input_error():
    ...     raise InputError("No chat is urgent; name another category.")
    Not run: No chat is urgent; name another category.
    """
    try:
        yield
    except InputError as error:
        print(textwrap.fill(f"Not run: {error}", 80))


def root():
    """Find the folder with params.yaml and dvc.yaml.

    It is looked for from the current folder upwards, so that a notebook works from wherever its kernel
    starts; then where chatkit itself is installed from.

    Returns
    -------
    pathlib.Path
        Absolute path of the project's root.

    Raises
    ------
    InputError
        When no such folder is found.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[1]):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            return folder
    raise InputError(
        f"No chatkit project at or above {here}: expected a folder with params.yaml and dvc.yaml; "
        "change into the project first."
    )


def path(*parts):
    """Join `parts` to the project's root, unless they name an absolute path.

    Examples
    --------
    >>> path("data", "chats.parquet").relative_to(root()).as_posix()
    'data/chats.parquet'
    """
    joined = Path(*parts)
    return joined if joined.is_absolute() else root() / joined


def output_path(name):
    """Say where a notebook writes an output of its stage: by hand not where DVC expects it.

    Parameters
    ----------
    name : str
        Path of the output from the project's root, as in dvc.yaml.

    Returns
    -------
    pathlib.Path
        In the project when `chatkit run` runs the notebook, below its folder scratch otherwise: to try another value in
        JupyterLab changes no result of the pipeline.

    Examples
    --------
    >>> output_path("data/train.parquet").relative_to(root()).as_posix()
    'scratch/data/train.parquet'
    """
    return path(name) if IN_A_RUN in os.environ else path("scratch", name)


def read_yaml(file):
    """Read a YAML file as DVC does (YAML 1.2), plain dicts and lists.

    Parameters
    ----------
    file : pathlib.Path

    Returns
    -------
    dict or list

    Raises
    ------
    InputError
        When the file is missing or is not YAML.
    """
    try:
        return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise InputError(f"{file} does not exist; restore it with `git checkout -- {file.name}`.") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise InputError(f"{file} is not valid YAML{line}: {problem}; mend that line.") from None


def read_parameters():
    """Read params.yaml; a date without quotes is text there, since a notebook's parameter cannot be a date.

    Returns
    -------
    dict
        The sections.

    Raises
    ------
    InputError
        When the file is missing or is not YAML.
    """
    return _dates_as_text(read_yaml(path("params.yaml")))


def _dates_as_text(value):
    if isinstance(value, dict):
        return {key: _dates_as_text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(one) for one in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def parameters(section):
    """Read one section of params.yaml.

    Parameters
    ----------
    section : str
        Name of the stage whose parameters are wanted, such as ``"split"``.

    Returns
    -------
    dict
        Parameter names and values.

    Raises
    ------
    InputError
        When params.yaml or the section is missing.

    Examples
    --------
    >>> parameters("split")["strategy"]
    'group'
    """
    sections = read_parameters()
    values = sections.get(section) if isinstance(sections, dict) else None
    if not isinstance(values, dict):
        known = ", ".join(sections) or "none"
        raise InputError(
            f"params.yaml has no section {section!r} (it has: {known}); add `{section}:` with the stage's parameters."
        )
    return values


def stages():
    """List the stages of dvc.yaml in their order.

    Returns
    -------
    dict of str to dict
        Names and definitions of the stages that run a notebook.
    """
    defined = read_yaml(path("dvc.yaml")).get("stages", {})
    return {name: stage for name, stage in defined.items() if stage.get("cmd") == f"chatkit run {name}"}


def outputs(stage):
    """List what a stage makes.

    Parameters
    ----------
    stage : dict
        Its definition in dvc.yaml.

    Returns
    -------
    dict of str to dict
        DVC's options by path.

    Examples
    --------
    >>> outputs({"outs": ["data/train.parquet"], "metrics": [{"metrics/evaluate.json": {"cache": False}}]})
    {'data/train.parquet': {}, 'metrics/evaluate.json': {'cache': False}}
    """
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
    return {path: options for entry in entries
            for path, options in ({entry: {}} if isinstance(entry, str) else entry).items()}  # fmt: skip


@contextlib.contextmanager
def replacing(file):
    """Write a file whole or not at all: yields a path beside `file`, renamed onto it on success.

    Parameters
    ----------
    file : pathlib.Path
        The file to write; its folder is made when missing.

    Yields
    ------
    pathlib.Path
        Where to write. On an error it is removed and `file` stays as it was.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> with replacing(folder / "a.txt") as beside:
    ...     _ = beside.write_text("whole")
    >>> [f.name for f in folder.iterdir()]
    ['a.txt']
    """
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Dot first, so that no pattern or DVC dependency picks up the unfinished file.
    beside = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        yield beside
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
