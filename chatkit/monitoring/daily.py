"""Predictions of the service by day, and what people correct, as tidy frames."""

import datetime as dt

import numpy as np
import pandas as pd
from scipy import stats

from chatkit.project import InputError
from chatkit.statistics import check_confidence, divide, group_codes, wilson


def window(days, until):
    """Return the ends of so many whole days, in UTC.

    Parameters
    ----------
    days : int
    until : str
        The last of them, an ISO date.

    Returns
    -------
    since, end : datetime.datetime
        The moment at which the first day begins, and that at which the last one is over.

    Raises
    ------
    InputError
        When `days` is no whole number from 1 up, or `until` no ISO date.

    Examples
    --------
    >>> [f"{moment:%Y-%m-%d %H:%M}" for moment in window(7, "2026-11-26")]
    ['2026-11-20 00:00', '2026-11-27 00:00']
    """
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 3660:
        raise InputError(f"Got days={days!r}, expected a whole number from 1 to 3660; 7 are usual.")
    try:
        end = dt.datetime.combine(dt.date.fromisoformat(until), dt.time(), dt.UTC) + dt.timedelta(days=1)
        return end - dt.timedelta(days=days), end
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"Got until={until!r}, expected an ISO date such as 2026-11-26.") from None


def labelled(predictions, relabels):
    """Add the category that people gave to each prediction of the log.

    Parameters
    ----------
    predictions : pandas.DataFrame of shape (n, m)
        From `chatkit.data.log.read_predictions`.
    relabels : pandas.DataFrame of shape (r, 3)
        From `chatkit.data.log.read_relabels`, in the order in which they came.

    Returns
    -------
    pandas.DataFrame of shape (n, m + 1)
        The log in the form of `chatkit.scores.predictions.Predictions.frame`: predicted in place of category, and
        actual, the category of the latest relabel, None where there is none.
    """
    latest = relabels.drop_duplicates("prediction_id", keep="last").set_index("prediction_id")["category"]
    actual = predictions["prediction_id"].map(latest).astype(object)
    chats = predictions.rename(columns={"category": "predicted"})
    return chats.assign(actual=actual.where(actual.notna(), None))


def one_of_each(chats, seed=0):
    """Draw one chat of each conversation: chats of one conversation are no independent draws.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        With conversation_id; a chat without one is a conversation of its own, and so are all without the column.
    seed : int, default=0

    Returns
    -------
    pandas.DataFrame
        In the order of `chats`.

    Examples
    --------
    >>> one_of_each(pd.DataFrame({"conversation_id": ["k1", "k1", "k2", None, None]})).index.tolist()
    [0, 2, 3, 4]
    """
    groups = group_codes(chats.get("conversation_id"), len(chats))
    order = np.random.default_rng(seed).permutation(len(chats))
    return chats.iloc[np.sort(order[~pd.Series(groups[order]).duplicated()])]


def daily_shares(chats, confidence=0.95, categories=()):
    """Share of each predicted category on each day, with Wilson's interval.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        With at (UTC) and predicted; independent of each other, see `one_of_each`.
    confidence : float, default=0.95
    categories : iterable of str, optional
        Categories that are expected: those that were not predicted count 0.

    Returns
    -------
    pandas.DataFrame of shape (days · categories, 7)
        day, category, count, rows (chats on that day), share, low, high. Every day from the first to the last is
        there, with every category; the shares of one without chats are NaN.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-11-25 09:00", "2026-11-25 10:00", "2026-11-26 09:00"], utc=True)
    >>> shares = daily_shares(pd.DataFrame({"at": at, "predicted": ["urgent", "other", "other"]}))
    >>> shares.drop(columns=["count", "rows"]).round({"low": 2, "high": 2})
             day category  share   low  high
    0 2026-11-25    other    0.5  0.09  0.91
    1 2026-11-25   urgent    0.5  0.09  0.91
    2 2026-11-26    other    1.0  0.21  1.00
    3 2026-11-26   urgent    0.0  0.00  0.79
    """
    _some(chats, "chat")
    counts = pd.crosstab(_days(chats), chats["predicted"].to_numpy(dtype=object))
    days, names = pd.date_range(counts.index[0], counts.index[-1]), sorted({*counts.columns, *categories})
    counts = counts.reindex(index=days, columns=names, fill_value=0).rename_axis(index="day", columns="category")
    frame = counts.reset_index().melt("day", value_name="count").sort_values(["day", "category"], ignore_index=True)
    rows = frame.groupby("day")["count"].transform("sum")
    share, low, high = wilson(frame["count"].to_numpy(), rows.to_numpy(), confidence)
    return frame.assign(rows=rows, share=share, low=low, high=high)


