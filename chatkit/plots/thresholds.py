"""What a threshold costs and saves."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator, PercentFormatter

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
    if axes is None:
        axes = plt.subplots(
            2, 1, figsize=(style.WIDTH, 6.5), layout="constrained", sharex=True, height_ratios=[2, 1.2]
        )[1]
    axes = np.ravel(axes)
    if len(axes) < 2:
        raise ValueError(f"Got {len(axes)} axes, expected 2, for costs and for thresholds; leave axes out.")
    policies = {policy: rows.sort_values("ratio") for policy, rows in frame.groupby("policy")}
    tuned, now = policies["tuned"], policies["as now"]
    for policy, (label, line, color) in _POLICIES.items():
        rows = policies[policy]
        axes[0].plot(rows["ratio"], rows["cost"], linestyle=line, color=color, label=label)
    axes[0].fill_between(tuned["ratio"], tuned["low"], tuned["high"], color=style.COLORS[0], alpha=0.2, linewidth=0)
    axes[0].set(xscale="log", yscale="log", ylabel="cost of 1,000 chats, in false alarms")
    axes[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[0].yaxis.set_major_formatter("{x:,g}")
    axes[0].yaxis.set_minor_locator(NullLocator())
    for column, marker, color in zip(("recall", "flagged", "threshold"), "o^s", style.COLORS[3:], strict=False):
        label = {"flagged": "chats called urgent"}.get(column, column)
        axes[1].plot(tuned["ratio"], tuned[column].replace(np.inf, np.nan), marker=marker, color=color, label=label)
    axes[1].set(xscale="log", ylim=(-0.02, 1.02), ylabel="with the tuned threshold")
    axes[1].set(xlabel="cost of a missed urgent chat, in false alarms")
    for ax in axes[:2]:
        ax.xaxis.set_major_locator(FixedLocator(tuned["ratio"]))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
    axes[1].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2, handletextpad=0.4)
    # One of the ratios is read out: ten false alarms for a missed chat, or what is nearest.
    at = tuned["ratio"].sub(10).abs().argmin()
    cost, low, high = tuned[["cost", "low", "high"]].iloc[at]
    found = (
        f"Where a missed urgent chat costs {tuned['ratio'].iloc[at]:g} false alarms, 1,000 chats cost {cost:,.0f} "
        f"({low:,.0f} to {high:,.0f}), with the most probable category {now['cost'].iloc[at]:,.0f}"
    )
    axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2, handletextpad=0.4)
    style.title(axes[0], found, pad=40)
    said = [
        f"at {row.ratio:g} threshold {_threshold(row.threshold)}, recall {row.recall:.2f}, {row.flagged:.0%} of the "
        f"chats called urgent, cost {row.cost:,.0f} ({row.low:,.0f} to {row.high:,.0f}), now {cost:,.0f}"
        for row, cost in zip(tuned.itertuples(index=False), now["cost"], strict=True)
    ]
    style.add_text(
        axes[0],
        f"Cost of calling chats urgent, in false alarms, by the cost of a missed one. {found}. With the tuned "
        f"threshold, and now with the most probable category: {style.some(said)}.",
    )
    return axes[:2]


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
    if ax is None:
        ax = style.new_axes(style.WIDTH, 4)
    frame = frame.sort_values("coverage")
    ax.plot(frame["coverage"], frame["error"], color=style.COLORS[0])
    ax.fill_between(frame["coverage"], frame["low"], frame["high"], color=style.COLORS[0], alpha=0.2, linewidth=0)
    found = f"{frame['error'].iloc[-1]:.1%} of all chats go wrong"
    said = []
    for share in (0.25, 0.5, 0.75):
        at = frame.iloc[frame["coverage"].sub(share).abs().argmin()]
        said.append(f"{at['error']:.1%} of the surest {at['coverage']:.0%} ({at['low']:.1%} to {at['high']:.1%})")
    reached = frame.head(0) if points is None else points[points["coverage"] > 0]
    if len(reached):
        ends = [reached["error"] - reached["low"], reached["high"] - reached["error"]]
        ax.errorbar(
            reached["coverage"], reached["error"], yerr=ends, fmt="o", color=style.COLORS[1], markersize=6,
            label="threshold from training chats, for an error of at most …",
        )  # fmt: skip
        for row in reached.itertuples(index=False):
            ax.annotate(f"{100 * row.at_most:.3g}%", (row.coverage, row.high), (0, 4), textcoords="offset points",
                        ha="center")  # fmt: skip
        first = reached.iloc[0]
        found += f", {first['error']:.1%} of the surest {first['coverage']:.0%}"
        ax.legend(loc="upper left")
        said += [
            f"threshold {row.threshold:.2f}, for at most {100 * row.at_most:.3g}%, routes {row.coverage:.0%} with "
            f"{row.error:.1%} ({row.low:.1%} to {row.high:.1%})"
            for row in reached.itertuples(index=False)
        ]
    # The surest few chats have an interval that would fill the figure.
    highest = frame.loc[frame["coverage"] >= 0.05, "high"].max()
    ax.set(
        xlim=(0, 1.02), ylim=(0, max(0.02, 1.15 * highest)), xlabel="share of the chats, the surest first",
        ylabel="share of these that go wrong",
    )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    style.title(ax, found)
    style.add_text(ax, f"Errors by the share of the chats that is routed: {found}; {'; '.join(said)}.")
    return ax


def _threshold(value):
    return f"{value:.2f}" if np.isfinite(value) else "none"
