"""Clean a text: words in dictionary form, without the words that say nothing."""

import re
import unicodedata

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from chatkit.text.lemmatize import get_lemmatizer
from chatkit.text.stopwords import ENGLISH
from chatkit.text.validation import TextInputMixin, as_texts

# A number with what belongs to it (an amount, a date, a time), or a word with its apostrophes.
_TOKEN = re.compile(r"[$£€]?\d+(?:[.,:/'-]\d+)*\w*|[^\W\d]\w*(?:'\w+)*")
_ADDRESS = re.compile(r"(?P<url>(?:https?://|www\.)\S+)|(?P<email>[^\s@<>]+@[^\s@<>]+\.\w+)")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'", "ʼ": "'"})
_IRREGULAR = {"can't": "can", "won't": "will", "shan't": "shall", "ain't": "is"}
# Written without the apostrophe in half of all chats; the negation must not be lost.
_BARE_NEGATIONS = frozenset(
    "dont doesnt didnt cant couldnt wont wouldnt isnt arent wasnt werent havent hasnt hadnt shouldnt".split()
)
_MEMO_LIMIT = 200_000


class TextProcessor(TextInputMixin, TransformerMixin, BaseEstimator):
    """Turn a text into its telling words: normalised, without stop words, in dictionary form.

    In this order: Unicode NFKC and lower case; web and mail addresses become ``_url_`` and ``_email_``; split
    into words; amounts, dates and times, and other numbers become ``_money_``, ``_date_`` and ``_number_``;
    stop words are dropped; "n't" becomes "not"; the rest is lemmatised.

    Parameters
    ----------
    stop_words : {"english", None} or list of str, default="english"
        Words to drop, compared in lower case before lemmatising. "english" keeps negations and particles.
    lemmatizer : {"simplemma", "wordnet", "snowball", "none"}, default="simplemma"
        See `chatkit.text.lemmatize.get_lemmatizer`.
    domain_words : list of str, default=()
        More words to drop: the company's name, its products.

    Examples
    --------
    >>> TextProcessor().transform(["I can't find my cards, they're GONE! I paid $20 on 3/4."])[0]
    'can not find card go pay _money_ on _date_'
    """

    def __init__(self, stop_words="english", lemmatizer="simplemma", domain_words=()):
        self.stop_words = stop_words
        self.lemmatizer = lemmatizer
        self.domain_words = domain_words

    def fit(self, X, y=None):
        """Check the parameters; nothing is learned.

        Parameters
        ----------
        X : iterable of str
        y : ignored

        Returns
        -------
        TextProcessor
        """
        as_texts(X)
        self._words()
        return self

    def transform(self, X):
        """Clean each text.

        Parameters
        ----------
        X : iterable of str of shape (n,), or array-like of shape (n, 1)
            None and NaN count as empty.

        Returns
        -------
        ndarray of shape (n,), dtype object
            The words that are left, with a space between them.
        """
        memo = self._words()
        texts = as_texts(X)
        cleaned = np.empty(len(texts), dtype=object)
        cleaned[:] = [" ".join(filter(None, map(memo.__getitem__, _tokens(text)))) for text in texts]
        return cleaned

    def _words(self):
        """Return the memory of words for today's parameters; forgotten once typos and numbers have filled it."""
        choices = (self._dropped(), self.lemmatizer)
        memo = getattr(self, "_memo", None)
        if memo is None or memo.choices != choices or len(memo) > _MEMO_LIMIT:
            self._memo = memo = _Memo(choices)
        return memo

    def _dropped(self):
        if self.stop_words is None:
            words = ()
        elif isinstance(self.stop_words, str):
            if self.stop_words != "english":
                raise ValueError(f"Got stop_words={self.stop_words!r}, expected 'english', None or a list of words.")
            words = ENGLISH
        else:
            words = self.stop_words
        return frozenset(word.lower() for word in (*words, *self.domain_words))

    def get_feature_names_out(self, input_features=None):
        """Return the name of the one output column.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of shape (1,)
        """
        return np.array(["text"], dtype=object)

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_memo"}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def _tokens(text):
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    text = text.lower()
    if "@" in text or "://" in text or "www." in text:
        text = _ADDRESS.sub(lambda match: f" _{match.lastgroup}_ ", text)
    return _TOKEN.findall(text)


class _Memo(dict):
    """From a token to what stands in its place, worked out once for each distinct token."""

    def __init__(self, choices):
        super().__init__()
        self.choices = choices
        self.dropped, lemmatizer = choices
        self.lemma = get_lemmatizer(lemmatizer)

    def __missing__(self, token):
        self[token] = word = self._word(token)
        return word

    def _word(self, token):
        if token in self.dropped:
            return ""
        if token[0] in "$£€":
            return "_money_"
        if token[0].isdigit():
            return "_date_" if any(mark in token for mark in ":/-") else "_number_"
        if token in _BARE_NEGATIONS:
            return "not"
        if token.endswith("n't"):
            verb = self._word(_IRREGULAR.get(token) or token[:-3]) if token != "n't" else ""
            return f"{verb} not".strip()
        return token if token.startswith("_") else self.lemma(token.removesuffix("'s"))
