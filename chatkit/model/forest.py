"""XGBoost's trees for a few rows: what `inplace_predict` gives, without the third of a millisecond of a call."""

import json

import numpy as np

FEW = 4  # rows from which on XGBoost itself is faster


class Forest:
    """Trees of a booster as arrays, all walked at once.

    Parameters
    ----------
    booster : xgboost.Booster
        One tree for each round and category.
    k : int
        Categories.

    Attributes
    ----------
    depth : int
        Steps from a root to the farthest leaf.
    """

    def __init__(self, booster, k):
        model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
        trees = model["trees"]
        if model["tree_info"] != [tree % k for tree in range(len(trees))]:
            raise ValueError(
                f"Got trees in another order than round by round for {k} categories, expected those of `grow`."
            )
        starts = np.cumsum([0, *(len(tree["left_children"]) for tree in trees)])

        def all_trees(name, kind):
            return np.concatenate([np.array(tree[name], kind) for tree in trees])

        own = np.arange(starts[-1])
        first = np.repeat(starts[:-1], np.diff(starts))
        left, right = all_trees("left_children", np.int64), all_trees("right_children", np.int64)
        leaf = left == -1
        self._roots = starts[:-1].reshape(-1, k)
        # A leaf leads to itself, so that all trees can be walked for as many steps as the deepest one needs.
        self._left, self._right = np.where(leaf, own, left + first), np.where(leaf, own, right + first)
        self._word = all_trees("split_indices", np.int64)
        self._value = all_trees("split_conditions", np.float32)  # where to split; in a leaf, what it adds
        self._absent = np.where(all_trees("default_left", bool), self._left, self._right)
        self.depth, level = 0, self._roots.ravel()
        while not leaf[level].all():
            level = np.unique(np.concatenate([self._left[level], self._right[level]]))
            self.depth += 1

    def margins(self, X, start):
        """Add the trees to margins, in XGBoost's order and precision.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d), dtype float32
            From `chatkit.model.trees.present`.
        start : ndarray of shape (n, k), dtype float32

        Returns
        -------
        ndarray of shape (n, k), dtype float32
        """
        margins = start.copy()
        for row, margin in enumerate(margins):
            said = slice(X.indptr[row], X.indptr[row + 1])
            weights = np.full(X.shape[1], np.nan, np.float32)
            weights[X.indices[said]] = X.data[said]
            at = self._roots
            for _ in range(self.depth):
                weight = weights[self._word[at]]
                ahead = np.where(weight < self._value[at], self._left[at], self._right[at])
                at = np.where(np.isnan(weight), self._absent[at], ahead)
            for added in self._value[at]:
                np.add(margin, added, out=margin)
        return margins
