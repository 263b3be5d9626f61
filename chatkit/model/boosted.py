"""Trees boosted from a linear model."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from sklearn.linear_model import SGDClassifier

from chatkit.model.base import Count, NotNegative, Number, Positive, Share, TermClassifier, TwoOrMore, folds
from chatkit.model.calibration import IDENTITY, calibrate, calibrated, temperature
from chatkit.model.evidence import Evidence, moderated
from chatkit.model.forest import FEW
from chatkit.model.linear import linear_contributions
from chatkit.model.trees import grow, xgboost_parameters
from chatkit.text.exact import log_softmax
from chatkit.text.validation import canonical

HELD_OUT = 10_000  # rows with held-out margins are enough for temperature and trees
CALIBRATED = 4_000  # rows held out from the trees are enough for the calibration
PATIENCE = 5  # rounds without a better log-loss before boosting stops


@dataclass(eq=False, repr=False)
class BoostedLinearClassifier(TermClassifier):
    """Gradient-boosted trees that start from the margins of a linear model.

    A linear model on sparse terms is hard to beat, but cannot tell that two terms together mean something else. It is
    fitted first. Its margins on held-out rows (cross-fitting) become log-probabilities by one temperature, and XGBoost
    boosts from there. The number of rounds and the calibration are found on a part of these rows that is held out from
    the trees. At prediction the linear model is the one fitted on all rows. Where the terms of a row say little, the
    probabilities move towards the frequencies of the categories.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the linear model's penalty.
    balance : float, default=0.5
        Weight of rare categories in the linear model: rows count (n / (k * rows of their category)) ** balance. With 0
        all rows count alike, 1 is scikit-learn's "balanced".
    n_estimators : int, default=40
        Largest number of boosting rounds.
    max_depth : int, default=3
        Depth of a tree.
    learning_rate : float, default=0.1
        Share of each tree that is added.
    max_bin : int, default=4
        Distinct values kept of a term's weight.
    min_child_weight : float or None, default=1.0
        Smallest sum of hessians in a leaf. None takes the rule of `XGBoostClassifier`.
    colsample_bynode : float, default=0.2
        Share of the terms that a split may choose from.
    reg_lambda : float, default=1.0
        L2 penalty on the leaves.
    max_words : int, default=4000
        Terms that the trees may split on, those with the largest chi-squared statistic.
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
    rounds_ : int
        Rounds kept; 0 where trees did not help.
    calibration_ : ndarray of shape (4,)
        Of the sum of both, see `chatkit.model.calibration.calibrated`.
    evidence_ : ndarray of shape (d,)
        How much each term says of the category, and
    prior_ : ndarray of shape (k,)
        frequencies of the categories where the terms say little: see `chatkit.model.evidence.moderated`.
    n_features_in_ : int

    References
    ----------
    L. Breiman, "Stacked Regressions", Machine Learning 1996 (held-out margins); C. Guo et al., "On
    Calibration of Modern Neural Networks", ICML 2017 (temperature scaling).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]] * 10)
    >>> model = BoostedLinearClassifier().fit(X, ["urgent", "other"] * 10)
    >>> model.predict([[0.0, 1.0]]).item()
    'other'
    """

    C: Positive = 1.0
    balance: NotNegative = 0.5
    n_estimators: Count = 40
    max_depth: Count = 3
    learning_rate: Positive = 0.1
    max_bin: TwoOrMore = 4
    min_child_weight: Annotated[float | None, Number(0, optional=True)] = 1.0
    colsample_bynode: Share = 0.2
    reg_lambda: NotNegative = 1.0
    max_words: Count = 4000
    cv: TwoOrMore = 5
    device: str = "cpu"
    random_state: int | np.random.RandomState | None = 0

    _learned = ("intercept", "temperature", "calibration", "rounds", "evidence", "prior")
    trees_ = None

    def _fit(self, X, codes, weights, seed):
        # Another processor adds up with other last bits; six decimals are more than the model knows.
        self.coef_, self.intercept_ = (np.round(values, 6) for values in self._linear(X, codes, weights, seed))
        rows, margins, evidence = self._held_out(X, codes, weights, seed)
        self.temperature_ = temperature(margins, codes[rows], weights[rows])
        self.evidence_, self.prior_ = evidence.learned(X[rows], codes[rows], weights[rows], self.temperature_)
        margins = log_softmax(margins / self.temperature_)
        self._boost(canonical(X[rows], np.float32), codes[rows], weights[rows], margins, seed)

    def _linear(self, X, codes, weights, seed):
        """Coefficients and intercepts for every category; one without rows gets the lowest score of all."""
        n, k = len(codes), len(self.classes_)
        sizes = np.bincount(codes, weights, minlength=k)
        # The mean of the coefficients over the last steps is as good as an exact solver's result, at a fraction of the
        # cost: about two hundred thousand steps, the first pass left out of the mean.
        passes = int(np.clip(200_000 // n, 6, 100))
        model = SGDClassifier(
            loss="modified_huber", alpha=1 / (self.C * weights.sum()), max_iter=passes, tol=None, average=n,
            random_state=seed,
        )  # fmt: skip
        balanced = weights / weights.mean() * (weights.sum() / (k * sizes[codes])) ** self.balance
        model.fit(X, codes, sample_weight=balanced)
        # In Fortran's order, so that sparse rows @ coef.T need no copy of it.
        coef, intercept = np.zeros((k, X.shape[1]), order="F"), np.full(k, -2.0)
        if len(model.classes_) == 2:
            coef[model.classes_] = np.vstack([-model.coef_, model.coef_]) / 2
            intercept[model.classes_] = np.append(-model.intercept_, model.intercept_) / 2
        else:
            coef[model.classes_], intercept[model.classes_] = model.coef_, model.intercept_
        return coef, intercept

    def _held_out(self, X, codes, weights, seed):
        """Rows, their margins by a linear model that was not fitted on them, and what their terms say by it."""
        k = len(self.classes_)
        rows, margins, evidence = [np.empty(0, np.int64)], [np.empty((0, k))], Evidence(codes, weights, k, X.shape[1])
        for fit_rows, held_out in folds(codes, self.cv, seed):
            coef, intercept = self._linear(X[fit_rows], codes[fit_rows], weights[fit_rows], seed)
            rows.append(held_out[:: -(-len(held_out) // HELD_OUT)])
            margins.append(X[rows[-1]] @ coef.T + intercept)
            evidence.add(X[rows[-1]], codes[rows[-1]], weights[rows[-1]], coef)
            if sum(map(len, rows)) >= HELD_OUT:
                break
        return np.concatenate(rows), np.concatenate(margins), evidence

    def _boost(self, X, codes, weights, margins, seed):
        """Find the rounds and the calibration on rows held out from the trees, then grow these on all rows."""
        self.rounds_, self.trees_, self.calibration_ = 0, None, IDENTITY
        parameters = xgboost_parameters(self, seed)
        rounds, boosted, evaluated = None, margins.copy(), np.zeros(len(codes), dtype=bool)
        for _, fold in folds(codes, self.cv, (seed + 1) % 2**32):
            held_out = np.zeros(len(codes), dtype=bool)
            held_out[fold] = True
            trial = grow(
                X, codes, parameters, rounds or self.n_estimators, self.max_words, margins, held_out,
                None if rounds else PATIENCE, weights,
            )  # fmt: skip
            rounds = rounds or trial.booster.best_iteration + 1
            boosted[fold] = trial.predict(X[fold], margins[fold], rounds)
            evaluated |= held_out
            if evaluated.sum() >= CALIBRATED:
                break
        if rounds is None:
            return
        gain, weights_evaluated = (_losses(margins, codes) - _losses(boosted, codes))[evaluated], weights[evaluated]
        mean = np.average(gain, weights=weights_evaluated)
        deviation = np.sqrt(np.average((gain - mean) ** 2, weights=weights_evaluated))
        effective_size = weights_evaluated.sum() ** 2 / (weights_evaluated**2).sum()
        if mean > 2 * deviation / np.sqrt(effective_size):  # more than chance gives
            self.rounds_ = rounds
            self.trees_ = grow(X, codes, parameters, rounds, self.max_words, margins, weights=weights)
        else:
            boosted = margins
        self.calibration_ = calibrate(boosted[evaluated], codes[evaluated], weights_evaluated)

    def decision_function(self, X):
        """Compute the margins of the linear model and the trees together.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k), or (n,) for two categories
        """
        margins = self._margins(self._validated(X))
        return margins[:, 1] - margins[:, 0] if margins.shape[1] == 2 else margins

    def _margins(self, X):
        margins = log_softmax(self._linear_scores(X))
        if not self.rounds_:
            return margins
        if X.shape[0] > FEW:
            return self.trees_.predict(canonical(X, np.float32), margins).astype(np.float64)
        return self.trees_.forest.margins(X, margins.astype(np.float32)).astype(np.float64)

    def _linear_scores(self, X):
        return (X @ self.coef_.T + self.intercept_) / self.temperature_

    def predict_proba(self, X):
        """Predict the probability of each category.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k)
            Columns in the order of `classes_`.
        """
        X = self._validated(X)
        return self._probabilities(X, self._margins(X))

    def _probabilities(self, X, margins):
        return moderated(calibrated(margins, self.calibration_), X, self.evidence_, self.prior_)

    def staged_predict_proba(self, X):
        """Predict probabilities after each round of trees, as scikit-learn's boosted trees do.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Yields
        ------
        ndarray of shape (n, k)
            Nothing when there are no trees.
        """
        X = self._validated(X)
        start = log_softmax(self._linear_scores(X))
        for margins in self.trees_.staged(canonical(X, np.float32), start) if self.rounds_ else ():
            yield self._probabilities(X, margins.astype(np.float64))

    def word_contributions(self, X):
        """Compute how much each term of each row speaks for each category: the linear model's share plus the trees'.

        Parameters
        ----------
        X : scipy.sparse.csr_matrix of shape (n, d)
            From `chatkit.text.validation.canonical`: a term that a chat does not have is not stored.

        Returns
        -------
        words : ndarray of shape (nnz, k)
            Contribution of each entry of `X`, in its order.
        rest : dict of str to ndarray of shape (n, k)
            "intercept" (of the linear model and the trees), "normaliser" (what makes log-probabilities of the linear
            model's scores: one number a row, the same for all categories, and no sum over terms) and, where there are
            trees, "absent words". With the terms of its row it adds up to the margin before the calibration.
        """
        X = self._validated(X)
        words, rest = linear_contributions(self.coef_, self.intercept_, X)
        words, rest["intercept"] = words / self.temperature_, rest["intercept"] / self.temperature_
        scores = self._linear_scores(X)
        rest["normaliser"] = np.repeat((log_softmax(scores) - scores)[:, :1], len(self.classes_), axis=1)
        if self.rounds_:
            # From zero: without margins XGBoost would add those that it starts from when it is given none.
            zero = np.zeros_like(rest["intercept"])
            of_trees, rest_of_trees = self.trees_.contributions(canonical(X, np.float32), len(self.classes_), zero)
            words += of_trees
            rest["intercept"] += rest_of_trees["intercept"]
            rest["absent words"] = rest_of_trees["absent words"]
        return words, rest


def _losses(margins, codes):
    return -log_softmax(margins)[np.arange(len(codes)), codes]
