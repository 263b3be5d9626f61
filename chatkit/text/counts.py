"""Text to term counts, for one message and for a million."""

import operator
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, compress, count
from numbers import Integral, Real
from threading import Lock

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from chatkit.text.batch import Chunks, batches
from chatkit.text.compiled import NOTHING, replace_chunks
from chatkit.text.tokens import WordsMixin, normalise, split
from chatkit.text.validation import TextInputMixin, as_texts, require_fitted
from chatkit.text.vocabulary import Vocabulary

FEW = 16  # texts from which on a batch is cheaper than one text after the other
CHARACTERS = 2_000_000  # in a buffer: what is done to it stays near the processor


@dataclass(eq=False, repr=False)
class TermCounter(WordsMixin, TextInputMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Count the terms of each text: its words as `TextProcessor` gives them, and runs of words.

    What comes out is what scikit-learn's CountVectorizer makes of TextProcessor's output, term by term. Many texts
    are split in one buffer and each distinct word is lemmatised once; few texts go one by one. The counts are the same.
    Only this differs: no run of words crosses the boundary that `MessagePreprocessor` puts between subject and body,
    where TextProcessor has nothing.

    Parameters
    ----------
    stop_words, lemmatizer, domain_words, language
        See `chatkit.text.processor.TextProcessor`.
    ngram_range : (int, int), default=(1, 2)
        Shortest and longest run of words that counts as a term.
    min_df : int or float, default=2
        Texts, or share of the texts, that must have a term for it to be kept.

    Attributes
    ----------
    vocabulary_ : chatkit.text.vocabulary.Vocabulary
        The terms and their columns.

    Examples
    --------
    >>> counter = TermCounter("english", min_df=1)
    >>> counter.fit_transform(["I lost my card!", "Lost it", "Lost CARDS"]).toarray()
    array([[1, 1, 1],
           [0, 1, 0],
           [1, 1, 1]], dtype=int32)
    >>> counter.get_feature_names_out().tolist()
    ['card', 'lose', 'lose card']
    """

    ngram_range: tuple = (1, 2)
    min_df: int | float = 2

    def fit(self, X, y=None):
        """Learn the terms.

        Parameters
        ----------
        X : iterable of str of shape (n,), or array-like of shape (n, 1)
            None and NaN count as empty.
        y : ignored

        Returns
        -------
        TermCounter
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X, y=None):
        """Learn the terms and count them.

        Parameters
        ----------
        X : iterable of str of shape (n,), or array-like of shape (n, 1)
        y : ignored

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n, d), dtype int32

        Raises
        ------
        ValueError
            When no term is in as many texts as `min_df` asks for.
        """
        ngram_range, fewest = self._ngram_range(), self._fewest(texts := as_texts(X))
        reader = _Reader(self._words(), defaultdict(count().__next__))
        numbers, lengths = reader.read(texts)
        words = list(reader.numbers)
        del reader  # on a large corpus its memory is needed for the counts
        vocabulary, counts = Vocabulary.learn(words, numbers, lengths, ngram_range, fewest)
        if not counts.shape[1]:
            raise ValueError(
                f"Got {len(texts)} texts in which no term is in {fewest:g} of them, expected at least one such term; "
                "give more texts, or lower min_df."
            )
        self.vocabulary_ = vocabulary
        return counts

    def transform(self, X):
        """Count the terms.

        Parameters
        ----------
        X : iterable of str of shape (n,), or array-like of shape (n, 1)

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n, d), dtype int32
        """
        require_fitted(self, "vocabulary_")
        reader, words = getattr(self, "_reader", None), self._words()
        if reader is None or reader.words is not words or reader.numbers is not self.vocabulary_.numbers:
            self._reader = reader = _Reader(words, self.vocabulary_.numbers)
        return self.vocabulary_.count(*reader.read(as_texts(X)))

    def get_feature_names_out(self, input_features=None):
        """Return the terms in the order of the columns.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of shape (d,), dtype object
        """
        require_fitted(self, "vocabulary_")
        return self.vocabulary_.terms

    def _ngram_range(self):
        try:
            shortest, longest = map(operator.index, self.ngram_range)
        except (TypeError, ValueError):
            shortest = longest = 0
        if not 1 <= shortest <= longest:
            raise ValueError(
                f"Got ngram_range={self.ngram_range!r}, expected two whole numbers from 1 up, the smaller one first."
            )
        return shortest, longest

    def _fewest(self, texts):
        whole, number = (isinstance(self.min_df, kind) for kind in (Integral, Real))
        if not number or not (self.min_df >= 1 if whole else 0 < self.min_df <= 1):
            raise ValueError(
                f"Got min_df={self.min_df!r}, expected a whole number of texts from 1 up, or a share of the texts "
                "above 0 and up to 1.0."
            )
        return self.min_df if whole else self.min_df * len(texts)

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_reader"}


