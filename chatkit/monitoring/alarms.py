"""Is a model at work still to be trusted? Alarms on a window of its log, beside what it said of its test chats."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from scipy import stats

from chatkit.checks.result import ALARM_STATUSES, NotRunError, Report, Result, result_of
from chatkit.model.base import Count, Number, Positive, Share, check_numbers
from chatkit.monitoring.daily import one_of_each, requests
from chatkit.statistics import wilson

MIN_EXPECTED = 5  # of a category, on either side, below which chi-square is no longer what its table says
SLOW = 0.01  # share of the requests that may take longer than the limit
RELABELLED = 0.01  # of the warehouse's chats, which are never tested on: above, the test says too little of life


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
    false_alarm_rate : float
        Share of the windows in which any alarm may be raised although nothing has changed. Each alarm gets an equal
        part of it (Bonferroni).
    max_category_share : float
        Of a day's or the window's chats, which no category may reach.
    max_latency_ms : float
        Milliseconds within which 99 of 100 requests have to be answered.
    min_audit_response : float
        Share of the chats drawn for the audit that people must have reviewed: the others may be of another kind.
    min_count : int
        Chats, or requests, below which nothing is said.
    seed : int
        Of the draw of one chat a conversation.
    relabelled : float
        Share of the warehouse's chats that people have relabelled. Their conversations are never tested on, see
        `chatkit.data.split.split_chats`.

    Raises
    ------
    InputError
        When one of the numbers is out of its range.
    """

    chats: pd.DataFrame
    test: pd.DataFrame
    model: str
    false_alarm_rate: Share = 0.01
    max_category_share: Share = 0.95
    max_latency_ms: Positive = 500
    min_audit_response: Share = 0.8
    min_count: Count = 50
    seed: Annotated[int, Number(0, whole=True)] = 0
    relabelled: Annotated[float, Number(0, 1)] = 0.0

    def __post_init__(self):
        check_numbers(self)

    @cached_property
    def everyone(self):
        """One chat of each conversation, by any model."""
        return one_of_each(self.chats, self.seed)

    @cached_property
    def now(self):
        """One chat of each conversation, by this model."""
        return one_of_each(self.chats[self.chats["model"] == self.model], self.seed)

    @cached_property
    def before(self):
        """One test chat of each conversation."""
        return one_of_each(self.test, self.seed)

    @cached_property
    def audited(self):
        """One of the chats drawn for the audit of each conversation, by this model."""
        return one_of_each(self.chats.query("audit and model == @self.model"), self.seed)

    @property
    def counts(self):
        """How many chats, conversations and labels the window holds."""
        return {
            "chats": len(self.chats),
            "conversations": len(self.everyone),
            "chats sorted by other models": int((self.chats["model"] != self.model).sum()),
            "chats that people have reviewed": int(self.chats["actual"].notna().sum()),
            "chats drawn for the audit": int(self.chats["audit"].sum()),
        }

    @property
    def uncompared(self):
        """Why nothing can be compared with the test chats: too few of this model on either side; None where it can."""
        for chats, where in ((self.now, f"of {len(self.everyone):,} in the window were sorted by this model"),
                             (self.before, "are among the test chats")):  # fmt: skip
            if len(chats) < self.min_count:
                return f"{len(chats):,} conversations {where}, at least {self.min_count} are needed."
        return None

    def compared(self, *, despite_relabels=False):
        """Chats of this model, and test chats, where both are enough and, unless told, few are relabelled."""
        if self.uncompared:
            raise NotRunError(self.uncompared)
        if self.relabelled > RELABELLED and not despite_relabels:
            raise NotRunError(
                f"{self.missing_from_test}, more than {RELABELLED:.0%}: the test lacks errors that people "
                "corrected, so that the model at work must look worse."
            )
        return self.now, self.before

    @property
    def missing_from_test(self):
        """How much of the warehouse could not come into the test."""
        return f"{self.relabelled:.1%} of the warehouse's chats are relabelled and not in the test"

    def judge(self, p_value, explanation, statistic, interval=None):
        """Compare a p-value with its threshold."""
        if np.isnan(p_value):
            raise NotRunError(f"{explanation}; the test gives no p-value, so that nothing is known.")
        shown = "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.2g}"
        level = self.false_alarm_rate / len(ALARMS)
        status = "fail" if p_value < level else "pass"
        return Result(status, f"{explanation} ({shown}).", statistic, interval, p_value, level)


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
    now, before = (chats["predicted"] for chats in window.compared(despite_relabels=True))
    counts = pd.DataFrame({"now": now.value_counts(), "before": before.value_counts()}).fillna(0)
    table = pooled(counts.to_numpy())
    if len(counts) < 2:
        raise NotRunError(f"All conversations, the test's too, are called {counts.index[0]}: one share is no drift.")
    if len(table) < 2:
        raise NotRunError(f"Of fewer than two categories {MIN_EXPECTED} are expected on either side; take more days.")
    test = stats.chi2_contingency(table, correction=False)
    shares = (counts / counts.sum()).sort_index()
    furthest = shares.loc[(shares["now"] - shares["before"]).abs().idxmax()]
    explanation = (
        f"Furthest from what the model said of the test chats is {furthest.name}: {furthest['now']:.1%} of "
        f"{len(now):,} conversations, {furthest['before']:.1%} of the test's; chi-square of all categories "
        f"{test.statistic:.1f} with {test.dof} degrees of freedom"
    )
    if window.relabelled > RELABELLED:
        explanation += f"; {window.missing_from_test}, which may be all of the difference"
    return window.judge(test.pvalue, explanation, test.statistic)


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
    counts = counts[np.argsort(-counts.sum(axis=1), kind="stable")]
    totals, sides = counts.sum(axis=1), counts.sum(axis=0)
    enough = MIN_EXPECTED * sides.sum() / sides.min()
    common = int((totals >= enough).sum())
    while common and 0 < totals[common:].sum() < enough:
        common -= 1
    rest = counts[common:]
    return np.vstack([counts[:common], rest.sum(axis=0)]) if len(rest) else counts


