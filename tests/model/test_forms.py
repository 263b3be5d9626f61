"""The same rows give the same answers in every form that other libraries hand over."""

import datetime as dt

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import coo_matrix, csc_array, csr_array, csr_matrix
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline

from chatkit import Evaluation, load_model, make_pipeline
from chatkit.checks.suite import run_checks
from chatkit.data.simulate import simulate
from chatkit.data.split import overlap, split_chats
from chatkit.data.summary import category_shares, text_lengths, weekly_counts
from chatkit.decisions.thresholds import out_of_fold
from chatkit.explain.highlight import highlight_some
from chatkit.explain.perturbations import Perturbation, run_perturbations
from chatkit.explain.words import contributions
from chatkit.model import pipeline
from chatkit.model.base import TermClassifier
from chatkit.model.boosted import BoostedLinearClassifier
from chatkit.model.bundle import save_model
from chatkit.model.rules import RulesClassifier
from chatkit.scores.baselines import fit_baselines, score_models
from chatkit.scores.metrics import learning_curve
from chatkit.scores.predictions import Predictions
from chatkit.text.counts import TermCounter
from chatkit.text.validation import as_frame
from chatkit.text.weights import TermWeights

CLASSIFIERS = [kind for kind, _ in pipeline.CLASSIFIERS.values() if issubclass(kind, TermClassifier)]
TABLES = {
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


@pytest.fixture(scope="module")
def counts():
    """Counts in which two terms say something by being alone, which takes trees to learn."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.3, (600, 30))
    y = np.where((counts[:, 0] > 0) ^ (counts[:, 1] > 0), "a", np.where(counts[:, 2] > 0, "b", "c"))
    X = csr_matrix(counts)
    assert BoostedLinearClassifier().fit(X, y).rounds_
    return X, y


@pytest.fixture(scope="module")
def chats():
    """Simulated chats, every one with text and category."""
    return simulate(600)[0]


def locked(X):
    """The rows with arrays that may not be written, as joblib's workers get them."""
    X = X.copy()
    for array in (X.data, X.indices, X.indptr):
        array.flags.writeable = False
    return X


def doubled(X):
    """Each entry stored as two halves, in no order, and zeros between them."""
    entries = coo_matrix(X)
    order = np.random.default_rng(1).permutation(3 * X.nnz)
    row, column = (np.tile(places, 3)[order] for places in (entries.row, entries.col))
    data = np.concatenate([entries.data - entries.data // 2, entries.data // 2, 0 * entries.data])[order]
    by_row = np.argsort(row, kind="stable")
    indptr = np.append(0, np.cumsum(np.bincount(row, minlength=X.shape[0])))
    other = csr_matrix((data[by_row], column[by_row], indptr), shape=X.shape)
    assert not other.has_canonical_format
    assert other.nnz == 3 * X.nnz
    return other


def long_indices(X):
    """Indices of 64 bits."""
    other = X.copy()
    other.indices, other.indptr = other.indices.astype(np.int64), other.indptr.astype(np.int64)
    assert other.indices.dtype == np.int64
    return other


def strided(X):
    """Arrays that are every second element of others."""
    other = X.copy()
    other.data, other.indices, other.indptr = (np.repeat(array, 2)[::2] for array in (X.data, X.indices, X.indptr))
    assert not other.indices.flags.c_contiguous
    return other


FORMS = {
    "read-only": locked, "twice": doubled, "int64": long_indices, "strided": strided, "dense": lambda X: X.toarray(),
    "dense, Fortran": lambda X: np.asfortranarray(X.toarray()), "csr_array": csr_array, "csc_array": csc_array,
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [TermWeights, *CLASSIFIERS])
def test_rows_are_the_same_in_every_form(counts, kind, form):
    """To fit on and to predict, many and few, bit for bit; what was handed over stays as it was."""
    X, y = counts[0].astype(np.int32 if kind is TermWeights else np.float64), counts[1]  # as they come in a pipeline
    other = FORMS[form](X)
    before = [array.copy() for array in (other.data, other.indices)] if hasattr(other, "indices") else other.copy()

    def answers(model, X):
        return (model.transform(X).toarray(),) if kind is TermWeights else (model.predict_proba(X),)

    expected = kind().fit(X, y)
    fitted = kind().fit(other, y)
    for model in (expected, fitted):
        np.testing.assert_array_equal(answers(model, other), answers(expected, X))
        np.testing.assert_array_equal(answers(model, FORMS[form](X[:2])), answers(expected, X[:2]))
    after = [other.data, other.indices] if hasattr(other, "indices") else other
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", ["boosted_linear", "xgboost", "linear_svc"])
def test_a_model_may_lie_in_memory_that_is_only_read(chats, name, tmp_path):
    """As joblib maps what is large: in this process, and in the workers of permutation_importance and Parallel."""
    X = chats[["subject", "body"]]
    model = make_pipeline(name).fit(X, chats["category"])
    expected = model.predict_proba(X)
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert isinstance(mapped["counts"].vocabulary_._columns, np.memmap)
    assert not mapped["counts"].vocabulary_._columns.flags.writeable
    np.testing.assert_array_equal(mapped.predict_proba(X), expected)
    np.testing.assert_array_equal(mapped.predict_proba(X[:2]), model.predict_proba(X[:2]))
    if name != "boosted_linear":
        return
    with joblib.parallel_config("loky", n_jobs=2, max_nbytes=100):
        tasks = joblib.Parallel()(joblib.delayed(_predict)(model, part) for part in (X, X[:2]))
        importance = permutation_importance(model, X[:100], chats["category"][:100], n_repeats=2, n_jobs=2)
    assert not any(writeable for writeable, _ in tasks), "the arrays were mapped"
    np.testing.assert_array_equal(tasks[0][1], expected)
    assert importance.importances_mean.max() > 0.1


def _predict(model, X):
    return model["counts"].vocabulary_._columns.flags.writeable, model.predict_proba(X)


@pytest.mark.parametrize("output", ["pandas", "polars"])
@pytest.mark.parametrize("name", pipeline.CLASSIFIERS)
def test_the_kind_of_output_is_no_matter(chats, name, output, tmp_path):
    """Sparse rows have no frame: as with scikit-learn's vectorizers the setting changes nothing."""
    X, options = chats[["subject", "body"]], {"classifier_options": {"tol": 10.0}} if name == "logistic" else {}
    model = make_pipeline(name, **options)
    model.fit(X, chats["category"])
    save_model(model, tmp_path / "model", {})
    with config_context(transform_output=output):
        other = make_pipeline(name, **options).fit(X, chats["category"])
        loaded = load_model(tmp_path / "model")
        answers = [one.predict(X) for one in (model, other, loaded)]
        for one in (other, loaded):
            for step in ("counts", "tfidf") if "counts" in one.named_steps else ():
                assert type(one[: list(one.named_steps).index(step) + 1].transform(X)) is csr_matrix
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_others_are_chats(chats, kind):
    """Fitting, predicting, folds, split, scores, checks, explanations: what they give is what the DataFrame gives."""
    other = TABLES[kind](chats)
    pipe = make_pipeline("linear_svc")
    for side in (lambda table: split_chats(table)[0], lambda table: split_chats(table)[1]):
        pd.testing.assert_frame_equal(side(other), side(chats), check_dtype=False)
    train, test = split_chats(chats)
    tables = [TABLES[kind](side) for side in (train, test)]
    pd.testing.assert_frame_equal(overlap(*tables), overlap(train, test))
    for summary in (weekly_counts, text_lengths):
        pd.testing.assert_frame_equal(summary(other), summary(chats), check_dtype=False)
    pd.testing.assert_frame_equal(category_shares(*tables), category_shares(train, test), check_dtype=False)
    model = pipe.fit(train[["subject", "body"]], train["category"])
    np.testing.assert_array_equal(
        make_pipeline("linear_svc").fit(tables[0], tables[0]["category"]).predict_proba(tables[1]),
        model.predict_proba(test[["subject", "body"]]),
    )
    np.testing.assert_array_equal(
        cross_val_predict(pipe, other, chats["category"]), cross_val_predict(pipe, chats, chats["category"])
    )
    assert repr(Evaluation(model, tables[1])) == repr(Evaluation(model, test))
    pd.testing.assert_frame_equal(out_of_fold(pipe, tables[0]), out_of_fold(pipe, train), check_index_type=False)
    assert [one._repr_html_() for one in highlight_some(model, tables[1], 2)] == [
        one._repr_html_() for one in highlight_some(model, test, 2)
    ]
    edit = [Perturbation(name="digits", kind="INV", edit="other digits")]
    for mine, theirs in zip(
        run_perturbations(model, test, edit), run_perturbations(model, tables[1], edit), strict=True
    ):
        pd.testing.assert_frame_equal(mine, theirs, check_dtype=False)
    pd.testing.assert_frame_equal(
        learning_curve(pipe, other, chats["category"], (1.0,)), learning_curve(pipe, chats, chats["category"], (1.0,))
    )
    dummies = [fit_baselines(["dummy"], side) for side in (train, tables[0])]
    assert score_models(Predictions.of(model, tables[1]), tables[1], dummies[1]) == score_models(
        Predictions.of(model, test), test, dummies[0]
    )
    some = ["duplicates", "groups"]
    assert run_checks(model, *tables, only=some).results == run_checks(model, train, test, only=some).results


def test_ids_of_a_table_stay_whole():
    """Also beside a missing one: as decimals, ids that are near each other would be one conversation."""
    ids = [2**53 + number for number in range(9)] + [None]
    frame = as_frame(pl.DataFrame({"conversation_id": ids, "created_at": [dt.date(2026, 1, 2)] * 10}))
    assert frame["conversation_id"].tolist() == ids
    assert pd.api.types.is_datetime64_any_dtype(frame["created_at"])


def test_texts_come_in_every_column(chats):
    """An array of pyarrow, a series, a table of one column."""
    texts = chats["body"].tolist()[:20]
    expected = TermCounter(min_df=1).fit_transform(texts)
    for some in (pa.array(texts), pa.chunked_array([texts]), pl.Series(texts), pl.DataFrame({"body": texts}),
                 pa.table({"body": texts}), pd.DataFrame({"body": texts}), pd.Series(texts)):  # fmt: skip
        np.testing.assert_array_equal(TermCounter(min_df=1).fit_transform(some).toarray(), expected.toarray())


def test_what_is_no_table_of_chats_gives_one_sentence(chats):
    """A query that was not run, a column that is there twice."""
    with pytest.raises(ValueError, match=r"Got a LazyFrame, expected a table of chats; call \.collect\(\) first"):
        make_pipeline("dummy").fit(pl.from_pandas(chats).lazy(), chats["category"])
    twice = pd.concat([chats[["subject", "body"]], chats[["body"]]], axis=1)
    with pytest.raises(ValueError, match="Got more than one column 'body', expected one; drop or rename"):
        make_pipeline("dummy").fit(twice, chats["category"])


def test_contributions_are_of_the_words_that_they_stand_for(counts):
    """Whatever order a step of one's own gives them."""
    X, y = counts[0].astype(float), counts[1]
    names = np.array([f"w{number}" for number in range(X.shape[1])], dtype=object)

    class Step(BaseEstimator):
        def __init__(self, form):
            self.form = form

        def fit(self, X, y=None):
            return self

        def __sklearn_is_fitted__(self):
            return True

        def transform(self, rows):
            return FORMS[self.form](X[rows])

        def get_feature_names_out(self, input_features=None):
            return names

    model = BoostedLinearClassifier().fit(X, y)
    frames = [
        contributions(Pipeline([("rows", Step(form)), ("model", model)]), [0, 5]) for form in ("read-only", "twice")
    ]
    pd.testing.assert_frame_equal(*frames)


@pytest.mark.parametrize("name", pipeline.CLASSIFIERS)
def test_a_pipeline_says_what_it_reads(chats, name, tmp_path):
    """Two columns, by name, fitted here or read from a folder, whatever else a frame has."""
    options = {"tol": 10.0} if name == "logistic" else {}
    model = make_pipeline(name, options).fit(chats, chats["category"])
    save_model(model, tmp_path / "model", {})
    for one in (model, load_model(tmp_path / "model")):
        assert one.n_features_in_ == 2
        assert one.feature_names_in_.tolist() == ["subject", "body"]


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("constant", [1e-300, 1e-6, 1 / 3, 1e300])
def test_a_constant_changes_no_weight(counts, kind, constant):
    """Weights say how much a row counts beside the others: as shares that sum to one they say the same."""
    X, y = counts
    weights = np.random.default_rng(4).integers(0, 5, len(y))
    plain, scaled = (kind().fit(X, y, times).predict_proba(X) for times in (weights, weights * constant))
    np.testing.assert_array_equal(plain, scaled)
    assert (kind().fit(X, y, weights * constant).predict(X) == y).mean() > 0.7 > 0.2 + (y == "c").mean()


def test_weights_of_another_kind_are_refused(counts):
    """Negative, missing and infinite counts, as TfidfTransformer refuses what is not finite; other widths."""
    X, _ = counts
    model = TermWeights().fit(X)
    for wrong, said in ((-1, "Negative values|from 0 up"), (np.nan, "NaN"), (np.inf, "infinity")):
        for dtype in (np.float64, np.int32) if wrong == -1 else (np.float64,):
            other = X.astype(dtype)
            other.data[3] = wrong
            with pytest.raises(ValueError, match=said):
                model.transform(other)
            with pytest.raises(ValueError, match=said):
                TermWeights().fit(other)
    with pytest.raises(ValueError, match="30 features"):
        model.transform(X[:, :9])


def test_weights_keep_single_precision_and_copy(counts):
    """float32 in, float32 out; the counts are written over only when that is allowed."""
    X = counts[0].astype(np.float32)
    model = TermWeights().fit(X)
    assert model.idf_.dtype == model.transform(X).dtype == np.float32
    assert TermWeights().fit_transform(counts[0]).dtype == np.float64
    before, double = X.copy(), TermWeights().fit_transform(counts[0])
    np.testing.assert_allclose(model.transform(X).toarray(), double.toarray(), rtol=1e-6)
    np.testing.assert_array_equal(X.data, before.data)
    weighed = model.transform(X, copy=False)
    assert np.shares_memory(weighed.data, X.data)


@pytest.mark.parametrize("kind", [VotingClassifier, StackingClassifier])
def test_rules_say_what_they_cannot(chats, kind):
    """These put numbers in the place of names, which no rule can match."""
    rules = RulesClassifier([("urgent", "lost|stolen")])
    estimators = [("rules", rules), ("line", make_pipeline("linear_svc")[1:])]
    with pytest.raises(ValueError, match="VotingClassifier, StackingClassifier and others put numbers in their place"):
        kind(estimators).fit(chats["body"].fillna(""), chats["category"])
