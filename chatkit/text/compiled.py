"""The loops over every byte and every word of a corpus, compiled by numba.

They are compiled when they are first imported, which takes some seconds, and kept in __pycache__. All numbers are
integers, so the result is the same on every processor. Nothing here checks its input: the callers do.
"""

import numpy as np
from numba import njit, types

UNKNOWN, NOTHING = -1, -2  # in place of a word's number: in no term; no word
SEPARATOR = 0  # the byte that stands for all that only separate
FEW = 64  # words that are sorted by insertion
SHORT = 7  # bytes that fit into a key with their number
_BASIS, _PRIME = np.uint64(14695981039346656037), np.uint64(0x9E3779B97F4A7C15)
_SHIFT, _BYTE = np.uint64(32), np.uint64(8)
_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_I4, _I8, _U8 = types.int32[::1], types.int64[::1], types.uint64[:, ::1]
_NUMBER = types.int64


@njit(types.boolean(_BYTES, types.uint64), cache=True)
def _separates(data, at):
    """Whether the byte is no part of a token; a mark is one where it holds a token together.

    That is not the full stop of a sentence, nor a quote around a word.
    """
    byte = data[at]
    if byte >= 48 and byte != 58:  # a digit, a letter, "_", or outside of ASCII; 58 is ":"
        return False
    if byte == SEPARATOR:
        return True
    before, after = data[at - np.uint64(1)], data[at + np.uint64(1)]
    number = 48 <= after <= 57 or after > 127
    if byte == 36:  # "$"
        return not number
    if byte == 39:  # "'"
        return not ((number or after >= 95) and (48 <= before <= 57 or before >= 95))
    return not (number and (48 <= before <= 57 or before > 127))


@njit(types.boolean(_BYTES, types.uint64, types.uint64, types.uint8[::1], _NUMBER, _NUMBER), cache=True)
def _is(data, first, end, letters, start, stop):
    """Whether the bytes are those of a known chunk."""
    if end - first != np.uint64(stop - start):
        return False
    for own in range(first, end):
        if data[own] != letters[start]:
            return False
        start += 1
    return True


@njit(
    types.UniTuple(_NUMBER, 4)(_BYTES, _I8, _U8, _I8, types.uint8[::1], _I4, _I8, _NUMBER, _NUMBER, _NUMBER),
    cache=True,
)
def number_chunks(data, ends, table, starts, letters, places, lengths, row, count, known):
    """Number the chunks of texts, a new chunk getting the next number, until there is no room for one.

    Parameters
    ----------
    data : ndarray of uint8
        The texts in lower case, a separator before, between and behind them.
    ends : ndarray of int64
        Where each text ends in `data`.
    table : ndarray of uint64, shape (2 ** i, 2)
        Hash table of known chunks: key; twice the number plus 1, one more for a chunk that is longer than its key. A
        free place has 0 in the second column.
    starts : ndarray of int64
        Where each known chunk begins in `letters`, and where the last ends.
    letters : ndarray of uint8
    places, lengths : ndarray
        Filled: the number of each chunk, and how many each text has.
    row, count, known : int
        Texts done before, chunks in them, and distinct chunks.

    Returns
    -------
    row, count, known, size : int
        The same afterwards, and the bytes of the chunk that has no room; its text is to be done again.
    """
    one = np.uint64(1)
    mask = np.uint64(len(table) - 1)
    at = np.uint64(ends[row - 1] + 1) if row else one
    while row < len(ends):
        end, before = np.uint64(ends[row]), count
        while at < end:
            if _separates(data, at):
                at += one
                continue
            # The key of up to seven bytes is made of them and their number, one to one; that of a longer chunk is not.
            first, key, part, shift = at, _BASIS, np.uint64(0), np.uint64(0)
            while not _separates(data, at):
                if shift == np.uint64(8 * SHORT):
                    key = (key ^ part) * _PRIME
                    key ^= key >> _SHIFT
                    part, shift = np.uint64(0), np.uint64(0)
                part |= np.uint64(data[at]) << shift
                shift += _BYTE
                at += one
            size = at - first
            key = (key ^ (part | size << np.uint64(56))) * _PRIME
            key ^= key >> _SHIFT
            long = np.uint64(size > np.uint64(SHORT))
            slot = key & mask
            while True:
                entry = table[slot, 1]
                if not entry:
                    last = starts[known]
                    if 4 * known >= 3 * len(table) or known + 1 == len(starts) or last + np.int64(size) > len(letters):
                        return row, before, known, np.int64(size)
                    number = known
                    table[slot, 0], table[slot, 1] = key, np.uint64(2 * known + 1) + long
                    for place in range(first, at):
                        letters[last] = data[place]
                        last += 1
                    known += 1
                    starts[known] = last
                    break
                if table[slot, 0] == key and (entry - one) & one == long:
                    number = np.int64((entry - one) >> one)
                    if not long or _is(data, first, at, letters, starts[number], starts[number + 1]):
                        break
                slot = (slot + one) & mask
            places[count] = number
            count += 1
        lengths[row] = count - before
        row += 1
        at = end + one
    return row, count, known, 0


