"""Scores with bootstrap intervals: of one model, and of the difference between two on the same chats."""

import numpy as np
import pandas as pd

from chatkit.scores.metrics import weighted_scores
from chatkit.scores.table import METRICS
from chatkit.statistics import DECIMALS, bootstrap, group_codes, percentile_interval


def score_intervals(y_true, y_pred, probabilities=None, classes=None, groups=None, confidence=0.95, draws=1000, seed=0):
    """Score predictions, each score with its interval.

    The intervals come from a bootstrap of whole conversations: chats of one conversation resemble each other, so that
    they are fewer independent observations than chats. They hold for this fitted model; how much another training set
    would change is not in them. With fewer than about five chats a category they are too narrow.

    Parameters
    ----------
    y_true, y_pred, probabilities, classes
        As in `chatkit.scores.metrics.scores`.
    groups : array-like of shape (n,), optional
        Conversation of each chat; a chat without one (NaN, None, blank) is one of its own, and so is each by default.
    confidence : float, default=0.95
        Share of such intervals that contain the true score, between 0 and 1.
    draws : int, default=1000
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    pandas.DataFrame of shape (3 or 5, 4)
        metric (macro_f1, accuracy, balanced_accuracy; with probabilities log_loss and brier), value, low, high (NaN
        where all draws have the same score, such as where all predictions are right: nothing is known of other chats).
        In a draw without a category the macro-F1 is that of the others, as scikit-learn defines it.

    Raises
    ------
    ValueError
        As `chatkit.scores.metrics.scores`; when there are not as many groups as chats, or `confidence` is not
        between 0 and 1.

    References
    ----------
    `chatkit.statistics.bootstrap`; `chatkit.statistics.percentile_interval` says how the percentiles are corrected.

    Examples
    --------
    >>> score_intervals(["urgent", "other"] * 50, ["urgent"] * 10 + ["urgent", "other"] * 45).round(2)
                  metric  value   low  high
    0           macro_f1   0.95  0.91  0.99
    1           accuracy   0.95  0.91  0.99
    2  balanced_accuracy   0.95  0.91  0.99
    """
    statistic = weighted_scores(y_true, y_pred, probabilities, classes)
    frame = _frame(*bootstrap_interval(statistic, group_codes(groups, len(y_true)), confidence, draws, seed))
    # Where all draws have the same score, nothing is known of other chats.
    known = (frame["high"] - frame["low"]).round(DECIMALS - 1) > 0
    low = frame["low"].clip(lower=0).where(known)
    high = frame["high"].clip(upper=frame["metric"].map({"log_loss": np.inf, "brier": 2}).fillna(1)).where(known)
    return frame.assign(low=low, high=high)


def paired_differences(y_true, one, other, classes=None, groups=None, confidence=0.95, draws=1000, seed=0):
    """Compare two models on the same chats: scores of one minus scores of the other, with intervals.

    Both are scored in the same draws. What makes a draw easy or hard for both cancels out, so this interval is far
    narrower than those of the two scores would suggest.

    Parameters
    ----------
    y_true : array-like of str of shape (n,)
    one, other : tuple of (array-like of shape (n,), array-like of shape (n, k) or None)
        Predictions and probabilities of each model. Without the probabilities of both, only the first three metrics
        are compared.
    classes : array-like of str of shape (k,), optional
        Categories in the order of the columns, the same for both.
    groups, confidence, draws, seed
        As in `score_intervals`.

    Returns
    -------
    pandas.DataFrame of shape (3 or 5, 4)
        metric, value (above 0 where `one` has the larger score; of log_loss and brier the smaller one is better), low,
        high.

    Raises
    ------
    ValueError
        As `score_intervals`.

    Examples
    --------
    >>> truth = ["urgent", "other"] * 50
    >>> paired_differences(truth, (truth, None), (["urgent"] * 100, None)).round(2).head(2)
         metric  value   low  high
    0  macro_f1   0.67  0.62  0.71
    1  accuracy   0.50  0.40  0.60
    """
    if one[1] is None or other[1] is None:
        one, other, classes = (one[0], None), (other[0], None), None
    first, second = (weighted_scores(y_true, *each, classes) for each in (one, other))
    codes = group_codes(groups, len(y_true))
    return _frame(*bootstrap_interval(lambda weights: first(weights) - second(weights), codes, confidence, draws, seed))


def bootstrap_interval(statistic, codes, confidence=0.95, draws=1000, seed=0):
    """Compute a statistic of rows, and its interval from draws of whole groups.

    For the difference between two models, the statistic is the difference: so both are scored in the same draws.

    Parameters
    ----------
    statistic : callable
        From weights of shape (n,) to an array of shape (m,); NaN where it has no value.
    codes : ndarray of int of shape (n,)
        Group of each row, from `chatkit.statistics.group_codes`.
    confidence, draws, seed
        As in `score_intervals`.

    Returns
    -------
    value, low, high : ndarray of shape (m,)

    Examples
    --------
    >>> bootstrap_interval(lambda weights: np.array([weights.mean()]), np.arange(3), draws=2)
    (array([1.]), array([1.]), array([1.]))
    """
    value = statistic(np.ones(len(codes)))
    return value, *percentile_interval(bootstrap(statistic, codes, seed, draws), value, confidence)


def _frame(value, low, high):
    return pd.DataFrame({"metric": [*METRICS][: len(value)], "value": value, "low": low, "high": high})
