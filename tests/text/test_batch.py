"""Splitting many texts in one buffer."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatkit.text import batch
from chatkit.text.batch import split_batch
from chatkit.text.tokens import normalise, split

# Whatever the buffer treats in its own way, and letters that change their length or shape in lower case or NFKC.
AWKWARD = "aA1 \n\t.,:/-'’`$£€@_!?wW\x00\x1c\x85\u00a0ßİıΣςK℡ﬁ①٣é\u0301\ud800한\u1100\u1161😟"
TEXTS = st.lists(
    st.text(st.one_of(st.sampled_from(AWKWARD), st.characters())) | st.text(AWKWARD), min_size=1, max_size=8
)


def tokens_of(texts):
    """Tokens of each text as the batch gives them."""
    chunks, numbers, lengths = split_batch(texts)
    rows, end = [], 0
    for length in lengths:
        rows.append([token for number in numbers[end : end + length] for token in split(chunks[number])])
        end += length
    assert end == len(numbers)
    return rows


@settings(max_examples=500, deadline=None)
@given(TEXTS)
@example(["WWW.x.example wWw.Y", "a@b.example,c", "http://a b"])
@example(["1.5", ".5", "5.", "a.b", "1'2", "a'1", "'a'", "$5 5$ $", "1:2/3-4,5"])
@example(["", " ", "\n", "a", ""])
@example(["ΑΣ", "Σ'Α", "İ@x.y", "J\u030c"])
def test_a_batch_splits_as_single_texts_do(texts):
    """On arbitrary Unicode, whatever stands beside it."""
    assert tokens_of(texts) == [split(normalise(text)) for text in texts]


@given(st.text(AWKWARD))
def test_a_token_stays_a_token(text):
    """A token split once more is itself, so that a token and a chunk can share a memory."""
    for token in split(normalise(text)):
        assert split(token) == [token]


def test_each_distinct_chunk_comes_once():
    """A word is looked at once, however often it is said."""
    chunks, numbers, lengths = split_batch(["card card Card", "CARD."])
    assert (chunks, numbers.tolist(), lengths.tolist()) == (["card"], [0, 0, 0, 0], [3, 1])


@pytest.mark.parametrize("mark", [".", "'", "$"])
def test_marks_that_join_matter(mark, monkeypatch):
    """The test above can fail: a buffer that cuts at a mark which joins gives other tokens."""
    kinds = bytearray(batch._KINDS)
    kinds[ord(mark)] = batch._SEPARATOR
    monkeypatch.setattr(batch, "_KINDS", bytes(kinds))
    monkeypatch.setattr(batch, "_SEPARATORS", batch._SEPARATORS + mark.encode())
    text = {".": "1.5", "'": "can't", "$": "$5"}[mark]
    assert tokens_of([text]) != [split(text)]
