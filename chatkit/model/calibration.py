"""Calibration: probabilities that are about how often the most probable category is right."""

import numpy as np
from scipy.optimize import brentq, minimize

from chatkit.text.exact import exp, expit, log, softmax

IDENTITY = np.array([1.0, 1.0, 1.0, 0.0])
HOTTEST = 5.0  # largest logarithm of a temperature; the smallest is its negative
SMALLEST = 1e-9  # probability before the calibration, and distance from the least that the largest may be


def calibrated(margins, calibration=IDENTITY):
    """Turn margins into probabilities: the softmax at a temperature, then the largest of each row calibrated.

    The others share the rest as they did before, so the order of the categories is that of the margins. For that the
    largest must not fall below a floor, s / (1 + s), where s is the share of the rest that the second has. Where q is
    the largest probability of the softmax and u = (q - floor) / (1 - floor), it becomes floor + (1 - floor) p with
    logit(p) = a log(u) - b log(1 - u) + c: beta calibration of what is above the floor. One curve serves all
    categories, so it cannot mend a bias towards one of them.

    Parameters
    ----------
    margins : ndarray of shape (n, k)
    calibration : array-like of shape (4,), default=(1.0, 1.0, 1.0, 0.0)
        Temperature, a, b and c; the default changes nothing.

    Returns
    -------
    ndarray of shape (n, k)

    References
    ----------
    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (temperature); M. Kull, T. Silva Filho and P.
    Flach, "Beta calibration", AISTATS 2017.

    Examples
    --------
    >>> margins = np.log([[0.7, 0.2, 0.1]])
    >>> calibrated(margins).round(3)
    array([[0.7, 0.2, 0.1]])
    >>> calibrated(margins, (1.0, 1.0, 1.0, -1.0)).round(3)
    array([[0.561, 0.292, 0.146]])
    """
    probabilities, largest_at, rest, floor, logarithms = _parts(margins / calibration[0])
    largest = floor + (1 - floor) * expit(_linear(calibration[1:], logarithms))
    probabilities *= ((1 - largest) / rest)[:, None]
    probabilities[largest_at] = largest
    return probabilities


def calibrate(margins, codes, weights=1.0):
    """Find a temperature, and a, b and c by maximum likelihood of whether the most probable category is right.

    A penalty of half the squared distance from one that changes nothing keeps the numbers finite where all rows are
    right, and near it where there are few.

    Parameters
    ----------
    margins : ndarray of shape (n, k)
        Of held-out rows.
    codes : ndarray of int of shape (n,)
        Their categories.
    weights : ndarray of shape (n,), default=1.0
        Weights of the rows.

    Returns
    -------
    ndarray of shape (4,)
        For `calibrated`.
    """
    degree = temperature(margins, codes, weights)
    _, (_, predicted), _, floor, logarithms = _parts(margins / degree)
    right, start = predicted == codes, IDENTITY[1:]

    def loss(parameters):
        logit, distance = _linear(parameters, logarithms), parameters - start
        share = expit(logit)
        largest = floor + (1 - floor) * share
        losses = weights * np.where(right, -log(largest), np.maximum(logit, 0) + log(1 + exp(-np.abs(logit))))
        value = losses[~right].sum() + losses[right].sum() + (distance**2).sum() / 2
        slope = weights * np.where(right, -(1 - floor) * share * (1 - share) / largest, share)
        return value, (logarithms * slope).sum(axis=1) + distance

    bounds = [(0, None), (0, None), (None, None)]  # a larger probability does not become a smaller one
    # To a millionth of what is kept: where the optimiser stops may depend on the processor, the two decimals do not.
    precision = {"ftol": 0, "gtol": 1e-8}
    solution = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=precision)
    return np.array([degree, *np.round(solution.x, 2)])


def temperature(margins, codes, weights=1.0):
    """Find the temperature, by which margins are divided before the softmax, with the lowest log-loss.

    Parameters
    ----------
    margins : ndarray of shape (n, k)
        Of held-out rows.
    codes : ndarray of int of shape (n,)
        Their categories.
    weights : ndarray of shape (n,), default=1.0
        Weights of the rows.

    Returns
    -------
    float
        1 without rows.
    """
    if not len(codes):
        return 1.0
    of_category = margins[np.arange(len(codes)), codes]

    def slope(degree):
        """Of the log-loss, when what margins are divided by falls."""
        return (weights * ((softmax(margins / exp(degree)) * margins).sum(axis=1) - of_category)).sum()

    cold, hot = slope(-HOTTEST), slope(HOTTEST)
    if hot == cold == 0:  # no temperature is better than another
        return 1.0
    # The slope's root is found to fifteen digits, the loss's lowest point would be to eight: four are kept.
    degree = -HOTTEST if cold <= 0 else HOTTEST if hot >= 0 else brentq(slope, -HOTTEST, HOTTEST, xtol=1e-14)
    return float(f"{exp(degree):.4g}")


def _linear(parameters, logarithms):
    """Sum of the rows, each times its parameter: in one order, which BLAS chooses by processor."""
    a, b, c = parameters
    return a * logarithms[0] + b * logarithms[1] + c * logarithms[2]


def _parts(margins):
    """Probabilities with 0 for the largest, its index, the sum of the others, its floor, and log(u), -log(1 - u), 1."""
    probabilities = np.maximum(softmax(margins), SMALLEST)
    largest_at = np.arange(len(probabilities)), margins.argmax(axis=1)
    largest = probabilities[largest_at]
    probabilities[largest_at] = 0
    rest = probabilities.sum(axis=1)
    second = probabilities.max(axis=1) / rest
    floor = second / (1 + second)
    below = np.minimum(rest / (largest + rest) / (1 - floor), 1 - SMALLEST)
    return probabilities, largest_at, rest, floor, np.array([log(1 - below), -log(below), np.ones(len(below))])
