"""Test chats that are copies, or nearly copies, of training chats."""

import numpy as np

from chatkit.checks.neighbours import nearest
from chatkit.checks.result import Result
from chatkit.checks.run import SHOWN, signed
from chatkit.data.split import folded
from chatkit.text.clean import excerpt

TITLE = "No test chat is a copy of a training chat"
SEVERITY, LEAKAGE = "fail", "duplicates in the data set"
ADVICE = "Drop the copies in the query, or split by conversation: the scores flatter the model."
THRESHOLD = 0.005  # share of test chats with the text of a training chat
ALIKE = 0.6  # cosine: 98 of 100 chats with a tenth of their words changed are above it
HARM = 0.02  # balanced accuracy that they may add
NEAR = 0.01  # share of nearly copied test chats from which on their harm is measured


def check(run, threshold=THRESHOLD):
    """Share of copies, and what nearly copied chats add to the balanced accuracy.

    Numbers, amounts, dates and addresses are masked, greeting and signature dropped. A nearly copied chat has a
    training chat with a cosine of at least 0.6 between their TF-IDF weights of words and pairs of words
    (after K. Lee et al., "Deduplicating Training Data Makes Language Models Better", ACL 2022).
    """
    copied = folded(run.test).isin(set(folded(run.train)) - {""}).to_numpy()
    weights, _ = run.shingles
    cosine, neighbour = nearest(weights[len(run.train) :], weights[: len(run.train)])
    near = copied | (cosine >= ALIKE)
    share = float(copied.mean())
    explanation = (
        f"{copied.sum():,} of {len(run.test):,} test chats ({share:.1%}) have the text of a training chat, at most "
        f"{threshold:.1%} may; {near.sum():,} ({near.mean():.1%}) nearly have it."
    )
    failed = share > threshold
    if near.mean() > NEAR and not near.all():
        gain = run.compare_accuracy(np.ones(len(near)), ~near)
        failed |= gain[1] > HARM
        explanation += f" They change the balanced accuracy by {signed(*gain)}; a low end above {HARM:+.2f} fails."
    evidence = [
        {"cosine": round(float(cosine[row]), 2), "test chat": excerpt(run.texts[len(run.train) + row]),
         "training chat": excerpt(run.texts[neighbour[row]])}
        for row in np.argsort(-cosine, kind="stable")[:SHOWN] if near[row]
    ]  # fmt: skip
    return Result("fail" if failed else "pass", explanation, share, threshold=threshold, evidence=evidence)
