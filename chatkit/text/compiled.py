"""The loops over every byte and every word of a corpus, compiled by numba.

They are compiled when they are first imported, which takes some seconds, and kept in __pycache__. All numbers are
integers, so the result is the same on every processor. Nothing here checks its input: the callers do.
"""

import numpy as np
from numba import njit, types

UNKNOWN, NOTHING = -1, -2  # in place of a word's number: in no term; no word
SEPARATOR = 0  # the byte that stands for all that only separate
FEW = 500  # columns of a text that are sorted by comparing each with each
LANES = 32
SHORT = 7  # bytes that fit into a key with their number
_BASIS, _PRIME = np.uint64(14695981039346656037), np.uint64(0x9E3779B97F4A7C15)
_SHIFT, _LARGEST = np.uint64(32), np.iinfo(np.int32).max
_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_WORDS = types.Array(types.uint64, 1, "C", readonly=True)
_I4, _I8, _U8 = types.int32[::1], types.int64[::1], types.uint64[:, ::1]
_NUMBER = types.int64


@njit(types.uint8[::1](_BYTES), cache=True)
def write(data):
    """Write texts in lower case, and SEPARATOR in the place of each byte that is no part of a token.

    A mark is a part where it holds a token together; that is not the full stop of a sentence, nor a quote around a
    word. The texts have a byte that is no part of a token before and behind them.
    """
    # No branches: this is done for many bytes at once.
    written = np.zeros(len(data), np.uint8)
    for at in range(1, len(data) - 1):
        before, byte, after = data[at - 1], data[at], data[at + 1]
        number_before = ((before >= 48) & (before <= 57)) | (before > 127)
        number_after = ((after >= 48) & (after <= 57)) | (after > 127)
        small_before, small, small_after = before | 32, byte | 32, after | 32
        word_before = number_before | ((small_before >= 97) & (small_before <= 122)) | (before == 95)
        word_after = number_after | ((small_after >= 97) & (small_after <= 122)) | (after == 95)
        letter = (small >= 97) & (small <= 122)
        other = ((byte >= 48) & (byte <= 57)) | (byte == 95) | (byte > 127)
        between = ((byte >= 44) & (byte <= 47)) | (byte == 58)  # , - . / :
        held = (between & number_before & number_after) | ((byte == 36) & number_after)  # 36 is "$"
        held |= (byte == 39) & word_before & word_after  # an apostrophe
        written[at] = small if letter else byte if other | held else SEPARATOR
    return written


@njit(types.uint64(_WORDS, types.uint64), cache=True)
def _eight(words, at):
    """The eight bytes from a place on, the first one lowest."""
    place, shift = at >> np.uint64(3), (at & np.uint64(7)) << np.uint64(3)
    # By two steps, since a shift by all 64 bits is not defined.
    return words[place] >> shift | (words[place + np.uint64(1)] << np.uint64(1)) << (np.uint64(63) - shift)


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


@njit(_NUMBER(_WORDS, types.uint64, types.uint64, _U8), cache=True)
def _split(words, at, end, found):
    """Find the chunks of a text: `found` gets the key of each, where it begins and where it ends."""
    one, ones, high = np.uint64(1), np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
    top, eight = np.uint64(56), np.uint64(8)
    count = 0
    while at < end:
        first, zero = at, np.uint64(0)
        while not zero:
            # Eight bytes at a time. The lowest that is 0 has its high bit set here; what is above it does not count.
            some = _eight(words, at)
            zero = (some - ones) & ~some & high
            inside = ((zero & (~zero + one)) >> np.uint64(7)) - one  # all bits of the bytes before it
            at += ((inside & ones) * ones) >> top if zero else eight
        size = at - first
        if not size:
            at += one
            continue
        # The key of up to seven bytes is made of them and their number, one to one; that of a longer chunk is not.
        if size <= np.uint64(SHORT):
            key = _eight(words, first) & ((one << (size << np.uint64(3))) - one)
        else:
            key, place = _BASIS, first
            while place + eight < at:
                key = (key ^ _eight(words, place)) * _PRIME
                key ^= key >> _SHIFT
                place += eight
            key ^= _eight(words, at - eight)
        key = (key ^ size << top) * _PRIME
        found[count, 0], found[count, 1], found[count, 2] = key ^ key >> _SHIFT, first, at
        count += 1
    return count


