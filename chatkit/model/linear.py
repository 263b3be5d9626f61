"""A linear support vector machine with probabilities."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import LinearSVC
from sklearn.utils.validation import validate_data

from chatkit.model.calibration import temperature
from chatkit.model.codes import Number, check_missing, check_parameters, checked, encode, folds, seed_of, weighted
from chatkit.text.exact import softmax

NEVER = -1e9  # decision value of a category that a fold's model does not know
NUMBERS = {"C": Number(0, above=True), "cv": Number(2, whole=True)}


class CalibratedLinearSVC(ClassifierMixin, BaseEstimator):
    """LinearSVC whose decision values become probabilities by one temperature.

    The temperature is the one with the lowest log-loss on decision values of rows that the fold's model has not
    seen; the weights are then fitted on all rows. The order of the categories, and so `predict`, is LinearSVC's.

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

    def __init__(self, C=1.0, cv=5, random_state=0):
        self.C = C
        self.cv = cv
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Fit the weights and the temperature.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)
            Word weights.
        y : array-like of shape (n,)
            Categories.
        sample_weight : array-like of shape (n,), optional
            How often each row counts, for the weights and for the temperature.

        Returns
        -------
        CalibratedLinearSVC
        """
        check_parameters(self, NUMBERS)
        check_missing(y)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        self.classes_, codes = encode(y)
        X, codes, times = weighted(X, codes, sample_weight)
        seed = seed_of(self.random_state)
        svc = LinearSVC(C=self.C, random_state=seed)
        self.temperature_ = self._temperature(svc, X, codes, times, seed)
        whole = svc.fit(X, codes, times)
        # In Fortran's order, so that sparse rows @ coef_.T need no copy of it.
        self.coef_, self.intercept_ = np.asfortranarray(whole.coef_), whole.intercept_
        return self

    def _temperature(self, svc, X, codes, times, seed):
        decisions, rows = [np.empty((0, len(self.classes_)))], [np.empty(0, np.int64)]
        for fit_rows, held_out in folds(codes, self.cv, seed):
            present = np.unique(codes[fit_rows])
            svc.fit(X[fit_rows], codes[fit_rows], times[fit_rows])
            decision = np.full((len(held_out), len(self.classes_)), NEVER)
            decision[:, present] = _columns(svc.decision_function(X[held_out]))
            # A category that the fold has not seen cannot be scored by its model.
            known = np.isin(codes[held_out], present)
            decisions.append(decision[known])
            rows.append(held_out[known])
        rows = np.concatenate(rows)
        return temperature(np.concatenate(decisions), codes[rows], times[rows])

    def decision_function(self, X):
        """Signed distances, as LinearSVC gives them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, k), or (n,) for two categories
        """
        X = checked(self, X)
        decision = np.asarray(X @ self.coef_.T) + self.intercept_
        return decision[:, 0] if decision.shape[1] == 1 else decision

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
        return softmax(_columns(self.decision_function(X)) / self.temperature_)

    def predict(self, X):
        """Category with the largest decision value.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        decision = _columns(self.decision_function(X))
        return self.classes_[decision.argmax(axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def line_contributions(coef, intercept, X):
    """Say how much each word of each row speaks for each category of a linear model.

    Parameters
    ----------
    coef : ndarray of shape (k, d), or (1, d) for two categories
        A single row speaks for the second category, and its negative for the first.
    intercept : float or ndarray of shape (k,) or (1,)
    X : scipy.sparse.csr_matrix of shape (n, d)

    Returns
    -------
    words : ndarray of shape (nnz, k)
        Contribution of each entry of `X`, in its order.
    rest : dict of str to ndarray of shape (n, k)
        "intercept". With the words of its row it adds up to the decision value.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> words, rest = line_contributions(np.array([[3.0, -1.0]]), [0.5], csr_matrix([[1.0, 2.0]]))
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
