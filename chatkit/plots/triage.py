"""How long chats wait for their first answer, by policy and by the number of agents."""

import textwrap

from matplotlib.ticker import MaxNLocator

from chatkit.decisions.triage import NUMBERS, POLICIES
from chatkit.plots import style

COLUMNS = ["policy", "agents", "who", "statistic", *NUMBERS]
NOW = POLICIES[0]  # what the others are compared with
SIDES = {"urgent": "urgent chats", "others": "other chats"}
PERCENTILES = {"p50": "half", "p90": "9 of 10", "p99": "99 of 100"}
_MARKERS = dict(zip(POLICIES, zip("so^D", style.COLORS, strict=False), strict=True))
_LOOKS = {"p50": ("white", 7), "p90": (None, 7), "p99": (None, 3.5)}  # fill and size of the marker


def minutes_to_answer(frame, assumptions, ax=None):
    """Draw how long urgent chats and others wait under each policy, at one number of agents.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.decisions.triage.compare_policies`, rows of one number of agents.
    assumptions : str
        From `chatkit.decisions.triage.Desk.assumptions`; stands below in small letters.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Median, 90th and 99th percentile with their intervals; at the right what the last two gain or lose against
        hourly triage.

    Raises
    ------
    ValueError
        When the frame has several numbers of agents.
    """
    style.expect(frame, COLUMNS)
    agents = frame["agents"].unique()
    if len(agents) > 1:
        raise ValueError(f"Got {len(agents)} numbers of agents, expected one; select it: frame[frame['agents'] == 5].")
    table = frame.set_index(["statistic", "who", "policy"])[NUMBERS].sort_index()
    ax = style.axes(ax, height=6.6)
    rows = [(who, policy) for who in SIDES for policy in (None, *POLICIES)]  # a heading above the policies
    for statistic, label in PERCENTILES.items():
        fill, size = _LOOKS[statistic]
        for policy, (marker, color) in _MARKERS.items():
            y = [rows.index((who, policy)) for who in SIDES]
            values = table.loc[[(statistic, who, policy) for who in SIDES]]
            props = {"color": color, "markersize": size, "markerfacecolor": fill, "zorder": 3}
            style.intervals(ax, y, values, fmt=marker, clip_on=False, **props)
        ax.plot([], [], "o", color="#4d4d4d", markerfacecolor=fill, markersize=size, label=f"{label} answered")
    style.name_rows(ax, [policy or SIDES[who] for who, policy in rows], margin=0.5)
    beside = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 9}
    ax.text(1.02, 0, "9 of 10 and 99 of 100\nagainst hourly triage", **beside)
    for y, (who, policy) in enumerate(rows):
        if policy is None:
            ax.get_yticklabels()[y].set_fontweight("bold")
            ax.axhline(y - 0.5, color=style.STYLE["grid.color"], linewidth=0.8)
        elif policy != NOW:
            ax.text(1.02, y, "\n".join(_difference(table.loc[p, who, policy]) for p in ("p90", "p99")), **beside)
    ax.set(xlim=(0, None), xlabel="minutes until the first answer, with intervals")
    ax.tick_params(axis="y", pad=9)
    (urgent, urgent_now, _), (rest, rest_now, both), (others, others_now, _) = (
        [_minutes(table.loc[(*row, policy), "value"]) for policy in ("model", NOW, "model and hourly triage")]
        for row in (("p90", "urgent"), ("p99", "urgent"), ("p90", "others"))
    )
    count = style.counted(agents[0], "agent")
    # With the 99th percentile: the few urgent chats that the model misses wait like all others.
    style.title_and_legend(
        ax,
        f"With {count} and the model, 9 of 10 urgent chats are answered within {urgent} minutes, not {urgent_now}, "
        f"99 of 100 within {rest}, not {rest_now} (with hourly triage kept {both}); 9 of 10 others within {others}, "
        f"not {others_now}",
    )
    _small_print(ax, assumptions)
    texts = [f"{SIDES[who]}, {policy}: {_percentiles(table, who, policy)}" for who, policy in rows if policy]
    style.add_text(
        ax,
        f"Minutes until the first answer with {count}, with intervals; sooner or later than with hourly triage. "
        f"{'; '.join(texts)}. {assumptions}",
    )
    return ax


