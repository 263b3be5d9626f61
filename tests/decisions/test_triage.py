"""The simulated support queue: against queueing theory, by its laws, and what is said of its results."""

import math
from itertools import product

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats

from chatkit import plots
from chatkit.decisions import triage
from chatkit.decisions.triage import (
    POLICIES,
    STATISTICS,
    Desk,
    arrivals,
    compare_policies,
    p90_minutes,
    waiting_minutes,
)
from chatkit.plots import style
from chatkit.project import InputError

# Against theory: one unit of time is the mean handling time

RUNS, CHATS, EDGE = (
    40,
    4_000,
    500,
)  # chats at both ends of a run are left out: there the queue is not in its usual state
BUSY = 0.7  # share of the time that an agent is busy
SHARE = 0.3  # of urgent chats


def erlang_c(agents, load):
    """Probability of having to wait in M/M/c with a load of so many agents' work.

    A. K. Erlang, 1917; here as in L. Kleinrock, "Queueing Systems", volume 1, 1975, formula 3.40.
    """
    full = load**agents / math.factorial(agents) / (1 - load / agents)
    return full / (sum(load**k / math.factorial(k) for k in range(agents)) + full)


def cobham(residual):
    """Mean waits of urgent and other chats with priority for the urgent, without interruption.

    A. Cobham, "Priority Assignment in Waiting Line Problems", Operations Research 2, 1954: class k waits
    W0 / ((1 - s(k-1)) (1 - s(k))), where s(k) is the share of the time taken by classes 1 to k. W0 (`residual`) is the
    mean time until an agent is free: λ E[S²] / 2 for M/G/1, erlang_c / c for M/M/c with a mean handling time of 1.
    """
    urgent = SHARE * BUSY
    return residual / (1 - urgent), residual / ((1 - urgent) * (1 - BUSY))


def runs(agents, order, handling, statistic):
    """A statistic of (waits, urgent) in independent runs of Poisson arrivals: shape (RUNS, k)."""
    found = []
    for run in range(RUNS):
        rng = np.random.default_rng([7, run])
        arrival = rng.exponential(1 / (BUSY * agents), CHATS).cumsum()
        urgent = rng.random(CHATS) < SHARE
        inside = slice(EDGE, -EDGE)
        waited = waiting_minutes(arrival, handling(rng), agents, order(arrival, urgent))
        found.append(statistic(waited[inside], urgent[inside]))
    return np.array(found)


def agrees(found, theory):
    """Whether the 99.9% interval of the mean over runs holds the value of theory."""
    half = stats.t.ppf(0.9995, RUNS - 1) * found.std(axis=0, ddof=1) / np.sqrt(RUNS)
    return np.abs(found.mean(axis=0) - theory) < half


def exponential(rng):
    return rng.exponential(1, CHATS)


def first_come(arrival, urgent):
    return np.zeros(CHATS)


def last_come(arrival, urgent):
    return -arrival


def urgent_first(arrival, urgent):
    return -1.0 * urgent


@pytest.mark.parametrize("agents", [1, 3])
def test_first_come_first_served_waits_as_erlang_says(agents):
    """Mean wait, and how many wait longer than t: erlang_c e^(-(c - load) t); here for t of 1 / c and 2 / c."""

    def statistic(waited, urgent):
        return waited.mean(), (agents * waited > 1).mean(), (agents * waited > 2).mean()

    chance, free = erlang_c(agents, BUSY * agents), agents * (1 - BUSY)
    theory = [chance / free, *(chance * math.exp(-free * t / agents) for t in (1, 2))]
    assert agrees(runs(agents, first_come, exponential, statistic), theory).all()
    # The test can fail: last come, first served has the same mean by theory, but other tails.
    assert not agrees(runs(agents, last_come, exponential, statistic), theory)[1:].any()


def by_class(waited, urgent):
    return waited[urgent].mean(), waited[~urgent].mean()


@pytest.mark.parametrize("agents", [1, 3])
def test_priority_of_several_agents_waits_as_cobham_says(agents):
    """Two classes, exponential handling times, one agent and several."""
    theory = cobham(erlang_c(agents, BUSY * agents) / agents)
    assert agrees(runs(agents, urgent_first, exponential, by_class), theory).all()
    # The test can fail: without priority both classes wait the same.
    assert not agrees(runs(agents, first_come, exponential, by_class), theory).any()


