"""Labels on disk: into the next extract, taken back, compared."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sklearn.metrics import cohen_kappa_score

from chatkit.data.load import write_sqlite
from chatkit.data.log import latest_relabels
from chatkit.data.warehouse import extract
from chatkit.explore.agreement import agreement
from chatkit.explore.labels import Labels
from chatkit.project import InputError

URL = "sqlite:///data/labels/labels.sqlite"
NEW = pd.DataFrame(
    {"id": ["n1"], "subject": ["Card"], "body": ["It ends in 4921"], "created_at": [pd.Timestamp("2025-03-01")]}
)


def relabels():
    """What the next query reads."""
    return latest_relabels(URL, pd.Timestamp.now("UTC").isoformat())


@pytest.fixture
def labels(project):
    """No label yet, in a project of one's own."""
    return Labels(URL)


def test_labels_flow_into_the_next_query(labels, project, chats):
    """A chat of the warehouse keeps its text; a new one comes masked, at its own time; not sure changes nothing."""
    write_sqlite("sqlite:///data/warehouse/chats.sqlite", chats)
    labels.add(chats[:1], "anna", "fraud")
    labels.add(chats[1:2], "anna", aside="not sure")
    labels.add(NEW, "anna", "urgent")
    out = project / "data/chats.parquet"
    facts = extract(
        "sqlite:///data/warehouse/chats.sqlite", project / "queries/chats.sql", None, out, relabels=relabels()
    )
    found = pd.read_parquet(out).set_index("id")
    assert (found.loc["c00", "category"], found.loc["c00", "body"]) == ("fraud", chats["body"][0])
    assert found.loc["n1", ["body", "category"]].tolist() == ["It ends in _number_", "urgent"]
    assert found.loc["n1", "created_at"] == NEW["created_at"][0]
    assert found.index[found["relabelled"]].tolist() == ["c00", "c01", "n1"], "c01 is of the conversation of c00"
    assert (facts["relabels"]["changed"], facts["relabels"]["added"]) == (1, 1)
    assert labels.counts().to_numpy().tolist() == [["anna", "fraud", 1], ["anna", "not sure", 1], ["anna", "urgent", 1]]


def test_what_is_taken_back_leaves_what_was_true_before(labels):
    """One's own earlier label, another's, or none; nothing is deleted of what a query may have read."""
    first = labels.add(NEW, "anna", "urgent")
    early = relabels()
    moment = pd.Timestamp.now("UTC").isoformat()
    labels.take_back(labels.add(NEW, "ben", "other"), "ben")
    assert relabels()["category"].tolist() == ["urgent"]
    assert labels.given()[["category", "by"]].to_numpy().tolist() == [["urgent", "anna"]]
    labels.take_back(labels.add(NEW, "anna", "fraud"), "anna")
    assert relabels()["category"].tolist() == ["urgent"]
    labels.take_back(first, "anna")
    assert len(labels.given()) == 0
    assert relabels()["category"].tolist() == [""]
    pd.testing.assert_frame_equal(latest_relabels(URL, moment), early)
    labels.take_back(labels.add(NEW, "anna", aside="skip"), "anna")
    assert len(labels.asides()) == 0


def test_a_clock_that_was_set_back_changes_no_order(labels):
    """The later label counts."""
    labels.add(NEW, "anna", "urgent")
    with labels._engine.begin() as connection:
        connection.execute(sa.text("UPDATE relabels SET at = '2999-01-01 00:00:00.000000'"))
    labels.add(NEW, "anna", "other")
    assert labels.given()["category"].tolist() == ["other"]


def test_what_cannot_be_written_is_not_written(labels):
    """One sentence, and nothing of it is there."""
    with labels._engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE asides"))
    with pytest.raises(InputError, match=r"cannot be read or written \(no such table: asides\)"):
        labels.add(NEW, "anna", aside="skip")
    with labels._engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM predictions")) == 0
    with pytest.raises(InputError, match="the URL of the labels has the dialect mysql"):
        Labels("mysql://host/db")


def test_agreement_is_cohens_kappa(labels):
    """As scikit-learn has it, of the chats that both have labelled; a label taken back is none."""
    said = [("a", "a")] * 9 + [("a", "b"), ("b", "a"), ("c", "c"), ("b", "b")] * 2
    for number, (anna, ben) in enumerate(said):
        chat = NEW.assign(id=f"n{number}")
        labels.add(chat, "anna", anna)
        labels.add(chat, "ben", ben)
    labels.add(NEW.assign(id="alone"), "anna", "a")
    labels.take_back(labels.add(NEW.assign(id="alone"), "ben", "a"), "ben")
    agreed = agreement(labels, "anna", "ben")
    assert agreed.chats == len(said)
    assert agreed.kappa[0] == pytest.approx(cohen_kappa_score(*zip(*said, strict=True)))
    assert agreed.kappa[1] < agreed.kappa[0] < agreed.kappa[2] <= 1
    assert agreed.confusion.loc["a"].tolist() == [9, 2, 0]
    assert "Of 17 chats that anna and ben labelled" in repr(agreed)
    assert agreement(labels, "anna", "ben").kappa == agreed.kappa


def test_few_chats_without_a_difference_prove_little(labels):
    """The interval reaches down; of one category kappa says nothing; of no chat there is nothing to say."""
    with pytest.raises(InputError, match="no chat with labels of both anna and ben, .*labels are there of: nobody"):
        agreement(labels, "anna", "ben")
    for number in range(8):
        chat = NEW.assign(id=f"n{number}")
        for who in ("anna", "ben"):
            labels.add(chat, who, "a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(agreement(labels, "anna", "ben").kappa).all()
    labels.add(NEW, "anna", "b")
    labels.add(NEW, "ben", "b")
    agreed = agreement(labels, "anna", "ben")
    assert agreed.kappa[0] == agreed.kappa[2] == 1
    assert agreed.kappa[1] == agreed.share[1] < 0.8
