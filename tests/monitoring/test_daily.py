"""The model at work as frames: numbers that a textbook or a sheet of paper gives, and one sentence for bad input."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from chatkit.monitoring.daily import (
    audit,
    daily_confidence,
    daily_latency,
    daily_shares,
    expected_shares,
    labelled,
    one_of_each,
    requests,
    weekly_corrections,
    window,
)
from chatkit.project import InputError


def log(at, **columns):
    """Rows of a log at these moments."""
    return pd.DataFrame({"at": pd.to_datetime(at, utc=True, format="ISO8601"), **columns})


def test_a_window_is_whole_days_up_to_the_last_moment_of_the_last_one():
    """Seven days until Thursday begin on Friday."""
    since, end = window(7, "2026-11-26")
    assert (since, end) == (dt.datetime(2026, 11, 20, tzinfo=dt.UTC), dt.datetime(2026, 11, 27, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("days", "until", "said"),
    [
        (0, "2026-11-26", "Got days=0, expected a whole number from 1"),
        (True, "2026-11-26", "Got days=True"),
        (2.5, "2026-11-26", "Got days=2.5"),
        (99999, "2026-11-26", "Got days=99999"),
        (7, "yesterday", "Got until='yesterday', expected an ISO date"),
        (7, None, "Got until=None"),
        (7, "9999-12-31", "Got until='9999-12-31'"),
        (3660, "0001-01-02", "Got until='0001-01-02'"),
    ],
)
def test_bad_days_are_one_sentence(days, until, said):
    """What was received, what was expected."""
    with pytest.raises(InputError, match=said) as error:
        window(days, until)
    assert "\n" not in str(error.value)


def test_the_latest_relabel_counts():
    """A correction that is taken back is a confirmation; a chat without a relabel has no label."""
    predictions = log(["2026-11-20"] * 3, prediction_id=["p1", "p2", "p3"], category=["a", "a", "b"])
    relabels = pd.DataFrame({"prediction_id": ["p1", "p2", "p1"], "category": ["b", "b", "a"]})
    chats = labelled(predictions, relabels)
    assert chats["predicted"].tolist() == ["a", "a", "b"]
    assert chats["actual"].tolist() == ["a", "b", None]
    assert labelled(predictions, relabels.head(0))["actual"].tolist() == [None] * 3


def test_one_chat_of_each_conversation_is_drawn():
    """Each chat of a conversation is as likely, those without one stay, the seed decides."""
    chats = pd.DataFrame({"conversation_id": ["k1", None, "k1", "k2", None], "n": range(5)})
    draws = [one_of_each(chats, seed)["n"].tolist() for seed in range(400)]
    assert {len(rows) for rows in draws} == {4}
    assert all({1, 3, 4} < set(rows) and rows == sorted(rows) for rows in draws)
    assert 140 < sum(0 in rows for rows in draws) < 260
    assert draws[0] == one_of_each(chats, 0)["n"].tolist()
    assert len(one_of_each(chats.drop(columns="conversation_id"))) == 5
    assert len(one_of_each(chats.assign(conversation_id=[" ", "", np.nan, "k", "k"]))) == 4


def test_daily_shares_are_wilsons():
    """Value and ends are those of scipy; a day without chats is there, and nothing is known of it."""
    at = ["2026-11-20 23:59:59"] * 8 + ["2026-11-22 00:00:00"] * 5
    frame = daily_shares(log(at, predicted=["a"] * 2 + ["b"] * 6 + ["b"] * 5), 0.9)
    assert len(frame) == 3 * 2
    first = frame.iloc[0]
    assert (first["day"], first["category"], first["count"], first["rows"]) == (pd.Timestamp("2026-11-20"), "a", 2, 8)
    ends = stats.binomtest(2, 8).proportion_ci(0.9, "wilson")
    np.testing.assert_allclose(first[["share", "low", "high"]].astype(float), [0.25, *ends])
    gap = frame[frame["day"] == "2026-11-21"]
    assert gap["rows"].tolist() == [0, 0]
    assert gap[["share", "low", "high"]].isna().all(axis=None)
    assert frame["count"].sum() == 13


def test_a_day_is_one_of_utc():
    """Wherever the times come from."""
    at = pd.to_datetime(["2026-11-21 00:30+02:00"]).tz_convert("Europe/Helsinki")
    assert daily_shares(pd.DataFrame({"at": at, "predicted": ["a"]}))["day"].tolist() == [pd.Timestamp("2026-11-20")]


def test_daily_confidence_is_students():
    """Mean and ends are those of scipy; one chat has no interval; a missing probability counts for nothing."""
    given = [0.9, 0.8, 0.4, 0.7, np.nan]
    frame = daily_confidence(log(["2026-11-20"] * 3 + ["2026-11-22"] * 2, probability=given))
    assert frame["rows"].tolist() == [3, 1]
    ends = stats.ttest_1samp(given[:3], 0).confidence_interval(0.95)
    np.testing.assert_allclose(
        frame.loc[0, ["mean", "low", "high"]].astype(float), [0.7, max(0, ends.low), min(1, ends.high)]
    )
    assert frame.loc[1, ["low", "high"]].isna().all()


def test_corrections_are_counted_by_iso_week():
    """The first of January 2027 is in the last week of 2026; a confirmation is no correction."""
    at = ["2026-12-31", "2027-01-01", "2027-01-03", "2027-01-04"]
    chats = log(at, predicted=["a", "a", "a", "a"], actual=["b", "a", None, None])
    frame = weekly_corrections(chats)
    assert frame["week"].tolist() == ["2026-W53", "2027-W01"]
    assert frame.loc[0, ["rows", "reviewed", "corrections"]].tolist() == [3, 2, 1]
    ends = stats.binomtest(1, 3).proportion_ci(0.95, "wilson")
    np.testing.assert_allclose(frame.loc[0, ["share", "low", "high"]].astype(float), [1 / 3, *ends])


def test_a_week_is_one_of_utc():
    """Monday morning in Helsinki is Sunday evening in UTC: the day and the week are of the same calendar."""
    at = pd.to_datetime(["2026-11-23 00:30+02:00"]).tz_convert("Europe/Helsinki")
    chats = pd.DataFrame({"at": at, "predicted": ["a"], "actual": [None]})
    assert weekly_corrections(chats)["week"].tolist() == ["2026-W47"]


def test_a_category_that_is_no_longer_said_counts_nought():
    """On each day with chats, with Wilson's interval."""
    frame = daily_shares(log(["2026-11-20"] * 8 + ["2026-11-22"], predicted=["b"] * 9), categories=["c", "b", "a"])
    assert frame["category"].tolist() == ["a", "b", "c"] * 3
    gone = frame[frame["category"] == "c"]
    assert gone["count"].tolist() == [0, 0, 0]
    assert gone["rows"].tolist() == [8, 0, 1]
    assert gone["high"].iloc[0] == pytest.approx(stats.binomtest(0, 8).proportion_ci(0.95, "wilson").high)


