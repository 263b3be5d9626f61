"""The overview of all report pages: scores, checks, monitoring, stages, data."""

from collections import Counter

from chatkit.checks.result import ALARM_STATUSES, worst_first
from chatkit.project import read_yaml
from chatkit.scores.table import COLUMNS
from chatkit.site import outputs
from chatkit.site.card import write_card
from chatkit.site.page import outline


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
    names, no_pipeline = outputs.read_stages(root)
    params, no_params = outputs.read_output(root, "params.yaml", read_yaml)
    scores, no_scores = outputs.read_output(root, "metrics/evaluate.json")
    report, no_checks = outputs.read_checks(root, scores)
    data, no_data = outputs.read_output(root, "data/chats.json")
    rows, checks = outputs.score_rows(scores), worst_first(report.get("checks", []))
    pages = outputs.navigation(root, names)
    stages = [_stage(root, name, params) for name in names]
    monitor = _monitor(root)
    sections = ("Scores", "Checks", "Monitoring", "Stages", "Data")
    return outputs.write_page(
        root,
        "index",
        title="Routing support chats",
        eyebrow=f"Revision: {outputs.revision(root)}",
        here="Overview",
        pages=pages,
        contents=[
            {"level": 2, "id": title.lower(), "text": title} for title in sections if monitor or title != "Monitoring"
        ],
        measures=COLUMNS,
        scores=rows,
        comparison=_comparison(rows),
        no_scores=no_scores,
        triage=outputs.read_output(root, "metrics/triage.json")[0],
        checks=checks,
        tally=f"{len(checks)} checks: {_counts(checks)}",
        no_checks=no_checks,
        monitor=monitor,
        stages=stages,
        no_stages=no_pipeline or no_params,
        card=write_card(root, stages, pages),
        data={title: data.get(key) for key, title in outputs.DATA_FACTS.items()},
        no_data=no_data,
    )


def _stage(root, name, params):
    """What the pages show of a stage."""
    notebook, _ = outputs.read_output(root, f"reports/{name}.ipynb")
    return outline(notebook) | {
        "name": name,
        "address": outputs.page_address(root, name),
        "failed": outputs.page_address(root, f"{name}.failed"),  # a run that succeeds removes it
        "parameters": params.get(name) or {},
    }


def _monitor(root):
    """Pages and alarms of the last monitoring run; None where there was none."""
    address, failed = (outputs.page_address(root, name) for name in ("monitor", "monitor.failed"))
    if not address and not failed:
        return None
    report, absent = outputs.read_output(root, "reports/monitor.json")
    alarms = worst_first(report.get("alarms", []), ALARM_STATUSES)
    raised = [alarm["code"] for alarm in alarms if alarm["status"] == "fail"]
    summary = f"{len(raised)} raised ({', '.join(raised)})" if raised else "none raised"
    if others := _counts(alarm for alarm in alarms if alarm["status"] != "fail"):
        summary += f", {others}"
    period = f"Alarms from {report.get('since')} to {report.get('until')}"
    return {"address": address, "failed": failed, "alarms": absent or f"{period}: {summary}."}


def _counts(rows):
    """Write how many rows have each status, as "1 fail, 11 pass"."""
    return ", ".join(f"{count} {word}" for word, count in Counter(row["word"] for row in rows).items())


def _comparison(rows):
    """Compare the model with the best baseline, in one sentence or two."""
    model, best = (*rows, {}, {})[:2]
    if model.get("macro_f1") is None or best.get("macro_f1") is None:
        return None
    # The difference of what the table shows, so that a reader's sum comes out.
    gap = round(model["macro_f1"], 3) - round(best["macro_f1"], 3)
    relation = "level with" if abs(gap) < 0.0005 else f"{abs(gap):.3f} {'above' if gap > 0 else 'below'}"
    text = f"The model reaches a macro-F1 of {model['macro_f1']:.3f}, {relation} the best baseline ({best['name']})."
    if not best.get("difference"):
        return text
    _, low, high = best["difference"]["macro_f1"]
    includes = "excludes" if low > 0 or high < 0 else "includes"
    return f"{text} The confidence interval of the difference ({low:+.3f} to {high:+.3f}) {includes} 0."
