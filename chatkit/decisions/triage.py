"""Simulation of the support queue: how much sooner urgent chats get an answer, and what that costs the others."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import simpy

from chatkit.project import InputError
from chatkit.scores.errors import require_urgent
from chatkit.statistics import bootstrap

POLICIES = ("hourly triage", "model", "model and hourly triage", "oracle")
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}  # p99: the urgent chats that the model misses
STATISTICS = (*PERCENTILES, "mean")
NUMBERS = ["value", "low", "high", "difference", "difference_low", "difference_high"]
TRIAGE_INTERVAL = 60  # minutes after which a person again moves urgent chats to the front
FEWEST = 20  # days of chats at the desk's load, and chats on either side: with fewer an interval says nothing
DRAWS = 500  # of the bootstrap


@dataclass(frozen=True)
class Desk:
    """A support desk, as far as the simulation has to know it.

    Parameters
    ----------
    urgent : str or None, default="urgent"
        Category that should not wait; without one nothing is simulated.
    chats_per_day : float, default=200
        Mean number of chats on a day. A warehouse may hold a sample only, so this is not taken from it.
    agents : sequence of int, default=(4, 5, 6, 7)
        Numbers of agents to try.
    hours : pair of float, default=(8, 20)
        Opening and closing, every day, in hours of the clock of `created_at`.
    handling_minutes : float, default=12
        Mean time that an agent is busy with a chat.
    ageing_minutes : float, default=480
        Minutes of waiting that weigh as much as being surely urgent: longer than waits on a bad day, or else old chats
        hold up urgent ones.
    days : int, default=300
        Simulated days, at least 20.
    confidence : float, default=0.95
        Of the intervals, between 0 and 1.
    seed : int, default=0

    Raises
    ------
    InputError
        When a value is out of range, or the agents cannot do the work of a mean day within its hours.
    """

    urgent: str = "urgent"
    chats_per_day: float = 200
    agents: tuple = (4, 5, 6, 7)
    hours: tuple = (8, 20)
    handling_minutes: float = 12
    ageing_minutes: float = 480
    days: int = 300
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self):
        for name in ("chats_per_day", "handling_minutes", "ageing_minutes"):
            if not getattr(self, name) > 0:
                raise InputError(f"Got {name}={getattr(self, name)!r}, expected a number above 0.")
        if self.days < FEWEST:
            raise InputError(f"Got days={self.days!r}, expected at least {FEWEST}; an interval of fewer says nothing.")
        if not 0 < self.confidence < 1:
            raise InputError(f"Got confidence={self.confidence!r}, expected a number between 0 and 1, such as 0.95.")
        if len(self.hours) != 2 or not 0 <= self.hours[0] < self.hours[1] <= 24:
            raise InputError(f"Got hours={self.hours!r}, expected opening before closing, such as [8, 20].")
        if not self.agents or any(count != int(count) or count < 1 for count in self.agents):
            raise InputError(f"Got agents={self.agents!r}, expected whole numbers of at least 1, such as [5, 6].")
        worked = 60 * min(self.agents) * (self.hours[1] - self.hours[0])
        needed = self.chats_per_day * self.handling_minutes
        if worked <= needed:
            raise InputError(
                f"Got {min(self.agents)} agents, who work {worked:,.0f} minutes a day, for chats that need "
                f"{needed:,.0f}; expected more than that, so give them colleagues, or fewer chats."
            )

    def assumptions(self):
        """Write the assumptions of the simulation.

        Returns
        -------
        str
            Sentences made of this desk's values; the number of agents is a result's, so it is not among them.
        """
        opening, closing = (f"{int(hour)}:{round(hour % 1 * 60):02}" for hour in self.hours)
        return (
            f"Assumed: {self.chats_per_day:,g} chats a day on average. Days differ in number as the data's do beyond "
            "chance. A day is filled with real chats at their time of day, its own and those of the days around it, "
            f"which flattens bursts. Agents work every day from {opening} to {closing}, then answer who still waits; "
            "minutes count in this time only, until an agent takes the chat. A chat keeps an agent busy for "
            f"{self.handling_minutes:g} minutes on average (lognormal, standard deviation the same), without "
            "interruption. Hourly triage: the oldest chat is next, but at opening and once an hour a person moves all "
            f"'{self.urgent}' chats to the front, without mistakes and in no agent's time. Model: next is the largest "
            f"sum of probability and minutes waited / {self.ageing_minutes:g}, so nobody is passed by who comes "
            f"{self.ageing_minutes:g} minutes later. Model and hourly triage: as the model, and the person still moves "
            f"all '{self.urgent}' chats to the front. Oracle: as the model, with the true category. {self.days:,} "
            "days, drawn with replacement, the same chats and handling times for all policies; "
            f"{100 * self.confidence:g}% intervals by resampling blocks of neighbouring days."
        )


def compare_policies(chats, probability, desk):
    """Simulate the desk under each policy and compare how long chats wait for their first answer.

    All policies and numbers of agents meet the same chats with the same handling times, so that their differences
    are not blurred by chance (common random numbers).

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        Chats that the model has not seen, with created_at and category.
    probability : array-like of float of shape (n,)
        Of being urgent, by the model, from 0 to 1.
    desk : Desk

    Returns
    -------
    pandas.DataFrame
        policy (one of `POLICIES`), agents, who ("urgent", "others"), statistic ("p50", "p90",
        "p99", "mean"), value, low, high (minutes to the first answer and their interval), difference, difference_low,
        difference_high (minutes more than with hourly triage: below 0 is sooner, above 0 is the harm).

    Raises
    ------
    InputError
        When the chats have no created_at or no time of day, no urgent or no other chats, or too few for the load.

    References
    ----------
    A. M. Law, "Simulation Modeling and Analysis", 5th edition, 2015, chapter 11 (common random numbers).
    """
    queue = arrivals(chats, probability, desk)
    days = [day for _, day in queue.groupby("day")]
    block, urgent = np.unique(queue["block"], return_inverse=True)[1], queue["urgent"].to_numpy()
    rows = []
    for agents in desk.agents:
        waits = {policy: np.concatenate([_day(day, policy, agents, desk) for day in days]) for policy in POLICIES}
        for who, side in (("urgent", urgent), ("others", ~urgent)):
            values = {policy: _resample(waits[policy], side, block, desk.seed) for policy in POLICIES}
            now = values[POLICIES[0]]
            for policy in POLICIES:
                numbers = *_interval(values[policy], desk), *_interval(values[policy] - now, desk)
                rows += [(policy, agents, who, *row) for row in zip(STATISTICS, *numbers, strict=True)]
    return pd.DataFrame(rows, columns=["policy", "agents", "who", "statistic", *NUMBERS]).round(3)


def p90_minutes(waits):
    """Sum up the result of `compare_policies`, for a metrics file.

    Parameters
    ----------
    waits : pandas.DataFrame or None
        None where the queue could not be simulated.

    Returns
    -------
    dict
        Minutes in which nine of ten chats get their first answer: by number of agents, who, and policy.
    """
    minutes = {}
    for row in () if waits is None else waits[waits["statistic"] == "p90"].itertuples():
        minutes.setdefault(f"{row.agents} agents", {}).setdefault(row.who, {})[row.policy] = float(row.value)
    return minutes


def arrivals(chats, probability, desk):
    """Bring the chats of a warehouse to the load of a desk.

    Each simulated day takes the place of a day of the data, drawn with replacement. How many chats it has is a Poisson
    number whose mean is `desk.chats_per_day` times the day's own swing; of the swing in the data, the part that is
    chance in a small sample (as much variance as mean, as for a Poisson number) is taken out. It is filled with the
    chats of its place, then of the days next to it, and so on, none twice. No time of day is invented or moved, but
    that all who wrote out of hours, the evening's first, wait at the opening.

    Parameters
    ----------
    chats, probability, desk
        As in `compare_policies`.

    Returns
    -------
    pandas.DataFrame
        day (from 0), block (days of the data that are resampled together, since simulated days near each other share
        chats), minute (of arrival after the opening, 0 for all who wrote out of hours), urgent, probability, handling
        (minutes); by day and time.

    Raises
    ------
    InputError
        As in `compare_policies`.

    References
    ----------
    T. A. Louis, "Estimating a Population of Parameter Values Using Bayes and Empirical Bayes Methods", JASA 79, 1984:
    shrinking by the square root of the true share of the variance leaves the true variance.
    L. Brown et al., "Statistical Analysis of a Telephone Call Center", JASA 100, 2005: handling times are lognormal.
    """
    created, probability, urgent = _checked(chats, probability, desk)
    opening, closing = (60 * hour for hour in desk.hours)
    midnight = created.dt.normalize()
    date = (midnight - midnight.min()).dt.days.to_numpy()
    minute = (created - midnight).dt.total_seconds().to_numpy() / 60
    since_closing = (minute - closing) % (24 * 60)
    minute = np.where((opening <= minute) & (minute < closing), minute - opening, 0)
    counts = np.bincount(date)
    blocks = min(len(counts), int(len(date) / desk.chats_per_day))
    if blocks < FEWEST:
        raise InputError(
            f"Got {len(date):,} chats of {len(counts):,} days, which make {blocks:,} days of {desk.chats_per_day:g} "
            f"chats, expected at least {FEWEST}; take chats of a longer time, or fewer chats a day."
        )
    mean, variance = counts.mean(), counts.var(ddof=1)
    shrinkage = np.sqrt(max(0, 1 - mean / variance)) if variance > 0 else 0
    load = desk.chats_per_day * (1 + shrinkage * (counts / mean - 1))
    rng, days = np.random.default_rng(desk.seed), []
    for day, centre in enumerate(np.sort(rng.integers(len(counts), size=desk.days))):
        size = rng.poisson(load[centre])
        nearest = np.argsort(np.abs(date - centre) + rng.random(len(date)))[:size]
        # At the opening, too, the oldest chat is first.
        rows = nearest[np.argsort(since_closing[nearest], kind="stable")]
        # The standard deviation of a lognormal number is its mean when the variance of its logarithm is log 2.
        handling = desk.handling_minutes * rng.lognormal(-np.log(2) / 2, np.sqrt(np.log(2)), size)
        columns = {"day": day, "block": centre * blocks // len(counts), "minute": minute[rows]}
        columns |= {"urgent": urgent[rows], "probability": probability[rows], "handling": handling}
        days.append(pd.DataFrame(columns))
    return pd.concat(days, ignore_index=True)


def waiting_minutes(arrival, handling, agents, rank, urgent=None):
    """Simulate the queue of one day until all chats are answered, and return how long each waits for an agent.

    Parameters
    ----------
    arrival : array-like of float of shape (n,)
        Minute of arrival, in ascending order, from 0 up.
    handling : array-like of float of shape (n,)
        Minutes that a chat keeps an agent busy, without interruption.
    agents : int
    rank : array-like of float of shape (n,)
        A free agent takes the waiting chat with the lowest rank; of equal ones the first to arrive.
    urgent : array-like of bool of shape (n,), optional
        When given, a person moves these chats in front of all others at minute 0 and once an hour.

    Returns
    -------
    ndarray of float of shape (n,)

    Examples
    --------
    One agent, busy for 10 minutes each time; of the two who wait, the last goes first:

    >>> waiting_minutes([0, 1, 2], [10, 10, 10], agents=1, rank=[0, 0, -1])
    array([ 0., 19.,  8.])
    """
    arrival, handling, rank = (np.asarray(values, float).tolist() for values in (arrival, handling, rank))
    environment, waited = simpy.Environment(), {}
    queue = simpy.PriorityStore(environment)
    # In this order: at minute 0 all chats of the night are there before the person looks, and then the agents come.
    environment.process(_customers(environment, queue, arrival, rank))
    if urgent is not None:
        environment.process(_person(environment, queue, urgent))
    for _ in range(agents):
        environment.process(_agent(environment, queue, handling, waited))
    while len(waited) < len(arrival):
        environment.step()
    return np.array([waited[chat] for chat in range(len(arrival))])


def _customers(environment, queue, arrival, rank):
    for chat, moment in enumerate(arrival):
        if moment > environment.now:
            yield environment.timeout(moment - environment.now)
        queue.put((rank[chat], chat, environment.now))


def _agent(environment, queue, handling, waited):
    while True:
        _, chat, since = yield queue.get()
        waited[chat] = environment.now - since
        yield environment.timeout(handling[chat])


def _person(environment, queue, urgent):
    while True:
        queue.items = sorted((-np.inf if urgent[chat] else before, chat, since) for before, chat, since in queue.items)
        yield environment.timeout(TRIAGE_INTERVAL)


def _day(day, policy, agents, desk):
    """Minutes waited by the chats of one day."""
    arrival, urgent = day["minute"].to_numpy(), day["urgent"].to_numpy()
    # The order of score / 1 + waited / ageing among those who wait does not change with time, since all age alike: it
    # is the order of arrival, with a start of `ageing` minutes for who is surely urgent (Jackson, "Some Problems in
    # Queueing with Dynamic Priorities", Naval Research Logistics Quarterly 7, 1960).
    score = {"hourly triage": 0, "oracle": urgent}.get(policy, day["probability"].to_numpy())
    moved = urgent if "hourly triage" in policy else None
    return waiting_minutes(arrival, day["handling"], agents, arrival - desk.ageing_minutes * score, moved)


def _checked(chats, probability, desk):
    """Times, probabilities and urgency in the order of arrival."""
    require_urgent(desk.urgent)
    created, probability = chats.get("created_at"), np.asarray(probability, dtype=float)
    if not pd.api.types.is_datetime64_any_dtype(created) or created.isna().any():
        raise InputError("Got chats without times in created_at, expected when each was written; correct the query.")
    created = created.dt.tz_localize(None)  # local time, so that a day has 24 hours
    if probability.shape != (len(chats),) or not ((probability >= 0) & (probability <= 1)).all():
        raise InputError(
            f"Got probabilities of shape {probability.shape} for {len(chats):,} chats, expected one from 0 to 1 for "
            "each; pass the column of the urgent category."
        )
    urgent = (chats["category"] == desk.urgent).to_numpy()
    if min(urgent.sum(), (~urgent).sum()) < FEWEST:
        raise InputError(
            f"Got {urgent.sum():,} chats of the category '{desk.urgent}' and {(~urgent).sum():,} others, expected at "
            f"least {FEWEST} of each; name the category that should not wait."
        )
    if (created == created.dt.normalize()).all():
        raise InputError("Got dates without time of day in created_at, expected both; a queue depends on the hour.")
    order = np.argsort(created.to_numpy(), kind="stable")
    # Without the last digits, which differ between machines.
    return created.iloc[order].reset_index(drop=True), probability[order].round(6), urgent[order]


def _resample(minutes, side, block, seed):
    """Percentiles and mean of the minutes of one side: as they are, then of blocks drawn with replacement."""
    rows = np.flatnonzero(side)
    rows = rows[np.argsort(minutes[rows], kind="stable")]
    minutes = minutes[rows]

    def statistics(weights):
        weights = weights[rows]
        reached = weights.cumsum()
        if not reached[-1]:
            return np.full(len(STATISTICS), np.nan)
        positions = np.searchsorted(reached, np.array([*PERCENTILES.values()]) * reached[-1])
        return np.append(minutes[positions], np.average(minutes, weights=weights))

    return np.vstack([statistics(np.ones(len(block))), bootstrap(statistics, block, [seed, 1], DRAWS)])


def _interval(values, desk):
    """Values of the first row, and percentile intervals of the others."""
    return values[0], *np.nanquantile(values[1:], [(1 - desk.confidence) / 2, (1 + desk.confidence) / 2], axis=0)
