"""Lemmatizers by name: each is a function from a lower-case word to its dictionary form."""

from chatkit.project import InputError

# simplemma's dictionary is wrong or too eager on these words of everyday banking.
_SIMPLEMMA_CORRECTIONS = {
    "us": "us",
    "gone": "go",
    "worse": "bad",
    "apps": "app",
    "atms": "atm",
    "cancelled": "cancel",
    "cancelling": "cancel",
    "deposited": "deposit",
    "depositing": "deposit",
}
# WordNet strips the s of words that are no plurals.
_NO_PLURALS = frozenset({"us", "as", "pass", "is", "was", "has", "this", "its", "less"})


def _none():
    return str


def _simplemma():
    import simplemma
    from simplemma.strategies.defaultrules import RULE_FUNCTIONS
    from simplemma.strategies.dictionaries.dictionary_factory import DEFAULT_DICTIONARY_FACTORY

    known = DEFAULT_DICTIONARY_FACTORY.get_dictionary("en").get
    rule = RULE_FUNCTIONS["en"]

    def lemma(word):
        if word in _SIMPLEMMA_CORRECTIONS:
            return _SIMPLEMMA_CORRECTIONS[word]
        if not word.isalpha():
            return simplemma.lemmatize(word, lang="en").lower()
        # What simplemma.lemmatize does with English letters only, without its checks: three times as fast, and a large
        # corpus has a hundred thousand distinct words.
        return (known(word) or known(word.capitalize()) or rule(word) or word).lower()

    return lemma


def _wordnet():
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError:
        raise InputError(
            "lemmatizer 'wordnet' needs NLTK's WordNet data, which is not on this machine; run `python -m "
            "nltk.downloader wordnet`, or set NLTK_DATA to the folder that holds it, or use lemmatizer 'simplemma'."
        ) from None

    def lemma(word):
        if word in _NO_PLURALS:
            return word
        return wordnet.morphy(word, wordnet.VERB) or wordnet.morphy(word, wordnet.NOUN) or word

    return lemma


def _snowball():
    from nltk.stem.snowball import EnglishStemmer

    return EnglishStemmer().stem


LEMMATIZERS = {"none": _none, "simplemma": _simplemma, "snowball": _snowball, "wordnet": _wordnet}


def get_lemmatizer(name):
    """Return the lemmatizer called `name`.

    Parameters
    ----------
    name : {"simplemma", "wordnet", "snowball", "none"}
        ``simplemma`` needs no data. ``wordnet`` (verb, else noun) needs NLTK's WordNet on the machine.
        ``snowball`` cuts words to stems.

    Returns
    -------
    callable
        From a non-empty lower-case word to a word.

    Raises
    ------
    InputError
        When the name is unknown, or WordNet's data is not there.

    Examples
    --------
    >>> get_lemmatizer("simplemma")("stopping")
    'stop'
    """
    if name not in LEMMATIZERS:
        raise InputError(f"Got lemmatizer={name!r}, expected one of {', '.join(sorted(LEMMATIZERS))}.")
    return LEMMATIZERS[name]()
