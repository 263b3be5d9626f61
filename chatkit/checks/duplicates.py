"""Test chats that are copies, or nearly copies, of training chats."""

import numpy as np

from chatkit.checks.neighbours import nearest
from chatkit.checks.result import SHOWN, Result, interval
from chatkit.data.split import folded
from chatkit.scores.metrics import balanced_accuracy
from chatkit.text.mask import excerpt

TITLE = "No test chat is a copy of a training chat"
SEVERITY, LEAKAGE = "fail", "duplicates in the data set"
ADVICE = "Drop the copies in the query, or split by conversation: the scores flatter the model."
ALIKE = 0.6  # cosine: 98 of 100 chats with a tenth of their words changed are above it
HARM = 0.02  # balanced accuracy that they may add
NEAR = 0.01  # share of nearly copied test chats that is looked into


def check(run):
    """Share of copies, and what nearly copied chats add to the balanced accuracy.

    Numbers, amounts, dates and addresses are masked, greeting and signature dropped. A nearly copied chat has a
    training chat with a cosine of at least 0.6 between their TF-IDF weights of words and pairs of words
    (after K. Lee et al., "Deduplicating Training Data Makes Language Models Better", ACL 2022).
    """
    copied = folded(run.test).isin(set(folded(run.train)) - {""}).to_numpy()
    weights, _ = run.shingles
    alike, closest = nearest(weights[len(run.train) :], weights[: len(run.train)])
    near = copied | (alike >= ALIKE)
    limit, exact, share = run.thresholds["duplicates"], copied.mean(), near.mean()
    said = (
        f"{copied.sum():,} of {len(run.test):,} test chats ({exact:.1%}) have the text of a training chat, at most "
        f"{limit:.1%} may; {near.sum():,} ({share:.1%}) nearly have it."
    )
    harmful = False
    if share > NEAR and not near.all():
        gain = _gain(run, near)
        value, low, high = interval(gain, run.conversations[len(run.train) :], run.seed)
        harmful = low > HARM
        said += (
            f" They change the balanced accuracy by {value:+.3f} "
            f"({low:+.3f} to {high:+.3f}); a low end above {HARM:+.2f} fails."
        )
    order = np.argsort(-alike, kind="stable")[:SHOWN]
    evidence = [
        {"cosine": round(float(alike[row]), 2), "test chat": excerpt(run.texts[1][row]),
         "training chat": excerpt(run.texts[0][closest[row]])}
        for row in order if near[row]
    ]  # fmt: skip
    status = "fail" if exact > limit or harmful else "pass"
    return Result(status, float(exact), limit, said, None, evidence)


def _gain(run, near):
    def gain(weights):
        without = balanced_accuracy(run.codes, run.hits, weights * ~near)
        return balanced_accuracy(run.codes, run.hits, weights) - without

    return gain
