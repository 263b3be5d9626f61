"""First looks at chats."""

import pandas as pd

from chatkit.data.summary import category_shares, category_sizes, text_lengths, weekly_counts


def test_sizes_add_up_and_ties_go_by_name():
    """Largest first; the order never depends on chance."""
    sizes = category_sizes(pd.DataFrame({"category": list("bbaac")}))
    assert sizes["category"].tolist() == ["a", "b", "c"]
    assert sizes["share"].tolist() == [0.4, 0.4, 0.2]


def test_shares_are_of_each_side():
    """A category that the test lacks has share 0 there."""
    shares = category_shares(pd.DataFrame({"category": list("aab")}), pd.DataFrame({"category": list("aa")}))
    assert shares.loc[shares["split"] == "test", "share"].tolist() == [1.0, 0.0]
    assert shares.groupby("split")["share"].sum().tolist() == [1.0, 1.0]


def test_weeks_begin_on_monday():
    """Sunday evening and Monday morning are two weeks; undated chats are left out."""
    times = pd.to_datetime(["2025-01-05 23:59", "2025-01-06 00:00", "2025-01-12 12:00", None])
    weeks = weekly_counts(pd.DataFrame({"category": ["a"] * 4, "created_at": times}))
    assert weeks["week"].dt.strftime("%Y-%m-%d").tolist() == ["2024-12-30", "2025-01-06"]
    assert weeks["count"].tolist() == [1, 2]


def test_undated_chats_have_no_weeks(chats):
    """An export without dates gives an empty frame, not an error."""
    assert weekly_counts(chats.assign(created_at=pd.NaT)).empty


def test_lengths_count_words():
    """Empty texts count as zero words."""
    lengths = text_lengths(pd.DataFrame({"subject": ["", "a b"], "body": ["a b c", "a"]}))
    assert lengths.loc["subject"].tolist() == [1, 1, 2, 0.5]
    assert lengths.loc["body", "longest"] == 3