@pytest.mark.parametrize(
    ("handling", "square"),
    [(lambda rng: np.ones(CHATS), 1), (lambda rng: rng.uniform(0, 2, CHATS), 4 / 3)],
    ids=["constant", "uniform"],
)
def test_priority_with_other_handling_times_waits_as_cobham_says(handling, square):
    """Two classes, one agent, handling times whose mean square is 1 and 4/3 (exponential ones: 2)."""
    assert agrees(runs(1, urgent_first, handling, by_class), cobham(BUSY * square / 2)).all()


# By its laws

quarters = st.integers(1, 160).map(lambda number: number / 4)  # sums of these are exact


@st.composite
def queues(draw):
    """Arrivals with many at the opening, handling times, ranks, urgent or not, agents."""
    size = draw(st.integers(1, 25))
    gaps = draw(st.lists(st.just(0.0) | quarters, min_size=size, max_size=size))
    handling = draw(st.lists(quarters, min_size=size, max_size=size))
    rank = draw(st.lists(st.integers(-3, 3), min_size=size, max_size=size))
    urgent = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    return np.cumsum(gaps), np.array(handling), np.array(rank), np.array(urgent), draw(st.integers(1, 4))


@given(queues(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_nobody_is_lost_and_nobody_is_idle(queue, looked_through):
    """Each chat is answered once and not before it is there; as many at once as agents; none idle while one waits."""
    arrival, handling, rank, urgent, agents = queue
    waited = waiting_minutes(arrival, handling, agents, rank, urgent if looked_through else None)
    assert waited.shape == arrival.shape
    assert (waited >= 0).all()
    begin, end = arrival + waited, arrival + waited + handling
    moments = np.unique(np.concatenate([arrival, begin, end]))[:, None]
    busy = ((begin <= moments) & (moments < end)).sum(axis=1)
    waiting = ((arrival <= moments) & (moments < begin)).any(axis=1)
    assert (busy <= agents).all()
    assert (busy[waiting] == agents).all()


@given(queues())
@settings(max_examples=300, deadline=None)
def test_the_lowest_rank_is_next(queue):
    """Of two chats that wait, the one with the lower rank is taken first, of equal ones the older."""
    arrival, handling, rank, _, agents = queue
    begin = arrival + waiting_minutes(arrival, handling, agents, rank)
    for first, second in product(range(len(arrival)), repeat=2):
        if max(arrival[first], arrival[second]) < begin[first] < begin[second]:
            assert (rank[first], first) < (rank[second], second)


@given(queues())
@settings(max_examples=300, deadline=None)
def test_truth_at_once_beats_a_look_every_hour(queue):
    """With handling times alike, urgent chats wait no longer in sum, and all chats together exactly as long.

    Alike, because then every policy takes its next chat at the same moments (Kleinrock's conservation law, exactly).
    """
    arrival, handling, _, urgent, agents = queue
    handling = np.full(len(arrival), handling[0])
    hourly = waiting_minutes(arrival, handling, agents, np.zeros(len(arrival)), urgent)
    oracle = waiting_minutes(arrival, handling, agents, -1.0 * urgent)
    assert oracle[urgent].sum() <= hourly[urgent].sum()
    assert oracle.sum() == hourly.sum()


def test_the_person_looks_at_opening_and_every_hour():
    """One agent, 40 minutes a chat: chat 3 is moved ahead at 0, chat 5 at 60, chat 4 is first of the rest."""
    urgent = np.array([False, False, False, True, False, True, True])
    arrival = [0, 0, 0, 0, 10, 20, 70]
    begin = arrival + waiting_minutes(arrival, [40] * 7, 1, np.zeros(7), urgent)
    # At 40 nobody has seen chat 5. At 80 it is next; chat 6, there since 70, is seen at 120 and overtakes 2 and 4.
    assert begin.tolist() == [40, 160, 200, 0, 240, 80, 120]
    assert waiting_minutes([], [], 2, []).shape == (0,)


# From chats to results


def chats(days=60, a_day=40, seed=0, swing=0.0):
    """Invented chats: most by day, an eighth urgent."""
    rng = np.random.default_rng(seed)
    sizes = rng.poisson(a_day * (rng.gamma(1 / swing**2, swing**2, days) if swing else np.ones(days)))
    day = np.repeat(np.arange(days), sizes)
    minute = rng.triangular(0, 11 * 60, 24 * 60 - 1, len(day))
    created = pd.Timestamp("2025-03-01") + pd.to_timedelta(day * 1440 + minute, unit="min").as_unit("us")
    category = np.where(rng.random(len(day)) < 1 / 8, "fraud", "other")
    return pd.DataFrame({"created_at": created, "category": category}).sample(frac=1, random_state=seed)


def desk(**changed):
    small = {"urgent": "fraud", "chats_per_day": 100, "agents": (2, 3), "handling_minutes": 13, "days": 40}
    return Desk(**small | changed)


def guess(given, seed=0):
    """Probabilities of a model that is right most of the time."""
    signal = np.where(given["category"] == "fraud", 2, -2) + np.random.default_rng(seed).normal(0, 1.5, len(given))
    return 1 / (1 + np.exp(-signal))


@pytest.fixture(scope="module")
def result():
    given = chats()
    return compare_policies(given, guess(given), desk())


def test_a_row_for_each_policy_staffing_side_and_statistic(result):
    """The frame is tidy and complete, the interval holds together, the difference is that to hourly triage."""
    keys = ["agents", "who", "policy", "statistic"]
    assert [tuple(row) for row in result[keys].to_numpy()] == list(
        product((2, 3), ("urgent", "others"), POLICIES, STATISTICS)
    )
    assert (result["low"] <= result["high"]).all()
    assert (result["difference_low"] <= result["difference_high"]).all()
    hourly = result[result["policy"] == "hourly triage"].set_index(["agents", "who", "statistic"])["value"]
    there = pd.MultiIndex.from_frame(result[["agents", "who", "statistic"]])
    apart = result["value"].to_numpy() - hourly[there].to_numpy()
    assert result["difference"].to_numpy() == pytest.approx(apart, abs=0.002)
    assert (
        result.loc[result["policy"] == "hourly triage", ["difference", "difference_low", "difference_high"]] == 0
    ).all(axis=None)


def test_the_same_seed_gives_the_same_numbers(result):
    """Whatever the order of the chats' columns; another seed gives others."""
    given = chats()
    again = compare_policies(given[["category", "created_at"]], guess(given), desk())
    pd.testing.assert_frame_equal(again, result)
    assert not compare_policies(given, guess(given), desk(seed=1)).equals(result)


def test_urgent_chats_gain_and_the_others_pay(result):
    """The oracle's urgent chats wait less on average than with hourly triage, surely; the others do not."""
    mean = result[(result["statistic"] == "mean") & (result["policy"] == "oracle")].set_index("who")
    assert (mean.loc["urgent", "difference_high"] < 0).all()
    assert (mean.loc["others", "difference"] > 0).all()


def test_the_table_does_not_hide_whom_the_model_misses():
    """A model that is sure of nine urgent chats in ten and blind for the others: those wait longer than an hour's look."""
    given = chats()
    seen = (given["category"] == "fraud") & (np.arange(len(given)) % 10 > 0)
    frame = compare_policies(given, seen.astype(float), desk(agents=(2,))).set_index(["who", "policy", "statistic"])
    assert frame.loc[("urgent", "model", "p50"), "difference"] < 0
    assert frame.loc[("urgent", "model", "p99"), "difference_low"] > 0
    both = frame.loc[("urgent", "model and hourly triage", "p99")]
    assert both["high"] < frame.loc[("urgent", "model", "p99"), "low"]


def test_a_perfect_model_is_the_oracle_and_a_blind_one_first_come_first_served():
    """The model's order is made of its probabilities and of the time waited only."""
    given = chats()
    perfect = compare_policies(given, (given["category"] == "fraud").astype(float), desk(agents=(2,)))
    model, oracle = (perfect[perfect["policy"] == policy]["value"].to_numpy() for policy in ("model", "oracle"))
    assert (model == oracle).all()
    blind = compare_policies(given, np.full(len(given), 0.3), desk(agents=(2,)))
    mean = blind[(blind["policy"] == "model") & (blind["statistic"] == "mean")]["value"].to_numpy()
    assert mean[0] == pytest.approx(mean[1], rel=0.1)


@given(queues(), st.sampled_from([5, 60, 480]), st.sampled_from(["model", "oracle"]))
@settings(max_examples=200, deadline=None)
def test_ageing_bounds_who_may_pass(queue, ageing, policy):
    """Nobody is passed by a chat that came more than the minutes of ageing later, urgent or not."""
    arrival, handling, rank, urgent, agents = queue
    day = {"minute": arrival, "handling": handling, "urgent": urgent, "probability": (rank + 3) / 6}
    begin = arrival + triage._day(pd.DataFrame(day), policy, agents, desk(ageing_minutes=ageing))
    for first, second in product(range(len(arrival)), repeat=2):
        assert begin[first] <= begin[second] or arrival[second] <= arrival[first] + ageing


def test_intervals_are_as_wide_as_results_differ():
    """Over data sets of the same kind, results scatter as their intervals say, though days outnumber the data's chats.

    Within -25% and +40%: the scatter of 20 results is itself known to 16% only. Days resampled one by one, as if they
    shared no chats, would claim 60% of it.
    """
    small = {"chats_per_day": 50, "handling_minutes": 26, "agents": (2,), "days": 150}
    found = []
    for seed in range(20):
        given = chats(a_day=20, seed=seed)
        result = compare_policies(given, guess(given, seed), desk(**small, seed=seed))
        found.append(result[result["policy"] == "model"].set_index(["who", "statistic"]))
    for row in product(("urgent", "others"), ("mean", "p90")):
        results = pd.DataFrame([result.loc[row] for result in found])
        claimed = (results["high"] - results["low"]).mean() / (2 * 1.96)
        assert 0.75 < claimed / results["value"].std() < 1.4, row


# Arrivals


def test_real_chats_at_their_time_of_day():
    """Each simulated chat is one of the data at its own minute, none twice a day; the night waits for the opening."""
    given = chats().sort_values("created_at")
    minute = (given["created_at"] - given["created_at"].dt.normalize()).dt.total_seconds() / 60
    marks = np.linspace(0, 1, len(given)).round(6)  # the probability tells which chat it is
    queue = arrivals(given, marks, desk(days=80))
    real = pd.DataFrame({"minute": minute.to_numpy(), "urgent": given["category"].to_numpy() == "fraud"}, index=marks)
    real = real.loc[queue["probability"]]
    assert (queue["urgent"].to_numpy() == real["urgent"]).all()
    by_day = (real["minute"] >= 8 * 60) & (real["minute"] < 20 * 60)
    assert queue["minute"].to_numpy()[by_day] == pytest.approx(real["minute"][by_day] - 8 * 60)
    assert (queue["minute"].to_numpy()[~by_day] == 0).all()
    assert 0.1 < 1 - by_day.mean() < 0.6
    assert not queue.duplicated(["day", "probability"]).any()
    assert queue.groupby("day")["minute"].is_monotonic_increasing.all()
    assert queue["day"].is_monotonic_increasing
    # As many independent pieces as the data have chats for.
    assert queue["block"].nunique() <= len(given) / 100


def test_the_load_is_the_desks_not_the_datas():
    """The mean number of chats a day is the one asked for, above and below that of the data."""
    some = chats(days=200)
    for a_day in (20, 100):
        queue = arrivals(some, np.full(len(some), 0.5), desk(chats_per_day=a_day, days=400))
        sizes = queue.groupby("day").size()
        assert abs(sizes.mean() - a_day) < 3.3 * sizes.std() / np.sqrt(len(sizes))
        assert abs(queue["handling"].mean() - 13) < 3.3 * queue["handling"].std() / np.sqrt(len(queue))
        assert queue["handling"].std() == pytest.approx(13, rel=0.1)


@pytest.mark.parametrize(("swing", "expected"), [(0.0, 10), (0.4, np.hypot(10, 40))])
def test_chance_in_a_small_sample_is_not_taken_for_busy_days(swing, expected):
    """Five chats a day scatter by chance; days of a hundred scatter as their true swing says, not twenty times that."""
    given = chats(days=700, a_day=5, swing=swing)
    sizes = arrivals(given, np.full(len(given), 0.5), desk(days=700)).groupby("day").size()
    assert sizes.std() == pytest.approx(expected, abs=6)
    naive = 20 * given.groupby(given["created_at"].dt.date).size().std()
    assert naive > sizes.std() + 6


def test_the_clock_on_the_wall_counts():
    """Times with a zone, across the change to summer time, are those of the same clock without one."""
    given = chats()
    local = given.assign(created_at=given["created_at"].dt.tz_localize("Europe/Berlin", nonexistent="shift_forward"))
    given = local.assign(created_at=local["created_at"].dt.tz_localize(None))
    pd.testing.assert_frame_equal(arrivals(local, guess(local), desk()), arrivals(given, guess(given), desk()))


# What is said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda given: given.drop(columns="created_at"), "without times in created_at"),
        (lambda given: given.assign(created_at=given["created_at"].astype(str)), "without times in created_at"),
        (lambda given: given.assign(created_at=given["created_at"].dt.normalize()), "dates without time of day"),
        (
            lambda given: given.assign(created_at=given["created_at"].where(given["category"] != "fraud")),
            "without times in created_at",
        ),
        (lambda given: given.assign(category="other"), "Got 0 chats of the category 'fraud' and [0-9,]+ others"),
        (lambda given: given.assign(category="fraud"), "'fraud' and 0 others"),
        (
            lambda given: given[given["created_at"] < "2025-03-19"],
            "of 1[89] days, which make [0-9] days of 100 chats, expected at least 20",
        ),
        (lambda given: given.iloc[:0], "Got 0 chats of the category"),
    ],
)
def test_chats_that_make_no_queue_are_refused_in_a_sentence(change, said):
    """What was received and what was expected, so that a page can print it."""
    given = change(chats())
    with pytest.raises(InputError, match=said):
        compare_policies(given, np.full(len(given), 0.5), desk())


