"""Where the model is wrong, as messages that one can read."""

import numpy as np
import pandas as pd

from chatkit.project import InputError
from chatkit.text.mask import excerpt
from chatkit.text.messages import MESSAGE, texts

LONGEST = 200  # characters of a message that a table shows
UNLIKELY = 0.05  # probability below which a label is in doubt


def largest_confusions(pipeline, test, pairs=5, n=3):
    """List what is taken for what most often, each pair with the errors on which the model was most sure.

    The surest errors are mostly those where the person was wrong: in simulated chats 44 of 45. So the surest whose
    label may be wrong stand first (see `labels_in_doubt`), then the surest of the others.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted on subject and body.
    test : pandas.DataFrame
        With id, subject, body and category; chats that the pipeline was not fitted on.
    pairs : int, default=5
        Pairs of what the person said and what the model said.
    n : int, default=3
        Errors of each pair with a label in doubt, and errors without.

    Returns
    -------
    pandas.DataFrame
        By confusion (what the person said, what the model said, and how many such errors there are) and id: message
        (subject and body, masked and shortened). Where the model gives probabilities also label ("may be wrong", or
        nothing), probability (of what the model said) and own (of what the person said). The most frequent pair first,
        ties by name; the surest error first, ties by id.
    """
    test = test.reset_index(drop=True)
    errors = test[["id", "category"]].rename(columns={"category": "person"})
    errors = errors.assign(
        model=pipeline.predict(test[MESSAGE]), message=texts(test), label="", probability=0.0, own=0.0
    )
    if hasattr(pipeline, "predict_proba"):
        given = pipeline.predict_proba(test[MESSAGE]).round(6)
        errors["label"] = np.where(labels_in_doubt(test["category"], given, pipeline.classes_), "may be wrong", "")
        errors["probability"], errors["own"] = given.max(axis=1), _own(test["category"], given, pipeline.classes_)
    errors = errors[errors["person"] != errors["model"]]
    errors["errors"] = errors.groupby(["person", "model"])["id"].transform("size")
    order = {"errors": False, "person": True, "model": True, "label": False, "probability": False, "id": True}
    errors = errors.sort_values([*order], ascending=[*order.values()])
    pair = errors.groupby(["person", "model"], sort=False).ngroup()
    errors = errors[(pair < pairs) & (errors.groupby(["person", "model", "label"]).cumcount() < n)]
    errors = errors.assign(message=[excerpt(text, LONGEST) for text in errors["message"]]).round(3)
    errors["confusion"] = [
        f"{person} taken for {model} ({count})"
        for person, model, count in errors[["person", "model", "errors"]].itertuples(index=False)
    ]
    shown = ["message", *(["label", "probability", "own"] if hasattr(pipeline, "predict_proba") else [])]
    return errors.set_index(["confusion", "id"])[shown]


def labels_in_doubt(labels, probabilities, classes):
    """Name the labels that may be wrong: another category is likely, and the label's own is not.

    Another category is likely where its probability is at least the mean that it has in chats with its label, as in
    confident learning; the label's own is not where its probability is below 0.05. In three sets of 20,000 simulated
    chats with 4 % wrong labels, by a model of two thirds of them, 62 % of the labels in doubt in the last third were
    wrong, and 58 % of the wrong ones were in doubt; by confident learning's condition alone 43 % and 77 %. They are
    candidates, to be read by a person.

    Parameters
    ----------
    labels : array-like of str of shape (n,)
    probabilities : ndarray of shape (n, k)
        By a model that has not seen these chats.
    classes : ndarray of shape (k,)
        Categories in the order of the columns.

    Returns
    -------
    ndarray of bool of shape (n,)

    References
    ----------
    C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021.

    Examples
    --------
    >>> given = np.array([[0.9, 0.1], [0.8, 0.2], [0.02, 0.98], [0.1, 0.9]])
    >>> labels_in_doubt(["a", "a", "a", "b"], given, ["a", "b"])
    array([False, False,  True, False])
    """
    labels, classes = np.asarray(labels, dtype=object), np.asarray(classes, dtype=object)
    probabilities = np.round(probabilities, 6)  # the last bits differ between processors
    usual = np.array([given[labels == name].mean() if name in labels else np.inf
                      for name, given in zip(classes, probabilities.T, strict=True)]).round(6)  # fmt: skip
    likely = (probabilities >= usual) & (classes != labels[:, None])
    return likely.any(axis=1) & (_own(labels, probabilities, classes) < UNLIKELY)


def missed_urgent(pipeline, test, urgent="urgent"):
    """List every urgent chat that the model sent elsewhere, the one that it was furthest from seeing first.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted on subject and body.
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
        When the pipeline does not know the category.
    """
    classes = [str(name) for name in pipeline.classes_]
    if urgent not in classes:
        raise InputError(f"Got urgent={urgent!r}, expected a category that the model knows: {', '.join(classes)}.")
    test = test.reset_index(drop=True)
    missed = test[[name for name in ("id", "created_at") if name in test]]
    missed = missed.assign(**{"message": texts(test), "sent to": pipeline.predict(test[MESSAGE])})
    order = ["id"]
    if hasattr(pipeline, "predict_proba"):
        order = [f"P({urgent})", "id"]
        missed[order[0]] = pipeline.predict_proba(test[MESSAGE])[:, classes.index(urgent)].round(6)
    missed = missed[(test["category"] == urgent) & (missed["sent to"] != urgent)].sort_values(order)
    shown = {"message": [excerpt(text, LONGEST) for text in missed["message"]]}
    return missed.assign(**shown, **{name: missed[name].round(3) for name in order[:-1]}).set_index("id")


def _own(labels, probabilities, classes):
    """Probability of each chat's own label; 0 of one that the model does not know."""
    place = pd.Index(classes).get_indexer(pd.Index(labels))
    return np.where(place < 0, 0.0, probabilities[np.arange(len(place)), place])
