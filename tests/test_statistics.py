"""Intervals and resampling against scipy's, by hand, and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from chatkit.statistics import bootstrap, corrected_t, divide, group_codes, percentile_interval, wilson


@given(st.integers(1, 300), st.data(), st.sampled_from([0.8, 0.95, 0.98]))
@settings(max_examples=50, deadline=None)
def test_wilson_is_scipys(rows, data, confidence):
    """At all and at nothing, too, where the end is the share itself."""
    hits = data.draw(st.integers(0, rows))
    share, low, high = wilson(hits, rows, confidence)
    expected = stats.binomtest(hits, rows).proportion_ci(confidence, "wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert low <= share == hits / rows <= high


def test_no_rows_have_no_interval():
    """NaN, without a warning."""
    assert np.isnan(wilson(0, 0)).all()
    assert np.isnan(divide([1.0], [0])).all()


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_is_between_0_and_1(confidence):
    """Whichever interval it is of."""
    values = np.linspace(0, 1, 9)
    for interval in (lambda: wilson(1, 2, confidence), lambda: percentile_interval(values, 0.5, confidence),
                     lambda: corrected_t(values, 0, confidence)):  # fmt: skip
        with pytest.raises(ValueError, match=f"Got confidence={confidence}, expected a number between 0 and 1"):
            interval()


def test_a_row_without_a_group_stands_alone():
    """None, NaN and blank text are no group; other values are, whatever their type."""
    assert group_codes(["b", None, "a", "b", np.nan, " ", "", 0, 0], 9).tolist() == [0, 3, 1, 0, 4, 5, 6, 2, 2]
    assert group_codes(None, 3).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="Got 1 groups for 2 chats"):
        group_codes(["a"], 2)


def test_groups_are_drawn_whole():
    """The rows of a group have one weight, and as many groups are drawn as there are."""
    codes = np.array([0, 1, 0, 2, 1])
    weights = bootstrap(np.copy, codes, seed=3, draws=50)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert (weights == bootstrap(np.copy, codes, seed=3, draws=50)).all()


def test_the_interval_is_moved_by_twice_the_bias():
    """Once for the bias of the draws, once for that of the value itself; and it never leaves out the value."""
    draws = 0.5 + np.linspace(-0.02, 0.02, 401)
    low, high = percentile_interval(draws, 0.5, 0.9)
    assert (low, high) == pytest.approx((0.482, 0.518))
    assert percentile_interval(draws - 0.01, 0.5, 0.9) == pytest.approx((low + 0.01, high + 0.01))
    assert percentile_interval(draws - 0.1, 0.5, 0.9) == pytest.approx((0.5, high + 0.1))


def test_corrected_t_is_students_where_nothing_is_shared():
    """And wider, the more test rows there are for a training row."""
    x = np.array([0.1, 0.2, 0.4, 0.3])
    mean, low, high = corrected_t(x, 0, 0.95)
    expected = stats.ttest_1samp(x, 0).confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx((x.mean(), expected.low, expected.high), abs=1e-8)
    assert corrected_t(x, 0.5)[1] < low
