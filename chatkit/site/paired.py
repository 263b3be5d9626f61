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
# Of chats whose prediction changed: title, meaning, columns of their table.
_GROUPS = {
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
        When no test chat is in both, or the predictions are of an older form.
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
    changes = {(row.metric, row.category): _change(row) for row in scores.itertuples()}
    groups = comparison.changed_sides(chats)
    return {
        "verdict": _verdict(changes["macro_f1", ""], groups, len(chats)),
        "scores": {COLUMNS[metric]: changes[metric, ""] for metric in COLUMNS},
        "chats": len(chats),
        "conversations": chats["conversation"].nunique(),
        "overlap": _overlap(tests, both),
        "categories": _categories(changes, chats),
        "figure": _figure(chats),
        "groups": [_examples(name, rows) for name, rows in groups.items()],
    }


def _change(row):
    """A row of `paired_scores` as it is shown: both scores, their difference, its interval, what it means."""
    scores = {"a": _score(row.a), "b": _score(row.b)}
    if pd.isna(row.difference):
        return scores | {"difference": None, "interval": None, "conclusion": "not known"}
    # From the digits that are shown, so that a reader's sum comes out, and so does their reading of the interval.
    a, b, low, high = (round(value, 3) for value in (row.a, row.b, row.low, row.high))
    better = "better" if (low > 0) != (row.metric == "log_loss") else "worse"
    return scores | {
        "difference": _signed(b - a),
        "interval": f"{_signed(low)} to {_signed(high)}",
        "conclusion": "no difference shown" if low <= 0 <= high else f"B is {better}",
    }


def _score(value):
    return None if pd.isna(value) else f"{value:.3f}"


def _signed(value):
    """Write a difference with three decimals; zero has no sign."""
    return f"{value:+.3f}" if round(value, 3) else "0.000"


def _verdict(change, groups, chats):
    """Two sentences: which is better, and how many predictions became right or wrong."""
    conclusion = f"{change['conclusion'][0].upper()}{change['conclusion'][1:]}"
    fixed, broken = len(groups["fixed"]), len(groups["broken"])
    p = comparison.mcnemar(fixed, broken)
    return (
        f"{conclusion}: macro-F1 {change['a']} → {change['b']}, difference {change['difference']} (95 % interval "
        f"{change['interval']}). Of {chats:,} test chats that both have, {fixed:,} got fixed and {broken:,} broken "
        f"(McNemar's exact test, as if chats were independent: p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})."
    )


def _overlap(tests, both):
    """How many test chats each revision has, how many both have, and which labels differ."""
    a, b = map(len, tests)
    relabelled = both[both["actual_a"] != both["actual_b"]]
    labels = Counter(zip(relabelled["actual_a"], relabelled["actual_b"], strict=True))
    return {
        "a": a,
        "b": b,
        "both": len(both),
        "relabelled": len(relabelled),
        "labels": sorted(((*pair, count) for pair, count in labels.items()), key=lambda row: (-row[2], row)),
    }


def _categories(changes, chats):
    """A row for each category, the largest first: name, chats, the change of precision, recall and F1."""
    sizes = Counter(chats["actual"])
    names = sorted((name for metric, name in changes if metric == "f1"), key=lambda name: (-sizes[name], name))
    return [(name, sizes[name], [changes[metric, name] for metric in comparison.BY_CATEGORY]) for name in names]


def _figure(chats):
    """The change of the confusion matrix as the page embeds it."""
    # Nobody's own settings, and none left behind.
    with plt.style.context("default"):
        plots.notebook_style()
        figure = plots.confusion_change(comparison.confusion_change(chats)).figure_
        content, about = style.png(figure)
        plt.close(figure)
    return {"png": base64.b64encode(content).decode(), **about}


def _examples(name, rows):
    """Chats whose prediction changed: how many, and the first of them as a table."""
    title, meaning, columns = _GROUPS[name]
    return {
        "id": name.replace(" ", "-"),
        "title": title,
        "meaning": meaning,
        "count": len(rows),
        "heads": list(columns.values()),
        "rows": [
            {
                "id": row["id"],
                "message": excerpt(" · ".join(filter(None, (row["subject"], row["body"])))),
                "categories": [row[column] for column in columns],
                "probability": _score(row["probability_b"]),
            }
            for row in rows.head(EXAMPLES).to_dict("records")
        ],
    }
