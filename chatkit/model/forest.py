"""XGBoost's trees for a few rows: what `inplace_predict` gives, without the third of a millisecond of a call."""

import json

import numpy as np
from numba import njit, types

from chatkit.text.compiled import read_only
from chatkit.text.validation import canonical

_INDICES = read_only(types.int64[::1])  # of nodes, of columns
_FLOATS, _PLACES = read_only(types.float32[::1]), read_only(types.int32[::1])
FEW = 4  # rows from which on XGBoost itself is faster


class Forest:
    """Trees of a booster as arrays, walked one after the other.

    Parameters
    ----------
    booster : xgboost.Booster
        One tree for each round and category, in this order.
    words : ndarray of int of shape (m,)
        The column of a row for each column of the booster.
    """

    def __init__(self, booster, words):
        learner = json.loads(booster.save_raw("json"))["learner"]
        k, model = int(learner["learner_model_param"]["num_class"]), learner["gradient_booster"]["model"]
        if model["tree_info"] != [tree % k for tree in range(len(model["trees"]))]:
            raise ValueError(
                f"Got trees in another order than round by round for {k} categories, expected those of `grow`."
            )
        starts = np.cumsum([0, *(len(tree["left_children"]) for tree in model["trees"])])

        def all_trees(name, dtype):
            return np.concatenate([np.array(tree[name], dtype) for tree in model["trees"]])

        own = np.arange(starts[-1])
        first = np.repeat(starts[:-1], np.diff(starts))
        left, right = all_trees("left_children", np.int64), all_trees("right_children", np.int64)
        leaf = left == -1
        self._roots = starts[:-1]
        # A leaf leads to itself.
        self._left, self._right = np.where(leaf, own, left + first), np.where(leaf, own, right + first)
        self._word = words[all_trees("split_indices", np.int64)]
        self._value = all_trees("split_conditions", np.float32)  # where to split; in a leaf, what it adds
        self._absent = np.where(all_trees("default_left", bool), self._left, self._right)

    def margins(self, X, start):
        """Add the trees to margins, in XGBoost's order and precision.

        Parameters
        ----------
        X : {ndarray, scipy.sparse.csr_matrix} of shape (n, d)
            Stored zeros count as absent.
        start : ndarray of shape (n, k), dtype float32

        Returns
        -------
        ndarray of shape (n, k), dtype float32
        """
        X, margins = canonical(X, np.float32), start.copy()
        _walk(
            X.data, X.indices, X.indptr, X.shape[1], self._roots, self._left, self._right,
            self._absent, self._word, self._value, margins,
        )  # fmt: skip
        return margins


@njit(
    types.void(
        _FLOATS, _PLACES, _PLACES, types.int64, _INDICES, _INDICES, _INDICES, _INDICES, _INDICES, _FLOATS,
        types.float32[:, ::1],
    ),
    cache=True,
)  # fmt: skip
def _walk(data, indices, indptr, width, roots, left, right, absent, words, values, margins):
    weights = np.zeros(width, np.float32)
    for row in range(len(margins)):
        for at in range(indptr[row], indptr[row + 1]):
            weights[indices[at]] = data[at]
        for tree in range(len(roots)):
            at = roots[tree]
            while left[at] != at:
                weight = weights[words[at]]
                if weight == 0:
                    at = absent[at]
                elif weight < values[at]:
                    at = left[at]
                else:
                    at = right[at]
            margins[row, tree % margins.shape[1]] += values[at]
        for at in range(indptr[row], indptr[row + 1]):
            weights[indices[at]] = 0
