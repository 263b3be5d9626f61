"""The page that says what changed from one revision to another: parameters, code, data, scores, messages, checks."""

import base64
import re
from collections import Counter

import matplotlib.pyplot as plt
import pandas as pd

from chatkit.evaluation import comparison, plots
from chatkit.evaluation.plots import style
from chatkit.project import InputError, read_yaml, replacing
from chatkit.report.page import fill
from chatkit.report.revision import changed_parameters, read_revisions
from chatkit.text.mask import excerpt

EXAMPLES = 10  # messages of each kind
SCORES = {"macro_f1": "macro-F1", "accuracy": "accuracy", "log_loss": "log-loss"}
_FACTS = {
    "rows": "Chats", "first_created_at": "First chat", "last_created_at": "Last chat", "as_of": "Read as of",
    "rows_sha256": "SHA-256 of the rows",
}  # fmt: skip
# What is said of chats that changed sides, and the columns of their table.
_SIDES = {
    "fixed": ("Fixed", "A was wrong, B is right.", {"predicted_a": "A", "predicted_b": "B and person"}),
    "broken": ("Broken", "A was right, B is wrong.", {"predicted_a": "A and person", "predicted_b": "B"}),
    "other error": (
        "Another error",
        "Both are wrong, each in its way.",
        {"actual": "Person", "predicted_a": "A", "predicted_b": "B"},
    ),
}
_SECTIONS = ("Scores", "Parameters", "Files", "Data", "Categories", "Confusions", "Messages", "Checks")
# What HTML does not allow, even written as a number: control characters, halves of pairs, noncharacters.
_NO_TEXT = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def write_comparison(project, name_a, name_b=None):
    """Write reports/compare.html: what changed from revision A to revision B.

    All numbers are of the test chats that both have, with the same text and the same label.

    Parameters
    ----------
    project : pathlib.Path
        The project's root, inside a git repository.
    name_a : str
        Branch, tag, commit or DVC experiment.
    name_b : str, optional
        The same; by default the working tree.

    Returns
    -------
    file : pathlib.Path
    verdict : str
        What the page says first.

    Raises
    ------
    InputError
        When a revision does not exist, has not run or has lost its outputs, or when no test chat is in both.
    """
    a, b = read_revisions(project, name_a, name_b)
    tests = a.chats(), b.chats()
    both = comparison.pair(*tests)
    chats = both[both["actual_a"] == both["actual_b"]].rename(columns={"actual_a": "actual"})
    if chats.empty:
        raise InputError(
            f"No test chat of {a.name} is one of {b.name}, too, with the same id, text and label; compare revisions of "
            "the same chats and split, or run `dvc repro` in one with the other's."
        )
    scores = comparison.paired_scores(chats)
    sides = comparison.changed_sides(chats)
    verdict = _verdict(scores, sides, len(chats))
    page = fill(
        "compare.html.j2",
        title=f"From {a.name} to {b.name}",
        eyebrow="Two revisions side by side",
        here="compare",
        pages=[*_pages(project), ("compare", "compare.html")],
        contents=[{"level": 2, "id": section.lower(), "text": section} for section in _SECTIONS],
        revisions={letter: _revision(side) for letter, side in (("A", a), ("B", b))},
        verdict=verdict,
        out_of_date={letter: side.out_of_date() for letter, side in (("A", a), ("B", b))},
        scores=_scores(scores),
        chats=len(chats),
        conversations=chats["conversation"].nunique(),
        parameters=changed_parameters(a.parameters, b.parameters),
        files=_files(a, b),
        data=_data(a, b, tests),
        overlap=_overlap(tests, both),
        categories=_categories(scores, chats),
        figure=_figure(chats),
        sides=[_examples(name, rows) for name, rows in sides.items()],
        checks=_checks(a, b),
    )
    file = project / "reports" / "compare.html"
    with replacing(file) as beside:
        beside.write_text(_NO_TEXT.sub("\ufffd", page), encoding="utf-8")
    return file, verdict


def _pages(project):
    """Name and address of the other pages that are there."""
    names = {"Overview": "index", **{stage: stage for stage in read_yaml(project / "dvc.yaml").get("stages", {})}}
    reports = project / "reports"
    return [(name, f"{stem}.html") for name, stem in names.items() if (reports / f"{stem}.html").is_file()]


def _revision(side):
    """A revision in a few words."""
    scores = side.read_json("metrics/evaluate.json")
    own = {"classifier": scores["classifier"], "macro_f1": _score(scores["macro_f1"])}
    return {"name": side.name, "commit": side.commit and side.commit[:12], **own}


def _change(row):
    """A row of `paired_scores` as it is shown: both scores, their difference, its interval, what it means."""
    shown = {"a": _score(row.a), "b": _score(row.b), "difference": None, "interval": None, "answer": "not known"}
    if pd.notna(row.difference):
        # From the digits that are shown, so that a reader's sum comes out, and so does their reading of the interval.
        a, b, low, high = (round(value, 3) for value in (row.a, row.b, row.low, row.high))
        shown |= {"difference": _signed(b - a), "interval": f"{_signed(low)} to {_signed(high)}"}
        better = "better" if (low > 0) != (row.metric == "log_loss") else "worse"
        shown["answer"] = "no difference shown" if low <= 0 <= high else f"B is {better}"
    return shown


