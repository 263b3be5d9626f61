"""Where the model is wrong: confusions and missed urgent chats as messages."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from chatkit import make_pipeline
from chatkit.data.simulate import simulate
from chatkit.scores.errors import largest_confusions, likely_categories, missed_urgent, suspected_labels
from chatkit.scores.predictions import Predictions

CLASSES = np.array(["incident", "other", "urgent"], dtype=object)
MESSAGE = ["subject", "body"]


def fixed(probabilities):
    """Predictions with these probabilities."""
    given = np.array(probabilities)
    return Predictions(CLASSES[given.argmax(axis=1)], given, CLASSES)


def silent(probabilities):
    """The same predictions by a model that gives no probabilities."""
    return replace(fixed(probabilities), probabilities=None)


def rows(*labels):
    """Chats with these labels, an index of their own, and ids that count down."""
    count = len(labels)
    return pd.DataFrame(
        {
            "id": [f"c{number}" for number in range(count, 0, -1)],
            "created_at": pd.date_range("2025-01-01", periods=count),
            "subject": "Card 4921",
            "body": ["write to me@bank.example " + "x" * 300, *["call 555-0100"] * (count - 1)],
            "category": labels,
        },
        index=pd.Index([7] * count, name="id"),
    )


# Two right; twice other for urgent, once incident for other, once urgent for incident.
TEST = rows("urgent", "urgent", "urgent", "other", "incident", "other")
GIVEN = [[0.1, 0.7, 0.2], [0.0, 0.1, 0.9], [0.02, 0.95, 0.03], [0.6, 0.4, 0.0], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]]


def test_the_largest_confusions_come_first():
    """Pairs by number, then by name; right answers are left out; each pair says how many errors it has."""
    table = largest_confusions(fixed(GIVEN), TEST)
    most = "urgent taken for other (2)"
    pairs = [most, most, "incident taken for urgent (1)", "other taken for incident (1)"]
    assert table.index.get_level_values("confusion").to_list() == pairs
    assert list(table.columns) == ["message", "label", "probability", "own"]
    assert largest_confusions(fixed(GIVEN), TEST, pairs=1).index.get_level_values("confusion").to_list() == [most] * 2


def test_errors_with_a_label_that_may_be_wrong_come_first():
    """Then the error with the highest probability; n of each kind, ties by id."""
    table = largest_confusions(fixed(GIVEN), TEST)
    assert table.index.get_level_values("id").to_list()[:2] == ["c4", "c6"]
    assert table["label"].to_list() == ["may be wrong", "", "", ""]
    assert table["probability"].to_list() == [0.95, 0.7, 0.6, 0.6]
    assert table["own"].to_list() == [0.03, 0.2, 0.2, 0.4]
    again = largest_confusions(
        fixed(GIVEN * 3), pd.concat([TEST] * 3).assign(id=[f"c{number:02}" for number in range(18)]), pairs=1, n=2
    )
    assert again.index.get_level_values("id").to_list() == ["c02", "c08", "c00", "c06"]


def test_messages_are_masked_and_short():
    """Neither digits nor addresses reach a report, and no message is longer than 200 characters."""
    table = pd.concat([largest_confusions(fixed(GIVEN), TEST), missed_urgent(fixed(GIVEN), TEST)])
    assert table["message"].str.len().max() == 200
    assert not table["message"].str.contains(r"\d|@").any()
    assert table["message"].str.startswith("Card _number_").all()


def test_without_probabilities_there_is_neither_order_nor_suspicion():
    """By id; the columns that would be made up are not there."""
    table = largest_confusions(silent(GIVEN), TEST)
    assert list(table.columns) == ["message"]
    assert table.index.get_level_values("id").to_list() == ["c4", "c6", "c2", "c3"]
    assert list(missed_urgent(silent(GIVEN), TEST).columns) == ["created_at", "message", "sent to"]


def test_a_model_without_errors_has_no_confusions():
    """An empty table with its columns."""
    table = largest_confusions(fixed(np.eye(3)[[2, 2, 2, 1, 0, 1]]), TEST)
    assert table.empty
    assert list(table.columns) == ["message", "label", "probability", "own"]


def test_suspected_labels_by_hand():
    """Another category as likely as it usually is with its label, and the own one below 0.05: both, not one of them."""
    labels = ["other", "other", "urgent", "urgent", "urgent", "incident"]
    given = [
        [0.1, 0.9, 0.0],
        [0.3, 0.7, 0.0],  # other: 0.8 is usual
        [0.01, 0.81, 0.04],  # may be wrong
        [0.05, 0.8, 0.15],  # own not below 0.05
        [0.2, 0.76, 0.04],  # other below 0.8
        [1.0, 0.0, 0.0],
    ]
    found = suspected_labels(labels, np.array(given), CLASSES)
    assert found.tolist() == [False, False, True, False, False, False]


def test_a_category_unknown_to_the_model_or_to_the_test():
    """A label that the model does not know may be wrong where another category is likely; an absent one suggests none."""
    given = np.array([[0.0, 0.9, 0.1], [0.0, 0.9, 0.1], [0.0, 0.0, 1.0]])
    assert suspected_labels(["other", "refund", "other"], given, CLASSES).tolist() == [False, True, False]


def test_likely_categories_are_those_of_the_definition():
    """The most probable of the other categories that reach the mean of their own labels; each chat on its own."""
    rng = np.random.default_rng(0)
    given, labels = rng.dirichlet(np.ones(3), 60).round(6), rng.choice(CLASSES, 60)
    usual = {name: given[labels == name, column].mean() for column, name in enumerate(CLASSES)}
    likely, probability, own = likely_categories(labels, given, CLASSES)
    for row, label in enumerate(labels):
        others = {
            name: given[row, column]
            for column, name in enumerate(CLASSES)
            if name != label and given[row, column] >= usual[name]
        }
        best = max(others, key=others.get) if others else None
        assert probability[row] == others.get(best, 0)
        assert own[row] == given[row, list(CLASSES).index(label)]
        assert best is None or CLASSES[likely[row]] == best
    assert (probability > 0).any()
    assert (probability == 0).any()


def test_half_of_the_suspected_labels_are_wrong():
    """On simulated chats, where the wrong labels are known: about half of the flags are right, and find half of them."""
    chats, truth = simulate(6000, seed=12)
    order = np.random.default_rng(0).permutation(6000)
    train, test, wrong = (
        chats.iloc[order[:4000]],
        chats.iloc[order[4000:]],
        truth["label_error"].to_numpy()[order[4000:]],
    )
    model = make_pipeline("linear_svc").fit(train[MESSAGE], train["category"])
    doubt = suspected_labels(test["category"], model.predict_proba(test[MESSAGE]), model.classes_)
    assert wrong[doubt].mean() > 0.45
    assert doubt[wrong].mean() > 0.35
    assert wrong[~doubt].mean() < 0.03


def test_every_missed_urgent_chat_is_listed():
    """All that were sent elsewhere, the lowest probability first, with where they went; found ones are not."""
    table = missed_urgent(fixed(GIVEN), TEST)
    assert table.index.to_list() == ["c4", "c6"]
    assert table["sent to"].to_list() == ["other", "other"]
    assert table["P(urgent)"].to_list() == [0.03, 0.2]
    assert table["created_at"].dt.day.to_list() == [3, 1]
    assert list(missed_urgent(fixed(GIVEN), TEST.drop(columns="created_at")).columns) == [
        "message",
        "sent to",
        "P(urgent)",
    ]


def test_another_category_can_be_the_urgent_one():
    """Whatever it is called; one that the model does not know is named."""
    assert missed_urgent(fixed(GIVEN), TEST, urgent="incident").index.to_list() == ["c2"]
    with pytest.raises(
        ValueError, match="Got the category 'panic', expected one that the model knows: 'incident', 'other'"
    ):
        missed_urgent(fixed(GIVEN), TEST, urgent="panic")
