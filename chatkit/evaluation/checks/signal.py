"""Predictions that say no more of the test categories than chance would."""

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from chatkit.evaluation.checks.result import Result

TITLE = "The predictions say more than chance"
DRAWS = 999


def check(run):
    """Permutation test of the balanced accuracy, predictions fixed (Ojala and Garriga, JMLR 2010)."""
    truth, predicted = np.asarray(run.test["category"], dtype=str), np.asarray(run.predictions, dtype=str)
    categories, truth = np.unique(truth, return_inverse=True)
    # Row c of the table: how often each prediction meets category c; only its diagonal counts.
    observed = balanced_accuracy_score(categories[truth], predicted)
    hit = predicted[:, None] == categories
    sizes = np.bincount(truth)
    rng = np.random.default_rng(run.seed)
    drawn = [hit[np.arange(len(truth)), shuffled] @ (1 / sizes[shuffled]) / len(sizes)
             for shuffled in (rng.permutation(truth) for _ in range(DRAWS))]  # fmt: skip
    p = (1 + sum(value >= observed for value in drawn)) / (1 + DRAWS)
    limit = run.thresholds["signal"]
    said = (
        f"Balanced accuracy {observed:.3f}; "
        f"{p:.1%} of {DRAWS + 1} random orders of the labels do as well, at most {limit:.1%} may."
    )
    if p <= limit:
        return Result(p, limit, "pass", said)
    return Result(
        p,
        limit,
        "fail",
        f"{said} Nothing that was learned holds for new chats: check the labels.",
    )
