"""The chats by category: over time, and on the sides of a split."""

import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator

from chatkit.plots import style


def class_shares(frame, ax=None):
    """Draw the share of each category on the sides of a split.

    Parameters
    ----------
    frame : pandas.DataFrame
        category, split, share (of the rows of that split).
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, as high as the categories need.

    Returns
    -------
    matplotlib.axes.Axes
        The category with the largest mean share on top.
    """
    style.expect(frame, ["category", "split", "share"])
    splits = frame["split"].unique()
    shares = frame.pivot_table(index="category", columns="split", values="share", aggfunc="sum", fill_value=0)[splits]
    shares = shares.loc[style.largest_first(shares.mean(axis=1))]
    low, high = shares.min(axis=1), shares.max(axis=1)
    ax = style.axes(ax, height=1.4 + 0.26 * len(shares))
    rows = np.arange(len(shares))
    ax.hlines(rows, low, high, color=style.GREY, linewidth=1)
    for split, color, marker in zip(splits, style.COLORS, "oDs^v", strict=False):
        # Hollow but for the first: equal shares lie upon each other.
        fill = color if split == splits[0] else "none"
        ax.plot(shares[split], rows, marker, color=color, markerfacecolor=fill, markersize=8, label=split)
    ax.set_yticks(rows, style.labels(ax, shares.index))
    ax.set(xlim=(0, None), ylim=(len(shares) - 0.4, -0.6), xlabel="share of the chats on that side", ylabel="category")
    style.percent(ax.xaxis, high.max())
    widest = (high - low).idxmax()
    texts = {name: ", ".join(f"{split} {share:.1%}" for split, share in row.items()) for name, row in shares.iterrows()}
    style.title_and_legend(ax, f"Largest difference: {widest}, {texts[widest]}")
    return style.described(
        ax,
        f"Share of {style.categories(len(shares))} by side of the split, the largest first: "
        f"{style.some(f'{name} {text}' for name, text in texts.items())}. "
        f"Largest difference: {widest}, {100 * (high - low).max():.1f} points.",
    )


def chats_per_week(frame, ax=None):
    """Draw how many chats of each category came in each week.

    Parameters
    ----------
    frame : pandas.DataFrame
        week (datetime, its first day), category, count. A week without a row for a category had no such chat.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Categories on top of each other, the smallest at the bottom; of more than seven the seven largest, and the
        rest as one.
    """
    style.expect(frame, ["week", "category", "count"])
    weeks = frame.pivot_table(index="week", columns="category", values="count", aggfunc="sum", fill_value=0)
    weeks = weeks.reindex(pd.date_range(weeks.index[0], weeks.index[-1], freq="7D"), fill_value=0)
    total, order = weeks.sum(axis=1), style.largest_first(weeks.sum())
    shown = order[: len(style.COLORS)]
    weeks, colors = weeks[shown[::-1]], style.colors(shown)
    if len(shown) < len(order):
        rest = f"{len(order) - len(shown)} other categories"
        weeks, colors = weeks.assign(**{rest: total - weeks.sum(axis=1)}), colors | {rest: style.REST}
    ax = style.axes(ax, height=4)
    # A step a week: nothing is known of the days between. The last week lasts until its end.
    starts, counts = weeks.index.append(weeks.index[-1:] + pd.Timedelta(days=7)), weeks.to_numpy().T
    labels = style.labels(ax, weeks)
    props = {"colors": [colors[name] for name in weeks], "edgecolor": "white", "linewidth": 0.3}
    layers = ax.stackplot(starts, np.column_stack([counts, counts[:, -1]]), step="post", labels=labels, **props)
    ax.set(ylim=(0, None), xlim=(starts[0], starts[-1]), xlabel="week", ylabel="chats in the week")
    locator = AutoDateLocator(maxticks=7)
    ax.xaxis.set(major_locator=locator, major_formatter=ConciseDateFormatter(locator))
    ax.yaxis.set(major_locator=MaxNLocator(6, integer=True), major_formatter="{x:,.0f}")
    ax.set_axisbelow(True)
    # Both named: matplotlib leaves out by itself what begins with an underscore.
    ax.legend(layers, labels, loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)
    busiest = total.idxmax()
    style.title(ax, f"{total.mean():,.0f} chats a week on average, {total.max():,} in the week of {busiest:%Y-%m-%d}")
    ranges = [
        f"{name} {counts.min():,} to {counts.max():,}, mean {counts.mean():,.1f}"
        for name, counts in weeks.loc[:, ::-1].items()
    ]
    return style.described(
        ax,
        f"Chats per week from {weeks.index[0]:%Y-%m-%d} to {weeks.index[-1]:%Y-%m-%d}, {total.mean():,.1f} on "
        f"average, most in the week of {busiest:%Y-%m-%d} ({total.max():,}). By category: {'; '.join(ranges)}.",
    )
