"""What words say, in numbers: they add up to what the model says."""

import numpy as np
import pandas as pd
import pytest
import xgboost
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from chatkit import make_pipeline
from chatkit.explain import words
from chatkit.explain.words import contributions, top_words, top_words_per_message, weighs_words
from chatkit.model.calibration import calibrated
from chatkit.model.evidence import moderated
from chatkit.text.validation import canonical

CLASSIFIERS = ("boosted_linear", "linear_svc", "logistic", "xgboost")
MESSAGE = ["subject", "body"]


@pytest.fixture(scope="module")
def puzzles():
    """Chats in which two words mean one category together and another one alone: trees have something to say."""
    rng = np.random.default_rng(0)
    words = np.array(["card", "lost", *(f"{first}{last}" for first in "bdfgklm" for last in ("up", "an", "id", "or"))])
    has = rng.random((900, len(words))) < 0.15
    has[:, :2] |= rng.random((900, 2)) < 0.25
    body = [" ".join(rng.permutation(words[row])) for row in has]
    category = np.where(has[:, 0] & has[:, 1], "urgent", np.where(has[:, 0] | has[:, 1], "other", "incident"))
    return pd.DataFrame({"subject": words[rng.integers(2, len(words), 900)], "body": body, "category": category})


@pytest.fixture(scope="module", params=[(name, k) for name in CLASSIFIERS for k in (2, 3)], ids=str)
def model(request, puzzles):
    """Each classifier that weighs words, on two and on three categories, and chats to explain."""
    name, k = request.param
    chats = puzzles if k == 3 else puzzles[puzzles["category"] != "incident"]
    pipeline = make_pipeline(name, subject_weight=2, ngram_range=(1, 2)).fit(chats[MESSAGE], chats["category"])
    return pipeline, chats[MESSAGE].head(60)


def margins(pipeline, messages):
    """What the classifier itself adds up, a column a category."""
    classifier, X = pipeline[-1], pipeline[:-1].transform(messages)
    if not hasattr(classifier, "decision_function"):
        rows = xgboost.DMatrix(canonical(X, np.float32)[:, classifier.trees_.words])
        return classifier.trees_.booster.predict(rows, output_margin=True)
    decision = classifier.decision_function(X)
    return np.column_stack([-decision, decision]) if decision.ndim == 1 else decision


def summed(frame):
    return frame.pivot_table("contribution", "row", "category", "sum").to_numpy()


def test_contributions_add_up_to_the_margin(model):
    """Exactly for lines, as exactly as float32 for trees."""
    pipeline, messages = model
    found, expected = summed(contributions(pipeline, messages)), margins(pipeline, messages)
    trees = hasattr(pipeline[-1], "trees_")
    if trees:
        assert pipeline[-1].trees_ is not None
    if trees and hasattr(pipeline[-1], "decision_function") and found.shape[1] == 2:
        # Here the decision value is the distance of two margins.
        found, expected = np.diff(found, axis=1), expected[:, 1:]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if trees else 1e-12)


def test_margins_are_what_the_probabilities_are_made_of(puzzles):
    """The softmax of the sums, for trees on a line its calibration, less so where little is said, are the probabilities."""
    for name in ("boosted_linear", "xgboost"):
        pipeline = make_pipeline(name).fit(puzzles[MESSAGE], puzzles["category"])
        found, messages = summed(contributions(pipeline, puzzles.head(40))), puzzles[MESSAGE].head(40)
        given, model = softmax(found, axis=1), pipeline[-1]
        if name == "boosted_linear":
            X = canonical(pipeline[:-1].transform(messages))
            given = moderated(calibrated(found, model.calibration_), X, model.evidence_, model.prior_)
        np.testing.assert_allclose(given, pipeline.predict_proba(messages), atol=1e-5)


def test_contributions_name_the_terms_of_the_message(model):
    """Each message has its own terms and what no word says, once a category; absent words only where trees look."""
    pipeline, messages = model
    frame = contributions(pipeline, messages)
    assert list(frame.columns) == ["row", "category", "term", "contribution"]
    assert not frame.duplicated(["row", "category", "term"]).any()
    names, X = pipeline[:-1].get_feature_names_out(), pipeline[:-1].transform(messages)
    rest = {"(intercept)"}
    if hasattr(pipeline[-1], "trees_"):
        rest |= {"(absent words)"}
    if type(pipeline[-1]).__name__ == "BoostedLinearClassifier":
        rest |= {"(normaliser)"}
    for (row, _), rows in frame.groupby(["row", "category"]):
        assert set(rows["term"]) == set(names[X[row].indices]) | rest


