"""Is a model at work still to be trusted? Alarms on a window of its log, beside what it said of its test chats."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from chatkit.checks.result import NotRunError
from chatkit.monitoring.daily import audit, one_of_each, requests
from chatkit.project import InputError
from chatkit.statistics import wilson

FEWEST_EXPECTED = 5  # of a category, on either side, below which chi-square is no longer what its table says
SLOW = 0.01  # share of the requests that may take longer than the limit
RELABELLED = 0.01  # of the warehouse's chats, which are never tested on: above, the test says too little of life


@dataclass(frozen=True)
class Alarm:
    """What came of one alarm.

    Parameters
    ----------
    alarm : str
        Its name, see `ALARMS`.
    status : {"ok", "alarm", "not_run"}
    explanation : str
        One to three sentences with the numbers; why, where it was not run.
    statistic : float or None
        What was measured.
    interval : tuple of float or None
        Low and high end of the statistic, 95 %.
    p_value : float or None
        Probability of what was measured, or of something more extreme, if nothing had changed.
    threshold : float or None
        What the p-value has to stay above or, where there is none, the statistic below.
    """

    alarm: str
    status: str
    explanation: str
    statistic: float | None = None
    interval: tuple | None = None
    p_value: float | None = None
    threshold: float | None = None


_SHARE = (int | float, lambda value: 0 < value <= 1, "a number above 0 and up to 1")
_CHOICES = {
    "false_alarms": _SHARE,
    "largest_share": _SHARE,
    "looked_at": _SHARE,
    "relabelled": (int | float, lambda value: 0 <= value <= 1, "a number from 0 to 1"),
    "slowest": (int | float, lambda value: value > 0, "a number above 0"),
    "fewest": (int, lambda value: value >= 1, "a whole number from 1 up"),
    "seed": (int, lambda value: value >= 0, "a whole number from 0 up"),
}


@dataclass(frozen=True)
class Window:
    """A window of the log beside the test chats, and what counts as too much.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        From `chatkit.monitoring.daily.labelled`: conversation_id, at, model, predicted, probability, actual,
        milliseconds, audit.
    test : pandas.DataFrame of shape (t, 5)
        What the model said of its test chats, from `chatkit.scores.predictions.Predictions.frame`.
    model : str
        Digest of the model that said it; rows of other models are not compared with it.
    false_alarms : float
        Share of the windows in which any alarm may be raised although nothing has changed. Each alarm gets an equal
        part of it (Bonferroni).
    largest_share : float
        Of a day's or the window's chats, which no category may reach.
    slowest : float
        Milliseconds within which 99 of 100 requests have to be answered.
    looked_at : float
        Share of the chats drawn for the audit that people must have looked at: the others may be of another kind.
    fewest : int
        Chats, or requests, below which nothing is said.
    seed : int
        Of the draw of one chat a conversation.
    relabelled : float
        Share of the warehouse's chats that people have relabelled. Their conversations are never tested on, see
        `chatkit.data.split.split_chats`.

    Raises
    ------
    InputError
        When one of the choices is out of its range.
    """

    chats: pd.DataFrame
    test: pd.DataFrame
    model: str
    false_alarms: float = 0.01
    largest_share: float = 0.95
    slowest: float = 500
    looked_at: float = 0.8
    fewest: int = 50
    seed: int = 0
    relabelled: float = 0.0
    everyone: pd.DataFrame = field(init=False)  # one chat of each conversation, by any model
    now: pd.DataFrame = field(init=False)  # the same, by this model
    before: pd.DataFrame = field(init=False)  # the same of the test chats

    def __post_init__(self):
        for name, (kind, fits, expected) in _CHOICES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kind) or not fits(value):
                raise InputError(f"Got {name}={value!r}, expected {expected}; mend it.")
        for name, frame in (
            ("everyone", self.chats),
            ("now", self.chats[self.chats["model"] == self.model]),
            ("before", self.test),
        ):
            object.__setattr__(self, name, one_of_each(frame, self.seed))  # the dataclass is frozen

    @property
    def level(self):
        """What each p-value has to stay above."""
        return self.false_alarms / len(ALARMS)

    @property
    def counts(self):
        """How many chats, conversations and labels the window holds."""
        return {
            "chats": len(self.chats),
            "conversations": len(self.everyone),
            "chats sorted by other models": int((self.chats["model"] != self.model).sum()),
            "chats that people have looked at": int(self.chats["actual"].notna().sum()),
            "chats drawn for the audit": int(self.chats["audit"].sum()),
        }

    @property
    def uncompared(self):
        """Why nothing can be compared with the test chats: too few of this model on either side; None where it can."""
        for chats, where in ((self.now, f"of {len(self.everyone):,} in the window were sorted by this model"),
                             (self.before, "are among the test chats")):  # fmt: skip
            if len(chats) < self.fewest:
                return f"{len(chats):,} conversations {where}, at least {self.fewest} are needed."
        return None

    def compared(self, like_life=True):
        """Chats of this model, and test chats, where there are enough of both; for most, a test that is like life."""
        if self.uncompared:
            raise NotRunError(self.uncompared)
        if like_life and self.relabelled > RELABELLED:
            raise NotRunError(
                f"{self.left_out}, more than {RELABELLED:.0%}: without what people found wrong, it is easier than life."
            )
        return self.now, self.before

    @property
    def left_out(self):
        """How much of the warehouse could not come into the test."""
        return f"{self.relabelled:.1%} of the warehouse's chats are relabelled and not in the test"

    def said(self, p_value, explanation, **found):
        """Compare a p-value with its threshold."""
        if np.isnan(p_value):
            raise NotRunError(f"{explanation}; the test gives no p-value, so that nothing is known.")
        status = "alarm" if p_value < self.level else "ok"
        return {"status": status, "explanation": f"{explanation} ({_p(p_value)}).", "p_value": float(p_value),
                "threshold": self.level, **found}  # fmt: skip


def drift(window):
    """Chi-square test: are the predicted categories those of the test chats?

    Both sides are samples. Compared is what the same model predicted on both, not what people said of the training
    chats: a model has shares of its own. Categories of which fewer than 5 are expected on either side are counted as
    one, the rarest first. Where many chats of the warehouse are relabelled, the explanation says that the test lacks
    them.

    References
    ----------
    W. G. Cochran, "Some Methods for Strengthening the Common χ² Tests", Biometrics 10, 1954.
    """
    now, before = window.compared(like_life=False)
    counts = pd.DataFrame({"now": now["predicted"].value_counts(), "before": before["predicted"].value_counts()})
    counts = counts.fillna(0)
    table = pooled(counts.to_numpy())
    if len(counts) < 2:
        raise NotRunError(
            f"All conversations, those of the test too, are called {counts.index[0]}: one share is no drift."
        )
    if len(table) < 2:
        raise NotRunError(
            f"Of {len(now):,} conversations beside {len(before):,} test chats, 5 are expected on either side in fewer "
            f"than two of {len(counts)} categories; take more days."
        )
    found = stats.chi2_contingency(table, correction=False)
    shares = counts / counts.sum()
    moved = (shares["now"] - shares["before"]).sort_index()
    furthest = moved.abs().idxmax()
    return window.said(
        found.pvalue,
        f"Furthest from what the model said of the test chats is {furthest}: {shares['now'][furthest]:.1%} of "
        f"{len(now):,} conversations, {shares['before'][furthest]:.1%} of the test's; chi-square of all categories "
        f"{found.statistic:.1f} with {found.dof} degrees of freedom"
        + (f"; {window.left_out}, which may be all of the difference" if window.relabelled > RELABELLED else ""),
        statistic=float(found.statistic),
    )


def pooled(counts):
    """Count rare categories as one, the rarest first, until at least 5 of each are expected on either side.

    Parameters
    ----------
    counts : ndarray of shape (k, 2)

    Returns
    -------
    ndarray of shape (at most k, 2)

    Examples
    --------
    >>> pooled(np.array([[50, 50], [4, 6], [3, 2], [1, 1]])).tolist()
    [[50, 50], [8, 9]]
    """
    totals, sides = counts.sum(axis=1), counts.sum(axis=0)
    order = np.argsort(-totals, kind="stable")
    enough = FEWEST_EXPECTED * sides.sum() / sides.min()
    kept = int((totals >= enough).sum())
    while 0 < totals[order[kept:]].sum() < enough and kept:
        kept -= 1
    rest = counts[order[kept:]]
    return np.vstack([counts[order[:kept]], rest.sum(axis=0)[None]]) if len(rest) else counts[order]


def too_much_of_one(window):
    """A limit and Fisher's exact test: does one category hold nearly all chats of the window, or of a day?

    Where the share reaches the limit, it must also be above that of the test chats, which are a sample as well: of a
    category that honestly holds nine of ten chats, some day has more than the limit. The p-value is multiplied by the
    number of days and one. Where there is no test of the model that sorted the chats, the limit alone decides.
    """
    chats = window.everyone if window.uncompared else window.now
    parts = {"In the window": chats} | {
        f"On {day:%Y-%m-%d}": some for day, some in chats.groupby(chats["at"].dt.floor("D"))
    }
    parts = {part: some["predicted"] for part, some in parts.items() if len(some) >= window.fewest}
    if not parts:
        raise NotRunError(f"{len(chats):,} conversations are in the window, at least {window.fewest} are needed.")
    looks = [(part, *_largest(predicted, window, len(parts))) for part, predicted in parts.items()]
    # One that is above the test's as well is shown before a larger one that is not.
    part, category, count, rows, p_value = max(
        looks, key=lambda look: (look[-1] is not None and look[-1] < window.level, look[2] / look[3])
    )
    share, low, high = map(float, wilson(count, rows))
    said = f"{part} the largest category is {category}: {share:.1%} of {rows:,} conversations"
    found = {"statistic": share, "interval": (low, high)}
    if window.uncompared:
        said += f"; without enough chats of this model to compare, the limit of {window.largest_share:.0%} alone counts"
    else:
        said += f"; on the test chats {(window.before['predicted'] == category).mean():.1%}"
    if p_value is not None:
        return window.said(p_value, said, **found)
    status = "alarm" if share >= window.largest_share else "ok"
    return {"status": status, "explanation": f"{said}.", "threshold": window.largest_share, **found}


def _largest(predicted, window, times):
    """Find the largest category, its count, the chats; and a p-value where it reaches the limit and has a test."""
    counts = predicted.value_counts(sort=False).sort_index()
    category, count, rows = counts.idxmax(), int(counts.max()), len(predicted)
    if window.uncompared or count / rows < window.largest_share:
        return category, count, rows, None
    tested = int((window.before["predicted"] == category).sum())
    table = [[count, rows - count], [tested, len(window.before) - tested]]
    return category, count, rows, np.minimum(1, stats.fisher_exact(table, "greater").pvalue * times)


def confidence(window):
    """Mann and Whitney's test: is the model as sure as on the test chats?

    By ranks, since most probabilities are near 1: of 100 chats, Welch's t-test cried wolf in 0.7 % of the windows where
    0.2 % were asked for.

    References
    ----------
    H. B. Mann and D. R. Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the
    Other", Annals of Mathematical Statistics 18, 1947.
    """
    now, before = (chats["probability"].dropna().round(6) for chats in window.compared())
    if min(len(now), len(before)) < window.fewest:
        raise NotRunError("The classifier gives no probabilities, or the log does not hold them.")
    if {*now} == {*before} and len({*now}) == 1:
        raise NotRunError("The model is always equally sure, so that its probabilities tell nothing.")
    found = stats.mannwhitneyu(now, before, method="asymptotic")
    surer = float(found.statistic / (len(now) * len(before)))
    return window.said(
        found.pvalue,
        f"The mean probability of the predicted category is {now.mean():.3f}, on the test chats {before.mean():.3f}; "
        f"beside a test chat, one of the window is the surer in {surer:.1%} of the pairs",
        statistic=surer,
    )


def corrections(window):
    """Fisher's exact test: are more chats of a category corrected than were wrong among the test chats?

    People correct what they happen to see, so that the corrections are at most the errors. Where they are more than
    the errors of the test, the model has become worse, whoever looked at what; where they are fewer, nothing is said.
    That holds only of a test that is like life: where chats of the warehouse had been relabelled, it lacks their
    errors, so that above `RELABELLED` of them this is not run. The smallest p-value counts, times the number of
    categories.
    """
    now, before = window.compared()
    looked_at = now["actual"].notna()
    if not looked_at.any():
        raise NotRunError(f"Of {len(now):,} chats, one drawn of each conversation, people have looked at none.")
    corrected = looked_at & (now["actual"] != now["predicted"])
    wrong = before["actual"] != before["predicted"]
    tables = {
        category: [[mask.sum(), (~mask).sum()] for mask in (corrected[now["predicted"] == category],
                                                             wrong[before["predicted"] == category])]
        for category in sorted(now["predicted"].unique())
    }  # fmt: skip
    p_values = {category: stats.fisher_exact(table, "greater").pvalue for category, table in tables.items()}
    worst = min(p_values, key=p_values.get)
    (hits, rest), (errors, right) = tables[worst]
    share, low, high = map(float, wilson(hits, hits + rest))
    tested = f"{errors / (errors + right):.1%} of the test's were wrong" if errors + right else "the test has none"
    return window.said(
        np.minimum(1, p_values[worst] * len(p_values)),
        f"Of {len(now):,} chats, one drawn of each conversation, people have looked at {looked_at.sum():,} and "
        f"corrected {corrected.sum():,}; most striking is {worst}: {share:.1%} of {hits + rest:,} corrected, {tested}",
        statistic=share,
        interval=(low, high),
    )


def audited(window):
    """Fisher's exact test: is the model less accurate on the chats drawn for the audit than on the test chats?"""
    _, before = window.compared()
    chats = window.chats
    drawn = one_of_each(chats[(chats["model"] == window.model) & chats["audit"]], window.seed)
    (found,) = audit(drawn).to_dict("records")
    if found["looked_at"] < max(window.fewest, window.looked_at * found["drawn"]):
        raise NotRunError(
            f"Of {found['drawn']:,} chats drawn for the audit, one of each conversation, people have looked at "
            f"{found['looked_at']:,}; at least {window.fewest}, and {window.looked_at:.0%} of those drawn, are needed: "
            "take more days, or draw more (audit_share)."
        )
    right = (before["actual"] == before["predicted"]).sum()
    table = [[found["looked_at"] - found["right"], found["right"]], [len(before) - right, right]]
    return window.said(
        stats.fisher_exact(table, "greater").pvalue,
        f"{found['accuracy']:.1%} of {found['looked_at']:,} chats are right ({found['low']:.1%} to "
        f"{found['high']:.1%}), of {found['drawn']:,} drawn for the audit, one of each conversation; on the test chats "
        f"{right / len(before):.1%}",
        statistic=float(found["accuracy"]),
        interval=(float(found["low"]), float(found["high"])),
    )


