"""XGBoost for sparse word weights: what the classifiers that grow trees share."""

from dataclasses import dataclass

import numpy as np
import xgboost
from scipy.sparse import csr_matrix
from sklearn.feature_selection import chi2

from chatkit.model.codes import Number

AT_ONCE = 20_000_000  # contributions are dense: about 80 MB of them
SETTINGS = {
    "max_depth": Number(1, whole=True),
    "learning_rate": Number(0, above=True),
    "max_bin": Number(2, whole=True),
    "min_child_weight": Number(0, optional=True),
    "colsample_bynode": Number(0, 1, above=True),
    "reg_lambda": Number(0),
    "max_words": Number(1, whole=True),
}


def present(X, dtype=np.float32):
    """Return rows as CSR without stored zeros: a word that a chat does not have is missing to XGBoost.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n, d)
    dtype : dtype, default=numpy.float32

    Returns
    -------
    scipy.sparse.csr_matrix
    """
    X = csr_matrix(X, dtype=dtype)
    if X.nnz and not X.data.all():
        X = X.copy()
        X.eliminate_zeros()
    return X


def settings_of(estimator, seed):
    """Return XGBoost's parameters as a classifier holds them.

    Parameters
    ----------
    estimator : estimator
        With `SETTINGS` and device as parameters, and classes_.
    seed : int

    Returns
    -------
    dict
        For `grow`.
    """
    chosen = {name: getattr(estimator, name) for name in (*SETTINGS, "device") if name != "max_words"}
    if chosen["min_child_weight"] is None:
        chosen["min_child_weight"] = min(1.0, 5 / len(estimator.classes_))
    return chosen | {"num_class": len(estimator.classes_), "seed": seed}


def telling(X, codes, most):
    """Choose the words to grow trees on: every further one costs time in every node, and most are never split on.

    Parameters
    ----------
    X : scipy.sparse.csr_matrix of shape (n, d)
    codes : ndarray of shape (n,)
    most : int
        Words to choose.

    Returns
    -------
    ndarray of int of shape (m,)
        Sorted columns: of those that five rows have, and one row in two thousand, the ones with the largest
        chi-squared statistic of independence from the categories. All columns when no word is in so many rows.
    """
    rows = np.bincount(X.indices, minlength=X.shape[1])
    often = np.flatnonzero(rows >= max(5, X.shape[0] / 2000))
    if not len(often):
        return np.arange(X.shape[1])
    if len(often) <= most:
        return often
    # Six decimals, and ties in order: the last bits are not the same on every processor.
    statistic = np.round(chi2(X[:, often], codes)[0], 6)
    return np.sort(often[np.argsort(-statistic, kind="stable")[:most]])


