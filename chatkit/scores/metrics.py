"""How good a model is, in numbers: scores, also of weighted chats, confusions, learning curves."""

import warnings

import numpy as np
import pandas as pd
from sklearn import model_selection
from sklearn.metrics import f1_score, log_loss, make_scorer
from sklearn.pipeline import Pipeline

from chatkit.project import InputError
from chatkit.scores.table import METRICS
from chatkit.statistics import divide, wilson
from chatkit.text.exact import log
from chatkit.text.validation import as_frame


def scores(y_true, y_pred, probabilities=None, classes=None):
    """Score predictions.

    Parameters
    ----------
    y_true, y_pred : array-like of str of shape (n,)
        Actual and predicted categories.
    probabilities : array-like of shape (n, k), optional
        Probability of each category; a row sums to 1.
    classes : array-like of str of shape (k,), optional
        Categories in the order of the columns of `probabilities`.

    Returns
    -------
    dict of str to float
        macro_f1 (mean F1 over the categories in `y_true` or `y_pred`), accuracy, balanced_accuracy (mean
        recall over the categories in `y_true`); with probabilities also log_loss (in nats) and brier (squared
        error summed over the categories, from 0 to 2), each a mean over the rows.

    Raises
    ------
    ValueError
        When lengths or shapes differ, probabilities come without classes or do not sum to 1, or `y_true` has a
        category that `classes` lacks.

    Examples
    --------
    >>> values = scores(["urgent", "other", "other"], ["urgent", "urgent", "other"])
    >>> {name: round(value, 3) for name, value in values.items()}
    {'macro_f1': 0.667, 'accuracy': 0.667, 'balanced_accuracy': 0.75}
    """
    statistic = weighted_scores(y_true, y_pred, probabilities, classes)
    return dict(zip(METRICS, statistic(np.ones(len(y_true))).tolist(), strict=False))


def weighted_scores(y_true, y_pred, probabilities=None, classes=None):
    """Return the function from weights of the chats to `scores`, for a bootstrap: all else is computed once.

    Parameters
    ----------
    y_true, y_pred, probabilities, classes
        As in `scores`.

    Returns
    -------
    callable
        From weights, an ndarray of shape (n,), to an ndarray of shape (3,), with probabilities (5,).

    Raises
    ------
    ValueError
        As `scores`.

    Examples
    --------
    >>> weighted_scores(["urgent", "other"], ["urgent", "urgent"])(np.array([3.0, 1.0])).round(2).tolist()
    [0.43, 0.75, 0.5]
    """
    y_true, y_pred = labels_of_equal_length(y_true, y_pred)
    names, truth, predicted = category_codes(y_true, y_pred)
    row_values = (truth == predicted)[:, None]
    if probabilities is not None:
        row_values = np.column_stack([row_values, _row_losses(y_true, probabilities, classes)])

    def statistic(weights):
        _, recall, f1 = category_scores(truth, predicted, weights, len(names))
        accuracy, *losses = weights @ row_values / weights.sum()
        return np.array([mean_of_known(f1), accuracy, mean_of_known(recall), *losses])

    return statistic


def category_codes(*columns):
    """Return the categories in columns of equal length, sorted, and for each column their numbers."""
    names, codes = np.unique(np.concatenate(columns), return_inverse=True)
    return names, *np.split(codes, len(columns))


def category_scores(truth, predicted, weights, size):
    """Compute precision, recall and F1 of each category from weighted rows.

    Parameters
    ----------
    truth, predicted : ndarray of int of shape (n,)
        Numbers of the categories, below `size`.
    weights : ndarray of shape (n,)
    size : int
        k.

    Returns
    -------
    ndarray of float of shape (3, k)
        NaN where there is nothing to divide by: precision of a category that was not predicted, recall of one without
        rows, F1 of one with neither.
    """
    actual, given = np.bincount(truth, weights, size), np.bincount(predicted, weights, size)
    hits = np.bincount(truth, weights * (truth == predicted), size)
    return np.array([divide(hits, given), divide(hits, actual), divide(2 * hits, actual + given)])


def count_pairs(truth, predicted, size):
    """Confusion matrix of numbers of categories below `size`; rows are the actual ones."""
    # Not scikit-learn's confusion_matrix, which warns where there is a single category.
    return np.bincount(truth * size + predicted, minlength=size**2).reshape(size, size)


