"""XGBoost set up for sparse text, with category names in and out."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from chatkit.model.base import Count, NotNegative, Number, Share, TermClassifier, TwoOrMore
from chatkit.model.trees import grow, xgboost_parameters
from chatkit.text.exact import softmax
from chatkit.text.validation import canonical


@dataclass(eq=False, repr=False)
class XGBoostClassifier(TermClassifier):
    """Gradient-boosted trees on sparse term weights.

    The trees are grown by one thread: XGBoost adds up in another order with two, and gives other trees. A term
    that a chat does not have counts as missing, whether the matrix is sparse or dense.

    Parameters
    ----------
    n_estimators : int, optional
        Boosting rounds; each grows one tree for every category. If not given, 4,000,000 / n for n rows, but at
        least 40 and at most 100.
    max_depth : int, default=3
        Depth of a tree.
    learning_rate : float, optional
        Share of each tree that is added. If not given, min(1, (m / 4000) ** 0.25), where m is the size of the category
        of a row, on average over rows: the more rows, the less a large step overfits. The rule was read off macro-F1 in
        three folds on training chats, for .3, .45, .6, .8 and 1. Best were .45 for banking77 (m = 28 and 92), .3 to .45
        for endava_tickets (163), .45 and .6 for newsgroups20 (101 and 381), and .6, .8 and .8 to 1 for simulated chats
        (502, 1,670 and 3,350).
    max_bin : int, default=2
        Distinct values kept of a term's weight. Text needs few, and few are fast.
    min_child_weight : float, optional
        Smallest sum of hessians in a leaf; smaller lets trees see rare categories. If not given, min(1, 5 / k) for k
        categories: a row's hessian falls with k, so this asks for as many rows as among five. With three folds on 3,000
        training chats each of banking77, endava_tickets and newsgroups20, and a learning rate of .8, mean macro-F1 was
        .645, and .625 with 1.
    colsample_bynode : float, default=1.0
        Share of the terms that a split may choose from.
    reg_lambda : float, default=3.0
        L2 penalty on the leaves.
    max_words : int, default=4000
        Terms that the trees may split on, those with the largest chi-squared statistic.
    device : str, default="cpu"
        "cpu" or "cuda", as XGBoost names them.
    random_state : int, RandomState or None, default=0
        Seed of the column sampling.

    Attributes
    ----------
    classes_ : ndarray of shape (k,)
        Category names, sorted.
    trees_ : chatkit.model.trees.Trees
    n_features_in_ : int
        Number of terms.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]] * 10)
    >>> model = XGBoostClassifier(n_estimators=5).fit(X, ["urgent", "other"] * 10)
    >>> model.predict([[0.0, 1.0]]).item()
    'other'
    """

    n_estimators: Annotated[int | None, Number(1, whole=True, optional=True)] = None
    max_depth: Count = 3
    learning_rate: Annotated[float | None, Number(0, above=True, optional=True)] = None
    max_bin: TwoOrMore = 2
    min_child_weight: Annotated[float | None, Number(0, optional=True)] = None
    colsample_bynode: Share = 1.0
    reg_lambda: NotNegative = 3.0
    max_words: Count = 4000
    device: str = "cpu"
    random_state: int | np.random.RandomState | None = 0

    def _fit(self, X, codes, weights, seed):
        rounds = self.n_estimators
        if rounds is None:
            rounds = int(np.clip(4_000_000 // weights.sum(), 40, 100))
        parameters = xgboost_parameters(self, seed)
        if parameters["learning_rate"] is None:
            # Over rows, since a few rare categories would change the mean over categories for all. Two decimals, since
            # the last bits of a root are not the same on every processor.
            sizes = np.bincount(codes, weights)
            step = ((sizes**2).sum() / sizes.sum() / 4000) ** 0.25
            parameters["learning_rate"] = round(float(min(1, max(0.01, step))), 2)
        self.trees_ = grow(canonical(X, np.float32), codes, parameters, rounds, self.max_words, weights=weights)

    def predict_proba(self, X):
        """Predict the probability of each category.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k), dtype float32
            Columns in the order of `classes_`.
        """
        X = self._terms(X)
        return self.trees_.predict(X)

    def staged_predict_proba(self, X):
        """Predict probabilities after each round, as scikit-learn's boosted trees do.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Yields
        ------
        ndarray of shape (n, k)
        """
        X = self._terms(X)
        for margins in self.trees_.staged(X):
            yield softmax(margins)

    def word_contributions(self, X):
        """Compute how much each term of each row speaks for each category, from XGBoost's own exact contributions.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `chatkit.text.validation.canonical`: a term that a chat does not have is not stored.

        Returns
        -------
        words : ndarray of shape (nnz, k)
            Contribution of each entry of `X`, in its order.
        rest : dict of str to ndarray of shape (n, k)
            "absent words" and "intercept". With the terms of its row it adds up to the margin, whose softmax the
            probabilities are.
        """
        X = self._terms(X)
        return self.trees_.contributions(X, len(self.classes_))

    def _terms(self, X):
        return canonical(self._validated(X), np.float32)
