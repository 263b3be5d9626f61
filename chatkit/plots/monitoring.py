"""The model at work: what it says day by day, how sure it is, what people correct, how long it takes."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from chatkit.plots import style

PANELS = 6  # categories of daily shares: more is a wall
ROWS = 20  # categories of corrections
WEEKS = 4  # of corrections, the latest
TICKS = 4  # days that are written out: panels are half as wide as the page
_LINE = "#707070"  # what to compare with
_DAILY = {"vertical": True, "fmt": "o-", "markersize": 4, "linewidth": 1, "elinewidth": 1}


def daily_shares(frame, expected, axes=None):
    """Draw the share of each category on each day, a panel for each.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.monitoring.daily.daily_shares`.
    expected : pandas.DataFrame
        category, split, share: lines to compare with, the first split being what the model said before. `frame` must
        have its categories.
    axes : array-like of matplotlib.axes.Axes, optional
        Where to draw, at least one for each category that is shown; by default a new figure.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Those used: of more than six categories, the six that are furthest from the first of `expected`, the furthest
        first. Each has its own scale.

    Raises
    ------
    ValueError
        When `frame` lacks a category of `expected`, or there are fewer axes than categories to show.
    """
    style.expect(frame, ["day", "category", "count", "rows", "share", "low", "high"])
    style.expect(expected, ["category", "split", "share"])
    lines = expected.pivot_table(index="category", columns="split", values="share", aggfunc="sum", fill_value=0)
    vanished = sorted(set(lines.index) - set(frame["category"]))
    if vanished:
        raise ValueError(
            f"Got no rows of {vanished[0]!r}, which is expected; pass daily_shares all expected categories."
        )
    lines = lines[expected["split"].unique()].reindex(frame["category"].unique(), fill_value=0.0)
    rows = frame.drop_duplicates("day")["rows"].sum()
    whole, before = frame.groupby("category")["count"].sum() / rows, lines.iloc[:, 0]
    shown = style.largest_first((whole - before).abs())[:PANELS]
    columns, height = min(2, len(shown)), 1.2 + 1.7 * -(-len(shown) // 2)
    axes = style.panels(axes, len(shown), height, columns, sharex=True)
    for ax, category, label in zip(axes, shown, style.labels(axes[0], shown), strict=True):
        days = frame[(frame["category"] == category) & (frame["rows"] > 0)]
        style.intervals(ax, days["day"], days, "share", **_DAILY)
        for line, split in zip("-:", lines, strict=False):
            ax.axhline(lines.loc[category, split], linestyle=line, color=_LINE, linewidth=1.2, zorder=1, label=split)
        ax.set(ylim=(0, 1.08 * max(days["high"].max(), lines.loc[category].max())))
        ax.set_title(label, loc="left", fontsize=10, weight="normal", pad=4)
        style.percent(ax.yaxis, days["high"].max())
        ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        _dates(ax, days["day"])
    first, figure = shown[0], axes[0].get_figure()
    title = f"Furthest off: {first}, {whole[first]:.1%} of {style.chats(rows)}, {before[first]:.1%} expected"
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower left", ncols=len(lines.columns))
    style.title_of_panels(axes[0], title)
    texts = [f"{name} {whole[name]:.1%}, expected {before[name]:.1%}" for name in style.largest_first(whole)]
    return style.described(
        axes,
        f"Share of {style.categories(len(whole))} from {frame['day'].min():%Y-%m-%d} to "
        f"{frame['day'].max():%Y-%m-%d}, the largest first: {style.some(texts)}. {title}.",
    )


def daily_confidence(frame, expected, ax=None):
    """Draw the mean probability of the predicted category on each day.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.monitoring.daily.daily_confidence`.
    expected : float
        The mean on the test chats, a line.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    style.expect(frame, ["day", "rows", "mean", "low", "high"])
    ax = style.axes(ax, height=3)
    # Of one chat alone there is no interval.
    style.intervals(ax, frame["day"], frame, "mean", **_DAILY)
    ax.axhline(expected, color=_LINE, linewidth=1.2, zorder=1, label="test chats")
    ax.set_ylabel("mean probability")
    ax.yaxis.set(major_locator=MaxNLocator(5, steps=[1, 2, 5, 10]), major_formatter="{x:.3f}")
    _dates(ax, frame["day"])
    mean = np.average(frame["mean"], weights=frame["rows"])
    lowest = frame.loc[frame["mean"].idxmin()]
    title = f"The model is {mean:.3f} sure on average, {expected:.3f} on the test chats"
    ax.legend(loc="best")
    style.title(ax, title)
    return style.described(
        ax,
        f"Mean probability of the predicted category on {style.counted(len(frame), 'day')}. {title}; least on "
        f"{lowest['day']:%Y-%m-%d}, {lowest['mean']:.3f} on {style.chats(lowest['rows'])}.",
    )


