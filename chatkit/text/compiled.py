"""The loops over every byte and every word of a corpus, compiled by numba.

They are compiled when they are first imported, which takes some seconds (`make` does so at installation), and kept in
__pycache__. All numbers are integers, and bytes are read as little-endian processors do, so the result is the same on
every processor that numba compiles for. Nothing here checks its input: the callers do. What is only read may be
read-only, as the arrays of a large model are that joblib maps into memory.
"""

import numpy as np
from numba import njit, types

UNKNOWN, NOTHING = -1, -2  # instead of a word's number: in no term; no word
SEPARATOR = 0  # the byte that stands for all that only separate
FEW = 500  # columns of a text that are sorted by comparing each with each
LANES = 32  # of them at once
BLOCK = 64  # bytes, or chunks, at once
_PRIME, _ALL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFFFFFFFFFFFFFFFF)
_SHORT, _LONG = np.uint64(15), np.uint64(0xFF00000000000000)  # bytes that fit into a key; what marks a longer one
_SHIFT, _LARGEST = np.uint64(32), np.iinfo(np.int32).max
# By these a multiplication gathers the lowest bits of eight bytes, and numbers a single bit.
_ONES, _GATHER = np.uint64(0x0101010101010101), np.uint64(0x0102040810204080)
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT_NUMBERS = np.empty(64, np.uint64)
_BIT_NUMBERS[[(int(_DE_BRUIJN) << bit) % 2**64 >> 58 for bit in range(64)]] = range(64)
_I4, _I8, _U1, _U4, _U8 = types.int32[::1], types.int64[::1], types.uint8[::1], types.uint32[::1], types.uint64[:, ::1]
_NUMBER = types.int64


def read_only(array):
    """Return the type of a parameter that is only read: it takes arrays that may not be written, and others."""
    return array.copy(readonly=True)


_BYTES, _WORDS, _FLAGS = (read_only(array) for array in (_U1, types.uint64[::1], types.boolean[::1]))
_READ_I4, _READ_I8, _READ_U4, _READ_U8 = map(read_only, (_I4, _I8, _U4, _U8))