@njit(types.void(_U8, _U8), cache=True)
def move(table, larger):
    """Fill a larger hash table."""
    mask = np.uint64(len(larger) - 1)
    for old in range(len(table)):
        if table[old, 1]:
            slot = table[old, 0] & mask
            while larger[slot, 1]:
                slot = (slot + np.uint64(1)) & mask
            larger[slot] = table[old]


@njit(types.boolean[::1](_BYTES, _I8), cache=True)
def with_address(data, ends):
    """Say which texts may hold an address: "@", "://" or "www."; to take a few too many does no harm."""
    found, at, one = np.zeros(len(ends), np.bool_), np.uint64(1), np.uint64(1)
    for row in range(len(ends)):
        special, end = False, np.uint64(ends[row])
        for place in range(at, end):
            byte, after, before = data[place], data[place + one], data[place - one]
            special |= (byte == 64) | ((byte == 58) & (after == 47))
            special |= ((byte == 119) | (byte == 87)) & (after == 46) & ((before == 119) | (before == 87))
        found[row] = special
        at = end + one
    return found


@njit(_I4(_I4, _I8, _I4, _I8, _I4), cache=True)
def replace_chunks(places, lengths, values, starts, several):
    """Put the numbers of words in the place of chunks; `lengths` becomes words in each text.

    `values` has for each chunk its word's number, UNKNOWN or NOTHING; below, at NOTHING - 1 - i, stand the words from
    ``several[starts[i]]`` to ``several[starts[i + 1]]``.
    """
    size = 0
    for place in places:
        value = values[place]
        if value < NOTHING:
            size += starts[NOTHING - value] - starts[NOTHING - 1 - value]
        else:
            size += value != NOTHING
    numbers = np.empty(size, np.int32)
    filled, at = 0, 0
    for row in range(len(lengths)):
        before = filled
        for place in range(at, at + lengths[row]):
            value = values[places[place]]
            if value >= UNKNOWN:
                numbers[filled] = value
                filled += 1
            elif value < NOTHING:
                first = NOTHING - 1 - value
                for one in range(starts[first], starts[first + 1]):
                    numbers[filled] = several[one]
                    filled += 1
        at += lengths[row]
        lengths[row] = filled - before
    return numbers


@njit(_I8(_I4, _NUMBER), cache=True)
def tally(numbers, size):
    """How often each number occurs."""
    counts = np.zeros(size, np.int64)
    for number in numbers:
        counts[number] += 1
    return counts


@njit(_I8(_I4, _I4, _I8, _NUMBER, _NUMBER, _NUMBER, types.float64, _I4), cache=True)
def number_runs(runs, numbers, lengths, n, parents, width, fewest, found):
    """Number the runs of n words in sorted order.

    Parameters
    ----------
    runs : ndarray of int32
        Number of the run of n - 1 words that begins at each word, or UNKNOWN.
    numbers : ndarray of int32
        Number of each word, or UNKNOWN.
    lengths : ndarray of int64
        Words in each text.
    n, parents, width : int
        Words in a run, runs of n - 1 words, distinct words.
    fewest : float
        How often a run must occur.
    found : ndarray of int32
        Filled: position in the level of the run that begins at each word, or UNKNOWN.

    Returns
    -------
    level : ndarray of int64
        Sorted codes of the runs, each the number of the shorter run times `width` plus that of the last word.
    """
    # Two passes of a counting sort: by the last word, then by the shorter run. What the next pass has to know of an
    # entry travels with its place, in the upper half.
    found[:] = UNKNOWN
    by_last, by_run = np.zeros(width + 1, np.int64), np.zeros(parents + 1, np.int64)
    end = 0
    for row in range(len(lengths)):
        begin, end = end, end + lengths[row]
        for at in range(begin, end - n + 1):
            if runs[at] != UNKNOWN and numbers[at + n - 1] != UNKNOWN:
                by_last[numbers[at + n - 1] + 1] += 1
                by_run[runs[at] + 1] += 1
    by_last, by_run = np.cumsum(by_last), np.cumsum(by_run)
    first, second = np.empty(by_last[-1], np.int64), np.empty(by_last[-1], np.int64)
    end = 0
    for row in range(len(lengths)):
        begin, end = end, end + lengths[row]
        for at in range(begin, end - n + 1):
            last = numbers[at + n - 1]
            if runs[at] != UNKNOWN and last != UNKNOWN:
                first[by_last[last]] = np.int64(runs[at]) << 32 | at
                by_last[last] += 1
    begin = 0
    for last in range(width):
        for entry in first[begin : by_last[last]]:
            run = entry >> 32
            second[by_run[run]] = last << 32 | (entry & 0xFFFFFFFF)
            by_run[run] += 1
        begin = by_last[last]
    level = first  # no longer needed
    distinct, begin = 0, 0
    for run in range(parents):
        while begin < by_run[run]:
            last, end = second[begin] >> 32, begin + 1
            while end < by_run[run] and second[end] >> 32 == last:
                end += 1
            if end - begin >= fewest:
                for entry in second[begin:end]:
                    found[entry & 0xFFFFFFFF] = distinct
                level[distinct] = run * width + last
                distinct += 1
            begin = end
    return level[:distinct].copy()


