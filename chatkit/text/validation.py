"""Checks of the input of the text steps."""

import operator

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import csr_matrix
from sklearn.utils.validation import check_is_fitted

from chatkit.project import InputError


class TextInputMixin:
    """Tells scikit-learn that an estimator takes text, in which None and NaN are empty."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags


class StatelessTextMixin(TextInputMixin):
    """For a transformer of texts that learns nothing and has one output column, called ``_column``."""

    def get_feature_names_out(self, input_features=None):
        """Return the name of the output column.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of shape (1,)
        """
        return np.array([self._column], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
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


def canonical(X, dtype=None):
    """Return rows in the one form in which equal rows are equal bit for bit, and which every loop takes.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n, d)
    dtype : dtype, optional
        Of the result; by default that of `X`.

    Returns
    -------
    scipy.sparse.csr_matrix
        Sorted, each entry once, no stored zero, contiguous, indices of 32 bits where these suffice; `X` itself where it
        is so.

    Examples
    --------
    >>> X = csr_matrix(([1.0, 0.0, 2.0], [2, 0, 2], [0, 3]), shape=(1, 3))
    >>> canonical(X).indices.tolist(), canonical(X).data.tolist()
    ([2], [3.0])
    """
    X = X if type(X) is csr_matrix else csr_matrix(X)
    kind = np.int32 if max(X.nnz, X.shape[1]) <= np.iinfo(np.int32).max else np.int64
    arrays = [np.ascontiguousarray(X.data, dtype), *(np.ascontiguousarray(one, kind) for one in (X.indices, X.indptr))]
    if not all(map(operator.is_, arrays, (X.data, X.indices, X.indptr))):
        X = csr_matrix(tuple(arrays), shape=X.shape)
    if not (X.has_canonical_format and X.data.all()):
        X = X.copy()  # the caller's stays as it is
        X.sum_duplicates()
        X.eliminate_zeros()
    return X


def as_frame(chats):
    """Return chats as a pandas DataFrame.

    Parameters
    ----------
    chats : pandas.DataFrame, or a table with Arrow's C stream, such as polars.DataFrame and pyarrow.Table

    Returns
    -------
    pandas.DataFrame
        What is no such table comes back as it is.

    Raises
    ------
    InputError
        When it is a query that was not run.

    Examples
    --------
    >>> as_frame(pa.table({"subject": ["Lost card"], "body": [None]}))
         subject  body
    0  Lost card  None
    """
    if hasattr(chats, "collect"):
        raise InputError(f"Got a {type(chats).__name__}, expected a table of chats; call .collect() first.")
    if isinstance(chats, pd.DataFrame | pd.Series) or not hasattr(chats, "__arrow_c_stream__"):
        return chats
    # Whole numbers stay so beside a missing one: ids that are near each other would become one.
    return pa.table(chats).to_pandas(integer_object_nulls=True, date_as_object=False)


def as_texts(X, where=""):
    """Return one string a row.

    Parameters
    ----------
    X : iterable of str of shape (n,), or array-like of shape (n, 1)
        None and NaN count as empty text.
    where : str, default=""
        In front of the error of a row, such as "In column body: ".

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
    X = X.to_pylist() if hasattr(X, "to_pylist") and not hasattr(X, "columns") else X  # an array of pyarrow
    X = as_frame(X) if hasattr(X, "columns") else X
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
    return [_text(text, row, where) for row, text in enumerate(texts)]


def _text(value, row, where):
    if isinstance(value, str):
        return str(value)
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    raise ValueError(f"{where}Row {row} is a {type(value).__name__}, expected text; convert the column to text first.")
