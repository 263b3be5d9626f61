"""Exponentials and logarithms that are the same to the last bit on every processor.

numpy's and the C library's own choose by processor between ways that round the last bit otherwise. These are made of
additions, multiplications and divisions in one order, each of which IEEE 754 defines to the last bit; numba neither
fuses nor reorders them. They are compiled when they are first imported, and kept in __pycache__.
"""

import math

import numpy as np
from numba import vectorize

# ln 2 in two parts: the first has zeros at its end, so that a whole number times it is exact.
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
_LEAST = -708.0  # below, the exponential is none of the usual numbers any more
_FACTORIALS = tuple(1 / math.factorial(n) for n in range(13, -1, -1))
_ODD = tuple(1 / n for n in range(23, 0, -2))


@vectorize(["float64(float64)"], cache=True)
def exp(x):
    """Compute e to the power of x, element by element; 0 below -708.

    Within two units of the last place.

    Examples
    --------
    >>> exp(np.array([0.0, 1.0, -800.0])).round(12).tolist()
    [1.0, 2.718281828459, 0.0]
    """
    if math.isnan(x):
        return x
    if x < _LEAST:
        return 0.0
    if x > -_LEAST:
        return np.inf
    power = math.floor(x / (_LN2_HIGH + _LN2_LOW) + 0.5)
    rest = (x - power * _LN2_HIGH) - power * _LN2_LOW
    total = 0.0
    for factor in _FACTORIALS:  # of at most 0.35: the next term would be smaller than the last bit
        total = total * rest + factor
    return math.ldexp(total, int(power))


@vectorize(["float64(float64)"], cache=True)
def log(x):
    """Compute the natural logarithm, element by element; -inf of 0.

    Within three units of the last place.

    Examples
    --------
    >>> log(np.array([1.0, 10.0, 0.0])).round(12).tolist()
    [0.0, 2.302585092994, -inf]
    """
    if not 0 < x < np.inf:
        return -np.inf if x == 0 else x if x > 0 else np.nan
    part, power = math.frexp(x)
    if part < 0.7071067811865476:
        part, power = 2 * part, power - 1
    # log(part) = 2 (s + s^3 / 3 + s^5 / 5 + ...)
    s = (part - 1) / (part + 1)
    square, total = s * s, 0.0
    for factor in _ODD:
        total = total * square + factor
    return power * _LN2_HIGH + (power * _LN2_LOW + 2 * s * total)


def log_softmax(margins):
    """Turn margins into log-probabilities.

    Parameters
    ----------
    margins : ndarray of shape (n, k)
        Finite.

    Returns
    -------
    ndarray of shape (n, k), dtype float64

    Examples
    --------
    >>> exp(log_softmax(np.array([[0.0, 0.0]]))).tolist()
    [[0.5, 0.5]]
    """
    margins = _below_largest(margins)
    return margins - log(exp(margins).sum(axis=1, keepdims=True))


def softmax(margins):
    """Turn margins into probabilities.

    Parameters
    ----------
    margins : ndarray of shape (n, k)
        Finite.

    Returns
    -------
    ndarray of shape (n, k), dtype float64

    Examples
    --------
    >>> softmax(np.array([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """
    powers = exp(_below_largest(margins))
    return powers / powers.sum(axis=1, keepdims=True)


def _below_largest(margins):
    """Each margin less the largest of its row, so that no exponential overflows."""
    margins = np.asarray(margins, np.float64)
    return margins - margins.max(axis=1, keepdims=True)


def expit(x):
    """Turn log-odds into probabilities.

    Parameters
    ----------
    x : ndarray

    Returns
    -------
    ndarray of float64

    Examples
    --------
    >>> expit(np.array([0.0, -800.0, 800.0])).tolist()
    [0.5, 0.0, 1.0]
    """
    small = exp(-np.abs(x))
    return np.where(np.asarray(x) < 0, small, 1.0) / (1 + small)
