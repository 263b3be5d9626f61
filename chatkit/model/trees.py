"""XGBoost for sparse term weights: what the classifiers that grow trees share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xgboost
from sklearn.feature_selection import chi2

from chatkit.model.forest import Forest

AT_ONCE = 20_000_000  # contributions are dense: about 80 MB of them
# Parameters of our classifiers that XGBoost has by the same name.
XGBOOST_PARAMETERS = (
    "max_depth", "learning_rate", "max_bin", "min_child_weight", "colsample_bynode", "reg_lambda", "device",
)  # fmt: skip


def xgboost_parameters(estimator, seed):
    """Return XGBoost's parameters for `grow`.

    Parameters
    ----------
    estimator : estimator
        With `XGBOOST_PARAMETERS` as parameters, and classes_.
    seed : int

    Returns
    -------
    dict
    """
    parameters = {name: getattr(estimator, name) for name in XGBOOST_PARAMETERS}
    if parameters["min_child_weight"] is None:
        parameters["min_child_weight"] = min(1.0, 5 / len(estimator.classes_))
    return parameters | {"num_class": len(estimator.classes_), "seed": seed}


def select_terms(X, codes, max_terms):
    """Select the terms to grow trees on: each costs time in every node, and most are never split on.

    Parameters
    ----------
    X : scipy.sparse.csr_matrix of shape (n, d)
    codes : ndarray of shape (n,)
    max_terms : int

    Returns
    -------
    ndarray of int of shape (m,)
        Sorted columns: of those that five rows have, and one row in two thousand, the ones with the largest
        chi-squared statistic of independence from the categories. All columns when no term is in so many rows.
    """
    rows = np.bincount(X.indices, minlength=X.shape[1])
    frequent = np.flatnonzero(rows >= max(5, X.shape[0] / 2000))
    if not len(frequent):
        return np.arange(X.shape[1])
    if len(frequent) <= max_terms:
        return frequent
    # Six decimals, and ties in order: the last bits are not the same on every processor.
    statistic = np.round(chi2(X[:, frequent], codes)[0], 6)
    return np.sort(frequent[np.argsort(-statistic, kind="stable")[:max_terms]])


@dataclass(frozen=True)
class Trees:
    """Boosted trees and the terms that they may split on.

    Parameters
    ----------
    booster : xgboost.Booster
        Its column i is column ``words[i]`` of the rows.
    words : ndarray of int of shape (m,)
        Sorted columns.
    """

    booster: xgboost.Booster
    words: np.ndarray

    @cached_property
    def forest(self):
        """The same trees for a few rows."""
        return Forest(self.booster, self.words)

    def predict(self, X, margins=None, rounds=0):
        """Probabilities, or margins where some are given to start from.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `chatkit.text.validation.canonical`, dtype float32.
        margins : ndarray of shape (n, k), optional
        rounds : int, default=0
            Number of first rounds to use; 0 for all.

        Returns
        -------
        ndarray of shape (n, k), dtype float32
        """
        kind, base = ("value", None) if margins is None else ("margin", margins.astype(np.float32))
        return self.booster.inplace_predict(
            X[:, self.words], iteration_range=(0, rounds), predict_type=kind, base_margin=base
        )

    def staged(self, X, margins=None):
        """Margins after each round, each from those of the round before.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `chatkit.text.validation.canonical`, dtype float32.
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
        """Compute how much each term of each row speaks for each category: XGBoost's own exact contributions.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `chatkit.text.validation.canonical`, dtype float32.
        k : int
            Categories.
        margins : ndarray of shape (n, k), optional
            Where the trees start from, as in `predict`.

        Returns
        -------
        words : ndarray of shape (nnz, k)
            Contribution of each entry of `X`, in its order.
        rest : dict of str to ndarray of shape (n, k)
            "absent words" (of the terms that the row does not have) and "intercept" (the margins at the start and the
            mean of the trees). With the terms of its row it adds up to the margin, as exactly as float32.

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
            batch = slice(start, start + step)
            base = None if margins is None else margins[batch].astype(np.float32)
            matrix = xgboost.DMatrix(X[batch][:, self.words], base_margin=base, nthread=1)
            values = self.booster.predict(matrix, pred_contribs=True, strict_shape=True)
            entries = np.arange(X.indptr[start], X.indptr[min(start + step, X.shape[0])])
            entries = entries[column[entries] >= 0]
            index = row[entries] - start, slice(None), column[entries]
            words[entries] = values[index]
            values[index] = 0
            absent[batch], intercept[batch] = values[:, :, :-1].sum(axis=2, dtype=np.float64), values[:, :, -1]
        return words, {"absent words": absent, "intercept": intercept}


def grow(X, codes, parameters, rounds, max_terms, margins=None, held_out=None, patience=None, weights=None):
    """Grow trees for every category, with one thread: with two XGBoost adds up in another order.

    Parameters
    ----------
    X : scipy.sparse.csr_matrix of shape (n, d)
        From `chatkit.text.validation.canonical`, dtype float32.
    codes : ndarray of shape (n,)
    parameters : dict
        From `xgboost_parameters`.
    rounds : int
        Largest number of boosting rounds.
    max_terms : int
        See `select_terms`.
    margins : ndarray of shape (n, k), optional
        Where to start from.
    held_out : ndarray of bool, shape (n,), optional
        Rows not to fit on; boosting stops when their log-loss has not fallen for `patience` rounds.
    patience : int, optional
    weights : ndarray of shape (n,), optional
        How much each row counts beside the others.

    Returns
    -------
    Trees
        With `held_out`, the booster's ``best_iteration`` is the round with the lowest log-loss.

    Raises
    ------
    ValueError
        When XGBoost refuses a parameter or has no such device.
    """
    parameters = {
        "objective": "multi:softprob", "tree_method": "hist", "nthread": 1, "verbosity": 1,
        "eval_metric": "mlogloss", **parameters,
    }  # fmt: skip
    if parameters["device"] != "cpu" and not xgboost.build_info()["USE_CUDA"]:
        raise ValueError(
            f"Got device={parameters['device']!r}, but this XGBoost is built for the CPU only; use device='cpu', "
            "or install the package xgboost in place of xgboost-cpu."
        )
    fit_rows = slice(None) if held_out is None else ~held_out
    X_fit = X if held_out is None else X[fit_rows]
    terms = select_terms(X_fit, codes[fit_rows], max_terms)

    def matrix(kind, X, rows, **options):
        base, weight = (None if values is None else values[rows] for values in (margins, weights))
        return kind(X[:, terms], codes[rows], base_margin=base, weight=weight, nthread=1, **options)

    try:
        train = matrix(xgboost.QuantileDMatrix, X_fit, fit_rows, max_bin=int(parameters["max_bin"]))
        stopping = {}
        if held_out is not None:
            # Not as quantiles: to look up a sparse row among them takes forty times as long.
            evaluated = matrix(xgboost.DMatrix, X[held_out], held_out)
            stopping = {"evals": [(evaluated, "held_out")], "early_stopping_rounds": patience, "verbose_eval": False}
        return Trees(xgboost.train(parameters, train, rounds, **stopping), terms)
    except xgboost.core.XGBoostError as error:
        reason = next(line for line in str(error).splitlines() if line.strip()).split("] ")[-1]
        raise ValueError(f"XGBoost refused its parameters or the device {parameters['device']!r}: {reason}") from None
