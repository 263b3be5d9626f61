"""Which chats to call urgent, and which to route without a person: thresholds chosen on training chats.

A probability becomes an action at a threshold. Each one here is chosen on training chats, with probabilities of copies
of the model that have not seen them, and judged on the test chats.
"""

import warnings
from textwrap import shorten

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from chatkit.project import InputError, did_you_mean
from chatkit.scores.errors import require_urgent
from chatkit.statistics import bootstrap, check_confidence, divide, group_codes, percentile_interval, wilson
from chatkit.text.validation import as_frame

RATIOS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50)  # what a missed urgent chat costs, in false alarms
ERRORS = (0.01, 0.02, 0.05, 0.1)
STEPS = 20  # shares of the chats that are tried as operating points
_DECIMALS = 6  # of probabilities, so that last bits, which differ between processors, decide nothing


def out_of_fold(pipeline, train, folds=5, seed=0):
    """Give each training chat the probabilities of a copy of the model that was fitted without its conversation.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        With predict_proba; fitted or not, it is cloned.
    train : pandas.DataFrame of shape (n, m)
        With subject, body and category; conversation_id is used where it is there.
    folds : int, default=5
        Stratified by category.
    seed : int, default=0
        Seed of the folds.

    Returns
    -------
    pandas.DataFrame of shape (n, k)
        A row for each training chat, a column for each category, sorted by name. A category that the other folds do
        not have gets 0.

    Raises
    ------
    InputError
        When the pipeline gives no probabilities, or there are too few chats, conversations or categories for the folds.
    """
    if not hasattr(pipeline, "predict_proba"):
        raise InputError(
            f"Got {type(pipeline[-1]).__name__}, which gives no probabilities, expected a classifier with "
            "predict_proba; set train.classifier to one, such as boosted_linear."
        )
    train = as_frame(train)
    messages, y = train[["subject", "body"]], train["category"].to_numpy(dtype=object)
    # Without conversations there is nothing to keep together; grouped folds of single chats would only take longer.
    groups, splitter = None, StratifiedKFold
    if "conversation_id" in train.columns and train["conversation_id"].notna().any():
        groups, splitter = group_codes(train["conversation_id"], len(train)), StratifiedGroupKFold
    conversations = len(train) if groups is None else groups.max() + 1
    largest = train["category"].value_counts().max()
    if min(conversations, largest) < folds:
        raise InputError(
            f"Got {conversations} conversations and at most {largest} chats of a category for folds={folds}, expected "
            f"at least {folds} of both; use fewer folds."
        )
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # rare categories are expected
        splits = list(splitter(folds, shuffle=True, random_state=seed).split(messages, y, groups))
    result = pd.DataFrame(0.0, train.index, sorted(set(y)))
    for fitted, held_out in splits:
        if len({*y[fitted]}) < 2:
            raise InputError("Got a category whose chats are all in one fold, beside one other; gather more of it.")
        model = clone(pipeline).fit(messages.iloc[fitted], y[fitted])
        columns = result.columns.get_indexer(model.classes_)
        result.iloc[held_out, columns] = model.predict_proba(messages.iloc[held_out])
    return result