@njit(types.void(_I4, _I4, _I8, _NUMBER, _I8, _I8, _NUMBER, _I4), cache=True)
def find_runs(runs, numbers, lengths, n, level, first, width, found):
    """Find the runs of n words in a level, as `number_runs` made it.

    `first` has for each shorter run the position in `level` of the first run that it begins; `found` is filled.
    """
    end = 0
    for row in range(len(lengths)):
        begin, end = end, end + lengths[row]
        for at in range(begin, end):
            found[at] = UNKNOWN
            if at + n > end or runs[at] == UNKNOWN or numbers[at + n - 1] == UNKNOWN:
                continue
            code = runs[at] * np.int64(width) + numbers[at + n - 1]
            low, high = first[runs[at]], first[runs[at] + 1]
            while low < high:
                middle = (low + high) // 2
                if level[middle] < code:
                    low = middle + 1
                else:
                    high = middle
            if low < first[runs[at] + 1] and level[low] == code:
                found[at] = low


@njit(types.boolean(types.int32[:, ::1], _NUMBER, _NUMBER), cache=True)
def _before(runs, one, other):
    """Whether the longer runs that begin at one word sort before those at another."""
    for level in range(1, len(runs)):
        if runs[level, one] != runs[level, other]:
            return runs[level, one] < runs[level, other]
    return False


@njit(_NUMBER(types.int32[:, ::1], _I4, _I8, _I8, _I4, _I4, _I8), cache=True)
def count_runs(runs, columns, starts, lengths, indices, data, indptr):
    """Count the terms of each text, as the rows of a sorted CSR matrix without duplicates.

    Parameters
    ----------
    runs : ndarray of int32, shape (levels, words)
        Number of the run of 1, 2, … words that begins at each word, or -1.
    columns : ndarray of int32
        Column of each run, or UNKNOWN, level after level.
    starts : ndarray of int64, shape (levels + 1,)
        Where each level begins in `columns`, and where the last ends.
    lengths : ndarray of int64
        Words in each text.
    indices, data, indptr : ndarray
        Filled.

    Returns
    -------
    int
        Numbers in `indices` and `data`.
    """
    levels = len(runs)
    order, keys, own = np.empty(FEW, np.int64), np.empty(FEW, np.int32), np.empty(levels, np.int64)
    filled, end = 0, 0
    for row in range(len(lengths)):
        begin, end = end, end + lengths[row]
        # A run stands before the runs that it begins, so in order of their runs the words give sorted columns.
        if end - begin <= FEW:
            size = 0
            for at in range(begin, end):
                key, back = runs[0, at], size
                if key == UNKNOWN:
                    continue
                while back and (key < keys[back - 1] or (key == keys[back - 1] and _before(runs, at, order[back - 1]))):
                    order[back], keys[back] = order[back - 1], keys[back - 1]
                    back -= 1
                order[back], keys[back] = at, key
                size += 1
            some = order[:size]
        else:
            some = np.arange(begin, end)
            for level in range(levels - 1, -1, -1):
                some = some[np.argsort(runs[level][some], kind="mergesort")]
        before = -1
        for at in some:
            for level in range(levels):
                run = runs[level, at]
                if run == UNKNOWN:
                    break
                if before < 0 or runs[level, before] != run:
                    column = columns[starts[level] + run]
                    own[level] = UNKNOWN
                    if column != UNKNOWN:
                        own[level], indices[filled], data[filled] = filled, column, 0
                        filled += 1
                if own[level] != UNKNOWN:
                    data[own[level]] += 1
            before = at
        indptr[row + 1] = filled
    return filled


@njit(_I4(_I8, _I8, types.boolean[::1]), cache=True)
def number_columns(starts, first, kept):
    """Give each run its column: a run stands before the runs that it begins, so a walk through the tree sorts.

    Parameters
    ----------
    starts : ndarray of int64, shape (levels + 1,)
        Where each level begins among all runs, and where the last ends.
    first : ndarray of int64
        Of each run that is not on the last level, and of the one behind them: where the runs that it begins start.
    kept : ndarray of bool
        Whether a run is a term.

    Returns
    -------
    ndarray of int32
        UNKNOWN for a run that is no term.
    """
    columns = np.full(len(kept), UNKNOWN, np.int32)
    inside = kept.astype(np.int64)  # terms that begin with a run, itself included
    for run in range(len(first) - 2, -1, -1):
        for longer in range(first[run], first[run + 1]):
            inside[run] += inside[longer]
    column = 0
    for run in range(starts[1]):
        inside[run], column = column, column + inside[run]  # from here on: its column
    for run in range(len(first) - 1):
        column = inside[run] + kept[run]
        for longer in range(first[run], first[run + 1]):
            inside[longer], column = column, column + inside[longer]
    for run in range(len(kept)):
        if kept[run]:
            columns[run] = inside[run]
    return columns
