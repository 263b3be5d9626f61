"""Split many texts at once: one byte buffer, no string made for a token.

The texts are joined, encoded and split where a byte can only separate tokens. What stands between two separators, a
chunk, is looked up once however often it occurs; the caller splits each distinct chunk with `tokens.split`, so the
tokens are the same as if each text had been split alone.
"""

import numpy as np
import pyarrow as pa

from chatkit.text.tokens import ADDRESS_MARKS, normalise

# What a byte of normalised UTF-8 can be. Bytes from 128 up belong to characters outside of ASCII: they stay in the
# chunk, and `tokens.split` decides.
_SEPARATOR, _LETTER, _DIGIT, _OTHER, _POINT, _APOSTROPHE, _DOLLAR = range(7)


def _kind(byte):
    character = chr(byte)
    if byte > 127:
        return _OTHER
    if character.isdigit():
        return _DIGIT
    if character.isalpha() or character == "_":
        return _LETTER
    if character in ".,:/-":
        return _POINT
    return {"'": _APOSTROPHE, "$": _DOLLAR}.get(character, _SEPARATOR)


_KINDS = bytes(map(_kind, range(256)))
_LOWER = bytes(byte + 32 if chr(byte) in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" else byte for byte in range(256))
_NUMBER = np.isin(range(7), [_DIGIT, _OTHER])  # kinds that a number can begin or end with
_WORD = np.isin(range(7), [_LETTER, _DIGIT, _OTHER])
_SEPARATORS = bytes(byte for byte in range(256) if _KINDS[byte] == _SEPARATOR)


def split_batch(texts):
    """Split texts into chunks and number the distinct ones.

    Parameters
    ----------
    texts : list of str
        At least one.

    Returns
    -------
    chunks : list of str
        The distinct chunks, each to be split by `tokens.split`.
    numbers : ndarray of int32
        Number of each chunk in order of the texts.
    lengths : ndarray of int64, shape (n,)
        Chunks in each text.

    Examples
    --------
    >>> chunks, numbers, lengths = split_batch(["Lost card!", "lost it, paid $5."])
    >>> [chunks[number] for number in numbers], lengths.tolist()
    (['lost', 'card', 'lost', 'it', 'paid', '$5'], [2, 4])
    """
    texts = _normalised(texts)
    joined = "\n".join(["", *texts, ""])
    # A lone surrogate separates tokens, and so does the "?" in its place.
    encoded = bytearray(joined, "utf-8", "replace")
    if len(encoded) == len(joined):
        sizes = list(map(len, texts))
    else:
        sizes = [len(text) if text.isascii() else len(text.encode("utf-8", "replace")) for text in texts]
    ends = np.cumsum(np.array(sizes) + 1)
    kinds = np.frombuffer(encoded.translate(_KINDS), np.uint8)
    _cut_loose_marks(np.frombuffer(encoded, np.uint8), kinds)
    edges = np.flatnonzero(np.diff(kinds != _SEPARATOR))
    starts = edges[::2]
    offsets = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(edges[1::2] - starts, out=offsets[1:])
    letters = encoded.translate(_LOWER, _SEPARATORS)
    every = pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(letters))
    distinct = every.dictionary_encode()
    lengths = np.diff(np.searchsorted(starts, ends), prepend=0)
    return distinct.dictionary.to_pylist(), distinct.indices.to_numpy(), lengths


def _normalised(texts):
    """Normalise the texts that need more than lower case in ASCII."""
    plain = [text if text.isascii() else "" for text in texts]
    ends = np.cumsum(np.array(list(map(len, plain))) + 1)
    joined = "\n".join(plain).lower()
    special = {row for row, text in enumerate(texts) if not text.isascii()}
    for mark in ADDRESS_MARKS:
        at = joined.find(mark)
        while at >= 0:
            row = int(np.searchsorted(ends, at, side="right"))
            special.add(row)
            at = joined.find(mark, int(ends[row]))
    normalised = list(texts)
    for row in special:
        normalised[row] = normalise(texts[row])
    return normalised


def _cut_loose_marks(encoded, kinds):
    """Blank the marks that hold nothing together: a full stop at the end of a sentence, a quote around a word."""
    at = np.flatnonzero(kinds >= _POINT)
    mark, before, after = kinds[at], kinds[at - 1], kinds[at + 1]
    number_before, number_after = _NUMBER[before], _NUMBER[after]
    holds = np.choose(mark - _POINT, [number_before & number_after, _WORD[before] & _WORD[after], number_after])
    loose = at[~holds]
    encoded[loose], kinds[loose] = ord(" "), _SEPARATOR