@pytest.mark.parametrize("wrong", [[0.5], 1.5, np.nan])
def test_probabilities_that_are_none_are_refused(wrong):
    """One for each chat, from 0 to 1."""
    given = chats()
    with pytest.raises(InputError, match="expected one from 0 to 1 for each"):
        compare_policies(given, wrong if isinstance(wrong, list) else np.full(len(given), wrong), desk())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"chats_per_day": 0}, "chats_per_day=0, expected a number above 0"),
        ({"ageing_minutes": -1}, "ageing_minutes=-1"),
        ({"handling_minutes": float("nan")}, "handling_minutes=nan"),
        ({"days": 19}, "days=19, expected at least 20"),
        ({"confidence": 95}, "confidence=95"),
        ({"hours": (20, 8)}, "opening before closing"),
        ({"hours": (8,)}, "opening before closing"),
        ({"agents": ()}, "whole numbers"),
        ({"agents": (2.5,)}, "whole numbers"),
        ({"agents": (1, 4)}, "Got 1 agents, who work 720 minutes a day, for chats that need 1,300"),
    ],
)
def test_a_desk_that_cannot_be_is_refused(changed, said):
    """Values out of range, and more work than hours."""
    with pytest.raises(InputError, match=said):
        desk(**changed)


def test_assumptions_are_made_of_the_values():
    """Each value that changes the result is in the sentence."""
    said = desk(hours=(7.5, 22), ageing_minutes=90, days=50, confidence=0.9).assumptions()
    for part in (
        "100 chats a day",
        "from 7:30 to 22:00",
        "13 minutes",
        "'fraud'",
        "/ 90,",
        "90 minutes later",
        "50 days",
        "90% intervals",
    ):
        assert part in said


