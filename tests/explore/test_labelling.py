"""The frame that takes keys, without a browser: what it is sent, and what it answers."""

import json

import pandas as pd
import pytest

from chatkit import make_pipeline
from chatkit.explore.labelling import Labelling, label_chats
from chatkit.explore.labels import Labels
from chatkit.project import InputError

MESSAGE = ["subject", "body"]


@pytest.fixture
def labels(tmp_path):
    """No label yet."""
    return Labels(f"sqlite:///{tmp_path}/labels.sqlite")


@pytest.fixture
def new():
    """Twelve chats that nobody has sorted, two of them near copies."""
    words = "card pin loan app office fee rate branch letter phone"
    rows = [(f"n{at}", "", f"I have a question about the {word}") for at, word in enumerate(words.split())]
    rows += [
        ("m0", None, "Hi,\n<script>lost</script> my card 49"),
        ("m1", "", "Hello,\n<script>lost</script> my card 50"),
    ]
    return pd.DataFrame(rows, columns=["id", *MESSAGE])


def answered(labels):
    """The labels that stand, by chat."""
    given = labels.given()
    return dict(zip(given["id"], given["category"], strict=True))


def test_an_answer_is_on_disk_before_the_next_chat_is_shown(new, labels):
    """And only one a chat: a key that was pressed before its chat was shown is none."""
    shown = label_chats(new, labels, "anna", "random", categories=["urgent", "other"])
    seen = []
    shown.observe(lambda change: seen.append((change["new"].get("body"), len(answered(labels)))), "state")
    message = {"turn": shown.state["turn"], "do": "label", "category": "urgent", "alike": False}
    for _ in range(2):
        shown._receive(shown, message, [])
    assert seen == [(shown.state["body"], 1)]
    assert answered(labels) == {shown.queue["id"][0]: "urgent"}


def test_what_cannot_be_written_leaves_the_chat(new, labels, monkeypatch):
    """With the sentence that says why."""
    shown = label_chats(new, labels, "anna", "random", categories=["urgent"])

    def fail(*given, **said):
        raise InputError("The disk is full; make room.")

    monkeypatch.setattr(labels, "add", fail)
    before = shown.state
    shown._receive(shown, {"turn": before["turn"], "do": "skip"}, [])
    assert (shown.state["error"], shown.state["body"]) == ("The disk is full; make room.", before["body"])
    shown._receive(shown, {"turn": shown.state["turn"], "do": "label", "category": "no", "alike": False}, [])
    assert "Got the category 'no', expected one of urgent." in shown.state["error"]


def test_near_copies_are_listed_and_labelled_together(new, labels):
    """Greeting and numbers aside; taken back together; the copy does not come by itself."""
    shown = label_chats(new, labels, "anna", "random", categories=["urgent"])
    while not shown.chat["id"].startswith("m"):
        shown.skip()
    (listed,) = shown.state["alike"]
    assert "my card _number_" in listed
    left = shown.state["left"]
    shown.label("urgent", alike=True)
    assert answered(labels) == {"m0": "urgent", "m1": "urgent"}
    assert shown.state["left"] == left - 2
    shown.undo()
    assert (answered(labels), shown.state["left"]) == ({}, left)
    assert len(shown.state["alike"]) == 1
    shown.label("urgent")
    assert len(answered(labels)) == 1


def test_each_answer_can_be_taken_back_to_the_first(new, labels):
    """In reverse, each with its chat."""
    shown = label_chats(new, labels, "anna", "random", categories=["urgent"])
    ids = []
    for act in (shown.skip, shown.not_sure, lambda: shown.label("urgent")):
        ids.append(shown.chat["id"])
        act()
    for key in reversed(ids):
        shown.undo()
        assert shown.chat["id"] == key
    shown.undo()
    assert (shown.chat["id"], len(labels.asides()), answered(labels)) == (ids[0], 0, {})


def test_the_next_session_goes_on(new, labels):
    """What is labelled or not sure is settled, what is skipped comes again; to others also what one was not sure of."""
    shown = label_chats(new, labels, "anna", "random", categories=["urgent"])
    labelled, unsure = shown.queue["id"][:2]
    shown.label("urgent")
    shown.not_sure()
    shown.skip()
    again = set(label_chats(new, labels, "anna", "random", categories=["urgent"]).queue["id"])
    assert again == set(new["id"]) - {labelled, unsure}
    other = set(label_chats(new, labels, "ben", "random", categories=["urgent"], repeated=0).queue["id"])
    assert other == set(new["id"]) - {labelled}
    while shown.chat is not None:
        shown.skip()
    shown.skip()
    assert shown.state["left"] == 0
    assert "body" not in shown.state


def test_a_share_of_anothers_chats_is_repeated_blind(new, labels):
    """Nothing of what the first one said is in what is shown."""
    first = label_chats(new, labels, "anna", "random", categories=["secret", "other"])
    for _ in range(6):
        first.label("secret")
    shown = label_chats(new, labels, "ben", "random", categories=["secret", "other"], n=10, repeated=0.4)
    assert len(shown.queue) == 10
    assert sum(shown.queue["id"].isin(answered(labels))) == 4
    while shown.chat is not None:
        shown.show_guess()
        assert "secret" not in json.dumps(shown.state | {"progress": {"counts": shown.state["progress"]["counts"]}})
        shown.label("other")


def test_a_repeated_chat_is_labelled_by_itself(new, labels):
    """Not together with a near copy: each counts for the agreement."""
    both, others = new[-2:].reset_index(drop=True), new[new["id"] != "m1"]
    assert len(Labelling(both, new, labels, "ben", ["urgent"]).state["alike"]) == 1
    assert Labelling(both, others, labels, "ben", ["urgent"]).state["alike"] == []


def test_the_guess_is_hidden_until_it_is_asked_for(new, labels):
    """Unless it is to be shown; the chat's text in it is escaped."""
    chats = new.assign(category=["urgent", "other"] * 6)
    model = make_pipeline("linear_svc", min_df=1, clean=[]).fit(chats[MESSAGE], chats["category"])
    shown = label_chats(new[10:], labels, "anna", model=model)
    assert shown.state["guess"] == ""
    shown.show_guess()
    assert "The model's guess: " in shown.state["guess"]
    assert "&lt;" in shown.state["guess"]
    assert "<script" not in shown.state["guess"]
    assert label_chats(new, labels, "anna", model=model, guess_shown=True).state["guess"]
    assert "<script" not in shown._repr_mimebundle_()[0]["text/html"]
    so_far = label_chats(chats, labels, "anna", "random")
    so_far.show_guess()
    assert "Its label so far: " in so_far.state["guess"]


def test_what_is_missing_is_said_in_a_sentence(new, labels):
    """A name, categories, columns."""
    for changes, said in (
        ({"by": " "}, "no name of who labels"),
        ({"order": "random"}, "no category to choose from"),
        ({"chats": new.drop(columns="id")}, "chats without id, expected id, subject and body"),
    ):
        with pytest.raises(InputError, match=said):
            label_chats(**{"chats": new, "labels": labels, "by": "anna"} | changes)
