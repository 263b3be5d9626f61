"""Dictionary forms by name."""

import os
import subprocess
import sys

import pytest

from chatkit import TextProcessor
from chatkit.project import InputError
from chatkit.text.lemmatize import _SIMPLEMMA_CORRECTIONS, LANGUAGES, LEMMATIZERS, get_lemmatizer


@pytest.mark.parametrize(
    ("word", "lemma"),
    [("stopping", "stop"), ("cards", "card"), ("cancelled", "cancel"), ("deposited", "deposit"), ("us", "us"),
     ("gone", "go"), ("atms", "atm"), ("accounts", "account"), ("stolen", "steal")],
)  # fmt: skip
def test_simplemma_knows_a_banks_words(word, lemma):
    """The traps of its dictionary are mended."""
    assert get_lemmatizer("simplemma")(word) == lemma


def test_snowball_and_none_need_no_data():
    """Stems, and the word itself."""
    assert get_lemmatizer("snowball")("stopping") == "stop"
    assert get_lemmatizer("none")("stopping") == "stopping"


def test_an_unknown_name_lists_the_known():
    """A typo in params.yaml."""
    with pytest.raises(InputError, match="Got lemmatizer='porter', expected one of none, simplemma, snowball, wordnet"):
        get_lemmatizer("porter")


WORDNET = (
    "from chatkit.text.lemmatize import get_lemmatizer as get\n"
    "lemma = get('wordnet')\n"
    "print(*[lemma(w) for w in ('stopping', 'cards', 'us', 'pass', 'zzz')])"
)


def run_wordnet(folder):
    """In a process of its own: NLTK looks for its data when it is imported."""
    return subprocess.run(
        [sys.executable, "-c", WORDNET],
        env=os.environ | {"NLTK_DATA": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wordnet_with_its_data(shared):
    """Verb, else noun; us and pass are no plurals."""
    assert run_wordnet(shared / "nltk_data").stdout.split() == ["stop", "card", "us", "pass", "zzz"]


def test_wordnet_without_its_data(tmp_path):
    """The sentence names the download and the variable."""
    done = run_wordnet(tmp_path)
    assert done.returncode != 0
    assert "python -m nltk.downloader wordnet" in done.stderr
    assert "NLTK_DATA" in done.stderr


def test_heavy_lemmatizers_are_imported_late():
    """Importing the module loads neither NLTK nor simplemma."""
    code = (
        "import sys, chatkit.text.lemmatize\nprint([m for m in ('nltk', 'simplemma', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert set(LEMMATIZERS) == {"none", "simplemma", "snowball", "wordnet"}


def test_the_short_way_through_simplemma_is_the_long_way():
    """Every word of its dictionary, and as many with a typo, come out as simplemma.lemmatize gives them."""
    import simplemma
    from simplemma.strategies.dictionaries.dictionary_factory import DEFAULT_DICTIONARY_FACTORY

    known = [word.lower() for word in DEFAULT_DICTIONARY_FACTORY.get_dictionary("en")][::5]
    lemma = get_lemmatizer("simplemma")
    words = [*known, *(f"{word[:2]}x{word[2:]}" for word in known), *(f"{word}s" for word in known)]
    differing = [
        word
        for word in words
        if word not in _SIMPLEMMA_CORRECTIONS and lemma(word) != simplemma.lemmatize(word, lang="en").lower()
    ]
    assert not differing


@pytest.mark.parametrize(
    ("name", "language", "word", "lemma"),
    [
        ("simplemma", "de", "konten", "konto"), ("simplemma", "fr", "l'argent", "argent"),
        ("simplemma", "hi", "कार्डों", "कार्ड"),
        ("simplemma", ["en", "de"], "konten", "konto"), ("simplemma", ["en", "fr"], "l'argent", "argent"),
        ("simplemma", ["en", "de"], "gone", "go"), ("snowball", "de", "karten", "kart"),
    ],
)  # fmt: skip
def test_the_language_chooses_the_dictionary(name, language, word, lemma):
    """Of several, the first that knows a word; English's corrections are there where English is."""
    assert get_lemmatizer(name, language)(word) == lemma


def test_english_negations_are_english():
    """In French "dont" is no negation."""
    assert TextProcessor(lemmatizer="none").transform(["dont can't"])[0] == "not can not"
    assert TextProcessor(lemmatizer="none", language="fr").transform(["dont can't"])[0] == "dont can't"


@pytest.mark.parametrize(
    ("name", "language", "said"),
    [
        ("wordnet", "de", "Got language=de for lemmatizer 'wordnet', expected one of en;"),
        ("snowball", ["en", "de"], "Got language=en, de for lemmatizer 'snowball', expected one of"),
        ("simplemma", "zh", "Got language=zh for lemmatizer 'simplemma', expected some of ar,"),
        ("none", 5, "Got language=5, expected the code of a language"),
        ("none", [], "Got language=.., expected the code of a language"),
    ],
)
def test_a_language_that_is_not_there_is_refused(name, language, said):
    """In one sentence, with those that are."""
    with pytest.raises(InputError, match=said):
        get_lemmatizer(name, language)


def test_the_languages_are_those_of_simplemma():
    """The list is written down, so that no dictionary is read to check a code."""
    from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

    assert LANGUAGES == SUPPORTED_LANGUAGES


def test_german_nouns_stay_nouns():
    """A noun without its capital looks like a form of a verb, and an adjective like a noun."""
    words = "netz vertrag verträge karten fragen störungen gegangen schöne"
    assert TextProcessor(language="de").transform([words])[0] == "netz vertrag vertrag karte frage störung gehen schön"
