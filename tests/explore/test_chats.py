"""The chats of a history, searched, compared and grouped."""

import re

import numpy as np
import pandas as pd
import pytest

from chatkit.data.simulate import simulate
from chatkit.explore.chats import Chats
from chatkit.model.pipeline import make_pipeline
from chatkit.model.rules import RulesClassifier
from chatkit.project import InputError
from chatkit.text.messages import MESSAGE


@pytest.fixture(scope="module")
def bank():
    """Chats of an invented bank."""
    return Chats(simulate(600)[0])


def table(*rows):
    return Chats(pd.DataFrame(rows, columns=["subject", "body", "category"]))


def test_what_is_no_table_of_chats_is_refused(chats):
    """In one sentence that says what is missing."""
    unsorted = chats.assign(category=[None, *chats["category"][1:]])
    for given, said in (
        (chats.drop(columns="body"), "without body,"),
        (chats[:0], "without rows"),
        (unsorted, "a category"),
    ):
        with pytest.raises(InputError, match=said):
            Chats(given)


def test_the_given_frame_stays_as_it_is(chats):
    """Missing texts count as empty, and rows without an id are numbered, in a copy."""
    given = chats.drop(columns="id").assign(subject=None)
    before = given.copy()
    explored = Chats(given)
    assert explored.frame["id"].tolist() == list(range(len(chats)))
    assert "100.0% without a subject" in repr(explored)
    pd.testing.assert_frame_equal(given, before)


def test_a_search_finds_what_a_rule_would(bank):
    """The same text, the subject as its first line, and no regard to case: also where the subject is empty."""
    for pattern in ("lost card", r"^[^\n]*card", r"^\s", "CARD$"):
        rules = RulesClassifier([("yes", pattern)]).fit(["", ""], ["yes", "no"])
        rules.default_ = "no"
        texts = make_pipeline("rules", rules="rules.yaml")[0].transform(bank.frame[MESSAGE])
        assert bank.search(pattern).rows.tolist() == np.flatnonzero(rules.predict(texts) == "yes").tolist()
    assert len(bank.search("lost card").rows)


@pytest.mark.parametrize("pattern", ["(lost", "*card", "[a", "a{99999999999999}", "(?P<a>x)(?P<a>y)"])
def test_a_wrong_expression_is_refused_in_one_sentence(bank, pattern):
    """What was written, that it is no regular expression, and what to do."""
    with pytest.raises(
        InputError, match=f"^Got the pattern {re.escape(repr(pattern))}, which is no regular expression"
    ):
        bank.search(pattern)
    with pytest.raises(InputError, match="^Got an empty pattern"):
        bank.search("")


def test_hits_are_marked_and_masked():
    """What is masked is marked as a whole and shows no digit; a hit is marked where it is in the text."""
    found = table(("Card 4921", "Write to me@bank.example, the card is lost", "urgent"))
    assert "[Card] _number_ Write to _email_, the [card] is lost" in repr(found.search("card"))
    assert "Card [_number_] Write" in repr(found.search("92"))
    assert "to [_email_], the" in repr(found.search("bank"))
    assert "[Card _number_ Write]" in repr(found.search(r"Card.4921\sWrite"))


def test_an_excerpt_is_around_the_first_hit():
    """Of 180 words; the rest is left out on both sides."""
    found = repr(table(("", "before " * 90 + "needle " + "after " * 90, "a")).search("needle"))
    assert re.search(r"…\w* ?(before )+\[needle\] (after )+", found)
    assert found.count("before") + found.count("after") < 50


def test_a_search_of_nothing_marks_nothing():
    """A pattern that matches between characters is found in all chats."""
    found = table(("Card", "Lost", "a"), ("", "", "b")).search("x*")
    assert found.rows.tolist() == [0, 1]
    assert "[" not in repr(found)


