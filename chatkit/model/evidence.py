"""How much the terms of a row say of its category, and probabilities where they say next to nothing."""

import numpy as np

from chatkit.text.exact import log

PRESUMED = 2  # rows that a term is taken to have besides its own, each of which says half of all there is to know
DOUBT = 2  # standard errors that a term must have said more than
HALF, OF_MEAN = 0.5, 0.2  # nats of a row that is half believed, at most this share of what a row says on average
SMOOTHING = 20  # rows with the frequencies of all, besides those that say little
DECIMALS = 4  # another processor adds up with other last bits


class Evidence:
    """What each term said for the right category, added up over rows that the coefficients were not fitted on.

    A term of weight x adds x times a coefficient to the margin of each category. What it adds for the right one, less
    the mean over the categories by their frequency, is what it said. A term that says nothing of the category says on
    average nothing for the right one either, however large its coefficients are: they were learned from other rows.

    Parameters
    ----------
    codes : ndarray of int of shape (n,)
        Categories of all rows, those fitted on too.
    weights : ndarray of shape (n,)
    k, d : int
        How many categories and terms there are.

    Attributes
    ----------
    prior : ndarray of shape (k,)
        Frequencies of the categories.
    """

    def __init__(self, codes, weights, k, d):
        self.prior = np.bincount(codes, weights, minlength=k) / weights.sum()
        self._sums = np.zeros((3, d))  # of rows, of what was said, of its squares

    def add(self, X, codes, weights, coef):
        """Add held-out rows, and the coefficients, of shape (k, d), that were fitted without them."""
        row = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        said = X.data * (coef[codes[row], X.indices] - (self.prior @ coef)[X.indices])
        for sums, values in zip(self._sums, (1, said, said**2), strict=True):
            np.add(sums, np.bincount(X.indices, weights[row] * values, minlength=len(sums)), out=sums)

    def learned(self, X, codes, weights, temperature):
        """Return what `moderated` needs, from the held-out rows once more and what their margins are divided by.

        Returns
        -------
        evidence : ndarray of shape (d,)
            What a term says in a row, at least 0; in all, a row that is half believed says 1.
        prior : ndarray of shape (k,)
            Frequencies of the categories where little is said: a chat without a telling word may be of another category
            than most chats.
        """
        rows, said, squares = self._sums
        presumed = -PRESUMED * (self.prior * log(self.prior)).sum() / 2
        nats = ((said - DOUBT * np.sqrt(squares)) / temperature + presumed) / (rows + PRESUMED)
        nats = np.maximum(nats, 0).round(DECIMALS)
        mean = np.average(_sums(X, nats), weights=weights) if len(codes) else HALF / OF_MEAN
        evidence = (nats / np.clip(OF_MEAN * mean, 10.0**-DECIMALS, HALF)).round(DECIMALS)
        silent = np.bincount(codes, weights * (1 - _believed(X, evidence)), minlength=len(self.prior))
        return evidence, (silent + SMOOTHING * self.prior) / (silent.sum() + SMOOTHING)


def moderated(probabilities, X, evidence, prior):
    """Move probabilities towards the frequencies of the categories where the terms of a row say little.

    Where they say e together, the share e**4 / (e**4 + 1) is the model's, the rest that of the frequencies: next to all
    is the model's in most rows, and nothing in one without a known term.

    Parameters
    ----------
    probabilities : ndarray of shape (n, k)
    X : scipy.sparse.csr_matrix of shape (n, d)
        From `chatkit.text.validation.canonical`.
    evidence : ndarray of shape (d,)
    prior : ndarray of shape (k,)
        Both from `Evidence.learned`.

    Returns
    -------
    ndarray of shape (n, k)

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> X = csr_matrix([[0.0, 0.0], [1.0, 0.0], [0.5, 0.5]])
    >>> moderated(np.tile([0.9, 0.1], (3, 1)), X, np.array([1.0, 3.0]), np.array([0.5, 0.5])).round(3)
    array([[0.5  , 0.5  ],
           [0.7  , 0.3  ],
           [0.898, 0.102]])
    """
    share = _believed(X, evidence)[:, None]
    return share * probabilities + (1 - share) * prior


def _believed(X, evidence):
    """Share of the model's probabilities in each row."""
    squares = np.square(_sums(X, evidence))
    return squares * squares / (squares * squares + 1)


def _sums(X, evidence):
    """Sum of what the terms of each row say, however often it has them."""
    row = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    return np.bincount(row, evidence[X.indices], minlength=X.shape[0])
