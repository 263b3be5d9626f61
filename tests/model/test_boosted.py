"""Trees on top of a line."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from chatkit.model import boosted
from chatkit.model.boosted import BoostedLinearClassifier


@pytest.fixture(scope="module")
def pairs():
    """Words that mean one category each, and two words that mean another one only together: no line can say that."""
    rng = np.random.default_rng(0)
    words = rng.random((1200, 30)) < 0.15
    y = np.where(words[:, 0] & words[:, 1], "urgent", np.where(words[:, 0] | words[:, 1], "other", "incident"))
    words[:, :2] |= rng.random((1200, 2)) < 0.25
    y = np.where(words[:, 0] & words[:, 1], "urgent", np.where(words[:, 0] | words[:, 1], "other", "incident"))
    return csr_matrix(words * rng.uniform(0.3, 0.6, words.shape)), y


def test_trees_add_what_the_line_cannot_say(pairs):
    """On a category that is a pair of words the line alone is worse, on rows that neither has seen."""
    X, y = pairs
    model = BoostedLinearClassifier(n_estimators=100).fit(X[:800], y[:800])
    assert model.rounds_ > 5
    line = model.classes_[(X[800:] @ model.coef_.T + model.intercept_).argmax(axis=1)]
    assert (model.predict(X[800:]) == y[800:]).mean() > (line == y[800:]).mean()


def test_trees_that_do_not_help_are_left_out():
    """Noise has nothing that could be boosted: the probabilities are near the shares of the categories."""
    rng = np.random.default_rng(1)
    X, y = csr_matrix(rng.random((600, 40)) < 0.1, dtype=float), rng.choice(["a", "b"], p=[0.7, 0.3], size=600)
    model = BoostedLinearClassifier(balance=0).fit(X, y)
    assert model.rounds_ == 0
    assert model.trees_ is None
    unseen = csr_matrix(rng.random((300, 40)) < 0.1, dtype=float)
    assert abs(model.predict_proba(unseen)[:, 0].mean() - 0.7) < 0.1


def test_a_share_of_wrong_categories_is_in_the_probabilities(pairs):
    """With every tenth category drawn at random, what is said is about what happens; without, it is surer."""
    X, y = pairs
    rng = np.random.default_rng(2)
    noisy = np.where(rng.random(len(y)) < 0.15, rng.choice(np.unique(y), len(y)), y)
    model = BoostedLinearClassifier(n_estimators=100).fit(X[:800], noisy[:800])
    probabilities = model.predict_proba(X[800:])
    clean = BoostedLinearClassifier(n_estimators=100).fit(X[:800], y[:800]).predict_proba(X[800:])
    assert clean.max(axis=1).mean() > probabilities.max(axis=1).mean() + 0.05
    assert abs(probabilities.max(axis=1).mean() - (model.predict(X[800:]) == noisy[800:]).mean()) < 0.06


def test_probabilities_and_predictions_agree(pairs):
    """Columns in the order of the classes, sums of 1, and the most probable category is the prediction."""
    X, y = pairs
    model = BoostedLinearClassifier().fit(X, y)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (model.classes_[probabilities.argmax(axis=1)] == model.predict(X)).all()


def test_contributions_add_up_to_the_margin(pairs):
    """For each row: words, absent words, intercept and normaliser are the margin, as exactly as float32."""
    X, y = pairs
    model = BoostedLinearClassifier().fit(X, y)
    assert model.rounds_
    words, rest = model.word_contributions(X)
    entries = csr_matrix((np.ones(X.nnz), np.arange(X.nnz), X.indptr))
    np.testing.assert_allclose(entries @ words + sum(rest.values()), model.decision_function(X), rtol=1e-6, atol=1e-5)
    said = np.abs(csr_matrix((np.ones(X.nnz), X.indices, np.arange(X.nnz + 1))).T @ words).sum(axis=1)
    assert set(np.argsort(-said)[:2]) == {0, 1}


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_the_same_rows_give_the_same_model(pairs, order):
    """Twice the same bytes."""
    X, y = pairs[0][order], pairs[1][order]
    one, other = (BoostedLinearClassifier().fit(X, y) for _ in range(2))
    assert one.coef_.tobytes() == other.coef_.tobytes()
    assert one.trees_.booster.save_raw("ubj") == other.trees_.booster.save_raw("ubj")


@pytest.mark.parametrize("rows", [2, 3, 4, 7])
def test_a_handful_of_rows_is_enough(rows):
    """Two categories and as few rows as there can be; rare ones are not lost."""
    X, y = csr_matrix(np.eye(rows)), ["a", *["b"] * (rows - 1)]
    model = BoostedLinearClassifier().fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    assert model.classes_.tolist() == ["a", "b"]


def test_many_rows_are_held_out_in_part(pairs, monkeypatch):
    """From many rows as many margins are taken as the trees need, spread over all of them."""
    X, y = pairs
    monkeypatch.setattr(boosted, "HELD_OUT", 100)
    codes = np.unique(y, return_inverse=True)[1]
    model = BoostedLinearClassifier()
    model.classes_ = np.unique(y)
    rows, margins, _ = model._held_out(X, codes, np.ones(len(y)), seed=0)
    assert 100 <= len(rows) <= 200
    assert margins.shape == (len(rows), 3)
    assert rows.min() < 100
    assert rows.max() > 1100


def test_a_missing_gpu_gives_one_sentence(pairs):
    """The build for the CPU, or a machine without a GPU."""
    with pytest.raises(ValueError, match=r"device='cuda', but this XGBoost|the device 'cuda'"):
        BoostedLinearClassifier(device="cuda").fit(*pairs)


def test_one_row_gives_what_many_give(pairs):
    """Few rows take another way through the trees, to the same last bit; a new fit has new trees."""
    X, y = pairs
    model = BoostedLinearClassifier().fit(X, y)
    assert model.rounds_
    together = model.predict_proba(X[:50])
    alone = np.vstack([model.predict_proba(X[[row]]) for row in range(50)])
    np.testing.assert_array_equal(alone, together)
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    np.testing.assert_array_equal(copy.predict_proba(X[[0]]), together[:1])
    model.set_params(n_estimators=3).fit(X[::-1], y[::-1])
    np.testing.assert_array_equal(model.predict_proba(X[[0]]), model.predict_proba(X[:50])[:1])
