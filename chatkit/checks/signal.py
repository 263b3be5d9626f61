"""Predictions that say no more of the test categories than chance would."""

import numpy as np

from chatkit.checks.result import NotRunError, Result, settled
from chatkit.scores.metrics import balanced_accuracy

TITLE = "The predictions say more than chance"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Nothing that was learned holds for new chats: check the labels, and that both sides come from one source."
FEWEST = 30  # test chats
DRAWS = 999
LEAST = 0.05  # of the way from chance to no error; models of shuffled labels came to .057 once in 48 trials, then .022


def check(run):
    """Permutation test of the balanced accuracy, predictions fixed (Ojala and Garriga, JMLR 2010), and its size.

    A model that learned from shuffled labels can still be lucky with what it says of whole topics, which no order of
    the test labels shows: so a part of the way from chance to no error is asked for as well.

    On few chats even a good model may look like chance. Where one halfway from chance to no error would, that is no
    failure: the check has not run.
    """
    observed = settled(balanced_accuracy(run.codes, run.hits))
    rng = np.random.default_rng(run.seed)
    as_good = 0
    for _ in range(DRAWS):
        order = rng.permutation(len(run.truth))
        as_good += settled(balanced_accuracy(run.codes[order], run.truth[order] == run.predictions)) >= observed
    p, limit = (1 + as_good) / (1 + DRAWS), run.thresholds["signal"]
    chance = 1 / (run.codes.max() + 1)
    gained = (observed - chance) / (1 - chance) if chance < 1 else 0.0
    if p > limit or gained < LEAST:
        least, halfway = _least(run, limit)
        if len(run.test) < FEWEST or least >= halfway:
            raise NotRunError(
                f"Balanced accuracy {observed:.3f} may be chance ({p:.1%} of {DRAWS + 1} random orders of "
                f"the labels do as well), but on these {len(run.test):,} test chats a good model might not be either: "
                f"{FEWEST} are needed, and enough of more than one category.{run.unknown}"
            )
    said = (
        f"Balanced accuracy {observed:.3f}; {p:.1%} of {DRAWS + 1} random orders of the labels do as well, at most "
        f"{limit:.1%} may. That is {gained:.0%} of the way from chance to no error, {LEAST:.0%} is asked for."
        f"{run.unknown}"
    )
    return Result("fail" if p > limit or gained < LEAST else "pass", p, limit, said)


def _least(run, limit):
    """Balanced accuracy that random orders of the labels reach as often as the limit says, and half the way to 1."""
    rng = np.random.default_rng(run.seed)
    orders = (run.codes[rng.permutation(len(run.codes))] for _ in range(DRAWS))
    reached = [balanced_accuracy(run.codes, order == run.codes) for order in orders]
    return float(np.quantile(reached, 1 - max(limit, 0))), (1 + 1 / (run.codes.max() + 1)) / 2
