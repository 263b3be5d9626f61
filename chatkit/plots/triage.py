"""How long chats wait for their first answer, by policy and by the number of agents."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from chatkit.plots import style

NUMBERS = ["value", "low", "high", "difference", "difference_low", "difference_high"]
COLUMNS = ["policy", "agents", "who", "statistic", *NUMBERS]
POLICIES = {"hourly triage": "s", "model": "o", "model and hourly triage": "^", "oracle": "D"}
TOLD = ("model", "hourly triage", "model and hourly triage")  # in the title
WHO = {"urgent": "urgent chats", "others": "other chats"}
# Statistic, how many are answered by then, fill and size of the marker.
DRAWN = (("p50", "half", "white", 7), ("p90", "9 of 10", None, 7), ("p99", "99 of 100", None, 3.5))
_GROUP = len(POLICIES) + 1  # rows: a heading and the policies


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
    found = frame.set_index(["statistic", "who", "policy"])[NUMBERS].sort_index()
    if ax is None:
        ax = style.new_axes(style.WIDTH, 6.6)
    place = np.concatenate([group * _GROUP + np.arange(1, _GROUP) for group in range(len(WHO))])
    for statistic, label, fill, size in DRAWN:
        for shift, (policy, marker) in enumerate(POLICIES.items()):
            rows = found.loc[[(statistic, who, policy) for who in WHO]]
            look = {"color": style.COLORS[shift], "markerfacecolor": fill, "markersize": size, "zorder": 3}
            ax.errorbar(
                rows["value"], place[shift :: len(POLICIES)], xerr=_ends(rows), fmt=marker, clip_on=False, **look
            )
        ax.plot([], [], "o", color="#4d4d4d", markerfacecolor=fill, markersize=size, label=f"{label} answered")
    headings = [group * _GROUP for group in range(len(WHO))]
    ax.set_yticks(np.sort([*headings, *place]), [name for text in WHO.values() for name in (text, *POLICIES)])
    for at in headings:
        ax.get_yticklabels()[at].set_fontweight("bold")
        ax.axhline(at - 0.5, color=style.STYLE["grid.color"], linewidth=0.8)
    against = ax.get_yaxis_transform()
    ax.text(1.02, 0, "9 of 10 and 99 of 100\nagainst hourly triage", transform=against, va="center", fontsize=9)
    for at, (who, policy) in zip(place, [(who, policy) for who in WHO for policy in POLICIES], strict=True):
        if policy != "hourly triage":
            said = "\n".join(_apart(found.loc[statistic, who, policy]) for statistic in ("p90", "p99"))
            ax.text(1.02, at, said, transform=against, va="center", fontsize=9)
    ax.set(xlim=(0, None), ylim=(max(place) + 0.5, -0.5), xlabel="minutes until the first answer, with intervals")
    ax.tick_params(axis="y", length=0, pad=9)
    ax.grid(visible=False, axis="y")
    nine, all_but_one, others = (
        [
            _minutes(found.loc[(*shown, policy), "value"])
            for policy in ("model", "hourly triage", "model and hourly triage")
        ]
        for shown in (("p90", "urgent"), ("p99", "urgent"), ("p90", "others"))
    )
    # With the 99th percentile: the few urgent chats that the model misses wait like all others.
    style.title_and_legend(
        ax,
        f"With {_agents(agents[0])} and the model, 9 of 10 urgent chats are answered within {nine[0]} minutes, not "
        f"{nine[1]}, 99 of 100 within {all_but_one[0]}, not {all_but_one[1]} (with hourly triage kept "
        f"{all_but_one[2]}); 9 of 10 others within {others[0]}, not {others[1]}",
    )
    _small_print(ax, assumptions)
    said = [
        f"{text}, {policy}: "
        + ", ".join(
            f"{label} within {_ranged(found.loc[statistic, who, policy])}"
            + (
                ""
                if policy == "hourly triage" or statistic == "p50"
                else f", {_apart(found.loc[statistic, who, policy])}"
            )
            for statistic, label, *_ in DRAWN
        )
        for who, text in WHO.items()
        for policy in POLICIES
    ]
    style.add_text(
        ax,
        f"Minutes until the first answer with {_agents(agents[0])}, with intervals; sooner or later than with hourly "
        f"triage. {'; '.join(said)}. {assumptions}",
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
    if axes is None:
        axes = plt.subplots(1, 2, figsize=(style.WIDTH, 5.2), layout="constrained")[1]
    axes = np.ravel(axes)
    found = frame[frame["statistic"] == "p90"].set_index(["who", "policy", "agents"])[NUMBERS].sort_index()
    agents = found.index.unique("agents")
    for ax, (who, text) in zip(axes, WHO.items(), strict=True):
        shifts = np.linspace(-0.1, 0.1, len(POLICIES))
        for marker, color, policy, shift in zip(POLICIES.values(), style.COLORS, POLICIES, shifts, strict=False):
            rows = found.loc[who, policy]
            ax.errorbar(
                rows.index + shift, rows["value"], yerr=_ends(rows), fmt=f"{marker}-", color=color, markersize=6,
                linewidth=1, label=policy,
            )  # fmt: skip
        ax.set(ylim=(0, None), xlim=(agents[0] - 0.4, agents[-1] + 0.4), xlabel="agents")
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        ax.set_title(text, loc="right", fontsize=10)
    axes[0].set_ylabel("minutes until 9 of 10 are answered")
    axes[1].legend(loc="upper right")
    few, many = (
        [_minutes(found.loc[(who, policy, count), "value"]) for who in WHO]
        for policy, count in (("model", agents[0]), ("hourly triage", agents[-1]))
    )
    # Both sides, or else it would seem that the model replaces agents.
    title = (
        f"{_agents(agents[0])} with the model {'answers' if agents[0] == 1 else 'answer'} 9 of 10 urgent chats within "
        f"{few[0]} minutes and others within {few[1]}; {_agents(agents[-1])} with hourly triage "
        f"within {many[0]} and {many[1]}"
    )
    axes[0].get_figure().suptitle(style.escape(textwrap.fill(title, 64)), x=0.01, ha="left", fontsize=11, weight="bold")
    _small_print(axes[0], assumptions)
    said = [
        f"{text}, {policy}: " + ", ".join(_ranged(row) for _, row in found.loc[who, policy].iterrows())
        for who, text in WHO.items()
        for policy in POLICIES
    ]
    counts = ", ".join(map(str, agents))
    style.add_text(
        axes[0],
        f"Minutes until 9 of 10 are answered with {counts} agents, with intervals. {title}. {'; '.join(said)}. "
        f"{assumptions}",
    )
    return axes


def _small_print(ax, text):
    """Write the assumptions at the foot of the figure; its layout makes room for them."""
    text = style.escape(textwrap.fill(text, 110))
    ax.get_figure().supxlabel(text, x=0.01, ha="left", fontsize=9)


def _ends(rows):
    return np.array([rows["value"] - rows["low"], rows["high"] - rows["value"]]).clip(0)


def _minutes(value):
    """Write minutes, with a decimal where there are few."""
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"


def _ranged(row):
    return f"{_minutes(row['value'])} ({_minutes(row['low'])} to {_minutes(row['high'])})"


def _apart(row):
    """Say how much sooner or later than with hourly triage."""
    sooner = row["difference"] < 0
    ends = sorted(row[["difference_low", "difference_high"]] * (-1 if sooner else 1))
    said = f"{_minutes(abs(row['difference']))} min {'sooner' if sooner else 'later'}"
    return f"{said} ({_minutes(ends[0])} to {_minutes(ends[1])})"


def _agents(count):
    return f"{count} agent" + ("" if count == 1 else "s")