# Figures


pytestmark = pytest.mark.usefixtures("own_figures")


def frame(agents=(4, 5)):
    """A result with numbers that one can follow: each policy 10 minutes more, each statistic one."""
    rows = [
        (policy, count, who, statistic, value, value - 1, value + 2, apart, apart - 1, apart + 2)
        for count in agents
        for who, base in (("urgent", 0), ("others", 100))
        for place, policy in enumerate(POLICIES)
        for more, statistic in enumerate(STATISTICS)
        for value, apart in [(base + 10 * place + count + more, 10.0 * place - 16 + more)]
    ]
    numbers = ["value", "low", "high", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=["policy", "agents", "who", "statistic", *numbers])


def test_minutes_to_answer_draws_medians_and_tails():
    """A row for each policy and side, the assumptions below, gains and harm beside, numbers in title and alt text."""
    ax = plots.minutes_to_answer(frame([5]), "Assumed: much.")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["urgent chats", *POLICIES, "other chats", *POLICIES]
    drawn = {}
    for container in ax.containers:
        drawn |= {(x, y): container.lines[0].get_color() for x, y in container.lines[0].get_xydata()}
    urgent = {(x, 1 + place) for place in range(4) for x in (5 + 10 * place, 6 + 10 * place, 7 + 10 * place)}
    assert set(drawn) == urgent | {(x + 100, y + 5) for x, y in urgent}
    assert len(set(drawn.values())) == 4
    assert ax.get_title(loc="left").replace("\n", " ") == (
        "With 5 agents and the model, 9 of 10 urgent chats are answered within 16 minutes, not 6.0, 99 of 100 within 17, "
        "not 7.0 (with hourly triage kept 27); 9 of 10 others within 116, not 106"
    )
    beside = [
        "5.0 min sooner (3.0 to 6.0)\n4.0 min sooner (2.0 to 5.0)",
        "5.0 min later (4.0 to 7.0)\n6.0 min later (5.0 to 8.0)",
        "15 min later (14 to 17)\n16 min later (15 to 18)",
    ]
    assert [text.get_text() for text in ax.texts[1:]] == 2 * beside
    assert ax.figure.get_supxlabel() == "Assumed: much."
    text = plots.alt_text(ax.figure)
    assert (
        "other chats, model: half within 115 (114 to 117), 9 of 10 within 116 (115 to 118), 5.0 min sooner (3.0 to 6.0), "
        "99 of 100 within 117 (116 to 119), 4.0 min sooner (2.0 to 5.0);"
    ) in text
    assert text.endswith("Assumed: much.")


