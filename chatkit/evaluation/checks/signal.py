"""Predictions that say no more of the test categories than chance would."""

import numpy as np

from chatkit.evaluation.checks.result import Result
from chatkit.evaluation.intervals import balanced_accuracy

TITLE = "The predictions say more than chance"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Nothing that was learned holds for new chats: check the labels, and that both sides come from one source."
DRAWS = 999


def check(run):
    """Permutation test of the balanced accuracy, predictions fixed (Ojala and Garriga, JMLR 2010)."""
    observed = balanced_accuracy(run.codes, run.hits)
    rng = np.random.default_rng(run.seed)
    as_good = 0
    for _ in range(DRAWS):
        order = rng.permutation(len(run.truth))
        as_good += balanced_accuracy(run.codes[order], run.truth[order] == run.predictions) >= observed
    p, limit = (1 + as_good) / (1 + DRAWS), run.thresholds["signal"]
    said = (
        f"Balanced accuracy {observed:.3f}; {p:.1%} of {DRAWS + 1} random orders of the labels do as well, at most "
        f"{limit:.1%} may."
    )
    return Result("pass" if p <= limit else "fail", p, limit, said)
