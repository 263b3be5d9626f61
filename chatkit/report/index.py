"""The overview of all report pages: scores, checks, stages, data."""

import json
import subprocess
from collections import Counter

from bs4 import BeautifulSoup
from nbconvert.filters import markdown2html_mistune

from chatkit.project import read_yaml, replacing
from chatkit.report.page import as_written, fill

# What a check can have come to, in the reader's words, the worst first.
_STATUSES = {"fail": "fail", "warn": "warning", "not_run": "not run", "pass": "pass"}
_CONTENTS = [{"level": 2, "id": title.lower(), "text": title} for title in ("Scores", "Checks", "Stages", "Data")]


def write_index(root):
    """Write reports/index.html from what the stages have left behind so far.

    Whatever is missing or cannot be read is said on the page.

    Parameters
    ----------
    root : pathlib.Path
        The project's root, with dvc.yaml, params.yaml and the outputs of the stages.

    Returns
    -------
    pathlib.Path
        The written file.
    """
    pipeline, no_pipeline = _read(root, "dvc.yaml", read_yaml)
    params, no_params = _read(root, "params.yaml", read_yaml)
    scores, no_scores = _read(root, "metrics/evaluate.json")
    found, no_checks = _read(root, "metrics/overfitting.json")
    data, no_data = _read(root, "data/chats.json")
    checks = _checks(found)
    tally = Counter(check["word"] for check in checks)
    stages = [
        _stage(root, name, params)
        for name, stage in (pipeline.get("stages") or {}).items()
        if stage.get("cmd") == f"chatkit run {name}"
    ]
    page = fill(
        "index.html.j2",
        title="Routing support chats",
        eyebrow=f"Revision: {_revision(root)}",
        here="Overview",
        pages=[("Overview", "index.html"), *((stage["name"], stage["address"]) for stage in stages)],
        contents=_CONTENTS,
        scores=_scores(scores),
        verdict=_verdict(scores),
        no_scores=no_scores,
        checks=checks,
        tally=f"{len(checks)} checks: " + ", ".join(f"{count} {word}" for word, count in tally.items()),
        no_checks=no_checks,
        stages=stages,
        no_stages=no_pipeline or no_params,
        data=_data(data),
        no_data=no_data,
    )
    file = root / "reports" / "index.html"
    with replacing(file) as beside:
        beside.write_text(page, encoding="utf-8")
    return file


def _read_json(file):
    return json.loads(file.read_text(encoding="utf-8"))


def _read(root, name, parse=_read_json):
    """What a file holds and, where it holds nothing, the sentence that says so."""
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


def _stage(root, name, params):
    notebook, _ = _read(root, f"reports/{name}.ipynb")
    has_page = (root / "reports" / f"{name}.html").is_file()
    return {
        "name": name,
        "address": f"{name}.html" if has_page else None,
        "summary": _summary(notebook),
        "parameters": [(key, as_written(value)) for key, value in (params.get(name) or {}).items()],
    }


def _summary(notebook):
    """The first paragraph of a notebook's prose."""
    for cell in notebook.get("cells", []):
        if cell["cell_type"] == "markdown":
            prose = BeautifulSoup(markdown2html_mistune("".join(cell["source"])), "html.parser")
            if prose.p:
                return " ".join(prose.p.get_text().split())
    return None


def _scores(scores):
    """Rows of the table of scores: the model, then the baselines, the best first."""
    if not scores:
        return []
    baselines = sorted((scores.get("baselines") or {}).items(), key=lambda item: -(item[1].get("macro_f1") or 0))
    return [
        {
            "name": name,
            "is_model": values is scores,
            "not_run": values.get("not_run"),
            "scores": [_three_digits(values.get(key)) for key in ("macro_f1", "accuracy", "log_loss")],
        }
        for name, values in ((scores.get("classifier", "model"), scores), *baselines)
    ]


def _three_digits(value):
    return None if value is None else f"{value:.3f}"


def _verdict(scores):
    """One sentence: the model beside the best of the others."""
    rivals = {
        name: values["macro_f1"]
        for name, values in (scores.get("baselines") or {}).items()
        if values.get("macro_f1") is not None
    }
    if scores.get("macro_f1") is None or not rivals:
        return None
    best = max(rivals, key=rivals.get)
    # The difference of what the table shows, so that a reader's sum comes out.
    gap = round(scores["macro_f1"], 3) - round(rivals[best], 3)
    where = "level with" if abs(gap) < 0.0005 else f"{abs(gap):.3f} {'above' if gap > 0 else 'below'}"
    return f"The model reaches a macro-F1 of {scores['macro_f1']:.3f}, {where} the best baseline ({best})."


def _checks(found):
    """The checks, the worst first, each with its status in a word."""
    unknown = {"status": "", "code": "", "title": "A check without a title", "explanation": ""}
    checks = [{**unknown, **check} for check in found.get("checks", [])]
    for check in checks:
        check["word"] = _STATUSES.get(check["status"], "not known")
    return sorted(checks, key=lambda check: ["not known", *_STATUSES.values()].index(check["word"]))


def _data(data):
    """Names and values of the table of data."""
    if not data:
        return []
    rows, first, last = (data.get(name) for name in ("rows", "first_created_at", "last_created_at"))
    facts = {
        "Chats": f"{rows:,}" if rows is not None else None,
        "First and last chat": f"{first} to {last}" if first and last else None,
        "Read as of": data.get("as_of"),
        "Warehouse": data.get("warehouse"),
        "SHA-256 of the rows": data.get("rows_sha256"),
    }
    return [(name, value or "not given") for name, value in facts.items()]


def _revision(root):
    """The git commit of the working tree, in words."""
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
