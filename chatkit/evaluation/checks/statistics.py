"""Resampling that several checks share."""

import numpy as np
from scipy import stats

DRAWS = 500
LEVEL = 0.98  # of intervals: an alarm that needs one end of it is false in one clean run of a hundred


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


def macro_f1(truth, predicted):
    """Mean F1 over the categories that are in either, as scikit-learn's f1_score, for use in a bootstrap.

    Parameters
    ----------
    truth, predicted : ndarray of int of shape (n,)

    Returns
    -------
    float

    Examples
    --------
    >>> round(macro_f1(np.array([0, 0, 1]), np.array([0, 1, 1])), 3)
    0.667
    """
    size = max(truth.max(), predicted.max()) + 1
    both = np.bincount(truth, minlength=size) + np.bincount(predicted, minlength=size)
    hits = np.bincount(truth[truth == predicted], minlength=size)
    return float(np.mean(2 * hits[both > 0] / both[both > 0]))


def bootstrap(statistic, groups, seed, draws=DRAWS):
    """Draw whole groups with replacement and return the interval of a statistic.

    Parameters
    ----------
    statistic : callable
        From weights of shape (n,) to a float; NaN where it has no value.
    groups : ndarray of int of shape (n,)
        Rows that belong together have one number, from 0 up; ``np.arange(n)`` where none do.
    seed : int
    draws : int, default=500

    Returns
    -------
    tuple of float
        Low and high end.

    References
    ----------
    B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993.

    Examples
    --------
    >>> bootstrap(lambda weights: weights.sum() / 3, np.arange(3), seed=0)
    (1.0, 1.0)
    """
    rng, size = np.random.default_rng(seed), int(groups.max()) + 1
    values = [
        statistic(np.bincount(rng.integers(size, size=size), minlength=size)[groups].astype(float))
        for _ in range(draws)
    ]
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def corrected_t(differences, share):
    """Interval of the mean of differences between resampled fits.

    The fits share training rows, so the variance of their mean is larger than that of independent draws.

    Parameters
    ----------
    differences : array-like of shape (j,)
    share : float
        Test rows for each training row.

    Returns
    -------
    mean, low, high : float

    References
    ----------
    C. Nadeau and Y. Bengio, "Inference for the Generalization Error", Machine Learning 52, 2003.

    Examples
    --------
    >>> [round(value, 2) for value in corrected_t([0.1, 0.2, 0.3], 0.5)]
    [0.2, -0.44, 0.84]
    """
    differences = np.asarray(differences, dtype=float)
    spread = np.sqrt(differences.var(ddof=1) * (1 / len(differences) + share))
    half = stats.t.ppf((1 + LEVEL) / 2, len(differences) - 1) * spread
    mean = differences.mean()
    return float(mean), float(mean - half), float(mean + half)
