"""What changes when the words change."""

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from chatkit.plots import style

_KINDS = {"INV": "the category must stay", "DIR": "it must go as stated", "MFT": "messages it must know"}
_VERDICTS = {"does not hold": ("X", 3), "not shown": ("D", 1), "holds": ("o", 0)}  # marker, place in COLORS
_BESIDE = {"xytext": (6, 0), "textcoords": "offset points", "fontsize": 9, "va": "center"}
_LONGEST = 52  # characters of a name
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
    style.expect(
        frame, ["name", "kind", "expectation", "chats", "flips", "rate", "low", "high", "tolerance", "verdict"]
    )
    groups = [_worst_first(frame[frame["kind"] == kind]) for kind in _KINDS]
    groups = [group for group in groups if len(group)]
    # A line of its own above each group says its kind.
    starts = np.cumsum([0, *(len(group) + 1.3 for group in groups)])
    if ax is None:
        ax = style.new_axes(style.WIDTH + 1.5, 1.3 + 0.24 * starts[-1])
    places, labels = [], []
    for start, group in zip(starts, groups, strict=False):
        here = start + 1 + np.arange(len(group))
        kind = group["kind"].iloc[0]
        ax.annotate(f"{kind}: {_KINDS[kind]}", (0, start + 0.2), fontweight="bold", **_BESIDE)
        ax.vlines(group["tolerance"], here - 0.4, here + 0.4, color="#8c8c8c", linewidth=1.2)
        for place, row in zip(here, group.itertuples(), strict=True):
            if row.verdict == "not run":
                ax.annotate("not run", (0, place), color="#5c5c5c", **_BESIDE)
                continue
            marker, color = _VERDICTS[row.verdict]
            ends = np.nan_to_num([[row.rate - row.low], [row.high - row.rate]])
            ax.errorbar(
                [row.rate], [place], xerr=ends, fmt=marker, color=style.COLORS[color], markersize=6, clip_on=False
            )
        places += [*here]
        labels += [f"{_cut(row.name)} ({row.chats:,})" for row in group.itertuples(index=False)]
    for verdict, (marker, color) in _VERDICTS.items():
        ax.plot([], [], marker, color=style.COLORS[color], markersize=6, label=verdict)
    ax.plot([], [], "|", color="#8c8c8c", markersize=9, markeredgewidth=1.2, label="acceptable")
    ax.set_yticks(places, labels)
    # The square root: most shares are small, and there they are told apart.
    ax.set_xscale("function", functions=(lambda share: np.sqrt(np.clip(share, 0, None)), np.square))
    ax.xaxis.set_major_locator(FixedLocator(_SHARES))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set(xlim=(0, 1.04), ylim=(starts[-1] - 0.5, -0.4), xlabel="share of chats against it, with its interval")
    ax.tick_params(axis="y", length=0, pad=8)
    ax.grid(visible=False, axis="y")
    _say(ax, frame, groups)
    return ax


def _worst_first(group):
    order = group.assign(place=group["verdict"].map([*_VERDICTS, "not run"].index))
    return order.sort_values(["place", "rate", "name"], ascending=[True, False, True]).drop(columns="place")


def _cut(name):
    return style.escape(name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…")


def _say(ax, frame, groups):
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderaxespad=0.2, handletextpad=0.2, columnspacing=1)
    counts = {verdict: (frame["verdict"] == verdict).sum() for verdict in [*_VERDICTS, "not run"]}
    said = f"Does not hold: {counts.pop('does not hold')} of {len(frame)} expectations"
    said += "".join(f"; {verdict}: {count}" for verdict, count in counts.items() if count)
    style.title(ax, said, pad=24)
    failed = [
        f"{row.name} ({row.expectation}: {row.flips:,} of {style.chats(row.chats)} against it)"
        for group in groups
        for row in group[group["verdict"] == "does not hold"].itertuples(index=False)
    ]
    unrun = list(frame.loc[frame["verdict"] == "not run", "name"])
    style.add_text(
        ax,
        f"Shares of chats that go against what is expected when words change. {said}. "
        f"Those that do not hold: {style.some(failed)}." + (f" Not run: {style.some(unrun)}." if unrun else ""),
    )
