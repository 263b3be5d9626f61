"""Scores of slices of the test chats: by week, length, language, channel and subject."""

from itertools import pairwise

import numpy as np
import pandas as pd

from chatkit.scores.intervals import score_intervals
from chatkit.scores.metrics import labels_of_equal_length
from chatkit.statistics import group_codes, wilson
from chatkit.text.counts import TermCounter
from chatkit.text.messages import texts
from chatkit.text.tokens import tokens

FEWEST = 30  # chats of a slice, and
FEWEST_EACH = 5  # chats for each of its categories, below which the bootstrap of the macro-F1 is too narrow
MOST_PERIODS = 30  # weeks, or else months and so on: more cannot be read in a figure
MOST_NAMES = 10  # languages or channels with a slice each; the others share one
PERIODS = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
UNKNOWN = "not given"
FEW_WORDS = 3  # a chat has few known words where it has no more different ones


def slice_scores(test, y_pred, confidence=0.95, draws=1000, seed=0):
    """Score slices of the test chats.

    Chats are sliced by time (the shortest of week, month, quarter and year that makes at most 30 slices), by length
    (quarters of the chats by characters of subject and body), by language and channel, and by whether they have a
    subject; whatever the chats do not carry, or have only one value of, is left out. With many slices some intervals
    leave out the overall score by chance: at 95 % about one in twenty.

    Parameters
    ----------
    test : pandas.DataFrame of shape (n, m)
        With subject, body and category; conversation_id, created_at, language and channel are used where they are.
    y_pred : array-like of str of shape (n,)
        Predicted categories.
    confidence : float, default=0.95
    draws : int, default=1000
        Of the bootstrap.
    seed : int, default=0

    Returns
    -------
    pandas.DataFrame
        slice ("all", then what the chats are sliced by), name, rows (chats), metric ("macro_f1", "accuracy"), value,
        low, high. Accuracy has Wilson's interval, the macro-F1 the bootstrap of `score_intervals`; its ends are NaN
        where they could only mislead: with fewer than 30 chats, or than 5 for each category, and where every draw
        scores the same. The macro-F1 is over the categories that a slice has, so that slices with other categories
        do not compare; their accuracies do.

    Raises
    ------
    ValueError
        When there are not as many predictions as chats, there are no chats, or `confidence` is not between 0 and 1.

    Examples
    --------
    >>> test = pd.DataFrame({"subject": ["Hi", "", "Card", ""], "body": ["Hello!", "Help", "I lost my card", "Hm"]})
    >>> frame = slice_scores(test.assign(category=["other", "urgent"] * 2), ["other", "other", "urgent", "urgent"])
    >>> frame.loc[(frame["metric"] == "accuracy") & frame["slice"].isin(["all", "subject"])].round(2)
           slice             name  rows    metric  value   low  high
    1        all        all chats     4  accuracy    0.5  0.15  0.85
    ...  subject   with a subject     2  accuracy    0.5  0.09  0.91
    ...  subject  without subject     2  accuracy    0.5  0.09  0.91
    """
    y_true, y_pred = labels_of_equal_length(test["category"], y_pred)
    groups = group_codes(test.get("conversation_id"), len(test))
    rows = []
    for slicing, names in {"all": pd.Categorical(["all chats"] * len(test)), **_slicings(test)}.items():
        for name in names.categories:
            inside = np.asarray(names == name)
            truth, predicted = y_true[inside], y_pred[inside]
            intervals = score_intervals(
                truth, predicted, groups=groups[inside], confidence=confidence, draws=draws, seed=seed
            )
            _, value, low, high = intervals.iloc[0]
            if len(truth) < max(FEWEST, FEWEST_EACH * len({*truth, *predicted})):
                low = high = np.nan
            accuracy = map(float, wilson((truth == predicted).sum(), len(truth), confidence))
            rows.append((slicing, name, len(truth), "macro_f1", value, low, high))
            rows.append((slicing, name, len(truth), "accuracy", *accuracy))
    return pd.DataFrame(rows, columns=["slice", "name", "rows", "metric", "value", "low", "high"])