def test_the_normaliser_prefers_no_category(puzzles):
    """It is one number for all categories of a message, the one that makes log-probabilities of the line's scores."""
    pipeline = make_pipeline().fit(puzzles[MESSAGE], puzzles["category"])
    frame = contributions(pipeline, puzzles.head(30)).query("term == '(normaliser)'")
    found = summed(frame)
    assert np.ptp(found, axis=1).max() == 0
    model, X = pipeline[-1], pipeline[:-1].transform(puzzles[MESSAGE].head(30))
    scores = (X @ model.coef_.T + model.intercept_) / model.temperature_
    np.testing.assert_allclose(found, log_softmax(scores, axis=1) - scores, atol=1e-12)


def test_absent_words_speak(puzzles):
    """A chat in which a decisive word is missing is recognised by its absence, too."""
    pipeline = make_pipeline("xgboost").fit(puzzles[MESSAGE], puzzles["category"])
    nothing = pd.DataFrame({"subject": [""], "body": ["bup"]})
    said = contributions(pipeline, nothing).query("category == 'incident'").set_index("term")["contribution"]
    assert said["(absent words)"] > said.drop(["(absent words)", "(intercept)"]).abs().max()


def test_weights_are_mean_contributions(model):
    """One concept: the top words are those with the largest mean of what `contributions` gives."""
    pipeline, messages = model
    frame = contributions(pipeline, messages)
    mean = frame.groupby(["category", "term"])["contribution"].sum() / len(messages)
    for row in top_words(pipeline, messages, n=5).itertuples():
        assert row.weight == pytest.approx(mean[row.category, row.word], abs=1e-8)


def test_top_words_per_message_are_the_largest_contributions(model):
    """Of the category asked for; what no word says is no word, and what speaks against is left out."""
    pipeline, messages = model
    for category in pipeline.classes_:
        frame = contributions(pipeline, messages).query("category == @category and not term.str.startswith('(')")
        found = top_words_per_message(pipeline, messages, [category] * len(messages), n=2)
        assert len(found) == len(messages)
        for row, said_of_row in enumerate(found):
            said = frame[(frame["row"] == row) & (frame["contribution"].round(6) > 0)].set_index("term")["contribution"]
            assert [value for _, value in said_of_row] == said.round(6).sort_values(ascending=False).head(2).tolist()
            assert all(said.round(6)[word] == value for word, value in said_of_row)
    assert any(found)


def test_top_words_of_each_message_have_its_category():
    """By hand: ties by word, messages without a word, and a list of pairs in the place of a frame."""
    pipeline = with_coefficients([[1, 1 + 1e-13, -3], [0, 0, 2], [0, 0, 0]], ["ant bee cat"] * 3, ["x", "y", "z"])
    found = top_words_per_message(pipeline, ["bee ant cat", "cat cat", "", "cat"], ["x", "y", "x", "x"])
    assert found == [[("ant", 1.0), ("bee", 1.0)], [("cat", 4.0)], [], []]
    pipeline = make_pipeline("linear_svc", min_df=1).fit([("ant", "a"), ("bee", "b")] * 5, ["x", "y"] * 5)
    assert top_words_per_message(pipeline, [("ant", "")], ["x"])[0][0][0] == "ant"


def test_of_many_chats_some_are_explained(puzzles, monkeypatch):
    """At even distances, first and last included."""
    pipeline = make_pipeline("linear_svc").fit(puzzles[MESSAGE], puzzles["category"])
    monkeypatch.setattr(words, "EXPLAINED_ROWS", 3)
    some = puzzles[MESSAGE].iloc[[0, 449, 899]]
    pd.testing.assert_frame_equal(top_words(pipeline, puzzles[MESSAGE]), top_words(pipeline, some))


def test_rules_and_dummies_weigh_no_words():
    """`weighs_words` says so before anybody is refused."""
    assert not weighs_words(fitted(["ant", "bee"], ["x", "y"], DummyClassifier()))
    assert weighs_words(fitted(["ant", "bee"], ["x", "y"], LogisticRegression()))


# top_words


def fitted(texts, categories, classifier, **options):
    return Pipeline([("counts", CountVectorizer(**options)), ("classifier", classifier)]).fit(texts, categories)


def with_coefficients(coefficients, texts, categories):
    pipeline = fitted(texts, categories, LogisticRegression())
    pipeline[-1].coef_ = np.array(coefficients, dtype=float)
    return pipeline


def as_lists(frame):
    return {category: rows[["word", "weight"]].to_numpy().tolist() for category, rows in frame.groupby("category")}


