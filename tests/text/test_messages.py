"""Subject and body as one string."""

import numpy as np
import pandas as pd
import pytest

from chatkit import MessagePreprocessor
from chatkit.text.messages import JOINT, texts


def test_the_subject_is_repeated():
    """The weight is how often it stands there; 0 leaves it out."""
    chats = pd.DataFrame({"subject": ["s"], "body": ["b"]})
    joined = [MessagePreprocessor(weight).fit_transform(chats)[0] for weight in (0, 1, 3)]
    assert joined == ["b", f"s{JOINT}b", f"s{JOINT}s{JOINT}s{JOINT}b"]


def test_what_people_read_has_no_boundary():
    """Subject and body, each on its line."""
    assert texts(pd.DataFrame({"subject": ["Lost card", ""], "body": ["Help!", "b"]})) == ["Lost card\nHelp!", "b"]


@pytest.mark.parametrize("empty", [None, np.nan, pd.NA, ""])
def test_nothing_is_empty_text(empty):
    """None, NaN and NA are no words."""
    chats = pd.DataFrame({"subject": pd.Series([empty], dtype=object), "body": ["b"]})
    assert MessagePreprocessor().transform(chats)[0] == f"{JOINT}b"


def test_pairs_and_frames_give_the_same():
    """A service need not build a frame; other columns do not matter."""
    frame = pd.DataFrame({"id": [1], "body": ["b"], "subject": ["s"]})
    assert MessagePreprocessor().transform([("s", "b")]) == MessagePreprocessor().transform(frame)


@pytest.mark.parametrize(
    ("X", "said"),
    [
        (pd.DataFrame({"subject": ["s"]}), "Got the columns subject, but body is missing"),
        (["text"], r"Got an array of shape \(1,\), expected \(n, 2\)"),
        (pd.DataFrame({"subject": ["s"], "body": [5]}), "In column body: Row 0 is a int, expected text"),
        (pd.DataFrame({"subject": [b"s"], "body": ["b"]}), "In column subject: Row 0 is a bytes, expected text"),
    ],
)
def test_bad_chats_give_one_sentence(X, said):
    """What was received, what was expected."""
    with pytest.raises(ValueError, match=said):
        MessagePreprocessor().fit(X)


@pytest.mark.parametrize("weight", [-1, 1.5, "2", None])
def test_the_weight_is_a_whole_number(weight):
    """Anything else is refused in fit."""
    with pytest.raises(ValueError, match="Got subject_weight=.*expected a whole number from 0 up"):
        MessagePreprocessor(weight).fit([("s", "b")])


def test_a_list_of_dicts_is_chats():
    """Whatever else a chat has; one that has no subject or no body, and one that is not in a list, is refused."""
    chats = [{"body": "b", "subject": "s", "id": 1}, {"subject": None, "body": "half \ud83d"}]
    step = MessagePreprocessor().fit(chats)
    assert step.transform(chats).tolist() == [f"s{JOINT}b", f"{JOINT}half \ud83d"]
    with pytest.raises(ValueError, match="Row 1 has subject, expected a dict with subject and body"):
        step.transform([chats[0], {"subject": "s"}])
    with pytest.raises(ValueError, match="Got one dict, expected a list of chats; put it into a list"):
        step.transform(chats[0])