def tuned_thresholds(is_urgent, probability, ratios=RATIOS):
    """Find the threshold with the lowest cost for each ratio of costs.

    scikit-learn's TunedThresholdClassifierCV and FixedThresholdClassifier do this for two categories only, and the
    former fits its folds again for each ratio. From the same out-of-fold probabilities one sort gives all thresholds.

    Parameters
    ----------
    is_urgent : array-like of bool of shape (n,)
    probability : array-like of shape (n,)
        Of being urgent, by a model that has not seen the chat; rounded to six decimals.
    ratios : sequence of float
        Cost of a missed urgent chat, where a false alarm costs 1.

    Returns
    -------
    ndarray of shape (len(ratios),)
        Call a chat urgent from this probability on: midway between two that were seen, 0 for all chats, infinite for
        none. Of equally cheap ones the highest, which disturbs least; a higher ratio never has a higher threshold.

    Raises
    ------
    ValueError
        When a ratio is not above 0, or the lengths differ.

    Examples
    --------
    >>> tuned_thresholds([True, False, True, False], [0.9, 0.7, 0.4, 0.1], ratios=(0.5, 1, 5))
    array([0.8 , 0.8 , 0.25])
    """
    is_urgent, probability = _paired(is_urgent, probability)
    values, index = np.unique(probability, return_inverse=True)
    # Candidate i calls urgent what has values[i] or more; the last one calls nothing urgent.
    missed = np.append(0, np.bincount(index, is_urgent).cumsum())
    alarms = (~is_urgent).sum() - np.append(0, np.bincount(index, ~is_urgent).cumsum())
    candidates = np.concatenate([[0], (values[1:] + values[:-1]) / 2, [np.inf]]).round(_DECIMALS + 1)
    # Rounded, so that sums in another order do not make one of two equal costs the lower.
    costs = np.round(alarms + _checked_ratios(ratios)[:, None] * missed, 6)
    # Of equally cheap ones the last: argmin finds the first.
    return candidates[::-1][costs[:, ::-1].argmin(axis=1)]


