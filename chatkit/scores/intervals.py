"""How far scores would move with other test chats: the bootstrap, and the scores that it draws again and again."""

import numpy as np
import pandas as pd

from chatkit.scores.metrics import scores
from chatkit.statistics import bootstrap, group_codes, percentile_interval
from chatkit.text.exact import log


def score_intervals(y_true, y_pred, probabilities=None, classes=None, groups=None, confidence=0.95, draws=1000, seed=0):
    """Score predictions, each score with its interval.

    The intervals come from a bootstrap that draws whole conversations: chats of one conversation resemble each other,
    so that together they say less than as many chats on their own. They hold for this fitted model; how much another
    training set would change is not in them. With fewer than about five chats a category they are too narrow.

    Parameters
    ----------
    y_true, y_pred, probabilities, classes
        As in `chatkit.scores.metrics.scores`.
    groups : array-like of shape (n,), optional
        Conversation of each chat; a chat without one (NaN, None) stands alone, and so do all chats by default.
    confidence : float, default=0.95
        Share of such intervals that hold the true score, between 0 and 1.
    draws : int, default=1000
    seed : int, default=0
        Seed of the draws.

    Returns
    -------
    pandas.DataFrame of shape (3 or 5, 4)
        metric (macro_f1, accuracy, balanced_accuracy; with probabilities log_loss and brier), value, low, high (NaN
        where all draws score the same, such as where all chats are right: they say nothing of other chats). In a draw
        without a category the macro-F1 is that of the others, as scikit-learn defines it.

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
    values = scores(y_true, y_pred, probabilities, classes)
    again = _score_again(y_true, y_pred, probabilities, classes)
    frame = _frame(values, bootstrap(again, group_codes(groups, len(y_true)), seed, draws), confidence)
    most = frame["metric"].map({"log_loss": np.inf, "brier": 2}).fillna(1)
    # Where all draws agree they say nothing of other chats.
    known = frame["low"] < frame["high"]
    return frame.assign(low=frame["low"].clip(lower=0).where(known), high=frame["high"].clip(upper=most).where(known))


def paired_differences(y_true, one, other, classes=None, groups=None, confidence=0.95, draws=1000, seed=0):
    """Compare two models on the same chats: scores of one minus scores of the other, with intervals.

    Both are scored in the same draws. What makes a draw easy or hard for both falls out, so this interval is far
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
    first, second = (scores(y_true, *each, classes) for each in (one, other))
    again = [_score_again(y_true, *each, classes) for each in (one, other)]
    codes = group_codes(groups, len(y_true))
    values = bootstrap(lambda weights: again[0](weights) - again[1](weights), codes, seed, draws)
    return _frame({name: first[name] - second[name] for name in first}, values, confidence)


def macro_f1(truth, predicted, weights=None):
    """Mean F1 over the categories that are in either, as scikit-learn's f1_score, for use in a bootstrap.

    Parameters
    ----------
    truth, predicted : ndarray of int of shape (n,)
    weights : ndarray of shape (n,), optional

    Returns
    -------
    float

    Examples
    --------
    >>> round(macro_f1(np.array([0, 0, 1]), np.array([0, 1, 1])), 3)
    0.667
    """
    size, right = max(truth.max(), predicted.max()) + 1, truth == predicted
    both = np.bincount(truth, weights, size) + np.bincount(predicted, weights, size)
    hits = np.bincount(truth[right], None if weights is None else weights[right], size)
    return float(np.mean(2 * hits[both > 0] / both[both > 0]))


def balanced_accuracy(codes, hits, weights=None):
    """Mean recall over the categories that have weight.

    Parameters
    ----------
    codes : ndarray of int of shape (n,)
        True categories.
    hits : ndarray of bool of shape (n,)
        Whether the prediction is right.
    weights : ndarray of shape (n,), optional

    Returns
    -------
    float
        NaN when nothing has weight.

    Examples
    --------
    >>> balanced_accuracy(np.array([0, 0, 1]), np.array([True, False, True]))
    0.75
    """
    weights = np.ones(len(codes)) if weights is None else weights
    totals = np.bincount(codes, weights)
    right = np.bincount(codes, weights * hits)[totals > 0]
    return float(np.mean(right / totals[totals > 0])) if len(right) else np.nan


def _score_again(y_true, y_pred, probabilities, classes):
    """Return `scores` as a function of the chats' weights; what does not depend on them is computed once."""
    both = np.concatenate([np.asarray(y_true, dtype=object), np.asarray(y_pred, dtype=object)])
    truth, predicted = np.split(np.unique(both, return_inverse=True)[1], 2)
    hits = truth == predicted
    per_row = [hits]
    if probabilities is not None:
        given = np.asarray(probabilities, dtype=float)
        given = given / given.sum(axis=1, keepdims=True)
        right = given[np.arange(len(given)), pd.Index(classes).get_indexer(np.asarray(y_true, dtype=object))]
        smallest = np.finfo(given.dtype).eps  # scikit-learn's bound: a probability of 0 would cost without end
        per_row += [-log(right.clip(smallest, 1 - smallest)), (given**2).sum(axis=1) - 2 * right + 1]
    per_row = np.column_stack(per_row).astype(float)

    def again(weights):
        means = weights @ per_row / weights.sum()
        return np.array([macro_f1(truth, predicted, weights), means[0], balanced_accuracy(truth, hits, weights),
                         *means[1:]])  # fmt: skip

    return again


def _frame(scored, values, confidence):
    value = np.array(list(scored.values()))
    low, high = percentile_interval(values, value, confidence)
    return pd.DataFrame({"metric": list(scored), "value": value, "low": low, "high": high})
