"""What classifiers do with what comes in: rows checked, categories numbered, folds made."""

import warnings

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from chatkit.text.validation import require_fitted


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
        When there is only one category.

    Examples
    --------
    >>> classes, codes = encode(["urgent", "other", "urgent"])
    >>> classes.tolist(), codes.tolist()
    (['other', 'urgent'], [1, 0, 1])
    """
    check_classification_targets(y)
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
