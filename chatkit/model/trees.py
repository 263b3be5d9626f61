"""XGBoost for sparse word weights: what the classifiers that grow trees share."""

import numpy as np
import xgboost
from scipy.sparse import csr_matrix

EXPLAINED_ROWS = 1000
SETTINGS = (
    "max_depth", "learning_rate", "max_bin", "min_child_weight", "colsample_bynode", "reg_lambda", "device",
)  # fmt: skip


def present(X):
    """Return rows as float32 CSR without stored zeros: a word that a chat does not have is missing to XGBoost.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n, d)

    Returns
    -------
    scipy.sparse.csr_matrix
    """
    X = csr_matrix(X, dtype=np.float32)
    if X.nnz and not X.data.all():
        X = X.copy()
        X.eliminate_zeros()
    return X


def settings_of(estimator):
    """Return XGBoost's parameters as a classifier holds them.

    Parameters
    ----------
    estimator : estimator
        With `SETTINGS` and random_state as parameters, and classes_.

    Returns
    -------
    dict
        For `grow`.
    """
    chosen = {name: getattr(estimator, name) for name in SETTINGS}
    return chosen | {"num_class": len(estimator.classes_), "seed": estimator.random_state}


def frequent(X):
    """Leave out the words of too few rows to split on: they cost time in every node and are hardly ever taken.

    Parameters
    ----------
    X : scipy.sparse.csr_matrix of shape (n, d)

    Returns
    -------
    scipy.sparse.csr_matrix
        The same shape; a word stays when five rows have it, and one row in two thousand.
    """
    often = np.bincount(X.indices, minlength=X.shape[1]) >= max(5, X.shape[0] / 2000)
    if often.all() or not often.any():
        return X
    X = csr_matrix((X.data * often[X.indices], X.indices, X.indptr), shape=X.shape)
    X.eliminate_zeros()
    return X


def grow(X, codes, settings, rounds, margins=None, unseen=None, patience=None):
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
    margins : ndarray of shape (n, k), optional
        Where to start from.
    unseen : ndarray of bool, shape (n,), optional
        Rows to hold out; boosting stops when their log-loss has not fallen for `patience` rounds.
    patience : int, optional

    Returns
    -------
    xgboost.Booster
        With `unseen`, its ``best_iteration`` is the round with the lowest log-loss.

    Raises
    ------
    ValueError
        When XGBoost refuses a setting, or has no such device.
    """
    settings = {
        "objective": "multi:softprob", "tree_method": "hist", "nthread": 1, "verbosity": 1,
        "eval_metric": "mlogloss", **settings,
    }  # fmt: skip

    def start(rows):
        return None if margins is None else margins[rows]

    if settings["device"] != "cpu" and not xgboost.build_info()["USE_CUDA"]:
        raise ValueError(
            f"Got device={settings['device']!r}, but this XGBoost is built for the CPU only; use device='cpu', "
            "or install the package xgboost in place of xgboost-cpu."
        )
    seen = slice(None) if unseen is None else ~unseen
    X_seen = frequent(X[seen])
    try:
        rows = xgboost.QuantileDMatrix(
            X_seen, codes[seen], base_margin=start(seen), max_bin=settings["max_bin"], nthread=1
        )
        if unseen is None:
            return xgboost.train(settings, rows, rounds)
        # Not as quantiles: to look up a sparse row among them takes forty times as long.
        watched = xgboost.DMatrix(X[unseen], codes[unseen], base_margin=start(unseen), nthread=1)
        return xgboost.train(
            settings, rows, rounds, evals=[(watched, "unseen")], early_stopping_rounds=patience, verbose_eval=False
        )
    except xgboost.core.XGBoostError as error:
        reason = next(line for line in str(error).splitlines() if line.strip()).split("] ")[-1]
        raise ValueError(f"XGBoost refused its settings or the device {settings['device']!r}: {reason}") from None


def contributions(booster, X, k):
    """Say how much each word speaks for each category, from XGBoost's own exact contributions.

    Parameters
    ----------
    booster : xgboost.Booster
    X : scipy.sparse.csr_matrix of shape (n, d)
        From `present`.
    k : int
        Categories.

    Returns
    -------
    ndarray of shape (k, d)
        Contribution to the margin, summed over the rows that have the word, divided by n.
    """
    total = np.zeros((k, X.shape[1]))
    step = max(1, 20_000_000 // total.size)  # contributions are dense: keep them to about 80 MB
    for start in range(0, X.shape[0], step):
        rows = X[start : start + step]
        found = booster.predict(xgboost.DMatrix(rows, nthread=1), pred_contribs=True, strict_shape=True)
        row, word = rows.nonzero()
        np.add.at(total.T, word, found[row, :, word])
    return total / X.shape[0]


def some(X):
    """Return the rows to explain: of more than 1,000, 1,000 at even distances, since exact contributions are dear.

    Parameters
    ----------
    X : sparse matrix of shape (n, d)

    Returns
    -------
    sparse matrix
    """
    return X[np.unique(np.linspace(0, X.shape[0] - 1, EXPLAINED_ROWS).astype(int))]
