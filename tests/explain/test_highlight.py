"""A message with marks: nothing of it is lost, nothing in it is markup, and the marks add up to the margin."""

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output

from chatkit import make_pipeline
from chatkit.explain.highlight import highlight, highlight_some
from chatkit.site.page import TEMPLATE, render
from chatkit.text.tokens import BOUNDARY

MESSAGE = ["subject", "body"]
WORDS = [
    "lost",
    "CARD",
    "Card",
    "can't",
    "can’t",
    "ＣＡＲＤ",
    "℡",
    "½",
    "me@bank.example",
    "www.bank.example",
    "$5",
    "<b>",
]
TEXT = st.one_of(
    st.text(),
    st.lists(st.one_of(st.sampled_from([*WORDS, " ", "  ", "\n", "\r", "&amp;", "e\u0301", "\u0301", "Σ", "İ"]))).map(
        "".join
    ),
    st.lists(st.sampled_from(WORDS)).map(" ".join),
)


@pytest.fixture(scope="module")
def pipeline():
    """Knows a few odd words and pairs of them; the subject counts three times."""
    rng = np.random.default_rng(0)
    chats = pd.DataFrame(
        [[" ".join(rng.choice(WORDS, 2)), " ".join(rng.choice(WORDS, 6))] for _ in range(300)], columns=MESSAGE
    )
    urgent = chats["body"].str.contains("lost|can't")
    return make_pipeline("linear_svc", subject_weight=3, clean=[]).fit(chats, np.where(urgent, "urgent", "other"))


def read(found):
    """The message as a reader of the HTML has it."""
    subject, body = re.search(
        r'<pre>\n<span class="subject">(.*)</span>\n<span class="body">(.*)</span></pre>', found, re.DOTALL
    ).groups()
    return [html.unescape(re.sub(r"<[^>]*>", "", text)) for text in (subject, body)]


@settings(max_examples=300, deadline=None)
@given(subject=TEXT, body=TEXT)
def test_the_message_is_whole_and_the_marks_add_up(pipeline, subject, body):
    """For any message: without tags it is itself, and tokens and rest are the decision value."""
    message = {"subject": subject, "body": body}
    found = highlight(pipeline, message, "urgent")
    assert read(found._repr_html_()) == [subject, body]
    margin = pipeline.decision_function(pd.DataFrame([message])).item()
    assert found.tokens["contribution"].sum() + sum(found.rest.values()) == pytest.approx(margin, abs=1e-9)
    for token in found.tokens.itertuples():
        assert token.token == message[token.field][token.start : token.end] != ""
    for _, tokens in found.tokens.groupby("field"):
        assert (tokens["start"].to_numpy()[1:] >= tokens["end"].to_numpy()[:-1]).all()


def by_hand(coefficients, subject_weight=2):
    """A pipeline with the coefficients given, for the second of two categories."""
    chats = pd.DataFrame({"subject": ["lost", "hours"] * 5, "body": ["card lost", "not open"] * 5})
    pipeline = make_pipeline("linear_svc", subject_weight=subject_weight).fit(chats, ["urgent", "other"] * 5)
    names = list(pipeline[:-1].get_feature_names_out())
    pipeline[-1].coef_ = np.array([[coefficients.get(name, 0.0) for name in names]])
    pipeline[-1].intercept_ = np.array([0.25])
    assert set(coefficients) <= set(names)
    return pipeline


def said(found):
    return {(row.field, row.token): round(row.contribution, 9) for row in found.tokens.itertuples() if row.contribution}


def weight(pipeline, message, term):
    names = list(pipeline[:-1].get_feature_names_out())
    return pipeline[:-1].transform(pd.DataFrame([message]))[0, names.index(term)]


def test_a_run_shares_evenly_and_places_share_a_term():
    """Half of a pair for each of its words; a term that is there three times gives each place a third, copies added."""
    pipeline, message = by_hand({"card lose": 1.0}), {"subject": "", "body": "my card, LOST; it"}
    half = round(weight(pipeline, message, "card lose") / 2, 9)
    assert said(highlight(pipeline, message, "urgent")) == {("body", "card"): half, ("body", "LOST"): half}
    pipeline, message = by_hand({"lose": 1.0}), {"subject": "Lost", "body": "lost"}
    third = weight(pipeline, message, "lose") / 3
    found = said(highlight(pipeline, message, "urgent"))
    assert found == {("subject", "Lost"): round(2 * third, 9), ("body", "lost"): round(third, 9)}


