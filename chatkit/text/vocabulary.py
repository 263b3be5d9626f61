"""Which runs of words are terms, and in which column each is counted."""

from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

UNKNOWN = -1
ROWS = 20_000  # texts counted at a time: what they need stays in the processor's cache


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
    shortest : int
        Words in the shortest term.

    Attributes
    ----------
    numbers : dict of str to int
        Number of each word that is in a term; UNKNOWN for any other.
    width : int
        How many terms there are.
    """

    def __init__(self, words, levels, shortest):
        self._words, self._levels, self._shortest = words, levels, shortest
        self.numbers = _Numbers(zip(words, range(len(words)), strict=True))
        self._lay_out()

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
        often = np.flatnonzero(_tally(numbers, len(words)) >= fewest)
        kept = sorted((words[number], number) for number in often)
        rank = np.full(len(words) + 1, UNKNOWN, np.int32)
        rank[[number for _, number in kept]] = np.arange(len(kept), dtype=np.int32)
        np.take(rank, numbers, out=numbers, mode="wrap")
        levels, runs = [], [numbers]
        for n in range(2, ngram_range[1] + 1):
            level, found = _number(_codes(runs[-1], numbers, lengths, n, len(kept)), fewest)
            levels.append(level)
            runs.append(found)
        vocabulary = cls([word for word, _ in kept], levels, ngram_range[0])
        counts = vocabulary._count_runs(runs, lengths)
        enough = _tally(counts.indices, counts.shape[1]) >= fewest
        if not enough.all():
            counts = counts[:, enough]
            vocabulary._drop(~enough)
        return vocabulary, counts

    @classmethod
    def read(cls, terms, shortest):
        """Make the vocabulary whose terms were written down.

        Parameters
        ----------
        terms : list of str
            Sorted.
        shortest : int

        Returns
        -------
        Vocabulary
        """
        pieces = pc.split_pattern(pa.array(terms, pa.string()), " ")
        starts, sizes = pieces.offsets.to_numpy()[:-1], np.diff(pieces.offsets.to_numpy())
        every = pieces.flatten().dictionary_encode()
        found = every.dictionary.to_pylist()
        words = sorted(found)
        rank = dict(zip(words, range(len(words)), strict=True))
        numbers = np.array([rank[word] for word in found], np.int64)[every.indices.to_numpy()]
        runs, levels = numbers[starts], []
        for n in range(2, sizes.max() + 1):
            longer = np.flatnonzero(sizes >= n)
            codes = runs[longer] * len(words) + numbers[starts[longer] + n - 1]
            level, runs[longer] = np.unique(codes, return_inverse=True)
            levels.append(level)
        vocabulary = cls(words, levels, shortest)
        rare = np.ones(vocabulary.width, dtype=bool)
        for n, columns in enumerate(vocabulary._columns, start=1):
            rare[columns[runs[sizes == n]]] = False
        vocabulary._drop(rare)
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
        runs = [numbers]
        for n, level in enumerate(self._levels, start=2):
            runs.append(_find(_codes(runs[-1], numbers, lengths, n, len(self._words)), level))
        return self._count_runs(runs, lengths)

    def _count_runs(self, runs, lengths):
        """Count the terms that begin at each word: `runs` has an array for runs of one word, of two words, …"""
        if len(lengths) <= ROWS:
            return self._count_block(runs, lengths)
        ends = np.concatenate([[0], np.cumsum(lengths)])
        indices, data = (np.empty(len(runs[0]) * len(runs), np.int32) for _ in range(2))
        indptr, filled = np.zeros(len(lengths) + 1, np.int64), 0
        for row in range(0, len(lengths), ROWS):
            rows = slice(row, min(row + ROWS, len(lengths)))
            words = slice(ends[rows.start], ends[rows.stop])
            block = self._count_block([some[words] for some in runs], lengths[rows])
            indices[filled : filled + block.nnz], data[filled : filled + block.nnz] = block.indices, block.data
            indptr[rows.start + 1 : rows.stop + 1] = filled + block.indptr[1:]
            filled += block.nnz
        counts = csr_matrix((data[:filled], indices[:filled], indptr), shape=(len(lengths), self.width))
        counts.has_canonical_format = True
        return counts

    def _count_block(self, runs, lengths):
        columns = np.column_stack([own[some] for own, some in zip(self._columns, runs, strict=True)]).ravel()
        known = columns != UNKNOWN
        columns = columns[known]
        starts = np.concatenate([[0], np.cumsum(lengths)]) * len(runs)
        indptr = np.concatenate([[0], np.cumsum(known)])[starts]
        counts = csr_matrix((np.ones(len(columns), np.int32), columns, indptr), shape=(len(lengths), self.width))
        counts.sum_duplicates()
        return counts

    def _lay_out(self):
        """Give each term its column: a run stands before the runs that it begins, so a walk through the tree sorts."""
        width = len(self._words)
        kept = [np.full(size, n >= self._shortest) for n, size in enumerate([width, *map(len, self._levels)], start=1)]
        parents = [level // width for level in self._levels]
        sizes = [own.astype(np.int64) for own in kept]
        for n in range(len(parents) - 1, -1, -1):
            sizes[n] += np.bincount(parents[n], weights=sizes[n + 1], minlength=len(sizes[n])).astype(np.int64)
        columns = [np.cumsum(sizes[0]) - sizes[0]]
        for n, parent in enumerate(parents):
            before = np.cumsum(sizes[n + 1]) - sizes[n + 1]
            eldest = np.searchsorted(parent, parent)
            columns.append(columns[n][parent] + kept[n][parent] + before - before[eldest])
        self.width = sum(map(int, map(np.sum, kept)))
        # One place more, so that an unknown run, numbered -1, finds no column.
        self._columns = [
            np.append(np.where(own, column, UNKNOWN), UNKNOWN).astype(np.int32)
            for own, column in zip(kept, columns, strict=True)
        ]

    @cached_property
    def terms(self):
        """Terms in the order of the columns: an ndarray of object, made when it is first asked for."""
        terms, runs = np.empty(self.width, dtype=object), np.array(self._words, dtype=object)
        words = runs
        for n, columns in enumerate(self._columns):
            if n:
                level = self._levels[n - 1]
                runs = runs[level // len(words)] + " " + words[level % len(words)]
            kept = columns[:-1] != UNKNOWN
            terms[columns[:-1][kept]] = runs[kept]
        return terms

    def _drop(self, rare):
        """Take away the terms of some columns."""
        left = np.append(np.where(rare, UNKNOWN, np.cumsum(~rare) - 1), UNKNOWN).astype(np.int32)
        self._columns = [left[columns] for columns in self._columns]
        self.width = int(np.sum(~rare))
        self.__dict__.pop("terms", None)


def _tally(numbers, size):
    """How often each number occurs. Part by part: bincount makes a copy of twice the size."""
    parts = (numbers[start : start + 2**20] for start in range(0, len(numbers), 2**20))
    return sum((np.bincount(part, minlength=size) for part in parts), np.zeros(size, np.int64))


def _codes(runs, numbers, lengths, n, width):
    """Code of the run of n words that begins at each word; UNKNOWN where the text ends or a word is in no term."""
    codes = np.full(len(numbers), UNKNOWN, np.int64)
    if len(numbers) >= n:
        first, last = runs[: len(runs) - n + 1], numbers[n - 1 :]
        whole = (first != UNKNOWN) & (last != UNKNOWN)
        # A run that begins among the last n - 1 words of a text would run into the next one.
        ends = np.cumsum(lengths)
        for back in range(1, n):
            crossing = ends - back
            crossing = crossing[(crossing >= 0) & (crossing < len(whole))]
            whole[crossing] = False
        codes[: len(whole)] = np.where(whole, first * np.int64(width) + last, UNKNOWN)
    return codes


def _number(codes, fewest):
    """Return the codes that occur `fewest` times, sorted, and the position of each code among them, or UNKNOWN."""
    known = np.flatnonzero(codes != UNKNOWN)
    known = known[np.argsort(codes[known])]
    ordered = codes[known]
    first = np.flatnonzero(np.diff(ordered, prepend=UNKNOWN))
    counts = np.diff(first, append=len(ordered))
    often = counts >= fewest
    found = np.full(len(codes), UNKNOWN, np.int32)
    found[known] = np.repeat(np.where(often, np.cumsum(often) - 1, UNKNOWN), counts)
    return ordered[first[often]], found


def _find(codes, level):
    """Position of each code in a sorted level, or UNKNOWN."""
    if len(codes) > len(level) // 16:
        found = pc.index_in(pa.array(codes), value_set=pa.array(level))
        return found.fill_null(UNKNOWN).to_numpy()
    if not len(level):
        return np.full(len(codes), UNKNOWN, np.int32)
    at = np.minimum(np.searchsorted(level, codes), len(level) - 1)
    return np.where(level[at] == codes, at, UNKNOWN).astype(np.int32)
