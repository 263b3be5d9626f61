"""Trees that repair what a linear model gets wrong."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import SGDClassifier
from sklearn.utils.validation import validate_data

from chatkit.model.calibration import AS_IT_IS, calibrate, calibrated, temperature
from chatkit.model.codes import Number, check_missing, check_parameters, checked, encode, folds, seed_of, weighted
from chatkit.model.forest import FEW, Forest
from chatkit.model.linear import line_contributions
from chatkit.model.trees import SETTINGS, grow, present, settings_of
from chatkit.text.exact import log_softmax

HELD_OUT = 10_000  # rows with held-out margins are enough for temperature and trees
CALIBRATED = 4_000  # rows that the trees have not seen are enough for the calibration
NUMBERS = {
    "C": Number(0, above=True), "balance": Number(0), "n_estimators": Number(1, whole=True),
    "cv": Number(2, whole=True), **SETTINGS,
}  # fmt: skip
PATIENCE = 5  # rounds without a better log-loss before boosting stops


class BoostedLinearClassifier(ClassifierMixin, BaseEstimator):
    """Gradient-boosted trees that start from the margins of a linear model.

    A linear model on sparse words is hard to beat; what it cannot say is that two words together mean something
    else. It is fitted first. Its margins on rows that it has not seen (cross-fitting) become log-probabilities by one
    temperature, and XGBoost boosts from there. How many rounds, and the last calibration, are found on a part of these
    rows that the trees have not seen. At prediction the linear model is the one fitted on all rows.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the linear model's penalty.
    balance : float, default=0.5
        How far rare categories are weighed up in the linear model: rows count (n / (k * rows of their
        category)) ** balance. 0 leaves them as they are, 1 is scikit-learn's "balanced".
    n_estimators : int, default=40
        Most boosting rounds.
    max_depth : int, default=3
        Depth of a tree.
    learning_rate : float, default=0.1
        Share of each tree that is added.
    max_bin : int, default=4
        Distinct values kept of a word's weight.
    min_child_weight : float or None, default=1.0
        Smallest sum of hessians in a leaf. None takes the rule of `XGBoostClassifier`.
    colsample_bynode : float, default=0.2
        Share of the words that a split may choose from.
    reg_lambda : float, default=1.0
        L2 penalty on the leaves.
    max_words : int, default=4000
        Words that the trees may look at, those that tell most about the categories (chi-squared).
    cv : int, default=5
        Folds for the margins; fewer when there are fewer rows.
    device : str, default="cpu"
        "cpu" or "cuda", as XGBoost names them.
    random_state : int, RandomState or None, default=0
        Seed of the linear model, the folds and the column sampling.

    Attributes
    ----------
    classes_ : ndarray of shape (k,)
        Category names, sorted.
    coef_ : ndarray of shape (k, d)
        Weights of the linear model.
    intercept_ : ndarray of shape (k,)
    temperature_ : float
        The linear margins are divided by it before they become log-probabilities.
    trees_ : chatkit.model.trees.Trees or None
        None where trees did not help.
    n_rounds_ : int
        Rounds kept; 0 where trees did not help.
    calibration_ : tuple of float
        How sure the sum of both may be, see `chatkit.model.calibration.calibrated`.
    n_features_in_ : int

    References
    ----------
    L. Breiman, "Stacked Regressions", Machine Learning 1996 (margins of rows not seen); C. Guo et al., "On
    Calibration of Modern Neural Networks", ICML 2017 (temperature scaling).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]] * 10)
    >>> model = BoostedLinearClassifier().fit(X, ["urgent", "other"] * 10)
    >>> model.predict([[0.0, 1.0]]).item()
    'other'
    """

    def __init__(
        self,
        C=1.0,
        balance=0.5,
        n_estimators=40,
        max_depth=3,
        learning_rate=0.1,
        max_bin=4,
        min_child_weight=1.0,
        colsample_bynode=0.2,
        reg_lambda=1.0,
        max_words=4000,
        cv=5,
        device="cpu",
        random_state=0,
    ):
        self.C = C
        self.balance = balance
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.max_bin = max_bin
        self.min_child_weight = min_child_weight
        self.colsample_bynode = colsample_bynode
        self.reg_lambda = reg_lambda
        self.max_words = max_words
        self.cv = cv
        self.device = device
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit the linear model, then the trees.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)
            Word weights.
        y : array-like of shape (n,)
            Categories.
        sample_weight : array-like of shape (n,), optional
            How often each row counts, on what is held out too; the words that trees may look at are chosen without.

        Returns
        -------
        BoostedLinearClassifier
        """
        check_parameters(self, NUMBERS)
        check_missing(y)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        self.classes_, codes = encode(y)
        X, codes, times = weighted(X, codes, sample_weight)
        seed = seed_of(self.random_state)
        # Another processor adds up with other last bits; six decimals are more than the model knows.
        self.coef_, self.intercept_ = (np.round(weights, 6) for weights in self._linear(X, codes, times, seed))
        rows, margins = self._held_out(X, codes, times, seed)
        self.temperature_ = temperature(margins, codes[rows], times[rows])
        margins = log_softmax(margins / self.temperature_)
        self._boost(present(X[rows]), codes[rows], times[rows], margins, seed)
        return self

    def _linear(self, X, codes, times, seed):
        """Weights and intercepts for every category; one that is absent gets the lowest score of all."""
        n, k = len(codes), len(self.classes_)
        sizes = np.bincount(codes, times, minlength=k)
        weights = times / times.mean() * (times.sum() / (k * sizes[codes])) ** self.balance
        # The mean of the weights over the last steps is as good as an exact solver's result, at a fraction of the cost:
        # about two hundred thousand steps, the first pass left out of the mean.
        passes = int(np.clip(200_000 // n, 6, 100))
        model = SGDClassifier(
            loss="modified_huber", alpha=1 / (self.C * times.sum()), max_iter=passes, tol=None, average=n,
            random_state=seed,
        )  # fmt: skip
        model.fit(X, codes, sample_weight=weights)
        # In Fortran's order, so that sparse rows @ coef.T need no copy of it.
        coef, intercept = np.zeros((k, X.shape[1]), order="F"), np.full(k, -2.0)
        if len(model.classes_) == 2:
            coef[model.classes_] = np.vstack([-model.coef_, model.coef_]) / 2
            intercept[model.classes_] = np.append(-model.intercept_, model.intercept_) / 2
        else:
            coef[model.classes_], intercept[model.classes_] = model.coef_, model.intercept_
        return coef, intercept

    def _held_out(self, X, codes, times, seed):
        """Rows, and their margins by a linear model that has not seen them."""
        rows, margins = [np.empty(0, np.int64)], [np.empty((0, len(self.classes_)))]
        for seen, unseen in folds(codes, self.cv, seed):
            coef, intercept = self._linear(X[seen], codes[seen], times[seen], seed)
            rows.append(unseen[:: -(-len(unseen) // HELD_OUT)])
            margins.append(X[rows[-1]] @ coef.T + intercept)
            if sum(map(len, rows)) >= HELD_OUT:
                break
        return np.concatenate(rows), np.concatenate(margins)

    def _boost(self, X, codes, times, margins, seed):
        """Find the rounds and the calibration on rows that the trees have not seen, then grow them on all rows."""
        self.n_rounds_, self.trees_, self.calibration_ = 0, None, AS_IT_IS
        settings = settings_of(self, seed)
        rounds, boosted, looked = None, margins.copy(), np.zeros(len(codes), dtype=bool)
        for _, fold in folds(codes, self.cv, (seed + 1) % 2**32):
            unseen = np.zeros(len(codes), dtype=bool)
            unseen[fold] = True
            trial = grow(
                X, codes, settings, rounds or self.n_estimators, self.max_words, margins, unseen,
                None if rounds else PATIENCE, times,
            )  # fmt: skip
            rounds = rounds or trial.booster.best_iteration + 1
            boosted[fold] = trial.predict(X[fold], margins[fold], rounds)
            looked[fold] = True
            if looked.sum() >= CALIBRATED:
                break
        if rounds is None:
            return
        gain, times_looked = (_losses(margins, codes) - _losses(boosted, codes))[looked], times[looked]
        mean = np.average(gain, weights=times_looked)
        deviation = np.sqrt(np.average((gain - mean) ** 2, weights=times_looked))
        many = times_looked.sum() ** 2 / (times_looked**2).sum()  # rows of one weight that would say as much
        if mean > 2 * deviation / np.sqrt(many):  # more than chance gives
            self.n_rounds_ = rounds
            self.trees_ = grow(X, codes, settings, rounds, self.max_words, margins, times=times)
        else:
            boosted = margins
        self.calibration_ = calibrate(boosted[looked], codes[looked], times_looked)

    def decision_function(self, X):
        """Margins of the line and the trees together.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k), or (n,) for two categories
        """
        margins = self._margins(X)
        return margins[:, 1] - margins[:, 0] if margins.shape[1] == 2 else margins

    def _margins(self, X):
        X = checked(self, X)
        margins = self._line_margins(X)
        if self.trees_ is None:
            return margins
        if X.shape[0] > FEW:
            return self.trees_.predict(present(X), margins).astype(np.float64)
        made_of, forest = getattr(self, "_forest", (None, None))
        if made_of is not self.trees_:
            forest = Forest(self.trees_, len(self.classes_))
            self._forest = self.trees_, forest
        return forest.margins(X, margins.astype(np.float32)).astype(np.float64)

    def _line_margins(self, X):
        return log_softmax((X @ self.coef_.T + self.intercept_) / self.temperature_)

    def _probabilities(self, margins):
        return calibrated(margins, self.calibration_)

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_forest"}

    def predict_proba(self, X):
        """Probability of each category.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k)
            Columns in the order of `classes_`.
        """
        return self._probabilities(self._margins(X))

    def staged_predict_proba(self, X):
        """Probabilities after each round of trees, as scikit-learn's boosted trees give them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Yields
        ------
        ndarray of shape (n, k)
            Nothing when the line stands alone.
        """
        X = checked(self, X)
        line, X = self._line_margins(X), present(X)
        for margins in self.trees_.staged(X, line) if self.n_rounds_ else ():
            yield self._probabilities(margins.astype(np.float64))

    def predict(self, X):
        """Most probable category of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        margins = self._margins(X)
        return self.classes_[margins.argmax(axis=1)]

    def word_contributions(self, X):
        """Say how much each word of each row speaks for each category: the line's share and the trees', which add up.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `chatkit.model.trees.present`.

        Returns
        -------
        words : ndarray of shape (nnz, k)
            Contribution of each entry of `X`, in its order.
        rest : dict of str to ndarray of shape (n, k)
            "intercept" (of the line and the trees), "normaliser" (what makes log-probabilities of the line's scores:
            one number a row, the same for all categories, and no sum over words) and, where there are trees, "absent
            words". With the words of its row it adds up to the margin before the calibration.
        """
        X = checked(self, X)
        words, rest = line_contributions(self.coef_, self.intercept_, X)
        words, rest["intercept"] = words / self.temperature_, rest["intercept"] / self.temperature_
        scores = (X @ self.coef_.T + self.intercept_) / self.temperature_
        rest["normaliser"] = np.repeat((log_softmax(scores) - scores)[:, :1], len(self.classes_), axis=1)
        if self.trees_ is not None:
            # From nothing: without margins XGBoost would add those that it starts from when it is given none.
            more, of_trees = self.trees_.contributions(present(X), len(self.classes_), np.zeros_like(rest["intercept"]))
            words += more
            rest["intercept"] += of_trees["intercept"]
            rest["absent words"] = of_trees["absent words"]
        return words, rest

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _losses(margins, codes):
    return -log_softmax(margins)[np.arange(len(codes)), codes]