@dataclass(frozen=True)
class Trees:
    """Boosted trees and the words that they may look at.

    Parameters
    ----------
    booster : xgboost.Booster
    words : ndarray of int of shape (m,)
        Sorted columns; the booster's own columns are counted among them.
    """

    booster: xgboost.Booster
    words: np.ndarray

    def predict(self, X, margins=None, rounds=0):
        """Probabilities, or margins where some are given to start from.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `present`.
        margins : ndarray of shape (n, k), optional
        rounds : int, default=0
            Rounds to count in; 0 for all.

        Returns
        -------
        ndarray of shape (n, k), dtype float32
        """
        return self.booster.inplace_predict(
            X[:, self.words],
            iteration_range=(0, rounds),
            predict_type="value" if margins is None else "margin",
            base_margin=None if margins is None else margins.astype(np.float32),
        )

    def staged(self, X, margins=None):
        """Margins after each round, each from those of the round before.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `present`.
        margins : ndarray of shape (n, k), optional
            To start from, as in `predict`.

        Yields
        ------
        ndarray of shape (n, k), dtype float32
        """
        X, margins = X[:, self.words], None if margins is None else margins.astype(np.float32)
        for number in range(self.booster.num_boosted_rounds()):
            margins = self.booster.inplace_predict(
                X, iteration_range=(number, number + 1), predict_type="margin", base_margin=margins
            )
            yield margins

    def contributions(self, X, k, margins=None):
        """Say how much each word of each row speaks for each category: XGBoost's own exact contributions.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `present`.
        k : int
            Categories.
        margins : ndarray of shape (n, k), optional
            Where the trees start from, as in `predict`.

        Returns
        -------
        words : ndarray of shape (nnz, k)
            Contribution of each entry of `X`, in its order.
        rest : dict of str to ndarray of shape (n, k)
            "absent words" (what trees make of words that the row does not have) and "intercept" (the margins at the
            start and the mean of the trees). With the words of its row it adds up to the margin, as exactly as float32.

        References
        ----------
        S. Lundberg et al., "From Local Explanations to Global Understanding with Explainable AI for Trees", Nature
        Machine Intelligence 2, 2020.
        """
        column = np.full(X.shape[1], -1)
        column[self.words] = np.arange(len(self.words))
        column, row = column[X.indices], np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        words, absent, intercept = np.zeros((X.nnz, k)), *np.empty((2, X.shape[0], k))
        step = max(1, AT_ONCE // (k * (1 + len(self.words))))
        for start in range(0, X.shape[0], step):
            some = slice(start, start + step)
            begin = None if margins is None else margins[some].astype(np.float32)
            matrix = xgboost.DMatrix(X[some][:, self.words], base_margin=begin, nthread=1)
            said = self.booster.predict(matrix, pred_contribs=True, strict_shape=True)
            entries = np.arange(X.indptr[start], X.indptr[min(start + step, X.shape[0])])
            entries = entries[column[entries] >= 0]
            place = row[entries] - start, slice(None), column[entries]
            words[entries] = said[place]
            said[place] = 0
            absent[some], intercept[some] = said[:, :, :-1].sum(axis=2, dtype=np.float64), said[:, :, -1]
        return words, {"absent words": absent, "intercept": intercept}


def grow(X, codes, settings, rounds, most, margins=None, unseen=None, patience=None, times=None):
    """Grow trees for every category, with one thread: with two XGBoost adds up in another order.

    Parameters
    ----------
    X : scipy.sparse.csr_matrix of shape (n, d)
        From `present`.
    codes : ndarray of shape (n,)
    settings : dict
        From `settings_of`.
    rounds : int
        Most boosting rounds.
    most : int
        Words to choose, see `telling`.
    margins : ndarray of shape (n, k), optional
        Where to start from.
    unseen : ndarray of bool, shape (n,), optional
        Rows to hold out; boosting stops when their log-loss has not fallen for `patience` rounds.
    patience : int, optional
    times : ndarray of shape (n,), optional
        How often each row counts.

    Returns
    -------
    Trees
        With `unseen`, the booster's ``best_iteration`` is the round with the lowest log-loss.

    Raises
    ------
    ValueError
        When XGBoost refuses a setting or has no such device.
    """
    settings = {
        "objective": "multi:softprob", "tree_method": "hist", "nthread": 1, "verbosity": 1,
        "eval_metric": "mlogloss", **settings,
    }  # fmt: skip

    def of_rows(rows):
        return {
            "base_margin": None if margins is None else margins[rows],
            "weight": None if times is None else times[rows],
        }

    if settings["device"] != "cpu" and not xgboost.build_info()["USE_CUDA"]:
        raise ValueError(
            f"Got device={settings['device']!r}, but this XGBoost is built for the CPU only; use device='cpu', "
            "or install the package xgboost in place of xgboost-cpu."
        )
    seen = slice(None) if unseen is None else ~unseen
    X_seen = X if unseen is None else X[seen]
    words = telling(X_seen, codes[seen], most)
    try:
        rows = xgboost.QuantileDMatrix(
            X_seen[:, words], codes[seen], **of_rows(seen), max_bin=int(settings["max_bin"]), nthread=1
        )
        if unseen is None:
            return Trees(xgboost.train(settings, rows, rounds), words)
        # Not as quantiles: to look up a sparse row among them takes forty times as long.
        watched = xgboost.DMatrix(X[unseen][:, words], codes[unseen], **of_rows(unseen), nthread=1)
        booster = xgboost.train(
            settings, rows, rounds, evals=[(watched, "unseen")], early_stopping_rounds=patience, verbose_eval=False
        )
    except xgboost.core.XGBoostError as error:
        reason = next(line for line in str(error).splitlines() if line.strip()).split("] ")[-1]
        raise ValueError(f"XGBoost refused its settings or the device {settings['device']!r}: {reason}") from None
    return Trees(booster, words)
