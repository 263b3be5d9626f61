"""Term counts to TF-IDF weights."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.sparsefuncs_fast import inplace_csr_row_normalize_l2
from sklearn.utils.validation import validate_data

from chatkit.text.exact import log
from chatkit.text.validation import canonical, require_fitted


@dataclass(eq=False, repr=False)
class TermWeights(OneToOneFeatureMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """scikit-learn's TfidfTransformer with an L2 norm, in a tenth of its time for one message.

    For one message nearly all of its time goes into the validation of its input; the counts of `TermCounter` need less.
    The weights are the same on every processor; scikit-learn's, with the processor's own logarithms, may end in other
    bits. A term that is stored twice in a row counts as the sum, a stored zero as absent, and counts below zero are
    refused.

    Parameters
    ----------
    sublinear_tf : bool, default=True
        Count 1 + log(count) instead of the count.

    Attributes
    ----------
    idf_ : ndarray of shape (d,), dtype float64, or float32 where the counts are
        Inverse document frequency of each term.
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> TermWeights().fit_transform(csr_matrix(np.array([[3, 0], [1, 1]]))).toarray().round(3)
    array([[1.   , 0.   ],
           [0.58 , 0.815]])
    """

    sublinear_tf: bool = True

    def fit(self, X, y=None):
        """Learn the inverse document frequencies: 1 + log((1 + n) / (1 + chats with the term)).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)
            Counts.

        Returns
        -------
        TermWeights
        """
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_non_negative=True)
        X = canonical(X)
        idf = log((1 + X.shape[0]) / (1 + np.bincount(X.indices, minlength=X.shape[1]))) + 1
        self.idf_ = idf.astype(X.dtype)
        return self

    def transform(self, X, copy=True):
        """Weigh counts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)
            Counts.
        copy : bool, default=True
            False writes the weights over counts that are floats in CSR and stored once, and returns these.

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n, d), dtype float64, or float32 where the counts are
        """
        require_fitted(self, "idf_")
        if not (type(X) is csr_matrix and X.dtype == np.int32 and X.shape[1] == len(self.idf_)):
            X = validate_data(
                self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False, ensure_non_negative=True
            )
        elif X.data.min(initial=0) < 0:
            raise ValueError(f"Got {X.data.min()} as a count, expected numbers from 0 up.")
        X = canonical(X, np.float32 if X.dtype == np.float32 else np.float64)
        weights = X.data.copy() if copy else X.data
        if self.sublinear_tf:
            weights[:] = log(weights) + 1
        weights *= self.idf_[X.indices]
        if weights is not X.data:
            X = csr_matrix((weights, X.indices, X.indptr), shape=X.shape)
            X.has_canonical_format = True
        inplace_csr_row_normalize_l2(X)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