def cost_curve(
    y_train, p_train, y_test, p_test, urgent="urgent", ratios=RATIOS, groups=None, confidence=0.95, draws=1000, seed=0
):
    """Cost of ways to call chats urgent, by how much worse it is to miss one than to raise a false alarm.

    Parameters
    ----------
    y_train, y_test : array-like of str of shape (n,) and (m,)
        Categories that people gave.
    p_train : pandas.DataFrame of shape (n, k)
        Probabilities of the training chats from `out_of_fold`. Thresholds are tuned on these only.
    p_test : pandas.DataFrame of shape (m, k)
        Probabilities of the test chats, a column for each category.
    urgent : str, default="urgent"
        Name of the urgent category.
    ratios : sequence of float
        Cost of a missed urgent chat, where a false alarm costs 1.
    groups : array-like of shape (m,), optional
        Conversations of the test chats.
    confidence, draws, seed
        As in `chatkit.scores.intervals.score_intervals`.

    Returns
    -------
    pandas.DataFrame of shape (5 · len(ratios), 9)
        policy, ratio, threshold (NaN where there is none), recall, precision (NaN where nothing is called urgent),
        flagged (share of the chats that are called urgent), cost (for 1,000 chats, in false alarms), low, high. All but
        the threshold are of the test chats. Policies: "tuned"; "elkan", the threshold 1 / (1 + ratio) that is best for
        probabilities that say how often they are right, and that a few urgent training chats cannot lead astray; "as
        now", the most probable category; "all" and "none" of the chats.

    Raises
    ------
    InputError
        When either side has no urgent chat.
    ValueError
        When a ratio is not above 0, or lengths differ.

    References
    ----------
    C. Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001.
    """
    _check_urgent(y_train, y_test, urgent)
    ratios = _checked_ratios(ratios)
    chosen = tuned_thresholds(np.asarray(y_train, dtype=object) == urgent, p_train[urgent], ratios)
    is_urgent, probability = _paired(np.asarray(y_test, dtype=object) == urgent, p_test[urgent])
    is_urgent, probability, codes = is_urgent[:, None], probability[:, None], group_codes(groups, len(is_urgent))
    policies = {  # thresholds, and which chats are called urgent
        "tuned": (chosen, probability >= chosen),
        "elkan": (elkan := 1 / (1 + ratios), probability >= elkan),
        "as now": (np.nan, (p_test.idxmax(axis=1) == urgent).to_numpy()[:, None]),
        "all": (np.nan, np.array(True)),
        "none": (np.nan, np.array(False)),
    }
    frames = []
    for policy, (threshold, called) in policies.items():
        flagged = np.broadcast_to(called, (len(is_urgent), len(ratios)))
        hits, alarms = (flagged & is_urgent).sum(axis=0), flagged.sum(axis=0)
        costs = 1000 * np.where(is_urgent, ratios * ~flagged, flagged)
        values = bootstrap(lambda w, c=costs: w @ c / w.sum(), codes, seed, draws)
        low, high = percentile_interval(values, costs.mean(axis=0), confidence)
        frames.append(
            pd.DataFrame(
                {"policy": policy, "ratio": ratios, "threshold": threshold, "recall": hits / is_urgent.sum(),
                 "precision": divide(hits, alarms), "flagged": flagged.mean(axis=0),
                 "cost": costs.mean(axis=0).round(9), "low": low.clip(0), "high": high}
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def coverage_risk(y_true, y_pred, confidence_of_each, confidence=0.95):
    """Error of the chats of which the model is surest, for each share of the chats that it may be.

    Parameters
    ----------
    y_true, y_pred : array-like of str of shape (n,)
    confidence_of_each : array-like of shape (n,)
        Largest probability of each chat; rounded to six decimals.
    confidence : float, default=0.95
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        coverage (share of the chats with this probability or more), threshold (that probability), error (share of
        these that go wrong), low, high (Wilson's interval of the error); the surest first.

    Raises
    ------
    ValueError
        When lengths differ, there are no chats, or `confidence` is not between 0 and 1.

    References
    ----------
    R. El-Yaniv and Y. Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 11, 2010; Y. Geifman
    and R. El-Yaniv, "Selective Classification for Deep Neural Networks", NeurIPS 2017.

    Examples
    --------
    >>> coverage_risk(["a", "b", "b", "a"], ["a", "b", "a", "a"], [0.9, 0.9, 0.6, 0.5]).round(2)
       coverage  threshold  error   low  high
    0      0.50        0.9   0.00  0.00  0.66
    1      0.75        0.6   0.33  0.06  0.79
    2      1.00        0.5   0.25  0.05  0.70
    """
    wrong = np.asarray(y_true, dtype=object) != np.asarray(y_pred, dtype=object)
    wrong, probability = _paired(wrong, confidence_of_each)
    # Chats of the same probability are routed together.
    values, index, count = np.unique(-probability, return_inverse=True, return_counts=True)
    routed = count.cumsum()
    error, low, high = wilson(np.bincount(index, wrong).cumsum(), routed, confidence)
    coverage = routed / len(probability)
    return pd.DataFrame({"coverage": coverage, "threshold": -values, "error": error, "low": low, "high": high})


def operating_points(y_train, p_train, y_test, p_test, errors=ERRORS, confidence=0.95):
    """Share of the chats that can be routed without a person at an error of at most so much.

    Every twentieth of the training chats, the surest first, is tried. The threshold is the one that routes most of them
    while the interval of their error, corrected for twenty tests, ends below. The error alone would pick
    a lucky streak among the surest chats. Coverage and error are those of the test chats.

    Parameters
    ----------
    y_train, p_train, y_test, p_test
        As in `cost_curve`.
    errors : sequence of float
        Between 0 and 1.
    confidence : float, default=0.95
        Of the intervals.

    Returns
    -------
    pandas.DataFrame of shape (len(errors), 6)
        at_most (error asked for), threshold (of the largest probability; NaN where no training chats can be routed so
        well), coverage, error (NaN without any chats), low, high.

    Raises
    ------
    ValueError
        As `coverage_risk`.
    """
    # The best of many thresholds is partly luck: a few are tried, at a confidence corrected for them (Bonferroni).
    corrected = 1 - (1 - check_confidence(confidence)) / STEPS
    train = coverage_risk(y_train, p_train.idxmax(axis=1), p_train.max(axis=1), corrected)
    steps = np.searchsorted(train["coverage"], np.arange(1, STEPS + 1) / STEPS - 1e-9)
    train = train.iloc[np.unique(steps)]
    test = coverage_risk(y_test, p_test.idxmax(axis=1), p_test.max(axis=1), confidence)
    rows = []
    for at_most in errors:
        threshold = train.loc[train["high"] <= at_most, "threshold"].min()
        point = test.loc[test["threshold"] >= threshold, ["coverage", "error", "low", "high"]].tail(1)
        rows.append((at_most, threshold, *(point.iloc[0] if len(point) else (0, np.nan, np.nan, np.nan))))
    return pd.DataFrame(rows, columns=["at_most", "threshold", "coverage", "error", "low", "high"])


def points_frame(points):
    """Write the result of `operating_points` as text, for reading.

    Parameters
    ----------
    points : pandas.DataFrame

    Returns
    -------
    pandas.DataFrame
        One row an error asked for: the share of the test chats that can be routed so, from which probability on, and
        how many of them go wrong.

    Examples
    --------
    >>> columns = ["at_most", "threshold", "coverage", "error", "low", "high"]
    >>> points_frame(pd.DataFrame([(0.05, 0.8, 0.62, 0.048, 0.042, 0.055)], columns=columns)).T
    at most wrong                      5%
    routed                            62%
    from probability               0.8000
    wrong             4.8% (4.2% to 5.5%)
    """
    rows = [
        (f"{row.coverage:.0%}", f"{np.ceil(row.threshold * 1e4) / 1e4:.4f}",
         f"{row.error:.1%} ({row.low:.1%} to {row.high:.1%})")
        if row.coverage else ("no chat", "", "") for row in points.itertuples(index=False)
    ]  # fmt: skip
    index = pd.Index([f"{100 * error:.3g}%" for error in points["at_most"]], name="at most wrong")
    return pd.DataFrame(rows, index, columns=["routed", "from probability", "wrong"])


def points_by_error(points):
    """Sum up the result of `operating_points`, for a metrics file.

    Parameters
    ----------
    points : pandas.DataFrame or None
        None where there were no probabilities.

    Returns
    -------
    dict of str to dict
        By the error asked for: threshold, and coverage, error, low and high of the test chats; None where there are
        none.
    """
    rows = [] if points is None else points.set_index("at_most").iterrows()
    return {f"{error:g}": {name: _finite(value) for name, value in row.items()} for error, row in rows}


def tuned_costs(costs):
    """Select the rows of the thresholds that were tuned on training chats.

    Parameters
    ----------
    costs : pandas.DataFrame
        From `cost_curve`.

    Returns
    -------
    pandas.DataFrame
        By ratio: threshold, recall, precision, flagged, cost, low, high.
    """
    return costs[costs["policy"] == "tuned"].drop(columns="policy").set_index("ratio")


def threshold_by_ratio(costs):
    """Sum up `tuned_costs`, for a metrics file.

    Parameters
    ----------
    costs : pandas.DataFrame or None
        None where there were no urgent chats.

    Returns
    -------
    dict of str to float
        Threshold by ratio; None where no chat is called urgent.
    """
    rows = [] if costs is None else tuned_costs(costs)["threshold"].items()
    return {f"{ratio:g}": _finite(threshold) for ratio, threshold in rows}


def _finite(value):
    return float(value) if np.isfinite(value) else None


def _paired(chats, probabilities):
    """Return what is true of each chat and its rounded probability, as arrays."""
    if len(chats) != len(probabilities) or not len(chats):
        raise ValueError(
            f"Got {len(probabilities)} probabilities for {len(chats)} chats, expected one for each, and at least one."
        )
    return np.asarray(chats, dtype=bool), np.asarray(probabilities).round(_DECIMALS)


def _check_urgent(y_train, y_test, urgent):
    require_urgent(urgent)
    for side, y in (("training", y_train), ("test", y_test)):
        if urgent not in set(y):
            names = shorten(", ".join(sorted(set(y))), 60, placeholder=" ...")
            raise InputError(
                f"Got no {side} chat of the category {urgent!r} (there are {names}), "
                "expected some; set categories.urgent to the category that cannot wait"
                f"{did_you_mean(urgent, set(y)) or '.'}"
            )


def _checked_ratios(ratios):
    ratios = np.asarray(ratios, dtype=float)
    if not len(ratios) or not (ratios > 0).all():
        raise ValueError(f"Got ratios={ratios.tolist()}, expected numbers above 0: what a missed urgent chat costs.")
    return ratios
