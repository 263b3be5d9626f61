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
    as_good = sum(
        rounded(balanced_accuracy(run.codes[order], run.truth[order] == run.predictions)) >= observed
        for order in _orders(run)
    )
    p_value, chance = (1 + as_good) / (1 + DRAWS), 1 / (run.codes.max() + 1)
    gained = (observed - chance) / (1 - chance) if chance < 1 else 0.0
    failed = p_value > threshold or gained < LEAST
    if failed and (len(run.test) < TEST_CHATS or _chance_reaches(run, threshold, (1 + chance) / 2)):
        raise NotRunError(
            f"Balanced accuracy {observed:.3f} may be chance ({p_value:.1%} of {DRAWS + 1} random orders of the labels "
            f"do as well), but on these {len(run.test):,} test chats a good model might be, too: {TEST_CHATS} are "
            f"needed, and enough of more than one category.{run.unknown}"
        )
    explanation = (
        f"Balanced accuracy {observed:.3f}; {p_value:.1%} of {DRAWS + 1} random orders of the labels do as well, at "
        f"most {threshold:.1%} may. That is {gained:.0%} of the way from chance to no error, {LEAST:.0%} is asked for."
        f"{run.unknown}"
    )
    return Result("fail" if failed else "pass", explanation, p_value, None, p_value, threshold)


def _orders(run):
    """Random orders of the test chats, the same each time."""
    rng = np.random.default_rng(run.seed)
    return (rng.permutation(len(run.codes)) for _ in range(DRAWS))


def _chance_reaches(run, threshold, score):
    """Whether random orders of the labels reach such a balanced accuracy as often as the threshold says."""
    reached = [balanced_accuracy(run.codes, run.codes[order] == run.codes) for order in _orders(run)]
    return np.quantile(reached, 1 - max(threshold, 0)) >= score
