"""What the text steps accept, checked in one place."""

import numpy as np
import pandas as pd


class TextInputMixin:
    """Tells scikit-learn that an estimator takes text, with nothing for missing text."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


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
    texts = list(X)
    if set(map(type, texts)) <= {str}:
        return texts
    return [_text(text, row) for row, text in enumerate(texts)]


def _text(value, row):
    if isinstance(value, str):
        return str(value)
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    raise ValueError(f"Row {row} is a {type(value).__name__}, expected text; convert it with `.astype(str)` first.")