def largest_share(window):
    """A limit and Fisher's exact test: does one category hold nearly all chats of the window, or of a day?

    Where the share reaches the limit, it must also be above that of the test chats, which are a sample as well: of a
    category that honestly holds nine of ten chats, some day has more than the limit. The p-value is multiplied by the
    number of days and one. Where there is no test of the model that sorted the chats, the limit alone decides.
    """
    chats = window.everyone if window.uncompared else window.now
    days = chats.groupby(chats["at"].dt.floor("D"))["predicted"]
    periods = {"In the window": chats["predicted"]} | {f"On {day:%Y-%m-%d}": predicted for day, predicted in days}
    periods = {name: predicted for name, predicted in periods.items() if len(predicted) >= window.min_count}
    if not periods:
        raise NotRunError(f"{len(chats):,} conversations are in the window, at least {window.min_count} are needed.")
    results = [_largest_share(window, name, predicted, len(periods)) for name, predicted in periods.items()]
    # One that is above the test's as well is shown before a larger one that is not.
    return max(results, key=lambda result: (result.status == "fail", result.statistic))


def _largest_share(window, period, predicted, periods):
    """The result of one period of several."""
    category, limit = predicted.value_counts(sort=False).sort_index().idxmax(), window.max_category_share
    share, interval = _share(predicted == category)
    explanation = f"{period} the largest category is {category}: {share:.1%} of {len(predicted):,} conversations"
    if window.uncompared:
        explanation += f"; without enough chats of this model to compare, the limit of {limit:.0%} alone counts"
    else:
        tested = window.before["predicted"] == category
        explanation += f"; on the test chats {tested.mean():.1%}"
        if share >= limit:
            p_value = np.minimum(1, _fisher(predicted == category, tested) * periods)
            return window.judge(p_value, explanation, share, interval)
    return Result("fail" if share >= limit else "pass", f"{explanation}.", share, interval, threshold=limit)


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
    if min(len(now), len(before)) < window.min_count:
        raise NotRunError("The classifier gives no probabilities, or the log does not hold them.")
    if len({*now, *before}) == 1:
        raise NotRunError("The model is always equally sure, so that its probabilities tell nothing.")
    test = stats.mannwhitneyu(now, before, method="asymptotic")
    surer = test.statistic / (len(now) * len(before))
    explanation = (
        f"The mean probability of the predicted category is {now.mean():.3f}, on the test chats {before.mean():.3f}; "
        f"beside a test chat, one of the window is the surer in {surer:.1%} of the pairs"
    )
    return window.judge(test.pvalue, explanation, surer)


