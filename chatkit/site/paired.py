"""What changed from one revision to another in the test chats that both have: scores, categories, messages."""

import base64
from collections import Counter

import matplotlib.pyplot as plt
import pandas as pd

from chatkit import plots
from chatkit.plots import style
from chatkit.project import InputError
from chatkit.scores import comparison
from chatkit.scores.table import COLUMNS
from chatkit.text.mask import excerpt

EXAMPLES = 10  # messages of each kind
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


def paired(a, b):
    """Compare two revisions on the test chats that both have, with the same text and the same label.

    Parameters
    ----------
    a, b : Revision
        With their chats at hand, see `chatkit.provenance.revision.without_chats`.

    Returns
    -------
    dict
        What compare.html.j2 shows of them.

    Raises
    ------
    InputError
        When no test chat is in both, or what was said of them is of an older form.
    """
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
    return {
        "verdict": _verdict(scores, sides, len(chats)),
        "scores": _scores(scores),
        "chats": len(chats),
        "conversations": chats["conversation"].nunique(),
        "test_chats": [("Test chats", *(f"{len(test):,}" for test in tests))],
        "overlap": _overlap(tests, both),
        "categories": _categories(scores, chats),
        "figure": _figure(chats),
        "sides": [_examples(name, rows) for name, rows in sides.items()],
    }


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
    return [{"name": COLUMNS[row.metric], **_change(row)} for row in scores.itertuples() if row.metric in COLUMNS]


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
