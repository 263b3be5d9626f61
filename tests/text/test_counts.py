"""From text to term counts."""

import pickle
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer

from chatkit.text import counts as counting
from chatkit.text.counts import TermCounter
from chatkit.text.messages import JOINT
from chatkit.text.processor import TextProcessor
from chatkit.text.tokens import BOUNDARY
from chatkit.text.vocabulary import Vocabulary
from tests.conftest import word
from tests.text.test_batch import AWKWARD

WORDS = st.sampled_from([
    "lost", "card", "Cards", "can't", "the", "$5", "it's", "a.b", "1.5", "", "ΑΣ", "dont", "x@y.z", "ab123456c", "b.cd/e",
])  # fmt: skip
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join) | st.text(AWKWARD, max_size=20), min_size=1, max_size=30)
RANGES = st.sampled_from([(1, 1), (1, 2), (2, 2), (1, 3), (2, 3), (3, 3)])


def reference(texts, stop_words, **options):
    """CountVectorizer on what TextProcessor gives."""
    vectorizer = CountVectorizer(lowercase=False, token_pattern=r"\S+", **options)
    return vectorizer, vectorizer.fit_transform(TextProcessor(stop_words).transform(texts))


def assert_same(ours, theirs):
    """Element by element, and sorted."""
    theirs = theirs.sorted_indices()
    assert ours.shape == theirs.shape
    np.testing.assert_array_equal(ours.indptr, theirs.indptr)
    np.testing.assert_array_equal(ours.indices, theirs.indices)
    np.testing.assert_array_equal(ours.data, theirs.data)


@settings(max_examples=300, deadline=None)
@given(TEXTS, RANGES, st.sampled_from([1, 2, 3, 0.2, 1.0]), st.sampled_from([None, "english", ("card",)]))
def test_counts_are_those_of_scikit_learn(texts, ngram_range, min_df, stop_words):
    """The same terms in the same columns with the same counts; or both find no term."""
    counter = TermCounter(stop_words, ngram_range=ngram_range, min_df=min_df)
    try:
        vectorizer, expected = reference(texts, stop_words, ngram_range=ngram_range, min_df=min_df)
    except ValueError:
        with pytest.raises(ValueError, match="no term is in"):
            counter.fit(texts)
        return
    assert_same(counter.fit_transform(texts), expected)
    assert counter.get_feature_names_out().tolist() == vectorizer.get_feature_names_out().tolist()
    new = [" ".join(texts), *texts[::-1], "unheard of words"]
    assert_same(counter.transform(new), vectorizer.transform(TextProcessor(stop_words).transform(new)))
    counter.vocabulary_ = Vocabulary.read(counter.get_feature_names_out().tolist())
    assert_same(counter.transform(new), vectorizer.transform(TextProcessor(stop_words).transform(new)))


@settings(max_examples=200, deadline=None)
@given(TEXTS, RANGES)
def test_the_size_of_a_batch_changes_nothing(texts, ngram_range):
    """One by one, in a batch, or cut in batches of a few characters and rows."""
    outputs = []
    for few, characters in ((10**6, 10**6), (0, 10**6), (0, 15), (0, 7), (0, 1)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(counting, "FEW", few)
            patch.setattr(counting, "CHARACTERS", characters)
            counter = TermCounter(ngram_range=ngram_range, min_df=1)
            try:
                fitted = counter.fit_transform(texts)
            except ValueError:
                outputs.append(None)
                continue
            outputs.append((counter, fitted, counter.transform(texts)))
    for output in outputs[1:]:
        assert (output is None) == (outputs[0] is None)
        if output is not None:
            assert (output[0].get_feature_names_out() == outputs[0][0].get_feature_names_out()).all()
            assert_same(output[1], outputs[0][1])
            assert_same(output[2], outputs[0][1])


def test_a_run_ends_with_its_text():
    """The last word of a text and the first of the next are no neighbours, empty texts between them or not."""
    names = TermCounter(ngram_range=(1, 3), min_df=1).fit(["lost card", "", "lost", "now"]).get_feature_names_out()
    assert names.tolist() == ["card", "lose", "lose card", "now"]


def test_an_unknown_word_stands_between_its_neighbours():
    """As in CountVectorizer: "lost card" is no run in "lost my_new card"."""
    counter = TermCounter(min_df=1).fit(["lost card"])
    assert counter.transform(["lost blue card"]).toarray().tolist() == [[1, 1, 0]]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=6).map(" ".join), min_size=2, max_size=4), RANGES)
def test_no_run_crosses_a_boundary(parts, ngram_range):
    """The counts of a text in parts are the sums of its parts' counts, one text or many, and there are no other terms."""
    one, many = [JOINT.join(parts)], [JOINT.join(parts)] * counting.FEW
    try:
        apart = TermCounter(ngram_range=ngram_range, min_df=1).fit(parts)
    except ValueError:
        with pytest.raises(ValueError, match="no term is in"):
            TermCounter(ngram_range=ngram_range, min_df=1).fit(one)
        return
    for texts in (one, many):
        counter = TermCounter(ngram_range=ngram_range, min_df=1)
        for counts in (counter.fit_transform(texts), counter.transform(texts), apart.transform(texts)):
            assert (counts.toarray() == apart.transform(parts).sum(axis=0)).all()
        assert counter.get_feature_names_out().tolist() == apart.get_feature_names_out().tolist()


