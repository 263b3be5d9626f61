"""Split many texts at once: one byte buffer, no string made for a token.

The texts are joined, encoded and split where a byte can only separate tokens. What stands between two separators, a
chunk, is numbered the first time it occurs; the caller splits each distinct chunk with `tokens.split`, so the tokens
are the same as if each text had been split alone.
"""

import numpy as np
import pyarrow as pa

from chatkit.text import compiled
from chatkit.text.scripts import UNSPACED_LETTER
from chatkit.text.tokens import normalise, split


class Chunks:
    """The distinct chunks of all texts so far, numbered in order of their first occurrence.

    Examples
    --------
    >>> chunks = Chunks()
    >>> numbers, lengths = chunks.read(["Lost card!", "lost it, paid $5."])
    >>> numbers.tolist(), lengths.tolist()
    ([0, 1, 0, 2, 3, 4], [2, 4])
    >>> chunks.since(0)
    ['lost', 'card', 'it', 'paid', '$5']
    """

    def __init__(self):
        self.known = 0
        self._table = np.zeros((2**12, 3), np.uint64)
        self._starts, self._letters = np.zeros(2**11, np.int64), np.empty(2**14, np.uint8)

    def read(self, texts):
        """Number the chunks of texts, which together are one buffer.

        Parameters
        ----------
        texts : list of str

        Returns
        -------
        numbers : ndarray of int32
            Text after text.
        lengths : ndarray of int64, shape (n,)
            Chunks in each text.
        """
        encoded, ends = _encode(texts)
        data = compiled.write(np.frombuffer(encoded, np.uint8))
        words = data.view(np.uint64)
        firsts, lasts = np.empty((2, len(data) // 2), np.uint32)
        count = compiled.split(words, firsts, lasts)
        firsts, lasts, numbers, at = firsts[:count], lasts[:count], np.empty(count, np.int32), 0
        while True:
            at, self.known, size = compiled.number_chunks(
                data, words, firsts, lasts, self._table, self._starts, self._letters, numbers, at, self.known
            )
            if at == count:
                return numbers, np.diff(np.searchsorted(firsts, ends), prepend=0)
            self._make_room(size)

    def since(self, number):
        """Return the chunks from a number on."""
        starts = self._starts[number : self.known + 1]
        letters = pa.py_buffer(self._letters[starts[0] : starts[-1]])
        offsets = pa.py_buffer((starts - starts[0]).astype(np.int32))
        return pa.StringArray.from_buffers(self.known - number, offsets, letters).to_pylist()

    def _make_room(self, size):
        """Double what has no room for another chunk, of so many bytes."""
        if 4 * self.known >= 3 * len(self._table):
            larger = np.zeros((2 * len(self._table), 3), np.uint64)
            compiled.move(self._table, larger)
            self._table = larger
        if self.known + 1 == len(self._starts):
            self._starts = np.resize(self._starts, 2 * len(self._starts))
        if self._starts[self.known] + size > len(self._letters):
            self._letters = np.resize(self._letters, 2 * len(self._letters) + size)


def batches(texts, characters):
    """Cut texts into batches of about as many characters.

    Parameters
    ----------
    texts : list of str
    characters : int

    Yields
    ------
    list of str

    Examples
    --------
    >>> list(batches(["lost", "my", "card"], 5))
    [['lost', 'my'], ['card']]
    """
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    start, done = 0, 0
    while start < len(texts):
        end = min(int(np.searchsorted(ends, done + characters)) + 1, len(texts))
        yield texts[start:end]
        start, done = end, int(ends[end - 1])


def _encode(texts):
    """Join and encode texts, those normalised that need more than lower case in ASCII, and say where each ends."""
    plain = np.fromiter(map(str.isascii, texts), bool, len(texts))
    # Without the few that are not, all is ASCII, and to encode it is to copy it.
    joined = texts if plain.all() else [text if text.isascii() else "" for text in texts]
    sizes = np.fromiter(map(len, joined), np.int64, len(texts))
    encoded, ends = _utf8("\n".join(["", *joined, ""])), np.cumsum(sizes + 1)
    special = ~plain | compiled.with_address(np.frombuffer(encoded, np.uint8), ends)
    if not special.any():
        return encoded, ends
    pieces, done = [], 0
    for row in np.flatnonzero(special).tolist():
        text = normalise(texts[row])
        # In a script without spaces a whole clause would be a chunk, and hardly any would come twice.
        text = _utf8(" ".join(split(text)) if UNSPACED_LETTER.search(text) else text)
        pieces += encoded[done : ends[row] - sizes[row]], text
        done, sizes[row] = ends[row], len(text)
    return b"".join([*pieces, encoded[done:]]), np.cumsum(sizes + 1)


def _utf8(text):
    # A lone surrogate separates tokens, and so does the "?" in its place.
    return text.encode("utf-8", "replace")
