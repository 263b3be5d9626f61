"""Which runs of words are terms, and in which column each is counted."""

from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from chatkit.text import compiled
from chatkit.text.compiled import UNKNOWN
from chatkit.text.tokens import BOUNDARY


class _Numbers(dict):
    def __missing__(self, word):
        return UNKNOWN


class Vocabulary:
    """The terms of a corpus: runs of words, numbered level by level.

    A run of k words is a run of k - 1 words followed by a word, so one integer holds both: the number of the shorter
    run times the number of words, plus the number of the last word. No string is made for a run that is not kept.

    Parameters
    ----------
    words : list of str
        Sorted. All their characters sort behind the space, so that sorted runs are sorted strings.
    levels : list of ndarray of int64
        Sorted codes of the runs of 2, 3, … words that are terms or begin one.

    Attributes
    ----------
    numbers : dict of str to int
        Number of each word that is in a term; UNKNOWN for any other.
    width : int
        How many terms there are.
    """

    def __init__(self, words, levels):
        self._words, self._levels = words, levels
        self.numbers = _Numbers(zip(words, range(len(words)), strict=True))
        sizes = [len(words), *map(len, levels)]
        self._starts = np.cumsum([0, *sizes])
        # For each run the position of the first run that it begins.
        self._first = [
            np.searchsorted(level, np.arange(size + 1) * sizes[0]) for level, size in zip(levels, sizes, strict=False)
        ]

    @classmethod
    def learn(cls, words, numbers, lengths, ngram_range, fewest):
        """Find the terms that at least `fewest` texts have, and count them.

        Parameters
        ----------
        words : list of str
            In any order.
        numbers : ndarray of int32
            Position in `words` of each word of each text, text after text; overwritten.
        lengths : ndarray of int64, shape (n,)
            Words in each text.
        ngram_range : (int, int)
        fewest : float

        Returns
        -------
        vocabulary : Vocabulary
        counts : scipy.sparse.csr_matrix of shape (n, d), dtype int32
        """
        # A term counted less than `fewest` times cannot be in as many texts: it goes before rows are made.
        often = np.flatnonzero(compiled.tally(numbers, len(words)) >= fewest)
        kept = sorted((number for number in often.tolist() if words[number] != BOUNDARY), key=words.__getitem__)
        rank = np.full(len(words), UNKNOWN, np.int32)
        rank[kept] = np.arange(len(kept), dtype=np.int32)
        np.take(rank, numbers, out=numbers, mode="clip")
        runs = _table(numbers, ngram_range[1])
        levels, size = [], len(kept)
        for n in range(2, ngram_range[1] + 1):
            levels.append(compiled.number_runs(runs[n - 2], runs[0], lengths, n, size, len(kept), fewest, runs[n - 1]))
            size = len(levels[-1])
        vocabulary = cls([words[number] for number in kept], levels)
        vocabulary._number_columns(ngram_range[0])
        counts = vocabulary._count_runs(runs, lengths)
        if fewest > 1:
            enough = compiled.tally(counts.indices, counts.shape[1]) >= fewest
            if not enough.all():
                counts = counts[:, enough]
                columns = np.append(np.where(enough, np.cumsum(enough) - 1, UNKNOWN), UNKNOWN).astype(np.int32)
                vocabulary._columns, vocabulary.width = columns[vocabulary._columns], counts.shape[1]
        return vocabulary, counts

    @classmethod
    def read(cls, terms):
        """Make the vocabulary of given terms.

        Parameters
        ----------
        terms : list of str
            In the order of their columns.

        Returns
        -------
        Vocabulary
        """
        pieces = pc.split_pattern(pa.array(terms, pa.string()), " ")
        starts, sizes = pieces.offsets.to_numpy()[:-1], np.diff(pieces.offsets.to_numpy())
        encoded = pieces.flatten().dictionary_encode()
        distinct = encoded.dictionary.to_pylist()
        words = sorted(distinct)
        rank = dict(zip(words, range(len(words)), strict=True))
        numbers = np.array([rank[word] for word in distinct], np.int64)[encoded.indices.to_numpy()]
        runs, levels = numbers[starts], []
        for n in range(2, sizes.max() + 1):
            longer = np.flatnonzero(sizes >= n)
            codes = runs[longer] * len(words) + numbers[starts[longer] + n - 1]
            level, runs[longer] = np.unique(codes, return_inverse=True)
            levels.append(level)
        vocabulary = cls(words, levels)
        vocabulary.width, vocabulary._columns = len(terms), np.full(vocabulary._starts[-1], UNKNOWN, np.int32)
        vocabulary._columns[vocabulary._starts[sizes - 1] + runs] = np.arange(len(terms))
        return vocabulary

    def count(self, numbers, lengths):
        """Count the terms of texts.

        Parameters
        ----------
        numbers : ndarray of int32
            Number of each word of each text, text after text; UNKNOWN for a word that is in no term.
        lengths : ndarray of int64, shape (n,)

        Returns
        -------
        scipy.sparse.csr_matrix of shape (n, d), dtype int32
            Sorted, each term once a row.
        """
        runs = _table(numbers, 1 + len(self._levels))
        for n, (level, first) in enumerate(zip(self._levels, self._first, strict=True), start=2):
            compiled.find_runs(runs[n - 2], runs[0], lengths, n, level, first, len(self._words), runs[n - 1])
        return self._count_runs(runs, lengths)

    def _count_runs(self, runs, lengths):
        """Count the terms that begin at each word: `runs` has a row for runs of one word, of two words, …"""
        indices, data = np.empty(runs.size, np.int32), np.empty(runs.size, np.int32)
        indptr = np.zeros(len(lengths) + 1, np.int64)
        filled = compiled.count_runs(runs, self._columns, self._starts, lengths, indices, data, indptr)
        counts = csr_matrix((data[:filled], indices[:filled], indptr), shape=(len(lengths), self.width))
        counts.has_canonical_format = True
        return counts

    def _number_columns(self, shortest):
        """Give each run of at least so many words its column."""
        first = [own[:-1] + start for own, start in zip(self._first, self._starts[1:], strict=False)]
        kept = np.repeat(np.arange(1, len(self._starts)) >= shortest, np.diff(self._starts))
        self._columns = compiled.number_columns(self._starts, np.concatenate([*first, self._starts[-1:]]), kept)
        self.width = int(kept.sum())

    @cached_property
    def terms(self):
        """Terms in the order of the columns: an ndarray of object, made when it is first asked for."""
        terms, runs = np.empty(self.width, dtype=object), np.array(self._words, dtype=object)
        words = runs
        for n, columns in enumerate(np.split(self._columns, self._starts[1:-1])):
            if n:
                level = self._levels[n - 1]
                runs = runs[level // len(words)] + " " + words[level % len(words)]
            kept = columns != UNKNOWN
            terms[columns[kept]] = runs[kept]
        return terms


def _table(numbers, levels):
    """Rows for the runs of one word, of two words, …, the first one filled."""
    if levels == 1:
        return numbers.reshape(1, -1)
    runs = np.empty((levels, len(numbers)), np.int32)
    runs[0] = numbers
    return runs