def test_top_words_are_words_that_say_something():
    """A stop word tells the categories apart here, alone and with another; a pair with one that is none stays."""
    texts = ["the the ant", "the ant", "bee", "bee"]
    found = top_words(fitted(texts, ["x", "x", "y", "y"], LogisticRegression(), ngram_range=(1, 2)), texts, n=5)
    words = found.loc[found["category"] == "x", "word"].tolist()
    assert "the" not in words
    assert "the the" not in words
    assert {"ant", "the ant"} <= set(words)


def test_where_nothing_else_tells_stop_words_are_shown():
    """Better than nothing."""
    texts = ["the", "the the", "a of", "of"]
    assert len(top_words(fitted(texts, ["x", "x", "y", "y"], LogisticRegression()), texts)) > 0


def test_top_words_of_a_linear_model_by_hand():
    """Weight is coefficient times mean count over the rows given, so that rare words do not lead."""
    texts = ["ant bee", "ant cat", "cat dog", "cat dog"]
    coefficients = [[1, 9, 0, 0], [4, 0, 2, 3], [0, 0, 1, -5]]
    pipeline = with_coefficients(coefficients, texts, ["x", "y", "z", "z"])
    found = top_words(pipeline, ["ant ant bee", "ant cat", "dog", "dog"], n=2)
    # Means: ant 3/4, bee 1/4, cat 1/4, dog 2/4.
    assert as_lists(found) == {
        "x": [["bee", 2.25], ["ant", 0.75]],
        "y": [["ant", 3.0], ["dog", 1.5]],
        "z": [["cat", 0.25]],
    }


def test_one_row_of_coefficients_speaks_for_the_second_category():
    """Of two categories the second gets the coefficients, the first their negatives."""
    pipeline = with_coefficients([[3, -1]], ["ant", "bee"], ["first", "second"])
    found = top_words(pipeline, ["ant bee"])
    assert as_lists(found) == {"first": [["bee", 1.0]], "second": [["ant", 3.0]]}


def test_ties_go_by_word():
    """Words with the same weight, but for rounding, stand in alphabetical order."""
    pipeline = with_coefficients([[1, 1 + 1e-13, 1 + 2e-13]], ["ant bee cat", "bee"], ["x", "y"])
    found = top_words(pipeline, ["ant bee cat"])
    assert list(found["word"]) == ["ant", "bee", "cat"]


class Contributions(ClassifierMixin, BaseEstimator):
    """Says itself what each word contributes."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def word_contributions(self, X):
        return X.data[:, None] * np.arange(len(self.classes_)), {"intercept": np.zeros((X.shape[0], 1))}


def test_contributions_are_used_as_they_are():
    """A classifier with word_contributions decides; a category for which no word speaks has no rows."""
    texts = ["ant bee", "bee", "bee"]
    found = top_words(fitted(texts, ["x", "y", "z"], Contributions()), texts, n=1)
    assert as_lists(found) == {"y": [["bee", 1.0]], "z": [["bee", 2.0]]}


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_top_words_of_the_models(classifier):
    """Each model of make_pipeline names the words that tell its categories apart, with the right one."""
    rng = np.random.default_rng(0)
    category, chatter = np.repeat(["card", "loan"], [36, 22]), ["please", "help", "thanks", "today", "again"]
    body = [" ".join([name, *rng.choice(chatter, rng.integers(2, 6))]) for name in category]
    two = pd.DataFrame({"subject": "hello", "body": body, "category": category})
    pipeline = make_pipeline(classifier, min_df=1, ngram_range=(1, 1))
    pipeline.fit(two[["subject", "body"]], two["category"])
    found = top_words(pipeline, two[["subject", "body"]], n=3)
    deciding = found[found["word"].isin(["card", "loan"])]
    assert len(deciding)
    assert (deciding["word"] == deciding["category"]).all()
    assert (found.groupby("category").size() <= 3).all()
    assert (found["weight"] > 0).all()


def test_other_classifiers_are_refused_by_name():
    """A classifier that cannot say which words speak is named, and what is supported."""
    with pytest.raises(ValueError, match=r"Got DummyClassifier .* coef_ or word_contributions"):
        top_words(fitted(["ant", "bee"], ["x", "y"], DummyClassifier()), ["ant"])
    with pytest.raises(ValueError, match=r"Got DummyClassifier .* coef_ or word_contributions"):
        top_words_per_message(fitted(["ant", "bee"], ["x", "y"], DummyClassifier()), ["ant"], ["x"])
