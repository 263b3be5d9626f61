"""Lemmatizers by name: each is a function from a lower-case word to its dictionary form."""

from functools import lru_cache

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


@lru_cache(maxsize=1)
def _simplemma():
    import simplemma
    from simplemma.strategies.defaultrules import RULE_FUNCTIONS
    from simplemma.strategies.dictionaries.dictionary_factory import DEFAULT_DICTIONARY_FACTORY

    # simplemma decodes a word each time that it looks it up; a large corpus has a hundred thousand distinct ones.
    dictionary = DEFAULT_DICTIONARY_FACTORY.get_dictionary("en")
    words = list(dictionary)
    forms = dict(zip(words, map(dictionary.get, words), strict=True))
    for word in words:
        if not word.islower():
            # It looks for a word of lower case as it is, then with a capital: monday, Monday.
            form = forms.pop(word)
            if word == word.capitalize():
                forms.setdefault(word.lower(), form)
    forms |= _SIMPLEMMA_CORRECTIONS
    known, rule = forms.get, RULE_FUNCTIONS["en"]

    def lemma(word):
        # What simplemma.lemmatize does with English letters only.
        form = known(word) or (rule(word) or word if word.isalpha() else simplemma.lemmatize(word, lang="en"))
        return form.lower()

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


LEMMATIZERS = {"none": lambda: str, "simplemma": _simplemma, "snowball": _snowball, "wordnet": _wordnet}


def get_lemmatizer(name):
    """Return the lemmatizer called `name`.

    Parameters
    ----------
    name : str
        A name in `LEMMATIZERS`. ``simplemma`` needs no data. ``wordnet`` (verb, else noun) needs NLTK's WordNet on the
        machine. ``snowball`` cuts words to stems.

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
    if not isinstance(name, str) or name not in LEMMATIZERS:
        raise InputError(f"Got lemmatizer={name!r}, expected one of {', '.join(sorted(LEMMATIZERS))}.")
    return LEMMATIZERS[name]()