def weekly_corrections(frame, expected, ax=None):
    """Draw which share of the predictions people have corrected, by category and week.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.monitoring.daily.weekly_corrections`, of one chat of each conversation.
    expected : pandas.Series of float
        Share of the test chats that were wrong, by predicted category; a grey mark.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, as high as the categories need.

    Returns
    -------
    matplotlib.axes.Axes
        Of more than twenty categories those with most corrections, of more than four weeks the latest.
    """
    style.expect(frame, ["week", "category", "rows", "corrections", "share", "low", "high"])
    weeks = sorted(frame["week"].unique())[-WEEKS:]
    counts = frame.groupby("category")[["corrections", "rows"]].sum()
    counts = counts.loc[style.largest_first(counts["corrections"])]
    shown, corrections, total = counts.index[:ROWS], counts["corrections"].sum(), counts["rows"].sum()
    ax = style.axes(ax, height=1.6 + (0.22 + 0.09 * len(weeks)) * len(shown))
    shifts = np.linspace(-0.3, 0.3, len(weeks) + 2)[1:-1]
    for week, marker, color, shift in zip(weeks, "osD^", style.COLORS, shifts, strict=False):
        rows = frame[(frame["week"] == week) & frame["category"].isin(shown)]
        y = shown.get_indexer(rows["category"]) + shift
        style.intervals(ax, y, rows, "share", fmt=marker, color=color, label=week, clip_on=False)
    tested, props = expected.reindex(shown), {"color": "#404040", "markersize": 16, "markeredgewidth": 1.6}
    ax.plot(tested, range(len(shown)), "|", label="errors on the test chats", **props)
    style.name_rows(ax, style.labels(ax, shown, counts=counts.loc[shown, "rows"]))
    ax.set(xlim=(0, None), xlabel="share of the chats drawn that people have corrected")
    style.percent(ax.xaxis, ax.get_xlim()[1])
    title = f"Of {total:,} chats, one drawn of each conversation, people have corrected {corrections:,}"
    if corrections:
        title += f", most often {shown[0]} ({counts['corrections'].iloc[0]:,} of {counts['rows'].iloc[0]:,})"
    style.title_and_legend(ax, title, pad=24 if len(weeks) < 3 else 40)  # the legend has a second line
    texts = [
        f"{row.Index} {row.corrections:,} of {row.rows:,}"
        + ("" if np.isnan(share) else f", wrong on the test chats {share:.1%}")
        for row, share in zip(counts.loc[shown].itertuples(), tested, strict=True)
    ]
    return style.described(ax, f"{title}. By category: {style.some(texts)}.")


def daily_latency(frame, limit, ax=None):
    """Draw the milliseconds that the model took for requests, by day.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.monitoring.daily.daily_latency`.
    limit : float
        Milliseconds within which 99 of 100 requests have to be answered, a line.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The milliseconds on a logarithmic axis.
    """
    style.expect(frame, ["day", "requests", "p50", "p99"])
    ax = style.axes(ax, height=3)
    milliseconds = frame.set_index("day")[["p50", "p99"]].clip(lower=0.01)
    ax.plot(milliseconds["p99"], "s-", color=style.COLORS[1], markersize=5, label="99 of 100 requests")
    ax.plot(milliseconds["p50"], "o-", color=style.COLORS[0], markersize=5, label="half of the requests")
    ax.axhline(limit, color=_LINE, linestyle="--", linewidth=1.2, zorder=1, label="limit")
    ax.set(yscale="log", ylabel="milliseconds")
    style.logarithmic(ax.yaxis)
    _dates(ax, frame["day"])
    slowest = frame.loc[frame["p99"].idxmax()]
    title = (
        f"On the slowest day, {slowest['day']:%Y-%m-%d}, 99 of 100 requests took {slowest['p99']:,.1f} ms, half "
        f"{slowest['p50']:,.1f} ms"
    )
    style.title_and_legend(ax, title)
    requests, days = frame["requests"].sum(), style.counted(len(frame), "day")
    return style.described(ax, f"Milliseconds of the model for {requests:,} requests on {days}. {title}.")


def _dates(ax, days):
    """Write days, not hours, however few there are."""
    margin = pd.Timedelta(hours=12)
    ax.set(xlim=(days.min() - margin, days.max() + margin))
    ticks = pd.date_range(days.min(), days.max())
    ticks = ticks[:: -(-len(ticks) // TICKS)]
    ax.set_xticks(ticks, [f"{day:%d %b}" for day in ticks])
