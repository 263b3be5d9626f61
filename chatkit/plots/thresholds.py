"""What a threshold costs and saves."""

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from chatkit.plots import style

_POLICIES = {  # name, line, colour
    "tuned": ("tuned threshold, with interval", "-", style.COLORS[0]),
    "elkan": ("threshold 1 / (1 + ratio)", "--", style.COLORS[1]),
    "as now": ("most probable category", "-.", style.COLORS[2]),
    "all": ("call all urgent", ":", "#707070"),
    "none": ("call none urgent", (0, (1, 4)), "#707070"),
}


def cost_curve(frame, axes=None):
    """Draw what ways to call chats urgent cost, and what the tuned threshold does.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.decisions.thresholds.cost_curve`.
    axes : array-like of matplotlib.axes.Axes, optional
        Where to draw, at least two; by default a new figure.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        The costs, both axes logarithmic; and threshold, recall and share of the chats that are called urgent.

    Raises
    ------
    ValueError
        When there are fewer than two axes.
    """
    style.expect(frame, ["policy", "ratio", "threshold", "recall", "precision", "flagged", "cost", "low", "high"])
    costs, effects = axes = style.panels(axes, 2, height=6.5, sharex=True, height_ratios=[2, 1.2])
    policies = {policy: rows.sort_values("ratio") for policy, rows in frame.groupby("policy")}
    tuned, now = policies["tuned"], policies["as now"]
    for policy, (label, line, color) in _POLICIES.items():
        costs.plot(policies[policy]["ratio"], policies[policy]["cost"], linestyle=line, color=color, label=label)
    style.band(costs, tuned["ratio"], tuned["low"], tuned["high"], style.COLORS[0])
    costs.set(xscale="log", yscale="log", ylabel="cost of 1,000 chats, in false alarms")
    style.logarithmic(costs.yaxis)
    lines = {"recall": "recall", "flagged": "chats called urgent", "threshold": "threshold"}
    for (column, label), marker, color in zip(lines.items(), "o^s", style.COLORS[3:], strict=False):
        effects.plot(tuned["ratio"], tuned[column].replace(np.inf, np.nan), marker=marker, color=color, label=label)
    effects.set(xscale="log", ylim=(-0.02, 1.02), ylabel="with the tuned threshold")
    effects.set(xlabel="cost of a missed urgent chat, in false alarms")
    for ax in axes:
        ax.xaxis.set(major_locator=FixedLocator(tuned["ratio"]), major_formatter="{x:g}", minor_locator=NullLocator())
    style.legend(effects)
    # One of the ratios is read out: ten false alarms for a missed chat, or what is nearest.
    nearest = tuned["ratio"].sub(10).abs().argmin()
    row = tuned.iloc[nearest]
    title = (
        f"Where a missed urgent chat costs {row['ratio']:g} false alarms, 1,000 chats cost "
        f"{style.with_interval(row, 'cost', ',.0f')}, with the most probable category {now['cost'].iloc[nearest]:,.0f}"
    )
    style.title_and_legend(costs, title, pad=40)
    thresholds = tuned["threshold"].map("{:.2f}".format).replace("inf", "none")
    texts = [
        f"at {row.ratio:g} threshold {threshold}, recall {row.recall:.2f}, {row.flagged:.0%} of the "
        f"chats called urgent, cost {style.with_interval(row, 'cost', ',.0f')}, now {cost:,.0f}"
        for row, threshold, cost in zip(tuned.itertuples(index=False), thresholds, now["cost"], strict=True)
    ]
    style.described(
        costs,
        f"Cost of calling chats urgent, in false alarms, by the cost of a missed one. {title}. With the tuned "
        f"threshold, and now with the most probable category: {style.some(texts)}.",
    )
    return axes


def coverage_risk(frame, points=None, ax=None):
    """Draw the error of the chats that are routed without a person against their share.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.decisions.thresholds.coverage_risk`.
    points : pandas.DataFrame, optional
        From `chatkit.decisions.thresholds.operating_points`, to be marked.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    style.expect(frame, ["coverage", "threshold", "error", "low", "high"])
    ax = style.axes(ax, height=4)
    frame = frame.sort_values("coverage")
    ax.plot(frame["coverage"], frame["error"], color=style.COLORS[0])
    style.band(ax, frame["coverage"], frame["low"], frame["high"], style.COLORS[0])
    title, texts = f"{frame['error'].iloc[-1]:.1%} of all chats go wrong", []
    for share in (0.25, 0.5, 0.75):
        row = frame.iloc[frame["coverage"].sub(share).abs().argmin()]
        texts.append(f"{row['error']:.1%} of the surest {row['coverage']:.0%} ({row['low']:.1%} to {row['high']:.1%})")
    reached = frame.head(0) if points is None else points[points["coverage"] > 0]
    if len(reached):
        label = "threshold from training chats, for an error of at most …"
        props = {"vertical": True, "color": style.COLORS[1], "markersize": 6, "label": label}
        style.intervals(ax, reached["coverage"], reached, "error", **props)
        for row in reached.itertuples(index=False):
            limit = f"{100 * row.at_most:.3g}%"
            ax.annotate(limit, (row.coverage, row.high), (0, 4), textcoords="offset points", ha="center")
            texts.append(
                f"threshold {row.threshold:.2f}, for at most {limit}, routes {row.coverage:.0%} with "
                f"{style.with_interval(row, 'error', '.1%')}"
            )
        title += f", {reached['error'].iloc[0]:.1%} of the surest {reached['coverage'].iloc[0]:.0%}"
        ax.legend(loc="upper left")
    # The surest few chats have an interval that would fill the figure.
    highest = frame.loc[frame["coverage"] >= 0.05, "high"].max()
    ax.set(xlim=(0, 1.02), ylim=(0, max(0.02, 1.15 * highest)))
    ax.set(xlabel="share of the chats, the surest first", ylabel="share of these that go wrong")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    style.title(ax, title)
    return style.described(ax, f"Errors by the share of the chats that is routed: {title}; {'; '.join(texts)}.")
