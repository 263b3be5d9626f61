"""What the text steps accept, checked in one place."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted


class TextInputMixin:
    """Tells scikit-learn that an estimator takes text, with nothing for missing text."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


def require_fitted(estimator, attribute):
    """Raise scikit-learn's error when an estimator is not fitted.

    Its own check collects the estimator's tags each time: three of them are a tenth of the cost of one message.

    Parameters
    ----------
    estimator : estimator
    attribute : str
        One that `fit` sets.

    Raises
    ------
    sklearn.exceptions.NotFittedError
    """
    if not hasattr(estimator, attribute):
        check_is_fitted(estimator)


def as_texts(X):
    """Return one string a row.

    Parameters
    ----------
    X : iterable of str of shape (n,), or array-like of shape (n, 1)
        None and NaN count as empty text.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        When a row is something else than text, or there is more than one column.
    """
    if isinstance(X, str):
        raise ValueError(f"Got one string, {X[:40]!r}, expected an iterable of strings; put it into a list.")
    if hasattr(X, "ndim") and X.ndim == 2:
        if X.shape[1] != 1:
            raise ValueError(
                f"Got {X.shape[1]} columns, expected one column of text; let MessagePreprocessor join subject and "
                "body first."
            )
        X = np.asarray(X, dtype=object)[:, 0]
    if isinstance(X, pd.Series):
        X = X.to_numpy(dtype=object)  # to iterate over it would take four times as long
    texts = X.tolist() if isinstance(X, np.ndarray) else list(X)
    if set(map(type, texts)) <= {str}:
        return texts
    return [_text(text, row) for row, text in enumerate(texts)]


def _text(value, row):
    if isinstance(value, str):
        return str(value)
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    raise ValueError(f"Row {row} is a {type(value).__name__}, expected text; convert it with `.astype(str)` first.")