def mean_of_known(values):
    """Mean of the values that are no NaN; NaN when all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def macro_f1(truth, predicted, weights=None):
    """Mean F1 over the categories that are in either, as scikit-learn's f1_score, fast enough for a bootstrap.

    Parameters
    ----------
    truth, predicted : ndarray of int of shape (n,)
    weights : ndarray of shape (n,), optional

    Returns
    -------
    float

    Examples
    --------
    >>> round(macro_f1(np.array([0, 0, 1]), np.array([0, 1, 1])), 3)
    0.667
    """
    weights = np.ones(len(truth)) if weights is None else weights
    return mean_of_known(category_scores(truth, predicted, weights, max(truth.max(), predicted.max()) + 1)[2])


def balanced_accuracy(codes, hits, weights=None):
    """Mean recall over the categories that have weight.

    Parameters
    ----------
    codes : ndarray of int of shape (n,)
        True categories.
    hits : ndarray of bool of shape (n,)
        Whether the prediction is right.
    weights : ndarray of shape (n,), optional

    Returns
    -------
    float
        NaN when nothing has weight.

    Examples
    --------
    >>> balanced_accuracy(np.array([0, 0, 1]), np.array([True, False, True]))
    0.75
    """
    weights = np.ones(len(codes)) if weights is None else weights
    return mean_of_known(divide(np.bincount(codes, weights * hits), np.bincount(codes, weights)))


def expected_calibration_error(y_true, probabilities, classes, bins=15):
    """Mean distance between the largest probability and the accuracy, over bins of the largest probability.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Categories.
    probabilities : ndarray of shape (n, k)
    classes : array-like of shape (k,)
        Categories in the order of the columns.
    bins : int, default=15
        Of equal width. More bins and fewer rows give a larger error even for perfect probabilities.

    Returns
    -------
    float
        Between 0 and 1, weighted by the rows in each bin.

    References
    ----------
    C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Examples
    --------
    >>> expected_calibration_error(["a", "a", "b", "b"], np.array([[0.75, 0.25]] * 4), ["a", "b"])
    0.25
    """
    probabilities = np.asarray(probabilities)
    largest = probabilities.max(axis=1)
    right = np.asarray(classes)[probabilities.argmax(axis=1)] == np.asarray(y_true)
    bin_of_row = np.minimum((largest * bins).astype(int), bins - 1)
    distance = np.bincount(bin_of_row, weights=largest - right, minlength=bins)
    return float(np.abs(distance).sum() / len(largest))


def per_class(y_true, y_pred, confidence=0.95):
    """Compute precision, recall and F1 of each category, with intervals.

    Precision and recall are shares, so they get Wilson intervals. F1 is no share, but a monotone function of
    one: with j = TP / (TP + FP + FN), F1 = 2j / (1 + j), whose derivative 2 / (1 + j)² is positive. The
    interval of F1 is therefore the Wilson interval of j, both ends mapped.

    Parameters
    ----------
    y_true, y_pred : array-like of str of shape (n,)
        Actual and predicted categories.
    confidence : float, default=0.95
        Share of such intervals that contain the true value, between 0 and 1.

    Returns
    -------
    pandas.DataFrame of shape (3k, 6)
        category, metric ("precision", "recall", "f1"), value, low, high, support (rows of the category in
        `y_true`). Precision of a category that was never predicted is NaN, and so is recall of one without
        rows: nothing is known of either.

    Raises
    ------
    ValueError
        When the lengths differ or `confidence` is not between 0 and 1.

    References
    ----------
    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.
    K. F. Y. Lam, V. Gopal and J. Qian, "Confidence Intervals for the F1 Score: A Comparison of Four Methods",
    arXiv 2309.14621, 2023 (there: "Wilson indirect").

    Examples
    --------
    >>> frame = per_class(["urgent", "urgent", "other"], ["urgent", "other", "other"])
    >>> frame[frame["metric"] == "recall"].round(3)
      category  metric  value    low  high  support
    1    other  recall    1.0  0.207 1.000        1
    4   urgent  recall    0.5  0.095 0.905        2
    """
    categories, truth, given = category_codes(*labels_of_equal_length(y_true, y_pred))
    pairs = count_pairs(truth, given, len(categories))
    hits, actual, predicted = np.diag(pairs), pairs.sum(axis=1), pairs.sum(axis=0)
    shares = {
        "precision": wilson(hits, predicted, confidence),
        "recall": wilson(hits, actual, confidence),
        "f1": [2 * j / (1 + j) for j in wilson(hits, actual + predicted - hits, confidence)],
    }
    frames = [
        pd.DataFrame(
            {"category": categories, "metric": metric, "value": value, "low": low, "high": high, "support": actual}
        )
        for metric, (value, low, high) in shares.items()
    ]
    # A stable sort keeps precision, recall, f1 in this order within each category.
    return pd.concat(frames).sort_values("category", kind="stable", ignore_index=True)


def confusion(y_true, y_pred):
    """Count the pairs of actual and predicted category.

    Parameters
    ----------
    y_true, y_pred : array-like of str of shape (n,)
        Actual and predicted categories.

    Returns
    -------
    pandas.DataFrame of shape (k², 4)
        actual, predicted, count, share (of the rows of the actual category, NaN where it has none). Every pair
        of the categories in `y_true` or `y_pred` is there, sorted.

    Raises
    ------
    ValueError
        When the lengths differ.

    Examples
    --------
    >>> confusion(["urgent", "urgent", "other"], ["urgent", "other", "other"])
       actual predicted  count  share
    0   other     other      1    1.0
    1   other    urgent      0    0.0
    2  urgent     other      1    0.5
    3  urgent    urgent      1    0.5
    """
    categories, truth, predicted = category_codes(*labels_of_equal_length(y_true, y_pred))
    counts = count_pairs(truth, predicted, len(categories))
    shares = divide(counts, np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape))
    pairs = pd.MultiIndex.from_product([categories, categories], names=["actual", "predicted"])
    return pd.DataFrame({"count": counts.ravel(), "share": shares.ravel()}, index=pairs).reset_index()


def staged_predict_proba(fitted, messages):
    """Probabilities of a boosted classifier after each round.

    Parameters
    ----------
    fitted : estimator
        A classifier, or a pipeline that ends in one; of a search, what it chose.
    messages : pandas.DataFrame or list of str
        What it predicts from.

    Returns
    -------
    iterator of ndarray of shape (n, k), or None
        None when the classifier is not boosted, or does not show its rounds as scikit-learn or XGBoost do.
    """
    if isinstance(fitted, Pipeline):
        for _, step in fitted.steps[:-1]:
            messages = messages if step in (None, "passthrough") else step.transform(messages)
        fitted = fitted[-1]
    if hasattr(fitted, "best_estimator_"):
        return staged_predict_proba(fitted.best_estimator_, messages)
    if hasattr(fitted, "staged_predict_proba"):
        return fitted.staged_predict_proba(messages)
    if hasattr(fitted, "get_booster"):
        booster = fitted.get_booster()
        if fitted.get_xgb_params().get("booster") == "gblinear":
            return None  # its rounds change one linear model, and only the last is kept
        # Stopped early, it predicts by the best round.
        rounds = booster.num_boosted_rounds() if booster.attr("best_iteration") is None else booster.best_iteration + 1
        return (fitted.predict_proba(messages, iteration_range=(0, end)) for end in range(1, rounds + 1))
    return None


def staged_log_loss(pipeline, sides):
    """Log-loss of a boosted classifier after each round.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted on subject and body; boosted, see `staged_predict_proba`.
    sides : dict of str to pandas.DataFrame
        Chats with subject, body and category, by the name of their side; those of categories that it does not know
        are left aside.

    Returns
    -------
    pandas.DataFrame of shape (rounds · sides, 3)
        round (from 1), split (name of the side), log_loss (in nats).
    """
    sides = {side: chats[chats["category"].isin(pipeline.classes_)] for side, chats in sides.items()}
    rows = [
        (number, side, float(log_loss(chats["category"], given, labels=pipeline.classes_)))
        for side, chats in sides.items()
        for number, given in enumerate(staged_predict_proba(pipeline, chats[["subject", "body"]]), start=1)
    ]
    return pd.DataFrame(rows, columns=["round", "split", "log_loss"])


def learning_curve(pipeline, X, y, fractions=(0.1, 0.25, 0.5, 0.75, 1.0), cv=3, seed=0, n_jobs=None):
    """Score a pipeline that was fitted on growing shares of the rows.

    Each smaller share is contained in the larger ones and holds at least one row of each category, as far as it
    has rows enough. A category with fewer rows than folds is missing from some of them.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted or not; it is cloned.
    X : pandas.DataFrame of shape (n, m)
        Chats.
    y : array-like of str of shape (n,)
        Categories.
    fractions : sequence of float, default=(0.1, 0.25, 0.5, 0.75, 1.0)
        Shares of a fold's training rows, above 0 and up to 1.
    cv : int, default=3
        Stratified, shuffled folds.
    seed : int, default=0
        Seed of the folds and of the order in which rows are added.
    n_jobs : int, optional
        Fits that run at the same time; the result does not depend on it.

    Returns
    -------
    pandas.DataFrame of shape (2 · fractions · cv, 4)
        rows (fitted on), fold (from 0), split ("train": those rows; "validation": the rows of the fold),
        macro_f1.

    Raises
    ------
    ValueError
        When a fraction is out of range, or the pipeline cannot be fitted on the smallest share; an InputError when
        every category has fewer rows than `cv`, or the rows of a fold are of one category.
    """
    if not all(0 < fraction <= 1 for fraction in fractions):
        raise ValueError(f"Got fractions={tuple(fractions)!r}, expected shares above 0 and up to 1.")
    X, y = as_frame(X), np.asarray(y, dtype=object)
    folds = model_selection.StratifiedKFold(cv, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Rare categories are expected in support chats.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        splits = list(folds.split(X, y)) if pd.Series(y).value_counts().max() >= cv else []
    if not splits or any(len({*y[rows]}) < 2 for rows, _ in splits):
        raise InputError(
            f"Got too few rows of the categories for {cv} folds, expected two categories in each; gather more."
        )
    generator = np.random.default_rng(seed)
    splits = [(_spread(rows, y[rows], generator), held_out) for rows, held_out in splits]
    smallest_fold = min(len(rows) for rows, _ in splits)
    train_sizes = np.unique([max(1, round(fraction * smallest_fold)) for fraction in fractions])
    scorer = make_scorer(f1_score, average="macro", zero_division=0, pos_label=None)
    sizes, *by_split = model_selection.learning_curve(
        pipeline, X, y, train_sizes=train_sizes, cv=splits, scoring=scorer, n_jobs=n_jobs, error_score="raise"
    )
    frames = [
        pd.DataFrame({"rows": np.repeat(sizes, cv), "fold": np.tile(np.arange(cv), len(sizes)), "split": split,
                      "macro_f1": values.ravel().round(9)})
        for split, values in zip(("train", "validation"), by_split, strict=True)
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def labels_of_equal_length(y_true, y_pred):
    """Return both as arrays, or raise a ValueError when their lengths differ or they are empty."""
    y_true, y_pred = np.asarray(y_true, dtype=object), np.asarray(y_pred, dtype=object)
    if len(y_true) != len(y_pred):
        raise ValueError(
            f"Got {len(y_true)} rows in y_true and {len(y_pred)} in y_pred, expected as many; predict the same chats."
        )
    if not len(y_true):
        raise ValueError("Got no rows, expected at least one; give chats to score.")
    return y_true, y_pred


def _row_losses(y_true, probabilities, classes):
    """Log-loss and Brier score of each row, shape (n, 2)."""
    if classes is None:
        raise ValueError("Got probabilities without classes, expected both; pass classes=pipeline.classes_.")
    probabilities, classes = np.asarray(probabilities), np.asarray(classes, dtype=object)
    if probabilities.shape != (len(y_true), len(classes)):
        raise ValueError(
            f"Got probabilities of shape {probabilities.shape}, expected ({len(y_true)}, {len(classes)}): a row for "
            "each chat, a column for each class."
        )
    unknown = sorted(set(y_true) - set(classes))
    if unknown:
        raise ValueError(
            f"Got category {unknown[0]!r} in y_true, expected only those in classes; pass all that the model knows."
        )
    # float32, as XGBoost gives it, sums to 1 only so far.
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-4):
        raise ValueError("Got probabilities that do not sum to 1 in each row; pass what predict_proba returns.")
    probabilities = probabilities.astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    own = np.arange(len(y_true)), pd.Index(classes).get_indexer(y_true)
    smallest = np.finfo(float).eps  # scikit-learn's bound: a probability of 0 would be an infinite loss
    log_losses = -log(probabilities[own].clip(smallest, 1 - smallest))
    probabilities[own] -= 1
    return np.column_stack([log_losses, (probabilities**2).sum(axis=1)])


def _spread(rows, y, generator):
    """Order rows so that every prefix holds the categories in their shares, each from its first row on."""
    order = generator.permutation(len(rows))
    rows, y = rows[order], pd.Series(y[order])
    position = y.groupby(y).cumcount() / y.groupby(y).transform("size")
    return rows[np.argsort(position.to_numpy(), kind="stable")]
