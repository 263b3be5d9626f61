"""Resampling that several checks share."""

import numpy as np
from scipy import stats

from chatkit.evaluation.checks.result import settled
from chatkit.evaluation.intervals import drawn

DRAWS = 500
LEVEL = 0.98  # of intervals: an alarm that needs one end of it is false in one clean run of a hundred


def bootstrap(statistic, groups, seed):
    """Draw whole groups with replacement and return the interval of a statistic.

    Parameters
    ----------
    statistic : callable
        From weights of shape (n,) to a float; NaN where it has no value.
    groups : ndarray of int of shape (n,)
        Rows that belong together have one number, from 0 up; ``np.arange(n)`` where none do.
    seed : int

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
    values = drawn(statistic, groups, seed, DRAWS)
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return settled(low), settled(high)


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
    return settled(mean), settled(mean - half), settled(mean + half)