def staffing(frame, assumptions, axes=None):
    """Draw how long 9 of 10 chats wait against the number of agents, urgent ones and others in a panel each.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.decisions.triage.compare_policies`.
    assumptions : str
        From `chatkit.decisions.triage.Desk.assumptions`; stands below in small letters.
    axes : array-like of two matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Of the urgent chats, and of the others; each has its own scale.
    """
    style.expect(frame, COLUMNS)
    axes = style.panels(axes, 2, height=5.2, columns=2)
    table = frame[frame["statistic"] == "p90"].set_index(["who", "policy", "agents"])[NUMBERS].sort_index()
    agents, texts = table.index.unique("agents"), []
    for ax, (who, side) in zip(axes, SIDES.items(), strict=True):
        for number, (policy, (marker, color)) in enumerate(_MARKERS.items()):
            rows = table.loc[who, policy]
            props = {"fmt": f"{marker}-", "color": color, "markersize": 6, "linewidth": 1, "label": policy}
            style.intervals(ax, rows.index + (number - 1.5) / 15, rows, vertical=True, **props)
            texts.append(f"{side}, {policy}: " + ", ".join(_range(row) for _, row in rows.iterrows()))
        ax.set(ylim=(0, None), xlim=(agents[0] - 0.4, agents[-1] + 0.4), xlabel="agents")
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        ax.set_title(side, loc="right", fontsize=10)
    axes[0].set_ylabel("minutes until 9 of 10 are answered")
    axes[1].legend(loc="upper right")
    few, many = (
        [_minutes(table.loc[(who, policy, count), "value"]) for who in SIDES]
        for policy, count in (("model", agents[0]), (NOW, agents[-1]))
    )
    # Both sides, or else it would seem that the model replaces agents.
    title = (
        f"{style.counted(agents[0], 'agent')} with the model {'answers' if agents[0] == 1 else 'answer'} 9 of 10 "
        f"urgent chats within {few[0]} minutes and others within {few[1]}; {style.counted(agents[-1], 'agent')} with "
        f"hourly triage within {many[0]} and {many[1]}"
    )
    style.title_of_panels(axes[0], title)
    _small_print(axes[0], assumptions)
    style.add_text(
        axes[0],
        f"Minutes until 9 of 10 are answered with {', '.join(map(str, agents))} agents, with intervals. {title}. "
        f"{'; '.join(texts)}. {assumptions}",
    )
    return axes


def _small_print(ax, text):
    """Write the assumptions at the foot of the figure; its layout makes room for them."""
    text = style.escape(textwrap.fill(text, 110))
    ax.get_figure().supxlabel(text, x=0.01, ha="left", fontsize=9)


def _minutes(value):
    """Write minutes, with a decimal where there are few."""
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"


def _range(row):
    return f"{_minutes(row['value'])} ({_minutes(row['low'])} to {_minutes(row['high'])})"


def _difference(row):
    """Say how much sooner or later than with hourly triage."""
    sooner = row["difference"] < 0
    low, high = sorted(row[["difference_low", "difference_high"]] * (-1 if sooner else 1))
    difference = f"{_minutes(abs(row['difference']))} min {'sooner' if sooner else 'later'}"
    return f"{difference} ({_minutes(low)} to {_minutes(high)})"


def _percentiles(table, who, policy):
    """Say the percentiles of a policy, and how the last two differ from those of hourly triage."""
    texts = []
    for statistic, label in PERCENTILES.items():
        row = table.loc[statistic, who, policy]
        texts.append(f"{label} within {_range(row)}")
        if policy != NOW and statistic != "p50":
            texts.append(_difference(row))
    return ", ".join(texts)
