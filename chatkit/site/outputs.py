"""What the pages that sum up the outputs share: overview, model card, comparison."""

import re

from chatkit.data.files import file_sha256, read_json
from chatkit.project import InputError, read_yaml, replacing
from chatkit.provenance.git import run
from chatkit.site.page import fill

# Keys of data/chats.json.
DATA_FACTS = {
    "rows": "Chats",
    "first_created_at": "First chat",
    "last_created_at": "Last chat",
    "as_of": "Read as of",
    "warehouse": "Warehouse",
    "rows_sha256": "SHA-256 of all chats",
}
# What HTML does not allow, even written as a number: control characters, halves of pairs, noncharacters.
_NO_TEXT = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def write_page(root, name, **context):
    """Write reports/NAME.html from the template of that name.

    Parameters
    ----------
    root : pathlib.Path
        The project's root.
    name : str
    **context
        As `chatkit.site.page.fill` takes it.

    Returns
    -------
    pathlib.Path
        The page.
    """
    file = root / "reports" / f"{name}.html"
    with replacing(file) as beside:
        beside.write_text(_NO_TEXT.sub("\ufffd", fill(f"{name}.html.j2", **context)), encoding="utf-8")
    return file


def read_stages(root):
    """Names of the stages that run a notebook and, where there is no dvc.yaml to read, the sentence that says so."""
    pipeline, absent = read_output(root, "dvc.yaml", read_yaml)
    stages = pipeline.get("stages") or {}
    return [name for name, stage in stages.items() if stage.get("cmd") == f"chatkit run {name}"], absent


def navigation(root, stages):
    """Name and address of the overview, of each stage's page (None where there is none) and of monitoring if any."""
    pages = [(name, page_address(root, name)) for name in (*stages, "monitor")]
    return [("Overview", "index.html"), *(page for page in pages if page[1] or page[0] in stages)]


def page_address(root, name):
    """File name of a page in reports/, None where it has not been written."""
    return f"{name}.html" if (root / "reports" / f"{name}.html").is_file() else None


def read_output(root, name, parse=read_json):
    """Read an output that may not be there yet.

    Parameters
    ----------
    root : pathlib.Path
        The project's root.
    name : str
        Path of the file from there.
    parse : callable, default=read_json
        Takes the file's path, gives its content, raises ValueError when it cannot.

    Returns
    -------
    (dict, str or None)
        What the file holds and, where it holds nothing, the sentence that says so.

    Examples
    --------
    >>> from pathlib import Path
    >>> read_output(Path(), "metrics/none.json")
    ({}, 'metrics/none.json is not there yet.')
    """
    file = root / name
    if not file.is_file():
        return {}, f"{name} is not there yet."
    try:
        content = parse(file)
    except ValueError as error:
        return {}, f"{name} cannot be read: {error}"
    if not content or not isinstance(content, dict):
        return {}, f"{name} holds no names and values."
    return content, None


def read_checks(root, scores):
    """Read the checks, where they are of the data and the model that are there now, and of the scores beside them.

    Parameters
    ----------
    root : pathlib.Path
        The project's root.
    scores : dict
        Content of ``metrics/evaluate.json``.

    Returns
    -------
    (dict, str or None)
        Content of ``metrics/overfitting.json`` and, where it may not be shown, the sentence that says why. The file
        carries the SHA-256 of what it was made from, and the score that the same model must have.
    """
    name = "metrics/overfitting.json"
    report, absent = read_output(root, name)
    if absent:
        return {}, absent
    changed = [file["path"] for file in report.get("made_from", []) if _sha256(root / file["path"]) != file["sha256"]]
    if changed:
        return {}, f"{name} is of another run: {', '.join(changed)} changed since; make it again with `dvc repro`."
    if scores and scores.get("macro_f1") != report.get("test_macro_f1"):
        return {}, f"{name} and metrics/evaluate.json are of different runs; make both again with `dvc repro`."
    return report, None


def _sha256(file):
    return file_sha256(file) if file.is_file() else None


def score_rows(scores):
    """Put the model before its baselines, the best of these first.

    Parameters
    ----------
    scores : dict
        Content of ``metrics/evaluate.json``.

    Returns
    -------
    list of dict
        Scores of each classifier with its name; empty without scores.

    Examples
    --------
    >>> rows = score_rows({"macro_f1": 0.5, "baselines": {"dummy": {"macro_f1": 0.1}, "rules": {"macro_f1": 0.6}}})
    >>> [row["name"] for row in rows]
    ['model', 'rules', 'dummy']
    """
    if not scores:
        return []
    baselines = sorted((scores.get("baselines") or {}).items(), key=lambda item: -(item[1].get("macro_f1") or 0))
    return [{"name": name} | values for name, values in ((scores.get("classifier", "model"), scores), *baselines)]


def revision(root):
    """Name the git commit of the working tree, in words.

    Parameters
    ----------
    root : pathlib.Path
        The project's root.

    Returns
    -------
    str
    """
    try:
        lines = run(["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch"], root).splitlines()
    except FileNotFoundError:
        return "not known: git is not installed"
    except InputError as error:
        return "not a git repository" if "not a git repository" in str(error) else f"not known: {error}"
    commit = next(line.split()[-1] for line in lines if line.startswith("# branch.oid"))
    changed = any(not line.startswith("#") for line in lines)
    return ("no commit yet" if commit == "(initial)" else commit[:12]) + changed * " + uncommitted changes"
