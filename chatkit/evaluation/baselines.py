"""What the model must beat: simpler classifiers, fitted on the same chats."""

import pandas as pd

from chatkit.evaluation.metrics import scores
from chatkit.model.pipeline import CLASSIFIERS, make_pipeline
from chatkit.project import InputError

MESSAGE = ["subject", "body"]


def score_model(pipeline, test):
    """Score a fitted pipeline on test chats.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted on subject and body.
    test : pandas.DataFrame
        With subject, body and category.

    Returns
    -------
    dict of str to float
        See `chatkit.evaluation.metrics.scores`; without the scores of probabilities if it gives none.
    """
    probabilities = classes = None
    if hasattr(pipeline, "predict_proba"):
        probabilities, classes = pipeline.predict_proba(test[MESSAGE]), pipeline.classes_
    return scores(test["category"], pipeline.predict(test[MESSAGE]), probabilities, classes)


def score_baselines(names, train, test, rules="rules.yaml", seed=0):
    """Fit simpler classifiers on the training chats and score them on the test chats.

    Parameters
    ----------
    names : list of str
        Classifiers of `make_pipeline`, with its defaults otherwise.
    train, test : pandas.DataFrame
        With subject, body and category.
    rules : str, default="rules.yaml"
        File with the regular expressions of the baseline ``rules``.
    seed : int, default=0

    Returns
    -------
    dict of str to dict
        Scores by name; ``{"not_run": reason}`` where one cannot be fitted on these chats, such as rules for
        other categories.

    Raises
    ------
    InputError
        When a name is none of `make_pipeline`'s classifiers.
    """
    if isinstance(names, str) or not set(names) <= set(CLASSIFIERS):
        raise InputError(f"Got baselines={names!r}, expected a list with some of {', '.join(CLASSIFIERS)}.")
    results = {}
    for name in names:
        try:
            fitted = make_pipeline(name, rules=rules, seed=seed).fit(train[MESSAGE], train["category"])
        except InputError as error:
            results[name] = {"not_run": str(error)}
        else:
            results[name] = score_model(fitted, test)
    return results


def scores_frame(results):
    """Lay out scores for reading.

    Parameters
    ----------
    results : dict of str to dict
        Scores by name, as `score_model` and `score_baselines` give them.

    Returns
    -------
    pandas.DataFrame
        One row a name, numbers with three decimals; a column ``not run`` with the reason where there is one.
    """
    shown = {"macro_f1": "macro-F1", "accuracy": "accuracy", "log_loss": "log-loss", "not_run": "not run"}
    rows = {name: {shown[key]: value for key, value in row.items() if key in shown} for name, row in results.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("scores")
    frame = frame.reindex(columns=[name for name in shown.values() if name in frame.columns])
    return frame.map(lambda value: "" if pd.isna(value) else value if isinstance(value, str) else f"{value:.3f}")
