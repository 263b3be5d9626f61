"""How sure a probability may be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from chatkit.model.calibration import IDENTITY, calibrate, calibrated


def drawn(rows, k, seed=3):
    """Margins, and categories drawn from their softmax."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(0, 1.5, (rows, k))
    return margins, (softmax(margins, axis=1).cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("times", [0.4, 3])
def test_it_finds_how_often_the_largest_probability_is_right(times, k):
    """Margins too large or too small: in each fifth of new rows the mean probability is about the share of hits."""
    margins, codes = drawn(8000, k)
    found = calibrate(times * margins[:4000], codes[:4000])
    before, after = (calibrated(times * margins[4000:], by).max(axis=1) for by in (IDENTITY, found))
    right = margins[4000:].argmax(axis=1) == codes[4000:]
    assert abs(before.mean() - right.mean()) > 0.08
    for some in np.array_split(np.argsort(after), 5):
        assert abs(after[some].mean() - right[some].mean()) < 0.05


@settings(deadline=None)
@given(
    arrays(float, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.floats(-800, 800)),
    st.tuples(st.floats(0.1, 10), st.floats(0, 3), st.floats(0, 3), st.floats(-5, 5)),
)
def test_probabilities_of_any_margins(margins, calibration):
    """Finite, sums of 1, and the category with the largest margin is the most probable one."""
    found = calibrated(margins, calibration)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    rows = np.arange(len(found))
    assert (found[rows, margins.argmax(axis=1)] >= found.max(axis=1) * (1 - 1e-12)).all()


def test_without_a_calibration_it_is_the_softmax():
    """Up to probabilities that are too small to matter."""
    margins, _ = drawn(50, 5)
    np.testing.assert_allclose(calibrated(margins), softmax(margins, axis=1), rtol=1e-6)


def test_rows_that_cannot_be_told_keep_their_order():
    """Categories at random: the probabilities of two categories are low, but no two rows become the same."""
    margins, _ = drawn(500, 2)
    codes = np.random.default_rng(0).integers(2, size=500)
    found = calibrated(margins, calibrate(margins, codes))
    assert found.max(axis=1).mean() < 0.6
    np.testing.assert_array_equal(np.argsort(found[:, 1]), np.argsort(margins[:, 1] - margins[:, 0]))


@pytest.mark.parametrize("right", [True, False], ids=["all right", "all wrong"])
@pytest.mark.parametrize("rows", [0, 1, 50])
def test_a_calibration_on_hits_or_misses_alone_stays_finite(rows, right):
    """No probability is 0 or 1."""
    margins = np.tile([[4.0, 0.0, 0.0]], (rows, 1))
    found = calibrate(margins, np.full(rows, 0 if right else 1))
    probabilities = calibrated(np.array([[4.0, 0.0, 0.0], [900.0, 0.0, -900.0], [0.0, 0.0, 0.0]]), found)
    assert np.isfinite(found).all()
    assert (probabilities > 0).all()
    assert (probabilities < 1).all()