@njit(
    types.UniTuple(_NUMBER, 4)(_BYTES, _WORDS, _I8, _U8, _I8, types.uint8[::1], _I4, _I8, _NUMBER, _NUMBER, _NUMBER),
    cache=True,
)
def number_chunks(data, words, ends, table, starts, letters, places, lengths, row, count, known):
    """Number the chunks of texts, a new chunk getting the next number, until there is no room for one.

    Parameters
    ----------
    data : ndarray of uint8
        From `write`, with a separator between texts.
    words : ndarray of uint64
        The same bytes, eight in one, and eight more behind them.
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
    one, mask, longest, at = np.uint64(1), np.uint64(len(table) - 1), 0, 0
    for end in ends:
        longest, at = max(longest, end - at), end
    found = np.empty((longest // 2 + 1, 3), np.uint64)
    while row < len(ends):
        # First split, then look up: a processor guesses where a chunk ends, wrongly at times, and would wait each time
        # for the memory of the chunk before.
        begin = np.uint64(ends[row - 1] + 1) if row else one
        chunks = _split(words, begin, np.uint64(ends[row]), found)
        for chunk in range(chunks):
            key, first, end = found[chunk]
            long = np.uint64(end - first > np.uint64(SHORT))
            slot = key & mask
            while True:
                entry = table[slot, 1]
                if not entry:
                    last, size = starts[known], np.int64(end - first)
                    if 4 * known >= 3 * len(table) or known + 1 == len(starts) or last + size > len(letters):
                        return row, count, known, size
                    number = known
                    table[slot, 0], table[slot, 1] = key, np.uint64(2 * known + 1) + long
                    for place in range(first, end):
                        letters[last] = data[place]
                        last += 1
                    known += 1
                    starts[known] = last
                    break
                if table[slot, 0] == key and (entry - one) & one == long:
                    number = np.int64((entry - one) >> one)
                    if not long or _is(data, first, end, letters, starts[number], starts[number + 1]):
                        break
                slot = (slot + one) & mask
            places[count + chunk] = number
        lengths[row] = chunks
        count += chunks
        row += 1
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
    most = 1
    for one in range(len(starts) - 1):
        most = max(most, starts[one + 1] - starts[one])
    numbers = np.empty(most * len(places) + 1, np.int32)  # what is not filled takes no memory
    filled, at = 0, 0
    for row in range(len(lengths)):
        before = filled
        for place in range(at, at + lengths[row]):
            value = values[places[place]]
            # Nearly half of the chunks are stop words, in no order: to write and write over is cheaper than to ask.
            numbers[filled] = value
            filled += value >= UNKNOWN
            if value < NOTHING:
                first = NOTHING - 1 - value
                for one in range(starts[first], starts[first + 1]):
                    numbers[filled] = several[one]
                    filled += 1
        at += lengths[row]
        lengths[row] = filled - before
    return numbers[:filled]


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
    levels, filled, end, longest = len(runs), 0, 0, 0
    for length in lengths:
        longest = max(longest, levels * length)
    own, order, times = np.empty(longest + LANES, np.int32), np.empty(longest, np.int32), np.zeros(longest, np.int32)
    for row in range(len(lengths)):
        begin, end = end, end + lengths[row]
        size = 0
        for level in range(levels):
            for at in range(begin, end):
                run = runs[level, at]
                own[size] = UNKNOWN if run == UNKNOWN else columns[starts[level] + run]
                size += own[size] != UNKNOWN
        if size > FEW:
            own[:size].sort()
            first = 0
            for place in range(size):
                if own[place] != own[first]:
                    first = place
                order[first] = own[first]
                times[first] += 1
        else:
            # A column stands behind all that are smaller. To compare each with each is quadratic, but a processor
            # compares many at once and never has to guess; behind the row stands what is never smaller.
            some = own[: (size + LANES - 1) // LANES * LANES]
            some[size:] = _LARGEST
            for column in some[:size]:
                smaller = np.uint32(0)
                for other in some:
                    smaller = np.uint32(smaller + np.uint32(other < column))
                order[smaller] = column
                times[smaller] += 1
        place = 0
        while place < size:
            indices[filled], data[filled] = order[place], times[place]
            filled += 1
            times[place], place = 0, place + times[place]
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
