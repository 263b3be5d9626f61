"""What changes when the words change."""

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, NullLocator

from chatkit.plots import style

_COLUMNS = ["name", "kind", "expectation", "chats", "flips", "rate", "low", "high", "tolerance", "verdict"]
_KINDS = {"INV": "the category must stay", "DIR": "it must go as stated", "MFT": "messages it must know"}
_VERDICTS = {
    "does not hold": ("X", style.COLORS[3]),
    "not shown": ("D", style.COLORS[1]),
    "holds": ("o", style.COLORS[0]),
}
_ORDER = [*_VERDICTS, "not run"]
_BESIDE = {"xytext": (6, 0), "textcoords": "offset points", "fontsize": 9, "va": "center"}
_SHARES = (0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1)


def perturbations(frame, ax=None):
    """Draw the share of chats that go against each expectation, grouped by kind, the worst first.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table of `chatkit.explain.perturbations.run_perturbations`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, as high as the entries need.

    Returns
    -------
    matplotlib.axes.Axes
        A dot with its interval for each entry, without one where messages of the file were tried, and a line at the
        share that is acceptable. What was not run is named, without a dot.
    """
    style.expect(frame, _COLUMNS)
    # Kind by kind, the worst first; the table has no interval of messages of the file.
    rows = frame.assign(
        kind=pd.Categorical(frame["kind"], _KINDS, ordered=True),
        severity=frame["verdict"].map(_ORDER.index),
        low=frame["low"].fillna(frame["rate"]),
        high=frame["high"].fillna(frame["rate"]),
    ).sort_values(["kind", "severity", "rate", "name"], ascending=[True, True, False, True], ignore_index=True)
    first = ~rows["kind"].duplicated()
    # A line of its own above each kind says what it is.
    rows["y"] = rows.index + 1 + 1.3 * (first.cumsum() - 1)
    bottom = rows["y"].max() + 1.3
    ax = style.axes(ax, height=1.3 + 0.24 * bottom, width=style.WIDTH + 1.5)
    for row in rows[first].itertuples():
        ax.annotate(f"{row.kind}: {_KINDS[row.kind]}", (0, row.y - 0.8), fontweight="bold", **_BESIDE)
    ax.vlines(rows["tolerance"], rows["y"] - 0.4, rows["y"] + 0.4, color=style.GREY, linewidth=1.2)
    for y in rows.loc[rows["verdict"] == "not run", "y"]:
        ax.annotate("not run", (0, y), color="#5c5c5c", **_BESIDE)
    for verdict, (marker, color) in _VERDICTS.items():
        if len(drawn := rows[rows["verdict"] == verdict]):
            style.intervals(ax, drawn["y"], drawn, "rate", fmt=marker, color=color, markersize=6, clip_on=False)
        ax.plot([], [], marker, color=color, markersize=6, label=verdict)
    ax.plot([], [], "|", color=style.GREY, markersize=9, markeredgewidth=1.2, label="acceptable")
    style.name_rows(ax, style.labels(ax, rows["name"], 52, rows["chats"]), y=rows["y"])
    # The square root: most shares are small, and there they are told apart.
    ax.set_xscale("function", functions=(lambda share: np.sqrt(np.clip(share, 0, None)), np.square))
    style.percent(ax.xaxis, 1)
    ax.xaxis.set(major_locator=FixedLocator(_SHARES), minor_locator=NullLocator())
    ax.set(xlim=(0, 1.04), ylim=(bottom - 0.5, -0.4), xlabel="share of chats against it, with its interval")
    ax.tick_params(axis="y", pad=8)
    counts = rows["verdict"].value_counts()
    title = f"Does not hold: {counts.get('does not hold', 0)} of {len(rows)} expectations"
    title += "".join(f"; {verdict}: {counts[verdict]}" for verdict in _ORDER[1:] if verdict in counts)
    style.legend(ax, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, handletextpad=0.2, columnspacing=1)
    style.title(ax, title, pad=24)
    failed = [
        f"{row.name} ({row.expectation}: {row.flips:,} of {style.chats(row.chats)} against it)"
        for row in rows[rows["verdict"] == "does not hold"].itertuples(index=False)
    ]
    unrun = frame.loc[frame["verdict"] == "not run", "name"]
    return style.described(
        ax,
        f"Shares of chats that go against what is expected when words change. {title}. "
        f"Those that do not hold: {style.some(failed)}." + (f" Not run: {style.some(unrun)}." if len(unrun) else ""),
    )
