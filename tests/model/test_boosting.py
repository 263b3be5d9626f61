"""Boosted trees on sparse text."""

import numpy as np
import pytest
import xgboost
from scipy.sparse import csr_matrix, random_array, vstack

from chatkit.model import trees
from chatkit.model.boosting import XGBoostClassifier
from chatkit.text.validation import canonical


@pytest.fixture(scope="module")
def rows():
    """Sparse rows of which the first columns tell the three categories apart."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=300)
    X = random_array((300, 40), density=0.1, rng=rng, format="csr").tolil()
    X[np.arange(300), y] = rng.uniform(0.5, 1, size=300)
    return csr_matrix(X), np.array(["incident", "other", "urgent"])[y]


def test_names_in_names_out(rows):
    """Categories are strings, sorted, and the probabilities follow their order."""
    X, y = rows
    model = XGBoostClassifier(n_estimators=20).fit(X, y)
    assert model.classes_.tolist() == ["incident", "other", "urgent"]
    probabilities = model.predict_proba(X)
    assert (model.predict(X) == model.classes_[probabilities.argmax(axis=1)]).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert (model.predict(X) == y).mean() > 0.95


def test_dense_sparse_and_stored_zeros_are_the_same_rows(rows):
    """An absent word is missing, however the zero is stored."""
    X, y = rows
    stored = X.copy()
    stored.data[:5] = 0
    model = XGBoostClassifier(n_estimators=5).fit(stored, y)
    dense = XGBoostClassifier(n_estimators=5).fit(stored.toarray(), y)
    np.testing.assert_array_equal(model.predict_proba(stored), dense.predict_proba(stored.toarray()))
    assert stored.nnz == X.nnz, "the caller's matrix is left as it was"


def test_two_fits_are_the_same_bytes(rows):
    """Same rows, same seed, same trees, column sampling included."""
    X, y = rows
    first, second = (XGBoostClassifier(n_estimators=5, colsample_bynode=0.5).fit(X, y) for _ in range(2))
    assert first.trees_.booster.save_raw("ubj") == second.trees_.booster.save_raw("ubj")
    assert xgboost.Booster.save_config(first.trees_.booster).count('"nthread":"1"') == 1


def test_contributions_add_up_to_the_margins(rows, monkeypatch):
    """A word's contribution is XGBoost's own; those of the words that a row lacks are one number, nothing is lost."""
    X, y = rows
    model = XGBoostClassifier(n_estimators=10).fit(X, y)
    matrix = xgboost.DMatrix(X[:, model.trees_.words])
    exact = model.trees_.booster.predict(matrix, pred_contribs=True)
    np.testing.assert_allclose(
        exact.sum(axis=2), model.trees_.booster.predict(matrix, output_margin=True), rtol=1e-4, atol=1e-4
    )
    words, rest = model.word_contributions(X)
    row, word = X.nonzero()
    np.testing.assert_allclose(words, exact[row, :, word], atol=1e-6)
    absent = np.einsum("nkd,nd->nk", exact[:, :, :-1], X.toarray() == 0)
    np.testing.assert_allclose(rest["absent words"], absent, atol=1e-6)
    np.testing.assert_array_equal(rest["intercept"], exact[:, :, -1])
    assert [words[word == column].mean(axis=0).argmax() for column in range(3)] == [0, 1, 2]
    monkeypatch.setattr(trees, "AT_ONCE", 7 * 3 * (1 + len(model.trees_.words)))  # seven rows at once
    np.testing.assert_array_equal(model.word_contributions(X)[0], words)


def test_one_category_is_refused(rows):
    """There is nothing to learn from one."""
    with pytest.raises(ValueError, match="Got one class, 'other', expected at least two"):
        XGBoostClassifier().fit(rows[0], ["other"] * 300)


def test_trees_look_at_the_words_that_tell(rows):
    """Three columns tell the categories apart; with no more than these the model is as good, and nothing is spoiled."""
    X, y = rows
    before = X.copy()
    model = XGBoostClassifier(max_words=3).fit(X, y)
    assert model.trees_.words.tolist() == [0, 1, 2]
    assert (model.predict(X) == y).mean() > 0.95
    words, _ = model.word_contributions(X)
    assert words.shape == (X.nnz, 3)
    assert not words[X.indices > 2].any()
    assert (before != X).nnz == 0


@pytest.mark.parametrize(("times", "rounds"), [(1, 100), (250, 53), (1000, 40)])
def test_many_rows_take_fewer_rounds(rows, times, rounds):
    """4 million rows are looked at in all."""
    X, y = rows
    model = XGBoostClassifier(max_depth=1, max_words=2).fit(vstack([X] * times), np.tile(y, times))
    assert model.trees_.booster.num_boosted_rounds() == rounds


def rates_of(X, y, **fit):
    """Margins with the default step, and the step that gives the same ones."""
    default = XGBoostClassifier(3).fit(X, y, **fit).predict_proba(X)
    for step in np.arange(1, 101) / 100:
        if (XGBoostClassifier(3, learning_rate=step).fit(X, y, **fit).predict_proba(X) == default).all():
            return step
    return None


@pytest.mark.parametrize(
    ("sizes", "step"), [((40, 40), 0.32), ((40, 40, 40, 40), 0.32), ((160, 20), 0.44), ((5000, 5000), 1)]
)
def test_more_rows_of_a_category_take_larger_steps(sizes, step):
    """Of a row's category, on average over rows; a root, and never more than 1."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    X = csr_matrix(np.eye(len(sizes))[np.where(np.arange(len(y)) % 7, y, 0)])
    assert rates_of(X, y) == step


def test_weights_are_shares_and_no_number_of_rows(rows):
    """What all rows weigh changes neither the step nor the rounds: these follow the rows that are there."""
    X, y = rows
    plain, heavy = XGBoostClassifier().fit(X, y), XGBoostClassifier().fit(X, y, sample_weight=np.full(len(y), 250))
    assert plain.trees_.booster.save_raw("ubj") == heavy.trees_.booster.save_raw("ubj")
    copies = XGBoostClassifier().fit(vstack([X] * 250), np.tile(y, 250))
    assert plain.trees_.booster.num_boosted_rounds() == 100 > copies.trees_.booster.num_boosted_rounds()


def test_stages_end_at_the_probabilities(rows):
    """Each stage is what the trees so far say."""
    X, y = rows
    model = XGBoostClassifier(6).fit(X, y)
    stages = list(model.staged_predict_proba(X))
    assert len(stages) == 6
    for end, given in enumerate(stages, start=1):
        np.testing.assert_allclose(given, model.trees_.predict(canonical(X, np.float32), rounds=end), atol=1e-6)


def test_many_small_categories_are_learned():
    """A hundred categories of forty rows, each with a word of its own; five and fewer are treated as ever."""
    y = np.repeat(np.arange(100), 40)
    words = csr_matrix(np.eye(100)[y])
    assert XGBoostClassifier(n_estimators=5).fit(words, y).score(words, y) == 1
    for k in (2, 5):
        some, categories = (
            words[: k * 40] + csr_matrix(np.random.default_rng(0).random((k * 40, 100)) < 0.1),
            y[: k * 40],
        )
        default, one = (XGBoostClassifier(10, min_child_weight=least).fit(some, categories) for least in (None, 1.0))
        assert default.trees_.booster.save_raw("ubj") == one.trees_.booster.save_raw("ubj")