def test_the_audit_says_how_many_were_reviewed():
    """Accuracy is that of those; what the others would do to it stands beside."""
    frame = audit(log(["2026-11-20"] * 5, predicted=list("aabbb"), actual=["a", "b", "b", None, None]))
    assert frame[["drawn", "reviewed", "right"]].iloc[0].tolist() == [5, 3, 2]
    assert frame[["accuracy", "at_least", "at_most"]].iloc[0].round(3).tolist() == [0.667, 0.4, 0.8]
    nothing = audit(log([], predicted=[], actual=[]))
    assert nothing["drawn"].tolist() == [0]
    assert nothing[["accuracy", "at_least"]].isna().all(axis=None)


def test_latency_is_that_of_requests():
    """Chats of one request have one time, which counts once."""
    at = ["2026-11-20 10:00"] * 98 + [f"2026-11-20 11:{minute:02}" for minute in range(3)] + ["2026-11-21"]
    asked = log(at, milliseconds=[500.0] * 98 + [1.0, 2.0, 3.0, np.nan])
    assert len(requests(asked)) == 4
    frame = daily_latency(asked)
    assert frame["requests"].tolist() == [4]
    assert frame["p50"].tolist() == [2.5]
    assert frame["p99"].tolist() == [pytest.approx(np.quantile([500, 1, 2, 3], 0.99))]


def test_expected_shares_are_those_of_each_side():
    """In the order in which the sides are given."""
    frame = expected_shares({"test": pd.Series(["b", "a", "b", "b"]), "train": pd.Series(["a"])})
    assert frame.to_numpy().tolist() == [["a", "test", 0.25], ["b", "test", 0.75], ["a", "train", 1.0]]


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (daily_shares, "holds no chat of this model"),
        (weekly_corrections, "holds no chat of this model"),
        (daily_confidence, "holds no probability"),
        (daily_latency, "holds no time"),
    ],
)
def test_nothing_to_show_is_one_sentence(compute, said):
    """A page says it in place of a figure."""
    nothing = log([], predicted=[], actual=[], probability=[], milliseconds=[])
    with pytest.raises(InputError, match=said):
        compute(nothing)


def test_a_confidence_out_of_range_is_refused():
    """As everywhere."""
    with pytest.raises(ValueError, match="Got confidence=95"):
        daily_shares(log(["2026-11-20"], predicted=["a"]), 95)
