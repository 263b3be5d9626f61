"""Clean a text: words in dictionary form, without stop words."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from chatkit.text.tokens import BOUNDARY, WordsMixin, normalise, split
from chatkit.text.validation import StatelessTextMixin, as_texts


@dataclass(eq=False, repr=False)
class TextProcessor(WordsMixin, StatelessTextMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Turn a text into its words: normalised, in dictionary form, without stop words where there are any.

    In this order: lower case and Unicode NFKC; web and mail addresses and handles become ``_url_``, ``_email_`` and
    ``_handle_``; split into words, which end where a digit begins; amounts, dates and times, and other numbers, IBANs
    and ids become ``_money_``, ``_date_`` and ``_number_``; stop words are dropped; "n't" becomes "not" in English; the
    rest is lemmatised. In scripts without spaces, and in Korean, a character with its marks is a word. A masked text
    (`chatkit.text.mask.mask`) has the same words.

    Parameters
    ----------
    stop_words : {"english", None} or list of str, default=None
        Words to drop, compared in lower case before lemmatising; by default none, as in scikit-learn. "english" keeps
        negations and particles.
    lemmatizer : str, default="simplemma"
        See `chatkit.text.lemmatize.get_lemmatizer`.
    domain_words : list of str, default=()
        More words to drop: the company's name, its products. Numbers go by their kinds only: ``_number_``.
    language : str or list of str, default="en"
        ISO code of the language of the texts, for the lemmatizer; of several languages the first whose dictionary has a
        word counts.

    See Also
    --------
    chatkit.text.counts.TermCounter : The same words, counted at once.

    Examples
    --------
    >>> TextProcessor("english").transform(["I can't find my cards, they're GONE! I paid $20 on 3/4."])[0]
    'can not find card go pay _money_ on _date_'
    """

    _column = "text"

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
        words = self._words()
        texts = [text.replace(BOUNDARY, "\n") for text in as_texts(X)]
        return np.array(
            [" ".join(filter(None, map(words.__getitem__, split(normalise(text))))) for text in texts], dtype=object
        )