def few_known_words(train, test):
    """Tell which chats have few known words: at most three different ones that a training chat has, numbers aside.

    Parameters
    ----------
    train, test : pandas.DataFrame
        With subject and body.

    Returns
    -------
    ndarray of bool of shape (n,)
        One for each test chat.

    Examples
    --------
    >>> train = pd.DataFrame({"subject": [""], "body": ["I have lost my card 12345"]})
    >>> few_known_words(train, pd.DataFrame({"subject": "", "body": ["12345", "I lost a key", "I have lost my card"]}))
    array([ True,  True, False])
    """
    known = texts(train)
    if not any(map(tokens, known)):
        return np.ones(len(test), bool)
    counter = TermCounter(stop_words=None, lemmatizer="none", ngram_range=(1, 1), min_df=1).fit(known)
    is_word = np.char.find(counter.get_feature_names_out().astype(str), "_") != 0  # _number_, _money_, ...
    return np.diff(counter.transform(texts(test))[:, is_word].indptr) <= FEW_WORDS


def sure_of_few_words(train, test, probability, hits):
    """Say how sure a model is of chats with few known words, and how often it is right.

    Parameters
    ----------
    train, test : pandas.DataFrame
        With subject and body.
    probability : array-like of shape (n,)
        Of the category that each test chat was given.
    hits : array-like of bool of shape (n,)
        Whether that is the one that people gave.

    Returns
    -------
    str
        A sentence; that there are too few, where there are fewer than thirty.
    """
    few = few_known_words(train, test)
    what = f"test chats with at most {FEW_WORDS} different known words"
    if few.sum() < FEWEST:
        return f"Not run for {what}: there are {few.sum()}, {FEWEST} are needed."
    said, right = (np.asarray(values)[few].mean() for values in (probability, hits))
    return f"Of {few.sum():,} {what} the model is right in {right:.0%}, and says {said:.0%} on average."


def _slicings(test):
    """Give each chat its name in each slicing; names in the order to be shown."""
    dated = "created_at" in test and test["created_at"].notna().any()
    slicings = _periods(test["created_at"]) if dated else {}
    slicings["length in characters"] = _lengths(test["subject"].fillna("") + test["body"].fillna(""))
    slicings |= {column: _most_frequent(test[column]) for column in ("language", "channel") if column in test}
    names = ["with a subject", "without subject"]
    slicings["subject"] = _ordered(np.where(test["subject"].fillna("").str.strip() == "", *names[::-1]), names)
    return {slicing: names for slicing, names in slicings.items() if len(names.categories) > 1}


def _periods(dates):
    """Give each chat its week or, where these are too many, its month, quarter or year."""
    dates = dates.dt.tz_localize(None)
    for period, frequency in PERIODS.items():
        # A week is named by its first day.
        names = dates.dt.to_period(frequency).astype(str).str[:10].where(dates.notna(), UNKNOWN)
        slicing = {period: _ordered(names, sorted(set(names) - {UNKNOWN}))}
        if names.nunique() <= MOST_PERIODS:
            break
    return slicing


def _lengths(texts):
    """Give each chat the quarter of its length."""
    lengths = texts.str.len().to_numpy()
    # Many chats of one length: a bin may be as large as two.
    ends = np.unique(np.quantile(lengths, [0.25, 0.5, 0.75]).astype(int))
    ends = ends[ends < lengths.max()].tolist()
    if not ends:
        return pd.Categorical(["any"] * len(lengths))
    names = [f"up to {ends[0]:,}"]
    names += [f"{low + 1:,} to {high:,}" if low + 1 < high else f"{high:,}" for low, high in pairwise(ends)]
    names.append(f"over {ends[-1]:,}")
    return _ordered(np.array(names, dtype=object)[np.searchsorted(ends, lengths)], names)


def _most_frequent(values):
    """Give each chat its value, or a common name where it is not one of the most frequent ones."""
    values = values.astype(object).where(values.notna(), UNKNOWN).astype(str)
    counts = values[values != UNKNOWN].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    order = counts.index[:MOST_NAMES].tolist()
    others = f"{len(counts) - len(order)} others"
    return _ordered(values.where(values.isin([*order, UNKNOWN]), others), [*order, others])


def _ordered(names, order):
    """Names as a categorical in this order, the unknown last; without names that no chat has."""
    used = set(names)
    return pd.Categorical(names, [name for name in [*order, UNKNOWN] if name in used])
