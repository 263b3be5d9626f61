"""Two models on the same chats: who is right where, and whether the difference is more than chance."""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import binomtest

from chatkit.scores.metrics import confusion
from chatkit.statistics import bootstrap, divide, group_codes, percentile_interval
from chatkit.text.exact import log

DRAWS = 1000
LEVEL = 0.95
LOWEST = 1e-6  # probability in a log-loss, so that one chat cannot decide everything
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
        id, subject, body, conversation (chats that belong together have one name), and the other columns ending in
        ``_a`` and ``_b``; in the order of `a`.

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
    known = both["conversation_id_b"].astype(object).fillna(both["conversation_id_a"].astype(object))
    # The first letter keeps a chat without conversation apart from a conversation with its name.
    both["conversation"] = ("k" + known.astype(str)).where(known.notna(), "c" + both["id"].astype(str))
    return both


def paired_scores(chats, seed=0):
    """Score both models and draw the interval of each difference: whole conversations, with replacement.

    Parameters
    ----------
    chats : pandas.DataFrame of shape (n, m)
        conversation, actual, predicted_a, predicted_b, probability_of_actual_a, probability_of_actual_b, as `pair`
        gives them, with one label a chat.
    seed : int, default=0

    Returns
    -------
    pandas.DataFrame of shape (3 + 3k, 7)
        metric, category (empty for macro_f1, accuracy and log_loss; then precision, recall and f1 of each category in
        the order of the names), a, b, difference (b - a), low, high (95 % interval of the difference, from 1,000
        draws); rounded to 6 decimals. NaN where a score has no value, such as the log-loss without probabilities. In
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
    columns = [chats[name].astype(object) for name in ("actual", "predicted_a", "predicted_b")]
    categories = sorted(set().union(*columns))
    actual, *predicted = (pd.Index(categories).get_indexer(column) for column in columns)
    hits = [actual == side for side in predicted]
    given = chats[["probability_of_actual_a", "probability_of_actual_b"]].to_numpy(float)
    flags = [_flags(codes, len(categories)) for codes in (actual, *predicted)]
    flags += [flags[0].multiply(hit[:, None]) for hit in hits]
    table = sparse.hstack([*flags, -log(np.clip(given, LOWEST, 1))], format="csr")
    sums = table.T.tocsr()
    a, b = _measures(sums @ np.ones(len(chats)))
    totals = bootstrap(lambda weights: sums @ weights, group_codes(chats["conversation"], len(chats)), seed, DRAWS)
    drawn_a, drawn_b = _measures(totals)
    low, high = percentile_interval(drawn_b - drawn_a, b - a, LEVEL)
    names = [(metric, "") for metric in OVERALL] + [(metric, name) for metric in BY_CATEGORY for name in categories]
    frame = pd.DataFrame(names, columns=["metric", "category"])
    return frame.assign(a=a, b=b, difference=b - a, low=low, high=high).round(6)


def _flags(codes, size):
    """Sparse matrix with a 1 for the code of each row."""
    return sparse.csr_matrix((np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=(len(codes), size))


def _measures(sums):
    """Scores of both models from sums of shape (..., 5k + 2), each of shape (..., 3 + 3k)."""
    counts, losses = sums[..., :-2], sums[..., -2:]
    actual, *predicted_and_hits = np.split(counts, 5, axis=-1)
    predicted, hits = predicted_and_hits[:2], predicted_and_hits[2:]
    rows = actual.sum(axis=-1)
    measures = []
    for side in (0, 1):
        f1 = divide(2 * hits[side], actual + predicted[side])  # NaN for a category that is in neither: not counted
        overall = [np.nanmean(f1, axis=-1), hits[side].sum(axis=-1) / rows, losses[..., side] / rows]
        shares = [divide(hits[side], predicted[side]), divide(hits[side], actual)]
        measures.append(np.concatenate([np.stack(overall, axis=-1), *shares, f1], axis=-1))
    return measures


def changed_sides(chats):
    """Sort out the chats that the two models do not predict alike.

    Parameters
    ----------
    chats : pandas.DataFrame
        id, actual, predicted_a, predicted_b, probability_b.

    Returns
    -------
    dict of str to pandas.DataFrame
        Rows of `chats`: ``fixed`` (A wrong, B right), ``broken`` (A right, B wrong), ``other error`` (both wrong, each
        in its way); those of which B is surest first, ties by id.
    """
    right = {side: chats[f"predicted_{side}"] == chats["actual"] for side in "ab"}
    chosen = {
        "fixed": ~right["a"] & right["b"],
        "broken": right["a"] & ~right["b"],
        "other error": ~right["a"] & ~right["b"] & (chats["predicted_a"] != chats["predicted_b"]),
    }
    order = {"by": ["probability_b", "id"], "ascending": [False, True]}
    return {name: chats[rows].sort_values(**order) for name, rows in chosen.items()}


def mcnemar(fixed, broken):
    """Two-sided p-value of McNemar's exact test.

    Parameters
    ----------
    fixed, broken : int
        Chats that only the second model gets right, and only the first.

    Returns
    -------
    float
        How often a fair coin falls at least as unevenly.

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
    """Count how much more often the second model takes one category for another.

    Parameters
    ----------
    chats : pandas.DataFrame
        actual, predicted_a, predicted_b.

    Returns
    -------
    pandas.DataFrame of shape (k², 5)
        actual, predicted, count_a, count_b, change (B - A). Every pair is there.
    """
    labels = sorted(set(chats["actual"]) | set(chats["predicted_a"]) | set(chats["predicted_b"]))
    a, b = (confusion(chats["actual"], chats[f"predicted_{side}"], labels) for side in "ab")
    frame = a[["actual", "predicted"]].assign(count_a=a["count"], count_b=b["count"])
    return frame.assign(change=frame["count_b"] - frame["count_a"])
