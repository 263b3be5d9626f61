"""chatkit's estimators with the parameters of those that they stand in for in the tests of others."""

import pytest
from sklearn import dummy, linear_model, svm
from sklearn.feature_extraction import text

from chatkit.model import linear, rules
from chatkit.text.counts import TermCounter
from chatkit.text.weights import TermWeights

NOT_OURS = "not applicable: "
fits = []  # kinds that have been fitted in the test that runs


def stands_in(kind):
    """Note each fit of a class, and skip a test that asks for an option which is another than its reference's default."""

    def noted(method):
        def call(self, *arguments, **options):
            for name, default in self.reference.get_params().items():
                if name not in self.options and getattr(self, name) is not default and getattr(self, name) != default:
                    pytest.skip(f"{NOT_OURS}no {name}")
            fits.append(type(self))
            return method(self, *arguments, **options)

        return call

    for name in {"fit", "fit_transform"} & set(vars(kind)):
        setattr(kind, name, noted(vars(kind)[name]))
    return kind


@stands_in
class Counts(text.CountVectorizer):
    """TermCounter with CountVectorizer's parameters."""

    reference, options = text.CountVectorizer(), ("stop_words", "ngram_range", "min_df")

    def fit(self, raw_documents, y=None):
        self.fit_transform(raw_documents)
        return self

    def fit_transform(self, raw_documents, y=None):
        self.counter = TermCounter(self.stop_words, "none", ngram_range=self.ngram_range, min_df=self.min_df)
        counts = self.counter.fit_transform(raw_documents)
        self.vocabulary_ = {term: column for column, term in enumerate(self.counter.get_feature_names_out())}
        self.fixed_vocabulary_ = False
        return counts

    def transform(self, raw_documents):
        return self.counter.transform(raw_documents) if hasattr(self, "counter") else super().transform(raw_documents)


@stands_in
class Weights(TermWeights, auto_wrap_output_keys=None):
    """TermWeights with TfidfTransformer's parameters."""

    reference, options = text.TfidfTransformer(), ("sublinear_tf",)

    def __init__(self, *, norm="l2", use_idf=True, smooth_idf=True, sublinear_tf=False):
        super().__init__(sublinear_tf)
        self.norm, self.use_idf, self.smooth_idf = norm, use_idf, smooth_idf

    def fit(self, X, y=None):
        return super().fit(X, y)


class Both(text.TfidfVectorizer, Counts):
    """TermCounter and TermWeights with TfidfVectorizer's parameters; its code between them is scikit-learn's."""

    reference, options = text.TfidfVectorizer(), (*Counts.options, *Weights.options)


@stands_in
class Line(linear.CalibratedLinearSVC):
    """CalibratedLinearSVC with LinearSVC's parameters."""

    reference, options = svm.LinearSVC(), ("C", "random_state")

    def __init__(
        self, penalty="l2", loss="squared_hinge", *, dual="auto", tol=1e-4, C=1.0, multi_class="ovr", fit_intercept=True,
        intercept_scaling=1, class_weight=None, verbose=0, random_state=None, max_iter=1000,
    ):  # fmt: skip
        super().__init__(C, random_state=random_state)
        self.penalty, self.loss, self.dual, self.tol, self.multi_class = penalty, loss, dual, tol, multi_class
        self.fit_intercept, self.intercept_scaling, self.class_weight = fit_intercept, intercept_scaling, class_weight
        self.verbose, self.max_iter = verbose, max_iter

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight)


@stands_in
class LogisticRegression(linear.LogisticRegression):
    """LogisticRegression, which is scikit-learn's but for its plain data."""

    reference = linear_model.LogisticRegression()
    options = tuple(reference.get_params())

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight)


@stands_in
class Dummy(rules.DummyClassifier):
    """DummyClassifier, which is scikit-learn's but for its plain data."""

    reference = dummy.DummyClassifier()
    options = tuple(reference.get_params())

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight)
