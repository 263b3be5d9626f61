"""Splitting many texts in one buffer."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatkit.text import compiled
from chatkit.text.batch import Chunks
from chatkit.text.tokens import normalise, split

# Whatever the buffer treats in its own way, and letters that change their length or shape in lower case or NFKC.
AWKWARD = "aA1 \n\t.,;:/-'’`\"“(){}[]<>|\\$£€@_!?wW\x00\x1c\x85\u00a0ßİıΣςK℡ﬁ①٣é\u0301\ud800한\u1100\u1161😟"
TEXTS = st.lists(
    st.text(st.one_of(st.sampled_from(AWKWARD), st.characters())) | st.text(AWKWARD), min_size=1, max_size=8
)


def tokens_of(texts):
    """Tokens of each text as the batch gives them."""
    distinct = Chunks()
    numbers, lengths = distinct.read(texts)
    chunks, rows, end = distinct.since(0), [], 0
    for length in lengths:
        rows.append([token for number in numbers[end : end + length] for token in split(chunks[number])])
        end += length
    assert end == len(numbers)
    return rows


@settings(max_examples=500, deadline=None)
@given(TEXTS)
@example(["WWW.x.example wWw.Y", "a@b.example,c", "http://a b"])
@example(['{"a":"b@c.example","d":"https://e","f":"g"}', "a" * 99 + "@ b"])
@example(["1.5", ".5", "5.", "a.b", "1'2", "a'1", "'a'", "$5 5$ $", "1:2/3-4,5"])
@example(["", " ", "\n", "a", ""])
@example(["ΑΣ", "Σ'Α", "İ@x.y", "J\u030c"])
@example(["don`t", "`a`", "5`a a`5", "a`b@c", "`www.x`"])
@example(["a&amp;b", "it&#39;s", "&#64;a &nbsp; &Uuml;", "a;b&c"])
@example(["bank.example/a", "a/b", "c.d", "X.YZ/", "a%40b.cd", "a @ b.cd", "@a"])
@example(["AB123456C", "DE89 3704 0044", "x1", "BIC COBADEFF", "Swift: DEUTDEFF", "bic cobadeff", "wife"])
def test_a_batch_splits_as_single_texts_do(texts):
    """On arbitrary Unicode, whatever stands beside it."""
    assert tokens_of(texts) == [split(normalise(text)) for text in texts]


@given(st.text(AWKWARD))
def test_a_token_stays_a_token(text):
    """A token split once more is itself, so that a token and a chunk can share a memory."""
    for token in split(normalise(text)):
        assert split(token) == [token]


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=4))
def test_batch_after_batch_is_one_batch(batches):
    """What is known from earlier batches keeps its number."""
    one, many = Chunks(), Chunks()
    expected = one.read([text for texts in batches for text in texts])[0].tolist()
    assert [number for texts in batches for number in many.read(texts)[0].tolist()] == expected
    assert many.since(0) == one.since(0)


def test_each_distinct_chunk_comes_once():
    """A word is looked at once, however often it is said."""
    chunks = Chunks()
    numbers, lengths = chunks.read(["card card Card", "CARD."])
    assert (chunks.since(0), numbers.tolist(), lengths.tolist()) == (["card"], [0, 0, 0, 0], [3, 1])


def test_there_is_room_for_any_number_of_chunks():
    """The table grows, within a text as between texts; long chunks that share their beginning are told apart."""
    words = [f"{'long' * (at % 5)}{at}" for at in range(30_000)]
    chunks = Chunks()
    numbers, _ = chunks.read([" ".join(words), *words, " ".join(words[::-1])])
    assert chunks.since(0) == words
    assert numbers.tolist() == [*range(30_000), *range(30_000), *range(29_999, -1, -1)]


@pytest.mark.parametrize("shift", range(0, 70, 3))
def test_chunks_of_any_size_are_told_apart_at_any_place(shift):
    """Words of 1 to 40 bytes, with one byte that is another or with none, wherever in a block of the buffer they begin."""
    words = [("a" * at + "b" + "a" * size)[:size] for size in range(1, 41) for at in range(size + 1)]
    chunks = Chunks()
    numbers, lengths = chunks.read([" " * shift + "x " + " ".join(words), " ".join(words[::-1])])
    assert chunks.since(0) == ["x", *words]
    assert numbers.tolist() == [0, *range(1, len(words) + 1), *range(len(words), 0, -1)]
    assert lengths.tolist() == [len(words) + 1, len(words)]


@pytest.mark.parametrize("mark", [".", "'", "$"])
def test_marks_that_join_matter(mark, monkeypatch):
    """The test above can fail: a buffer that cuts at a mark which joins gives other tokens."""
    write = compiled.write

    def cutting(data):
        written = write(data)
        written[: len(data)][data == ord(mark)] = compiled.SEPARATOR
        return written

    monkeypatch.setattr(compiled, "write", cutting)
    text = {".": "1.5", "'": "can't", "$": "$5"}[mark]
    assert tokens_of([text]) != [split(text)]