def test_no_run_spans_subject_and_body():
    """Nor two copies of the subject; what is shown has no boundary, and its words stand where they were written."""
    pipeline = by_hand({"card lose": 1.0, "lose": 2.0}, subject_weight=3)
    found = highlight(pipeline, {"subject": "Lost card", "body": "lost: card"}, "urgent")
    assert set(said(found)) == {("subject", "Lost"), ("body", "lost")}
    assert read(found._repr_html_()) == ["Lost card", "lost: card"]
    assert BOUNDARY not in repr(found)


def test_a_subject_that_does_not_count_says_nothing():
    """With subject_weight=0 the model does not see it; it is shown without marks."""
    found = highlight(by_hand({"lose": 1.0}, subject_weight=0), {"subject": "lost", "body": "card"}, "urgent")
    assert said(found) == {}
    assert read(found._repr_html_()) == ["lost", "card"]


def test_two_words_of_one_token_are_one_place():
    """For "can't" the model sees two words."""
    pipeline, message = by_hand({"not": -1.0}), {"subject": "", "body": "I can't lost"}
    assert said(highlight(pipeline, message, "urgent")) == {
        ("body", "can't"): round(-weight(pipeline, message, "not"), 9)
    }


def test_signs_and_strengths():
    """For and against differ in tag and class, in plain text in the sign; what says little is not marked."""
    found = highlight(
        by_hand({"lose": 1.0, "card": -0.6, "not": 0.05}), {"subject": "", "body": "lost card not"}, "urgent"
    )
    marked = found._repr_html_()
    assert '<b class="for strong">lost</b> <i class="against clear">card</i> not' in marked
    assert re.search(r"\[lost \+\d\.\d\d\] \[card -\d\.\d\d\] not", repr(found))
    assert "Bold speaks for urgent, most of all lost +" in marked
    other = highlight(by_hand({"lose": 1.0}), {"subject": "", "body": "lost card"}, "other")
    assert '<i class="against strong">lost</i> card' in other._repr_html_()
    assert "Bold speaks for other: no word does" in other._repr_html_()
    assert repr(other).startswith("other: margin -")


def test_by_default_the_category_is_the_predicted_one(pipeline):
    """Why it was sent where it was sent."""
    message = {"subject": "lost", "body": "can't"}
    assert highlight(pipeline, message).category == pipeline.predict(pd.DataFrame([message])).item() == "urgent"
    row = pd.DataFrame([message]).assign(id="c1").iloc[0]
    assert repr(highlight(pipeline, row)) == repr(highlight(pipeline, message))


@pytest.mark.parametrize("nothing", ["", None, np.nan, "  ", "…"])
def test_nothing_to_say(pipeline, nothing):
    """An empty message is all rest."""
    found = highlight(pipeline, {"subject": nothing, "body": nothing}, "urgent")
    text = nothing if isinstance(nothing, str) else ""
    assert found.tokens.empty
    assert read(found._repr_html_()) == [text, text]
    assert f"urgent: margin {pipeline[-1].intercept_[0]:+.2f}" in repr(found)


def test_markup_in_a_chat_is_text(pipeline):
    """A script in a chat, or in a category's name, is shown and does not run."""
    message = {"subject": "<script>alert('lost')</script>", "body": '<img src=x onerror="card"> &lt; lost'}
    soup = BeautifulSoup(highlight(pipeline, message)._repr_html_(), "html.parser")
    assert {tag.name for tag in soup(True)} <= {"div", "p", "pre", "span", "b", "i"}
    assert not [tag for tag in soup(True) if set(tag.attrs) - {"class"}]
    assert soup.select_one(".subject").get_text() == message["subject"]
    assert soup.select_one(".body").get_text() == message["body"]


def test_a_report_page_keeps_the_marks(pipeline):
    """What a page strips from other outputs, this one does not have; every class has a rule in the page's style."""
    found = highlight(pipeline, {"subject": "lost", "body": "card can't <i>\n\n  lost"}, "urgent")._repr_html_()
    cell = new_code_cell("", outputs=[new_output("display_data", {"text/html": found})])
    page = BeautifulSoup(render(new_notebook(cells=[cell]), "evaluate", ["evaluate"]), "html.parser")
    assert str(page.select_one(".why pre")).replace(' tabindex="0"', "") == str(BeautifulSoup(found, "html.parser").pre)
    style = (Path(TEMPLATE) / "style.css").read_text()
    for name in ("why", "subject", "for", "against", "weak", "clear", "strong"):
        assert re.search(rf"\.{name}\b[^{{]*{{", style), name