def daily_confidence(chats, confidence=0.95):
    """Mean probability of the predicted category on each day, with Student's interval.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        With at (UTC) and probability; independent of each other, see `one_of_each`.
    confidence : float, default=0.95

    Returns
    -------
    pandas.DataFrame of shape (days, 5)
        day, rows, mean, low, high; days without chats are missing, ends are NaN on a day with one chat.
    """
    chats = _some(chats.dropna(subset="probability"), "probability")
    days = chats["probability"].groupby(_days(chats).rename("day"))
    days = days.agg(rows="count", mean="mean", spread="std").reset_index()
    t = stats.t.ppf((1 + check_confidence(confidence)) / 2, days["rows"] - 1)
    half = t * days.pop("spread") / np.sqrt(days["rows"])
    return days.assign(low=(days["mean"] - half).clip(lower=0), high=(days["mean"] + half).clip(upper=1))


def weekly_corrections(chats, confidence=0.95):
    """Count what people have changed: share of each predicted category and ISO week, with Wilson's interval.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        From `labelled`, independent of each other, see `one_of_each`.
    confidence : float, default=0.95

    Returns
    -------
    pandas.DataFrame
        week (of the prediction in UTC, such as "2026-W48"), category (that was predicted), rows, reviewed (with a
        relabel), corrections (the latest relabel names another category), share (of the corrections in the rows), low,
        high.
    """
    week = _days(_some(chats, "chat")).dt.strftime("%G-W%V")
    reviewed = chats["actual"].notna()
    corrected = reviewed & (chats["actual"] != chats["predicted"])
    frame = pd.DataFrame({"week": week, "category": chats["predicted"], "rows": 1})
    frame = frame.assign(reviewed=reviewed, corrections=corrected).groupby(["week", "category"], as_index=False).sum()
    share, low, high = wilson(frame["corrections"].to_numpy(), frame["rows"].to_numpy(), confidence)
    return frame.assign(share=share, low=low, high=high)


def audit(chats, confidence=0.95):
    """Accuracy on the chats that were drawn at random for people to review, as far as they have.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        Those drawn (column audit of the log), from `labelled`; independent of each other, see `one_of_each`.
    confidence : float, default=0.95

    Returns
    -------
    pandas.DataFrame of shape (1, 8)
        drawn, reviewed, right, accuracy (of those reviewed) with Wilson's low and high; at_least and at_most, the
        accuracy of all that were drawn if the others were all wrong, or all right.
    """
    drawn, reviewed, right = len(chats), chats["actual"].notna().sum(), (chats["actual"] == chats["predicted"]).sum()
    accuracy, low, high = (float(value) for value in wilson(right, reviewed, confidence))
    at_least, at_most = divide([right, right + drawn - reviewed], np.array([drawn, drawn]))
    return pd.DataFrame(
        {"drawn": drawn, "reviewed": reviewed, "right": right, "accuracy": accuracy, "low": low, "high": high,
         "at_least": at_least, "at_most": at_most}, index=[0]
    )  # fmt: skip


def requests(predictions):
    """Reduce the log to one row a request: its chats were sorted together, in the same milliseconds.

    Parameters
    ----------
    predictions : pandas.DataFrame of shape (n, m)
        With at and milliseconds; rows of which these are not known are left out.

    Returns
    -------
    pandas.DataFrame
        at, milliseconds.
    """
    return predictions[["at", "milliseconds"]].dropna().drop_duplicates(ignore_index=True)


def daily_latency(predictions):
    """Milliseconds within which the model has answered half of a day's requests, and 99 of 100.

    Parameters
    ----------
    predictions : pandas.DataFrame of shape (n, m)
        With at (UTC) and milliseconds.

    Returns
    -------
    pandas.DataFrame of shape (days, 4)
        day, requests, p50, p99; days without requests are missing. With fewer than 100 requests p99 is about the
        slowest one.
    """
    asked = _some(requests(predictions), "time")
    days = asked["milliseconds"].groupby(_days(asked))
    frame = pd.DataFrame({"requests": days.size(), "p50": days.quantile(0.5), "p99": days.quantile(0.99)})
    return frame.rename_axis("day").reset_index()


def expected_shares(sides):
    """Share of each category on sides to compare with.

    Parameters
    ----------
    sides : dict of str to pandas.Series of str
        Categories of chats, by the name of their side.

    Returns
    -------
    pandas.DataFrame
        category, split (name of the side), share.

    Examples
    --------
    >>> expected_shares({"test": pd.Series(["other", "urgent", "other", "other"])})
      category split  share
    0    other  test   0.75
    1   urgent  test   0.25
    """
    shares = {name: side.value_counts(normalize=True).sort_index() for name, side in sides.items()}
    return pd.concat(shares, names=["split", "category"]).rename("share").reset_index()[["category", "split", "share"]]


def _some(rows, what):
    if rows.empty:
        raise InputError(f"The log holds no {what} of this model in the window; ask for other days.")
    return rows


def _days(chats):
    return chats["at"].dt.tz_convert("UTC").dt.tz_localize(None).dt.normalize()