@njit(_U1(_BYTES), cache=True)
def write(data):
    """Write texts in lower case, and SEPARATOR for each byte that is no part of a token.

    A mark is a part where it holds a token together; that is not the full stop of a sentence, nor a quote around a
    word. The texts have a byte that is no part of a token before and behind them.
    """
    # Whole blocks of `split`, with room for eight more bytes behind the last. No branches below: so it is done for many
    # bytes at once.
    written = np.zeros((len(data) + 2 * BLOCK) // BLOCK * BLOCK, np.uint8)
    for at in range(1, len(data) - 1):
        before, byte, after = data[at - 1], data[at], data[at + 1]
        number_before = ((before >= 48) & (before <= 57)) | (before > 127)
        number_after = ((after >= 48) & (after <= 57)) | (after > 127)
        small_before, small, small_after = before | 32, byte | 32, after | 32
        word_before = number_before | ((small_before >= 97) & (small_before <= 122)) | (before == 95)
        word_after = number_after | ((small_after >= 97) & (small_after <= 122)) | (after == 95)
        letter = (small >= 97) & (small <= 122)
        other = ((byte >= 48) & (byte <= 57)) | (byte == 95) | (byte > 127) | (byte == 23)  # BOUNDARY of `tokens`
        between = ((byte >= 44) & (byte <= 47)) | (byte == 58)  # , - . / :
        held = (between & number_before & number_after) | ((byte == 36) & number_after)  # 36 is "$"
        apostrophe = (byte == 39) | (byte == 96)  # also "`"
        held |= apostrophe & word_before & word_after
        written[at] = small if letter else 39 if apostrophe & held else byte if other | held else SEPARATOR
    return written


@njit(types.uint64(_WORDS, types.uint64), cache=True)
def _eight(words, position):
    """The eight bytes from a position on, the first one lowest."""
    word, shift = position >> np.uint64(3), (position & np.uint64(7)) << np.uint64(3)
    # By two steps, since a shift by all 64 bits is not defined.
    return words[word] >> shift | (words[word + np.uint64(1)] << np.uint64(1)) << (np.uint64(63) - shift)


@njit(types.boolean(_BYTES, types.uint64, types.uint64, _BYTES, _NUMBER, _NUMBER), cache=True)
def _is(data, first, end, letters, start, stop):
    """Whether the bytes are those of a known chunk."""
    if end - first != np.uint64(stop - start):
        return False
    for own in range(first, end):
        if data[own] != letters[start]:
            return False
        start += 1
    return True


@njit(types.uint64(types.uint64, types.uint64), cache=True)
def _slot(low, high):
    """Where to look for a key first, in all bits."""
    mixed = (low ^ (high * _PRIME)) * _PRIME
    return mixed ^ mixed >> _SHIFT


@njit(_NUMBER(_WORDS, _U4, _U4), cache=True)
def split(words, firsts, ends):
    """Find the chunks: what stands between separators.

    Parameters
    ----------
    words : ndarray of uint64
        What `write` gives, eight bytes in one.
    firsts, ends : ndarray of uint32
        Filled: where each chunk begins and where it ends.

    Returns
    -------
    int
        How many there are.
    """
    # A bit for each of 64 bytes says whether it is in a chunk; then only the bits at which chunks begin or end are
    # used. Byte after byte a processor would have to guess where each chunk ends.
    one, last, low = np.uint64(1), np.uint64(63), np.uint64(0x7F7F7F7F7F7F7F7F)
    begun, ended, before = 0, 0, np.uint64(0)
    for block in range(len(words) // 8):
        inside = np.uint64(0)
        for number in range(8):
            word = words[8 * block + number]
            word = (((word & low) + low | word) >> np.uint64(7)) & _ONES  # 1 in each byte that is not 0
            inside |= (word * _GATHER >> np.uint64(56)) << np.uint64(8 * number)
        shifted = inside << one | before
        before = inside >> last
        first, end, start = inside & ~shifted, shifted & ~inside, np.uint64(BLOCK * block)
        while first:
            firsts[begun] = start + _BIT_NUMBERS[(first & (~first + one)) * _DE_BRUIJN >> np.uint64(58)]
            first &= first - one
            begun += 1
        while end:
            ends[ended] = start + _BIT_NUMBERS[(end & (~end + one)) * _DE_BRUIJN >> np.uint64(58)]
            end &= end - one
            ended += 1
    return begun


@njit(
    types.UniTuple(_NUMBER, 3)(_BYTES, _WORDS, _READ_U4, _READ_U4, _U8, _I8, _U1, _I4, _NUMBER, _NUMBER),
    cache=True,
)
def number_chunks(data, words, firsts, ends, table, starts, letters, numbers, at, known):
    """Number chunks, a new one getting the next number, until there is no room for one.

    Parameters
    ----------
    data : ndarray of uint8
        What `write` gives.
    words : ndarray of uint64
        The same, eight bytes in one.
    firsts, ends : ndarray of uint32
        Where each chunk begins and ends in `data`.
    table : ndarray of uint64, shape (2 ** i, 3)
        Hash table of known chunks: the two halves of the key, and the number plus 1, or 0 in a free row.
    starts : ndarray of int64
        Where each known chunk begins in `letters`, and where the last ends.
    letters : ndarray of uint8
    numbers : ndarray of int32
        Filled: the number of each chunk.
    at, known : int
        Chunks done before, and distinct ones among them and in `table`.

    Returns
    -------
    at, known, size : int
        The same afterwards, and the bytes of the chunk that has no room.
    """
    one, eight, top, full = np.uint64(1), np.uint64(8), np.uint64(56), np.uint64(64)
    mask = np.uint64(len(table) - 1)
    keys = np.empty((BLOCK, 2), np.uint64)
    for start in range(at, len(firsts), BLOCK):
        # First the keys, then the table: a processor that has guessed wrongly about a chunk's length would wait for the
        # memory of the chunks before it.
        for chunk in range(start, min(start + BLOCK, len(firsts))):
            first, end = np.uint64(firsts[chunk]), np.uint64(ends[chunk])
            size = end - first
            # The key of up to 15 bytes is made of them and their number, one to one; that of a longer chunk is not.
            low = _eight(words, first) & (_ALL >> (full - (min(size, eight) << np.uint64(3))))
            high = size << top
            if size > _SHORT:
                high, position = np.uint64(0), first + eight
                while position < end - eight:
                    high = _slot(_eight(words, position), high)
                    position += eight
                high = _slot(_eight(words, end - eight), high ^ size) | _LONG
            elif size > eight:
                high |= _eight(words, end - eight) >> ((np.uint64(16) - size) << np.uint64(3))
            keys[chunk - start, 0], keys[chunk - start, 1] = low, high
        for chunk in range(start, min(start + BLOCK, len(firsts))):
            low, high = keys[chunk - start]
            slot = _slot(low, high) & mask
            while True:
                number = np.int64(table[slot, 2]) - 1
                if number == UNKNOWN:
                    last, size = starts[known], np.int64(ends[chunk] - firsts[chunk])
                    if 4 * known >= 3 * len(table) or known + 1 == len(starts) or last + size > len(letters):
                        return chunk, known, size
                    number = known
                    known += 1
                    table[slot, 0], table[slot, 1], table[slot, 2] = low, high, np.uint64(known)
                    for position in range(firsts[chunk], ends[chunk]):
                        letters[last] = data[position]
                        last += 1
                    starts[known] = last
                    break
                if table[slot, 0] == low and table[slot, 1] == high:
                    first, end = np.uint64(firsts[chunk]), np.uint64(ends[chunk])
                    if high < _LONG or _is(data, first, end, letters, starts[number], starts[number + 1]):
                        break
                slot = (slot + one) & mask
            numbers[chunk] = number
    return len(firsts), known, 0


@njit(types.void(_READ_U8, _U8), cache=True)
def move(table, larger):
    """Fill a larger hash table."""
    mask = np.uint64(len(larger) - 1)
    for old in range(len(table)):
        if table[old, 2]:
            slot = _slot(table[old, 0], table[old, 1]) & mask
            while larger[slot, 2]:
                slot = (slot + np.uint64(1)) & mask
            larger[slot] = table[old]


@njit(types.boolean[::1](_BYTES, _READ_I8), cache=True)
def with_address(data, ends):
    """Whether each text may hold an address, an IBAN, a BIC, an id or HTML's references; a few too many do no harm.

    That is "@", "&", "%4", "://", "www.", a slash and a dot in front of a letter, "bic", "wif", or a digit behind a
    letter.
    """
    flags, start, one = np.zeros(len(ends), np.bool_), np.uint64(1), np.uint64(1)
    for row in range(len(ends)):
        special, slash, dot, end = False, False, False, np.uint64(ends[row])
        for position in range(start, end):
            byte, after, before = data[position], data[position + one], data[position - one]
            left, middle, right = before | 32, byte | 32, after | 32
            special |= (byte == 64) | (byte == 38) | ((byte == 37) & (after == 52)) | ((byte == 58) & (after == 47))
            special |= (byte >= 48) & (byte <= 57) & (left >= 97) & (left <= 122)
            special |= (left == 119) & (((middle == 119) & (after == 46)) | ((middle == 105) & (right == 102)))
            special |= (left == 98) & (middle == 105) & (right == 99)
            slash, dot = slash | (byte == 47), dot | ((byte == 46) & (right >= 97) & (right <= 122))
        flags[row] = special | (slash & dot)
        start = end + one
    return flags


@njit(_I4(_READ_I4, _I8, _READ_I4, _READ_I8, _READ_I4), cache=True)
def replace_chunks(chunks, lengths, values, starts, several):
    """Replace chunks by the numbers of their words; `lengths` becomes words in each text.

    `values` has for each chunk its word's number, UNKNOWN or NOTHING; NOTHING - 1 - i is for the words from
    ``several[starts[i]]`` to ``several[starts[i + 1]]``.
    """
    size = 1
    for chunk in chunks:
        value = values[chunk]
        size += value >= UNKNOWN
        if value < NOTHING:
            size += starts[NOTHING - value] - starts[NOTHING - 1 - value]
    numbers = np.empty(size, np.int32)
    filled, start = 0, 0
    for row in range(len(lengths)):
        before = filled
        for position in range(start, start + lengths[row]):
            value = values[chunks[position]]
            # Nearly half of the chunks are stop words, in no order: to write and write over is cheaper than to ask.
            numbers[filled] = value
            filled += value >= UNKNOWN
            if value < NOTHING:
                first = NOTHING - 1 - value
                for one in range(starts[first], starts[first + 1]):
                    numbers[filled] = several[one]
                    filled += 1
        start += lengths[row]
        lengths[row] = filled - before
    return numbers[:filled]


@njit(_I8(_READ_I4, _NUMBER), cache=True)
def tally(numbers, size):
    """How often each number occurs."""
    counts = np.zeros(size, np.int64)
    for number in numbers:
        counts[number] += 1
    return counts


@njit(_I8(_READ_I4, _READ_I4, _READ_I8, _NUMBER, _NUMBER, _NUMBER, types.float64, _I4), cache=True)
def number_runs(runs, numbers, lengths, n, parents, width, fewest, positions):
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
    positions : ndarray of int32
        Filled: position in the level of the run that begins at each word, or UNKNOWN.

    Returns
    -------
    level : ndarray of int64
        Sorted codes of the runs, each the number of the shorter run times `width` plus that of the last word.
    """
    # Two passes of a counting sort: by the last word, then by the shorter run. What the next pass needs of an entry
    # is kept with its position, in the upper half.
    positions[:] = UNKNOWN
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
                    positions[entry & 0xFFFFFFFF] = distinct
                level[distinct] = run * width + last
                distinct += 1
            begin = end
    return level[:distinct].copy()


@njit(types.void(_READ_I4, _READ_I4, _READ_I8, _NUMBER, _READ_I8, _READ_I8, _NUMBER, _I4), cache=True)
def find_runs(runs, numbers, lengths, n, level, first, width, positions):
    """Find the runs of n words in a level, as `number_runs` made it.

    `first` has for each shorter run the position in `level` of the first run that it begins; `positions` is filled.
    """
    end = 0
    for row in range(len(lengths)):
        begin, end = end, end + lengths[row]
        for at in range(begin, end):
            positions[at] = UNKNOWN
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
                positions[at] = low


@njit(_NUMBER(read_only(types.int32[:, ::1]), _READ_I4, _READ_I8, _READ_I8, _I4, _I4, _I8), cache=True)
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
    own, order, repeats = np.empty(longest + LANES, np.int32), np.empty(longest, np.int32), np.zeros(longest, np.int32)
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
            for position in range(size):
                if own[position] != own[first]:
                    first = position
                order[first] = own[first]
                repeats[first] += 1
        else:
            # A column stands behind all that are smaller. To compare each with each is quadratic, but a processor
            # compares many at once and never has to guess; behind the row is what is never smaller.
            padded = own[: (size + LANES - 1) // LANES * LANES]
            padded[size:] = _LARGEST
            for column in padded[:size]:
                smaller = np.uint32(0)
                for other in padded:
                    smaller = np.uint32(smaller + np.uint32(other < column))
                order[smaller] = column
                repeats[smaller] += 1
        position = 0
        while position < size:
            indices[filled], data[filled] = order[position], repeats[position]
            filled += 1
            repeats[position], position = 0, position + repeats[position]
        indptr[row + 1] = filled
    return filled


@njit(_I4(_READ_I8, _READ_I8, _FLAGS), cache=True)
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
