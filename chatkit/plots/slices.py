"""Scores of slices of the chats."""

import matplotlib.pyplot as plt
import numpy as np

from chatkit.plots import style

_NAMES = {"macro_f1": "macro-F1", "accuracy": "accuracy"}


def slice_scores(frame, metric="macro_f1", axes=None):
    """Draw a score of each slice with its interval, a panel for each slicing, and the score of all chats as a line.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.scores.slices.slice_scores`.
    metric : {"macro_f1", "accuracy"}, default="macro_f1"
    axes : array-like of matplotlib.axes.Axes, optional
        Where to draw, at least one for each slicing; by default a new figure, as high as the slices need.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Those used. The number of chats stands beside each name; hollow dots have no interval.

    Raises
    ------
    ValueError
        When the frame has no slices of that metric, or there are fewer axes than slicings.
    """
    style.expect(frame, ["slice", "name", "rows", "metric", "value", "low", "high"])
    frame = frame[frame["metric"] == metric]
    slices = frame[frame["slice"] != "all"]
    if slices.empty:
        raise ValueError(f"Got no slices with {metric!r}, expected some; chats that are all alike have none.")
    whole = frame[frame["slice"] == "all"].iloc[0]
    panels = dict(list(slices.groupby("slice", sort=False)))
    axes = _new_panels([len(rows) for rows in panels.values()]) if axes is None else np.ravel(axes)
    if len(axes) < len(panels):
        raise ValueError(f"Got {len(axes)} axes, expected {len(panels)}, one for each slicing; leave axes out.")
    ends = np.append(slices[["value", "low", "high"]].to_numpy(), whole["value"])
    margin = 0.03 * max(np.ptp(ends[np.isfinite(ends)]), 0.1)
    limits = np.nanmin(ends) - margin, np.nanmax(ends) + margin
    for ax, (what, rows) in zip(axes, panels.items(), strict=False):
        place, known = np.arange(len(rows)), rows["low"].notna().to_numpy()
        ends = np.array([rows["value"] - rows["low"], rows["high"] - rows["value"]])
        ax.axvline(whole["value"], color="#8c8c8c", linewidth=1, zorder=1)
        ax.errorbar(
            rows["value"][known], place[known], xerr=ends[:, known], fmt="o", color=style.COLORS[0], markersize=5
        )
        ax.plot(rows["value"][~known], place[~known], "o", color=style.COLORS[0], markerfacecolor="white", markersize=5)
        ax.set_yticks(place, [f"{style.shown(row.name)} ({row.rows:,})" for row in rows.itertuples(index=False)])
        ax.set(xlim=limits, ylim=(len(rows) - 0.4, -0.6))
        ax.annotate(what, (0, 1), (0, 3), "axes fraction", "offset points", fontsize=10)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
    hollow = "; hollow: no interval" if slices["low"].isna().any() else ""
    axes[len(panels) - 1].set(xlabel=f"{_NAMES[metric]}, with its interval{hollow} (line: all chats)")
    apart = ((slices["low"] > whole["value"]) | (slices["high"] < whole["value"])).sum()
    known = slices["low"].notna().sum()
    found = (
        f"{_NAMES[metric]} is {whole['value']:.2f} on {style.chats(whole['rows'])}; the intervals of {apart} of "
        f"{known} slices leave that out"
    )
    found = found[0].upper() + found[1:]
    style.title(axes[0], found, pad=24)
    said = [f"{what}: {style.some(map(_said, rows.itertuples(index=False)))}" for what, rows in panels.items()]
    style.add_text(axes[0], f"{found}. By {'. By '.join(said)}.")
    return axes[: len(panels)]


def _said(row):
    between = "" if np.isnan(row.low) else f" ({row.low:.2f} to {row.high:.2f})"
    return f"{row.name} {row.value:.2f}{between}, {style.chats(row.rows)}"


def _new_panels(heights):
    size = (style.WIDTH, 1.2 + 0.4 * len(heights) + 0.24 * sum(heights))
    ratios = [height + 0.4 for height in heights]
    return plt.subplots(
        len(heights), 1, figsize=size, layout="constrained", sharex=True, squeeze=False, height_ratios=ratios
    )[1].ravel()
