"""scikit-learn's own checks, on every transformer and classifier of ours."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from chatkit import MessagePreprocessor, TextProcessor
from chatkit.model import pipeline
from chatkit.model.base import TermClassifier
from chatkit.model.boosted import BoostedLinearClassifier
from chatkit.model.boosting import XGBoostClassifier
from chatkit.model.linear import CalibratedLinearSVC
from chatkit.model.rules import RulesClassifier
from chatkit.text.counts import TermCounter
from chatkit.text.weights import TermWeights


def known_to_fail(estimator):
    """A row of weight 2 is no two rows: what all rows weigh together changes no penalty, so that shares work, too."""
    kinds = ("dense", "sparse") if isinstance(estimator, TermClassifier) else ()
    return {f"check_sample_weight_equivalence_on_{kind}_data": "weights are relative to their mean" for kind in kinds}


CLASSIFIERS = [kind for kind, _ in pipeline.CLASSIFIERS.values() if issubclass(kind, TermClassifier)]
OPTIONS = {XGBoostClassifier: {"n_estimators": 10, "max_bin": 32}, BoostedLinearClassifier: {"max_bin": 32}}


@parametrize_with_checks(
    [TermWeights(), *(kind(**OPTIONS.get(kind, {})) for kind in CLASSIFIERS)], expected_failed_checks=known_to_fail
)
def test_scikit_learns_checks(estimator, check):
    """Those that take counts and word weights are scikit-learn estimators in every respect that it checks."""
    check(estimator)


@pytest.fixture(scope="module")
def rows():
    """Words of which each of the first three names its category, and two of them together a fourth one."""
    rng = np.random.default_rng(0)
    words = rng.random((600, 20)) < 0.2
    y = np.where(words[:, 0] & words[:, 1], "d", np.where(words[:, 0], "a", np.where(words[:, 1], "b", "c")))
    return csr_matrix(words * rng.uniform(0.3, 0.6, words.shape)), y


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_weight_says_how_often_a_row_counts(rows, kind):
    """Ones are no weights, a row of weight 0 is not there, bit for bit; a heavier row is listened to."""
    X, y = rows
    rng = np.random.default_rng(1)
    kept = rng.random(len(y)) < 0.7
    plain, ones = kind().fit(X, y), kind().fit(X, y, np.ones(len(y)))
    np.testing.assert_array_equal(plain.predict_proba(X), ones.predict_proba(X))
    zeros, fewer = kind().fit(X, y, kept.astype(float)), kind().fit(X[kept], y[kept])
    np.testing.assert_array_equal(zeros.predict_proba(X), fewer.predict_proba(X))
    other = np.where(rng.random(len(y)) < 0.5, rng.permutation(y), y)
    doubled, twice = np.concatenate([y, other]), csr_matrix(np.vstack([X.toarray()] * 2))
    right = [
        (kind().fit(twice, doubled, np.repeat(times, len(y))).predict(X) == y).mean() for times in ((1, 9), (9, 1))
    ]
    assert right[1] > right[0]


@pytest.mark.parametrize("kind", [CalibratedLinearSVC, BoostedLinearClassifier])
def test_the_line_is_near_that_of_repeated_rows(rows, kind):
    """The folds and the order of the steps are others, so near is all that there can be."""
    X, y = rows
    times = np.where(y == "a", 4, np.random.default_rng(3).integers(1, 3, len(y)))
    weighed, plain = kind(C=times.mean()).fit(X, y, times), kind().fit(X, y)  # more rows, less of a penalty
    repeated = kind().fit(csr_matrix(np.repeat(X.toarray(), times, axis=0)), np.repeat(y, times))
    away, moved = (np.linalg.norm(model.coef_ - repeated.coef_) for model in (weighed, plain))
    assert away < moved / 2


@pytest.mark.parametrize("kind", [CalibratedLinearSVC, BoostedLinearClassifier])
def test_what_is_held_out_is_weighed_too(rows, kind):
    """The same rows once with their categories, once with any: how sure the model is depends on which of them count."""
    X, y = rows
    rng = np.random.default_rng(2)
    doubled, twice = np.concatenate([y, rng.permutation(y)]), csr_matrix(np.vstack([X.toarray()] * 2))
    sure = []
    for times in ((9, 1), (1, 1), (1, 9)):
        weights = np.repeat(times, len(y))
        model = kind().fit(twice, doubled, weights)
        # Of what it says is most probable as much must be right, each row counted as often as its weight says.
        said = np.average(model.predict_proba(twice).max(axis=1), weights=weights)
        assert abs(said - np.average(model.predict(twice) == doubled, weights=weights)) < 0.1
        sure.append(said)
    assert sure == sorted(sure, reverse=True)


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (
            [1.0, 2.0],
            r"Got sample_weight of shape \(2,\), the least 1, expected a number from 0 up for each of 600 rows",
        ),
        (np.linspace(-1, 1, 600), "the least -1, expected a number from 0 up"),
        (np.zeros(600), "all rows of 4 classes have the weight zero"),
    ],
)
def test_bad_weights_give_one_sentence(rows, kind, weights, said):
    """Too few, below zero, nothing that counts."""
    with pytest.raises(ValueError, match=said):
        kind().fit(*rows, weights)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_random_state_is_what_others_take(rows, kind):
    """A whole number of any kind, None, or a generator, which gives another model each time that it is asked."""
    X, y = rows
    options = {"colsample_bynode": 0.3} if kind is XGBoostClassifier else {}

    def fitted(random_state):
        return kind(random_state=random_state, **options).fit(X, y).predict_proba(X)

    np.testing.assert_array_equal(fitted(7), fitted(np.int64(7)))
    np.testing.assert_array_equal(fitted(np.random.RandomState(3)), fitted(np.random.RandomState(3)))
    shared = np.random.RandomState(3)
    assert (fitted(shared) != fitted(shared)).any()
    np.random.seed(5)  # noqa: NPY002 - what None stands for
    first, second = fitted(None), fitted(None)
    np.random.seed(5)  # noqa: NPY002
    assert (first != second).any()
    np.testing.assert_array_equal(first, fitted(None))
    assert np.isfinite(fitted(2**32 - 1)).all()
    for wrong in ("x", -1, 1.5):
        with pytest.raises(ValueError, match=r"cannot be used to seed|Seed must be between"):
            fitted(wrong)


TREES = {
    "max_depth": [0, 2.0], "learning_rate": [0, -0.1, "fast", float("nan"), float("inf")], "max_bin": [1, 2.5],
    "min_child_weight": [-1, "1"], "colsample_bynode": [0, 1.5], "reg_lambda": [-1, None], "max_words": [0, -3, 2.5],
}  # fmt: skip
WRONG = {
    XGBoostClassifier: {"n_estimators": [0, -1, 2.5, True], **TREES},
    CalibratedLinearSVC: {"C": [0, -1, "1", None, float("inf")], "cv": [None, "5", 1, 2.5]},
    BoostedLinearClassifier: {
        "C": [0, -1, "1"], "balance": ["balanced", -1, None], "n_estimators": [0, -1, None], "cv": [None, "5", 0, 1],
        **TREES, "learning_rate": [0, None],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [(kind, name, value) for kind, wrong in WRONG.items() for name, values in wrong.items() for value in values],
)
def test_a_wrong_parameter_gives_one_sentence(rows, kind, name, value):
    """When fitting, not before: its name, its value, what was expected."""
    model = kind(**{name: value})
    with pytest.raises(ValueError) as error:
        model.fit(*rows)
    assert re.fullmatch(
        rf"Got {name}={re.escape(repr(value))}, expected a (whole )?number (from|above) [^\n]+\.", str(error.value)
    )


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("dtype", ["string", "object", "category"])
def test_rows_without_a_category_are_counted(rows, kind, dtype):
    """However pandas holds what is missing."""
    X, y = rows
    y = pd.Series(np.asarray(y, dtype=object), dtype=dtype)
    y.iloc[:3] = None
    with pytest.raises(ValueError, match=f"Got 3 of {len(y)} rows without a category; leave them out"):
        kind().fit(X, y)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_numbers_of_numpy_are_numbers(rows, kind):
    """Whole numbers and others, as a grid made by NumPy holds them."""
    plain = kind(**({"n_estimators": 5} if hasattr(kind(), "n_estimators") else {}))
    kinds = {int: np.int64, float: np.float64}
    numbers = {name: kinds.get(type(value), lambda same: same)(value) for name, value in plain.get_params().items()}
    np.testing.assert_array_equal(
        plain.fit(*rows).predict_proba(rows[0]), kind(**numbers).fit(*rows).predict_proba(rows[0])
    )


@pytest.mark.parametrize("kind", [*CLASSIFIERS, RulesClassifier])
@pytest.mark.parametrize(
    ("missing", "said"), [(None, "rows without a category; leave"), (5, "int, str as categories, expected text")]
)
def test_categories_that_are_no_names_give_one_sentence(rows, kind, missing, said):
    """Missing ones, and such as cannot be sorted."""
    y = rows[1].astype(object)
    y[::7] = missing
    X = ["lost card"] * len(y) if kind is RulesClassifier else rows[0]
    with pytest.raises(ValueError, match=said):
        kind().fit(X, y)


# scikit-learn makes no text to check with, so of its checks these run that need no rows.
CHECKS_WITHOUT_ROWS = (
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_mixin_order",
)


@pytest.mark.parametrize("check", CHECKS_WITHOUT_ROWS)
@pytest.mark.parametrize("estimator", [MessagePreprocessor, TextProcessor, TermCounter, RulesClassifier])
def test_scikit_learns_checks_on_text(estimator, check):
    """Those that take text are scikit-learn estimators in every respect that needs no rows."""
    getattr(estimator_checks, check)(estimator.__name__, estimator())
