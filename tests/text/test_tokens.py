"""Where the tokens of a text stand in it."""

import re
import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatkit import TextProcessor
from chatkit.text import tokens
from chatkit.text.counts import FEW, TermCounter
from chatkit.text.tokens import _compose, normalise, places, split

# What changes its length, its order or its neighbours; what holds tokens together or parts them.
ODD = "aeoΣσİK℡½㏂ﷺﬃ가ᄀ\u1161\u11a8\u0301\u0316\u0300\u0345\u0327\u0651\u0650\u0bbe\u0b95\u0dcf\u0dd9’‘`'ʼ.,:/-$£€@_\n\t wWx019"
ANY = st.one_of(
    st.text(),
    st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"]))),
    st.from_regex(r"(\w+|www\.\S+|\S+@\S+\.\w+|https?://\S+|\s){1,6}"),
    st.lists(st.sampled_from(["me", "@", ".x", "www.", "://", "http", *"aé,;:'\"`(){}[]<>“”|\\ -+"]), max_size=20).map(
        "".join
    ),
)
# What is quadratic, or goes as deep as it is long, where it is looked at from each of its letters.
HOSTILE = [
    "a",
    "a.b/",
    "a @ ",
    '"a ',
    "a%40",
    "a1",
    "ab12 3456 ",
    "bic ",
    "a@",
    "@",
    "://",
    "www.",
    "@a.",
    "@.",
    "a.@",
    "'",
    "n't",
    "1,",
    "e\u0301\u0316",
    "\u0301\u0316",
    "\u0f73\u0301",
    "\u0301\uff9e",
]


@settings(max_examples=400, deadline=None)
@given(ANY)
@example("it&#39;s M&uuml;ller &amp;amp; a&#64;b.de &#8481;")
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
        if token not in tokens.ADDRESSES:
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
        ("\n\u0300@0.0", [("_email_", 1, 6)]),  # the accent is not on the line break
        ("See www.bank.example, ok", [("see", 0, 3), ("_url_", 4, 20), ("ok", 22, 24)]),
        ("<me@bank.example>card", [("_email_", 1, 16), ("card", 17, 21)]),
    ],
)
def test_places_by_hand(text, expected):
    """Capitals, apostrophes, one character that is several, several that are one, addresses."""
    assert places(text) == expected


def test_words_stand_where_their_token_does():
    """A token that gives two words gives both its place; a stop word has none."""
    assert TextProcessor("english").word_places("I can't pay") == [("can", 2, 7), ("not", 2, 7), ("pay", 8, 11)]


@pytest.mark.parametrize("repeated", HOSTILE)
def test_no_text_blocks_a_service(repeated):
    """A megabyte without a space, with an "@" behind it, alone, among others or explained: quadratic would be hours."""
    text = repeated * (1_000_000 // len(repeated)) + "@ lost"
    counter = TermCounter(min_df=1).fit(["lost card"])
    alone, among = counter.transform([text]), counter.transform([text, *["lost card"] * FEW])
    assert (alone != among[:1]).nnz == 0
    assert alone[0, counter.get_feature_names_out().tolist().index("lose")] == 1
    assert [token for token, *_ in places(text)] == split(normalise(text))


def test_what_sorts_in_quadratic_time_is_not_sorted():
    """Two kinds of accents, each half a million times on one letter; the letter keeps its own and the next one."""
    text = "cafe" + "\u0301" * 500_000 + "\u0316" * 500_000 + " e\u0301"
    assert normalise(text) == "café" + "\u0301" * 29 + " é"
    assert [(token, end - start) for token, start, end in places(text)] == [("café" + "\u0301" * 29, 34), ("é", 2)]


@settings(max_examples=200, deadline=None)
@given(st.text("aeé\u0301\u0316\u0345\u0f73\uff9eK😟 \n", max_size=60))
def test_places_are_right_in_a_crowd(text):
    """For any text with more accents than a letter has: places follow those that are left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_CROWD", re.compile("[\u0300-\U0010ffff]{3}"))
        patch.setattr(tokens, "_ACCENTS", 2)
        test_places_are_those_of_the_tokens.hypothesis.inner_test(text)


def test_every_accent_may_be_of_a_crowd():
    """The blocks that are looked through hold every accent of this Python's Unicode."""
    accents = [chr(at) for at in range(sys.maxunicode + 1) if tokens._is_accent.__wrapped__(chr(at))]
    assert len(accents) > 900
    assert [accent for accent in accents if not tokens._CROWD.fullmatch(accent * 31)] == []


def test_every_digit_is_one():
    """Whatever Python calls a digit counts as a number, but for scripts that nobody writes any more; no letter does."""
    others = [chr(at) for at in range(sys.maxunicode + 1) if not chr(at).isdecimal()]
    digits = [one for one in others if one.isdigit() and not re.search(r"\d", tokens.plain(one))]
    assert {unicodedata.name(one).split()[0] for one in digits} <= {"KHAROSHTHI", "RUMI", "BRAHMI"}
    assert [one for one in others if tokens._NUMERALS.match(one) and one.isalpha()] == []


def test_what_is_said_does_not_depend_on_what_stands_elsewhere():
    """A backtick and a sigma are read alike in any text, so that a text can be cut, or a part of it masked."""
    assert [split(normalise(text)) for text in ("don`t", "don`t é")] == [["don't"], ["don't", "é"]]
    assert [split(normalise(text)) for text in ("ΑΣ", "ΑΣΑ ΑΣ:a")] == [["ασ"], ["ασα", "ασ", "a"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"from":"me@bank.example","body":"lost,card"}', ["from", "_email_", "body", "lost", "card"]),
        ('{"see":"https://bank.example/a?b=1,2","body":"lost"}', ["see", "_url_", "body", "lost"]),
        ('<a href="https://bank.example">lost</a>', ["a", "href", "_url_", "lost", "a"]),
        ("[card](mailto:me@bank.example)lost", ["card", "mailto", "_email_", "lost"]),
        ("“me@bank.example”,lost;card", ["_email_", "lost", "card"]),
        ("me@bank.example;you@bank.example", ["_email_", "_email_"]),
        ("card,me@bank.example", ["card", "_email_"]),
        ("o'brien+x@mail.bank.example.", ["_email_"]),
        ("me@you@bank.example", ["_email_"]),
        ("see (https://bank.example), www.bank.example!", ["see", "_url_", "_url_"]),
        ("ftp://bank.example/a me@localhost", ["_url_", "_email_"]),
        ("me@bank.example!lost a@b.c.@d.e", ["_email_", "lost", "_email_"]),
        ("awww.that 5@ a@ @b a@-b", ["awww", "that", "5", "a", "_handle_", "a", "b"]),
        ("@b@c.@d, (@e)x", ["_handle_", "_handle_", "x"]),
        ("a @ b.example5!c", ["_email_", "c"]),
        ('"lost card"@b, lost" my card "@b', ["_email_", "lost", "my", "card", "_handle_"]),
        ("bank.example/(a),b;c:d@e f.g/h i.at/", ["_url_", "f", "g", "h", "_url_"]),
        ("https://bank.example/(a),b;c:d@e", ["_url_"]),
    ],
)
def test_an_address_ends_where_the_message_goes_on(text, expected):
    """Quotes and brackets end it, commas and semicolons one of mail: the words of a minified JSON are not lost."""
    assert split(normalise(text)) == expected
    assert [token for token, *_ in places(text)] == expected