def _score(value):
    return None if pd.isna(value) else f"{value:.3f}"


def _signed(value):
    """Write a difference with three decimals; nothing has no sign."""
    return f"{value:+.3f}" if round(value, 3) else "0.000"


def _scores(scores):
    return [{"name": SCORES[row.metric], **_change(row)} for row in scores.itertuples() if row.metric in SCORES]


def _verdict(scores, sides, chats):
    """Two sentences: which is better, and how many chats changed sides."""
    row = _change(scores.iloc[0])
    first = f"{row['answer'][0].upper()}{row['answer'][1:]}: macro-F1 {row['a']} → {row['b']}"
    fixed, broken = len(sides["fixed"]), len(sides["broken"])
    p = comparison.mcnemar(fixed, broken)
    return (
        f"{first}, difference {row['difference']} (95 % interval {row['interval']}). "
        f"Of {chats:,} test chats that both have, {fixed:,} got fixed and {broken:,} broken (McNemar's exact test, as "
        f"if chats were independent: p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})."
    )


def _files(a, b):
    """Files that a stage read and that differ: path, what happened, what it is, stages; causes before consequences."""
    stages = [*a.stages.items(), *b.stages.items()]
    made_by = {out["path"]: name for name, stage in stages for out in stage.get("outs", [])}
    found = {}
    for stage in [name for name in b.stages if name in a.stages]:
        old, new = ({dep["path"]: dep for dep in side.stages[stage].get("deps", [])} for side in (a, b))
        for path in old.keys() | new.keys():
            if old.get(path) != new.get(path):
                what = "only in A" if path not in new else "only in B" if path not in old else "changed"
                found.setdefault((path in made_by, path, what), []).append(stage)
    rows = []
    for (made, path, what), readers in sorted(found.items()):
        kind = f"made by {made_by[path]}" if made else "data" if path.startswith("data/") else "code"
        rows.append({"path": path, "what": what, "kind": kind, "stages": ", ".join(readers)})
    return rows


def _data(a, b, tests):
    """Rows of the table of data."""
    facts = [side.read_json("data/chats.json") for side in (a, b)]
    rows = [(title, *(_fact(side.get(key)) for side in facts)) for key, title in _FACTS.items()]
    return [*rows, ("Test chats", *(f"{len(test):,}" for test in tests))]


def _fact(value):
    return f"{value:,}" if isinstance(value, int) else "not given" if value is None else str(value)


def _overlap(tests, both):
    """How many test chats are in both, and which labels differ."""
    relabelled = both[both["actual_a"] != both["actual_b"]]
    moves = Counter(zip(relabelled["actual_a"], relabelled["actual_b"], strict=True))
    moves = sorted(((old, new, count) for (old, new), count in moves.items()), key=lambda move: (-move[2], move))
    return {
        "both": len(both),
        "only_a": len(tests[0]) - len(both),
        "only_b": len(tests[1]) - len(both),
        "relabelled": len(relabelled),
        "moves": moves,
    }


def _categories(scores, chats):
    """A row for each category, the largest first: name, chats, the change of precision, recall and F1."""
    changes = {(row.metric, row.category): _change(row) for row in scores.itertuples()}
    sizes = Counter(chats["actual"])
    names = sorted(scores.loc[scores["metric"] == "f1", "category"], key=lambda name: (-sizes[name], name))
    measures = comparison.BY_CATEGORY
    return [(name, style.chats(sizes[name]), [changes[measure, name] for measure in measures]) for name in names]


def _figure(chats):
    """The change of the confusion matrix as the page embeds it."""
    frame = comparison.confusion_change(chats)
    # Nobody's own settings, and none left behind.
    with plt.style.context("default"):
        plots.notebook_style()
        figure = plots.confusion_change(frame).figure_
        content, about = style.png(figure)
        plt.close(figure)
    return {"png": base64.b64encode(content).decode(), **about}


def _examples(name, rows):
    """Chats that changed sides: how many, and the first of them as a table."""
    title, meaning, columns = _SIDES[name]
    shown = [
        {
            "id": row["id"],
            "message": excerpt(" · ".join(filter(None, (row["subject"], row["body"])))),
            "categories": [row[column] for column in columns],
            "sure": _score(row["probability_b"]),
        }
        for row in rows.head(EXAMPLES).to_dict("records")
    ]
    return {
        "id": name.replace(" ", "-"),
        "title": title,
        "meaning": meaning,
        "count": len(rows),
        "heads": list(columns.values()),
        "rows": shown,
    }


def _checks(a, b):
    """Overfitting checks whose status changed, how many there are, and who has not run them."""
    path = "metrics/overfitting.json"
    missing = [side.name for side in (a, b) if path not in side.outputs]
    if missing:
        return {"missing": missing, "count": 0, "changed": []}
    found = [{check["code"]: check for check in side.read_json(path)["checks"]} for side in (a, b)]
    codes = list(dict.fromkeys([*found[0], *found[1]]))
    pairs = [(code, *(side.get(code) for side in found)) for code in codes]
    changed = [
        {"code": code, **(new or old), "before": _status(old), "after": _status(new)}
        for code, old, new in pairs
        if _status(old) != _status(new)
    ]
    return {"missing": [], "count": len(codes), "changed": changed}


def _status(check):
    return check["status"].replace("_", " ") if check else "not there"
