"""Where the tokens of a text stand in it."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatkit import TextProcessor
from chatkit.text.tokens import _compose, normalise, places, split

# What changes its length, its order or its neighbours; what holds tokens together or parts them.
ODD = "aeoΣσİK℡½㏂ﷺﬃ가ᄀ\u1161\u11a8\u0301\u0316\u0300\u0345\u0327\u0651\u0650\u0bbe\u0b95\u0dcf\u0dd9’‘`'ʼ.,:/-$£€@_\n\t wWx019"
ANY = st.one_of(
    st.text(),
    st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"]))),
    st.from_regex(r"(\w+|www\.\S+|\S+@\S+\.\w+|https?://\S+|\s){1,6}"),
)


@settings(max_examples=400, deadline=None)
@given(ANY)
def test_places_are_those_of_the_tokens(text):
    """For any text: the tokens are those that the model sees, in order, and stand inside the text."""
    found = places(text)
    assert [token for token, *_ in found] == split(normalise(text))
    assert all(0 <= start < end <= len(text) for _, start, end in found)
    assert [start for _, start, _ in found] == sorted(start for _, start, _ in found)


@settings(max_examples=400, deadline=None)
@given(ANY)
def test_what_stands_there_is_the_token(text):
    """For any text: what stands at a token's place has the token among its own tokens, addresses aside."""
    for token, start, end in places(text):
        if token not in {"_url_", "_email_"}:
            # A backtick is an apostrophe only where the text is not all ASCII, a sigma is another at the end of a word.
            there = normalise(text[start:end] + ("" if text.isascii() else " é")).replace("ς", "σ")
            assert token.replace("ς", "σ") in there


@settings(max_examples=400, deadline=None)
@example("a\u0316\u0300")  # the second accent joins the letter, past the first
@example("\u1100\u1161\u11a8")  # three letters that are one
@given(ANY)
def test_pieces_compose_to_the_whole(text):
    """For any text: NFKC piece by piece is NFKC of the whole."""
    composed, spans = _compose(text, [(at, at + 1) for at in range(len(text))])
    assert composed == unicodedata.normalize("NFKC", text)
    assert len(spans) == len(composed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("I CAN’T.", [("i", 0, 1), ("can't", 2, 7)]),
        ("℡ 5", [("tel", 0, 1), ("5", 2, 3)]),
        ("cafe\u0301!", [("café", 0, 5)]),
        ("½", [("1", 0, 1), ("2", 0, 1)]),
        ("See www.bank.example, ok", [("see", 0, 3), ("_url_", 4, 21), ("ok", 22, 24)]),
        ("<me@bank.example>card", [("_email_", 1, 16), ("card", 17, 21)]),
    ],
)
def test_places_by_hand(text, expected):
    """Capitals, apostrophes, one character that is several, several that are one, addresses."""
    assert places(text) == expected


def test_words_stand_where_their_token_does():
    """A token that gives two words gives both its place; a stop word has none."""
    assert TextProcessor().word_places("I can't pay") == [("can", 2, 7), ("not", 2, 7), ("pay", 8, 11)]
