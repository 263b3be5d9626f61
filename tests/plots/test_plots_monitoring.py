"""Figures of the model at work: on the right axes, for few and many categories, described by their numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from chatkit import plots
from chatkit.monitoring.daily import (
    daily_confidence,
    daily_latency,
    daily_shares,
    expected_shares,
    weekly_corrections,
)
from chatkit.plots.monitoring import PANELS, ROWS

pytestmark = pytest.mark.usefixtures("own_figures")


def chats(k=5, days=7, n=600):
    """Chats of some days in k categories of equal shares, a third reviewed."""
    rng = np.random.default_rng(0)
    names = np.array([f"category ${number}$" for number in range(k)])
    predicted = names[np.arange(n) % k]
    at = pd.Timestamp("2026-11-20", tz="UTC") + pd.to_timedelta(np.arange(n) % days, unit="D")
    reviewed = rng.random(n) < 1 / 3
    return pd.DataFrame(
        {
            "at": at,
            "predicted": predicted,
            "actual": np.where(reviewed, rng.choice(names, n), None),
            "probability": rng.beta(8, 2, n),
            "milliseconds": rng.gamma(2, 3, n),
        }
    )


def four(frame):
    """All four figures of some chats; their axes."""
    sides = expected_shares({"test": frame["predicted"].iloc[: len(frame) // 2], "train": frame["predicted"].iloc[:7]})
    wrong = pd.Series(0.1, sorted(frame["predicted"].unique()))
    return [
        plots.daily_shares(daily_shares(frame), sides)[0],
        plots.daily_confidence(daily_confidence(frame), 0.8),
        plots.weekly_corrections(weekly_corrections(frame), wrong),
        plots.daily_latency(daily_latency(frame), 500),
    ]


@pytest.mark.parametrize(("k", "days", "n"), [(5, 7, 600), (77, 60, 3000), (1, 1, 60), (2, 1, 2)])
def test_every_figure_draws_and_says_what_it_shows(k, days, n):
    """Few and many categories, one day and sixty; nothing falls outside of its figure."""
    for ax in four(chats(k, days, n)):
        assert isinstance(ax, Axes)
        assert len(plots.alt_text(ax.get_figure())) > 60
        assert "nan" not in plots.alt_text(ax.get_figure())
        ax.get_figure().savefig("/dev/null", format="png")


def test_the_categories_furthest_off_have_the_panels():
    """Six of seventy-seven, the furthest first, with a line for each side."""
    frame = chats(77, 7, 7700)
    sides = {
        "test": frame["predicted"].where(frame["predicted"] != "category $9$", "category $8$"),
        "train": frame["predicted"],
    }
    axes = plots.daily_shares(daily_shares(frame), expected_shares(sides))
    assert len(axes) == PANELS
    assert {axes[0].get_title("left"), axes[1].get_title("left")} == {r"category \$8\$", r"category \$9\$"}
    assert {round(line.get_ydata()[0], 4) for line in axes[0].get_lines() if len(line.get_ydata()) == 2} == {
        round(2 / 77, 4),
        round(1 / 77, 4),
    }
    said = plots.alt_text(axes[0].get_figure())
    assert "Furthest off: category $8$, 1.3% of 7,700 chats, 2.6% expected." in said


def test_a_category_that_is_no_longer_said_has_a_panel():
    """The one furthest off is expected in one of three chats, and count 0; a frame that lacks it is refused."""
    frame = chats(3).assign(predicted=chats(2, n=600)["predicted"])
    expected = expected_shares({"test": chats(3)["predicted"]})
    axes = plots.daily_shares(daily_shares(frame, categories=expected["category"]), expected)
    assert axes[0].get_title("left") == r"category \$2\$"
    assert "Furthest off: category $2$, 0.0% of 600 chats, 33.3% expected." in plots.alt_text(axes[0].get_figure())
    with pytest.raises(ValueError, match=r"Got no rows of 'category \$2\$', which is expected"):
        plots.daily_shares(daily_shares(frame), expected)


def test_points_are_the_numbers_of_the_frame():
    """Days as moments, shares as heights."""
    frame = daily_shares(chats(2, 3, 90))
    sides = expected_shares({"test": pd.Series(["category $0$"])})
    axes = plots.daily_shares(frame, sides)
    shown = frame[frame["category"] == axes[0].get_title("left").replace("\\", "")]
    drawn = next(line for line in axes[0].get_lines() if len(line.get_xdata()) == 3)
    np.testing.assert_allclose(np.asarray(drawn.get_ydata(), dtype=float), shown["share"])


def test_corrections_show_the_categories_with_most():
    """Twenty of seventy-seven, four weeks at most, and their totals in words."""
    frame = weekly_corrections(chats(77, 60, 6000))
    ax = plots.weekly_corrections(frame, pd.Series(dtype=float))
    assert len(ax.get_yticks()) == ROWS
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[1:] == sorted(frame["week"].unique())[-4:]
    total = frame["corrections"].sum()
    assert plots.alt_text(ax.get_figure()).startswith(
        f"Of 6,000 chats, one drawn of each conversation, people have corrected {total:,}, most often "
    )


def test_no_corrections_name_no_category():
    """Nought of all is most often nowhere."""
    frame = weekly_corrections(chats().assign(actual=None))
    said = plots.alt_text(plots.weekly_corrections(frame, pd.Series(dtype=float)).get_figure())
    assert said.startswith("Of 600 chats, one drawn of each conversation, people have corrected 0. By category:")


def test_a_day_with_one_chat_has_a_hollow_point():
    """No interval is known of it."""
    frame = daily_confidence(chats(1, 2, 3))
    ax = plots.daily_confidence(frame, 0.8)
    hollow = [line for line in ax.get_lines() if line.get_markerfacecolor() == "white"]
    assert [len(line.get_xdata()) for line in hollow] == [1]
