"""Lemmatizers by name and language: each is a function from a lower-case word to its dictionary form."""

from functools import lru_cache, partial

from chatkit.project import InputError

# simplemma's English dictionary is wrong or too eager on these words of everyday banking.
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


LANGUAGES = frozenset(
    "ar ast bg ca cs cy da de el en enm eo es et fa fi fr ga gd gl grc gv hbs he hi hu hy id is it ka la lb lt lv mk "
    "ml ms nb nl nn pl pt ro ru se sk sl sq sv sw tl tr uk".split()
)  # of simplemma
_WITH_CAPITALS = ("de", "lb")  # of nouns
_SNOWBALL = {
    "ar": "arabic", "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nb": "norwegian", "nl": "dutch", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sv": "swedish",
}  # fmt: skip


def _simplemma(languages):
    from simplemma.strategies import DefaultStrategy, DictionaryLookupStrategy

    _require("simplemma", languages, LANGUAGES)
    look_up, guess = DictionaryLookupStrategy().get_lemma, DefaultStrategy().get_lemma

    def noun_first(word, lang):
        # German nouns have lost their capitals: "netz" would be a form of the verb "netzen". No noun grows shorter by
        # an ending, so what is longer than the word is an adjective used as a noun.
        noun = look_up(word.capitalize(), lang)
        return noun if noun and len(noun) <= len(word) else look_up(word, lang)

    def pair(code):
        return partial(noun_first if code in _WITH_CAPITALS else look_up, lang=code), partial(guess, lang=code)

    pairs = [_english() if code == "en" else pair(code) for code in languages]
    # First the dictionaries of all languages: what one knows, the rules of another must not change.
    ways = [way for step in zip(*pairs, strict=True) for way in step]

    def lemma(word):
        for way in ways:
            if form := way(word):
                return form.replace("İ", "I").lower()
        return word

    return lemma


@lru_cache(maxsize=1)
def _english():
    """Look a word up in simplemma's English dictionary, and guess its form by rules."""
    from simplemma.strategies import DefaultStrategy
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
    rule, whole = RULE_FUNCTIONS["en"], DefaultStrategy().get_lemma

    def guess(word):
        # What simplemma does with English letters only.
        return rule(word) if word.isalpha() else whole(word, "en")

    return forms.get, guess


def _wordnet(languages):
    from nltk.corpus import wordnet

    _require("wordnet", languages, ("en",), most=1)

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


def _snowball(languages):
    from nltk.stem.snowball import SnowballStemmer

    _require("snowball", languages, _SNOWBALL, most=1)
    return SnowballStemmer(_SNOWBALL[languages[0]]).stem


def _require(name, languages, known, most=None):
    """Refuse languages that a lemmatizer does not know, or more than it takes."""
    if len(languages) > (most or len(languages)) or not set(languages) <= set(known):
        some = "some" if most is None else "one"
        raise InputError(
            f"Got language={', '.join(languages)} for lemmatizer {name!r}, expected {some} of "
            f"{', '.join(sorted(known))}; for another language use lemmatizer 'none'."
        )


LEMMATIZERS = {"none": lambda _: str, "simplemma": _simplemma, "snowball": _snowball, "wordnet": _wordnet}


def get_lemmatizer(name, language="en"):
    """Return the lemmatizer called `name`.

    Parameters
    ----------
    name : str
        A name in `LEMMATIZERS`. ``simplemma`` needs no data and has 54 languages. ``wordnet`` (verb, else noun) needs
        NLTK's WordNet on the machine, and is English. ``snowball`` cuts words of 15 languages to stems.
    language : str or list of str, default="en"
        ISO code of the language. Of several, with ``simplemma`` only, the first whose dictionary has a word counts.

    Returns
    -------
    callable
        From a non-empty lower-case word to a word.

    Raises
    ------
    InputError
        When the name is unknown, it does not have the language, or WordNet's data is not there.

    Examples
    --------
    >>> get_lemmatizer("simplemma")("stopping")
    'stop'
    >>> get_lemmatizer("simplemma", ["en", "de"])("konten")
    'konto'
    """
    if not isinstance(name, str) or name not in LEMMATIZERS:
        raise InputError(f"Got lemmatizer={name!r}, expected one of {', '.join(sorted(LEMMATIZERS))}.")
    return LEMMATIZERS[name](languages_of(language))


def languages_of(language):
    """Return one or several codes of languages as a tuple."""
    languages = (language,) if isinstance(language, str) else language
    if not isinstance(languages, list | tuple) or not languages or not all(isinstance(one, str) for one in languages):
        raise InputError(
            f"Got language={language!r}, expected the code of a language, such as 'en', or a list of some."
        )
    return tuple(languages)
