"""The pipeline: one call, every choice a keyword."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder
from xgboost import XGBClassifier

from chatkit import MessagePreprocessor, TextProcessor, make_pipeline
from chatkit.model.pipeline import CLASSIFIERS, classifier_name, describe_steps
from chatkit.project import InputError, parameters

MESSAGE = ["subject", "body"]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_names_in_names_out(chats, name):
    """Every classifier takes and gives category names; probabilities where promised."""
    options = {"rules": [("urgent", "lost")]} if name == "rules" else {}
    model = make_pipeline(name, options).fit(chats[MESSAGE], chats["category"])
    assert set(model.predict(chats[MESSAGE])) <= {"urgent", "other"}
    assert model.classes_.tolist() == ["other", "urgent"]
    assert hasattr(model, "predict_proba") == (name != "rules")
    if name != "dummy":
        assert (model.predict(chats[MESSAGE]) == chats["category"]).all()
    assert classifier_name(model) == name


def test_the_talks_own_pipeline_is_built_from_these_parts(chats):
    """CountVectorizer, TfidfTransformer and XGBClassifier with their defaults, as on the slide."""
    pipeline = Pipeline(
        [
            ("preprocess", MessagePreprocessor(subject_weight=3)),
            ("text", TextProcessor(stop_words="english", lemmatizer="simplemma")),
            ("counts", CountVectorizer()),
            ("tfidf", TfidfTransformer()),
            ("classifier", XGBClassifier(n_jobs=1)),
        ]
    )
    codes = LabelEncoder().fit(chats["category"])
    pipeline.fit(chats[MESSAGE], codes.transform(chats["category"]))
    assert (codes.inverse_transform(pipeline.predict(chats[MESSAGE])) == chats["category"]).all()


def test_defaults_are_those_of_params_yaml():
    """`make_pipeline()` in a notebook is the model of the stage train."""
    defaults = {name: value.default for name, value in inspect.signature(make_pipeline).parameters.items()}
    plain = {"classifier_options": {}, "clean": ["html"], "domain_words": [], "ngram_range": [1, 2]}
    assert list(defaults["clean"]) == plain["clean"]
    assert defaults | plain == parameters("train")


def test_grid_search_reaches_every_step(chats):
    """A plain scikit-learn pipeline: step names, clone, set_params."""
    grid = {"preprocess__subject_weight": [0, 2], "counts__ngram_range": [(1, 1), (1, 2)], "classifier__C": [1.0]}
    search = GridSearchCV(make_pipeline("linear_svc"), grid, cv=2, error_score="raise")
    search.fit(chats[MESSAGE], chats["category"])
    assert search.best_score_ == 1.0
    assert clone(search.best_estimator_).get_params()["classifier__C"] == 1.0


def test_words_have_names(chats):
    """The names of the columns come from the pipeline itself."""
    model = make_pipeline("logistic").fit(chats[MESSAGE], chats["category"])
    names = model[:-1].get_feature_names_out()
    assert {"lose card", "block", "open"} <= set(names)
    assert len(names) == model[:-1].transform(chats[MESSAGE]).shape[1]


def test_hard_messages_get_a_category(chats):
    """Nothing, emoji, right-to-left text and a megabyte."""
    model = make_pipeline("xgboost").fit(chats[MESSAGE], chats["category"])
    texts = [("", ""), (None, np.nan), ("😟", "🧾"), ("مرحبا", "فقدت بطاقتي"), ("a", "lost card " * 100_000)]
    assert set(model.predict(pd.DataFrame(texts, columns=MESSAGE))) <= {"urgent", "other"}
    assert np.isfinite(model.predict_proba(texts)).all()


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"classifier": "forest"}, "Got classifier='forest', expected one of boosted_linear, linear_svc"),
        ({"classifier": "xgboost", "classifier_options": {"depth": 3}}, "Got classifier_options with 'depth', expected for xgboost: .*max_depth"),
        ({"classifier": ["xgboost"]}, r"Got classifier=\['xgboost'\], expected one of boosted_linear"),
        ({"classifier_options": [1]}, r"Got classifier_options=\[1\], expected a dict of the classifier's keywords"),
        ({"classifier_options": "C"}, "Got classifier_options='C', expected a dict"),
        ({"classifier_options": {"x": 1, 2: 3}}, "Got classifier_options with 'x', expected for boosted_linear: C, balance"),
        ({"classifier": "rules", "rules": "none.yaml"}, r"The rules .*none\.yaml do not exist"),
    ],
)  # fmt: skip
def test_a_wrong_choice_lists_the_right_ones(choices, said):
    """One sentence with what is expected."""
    with pytest.raises(InputError, match=said):
        make_pipeline(**choices)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"ngram_range": 2}, "Got ngram_range=2, expected two whole numbers from 1 up"),
        ({"ngram_range": None}, "Got ngram_range=None, expected two"),
        ({"stop_words": 5}, "Got stop_words=5, expected 'english', None or a list of words"),
        ({"stop_words": [1]}, r"Got stop_words=\[1\], expected 'english', None or a list of words"),
        ({"stop_words": ["a", ["b"]]}, r"Got stop_words=\['a', \['b'\]\], expected 'english'"),
        ({"stop_words": iter(["a"])}, "Got stop_words=<list_iterator .*>, expected 'english', None or a list"),
        ({"domain_words": None}, "Got domain_words=None, expected a list of words, which may be empty"),
        ({"domain_words": [None]}, r"Got domain_words=\[None\], expected a list of words"),
        ({"lemmatizer": None}, "Got lemmatizer=None, expected one of none, simplemma"),
        ({"lemmatizer": ["none"]}, r"Got lemmatizer=\['none'\], expected one of none, simplemma"),
        ({"seed": "x"}, "'x' cannot be used to seed"),
        ({"classifier_options": {"n_estimators": 0}}, "Got n_estimators=0, expected a whole number from 1 up"),
    ],
)
def test_a_wrong_choice_gives_one_sentence(chats, choices, said):
    """At the latest when the pipeline is fitted."""
    with pytest.raises(ValueError, match=said) as error:
        make_pipeline(**choices).fit(chats[MESSAGE], chats["category"])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "words", [("the", "card"), {"the", "card"}, np.array(["the", "card"]), pd.Series(["the", "card"])]
)
def test_words_come_in_any_collection(chats, words):
    """A tuple, a set, an array, a column."""
    model = make_pipeline("logistic", stop_words=words, domain_words=words).fit(chats[MESSAGE], chats["category"])
    expected = make_pipeline("logistic", stop_words=["the", "card"]).fit(chats[MESSAGE], chats["category"])
    assert model[:-1].get_feature_names_out().tolist() == expected[:-1].get_feature_names_out().tolist()


def test_categories_that_are_missing_give_one_sentence(chats):
    """Before anything is learned from them."""
    with pytest.raises(ValueError, match="Got 12 of 24 rows without a category; leave them out"):
        make_pipeline().fit(chats[MESSAGE], ["mixed", None] * 12)


def test_options_reach_the_classifier():
    """The seed too, unless the options name one."""
    assert make_pipeline("xgboost", {"max_depth": 9})["classifier"].max_depth == 9
    assert make_pipeline(seed=5)["classifier"].random_state == 5
    assert make_pipeline(classifier_options={"random_state": 7}, seed=5)["classifier"].random_state == 7


def test_the_table_shows_what_differs_from_defaults():
    """A reader of the report sees the steps and their settings."""
    table = describe_steps(make_pipeline(subject_weight=3))
    assert table.loc["preprocess", "settings"] == "clean=('html',), subject_weight=3"
    assert table["class"].tolist()[-1] == "BoostedLinearClassifier"


def test_another_pipeline_has_no_name():
    """Only those of make_pipeline do."""
    with pytest.raises(InputError, match="Got CountVectorizer as classifier"):
        classifier_name(Pipeline([("classifier", CountVectorizer())]))
