"""From a text to its words."""

import inspect
import pickle

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from chatkit import TextProcessor, make_pipeline
from chatkit.text.counts import TermCounter
from chatkit.text.stopwords import ENGLISH
from tests.conftest import word


def words(text, **options):
    """Process one text."""
    return TextProcessor(**options).fit_transform([text])[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I LOST my cards", "lose card"),
        ("I can't pay, I couldn’t pay, we dont pay", "can not pay could not pay not pay"),
        ("x" + "n't" * 5_000, "x" + "n't" * 5_000),  # no word, and no depth without end
        ("log out, sign up, turn it off", "log out sign up turn off"),
        ("paid $1,250.50 on 3/4/2025 at 10:30, ref 12345", "pay _money_ on _date_ _date_ ref _number_"),
        ("see https://a.example/x?y=1 or mail me@bank.example", "see _url_ mail _email_"),
        ("the customer's card", "customer card"),
        ("\u2460 ﬁne", "_number_ fine"),  # NFKC: a circled one, a ligature
        ("مرحبا 😟 Tarjeta", "مرحبا tarjeta"),
        ("!!! ... 😟", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_words_are_cleaned(text, expected):
    """Case, negations, particles, numbers, addresses, possessives, Unicode, nothing at all."""
    assert words(text, stop_words="english") == expected


def test_negations_and_particles_are_no_stop_words():
    """They turn a message around."""
    assert not {"not", "no", "off", "out", "up", "down", "how", "why"} & set(ENGLISH)


def test_stop_words_are_a_choice():
    """By default none, as in `make_pipeline`; a list is taken as it is, domain words come on top."""
    defaults = {
        inspect.signature(made).parameters["stop_words"].default for made in (TextProcessor, TermCounter, make_pipeline)
    }
    assert defaults == {None}
    assert words("the card") == "the card"
    assert words("the card", stop_words=["CARD"]) == "the"
    assert words("the Harbor card", stop_words="english", domain_words=["harbor"]) == "card"


def test_an_unknown_list_is_refused():
    """Only "english" has a name."""
    with pytest.raises(ValueError, match="Got stop_words='klingon', expected 'english', None or a list"):
        TextProcessor("klingon").fit(["a"])


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_gives_words(texts):
    """Arbitrary Unicode never raises, and the words hold no space of their own."""
    cleaned = TextProcessor().transform(texts)
    assert len(cleaned) == len(texts)
    assert all(text == " ".join(text.split()) for text in cleaned)


@given(st.text(max_size=200))
def test_a_batch_gives_what_single_messages_give(text):
    """The memory of words changes speed, not words."""
    processor = TextProcessor()
    together = processor.transform([text, text, "lost card"])
    assert together[0] == together[1] == TextProcessor().transform([text])[0]


def test_the_memory_is_bounded(monkeypatch):
    """Typos and numbers cannot fill the memory of a service."""
    monkeypatch.setattr("chatkit.text.tokens.Words.LIMIT", 10)
    processor = TextProcessor().fit([""])
    for number in range(5):
        processor.transform([" ".join(word(number, n) for n in range(20))])
    assert len(processor._words()) <= 30


def test_numbers_are_dropped_alike_or_not_at_all():
    """A number by itself cannot be dropped: in a masked text nobody can tell it from others."""
    assert words("card 4921, $5 on 3/4", domain_words=["_number_", "_MONEY_"]) == "card on _date_"
    assert words("card _number_", domain_words=["_number_"]) == "card"
    for options in ({"stop_words": ["the", "4921"]}, {"domain_words": ["office365"]}):
        with pytest.raises(ValueError, match="as a word to drop, expected words without digits"):
            TextProcessor(**options).fit(["a"])


def test_a_copy_knows_its_settings_not_its_memory():
    """Clones and pickles carry parameters only."""
    processor = TextProcessor(domain_words=["harbor"]).fit(["a"])
    processor.transform(["some words"])
    for copy in (clone(processor), pickle.loads(pickle.dumps(processor))):  # noqa: S301 - our own bytes
        assert vars(copy).keys() == vars(TextProcessor()).keys()
        assert copy.transform(["Harbor cards"])[0] == "card"


def test_estimators_with_the_same_choices_share_their_words():
    """The folds of a cross-validation look at a word once; other choices have words of their own."""
    ours, theirs = (TextProcessor(domain_words=words) for words in (["harbor"], ("harbor",)))
    assert ours._words() is theirs._words()
    assert ours._words() is not TextProcessor()._words()
    theirs.domain_words = ["anchor"]
    assert theirs.transform(["harbor anchor"])[0] == "harbor"


def test_a_changed_parameter_counts():
    """set_params after a transform is not ignored."""
    processor = TextProcessor()
    assert processor.transform(["cards"])[0] == "card"
    assert processor.set_params(lemmatizer="none").transform(["cards"])[0] == "cards"


def test_a_megabyte_is_a_text_too():
    """One very long message goes through."""
    assert len(words("card " * 200_000).split()) == 200_000


def test_one_column_is_a_list_of_texts():
    """A frame with one column, as set_output gives it."""
    assert TextProcessor().transform(pd.DataFrame({"message": ["cards"]}))[0] == "card"


@pytest.mark.parametrize(
    ("X", "said"),
    [
        ("one string", "Got one string, 'one string', expected an iterable"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "Got 2 columns, expected one column of text"),
        ([5], "Row 0 is a int, expected text"),
    ],
)
def test_bad_texts_give_one_sentence(X, said):
    """What was received, what was expected."""
    with pytest.raises(ValueError, match=said):
        TextProcessor().fit(X)