def test_minutes_to_answer_is_of_one_staffing():
    """Several numbers of agents would lie upon each other."""
    with pytest.raises(ValueError, match="Got 2 numbers of agents, expected one"):
        plots.minutes_to_answer(frame(), "")


def test_staffing_draws_urgent_and_others():
    """Tails of both sides against the agents, one line a policy; the title says what either side gets."""
    left, right = plots.staffing(frame(), "Assumed: much.")
    assert [container.get_label() for container in left.containers] == list(POLICIES)
    assert [list(container.lines[0].get_ydata()) for container in right.containers] == [
        [105, 106],
        [115, 116],
        [125, 126],
        [135, 136],
    ]
    assert left.figure.get_suptitle().replace("\n", " ") == (
        "4 agents with the model answer 9 of 10 urgent chats within 15 minutes and others within 115; 5 agents with "
        "hourly triage within 6.0 and 106"
    )
    assert left.figure.get_supxlabel() == "Assumed: much."
    assert "urgent chats, oracle: 35 (34 to 37), 36 (35 to 38)" in plots.alt_text(left.figure)


@pytest.mark.parametrize(
    ("draw", "agents"), [(plots.minutes_to_answer, [1]), (plots.staffing, [1]), (plots.staffing, range(2, 15))]
)
def test_figures_look_after_themselves(draw, agents):
    """Whatever the order of the rows the same bytes, no text below 9 points, none beyond the figure's width."""
    plots.notebook_style()
    images = []
    for rows in (frame(agents), frame(agents).iloc[::-1]):
        draw(rows, desk().assumptions())
        figure = plt.gcf()
        images.append(style.png(figure))
        texts = [text for text in figure.findobj(mpl.text.Text) if text.get_text() and text.get_visible()]
        assert min(text.get_fontsize() for text in texts) >= 9
        assert images[-1][1]["width"] <= figure.get_figwidth() * 100 + 20
        plt.close("all")
    assert images[0] == images[1]
    with pytest.raises(ValueError, match="expected at least one row with"):
        draw(frame(agents).drop(columns="low"), "")


def test_figures_draw_on_the_axes_given():
    """With axes given, pyplot gets no new figure."""
    ax, pair = Figure().add_subplot(), Figure().subplots(1, 2)
    assert plots.minutes_to_answer(frame([5]), "", ax=ax) is ax
    assert list(plots.staffing(frame(), "", axes=pair)) == list(pair)
    assert plt.get_fignums() == []


def test_minutes_for_a_metrics_file():
    """The 90th percentile by agents, side and policy; nothing where the queue could not be simulated."""
    minutes = p90_minutes(frame([4]))
    assert list(minutes) == ["4 agents"]
    assert minutes["4 agents"]["urgent"] == {policy: 10 * place + 5.0 for place, policy in enumerate(POLICIES)}
    assert p90_minutes(None) == {}
