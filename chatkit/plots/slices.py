"""Scores of slices of the chats."""

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
    sizes = [len(rows) for rows in panels.values()]
    height, ratios = 1.2 + 0.4 * len(sizes) + 0.24 * sum(sizes), [size + 0.4 for size in sizes]
    axes = style.panels(axes, len(sizes), height, sharex=True, height_ratios=ratios)
    ends = np.append(slices[["value", "low", "high"]].to_numpy(), whole["value"])
    margin = 0.03 * max(np.ptp(ends[np.isfinite(ends)]), 0.1)
    limits, texts = (np.nanmin(ends) - margin, np.nanmax(ends) + margin), []
    for ax, (what, rows) in zip(axes, panels.items(), strict=True):
        ax.axvline(whole["value"], color=style.GREY, linewidth=1, zorder=1)
        style.intervals(ax, np.arange(len(rows)), rows)
        style.name_rows(ax, style.labels(ax, rows["name"], counts=rows["rows"]))
        scores = [
            f"{row.name} {style.with_interval(row)}, {style.chats(row.rows)}" for row in rows.itertuples(index=False)
        ]
        texts.append(f"By {what}: {style.some(scores)}.")
        ax.set_xlim(limits)
        ax.annotate(what, (0, 1), (0, 3), "axes fraction", "offset points", fontsize=10)
    known = slices["low"].notna()
    name, hollow = _NAMES[metric], "" if known.all() else "; hollow: no interval"
    axes[-1].set(xlabel=f"{name}, with its interval{hollow} (line: all chats)")
    outside = ((slices["low"] > whole["value"]) | (slices["high"] < whole["value"])).sum()
    title = (
        f"{name[0].upper()}{name[1:]} is {whole['value']:.2f} on {style.chats(whole['rows'])}; the intervals of "
        f"{outside} of {known.sum()} slices leave that out"
    )
    style.title(axes[0], title, pad=24)
    return style.described(axes, f"{title}. {' '.join(texts)}")
