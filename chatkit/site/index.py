"""The overview of all report pages: scores, checks, stages, data."""

from collections import Counter

from bs4 import BeautifulSoup
from nbconvert.filters import markdown2html_mistune

from chatkit.checks.result import ALARM_STATUSES, worst_first
from chatkit.project import read_yaml, replacing
from chatkit.site.card import write_card
from chatkit.site.outputs import read_checks, read_output, revision, score_rows
from chatkit.site.page import as_written, fill

_CONTENTS = [
    {"level": 2, "id": title.lower(), "text": title} for title in ("Scores", "Checks", "Watch", "Stages", "Data")
]


def write_index(root):
    """Write reports/index.html and reports/card.html from what the stages have left behind so far.

    Whatever is missing or cannot be read is said on the pages.

    Parameters
    ----------
    root : pathlib.Path
        The project's root, with dvc.yaml, params.yaml and the outputs of the stages.

    Returns
    -------
    pathlib.Path
        The overview.
    """
    pipeline, no_pipeline = read_output(root, "dvc.yaml", read_yaml)
    params, no_params = read_output(root, "params.yaml", read_yaml)
    scores, no_scores = read_output(root, "metrics/evaluate.json")
    found, no_checks = read_checks(root, scores)
    data, no_data = read_output(root, "data/chats.json")
    checks = worst_first(found.get("checks", []))
    tally = Counter(check["word"] for check in checks)
    stages = [
        _stage(root, name, params)
        for name, stage in (pipeline.get("stages") or {}).items()
        if stage.get("cmd") == f"chatkit run {name}"
    ]
    pages = [("Overview", "index.html"), *((stage["name"], stage["address"]) for stage in stages)]
    watch = _watch(root)
    if watch and watch["address"]:
        pages.append(("monitor", watch["address"]))
    card = write_card(root, pages)
    page = fill(
        "index.html.j2",
        title="Routing support chats",
        eyebrow=f"Revision: {revision(root)}",
        here="Overview",
        pages=pages,
        contents=[entry for entry in _CONTENTS if entry["id"] != "watch" or watch],
        scores=score_rows(scores),
        verdict=_verdict(scores),
        no_scores=no_scores,
        triage=_triage(read_output(root, "metrics/triage.json")[0]),
        checks=checks,
        tally=f"{len(checks)} checks: " + ", ".join(f"{count} {word}" for word, count in tally.items()),
        no_checks=no_checks,
        stopped=next((stage["failed"] for stage in stages if stage["name"] == "overfitting"), None),
        watch=watch,
        stages=stages,
        no_stages=no_pipeline or no_params,
        card=card,
        data=_data(data),
        no_data=no_data,
    )
    file = root / "reports" / "index.html"
    with replacing(file) as beside:
        beside.write_text(page, encoding="utf-8")
    return file


def _stage(root, name, params):
    notebook, _ = read_output(root, f"reports/{name}.ipynb")
    page, failed = (f if (root / "reports" / f).is_file() else None for f in (f"{name}.html", f"{name}.failed.html"))
    return {
        "name": name,
        "address": page,
        "failed": failed,  # a run that succeeds removes it
        "summary": _summary(notebook),
        "parameters": [(key, as_written(value)) for key, value in (params.get(name) or {}).items()],
    }


def _watch(root):
    """The page of the model at work and its alarms; None where nobody has asked for it."""
    page, failed = (f if (root / "reports" / f).is_file() else None for f in ("monitor.html", "monitor.failed.html"))
    if not page and not failed:
        return None
    found, nothing = read_output(root, "reports/monitor.json")
    alarms = worst_first(found.get("alarms", []), ALARM_STATUSES)
    raised = [alarm["code"] for alarm in alarms if alarm["status"] == "fail"]
    tally = Counter(alarm["word"] for alarm in alarms if alarm["status"] != "fail")
    said = [f"{len(raised)} raised ({', '.join(raised)})" if raised else "none raised"]
    said += [f"{count} {word}" for word, count in tally.items()]
    return {
        "address": page,
        "failed": failed,
        "said": nothing or f"Alarms from {found.get('since')} to {found.get('until')}: {', '.join(said)}.",
    }


def _summary(notebook):
    """The first paragraph of a notebook's prose."""
    for cell in notebook.get("cells", []):
        if cell["cell_type"] == "markdown":
            prose = BeautifulSoup(markdown2html_mistune("".join(cell["source"])), "html.parser")
            if prose.p:
                return " ".join(prose.p.get_text().split())
    return None


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
    said = f"The model reaches a macro-F1 of {scores['macro_f1']:.3f}, {where} the best baseline ({best})"
    difference = scores["baselines"][best].get("difference")
    if not difference:
        return f"{said}."
    _, low, high = difference["macro_f1"]
    shown = "more than chance" if low > 0 or high < 0 else "not shown to be more than chance"
    return f"{said}. The difference ({low:+.3f} to {high:+.3f}) is {shown}."


def _triage(found):
    """Two sentences: what the model changes for those who wait, at the first number of agents."""
    routed, minutes = found.get("routed") or {}, found.get("minutes") or {}
    said = [
        f"{point['coverage']:.0%} of the chats were routed without a person, {point['error']:.1%} of them wrongly "
        f"({point['low']:.1%} to {point['high']:.1%}; asked for: at most {float(error):.0%})."
        for error, point in routed.items()
        if isinstance(point, dict) and point["coverage"]  # a file of an older form says nothing here
    ][:1]
    for agents, who in list(minutes.items())[:1]:
        urgent, others = who["urgent"], who["others"]
        said.append(
            f"With {agents} 9 of 10 urgent chats get an answer within {urgent['model']:,.1f} minutes when the model "
            f"orders the queue, {urgent['hourly triage']:,.1f} with hourly triage; others within "
            f"{others['model']:,.0f} and {others['hourly triage']:,.0f}."
        )
    return " ".join(said)


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