def latency(window):
    """Binomial test: do more than 1 in 100 requests take longer than the limit?"""
    asked = requests(window.chats)["milliseconds"]
    if len(asked) < window.fewest:
        raise NotRunError(f"Of {len(asked):,} requests the time is known, at least {window.fewest} are needed.")
    slow = int((asked > window.slowest).sum())
    share, low, high = map(float, wilson(slow, len(asked)))
    return window.said(
        stats.binomtest(slow, len(asked), SLOW, alternative="greater").pvalue,
        f"{slow:,} of {len(asked):,} requests took the model longer than {window.slowest:g} ms; 99 of 100 were sorted "
        f"within {asked.quantile(0.99):.1f} ms",
        statistic=share,
        interval=(low, high),
    )


ALARMS = {
    "drift": drift,
    "largest share": too_much_of_one,
    "confidence": confidence,
    "corrections": corrections,
    "audit": audited,
    "latency": latency,
}


def watch(window):
    """Look at a window of the log.

    Parameters
    ----------
    window : Window

    Returns
    -------
    list of Alarm
        In the order of `ALARMS`. What cannot be judged is "not_run", with the reason.
    """
    alarms = []
    for name, look in ALARMS.items():
        try:
            alarms.append(Alarm(name, **look(window)))
        except NotRunError as error:
            alarms.append(Alarm(name, "not_run", str(error)))
    return alarms


def _p(value):
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.2g}"
