"""How long chats wait for their first answer, by policy and by the number of agents."""

from matplotlib.ticker import MaxNLocator

from chatkit.decisions.triage import NUMBERS, POLICIES
from chatkit.plots import style

COLUMNS = ["policy", "agents", "who", "statistic", *NUMBERS]
NOW = POLICIES[0]  # what the others are compared with
SIDES = {"urgent": "urgent chats", "others": "other chats"}
# What is answered, fill and size of the marker.
PERCENTILES = {"p50": ("half", "white", 7), "p90": ("9 of 10", None, 7), "p99": ("99 of 100", None, 3.5)}
_MARKERS = dict(zip(POLICIES, zip("so^D", style.COLORS, strict=False), strict=True))


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
    for statistic, (label, fill, size) in PERCENTILES.items():
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
    minutes = table["value"].map(_minutes)
    model, now, both = (minutes.xs(policy, level="policy") for policy in ("model", NOW, "model and hourly triage"))
    count = style.counted(agents[0], "agent")
    # With the 99th percentile: the few urgent chats that the model misses wait like all others.
    style.title_and_legend(
        ax,
        f"With {count} and the model, 9 of 10 urgent chats are answered within {model['p90', 'urgent']} minutes, not "
        f"{now['p90', 'urgent']}, 99 of 100 within {model['p99', 'urgent']}, not {now['p99', 'urgent']} (with hourly "
        f"triage kept {both['p99', 'urgent']}); 9 of 10 others within {model['p90', 'others']}, not "
        f"{now['p90', 'others']}",
    )
    _small_print(ax, assumptions)
    texts = [f"{SIDES[who]}, {policy}: {_percentiles(table, who, policy)}" for who, policy in rows if policy]
    return style.described(
        ax,
        f"Minutes until the first answer with {count}, with intervals; sooner or later than with hourly triage. "
        f"{'; '.join(texts)}. {assumptions}",
    )


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
    minutes, few, many = table["value"].map(_minutes), agents[0], agents[-1]
    # Both sides, or else it would seem that the model replaces agents.
    title = (
        f"{style.counted(few, 'agent')} with the model {'answers' if few == 1 else 'answer'} 9 of 10 urgent chats "
        f"within {minutes['urgent', 'model', few]} minutes and others within {minutes['others', 'model', few]}; "
        f"{style.counted(many, 'agent')} with hourly triage within {minutes['urgent', NOW, many]} and "
        f"{minutes['others', NOW, many]}"
    )
    style.title_of_panels(axes[0], title)
    _small_print(axes[0], assumptions)
    return style.described(
        axes,
        f"Minutes until 9 of 10 are answered with {', '.join(map(str, agents))} agents, with intervals. {title}. "
        f"{'; '.join(texts)}. {assumptions}",
    )


def _small_print(ax, text):
    """Write the assumptions at the foot of the figure; its layout makes room for them."""
    text = style.written(ax, text, 110)
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
    for statistic, (label, *_) in PERCENTILES.items():
        row = table.loc[statistic, who, policy]
        texts.append(f"{label} within {_range(row)}")
        if policy != NOW and statistic != "p50":
            texts.append(_difference(row))
    return ", ".join(texts)
