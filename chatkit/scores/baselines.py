"""Baselines: simpler classifiers fitted on the same chats, with scores and differences and their intervals."""

import pandas as pd

from chatkit.model.pipeline import CLASSIFIERS, make_pipeline
from chatkit.project import InputError
from chatkit.scores.intervals import paired_differences, score_intervals
from chatkit.scores.predictions import Predictions
from chatkit.scores.table import COLUMNS, METRICS, with_interval
from chatkit.text.messages import MESSAGE
from chatkit.text.validation import as_frame

# XGBoost's own defaults on single words without stop words.
_XGBOOST_DEFAULT = {
    "classifier": "xgboost",
    "classifier_options": {"n_estimators": 100, "max_depth": 6, "learning_rate": 0.3, "max_bin": 256,
                           "reg_lambda": 1.0, "max_words": 1_000_000},
    "subject_weight": 2, "stop_words": "english", "ngram_range": (1, 1), "min_df": 1, "sublinear_tf": False,
}  # fmt: skip
BASELINES = {name: {"classifier": name} for name in CLASSIFIERS} | {"xgboost_default": _XGBOOST_DEFAULT}
_SHOWN = COLUMNS | {"brier": METRICS["brier"]}


def fit_baselines(names, train, rules="rules.yaml", seed=0):
    """Fit simpler classifiers on the training chats.

    Parameters
    ----------
    names : list of str
        Classifiers of `make_pipeline`, with its defaults otherwise; or ``xgboost_default``, XGBoost with its own
        defaults on single words.
    train : pandas.DataFrame
        With subject, body and category.
    rules : str, default="rules.yaml"
        File with the regular expressions of the baseline ``rules``.
    seed : int, default=0

    Returns
    -------
    dict of str to sklearn.pipeline.Pipeline or str
        By name; the reason in place of one that cannot be fitted on these chats, such as rules for other categories.

    Raises
    ------
    InputError
        When a name is unknown.
    """
    if isinstance(names, str) or not set(names) <= set(BASELINES):
        raise InputError(f"Got baselines={names!r}, expected a list with some of {', '.join(BASELINES)}.")
    train, fitted = as_frame(train), {}
    for name in names:
        try:
            pipeline = make_pipeline(**BASELINES[name], rules=rules, seed=seed)
            fitted[name] = pipeline.fit(train[MESSAGE], train["category"])
        except InputError as error:
            fitted[name] = str(error)
    return fitted


def score_models(predictions, test, baselines=None, confidence=0.95, seed=0):
    """Score a model, and baselines on the same chats, with intervals from draws of whole conversations.

    Parameters
    ----------
    predictions : chatkit.scores.predictions.Predictions
        Of the model.
    test : pandas.DataFrame
        With subject, body and category; conversation_id where there is one.
    baselines : dict of str to sklearn.pipeline.Pipeline or str, optional
        From `fit_baselines`.
    confidence : float, default=0.95
    seed : int, default=0
        Of the draws.

    Returns
    -------
    dict
        Scores of the model (see `chatkit.scores.metrics.scores`), ``intervals`` (low and high end by metric), and
        ``baselines``: the same by name, each with ``difference`` (model minus baseline: value, low and high end by
        metric), or ``{"not_run": reason}``.
    """
    test = as_frame(test)
    options = {"groups": test.get("conversation_id"), "confidence": confidence, "seed": seed}
    results = _scored(predictions, test, options) | {"baselines": {}}
    for name, fitted in (baselines or {}).items():
        if isinstance(fitted, str):
            results["baselines"][name] = {"not_run": fitted}
            continue
        other = Predictions.of(fitted, test)
        both = [(one.predicted, one.probabilities) for one in (predictions, other)]
        differences = paired_differences(test["category"], *both, predictions.classes, **options)
        by_metric = {row.metric: [row.value, row.low, row.high] for row in differences.itertuples()}
        results["baselines"][name] = _scored(other, test, options) | {"difference": by_metric}
    return results


def _scored(predictions, test, options):
    """Scores of one model as a dict, with their intervals where they have one."""
    frame = score_intervals(
        test["category"], predictions.predicted, predictions.probabilities, predictions.classes, **options
    )
    values = dict(zip(frame["metric"], frame["value"], strict=True))
    return values | {"intervals": {row.metric: [row.low, row.high] for row in frame.dropna().itertuples()}}


def scores_frame(results):
    """Lay out scores for reading.

    Parameters
    ----------
    results : dict of str to dict
        By name, as `score_models` gives them.

    Returns
    -------
    pandas.DataFrame
        One row a name, each score with its interval; ``model ahead by`` is the difference in macro-F1 with its
        interval, where there is one. The reason stands in the row of one that was not run.
    """
    rows = {}
    for name, result in results.items():
        row = {shown: with_interval(result[metric], *result["intervals"].get(metric, ()))
               for metric, shown in _SHOWN.items() if metric in result}  # fmt: skip
        if "difference" in result:
            row["model ahead by"] = with_interval(*result["difference"]["macro_f1"], "+.3f")
        rows[name] = {_SHOWN["macro_f1"]: f"not run: {result['not_run']}"} if "not_run" in result else row
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("scores").fillna("")
    # The difference next to the score that it is of.
    order = [_SHOWN["macro_f1"], "model ahead by", *list(_SHOWN.values())[1:]]
    return frame[[name for name in order if name in frame]]
