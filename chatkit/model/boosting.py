"""XGBoost set up for sparse text, with category names in and out."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import validate_data

from chatkit.model.codes import Number, check_missing, check_parameters, checked, encode, seed_of, weighted
from chatkit.model.trees import SETTINGS, grow, present, settings_of
from chatkit.text.exact import softmax

NUMBERS = {
    **SETTINGS,
    "n_estimators": Number(1, whole=True, optional=True),
    "learning_rate": Number(0, above=True, optional=True),
}


class XGBoostClassifier(ClassifierMixin, BaseEstimator):
    """Gradient-boosted trees on sparse word weights.

    The trees are grown by one thread: XGBoost adds up in another order with two, and gives other trees. A word
    that a chat does not have counts as missing, whether the matrix is sparse or dense.

    Parameters
    ----------
    n_estimators : int, optional
        Boosting rounds; each grows one tree for every category. If not given, 4,000,000 / n for n rows (or their
        weights' sum), but at least 40 and at most 100.
    max_depth : int, default=3
        Depth of a tree.
    learning_rate : float, optional
        Share of each tree that is added. If not given, min(1, (m / 4000) ** 0.25), where m is the size of the category
        of a row, on average over rows: the more rows, the less a large step overfits. The rule was read off macro-F1 in
        three folds on training chats, for .3, .45, .6, .8 and 1. Best were .45 for banking77 (m = 28 and 92), .3 to .45
        for endava_tickets (163), .45 and .6 for newsgroups20 (101 and 381), and .6, .8 and .8 to 1 for simulated chats
        (502, 1,670 and 3,350).
    max_bin : int, default=2
        Distinct values kept of a word's weight. Text needs few, and few are fast.
    min_child_weight : float, optional
        Smallest sum of hessians in a leaf; smaller lets trees see rare categories. If not given, min(1, 5 / k) for k
        categories: a row's hessian falls with k, so this asks for as many rows as among five. With three folds on 3,000
        training chats each of banking77, endava_tickets and newsgroups20, and a learning rate of .8, mean macro-F1 was
        .645, and .625 with 1.
    colsample_bynode : float, default=1.0
        Share of the words that a split may choose from.
    reg_lambda : float, default=3.0
        L2 penalty on the leaves.
    max_words : int, default=4000
        Words that the trees may look at, those that tell most about the categories (chi-squared).
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
        Number of words.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]] * 10)
    >>> model = XGBoostClassifier(n_estimators=5).fit(X, ["urgent", "other"] * 10)
    >>> model.predict([[0.0, 1.0]]).item()
    'other'
    """

    def __init__(
        self,
        n_estimators=None,
        max_depth=3,
        learning_rate=None,
        max_bin=2,
        min_child_weight=None,
        colsample_bynode=1.0,
        reg_lambda=3.0,
        max_words=4000,
        device="cpu",
        random_state=0,
    ):
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.max_bin = max_bin
        self.min_child_weight = min_child_weight
        self.colsample_bynode = colsample_bynode
        self.reg_lambda = reg_lambda
        self.max_words = max_words
        self.device = device
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Grow the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)
            Word weights.
        y : array-like of shape (n,)
            Categories.
        sample_weight : array-like of shape (n,), optional
            How often each row counts for the trees; the words that they may look at are chosen without.

        Returns
        -------
        XGBoostClassifier
        """
        check_parameters(self, NUMBERS)
        check_missing(y)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32)
        self.classes_, codes = encode(y)
        X, codes, times = weighted(X, codes, sample_weight)
        rounds = self.n_estimators
        if rounds is None:
            rounds = int(np.clip(4_000_000 // times.sum(), 40, 100))
        settings = settings_of(self, seed_of(self.random_state))
        if settings["learning_rate"] is None:
            # Over rows, since a few rare categories would change the mean over categories for all. Two decimals, since
            # the last bits of a root are not the same on every processor.
            sizes = np.bincount(codes, times)
            step = ((sizes**2).sum() / sizes.sum() / 4000) ** 0.25
            settings["learning_rate"] = round(float(min(1, max(0.01, step))), 2)
        self.trees_ = grow(present(X), codes, settings, rounds, self.max_words, times=times)
        return self

    def predict_proba(self, X):
        """Probability of each category.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k), dtype float32
            Columns in the order of `classes_`.
        """
        X = checked(self, X)
        return self.trees_.predict(present(X))

    def staged_predict_proba(self, X):
        """Probabilities after each round, as scikit-learn's boosted trees give them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Yields
        ------
        ndarray of shape (n, k)
        """
        for margins in self.trees_.staged(present(checked(self, X))):
            yield softmax(margins.astype(np.float64))

    def predict(self, X):
        """Most probable category of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def word_contributions(self, X):
        """Say how much each word of each row speaks for each category, from XGBoost's own exact contributions.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `chatkit.model.trees.present`.

        Returns
        -------
        words : ndarray of shape (nnz, k)
            Contribution of each entry of `X`, in its order.
        rest : dict of str to ndarray of shape (n, k)
            "absent words" and "intercept". With the words of its row it adds up to the margin, whose softmax the
            probabilities are.
        """
        return self.trees_.contributions(present(checked(self, X)), len(self.classes_))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
