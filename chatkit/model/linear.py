"""Linear classifiers with probabilities."""

from dataclasses import dataclass

import numpy as np
from sklearn import linear_model
from sklearn.svm import LinearSVC

from chatkit.model.base import PlainDataMixin, Positive, TermClassifier, TwoOrMore, folds
from chatkit.model.calibration import temperature
from chatkit.model.evidence import Evidence, moderated
from chatkit.text.exact import softmax

NEVER = -1e9  # decision value of a category that a fold's model does not know


class LogisticRegression(PlainDataMixin, linear_model.LogisticRegression):
    """scikit-learn's logistic regression, with a plain-data form."""

    _learned = ("intercept",)


@dataclass(eq=False, repr=False)
class CalibratedLinearSVC(TermClassifier):
    """LinearSVC whose decision values become probabilities by one temperature.

    The temperature is the one with the lowest log-loss on the decision values of held-out rows; the weights are then
    fitted on all rows. Where the terms of a row say little, the probabilities move towards the frequencies of the
    categories; otherwise the order of the categories, and so `predict`, is LinearSVC's.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty.
    cv : int, default=5
        Folds for the temperature; fewer when there are fewer rows.
    random_state : int, RandomState or None, default=0
        Seed of liblinear and of the folds.

    Attributes
    ----------
    classes_ : ndarray of shape (k,)
    coef_ : ndarray of shape (k, d), or (1, d) for two categories
    intercept_ : ndarray of shape (k,) or (1,)
    temperature_ : float
        Decision values are divided by it before the softmax.
    evidence_ : ndarray of shape (d,)
        How much each term says of the category, and
    prior_ : ndarray of shape (k,)
        frequencies of the categories where the terms say little: see `chatkit.model.evidence.moderated`.
    n_features_in_ : int

    References
    ----------
    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (temperature scaling).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]] * 10)
    >>> model = CalibratedLinearSVC().fit(X, ["urgent", "other"] * 10)
    >>> model.predict([[0.0, 1.0]]).item()
    'other'
    """

    C: Positive = 1.0
    cv: TwoOrMore = 5
    random_state: int | np.random.RandomState | None = 0

    _learned = ("intercept", "temperature", "evidence", "prior")

    def _fit(self, X, codes, weights, seed):
        svc = LinearSVC(C=self.C, random_state=seed)
        k, d = len(self.classes_), X.shape[1]
        decisions, rows, evidence = [np.empty((0, k))], [np.empty(0, np.int64)], Evidence(codes, weights, k, d)
        for fit_rows, fold in folds(codes, self.cv, seed):
            known = np.unique(codes[fit_rows])
            svc.fit(X[fit_rows], codes[fit_rows], weights[fit_rows])
            # A category that the fold's model does not know cannot be scored by it.
            held_out = fold[np.isin(codes[fold], known)]
            decision, coef = np.full((len(held_out), k), NEVER), np.zeros((k, d))
            decision[:, known] = _columns(svc.decision_function(X[held_out]))
            coef[known] = _columns(svc.coef_[0] if len(svc.coef_) == 1 else svc.coef_.T).T
            evidence.add(X[held_out], codes[held_out], weights[held_out], coef)
            decisions.append(decision)
            rows.append(held_out)
        rows = np.concatenate(rows)
        self.temperature_ = temperature(np.concatenate(decisions), codes[rows], weights[rows])
        self.evidence_, self.prior_ = evidence.learned(X[rows], codes[rows], weights[rows], self.temperature_)
        svc.fit(X, codes, weights)
        # In Fortran's order, so that sparse rows @ coef_.T need no copy of it.
        self.coef_, self.intercept_ = np.asfortranarray(svc.coef_), svc.intercept_

    def decision_function(self, X):
        """Compute signed distances, as LinearSVC does, whether or not the terms of a row say anything.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k), or (n,) for two categories
        """
        return self._decision(self._validated(X))

    def _decision(self, X):
        decision = np.asarray(X @ self.coef_.T) + self.intercept_
        return decision[:, 0] if decision.shape[1] == 1 else decision

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
        probabilities = softmax(_columns(self._decision(X)) / self.temperature_)
        return moderated(probabilities, X, self.evidence_, self.prior_)


def linear_contributions(coef, intercept, X):
    """Compute how much each term of each row speaks for each category of a linear model.

    Parameters
    ----------
    coef : ndarray of shape (k, d), or (1, d) for two categories
        A single row is for the second category, its negative for the first.
    intercept : float or ndarray of shape (k,) or (1,)
    X : scipy.sparse.csr_matrix of shape (n, d)

    Returns
    -------
    words : ndarray of shape (nnz, k)
        Contribution of each entry of `X`, in its order.
    rest : dict of str to ndarray of shape (n, k)
        "intercept". With the terms of its row it adds up to the decision value.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> words, rest = linear_contributions(np.array([[3.0, -1.0]]), [0.5], csr_matrix([[1.0, 2.0]]))
    >>> words.tolist(), rest["intercept"].tolist()
    ([[-3.0, 3.0], [2.0, -2.0]], [[-0.5, 0.5]])
    """
    intercept = np.broadcast_to(intercept, len(coef))
    if len(coef) == 1:
        coef, intercept = np.vstack([-coef, coef]), np.append(-intercept, intercept)
    return X.data[:, None] * coef.T[X.indices], {"intercept": np.tile(intercept, (X.shape[0], 1))}


def _columns(decision):
    """One column a category, for two categories too."""
    return np.column_stack([-decision, decision]) / 2 if decision.ndim == 1 else decision