def test_a_boundary_in_a_text_of_its_own_only_parts_words():
    """However it stands there: it is no term by itself, whether a text comes alone or among many."""
    text = f"lost{BOUNDARY}card {BOUNDARY}5{BOUNDARY} {BOUNDARY}"
    counter = TermCounter(min_df=1).fit([text])
    assert counter.get_feature_names_out().tolist() == ["_number_", "card", "lose"]
    assert counter.transform([text] * counting.FEW).toarray().tolist() == [[1, 1, 1]] * counting.FEW
    assert TextProcessor().transform([text])[0] == "lose card _number_"


def test_missing_text_is_empty():
    """None and NaN give a row of zeros."""
    counter = TermCounter(min_df=1).fit(["card", None])
    assert counter.transform([None, float("nan"), pd.NA]).nnz == 0


def test_a_clone_and_a_pickle_work():
    """A clone is not fitted, a pickle is, and neither carries what was only remembered."""
    counter = TermCounter(domain_words=["harbor"], min_df=1).fit(["harbor card"])
    counter.transform(["card"])
    assert not hasattr(clone(counter), "vocabulary_")
    copy = pickle.loads(pickle.dumps(counter))  # noqa: S301 - our own bytes
    assert "_reader" not in vars(copy)
    assert copy.transform(["Harbor cards"]).toarray().tolist() == [[1]]


def test_a_changed_parameter_and_a_new_fit_count():
    """What was remembered for other words or other terms is forgotten."""
    counter = TermCounter(min_df=1, lemmatizer="none").fit(["cards"])
    assert counter.transform(["cards"]).sum() == 1
    counter.fit(["new"])
    assert counter.transform(["cards"]).sum() == 0
    assert counter.set_params(domain_words=["new"]).transform(["new"]).sum() == 0


def test_the_memory_is_bounded(monkeypatch):
    """Typos cannot fill the memory of a service; what is forgotten is worked out again."""
    monkeypatch.setattr("chatkit.text.tokens.Words.LIMIT", 10)
    counter = TermCounter(min_df=1).fit(["lost card"])
    for number in range(5):
        many = [f"card can't{word(number)} " + " ".join(word(number, n) for n in range(20))] * 20
        assert counter.transform(many)[:, 0].sum() == 20
        assert counter.transform(many[:1])[:, 0].sum() == 1
    assert len(counter._reader) <= 60
    assert len(counter._words()) <= 60


def test_rare_runs_take_no_memory_as_strings():
    """Ten thousand distinct pairs, none kept: far less than their strings would take."""
    texts = [f"{word(n)} {word(n + 1)} {word(n + 2)}" for n in range(10_000)]
    counter = TermCounter(lemmatizer="none", ngram_range=(2, 2), min_df=2).fit(texts)
    assert len(counter.get_feature_names_out()) == 9_999
    tracemalloc.start()
    with pytest.raises(ValueError, match="no term is in 3 of them"):
        TermCounter(lemmatizer="none", ngram_range=(2, 2), min_df=3).fit(texts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"min_df": 0}, "Got min_df=0, expected a whole number of texts from 1 up"),
        ({"min_df": 1.5}, "Got min_df=1.5, expected"),
        ({"min_df": 9}, "Got 2 texts in which no term is in 9 of them"),
        ({"min_df": "2"}, "Got min_df='2', expected a whole number"),
        ({"ngram_range": (2, 1)}, r"Got ngram_range=\(2, 1\), expected two whole numbers"),
        ({"ngram_range": 2}, "Got ngram_range=2, expected two whole numbers"),
        ({"domain_words": "card"}, "Got domain_words='card', expected a list of words"),
        ({"stop_words": "klingon"}, "Got stop_words='klingon'"),
    ],
)
def test_bad_parameters_give_one_sentence(options, said):
    """When fitting, not before."""
    with pytest.raises(ValueError, match=said):
        TermCounter(**options).fit(["lost card", "new card"])


def test_one_endless_chunk_takes_no_memory_for_the_others():
    """Words between dashes outside of ASCII are one chunk; it stands among many short texts."""
    texts = ["lost my card today"] * 20_000 + ["\u2014".join(["card"] * 5_000)]
    counter = TermCounter(ngram_range=(1, 1), min_df=1).fit(texts[:20])
    counter.transform(texts[:100])
    tracemalloc.start()
    found = counter.transform(texts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[-1, counter.get_feature_names_out().tolist().index("card")] == 5_000
    assert peak < 50_000_000


def test_threads_may_share_a_fitted_counter():
    """Eight threads that take turns often, each batch with words that nobody has seen: the counts are those of one."""
    texts = [[f"{word(batch, row)} word{'abcdefghij'[row % 10]}{'klmnopqr'[batch % 8]} card" for row in range(200)]
             for batch in range(64)]  # fmt: skip
    known = [f"word{one}{other} card" for one in "abcdefghij" for other in "klmnopqr"]
    counter = TermCounter(ngram_range=(1, 1), min_df=1).fit(known)
    expected = [clone(counter).fit(known).transform(batch) for batch in texts]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(counter.transform, texts))
    finally:
        sys.setswitchinterval(interval)
    for one, other in zip(found, expected, strict=True):
        assert (one != other).nnz == 0
