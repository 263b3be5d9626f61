"""Where the model is wrong, as messages that one can read."""

import numpy as np
import pandas as pd

from chatkit.project import InputError, did_you_mean
from chatkit.statistics import DECIMALS, divide
from chatkit.text.clean import excerpt
from chatkit.text.messages import texts

LONGEST = 200  # characters of a message that a table shows
UNLIKELY = 0.05  # probability below which a label may be wrong


def largest_confusions(predictions, test, pairs=5, n=3):
    """List the most frequent confusions, each with the errors to which the model gave the highest probability.

    Most errors with a high probability are wrong labels: in simulated chats 44 of 45. So those whose label may be wrong
    come first (see `suspected_labels`), then the others, both by probability.

    Parameters
    ----------
    predictions : chatkit.scores.predictions.Predictions
        Of these chats, by a model that was not fitted on them.
    test : pandas.DataFrame
        With id, subject, body and category.
    pairs : int, default=5
        Pairs of actual and predicted category.
    n : int, default=3
        Errors of each pair whose label may be wrong, and errors without.

    Returns
    -------
    pandas.DataFrame
        By confusion (actual and predicted category, and how many such errors there are) and id: message (subject and
        body, masked and shortened). Where the model gives probabilities also label ("may be wrong", or nothing),
        probability (of the predicted category) and own (of the actual one). The most frequent pair first, ties by name;
        the highest probability first, ties by id.
    """
    actual, predicted = test["category"].to_numpy(), predictions.predicted
    errors = pd.DataFrame({"id": test["id"].to_numpy(), "person": actual, "model": predicted, "message": texts(test)})
    # The last bits differ between processors.
    probability, own = (predictions.probability_of(names).round(6) for names in (predicted, actual))
    errors = errors.assign(label="", probability=probability, own=own)
    shown = ["message"]
    if predictions.probabilities is not None:
        shown += ["label", "probability", "own"]
        suspected = suspected_labels(actual, predictions.probabilities.round(6), predictions.classes)
        errors["label"] = np.where(suspected, "may be wrong", "")
    errors = errors[errors["person"] != errors["model"]]
    errors["errors"] = errors.groupby(["person", "model"])["id"].transform("size")
    order = {"errors": False, "person": True, "model": True, "label": False, "probability": False, "id": True}
    errors = errors.sort_values([*order], ascending=[*order.values()])
    pair = errors.groupby(["person", "model"], sort=False).ngroup()
    errors = errors[(pair < pairs) & (errors.groupby(["person", "model", "label"]).cumcount() < n)]
    errors = errors.assign(message=[excerpt(text, LONGEST) for text in errors["message"]]).round(3)
    counted = zip(errors["person"], errors["model"], errors["errors"], strict=True)
    errors["confusion"] = [f"{person} taken for {model} ({count})" for person, model, count in counted]
    return errors.set_index(["confusion", "id"])[shown]


def likely_categories(labels, probabilities, classes):
    """Find the category other than its label that each chat most likely belongs to, by confident learning.

    A category is likely where its probability is at least the mean that it has in the chats with its label.

    Parameters
    ----------
    labels : array-like of str of shape (n,)
    probabilities : ndarray of shape (n, k)
        By a model that has not seen these chats; rounded, since the last bits differ between processors.
    classes : array-like of str of shape (k,)
        Categories in the order of the columns.

    Returns
    -------
    likely : ndarray of int of shape (n,)
        Column of the likely category with the highest probability; 0 where no other category is likely.
    probability : ndarray of float of shape (n,)
        Of that category; 0 where no other is likely.
    own : ndarray of float of shape (n,)
        Of the label; 0 of one that is not among the classes.

    References
    ----------
    C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021.

    Examples
    --------
    >>> given = np.array([[0.9, 0.1], [0.8, 0.2], [0.02, 0.98], [0.1, 0.9]])
    >>> likely, probability, own = likely_categories(["a", "a", "a", "b"], given, ["a", "b"])
    >>> likely.tolist(), probability.tolist(), own.tolist()
    ([0, 0, 1, 0], [0.0, 0.0, 0.98, 0.0], [0.9, 0.8, 0.02, 0.9])
    """
    probabilities = np.asarray(probabilities, dtype=float)
    has_label = np.asarray(labels, dtype=object)[:, None] == np.asarray(classes, dtype=object)
    own = np.where(has_label, probabilities, 0)
    # NaN, and so never likely, for a category that is the label of no chat.
    usual = divide(own.sum(axis=0), has_label.sum(axis=0)).round(DECIMALS)
    others = np.where((probabilities >= usual) & ~has_label, probabilities, 0)
    return others.argmax(axis=1), others.max(axis=1), own.sum(axis=1)


def suspected_labels(labels, probabilities, classes):
    """Find the labels that may be wrong: another category is likely, and the label has a probability below 0.05.

    In three sets of 20,000 simulated chats with 4 % wrong labels, by a model of two thirds of them, 62 % of the
    suspected labels in the last third were wrong, and 58 % of the wrong ones were suspected; by confident learning's
    condition alone (see `likely_categories`) 43 % and 77 %. They are candidates, to be read by a person.

    Parameters
    ----------
    labels, probabilities, classes
        As in `likely_categories`.

    Returns
    -------
    ndarray of bool of shape (n,)

    Examples
    --------
    >>> given = np.array([[0.9, 0.1], [0.8, 0.2], [0.02, 0.98], [0.1, 0.9]])
    >>> suspected_labels(["a", "a", "a", "b"], given, ["a", "b"]).tolist()
    [False, False, True, False]
    """
    _, probability, own = likely_categories(labels, probabilities, classes)
    return (probability > 0) & (own < UNLIKELY)


def missed_urgent(predictions, test, urgent="urgent"):
    """List every urgent chat that was predicted to be of another category, the lowest probability of urgent first.

    Parameters
    ----------
    predictions : chatkit.scores.predictions.Predictions
        Of these chats.
    test : pandas.DataFrame
        With id, subject, body and category, and created_at where it is known.
    urgent : str, default="urgent"
        The category that must not be missed.

    Returns
    -------
    pandas.DataFrame
        By id: created_at where the chats have it, message (subject and body, masked and shortened), sent to, and
        P(urgent) where the model gives probabilities; the lowest first, ties by id.

    Raises
    ------
    InputError
        When there is none, or the model does not know it.
    """
    require_urgent(urgent)
    if urgent not in (classes := predictions.classes.tolist()):
        known = f"{str(classes)[1:-1]}{did_you_mean(urgent, classes) or '.'}"
        raise InputError(f"Got the category {urgent!r}, expected one that the model knows: {known}")
    column = f"P({urgent})"
    missed = test[[name for name in ("id", "created_at") if name in test]].reset_index(drop=True)
    missed = missed.assign(message=texts(test), **{"sent to": predictions.predicted})
    missed[column] = predictions.probability_of(urgent).round(6)
    is_missed = (test["category"].to_numpy() == urgent) & (predictions.predicted != urgent)
    missed = missed[is_missed].sort_values([column, "id"]).round({column: 3}).set_index("id")
    missed["message"] = [excerpt(text, LONGEST) for text in missed["message"]]
    return missed if predictions.probabilities is not None else missed.drop(columns=column)


def require_urgent(urgent):
    """Raise an InputError where no category is named that cannot wait."""
    if urgent is None:
        raise InputError("No category is urgent: categories.urgent of params.yaml is null; name it there, if one is.")
