"""What the stages have left behind, for the pages that sum it up: the overview and the model card."""

import json
import subprocess

from chatkit.data.files import file_sha256

SCORES = {
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log-loss",
    "brier": "Brier score",
}


def read_json(file):
    """Read a JSON file.

    Parameters
    ----------
    file : pathlib.Path

    Returns
    -------
    dict, list, str, float or None
        What it holds.

    Raises
    ------
    ValueError
        When it is no JSON.
    """
    return json.loads(file.read_text(encoding="utf-8"))


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
    found, absent = read_output(root, name)
    if absent:
        return {}, absent
    if not found.get("made_from"):
        return {}, f"{name} does not say what it was made from; make it again with `dvc repro overfitting`."
    changed = [file["path"] for file in found["made_from"] if _sha256(root / file["path"]) != file["sha256"]]
    if changed:
        return {}, f"{name} is of another run: {', '.join(changed)} changed since; make it again with `dvc repro`."
    if scores and scores.get("macro_f1") != found.get("test_macro_f1"):
        return {}, f"{name} and metrics/evaluate.json are of different runs; make both again with `dvc repro`."
    return found, None


def _sha256(file):
    return file_sha256(file) if file.is_file() else None


def score_rows(scores, measures=("macro_f1", "accuracy", "log_loss")):
    """Lay out the scores that the stage evaluate wrote.

    Parameters
    ----------
    scores : dict
        Content of ``metrics/evaluate.json``; intervals stand under ``intervals``, low and high end by measure.
    measures : sequence of str
        Names of `SCORES`.

    Returns
    -------
    list of dict
        The model, then the baselines, the best first: name, is_model, not_run (a reason or None), scores (three
        decimals or None) and intervals (words or None), one for each measure.

    Examples
    --------
    >>> row, = score_rows({"classifier": "dummy", "macro_f1": 0.1119, "intervals": {"macro_f1": [0.1, 0.12]}})
    >>> row["name"], row["scores"], row["intervals"]
    ('dummy', ['0.112', None, None], ['0.100 to 0.120', None, None])
    """
    if not scores:
        return []
    baselines = sorted((scores.get("baselines") or {}).items(), key=lambda item: -(item[1].get("macro_f1") or 0))
    return [
        {
            "name": name,
            "is_model": values is scores,
            "not_run": values.get("not_run"),
            "scores": [_three_digits(values.get(measure)) for measure in measures],
            "intervals": [_interval((values.get("intervals") or {}).get(measure)) for measure in measures],
        }
        for name, values in ((scores.get("classifier", "model"), scores), *baselines)
    ]


def _three_digits(value):
    return None if value is None else f"{value:.3f}"


def _interval(ends):
    return None if ends is None else " to ".join(map(_three_digits, ends))


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
        git = subprocess.run(
            ["git", "--no-optional-locks", "status", "--porcelain=v2", "--branch"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return "not known: git is not installed"
    if git.returncode:
        no_repository = "not a git repository" in git.stderr
        return "not a git repository" if no_repository else f"not known: {git.stderr.strip()}"
    lines = git.stdout.splitlines()
    commit = next(line.split()[-1] for line in lines if line.startswith("# branch.oid"))
    changed = any(not line.startswith("#") for line in lines)
    return ("no commit yet" if commit == "(initial)" else commit[:12]) + changed * " + uncommitted changes"
