"""Two models on the same chats: scores, paired differences with intervals, and chats that they predict differently."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from chatkit.scores.intervals import bootstrap_interval
from chatkit.scores.metrics import category_codes, category_scores, count_pairs, mean_of_known
from chatkit.statistics import group_codes
from chatkit.text.exact import log

SMALLEST = 1e-6  # probability in a log-loss, so that one chat cannot decide everything
OVERALL = ("macro_f1", "accuracy", "log_loss")
BY_CATEGORY = ("precision", "recall", "f1")


def pair(a, b):
    """Put the predictions of two models side by side, for the chats that both have.

    A chat is the same when id, subject and body are: other data may use the same ids again.

    Parameters
    ----------
    a, b : pandas.DataFrame
        id, subject, body, actual, predicted, probability, probability_of_actual (NaN where there is none), and
        conversation_id where it is known.

    Returns
    -------
    pandas.DataFrame
        id, subject, body, conversation (a number, the same for chats that belong together), and the other columns
        ending in ``_a`` and ``_b``; in the order of `a`.

    Examples
    --------
    >>> chat = {"id": "c1", "subject": "", "body": "Lost", "actual": "urgent", "probability": 0.5}
    >>> a = pd.DataFrame([chat | {"predicted": "other", "probability_of_actual": 0.5}])
    >>> pair(a, a.assign(predicted="urgent"))[["id", "predicted_a", "predicted_b"]]
       id predicted_a predicted_b
    0  c1       other      urgent
    """
    a, b = (side if "conversation_id" in side else side.assign(conversation_id=np.nan) for side in (a, b))
    both = a.merge(b, on=["id", "subject", "body"], suffixes=("_a", "_b"), validate="one_to_one")
    conversations = both["conversation_id_b"].astype(object).fillna(both["conversation_id_a"].astype(object))
    return both.assign(conversation=group_codes(conversations, len(both)))


def changed_labels(both):
    """Count the chats that people have labelled otherwise in the second revision.

    Parameters
    ----------
    both : pandas.DataFrame
        From `pair`.

    Returns
    -------
    pandas.Series of int
        By actual_a and actual_b; the most frequent first, ties by name.
    """
    changed = both[both["actual_a"] != both["actual_b"]]
    return changed.groupby(["actual_a", "actual_b"]).size().sort_values(ascending=False, kind="stable")


def category_sizes(chats):
    """Count the chats of each category that people or a model gave.

    Parameters
    ----------
    chats : pandas.DataFrame
        actual, predicted_a, predicted_b.

    Returns
    -------
    pandas.Series of int
        By category; the largest first, ties by name.
    """
    names, actual, *_ = category_codes(chats["actual"], chats["predicted_a"], chats["predicted_b"])
    return pd.Series(np.bincount(actual, minlength=len(names)), names).sort_values(ascending=False, kind="stable")


def paired_scores(chats, draws=1000, seed=0):
    """Score both models and compute the interval of each difference by drawing whole conversations with replacement.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        conversation, actual, predicted_a, predicted_b, probability_of_actual_a, probability_of_actual_b, as `pair`
        gives them, with one label a chat.
    draws : int, default=1000
    seed : int, default=0

    Returns
    -------
    pandas.DataFrame of shape (3 + 3k, 7)
        metric, category (empty for macro_f1, accuracy and log_loss; then precision, recall and f1 of each category in
        the order of the names), a, b, difference (b - a), low, high (95 % interval of the difference);
        rounded to 6 decimals. NaN where a score has no value, such as the log-loss without probabilities. In
        the log-loss, probabilities are at least 1e-6.

    References
    ----------
    `chatkit.statistics.percentile_interval` says how the percentiles are corrected.

    Examples
    --------
    >>> chats = pd.DataFrame({"actual": list("xxyy") * 25, "predicted_a": list("xyyx") * 25})
    >>> chats = chats.assign(conversation=range(100), predicted_b=chats["actual"])
    >>> chats = chats.assign(probability_of_actual_a=0.5, probability_of_actual_b=0.5)
    >>> paired_scores(chats).head(3)[["metric", "a", "b", "difference", "low", "high"]].round(2)
         metric     a     b  difference  low  high
    0  macro_f1  0.50  1.00         0.5  0.4   0.6
    1  accuracy  0.50  1.00         0.5  0.4   0.6
    2  log_loss  0.69  0.69         0.0  0.0   0.0
    """
    names, actual, *predicted = category_codes(chats["actual"], chats["predicted_a"], chats["predicted_b"])

    def scored(codes, probabilities):
        """Scores of one model as a function of the weights of the chats."""
        row_values = np.column_stack([actual == codes, -log(probabilities.to_numpy(float).clip(SMALLEST, 1))])

        def statistic(weights):
            by_category = category_scores(actual, codes, weights, len(names))
            means = weights @ row_values / weights.sum()
            return np.array([mean_of_known(by_category[2]), *means, *by_category.ravel()])

        return statistic

    a = scored(predicted[0], chats["probability_of_actual_a"])
    b = scored(predicted[1], chats["probability_of_actual_b"])
    conversations = group_codes(chats["conversation"], len(chats))
    difference, low, high = bootstrap_interval(
        lambda weights: b(weights) - a(weights), conversations, draws=draws, seed=seed
    )
    keys = [(metric, "") for metric in OVERALL] + [(metric, name) for metric in BY_CATEGORY for name in names]
    frame = pd.DataFrame(keys, columns=["metric", "category"])
    equal = np.ones(len(chats))
    return frame.assign(a=a(equal), b=b(equal), difference=difference, low=low, high=high).round(6)


def changed_sides(chats):
    """Select the chats of which one model is right and the other wrong, or both are wrong in different ways.

    Parameters
    ----------
    chats : pandas.DataFrame
        id, actual, predicted_a, predicted_b, probability_b.

    Returns
    -------
    dict of str to pandas.DataFrame
        Rows of `chats`: ``fixed`` (A wrong, B right), ``broken`` (A right, B wrong), ``other error`` (both wrong, each
        in its way); the highest probability by B first, ties by id.
    """
    right = {side: chats[f"predicted_{side}"] == chats["actual"] for side in "ab"}
    selected = {
        "fixed": ~right["a"] & right["b"],
        "broken": right["a"] & ~right["b"],
        "other error": ~right["a"] & ~right["b"] & (chats["predicted_a"] != chats["predicted_b"]),
    }
    order = {"by": ["probability_b", "id"], "ascending": [False, True]}
    return {name: chats[rows].sort_values(**order) for name, rows in selected.items()}


def mcnemar(fixed, broken):
    """Two-sided p-value of McNemar's exact test.

    Parameters
    ----------
    fixed, broken : int
        Chats that only the second model gets right, and only the first.

    Returns
    -------
    float
        1 where the models differ on no chat.

    References
    ----------
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 1947.

    Examples
    --------
    >>> mcnemar(0, 5), mcnemar(0, 0)
    (0.0625, 1.0)
    """
    return float(binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0


def confusion_change(chats):
    """Count how much more often the second model predicts a category for chats of another one.

    Parameters
    ----------
    chats : pandas.DataFrame
        actual, predicted_a, predicted_b.

    Returns
    -------
    pandas.DataFrame of shape (k², 5)
        actual, predicted, count_a, count_b, change (B - A). Every pair is there.
    """
    names, actual, *predicted = category_codes(chats["actual"], chats["predicted_a"], chats["predicted_b"])
    a, b = (count_pairs(actual, codes, len(names)).ravel() for codes in predicted)
    pairs = pd.MultiIndex.from_product([names, names], names=["actual", "predicted"])
    return pd.DataFrame({"count_a": a, "count_b": b, "change": b - a}, index=pairs).reset_index()