class _Reader(dict):
    """From a token, or a chunk of several, to the numbers of its words."""

    def __init__(self, words, numbers):
        super().__init__()
        self.words, self.numbers = words, numbers
        self._lock = Lock()  # a fitted estimator may be used by several threads
        self._forget()

    def _forget(self):
        self.clear()
        self._several, self._chunks = [], Chunks()
        self._values, self._starts, self._numbers = np.empty(0, np.int32), np.zeros(1, np.int64), np.empty(0, np.int32)

    def __missing__(self, chunk):
        tokens = [chunk] if chunk.isalpha() else split(chunk)
        self[chunk] = numbers = tuple([self.numbers[word] for token in tokens for word in self.words[token].split()])
        return numbers

    def read(self, texts):
        """Number the words of texts.

        Parameters
        ----------
        texts : list of str

        Returns
        -------
        numbers : ndarray of int32
            Text after text.
        lengths : ndarray of int64, shape (n,)
            Words in each text.
        """
        # A buffer that grows in place: to join arrays would take their memory twice.
        numbers, lengths = bytearray(), [np.empty(0, np.int64)]
        for batch in batches(texts, CHARACTERS):
            with self._lock:
                part, sizes = self._read_few(batch) if len(batch) < FEW else self._read_many(batch)
                if len(self) + self._chunks.known > self.words.LIMIT:
                    self._forget()
            numbers += part.data
            lengths.append(sizes)
        return np.frombuffer(numbers, np.int32), np.concatenate(lengths)

    def _read_few(self, texts):
        rows = [list(chain.from_iterable(map(self.__getitem__, split(normalise(text))))) for text in texts]
        return np.array(list(chain.from_iterable(rows)), np.int32), np.array(list(map(len, rows)), np.int64)

    def _read_many(self, texts):
        chunks, lengths = self._chunks.read(texts)
        if self._chunks.known > len(self._values):
            new = self._look_up(self._chunks.since(len(self._values)))
            self._values = np.concatenate([self._values, new])
            # What these values point to, as arrays.
            self._starts = np.cumsum([0, *map(len, self._several)])
            self._numbers = np.array(list(chain.from_iterable(self._several)), np.int32)
        return replace_chunks(chunks, lengths, self._values, self._starts, self._numbers), lengths

    def _look_up(self, chunks):
        """Give the values of chunks; most of them are letters only, and give one word.

        For a chunk that gives no word the value is NOTHING; for one that gives several it is less, and points into
        `_several`.
        """
        self.words.learn(filter(str.isalpha, chunks))
        words = list(map(self.words.get, chunks))  # None for a chunk of several tokens
        one = np.fromiter(((word and " " not in word) or False for word in words), bool, len(words))
        values = np.full(len(chunks), NOTHING, np.int32)
        values[one] = list(map(self.numbers.__getitem__, compress(words, one)))
        for index in np.flatnonzero(~one).tolist():
            numbers = self[chunks[index]]
            if len(numbers) == 1:
                values[index] = numbers[0]
            elif numbers:
                values[index] = NOTHING - 1 - len(self._several)
                self._several.append(numbers)
        return values
