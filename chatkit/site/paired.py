"""What changed from one revision to another in the test chats that both have: scores, categories, messages."""

import base64

import matplotlib.pyplot as plt
import pandas as pd

from chatkit import plots
from chatkit.plots import style
from chatkit.project import InputError
from chatkit.scores import comparison
from chatkit.scores.table import COLUMNS
from chatkit.text.clean import excerpt

EXAMPLES = 10  # messages of each kind


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
        "test_chats": [len(side) for side in (*tests, both)],
        "changed_labels": comparison.changed_labels(both),
        "categories": {
            (name, size): [changes[metric, name] for metric in comparison.BY_CATEGORY]
            for name, size in comparison.category_sizes(chats).items()
        },
        "figure": _figure(chats),
        "groups": {name: (len(rows), _examples(rows)) for name, rows in groups.items()},
    }


def _change(row):
    """A row of `paired_scores` as it is shown: both scores, their difference, its interval, what it means."""
    scores = {"a": row.a, "b": row.b}
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


def _signed(value):
    """Write a difference with three decimals; zero has no sign."""
    return f"{value:+.3f}" if round(value, 3) else "0.000"


def _verdict(change, groups, chats):
    """Two sentences: which is better, and how many predictions became right or wrong."""
    conclusion = f"{change['conclusion'][0].upper()}{change['conclusion'][1:]}"
    fixed, broken = len(groups["fixed"]), len(groups["broken"])
    p = comparison.mcnemar(fixed, broken)
    return (
        f"{conclusion}: macro-F1 {change['a']:.3f} → {change['b']:.3f}, difference {change['difference']} (95 % "
        f"interval {change['interval']}). Of {chats:,} test chats that both have, {fixed:,} got fixed and {broken:,} "
        f"broken (McNemar's exact test, as if chats were independent: p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})."
    )


def _figure(chats):
    """The change of the confusion matrix as the page embeds it."""
    # Nobody's own settings, and none left behind.
    with plt.style.context("default"):
        plots.notebook_style()
        figure = plots.confusion_change(comparison.confusion_change(chats)).figure_
        content, about = style.png(figure)
        plt.close(figure)
    return {"png": base64.b64encode(content).decode(), "key": style.key(figure), **about}


def _examples(rows):
    """The first chats whose prediction changed, with their masked messages."""
    rows = rows.head(EXAMPLES)
    messages = (" · ".join(filter(None, texts)) for texts in zip(rows["subject"], rows["body"], strict=True))
    return rows.assign(message=[excerpt(text) for text in messages]).to_dict("records")
