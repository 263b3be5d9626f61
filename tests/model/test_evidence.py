"""How sure a model is of rows that say little."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from chatkit import make_pipeline
from chatkit.model import boosted, linear
from chatkit.model.boosted import BoostedLinearClassifier
from chatkit.model.linear import CalibratedLinearSVC

MESSAGE = ["subject", "body"]
FILLERS = "please help me with this today i have the a of my is it and we you was when".split()
KINDS = [BoostedLinearClassifier, CalibratedLinearSVC]


def invented(rows, seed, k=10):
    """Chats with words of their category; one in fifteen is nothing but numbers, of any category."""
    rng, chats = np.random.default_rng(seed), []
    for _ in range(rows):
        category = rng.integers(k)
        words = [f"w{'abcdefghij'[category]}{letter}" for letter in "xyzuv"]
        body = " ".join(rng.choice(words if rng.random() < 0.35 else FILLERS) for _ in range(rng.integers(5, 26)))
        subject = " ".join(rng.choice(words, 2, replace=False)) if rng.random() < 0.7 else ""
        if rng.random() < 0.07:
            body = f"12345 {rng.integers(1000, 99999)}"
        chats.append((subject, body, f"c{category}"))
    return pd.DataFrame(chats, columns=[*MESSAGE, "category"])


@pytest.fixture(scope="module")
def numbers():
    """Chats of numbers alone, and the others, that no model was fitted on."""
    chats = invented(3000, 100)
    alone = (chats["subject"] == "") & chats["body"].str.startswith("12345")
    return chats[alone], chats[~alone]


@pytest.mark.parametrize("classifier", ["boosted_linear", "linear_svc"])
@pytest.mark.parametrize("seed", [0, 6])
def test_a_chat_of_numbers_alone_is_no_sure_one(numbers, classifier, seed):
    """With few chats to learn from: what it says is near what is right, and the others are as sure as they were."""
    train = invented(240, seed)
    model = make_pipeline(classifier).fit(train[MESSAGE], train["category"])

    def said_and_right(chats):
        said = model.predict_proba(chats[MESSAGE]).max(axis=1)
        return said.mean(), (model.predict(chats[MESSAGE]) == chats["category"]).mean()

    said, right = said_and_right(numbers[0])
    assert said - right < 0.2
    said, right = said_and_right(numbers[1])
    assert right > 0.95
    assert abs(said - right) < 0.04


@pytest.fixture(scope="module")
def rows():
    """Words of which the first two name a category each, and a row without them is of a third, rare one."""
    rng = np.random.default_rng(0)
    words = rng.random((900, 20)) < 0.2
    words[:, 0] |= rng.random(900) < 0.7
    y = np.where(words[:, 0], "a", np.where(words[:, 1], "b", "c"))
    return csr_matrix(words * rng.uniform(0.3, 0.6, words.shape)), y


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_without_a_term_gets_the_frequencies(rows, kind):
    """Those of rows that say nothing: here these are of a category of their own; bit for bit in any batch."""
    X, y = rows
    model = kind().fit(X, y)
    empty = model.predict_proba(csr_matrix((3, 20)))
    np.testing.assert_array_equal(empty, np.tile(model.prior_, (3, 1)))
    assert empty.sum() == pytest.approx(3)
    assert empty[0, 2] > (y == "c").mean() + 0.3
    both = model.predict_proba(csr_matrix(np.vstack([X[:5].toarray(), np.zeros(20)])))
    np.testing.assert_array_equal(both[5], empty[0])
    np.testing.assert_array_equal(both[:5], model.predict_proba(X[:5]))


@pytest.mark.parametrize("kind", KINDS)
def test_terms_that_say_nothing_have_no_evidence(rows, kind):
    """Of twenty words two say something; what the others were seen with is chance."""
    evidence = kind().fit(*rows).evidence_
    assert evidence[:2].min() > 5 * evidence[2:].max()


@pytest.mark.parametrize("kind", KINDS)
def test_where_every_row_says_as_little_the_model_is_believed(kind, monkeypatch):
    """What is little is little beside other rows: a weak signal in all of them is no reason to give it up."""
    rng = np.random.default_rng(1)
    y = rng.choice(["a", "b"], 2000)
    X = rng.normal(np.where(y == "a", 0.2, -0.2)[:, None], 1.0, (2000, 4))
    moderated = kind().fit(X, y).predict_proba(X)
    for module in (boosted, linear):
        monkeypatch.setattr(module, "moderated", lambda probabilities, *_: probabilities)
    np.testing.assert_allclose(kind().fit(X, y).predict_proba(X), moderated, atol=0.01)
