"""Predictions that say no more of the test categories than chance would."""

import numpy as np

from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import rounded
from chatkit.scores.metrics import balanced_accuracy

TITLE = "The predictions say more than chance"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Nothing that was learned holds for new chats: check the labels, and that both sides come from one source."
THRESHOLD = 0.01  # p-value of the permutation test
TEST_CHATS = 30  # at least
DRAWS = 999
LEAST = 0.05  # of the way from chance to no error; models of shuffled labels came to .057 once in 48 trials, then .022


def check(run, threshold=THRESHOLD):
    """Permutation test of the balanced accuracy, predictions fixed (Ojala and Garriga, JMLR 2010), and its size.

    A model that learned from shuffled labels can still be lucky with what it says of whole topics, which no order of
    the test labels shows: so a part of the way from chance to no error is asked for as well.

    On few chats even a good model may look like chance. Where one halfway from chance to no error would, that is no
    failure: the check has not run.
    """
    observed = rounded(balanced_accuracy(run.codes, run.hits))
    as_good = int((_reordered(run, run.predictions) >= observed).sum())
    p_value, chance = (1 + as_good) / (1 + DRAWS), 1 / (run.codes.max() + 1)
    gained = (observed - chance) / (1 - chance) if chance < 1 else 0.0
    explanation = f"Balanced accuracy {observed:.3f}; {p_value:.1%} of {DRAWS + 1} random orders of labels do as well"
    failed = p_value > threshold or gained < LEAST
    by_chance = np.quantile(_reordered(run, run.truth), 1 - max(threshold, 0)) if failed else 0
    if failed and (len(run.test) < TEST_CHATS or by_chance >= rounded((1 + chance) / 2)):
        raise NotRunError(
            f"{explanation}, but on these {len(run.test):,} test chats a good model might look like chance, too: "
            f"{TEST_CHATS} are needed, and enough of more than one category.{run.unknown}"
        )
    explanation += (
        f", at most {threshold:.1%} may. That is {gained:.0%} of the way from chance to no error, {LEAST:.0%} is asked "
        f"for.{run.unknown}"
    )
    return Result("fail" if failed else "pass", explanation, p_value, None, p_value, threshold)


def _reordered(run, predictions):
    """Balanced accuracy of predictions in random orders of the labels, the same orders each time."""
    rng = np.random.default_rng(run.seed)
    orders = (rng.permutation(len(run.codes)) for _ in range(DRAWS))
    return np.array([rounded(balanced_accuracy(run.codes[order], run.truth[order] == predictions)) for order in orders])
