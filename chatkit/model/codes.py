"""What classifiers do with what comes in: parameters and rows checked, categories numbered, folds made."""

import warnings
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_array, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from chatkit.text.validation import require_fitted


@dataclass(frozen=True)
class Number:
    """What a parameter may be.

    Parameters
    ----------
    low, high : float
        The least and the most; infinity is not allowed in any case.
    whole : bool, default=False
    above : bool, default=False
        Whether `low` itself is too little.
    optional : bool, default=False
        Whether None is allowed.

    Examples
    --------
    >>> print(Number(0, 1, above=True), Number(1, whole=True, optional=True), sep="; ")
    a number above 0 and up to 1; a whole number from 1 up, or None
    """

    low: float
    high: float = np.inf
    whole: bool = False
    above: bool = False
    optional: bool = False

    def __str__(self):
        kind = "whole number" if self.whole else "number"
        least = f"above {self.low}" if self.above else f"from {self.low} up"
        most = "" if self.high == np.inf else f" and up to {self.high}"
        return f"a {kind} {least}{most}{', or None' if self.optional else ''}"

    def allows(self, value):
        """Whether a value is such a number, of Python's or of NumPy's kind."""
        if value is None or isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return value is None and self.optional
        return self.low <= value <= self.high and value < np.inf and not (self.above and value == self.low)


def check_parameters(estimator, numbers):
    """Check an estimator's parameters.

    Parameters
    ----------
    estimator : estimator
    numbers : dict of str to Number

    Raises
    ------
    ValueError
        When one is something else.
    """
    for name, number in numbers.items():
        value = getattr(estimator, name)
        if not number.allows(value):
            raise ValueError(f"Got {name}={value!r}, expected {number}.")


def seed_of(random_state):
    """Return a whole number to seed with all that an estimator draws: the given one, or one drawn.

    Parameters
    ----------
    random_state : int, RandomState or None
        As scikit-learn has it: None draws from NumPy's global state, a RandomState from itself.

    Returns
    -------
    int

    Examples
    --------
    >>> seed_of(5), seed_of(np.random.RandomState(5)) == seed_of(np.random.RandomState(5))
    (5, True)
    """
    drawn = check_random_state(random_state)
    return int(random_state) if isinstance(random_state, Integral) else int(drawn.randint(2**31))


def weighted(X, codes, sample_weight):
    """Check weights of rows, and leave out rows that do not count.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, d)
    codes : ndarray of shape (n,)
    sample_weight : array-like of shape (n,) or None
        None: each row counts once.

    Returns
    -------
    X, codes : as they came, of shape (m, d) and (m,)
    times : ndarray of shape (m,), dtype float64
        How often each row counts, above 0.

    Raises
    ------
    ValueError
        When the weights are something else, or a category has none.
    """
    if sample_weight is None:
        return X, codes, np.ones(len(codes))
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != codes.shape or weights.min() < 0:
        raise ValueError(
            f"Got sample_weight of shape {weights.shape}, the least {weights.min():g}, expected a number from 0 up for "
            f"each of {len(codes)} rows."
        )
    empty = int((np.bincount(codes, weights) == 0).sum())
    if empty:
        raise ValueError(
            f"Got sample_weight in which all rows of {empty} classes have the weight zero, expected more in each class."
        )
    kept = weights > 0
    return (X, codes, weights) if kept.all() else (X[kept], codes[kept], weights[kept])


def check_missing(y):
    """Check that no row lacks a category, before NumPy or scikit-learn stumbles over one that does.

    Parameters
    ----------
    y : array-like of shape (n,)

    Raises
    ------
    ValueError
    """
    missing = int(np.sum(pd.isna(y))) if y is not None else 0
    if missing:
        raise ValueError(f"Got {missing:,} of {len(y):,} rows without a category; leave them out, or have them sorted.")


def check_names(y):
    """Check that each row has a category: text, or numbers throughout.

    Parameters
    ----------
    y : array-like of shape (n,)

    Raises
    ------
    ValueError
        When some have none, or they are of several types, or anything else than categories.
    """
    check_missing(y)
    y = np.asarray(y)
    if y.dtype != object:
        check_classification_targets(y)
    elif not all(issubclass(kind, str) for kind in set(map(type, y))):
        kinds = ", ".join(sorted({type(category).__name__ for category in y}))
        raise ValueError(
            f"Unknown label type: got {kinds} as categories, expected text in each row; leave out rows without one."
        )


def encode(y):
    """Number the categories.

    Parameters
    ----------
    y : array-like of shape (n,)

    Returns
    -------
    classes : ndarray of shape (k,)
        Sorted.
    codes : ndarray of shape (n,)
        Position of each row's category in `classes`.

    Raises
    ------
    ValueError
        When there is only one category, or some are missing.

    Examples
    --------
    >>> classes, codes = encode(["urgent", "other", "urgent"])
    >>> classes.tolist(), codes.tolist()
    (['other', 'urgent'], [1, 0, 1])
    """
    y = np.asarray(y)
    check_names(y)
    if y.dtype == object:  # hashed, since to sort a hundred thousand texts costs as much as some trees
        codes, classes = pd.factorize(y, sort=True)
    else:
        classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"Got one class, '{classes[0]}', expected at least two; there is nothing to learn from one.")
    return classes, codes


def checked(estimator, X):
    """Check rows to predict, as scikit-learn's validate_data does, without its cost for what comes from a pipeline.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : {array-like, sparse matrix} of shape (n, d)

    Returns
    -------
    ndarray or scipy.sparse.csr_matrix of shape (n, d), dtype float64
    """
    require_fitted(estimator, "classes_")
    plain = type(X) is csr_matrix and X.dtype == np.float64 and X.shape[1] == estimator.n_features_in_
    if plain and X.shape[0] and np.isfinite(X.data).all():
        return X
    return validate_data(estimator, X, accept_sparse="csr", dtype=np.float64, reset=False)


def folds(codes, cv, seed):
    """Split rows into folds with about the same share of each category.

    Parameters
    ----------
    codes : ndarray of shape (n,)
    cv : int
        Folds; fewer when even the largest category has fewer rows.
    seed : int

    Yields
    ------
    (ndarray, ndarray)
        Rows to fit on, with at least two categories, and the rows of the fold. Nothing when there are too few rows.

    Examples
    --------
    >>> [unseen.tolist() for _, unseen in folds(np.array([0, 1, 0, 1]), 5, seed=0)]
    [[1, 2], [0, 3]]
    """
    count = min(cv, np.bincount(codes).max(initial=0))
    if count < 2:
        return
    with warnings.catch_warnings():
        # Rare categories are expected in support chats; scikit-learn warns of each one in each fit.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for seen, unseen in StratifiedKFold(count, shuffle=True, random_state=seed).split(codes, codes):
            if len(np.unique(codes[seen])) > 1:
                yield seen, unseen