def corrections(window):
    """Fisher's exact test: are more chats of a category corrected than were wrong among the test chats?

    People correct what they happen to see, so that the corrections are at most the errors. Where they are more than
    the errors of the test, the model has become worse, whoever reviewed what; where they are fewer, nothing is said.
    That holds only of a test that is like life: where chats of the warehouse had been relabelled, it lacks their
    errors, so that above `RELABELLED` of them this is not run. The smallest p-value counts, times the number of
    categories.
    """
    now, before = window.compared()
    reviewed = now["actual"].notna()
    if not reviewed.any():
        raise NotRunError(f"Of {len(now):,} chats, one drawn of each conversation, people have reviewed none.")
    corrected, wrong = reviewed & _wrong(now), _wrong(before)
    sides = {
        category: (corrected[now["predicted"] == category], wrong[before["predicted"] == category])
        for category in sorted(now["predicted"].unique())
    }
    p_values = {category: _fisher(*flags) for category, flags in sides.items()}
    worst = min(p_values, key=p_values.get)
    of_worst, tested = sides[worst]
    share, interval = _share(of_worst)
    test = f"{tested.mean():.1%} of the test's were wrong" if len(tested) else "the test has none"
    explanation = (
        f"Of {len(now):,} chats, one drawn of each conversation, people have reviewed {reviewed.sum():,} and "
        f"corrected {corrected.sum():,}; most striking is {worst}: {share:.1%} of {len(of_worst):,} corrected, {test}"
    )
    return window.judge(np.minimum(1, p_values[worst] * len(p_values)), explanation, share, interval)


def audit(window):
    """Fisher's exact test: is the model less accurate on the chats drawn for the audit than on the test chats?"""
    _, before = window.compared()
    drawn = window.audited
    reviewed = drawn[drawn["actual"].notna()]
    if len(reviewed) < max(window.min_count, window.min_audit_response * len(drawn)):
        raise NotRunError(
            f"Of {len(drawn):,} drawn, one of each conversation, people have reviewed {len(reviewed):,}; at least "
            f"{window.min_count} and {window.min_audit_response:.0%} are needed: take more days, or raise audit_share."
        )
    accuracy, (low, high) = _share(~_wrong(reviewed))
    explanation = (
        f"{accuracy:.1%} of {len(reviewed):,} chats are right ({low:.1%} to {high:.1%}), of {len(drawn):,} drawn for "
        f"the audit, one of each conversation; on the test chats {1 - _wrong(before).mean():.1%}"
    )
    return window.judge(_fisher(_wrong(reviewed), _wrong(before)), explanation, accuracy, (low, high))


def latency(window):
    """Binomial test: do more than 1 in 100 requests take longer than the limit?"""
    milliseconds = requests(window.chats)["milliseconds"]
    if len(milliseconds) < window.min_count:
        raise NotRunError(f"{len(milliseconds):,} requests have a time, at least {window.min_count} are needed.")
    slow = milliseconds > window.max_latency_ms
    test = stats.binomtest(int(slow.sum()), len(slow), SLOW, alternative="greater")
    explanation = (
        f"{slow.sum():,} of {len(slow):,} requests took the model longer than {window.max_latency_ms:g} ms; 99 of 100 "
        f"were sorted within {milliseconds.quantile(0.99):.1f} ms"
    )
    return window.judge(test.pvalue, explanation, *_share(slow))


ALARMS = {
    alarm.__name__.replace("_", " "): alarm for alarm in (drift, largest_share, confidence, corrections, audit, latency)
}


class AlarmReport(Report):
    """The results of all alarms, as a board and a text in a notebook.

    Parameters
    ----------
    results : dict of str to chatkit.checks.result.Result
        By alarm.
    """

    words: ClassVar[dict] = ALARM_STATUSES
    kind: ClassVar[str] = "alarm"


def watch(window):
    """Look at a window of the log.

    Parameters
    ----------
    window : Window

    Returns
    -------
    AlarmReport
        In the order of `ALARMS`. What cannot be judged is "not_run", with the reason.
    """
    return AlarmReport({name: result_of(alarm, window) for name, alarm in ALARMS.items()})


def _wrong(chats):
    return chats["actual"] != chats["predicted"]


def _share(flags):
    """Share of flags that are set, and its interval."""
    share, low, high = map(float, wilson(flags.sum(), len(flags)))
    return share, (low, high)


def _fisher(now, before):
    """p-value of Fisher's exact test: are more flags set now than before?"""
    table = [[flags.sum(), (~flags).sum()] for flags in (now, before)]
    return stats.fisher_exact(table, "greater").pvalue
