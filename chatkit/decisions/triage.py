"""How much sooner urgent chats get an answer, and what that costs the others: the support queue, simulated."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import simpy

from chatkit.project import InputError

POLICIES = ("hourly triage", "model", "model and hourly triage", "oracle")
STATISTICS = ("p50", "p90", "p99", "mean")  # p99: whom the model misses
NUMBERS = ["value", "low", "high", "difference", "difference_low", "difference_high"]
LOOK = 60  # minutes between two looks of the person who moves urgent chats to the front
LEAST = 20  # days of chats at the desk's load, and chats on either side: with fewer an interval says nothing
DRAWS = 500


@dataclass(frozen=True)
class Desk:
    """A support desk, as far as the simulation has to know it.

    Parameters
    ----------
    urgent : str, default="urgent"
        Category that should not wait.
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
        if self.days < LEAST:
            raise InputError(f"Got days={self.days!r}, expected at least {LEAST}; with fewer an interval says nothing.")
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
        """Say in words what the simulation takes for granted.

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
        What the model thinks of each being urgent, from 0 to 1.
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
    block, urgent = queue["block"].to_numpy(), queue["urgent"].to_numpy()
    drawn = _draw(block, desk.seed)
    rows = []
    for agents in desk.agents:
        minutes = {policy: np.concatenate([_day(day, policy, agents, desk) for day in days]) for policy in POLICIES}
        for who, theirs in (("urgent", urgent), ("others", ~urgent)):
            found = {policy: _statistics(waited[theirs], drawn[:, block[theirs]]) for policy, waited in minutes.items()}
            rows += [
                (policy, agents, who, statistic, *_interval(found[policy][:, column], desk.confidence),
                 *_interval((found[policy] - found[POLICIES[0]])[:, column], desk.confidence))
                for policy in POLICIES for column, statistic in enumerate(STATISTICS)
            ]  # fmt: skip
    return pd.DataFrame(rows, columns=["policy", "agents", "who", "statistic", *NUMBERS]).round(3)


def minutes(waits):
    """Sum up what `compare_policies` found, for a metrics file.

    Parameters
    ----------
    waits : pandas.DataFrame or None
        None where the queue could not be simulated.

    Returns
    -------
    dict
        Minutes in which nine of ten chats get their first answer: by number of agents, who, and policy.
    """
    found = {}
    for row in () if waits is None else waits[waits["statistic"] == "p90"].itertuples():
        found.setdefault(f"{row.agents} agents", {}).setdefault(row.who, {})[row.policy] = float(row.value)
    return found


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
    opening, closing = desk.hours
    midnight = created.dt.normalize()
    place = (midnight - midnight.min()).dt.days.to_numpy()
    minute = (created - midnight).dt.total_seconds().to_numpy() / 60
    since_closing = (minute - 60 * closing) % (24 * 60)
    minute = np.where((60 * opening <= minute) & (minute < 60 * closing), minute - 60 * opening, 0)
    counts = np.bincount(place)
    blocks = min(len(counts), int(len(place) / desk.chats_per_day))
    if blocks < LEAST:
        raise InputError(
            f"Got {len(place):,} chats of {len(counts):,} days, which make {blocks:,} days of {desk.chats_per_day:g} "
            f"chats, expected at least {LEAST}; take chats of a longer time, or fewer chats a day."
        )
    mean, variance = counts.mean(), counts.var(ddof=1)
    kept = np.sqrt(max(0, 1 - mean / variance)) if variance > 0 else 0
    load = desk.chats_per_day * (1 + kept * (counts / mean - 1))
    rng, days = np.random.default_rng(desk.seed), []
    for day, centre in enumerate(np.sort(rng.integers(len(counts), size=desk.days))):
        size = rng.poisson(load[centre])
        nearest = np.argsort(np.abs(place - centre) + rng.random(len(place)))[:size]
        # At the opening, too, the oldest chat is first.
        rows = nearest[np.argsort(since_closing[nearest], kind="stable")]
        days.append(
            {
                "day": day,
                "block": centre * blocks // len(counts),
                "minute": minute[rows],
                "urgent": urgent[rows],
                "probability": probability[rows],
                # The standard deviation of a lognormal number is its mean when the variance of its logarithm is log 2.
                "handling": desk.handling_minutes * rng.lognormal(-np.log(2) / 2, np.sqrt(np.log(2)), size),
            }
        )
    return pd.concat([pd.DataFrame(day) for day in days], ignore_index=True)


def waits(arrival, handling, agents, place, urgent=None):
    """Minutes that each chat waits until an agent takes it, with everybody there until all are answered.

    Parameters
    ----------
    arrival : array-like of float of shape (n,)
        Minute of arrival, in ascending order, from 0 up.
    handling : array-like of float of shape (n,)
        Minutes that a chat keeps an agent busy, without interruption.
    agents : int
    place : array-like of float of shape (n,)
        A free agent takes the waiting chat with the smallest; of equal ones the first to arrive.
    urgent : array-like of bool of shape (n,), optional
        When given, a person looks at minute 0 and once an hour and moves these chats in front of all others.

    Returns
    -------
    ndarray of float of shape (n,)

    Examples
    --------
    One agent, busy for 10 minutes each time; of the two who wait, the last goes first:

    >>> waits([0, 1, 2], [10, 10, 10], agents=1, place=[0, 0, -1])
    array([ 0., 19.,  8.])
    """
    queue = _Queue(arrival, handling, place)
    # In this order: at minute 0 all chats of the night are there before the person looks, and then the agents come.
    queue.environment.process(queue.customers())
    if urgent is not None:
        queue.environment.process(queue.person(urgent))
    for _ in range(agents):
        queue.environment.process(queue.agent())
    if len(arrival):
        queue.environment.run(until=queue.all_taken)
    return queue.waited


class _Queue:
    """The chats that wait, and what customers, agents and the person who looks through them do with it."""

    def __init__(self, arrival, handling, place):
        self.arrival, self.handling, self.place = (np.asarray(x, float).tolist() for x in (arrival, handling, place))
        self.environment = simpy.Environment()
        self.waiting, self.all_taken = simpy.PriorityStore(self.environment), self.environment.event()
        self.waited, self.untaken = np.full(len(arrival), np.nan), len(arrival)

    def customers(self):
        for chat, moment in enumerate(self.arrival):
            if moment > self.environment.now:
                yield self.environment.timeout(moment - self.environment.now)
            self.waiting.put((self.place[chat], chat, self.environment.now))

    def agent(self):
        while True:
            _, chat, since = yield self.waiting.get()
            self.waited[chat] = self.environment.now - since
            self.untaken -= 1
            if not self.untaken:
                self.all_taken.succeed()
            yield self.environment.timeout(self.handling[chat])

    def person(self, urgent):
        while True:
            self.waiting.items = sorted(
                (-np.inf if urgent[item[1]] else item[0], *item[1:]) for item in self.waiting.items
            )
            yield self.environment.timeout(LOOK)


def _day(day, policy, agents, desk):
    """Minutes waited by the chats of one day."""
    arrival, urgent = day["minute"].to_numpy(), day["urgent"].to_numpy()
    if policy == "hourly triage":
        return waits(arrival, day["handling"], agents, np.zeros(len(day)), urgent)
    # The order of sure / 1 + waited / ageing among those who wait does not change with time, since all age alike: it is
    # the order of arrival, with a start of `ageing` minutes for who is surely urgent (Jackson, "Some Problems in
    # Queueing with Dynamic Priorities", Naval Research Logistics Quarterly 7, 1960).
    sure = urgent if policy == "oracle" else day["probability"].to_numpy()
    looked_for = urgent if policy == "model and hourly triage" else None
    return waits(arrival, day["handling"], agents, arrival - desk.ageing_minutes * sure, looked_for)


def _checked(chats, probability, desk):
    """Times, probabilities and urgency in the order of arrival."""
    if not pd.api.types.is_datetime64_any_dtype(chats.get("created_at")):
        raise InputError("Got chats without times in created_at, expected when each was written; add it to the query.")
    # As the clock on the wall showed it, so that a day has 24 hours.
    created, probability = chats["created_at"].dt.tz_localize(None), np.asarray(probability, dtype=float)
    if probability.shape != (len(chats),) or not ((probability >= 0) & (probability <= 1)).all():
        raise InputError(
            f"Got probabilities of shape {probability.shape} for {len(chats):,} chats, expected one from 0 to 1 for "
            "each; pass the column of the urgent category."
        )
    urgent = (chats["category"] == desk.urgent).to_numpy()
    if min(urgent.sum(), (~urgent).sum()) < LEAST:
        raise InputError(
            f"Got {urgent.sum():,} chats of the category '{desk.urgent}' and {(~urgent).sum():,} others, expected at "
            f"least {LEAST} of each; name the category that should not wait."
        )
    if created.isna().any():
        raise InputError(
            f"Got {created.isna().sum():,} chats with an empty created_at, expected a time for each; leave them out."
        )
    if (created == created.dt.normalize()).all():
        raise InputError("Got dates without time of day in created_at, expected both; a queue depends on the hour.")
    order = np.argsort(created.to_numpy(), kind="stable")
    # Without the last digits, which differ between machines.
    return created.iloc[order].reset_index(drop=True), probability[order].round(6), urgent[order]


def _draw(block, seed):
    """How often each block is there: as it is in the first row, then drawn with replacement."""
    blocks, there = block.max() + 1, np.unique(block)
    chosen = np.random.default_rng([seed, 1]).choice(there, (DRAWS, len(there)))
    counts = [np.bincount(row, minlength=blocks) for row in chosen]
    return np.vstack([np.isin(np.arange(blocks), there).astype(int), *counts])


def _statistics(minutes, weights):
    """Percentiles and mean of weighted minutes, a row for each row of weights; NaN where none has any."""
    order = np.argsort(minutes, kind="stable")
    minutes, found = minutes[order], np.full((len(weights), len(STATISTICS)), np.nan)
    for row, weight in zip(found, weights, strict=True):
        reached = np.cumsum(weight[order])
        if reached[-1]:
            row[:3] = minutes[np.searchsorted(reached, np.array([0.5, 0.9, 0.99]) * reached[-1])]
            row[3] = np.average(minutes, weights=weight[order])
    return found


def _interval(found, confidence):
    """Value of the first, and the interval of the others."""
    return found[0], *np.nanquantile(found[1:], [(1 - confidence) / 2, (1 + confidence) / 2])
