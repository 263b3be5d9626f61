"""How often and how surely the checks resample, and intervals of refits."""

import numpy as np
from scipy import stats

DRAWS = 500
LEVEL = 0.98  # of intervals: an alarm that needs one end of it is false in one clean run of a hundred


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