def luminance(color):
    """Relative luminance of #rrggbb or #rgb, by WCAG 2."""
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    return np.dot(
        [0.2126, 0.7152, 0.0722], [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    )


def test_text_and_lines_stand_out_from_their_ground():
    """Contrast of 4.5 at least, in light and dark, of the text and of the lines below it."""
    light, dark = (TEMPLATE / "style.css").read_text().split("prefers-color-scheme: dark) {\n  :root", 1)
    for scheme in (light, dark):
        colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", scheme.split("}")[0]))
        for sign in ("for", "against"):
            for ground in ("paper", f"{sign}-shade", f"{sign}-strong"):
                for text in ("ink", sign):
                    low, high = sorted(luminance(colors[name]) for name in (text, ground))
                    assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)


@pytest.mark.parametrize(
    ("message", "category", "said"),
    [
        ("lost card", None, "Got str as message, expected subject and body"),
        ({"subject": "lost"}, None, "Got dict as message, expected subject and body"),
        ({"subject": 3, "body": ""}, None, "Row 0 is a int, expected text"),
        ({"subject": "", "body": ""}, "nothing", "Got category='nothing', expected one of other, urgent"),
    ],
)
def test_bad_input_is_named(pipeline, message, category, said):
    """Each mistake in one sentence."""
    with pytest.raises(ValueError, match=said):
        highlight(pipeline, message, category)


def test_other_pipelines_are_refused(chats):
    """One whose words have no known place, and one that weighs no words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline as plain

    message = chats.iloc[0]
    other = plain(TfidfVectorizer(), LogisticRegression()).fit(chats["body"], chats["category"])
    with pytest.raises(ValueError, match="begins with TfidfVectorizer, expected one from make_pipeline"):
        highlight(other, message)
    dummy = make_pipeline("dummy").fit(chats[MESSAGE], chats["category"])
    with pytest.raises(ValueError, match="Got DummyClassifier as classifier"):
        highlight(dummy, message)
    rules = make_pipeline("rules", {"rules": [("urgent", "lost")]}).fit(chats[MESSAGE], chats["category"])
    with pytest.raises(ValueError, match="Got RulesClassifier as classifier"):
        highlight(rules, message)


def test_some_messages_are_masked_and_say_the_same(chats):
    """No digit and no address of theirs is shown; the words say of what is shown what they said of the message."""
    pipeline = make_pipeline("linear_svc").fit(chats[["subject", "body"]], chats["category"])
    body = "Lost. Write to me@bank.example or see bank.example/a1 in 24 hours; ref AB4921 @anna"
    message = {"subject": "Card 4921", "body": body}
    plain, (hidden,) = highlight(pipeline, message), highlight_some(pipeline, pd.DataFrame([message]), 1)
    assert hidden.message == {
        "subject": "Card _number_",
        "body": "Lost. Write to _email_ or see _url_ in _number_ hours; ref AB _number_ _handle_",
    }
    assert hidden.tokens["contribution"].tolist() == plain.tokens["contribution"].tolist()
    assert (hidden.category, hidden.rest) == (plain.category, plain.rest)
    assert {"Lost", "_email_", "_url_", "_handle_", "hours"} <= set(hidden.tokens["token"])
    assert not any(mark in repr(hidden) + hidden._repr_html_() for mark in ("4921", "@", "bank"))
    (empty,) = highlight_some(pipeline, pd.DataFrame([{"subject": None, "body": np.nan}]), 1)
    assert empty.message == {"subject": "", "body": ""}


def test_some_messages_are_one_of_each_category_in_turn(chats):
    """Whatever comes first in the data; the same seed draws the same."""
    pipeline = make_pipeline("linear_svc").fit(chats[["subject", "body"]], chats["category"])
    shown = highlight_some(pipeline, chats, 4, seed=1)
    assert sorted(one.category for one in shown) == ["other", "other", "urgent", "urgent"]
    assert shown[0].category != shown[1].category
    assert [repr(one) for one in shown] == [repr(one) for one in highlight_some(pipeline, chats, 4, seed=1)]


def test_half_a_character_is_no_error():
    """A client that cuts an emoji in two: shown as �, the other words as ever."""
    chats = pd.DataFrame({"subject": ["Lost", "Hours"] * 9, "body": ["my card", "open when"] * 9})
    pipeline = make_pipeline("linear_svc").fit(chats, ["urgent", "other"] * 9)
    found = highlight(pipeline, {"subject": "Lost", "body": "my card \ud83d"})
    assert found.message["body"] == "my card �"
    assert "card" in found.tokens["token"].tolist()
    found._repr_html_().encode()
    assert pipeline.predict([{"subject": "\udc00 Lost", "body": "my card \ud83d"}]).item() == "urgent"
