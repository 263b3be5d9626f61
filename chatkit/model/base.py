"""What the classifiers share: checks of parameters, rows and categories, and the plain-data form of a fitted model."""

import warnings
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Annotated

import numpy as np
import pandas as pd
import xgboost
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_array, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from chatkit.model.trees import Trees
from chatkit.project import InputError
from chatkit.text.validation import canonical, require_fitted


@dataclass(frozen=True)
class Number:
    """What a parameter may be, written as ``Annotated[float, Number(...)]``.

    Parameters
    ----------
    low, high : float
        Smallest and largest value; infinity is never allowed.
    whole : bool, default=False
    above : bool, default=False
        Whether `low` itself is too small.
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
        if self.above:
            limits = f"above {self.low}" + (f" and up to {self.high}" if self.high < np.inf else "")
        else:
            limits = f"from {self.low} " + (f"to {self.high}" if self.high < np.inf else "up")
        return f"a {kind} {limits}{', or None' if self.optional else ''}"

    def allows(self, value):
        """Whether a value is such a number, of Python's or of NumPy's kind."""
        if value is None or isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return value is None and self.optional
        return self.low <= value <= self.high and value < np.inf and not (self.above and value == self.low)


Positive = Annotated[float, Number(0, above=True)]
NotNegative = Annotated[float, Number(0)]
Share = Annotated[float, Number(0, 1, above=True)]
Count = Annotated[int, Number(1, whole=True)]
TwoOrMore = Annotated[int, Number(2, whole=True)]


def check_numbers(parameters):
    """Raise an InputError where a field of a dataclass is not what its ``Annotated[..., Number(...)]`` allows."""
    for parameter in fields(parameters):
        value = getattr(parameters, parameter.name)
        for number in getattr(parameter.type, "__metadata__", ()):
            if not number.allows(value):
                raise InputError(f"Got {parameter.name}={value!r}, expected {number}.")


@dataclass
class PlainData:
    """A fitted classifier as plain data, which `chatkit.model.bundle` writes to files and reads back.

    Parameters
    ----------
    learned : dict
        What determines the predictions and JSON can hold. Read back it has ``classes`` and, for a classifier on term
        weights, ``terms`` too.
    options : dict
        Parameters that count only when the classifier is fitted again.
    weights : ndarray, optional
    trees : bytes, optional
        A booster in XGBoost's UBJ format.
    """

    learned: dict
    options: dict = field(default_factory=dict)
    weights: np.ndarray | None = None
    trees: bytes | None = None


class PlainDataMixin:
    """Gives a classifier on term weights as plain data and rebuilds it.

    ``_learned`` names the attributes, without the underscore behind them, that go into features.json; the array that
    ``_weights`` names and ``trees_`` have files of their own.
    """

    _learned, _weights = (), "coef_"

    def to_plain(self):
        """Return what was learned as plain data.

        Returns
        -------
        PlainData
        """
        learned = {name: np.asarray(getattr(self, f"{name}_")).tolist() for name in self._learned}
        plain = PlainData(learned, self.get_params(), getattr(self, self._weights, None))
        if trees := getattr(self, "trees_", None):
            learned["tree_words"], plain.trees = trees.words.tolist(), bytes(trees.booster.save_raw("ubj"))
        return plain

    @classmethod
    def from_plain(cls, plain):
        """Rebuild a fitted classifier.

        Parameters
        ----------
        plain : PlainData

        Returns
        -------
        estimator
        """
        model, learned = cls(**plain.options), plain.learned
        model.classes_, model.n_features_in_ = np.array(learned["classes"], dtype=object), len(learned["terms"])
        for name in cls._learned:
            setattr(model, f"{name}_", np.array(learned[name]) if isinstance(learned[name], list) else learned[name])
        if plain.weights is not None:
            setattr(model, cls._weights, plain.weights)
        if plain.trees is not None:
            booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(plain.trees))
            model.trees_ = Trees(booster, np.array(learned["tree_words"]))
        return model


class TermClassifier(PlainDataMixin, ClassifierMixin, BaseEstimator):
    """Base class of the classifiers on term weights.

    A subclass is a dataclass of its parameters, whose annotations say which numbers are allowed. It has
    ``_fit(X, codes, weights, seed)``, where codes are positions in ``classes_`` and weights those of the rows, and
    ``predict_proba(X)``, the largest of which in each row is predicted.
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)
            Term weights.
        y : array-like of shape (n,)
            Categories.
        sample_weight : array-like of shape (n,), optional
            How much each row counts beside the others, held-out rows too; a row of weight 0 is not there. All weights
            times a constant give the same model; one that is 1e45 times smaller than others is 0. The terms that trees
            may split on are chosen without.

        Returns
        -------
        self
        """
        check_numbers(self)
        _check_missing(y)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        X = canonical(X)
        self.classes_, codes = encode(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"Got one class, '{self.classes_[0]}', expected at least two; there is nothing to learn from one."
            )
        self._fit(*_weighted(X, codes, sample_weight), _seed(self.random_state))
        return self

    def predict(self, X):
        """Predict the category of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _validated(self, X):
        """Check rows to predict, as scikit-learn's validate_data does, but cheaply for what comes from a pipeline."""
        require_fitted(self, "classes_")
        plain = type(X) is csr_matrix and X.dtype == np.float64 and X.shape[1] == self.n_features_in_
        if not (plain and X.shape[0] and np.isfinite(X.data).all()):
            X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return canonical(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _seed(random_state):
    """A whole number as seed, drawn from NumPy's global state (None) or a RandomState as scikit-learn does."""
    generator = check_random_state(random_state)
    return int(random_state) if isinstance(random_state, Integral) else int(generator.randint(2**31))


def _weighted(X, codes, sample_weight):
    """Check weights of rows; return X, codes and weights of the rows whose weight is above 0."""
    if sample_weight is None:
        return X, codes, np.ones(len(codes))
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != codes.shape or weights.min() < 0:
        raise ValueError(
            f"Got sample_weight of shape {weights.shape}, the least {weights.min():g}, expected a number from 0 up for "
            f"each of {len(codes)} rows."
        )
    if weights.any():
        # Penalties and smallest leaves are meant for rows that count 1 on average. In single precision, since weights
        # times a constant differ in their last bits, on which a split may hang.
        weights = weights / weights.max()  # a sum of the largest numbers would be infinite
        weights = (weights * (np.count_nonzero(weights) / weights.sum())).astype(np.float32).astype(np.float64)
    empty = int((np.bincount(codes, weights) == 0).sum())
    if empty:
        raise ValueError(
            f"Got sample_weight in which all rows of {empty} classes have the weight zero, expected more in each class."
        )
    kept = weights > 0
    return (X, codes, weights) if kept.all() else (X[kept], codes[kept], weights[kept])


def _check_missing(y):
    """Check that each row has a category, since NumPy's or scikit-learn's error would not name the problem."""
    missing = int(np.sum(pd.isna(y))) if y is not None else 0
    if missing:
        raise ValueError(f"Got {missing:,} of {len(y):,} rows without a category; leave them out, or label them.")


def encode(y):
    """Encode categories as whole numbers.

    Parameters
    ----------
    y : array-like of shape (n,)
        Text, or numbers throughout.

    Returns
    -------
    classes : ndarray of shape (k,)
        Sorted.
    codes : ndarray of shape (n,)
        Position of each row's category in `classes`.

    Raises
    ------
    ValueError
        When categories are missing, of several types, or neither text nor numbers.

    Examples
    --------
    >>> classes, codes = encode(["urgent", "other", "urgent"])
    >>> classes.tolist(), codes.tolist()
    (['other', 'urgent'], [1, 0, 1])
    """
    _check_missing(y)
    y = np.asarray(y)
    if y.dtype != object:
        check_classification_targets(y)
        return np.unique(y, return_inverse=True)
    if not all(issubclass(kind, str) for kind in set(map(type, y))):
        kinds = ", ".join(sorted({type(category).__name__ for category in y}))
        raise ValueError(
            f"Unknown label type: got {kinds} as categories, expected text in each row; leave out rows without one."
        )
    codes, classes = pd.factorize(y, sort=True)  # hashed: to sort 100,000 texts costs as much as some trees
    return classes, codes


def folds(codes, cv, seed):
    """Split rows into folds with about the same share of each category.

    Parameters
    ----------
    codes : ndarray of shape (n,)
    cv : int
        Number of folds; fewer when even the largest category has fewer rows.
    seed : int

    Yields
    ------
    (ndarray, ndarray)
        Rows to fit on, with at least two categories, and held-out rows. Nothing when there are too few rows.

    Examples
    --------
    >>> [held_out.tolist() for _, held_out in folds(np.array([0, 1, 0, 1]), 5, seed=0)]
    [[1, 2], [0, 3]]
    """
    count = min(cv, np.bincount(codes).max(initial=0))
    if count < 2:
        return
    with warnings.catch_warnings():
        # Rare categories are expected in support chats; scikit-learn warns of each one in each fit.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fit_rows, held_out in StratifiedKFold(count, shuffle=True, random_state=seed).split(codes, codes):
            if len(np.unique(codes[fit_rows])) > 1:
                yield fit_rows, held_out