def test_text_of_chats_is_escaped():
    """In the HTML of every object; characters that stand for marks are taken out of it."""
    chats = table(*[(f"<b>{word}</b>", "<script>alert(1)</script> \ue000<i>", "<u>a</u>") for word in ("x", "y")] * 6)
    for shown in (
        chats,
        chats.search("script"),
        chats.rule("script", "<u>a</u>"),
        chats.search("<b>"),
        chats.topics(2),
    ):
        html = shown._repr_html_()
        assert "&lt;" in html
        assert not re.search(r"<(?:script|b|i|u)>", html)
        assert html.count("<mark>") == html.count("</mark>")
    assert "<mark>&lt;b&gt;</mark>x" in chats.search("<b>")._repr_html_()


def test_categories_of_hits_are_counted(bank):
    """How many were found in each, of how many."""
    counts = bank.search("card").by_category()
    assert counts["found"].sum() == len(bank.search("card").rows)
    sizes = bank.frame["category"].value_counts()
    assert counts["chats"].tolist() == sizes[counts["category"]].tolist()


def test_the_nearest_chat_of_a_chat_is_another(bank):
    """A chat is not its own neighbour; its very text, typed, is nearest to it."""
    chat = bank[bank.frame["id"].iloc[7]]
    found = bank.nearest(chat, 5)
    assert len(found) == 5
    assert chat["id"] not in found["id"].tolist()
    assert found["cosine"].is_monotonic_decreasing
    twin = bank.nearest({"subject": chat["subject"], "body": chat["body"]}, 1)
    assert (twin["id"].item(), twin["cosine"].item()) == (chat["id"], 1)


def test_texts_without_a_known_word_have_no_neighbours(bank):
    """One sentence says so; so it does of an id that no chat has."""
    with pytest.raises(InputError, match="^No word of 'qwxzq' stands in two"):
        bank.nearest("qwxzq")
    with pytest.raises(InputError, match="^No chat has the id 'nobody'"):
        bank["nobody"]
    with pytest.raises(InputError, match="^No word stands in two of these 2 chats"):
        table(("", "", "a"), ("", "!!", "b")).topics()


def test_near_copies_are_found_once():
    """A pair once, with both categories; no pair of chats that differ."""
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda".split()
    rows = [("", " ".join(words[start:] + words[:start][::-2]), "a") for start in (0, 5)]
    chats = table(*rows, ("", f"{rows[0][1]} please", "b"), ("", "something else altogether", "a"))
    found = chats.near_copies()
    assert found[["id", "category", "its category"]].to_numpy().tolist() == [[0, "a", "b"]]


def test_wrong_labels_are_suspected():
    """Chats that say clearly something else than their category; without two categories there is nothing to compare."""
    frame = pd.DataFrame({"subject": "", "body": ["lost my card today", "when are you open"] * 60})
    frame["category"] = ["urgent", "hours"] * 60
    frame.loc[[10, 51], "category"] = ["hours", "urgent"]
    found = Chats(frame).doubtful_labels()
    assert sorted(found["id"]) == [10, 51]
    assert dict(zip(found["id"], found["looks like"], strict=True)) == {10: "urgent", 51: "hours"}
    with pytest.raises(InputError, match="^Fewer than two categories"):
        Chats(frame.assign(category="urgent")).doubtful_labels()


def test_chats_without_dates_are_not_drawn_over_time(chats, own_figures):
    """One sentence instead; with dates there is a figure, of hits too."""
    with pytest.raises(InputError, match="^The chats carry no dates"):
        Chats(chats.drop(columns="created_at")).weeks()
    with pytest.raises(InputError, match="^No chat has 'nothing of it'"):
        Chats(chats).search("nothing of it").weeks()
    assert "12 chats" not in Chats(chats).search("card").weeks().get_figure().get_label()
    assert "urgent" in Chats(chats).search("card").weeks().get_figure().get_label()


def test_frames_are_shown_whole_but_not_all(chats):
    """Long texts are not cut; of many rows the first and last."""
    from chatkit.explore.tables import table_html

    html = table_html(pd.DataFrame({"text": ["word " * 89 + "word"] + ["<"] * 500}))
    assert "word " * 89 in html
    assert html.count("<tr>") < 70
    assert "&lt;" in html
