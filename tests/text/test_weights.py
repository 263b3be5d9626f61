"""TF-IDF weights."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfTransformer

from chatkit.text.weights import TermWeights


@pytest.mark.parametrize("sublinear_tf", [True, False])
def test_weights_are_scikit_learns_but_for_the_last_bits(sublinear_tf):
    """Rows without terms too."""
    rng = np.random.default_rng(0)
    counts = csr_matrix(
        random_array((200, 50), density=0.1, rng=rng, data_sampler=lambda size: rng.integers(1, 9, size))
    )
    counts = csr_matrix(counts.multiply(np.arange(200)[:, None] != 3)).astype(np.int32)
    counts.eliminate_zeros()
    ours = TermWeights(sublinear_tf).fit(counts).transform(counts)
    theirs = TfidfTransformer(sublinear_tf=sublinear_tf).fit(counts).transform(counts)
    np.testing.assert_allclose(ours.toarray(), theirs.toarray(), rtol=1e-14)
    assert counts.dtype == np.int32
    assert counts.data.min() >= 1, "the caller's counts are left as they were"


def test_other_columns_are_refused():
    """As many as were fitted."""
    weights = TermWeights().fit(csr_matrix(np.eye(3)))
    with pytest.raises(ValueError, match="X has 2 features, but TermWeights is expecting 3 features"):
        weights.transform(csr_matrix(np.eye(2)))


def test_it_is_an_estimator():
    """Clone and set_params know its parameter."""
    assert clone(TermWeights(sublinear_tf=False)).set_params(sublinear_tf=True).get_params() == {"sublinear_tf": True}
