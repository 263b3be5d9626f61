"""Run a stage: its notebook through papermill with its parameters, then its page."""

import contextlib
import os
import sys
import tempfile
import textwrap

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from chatkit.project import IN_A_RUN, InputError, outputs, parameters, path, replacing, root, stages
from chatkit.runner.engine import KERNEL_ENVIRONMENT
from chatkit.site.page import read_parameters_cell, render

_MESSAGE_LINES = 8


def stage_parameters(stage):
    """Collect exactly the parameters whose sections of params.yaml a stage lists in dvc.yaml.

    Parameters
    ----------
    stage : str
        Name of a stage.

    Returns
    -------
    dict
        Names and values.

    Raises
    ------
    InputError
        When the stage does not exist, or params.yaml has no section of a name that is listed.
    """
    defined = stages()
    if stage not in defined:
        raise InputError(f"There is no stage {stage!r} in dvc.yaml (it has: {', '.join(defined)}); name one of these.")
    sections = defined[stage].get("params", [])
    return {name: value for section in sections for name, value in parameters(section).items()}


def _check_declared(name, values):
    """Refuse values that the notebook does not declare as parameters, and parameters without a value."""
    file = path("notebooks", f"{name}.ipynb")
    try:
        notebook = nbformat.read(file, as_version=4)
    except (OSError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise InputError(
            f"notebooks/{file.name} is no notebook that can be read ({error}); restore it with `git checkout`."
        ) from None
    if different := sorted(values.keys() ^ declared_parameters(notebook, file.name)):
        raise InputError(
            f"Section {name} of params.yaml and the parameters cell of notebooks/{file.name} differ in "
            f"{', '.join(different)}; both need the same names."
        )


def declared_parameters(notebook, name):
    r"""Return the names that a notebook's parameters cell assigns, from params.yaml or as a constant.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    name : str
        File name, for the error.

    Returns
    -------
    set of str

    Raises
    ------
    InputError
        When no cell, or more than one, has the tag ``parameters``.

    Examples
    --------
    >>> cell = nbformat.v4.new_code_cell('p = parameters("split")\nseed = p["seed"]  # of the draw')
    >>> cell.metadata.tags = ["parameters"]
    >>> declared_parameters(nbformat.v4.new_notebook(cells=[cell]), "split.ipynb")
    {'seed'}
    """
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise InputError(
            f"notebooks/{name} has {len(cells)} cells with the tag 'parameters', expected one; set it in JupyterLab's "
            "property inspector."
        )
    return {*read_parameters_cell(cells[0].source)}


def run_notebook(name, values=None, eyebrow=None):
    """Execute a notebook of the folder notebooks and write its report.

    Writes ``reports/NAME.ipynb`` and ``reports/NAME.html``, each whole or not at all.

    Parameters
    ----------
    name : str
        Of the notebook.
    values : dict, optional
        A value for each parameter that the notebook declares, for none else; by default the notebook is a stage's, and
        they are those of `stage_parameters`.
    eyebrow : str, optional
        What stands above the page's title; by default which of the stages it is.

    Raises
    ------
    InputError
        When the parameters do not fit the notebook, or a cell raises; what there is so far is then left as
        ``reports/NAME.failed.html`` and ``.ipynb``.
    """
    values = stage_parameters(name) if values is None else values
    _check_declared(name, values)
    reports = root() / "reports"
    reports.mkdir(exist_ok=True)
    partial, partial_page = (reports / f"{name}.failed.{kind}" for kind in ("ipynb", "html"))
    progress = _Progress(name)
    # From the root with relative paths: the executed notebook names no folder of this machine.
    with (
        contextlib.chdir(root()),
        tempfile.TemporaryDirectory(prefix="chatkit-") as empty,
        # An empty folder in place of the user's IPython profile: start-up files change what a notebook prints.
        _environment(KERNEL_ENVIRONMENT | {"IPYTHONDIR": empty, IN_A_RUN: name}),
    ):
        try:
            notebook = papermill.execute_notebook(
                f"notebooks/{name}.ipynb",
                f"reports/{partial.name}",
                parameters=values,
                engine_name="chatkit",
                kernel_name="python3",
                progress_bar=False,
                on_cell_start=progress,
            )
        except PapermillExecutionError as error:
            _write_page(nbformat.read(partial, as_version=4), name, eyebrow, partial_page)
            raise InputError(_failure(name, error, progress.heading)) from None
    _write_page(notebook, name, eyebrow, reports / f"{name}.html")
    partial.replace(reports / f"{name}.ipynb")
    partial_page.unlink(missing_ok=True)
    progress.show(f"done, see reports/{name}.html", end="\n")


def _write_page(notebook, name, eyebrow, file):
    # A notebook that is no stage stands behind them.
    page = render(notebook, name, [*dict.fromkeys([*stages(), name])], eyebrow)
    with replacing(file) as beside:
        beside.write_text(page, encoding="utf-8")


class _Progress:
    """Prints the section a notebook is at: one line, overwritten, on a terminal; a line for each in a log."""

    def __init__(self, name):
        self.name, self.terminal = name, sys.stdout.isatty()
        self.show("starting")

    def __call__(self, cell, cell_index):
        headings = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
        if cell.cell_type == "markdown" and headings and headings[-1] != self.heading:
            self.show(headings[-1])

    def show(self, heading, end=""):
        self.heading, line = heading, f"{self.name}: {heading}"
        print(f"\r\033[K{line}" if self.terminal else line, end=end if self.terminal else "\n", flush=True)


@contextlib.contextmanager
def _environment(variables):
    before = os.environ.copy()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _failure(name, error, heading):
    """Say in which cell a notebook failed, why, and how to go on."""
    source = textwrap.shorten(error.source.strip().partition("\n")[0], 100)
    message = error.evalue if error.ename == "InputError" else f"{error.ename}: {error.evalue}"
    return "\n".join(
        [
            f"{name} failed at «{heading}», in the cell that starts with: {source}",
            *(f"  {line}" for line in message.strip().splitlines()[:_MESSAGE_LINES]),
            f"The page so far is reports/{name}.failed.html, its notebook reports/{name}.failed.ipynb;",
            _way_back(stages()[name]) if name in stages() else "correct that and run it again.",
        ]
    )


def _way_back(stage):
    """How to restore what DVC removed before the run: git keeps the small outputs, DVC's cache the others."""
    in_git = [path for path, options in outputs(stage).items() if options.get("cache") is False]
    git = f" and `git checkout -- {' '.join(in_git)}`" if in_git else ""
    return f"to bring back the last good outputs: `dvc checkout`{git}."
