"""What a classifier says, asked once."""

import numpy as np

from chatkit import make_pipeline
from chatkit.scores.predictions import Predictions

MESSAGE = ["subject", "body"]


def test_what_the_pipeline_says(chats):
    """Categories and probabilities are the pipeline's own."""
    pipeline = make_pipeline("linear_svc").fit(chats[MESSAGE], chats["category"])
    said = Predictions.of(pipeline, chats)
    assert said.predicted.tolist() == pipeline.predict(chats[MESSAGE]).tolist()
    np.testing.assert_array_equal(said.probabilities, pipeline.predict_proba(chats[MESSAGE]))


def test_the_frame_holds_the_probability_of_what_was_said_and_of_what_is_true(chats):
    """A row a chat, by id, whatever the index; a category that was not learned has probability 0."""
    pipeline = make_pipeline("linear_svc").fit(chats[MESSAGE], chats["category"])
    asked = chats.iloc[::-1].assign(category=["incident", *chats["category"].iloc[-2::-1]])
    frame = Predictions.of(pipeline, asked).frame(asked)
    assert frame["id"].tolist() == asked["id"].tolist()
    assert frame["probability_of_actual"][0] == 0
    given = pipeline.predict_proba(asked[MESSAGE])
    np.testing.assert_allclose(frame["probability"], given.max(axis=1), atol=1e-6)
    right = [given[row, list(pipeline.classes_).index(name)] for row, name in enumerate(asked["category"][1:], start=1)]
    np.testing.assert_allclose(frame["probability_of_actual"][1:], right, atol=1e-6)


def test_a_classifier_without_probabilities_has_none(chats):
    """None is made up."""
    rules = make_pipeline("rules", {"rules": [("urgent", "lost")]}).fit(chats[MESSAGE], chats["category"])
    frame = Predictions.of(rules, chats).frame(chats.drop(columns="conversation_id"))
    assert list(frame) == ["id", "actual", "predicted", "probability", "probability_of_actual"]
    assert frame["probability"].isna().all()


def test_probabilities_as_a_table(chats):
    """A column for each category; None where there are none."""
    pipeline = make_pipeline("linear_svc").fit(chats[MESSAGE], chats["category"])
    table = Predictions.of(pipeline, chats).table()
    assert list(table) == list(pipeline.classes_)
    np.testing.assert_array_equal(table.to_numpy(), pipeline.predict_proba(chats[MESSAGE]))
    rules = make_pipeline("rules", {"rules": [("urgent", "lost")]}).fit(chats[MESSAGE], chats["category"])
    assert Predictions.of(rules, chats).table() is None
