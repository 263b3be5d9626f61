"""From a text to its tokens, and from a token to the words that stand in its place.

A text is split the same way whether it comes alone or among a million: `normalise` works on the whole text, and what
stands between two separators afterwards can be split on its own. `chatkit.text.batch` relies on this.
"""

import re
import unicodedata
from functools import lru_cache

from chatkit.text.lemmatize import get_lemmatizer
from chatkit.text.stopwords import ENGLISH

# A number with what belongs to it (an amount, a date, a time), or a word with its apostrophes.
_TOKEN = re.compile(r"[$£€]?\d+(?:[.,:/'-]\d+)*\w*|[^\W\d]\w*(?:'\w+)*")
# An address, or else what no address can begin in: each character is looked at a few times only, however long the text.
_ADDRESS = re.compile(
    r"(?P<url>(?:https?://|www\.)\S+)|(?P<email>[^\s@<>]+@[^\s@<>]+\.\w+)"
    r"|[^\s@<>](?:(?!https?://|www\.)[^\s@<>])*"
)
_APOSTROPHES = "’‘`ʼ"
_IRREGULAR = {"can't": "can", "won't": "will", "shan't": "shall", "ain't": "is"}
# Written without the apostrophe in half of all chats; the negation must not be lost.
_BARE_NEGATIONS = frozenset(
    "dont doesnt didnt cant couldnt wont wouldnt isnt arent wasnt werent havent hasnt hadnt shouldnt".split()
)


def normalise(text):
    """Lower case, Unicode NFKC, straight apostrophes, addresses as typed tokens.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> normalise("Mail ME@bank.example")
    'mail  _email_ '
    """
    text = text.lower()
    if not text.isascii():
        # Compatibility characters such as ℡ become capitals, so lower case comes twice.
        text = unicodedata.normalize("NFKC", text)
        for apostrophe in _APOSTROPHES:
            text = text.replace(apostrophe, "'")
        text = text.lower()
    if _has_mark(text):
        # No address has a space: to look at the pieces that have a mark is several times as fast as at the whole.
        text = " ".join(_ADDRESS.sub(_typed, piece) if _has_mark(piece) else piece for piece in text.split(" "))
    return text


def _typed(found):
    return f" _{found.lastgroup}_ " if found.lastgroup else found[0]


def _has_mark(text):
    return "@" in text or "://" in text or "www." in text


def split(text):
    """Tokens of a normalised text.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> split("i can't pay $1,250.50 - why?")
    ['i', "can't", 'pay', '$1,250.50', 'why']
    """
    return [text] if text.isalpha() else _TOKEN.findall(text)


class Words(dict):
    """From a token to what stands in its place, worked out once for each distinct token.

    Stop words become "", amounts, dates and other numbers "_money_", "_date_" and "_number_", "can't" becomes
    "can not", any other word its dictionary form.

    Parameters
    ----------
    stop_words : {"english", None} or iterable of str
    lemmatizer : str
        See `chatkit.text.lemmatize.get_lemmatizer`.
    domain_words : iterable of str
        More words to drop.

    Examples
    --------
    >>> words = Words("english", "simplemma", ["Harbor"])
    >>> [words[token] for token in ["the", "harbor", "cards", "can't", "$5"]]
    ['', '', 'card', 'can not', '_money_']
    """

    # Tokens to remember between two calls; typos and numbers must not fill the memory of a service.
    LIMIT = 200_000

    def __init__(self, stop_words, lemmatizer, domain_words):
        super().__init__()
        if isinstance(stop_words, str):
            if stop_words != "english":
                raise ValueError(f"Got stop_words={stop_words!r}, expected 'english', None or a list of words.")
            stop_words = ENGLISH
        if isinstance(domain_words, str):
            raise ValueError(f"Got domain_words={domain_words!r}, expected a list of words; put it into a list.")
        # What is not looked up: a token that is dropped is dropped, whatever else it is.
        self._fixed = dict.fromkeys(_BARE_NEGATIONS, "not")
        self._fixed |= dict.fromkeys((word.lower() for word in (*(stop_words or ()), *domain_words)), "")
        self._lemma = get_lemmatizer(lemmatizer)

    def __missing__(self, token):
        self[token] = words = self._replace(token)
        return words

    def learn(self, tokens):
        """Work out many tokens that are letters only, in half the time that they would take one by one.

        Parameters
        ----------
        tokens : iterable of str
        """
        new, fixed, lemma = [token for token in tokens if token not in self], self._fixed, self._lemma
        self.update(zip(new, [fixed[token] if token in fixed else lemma(token) for token in new], strict=True))

    def _replace(self, token):
        if token in self._fixed:
            return self._fixed[token]
        if token.isalpha():
            return self._lemma(token)
        if token[0] in "$£€":
            return "_money_"
        if token[0].isdigit():
            return "_date_" if any(mark in token for mark in ":/-") else "_number_"
        if token.endswith("n't"):
            verb = self._replace(_IRREGULAR.get(token) or token[:-3]) if token != "n't" else ""
            return f"{verb} not".strip()
        return token if token.startswith("_") else self._lemma(token.removesuffix("'s"))


@lru_cache(maxsize=16)
def _words_for(stop_words, lemmatizer, domain_words):
    return Words(stop_words, lemmatizer, domain_words)


class WordsMixin:
    """Gives an estimator with stop_words, lemmatizer and domain_words its words.

    Estimators with the same choices share them in a process: the folds of a cross-validation look at a word once.
    """

    def _words(self):
        choices = self.stop_words, self.lemmatizer, self.domain_words
        # Copies of the lists: a list that was changed in place is another choice.
        words = _words_for(
            *(choice if choice is None or isinstance(choice, str) else tuple(choice) for choice in choices)
        )
        if len(words) > Words.LIMIT:
            words.clear()
        return words
