"""Which chats to label first: orders by what teaches a model most."""

import hashlib

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from chatkit.checks.neighbours import nearest, shingles
from chatkit.data.load import read_unsorted
from chatkit.model.pipeline import make_pipeline
from chatkit.project import InputError
from chatkit.scores.errors import likely_categories
from chatkit.statistics import DECIMALS
from chatkit.text.messages import MESSAGE, texts
from chatkit.text.validation import as_frame

ORDERS = ("doubt", "disagreement", "diversity", "suspected", "random")
FOLDS = 3


def unlabelled(file, mapping=None):
    """Read a file of chats that nobody has sorted yet.

    Parameters
    ----------
    file : path-like
    mapping : dict of str to str, optional
        As for `chatkit.data.load.read_unsorted`.

    Returns
    -------
    pandas.DataFrame
        id, subject, body; of chats with the same id the last. A chat without an id has one made from its text: the
        number of its row would be another chat's in another file.
    """
    chats = read_unsorted(file, mapping).chats
    chats["id"] = [
        (isinstance(key, str) and key.strip()) or f"text-{hashlib.sha256(repr(text).encode()).hexdigest()[:16]}"
        for key, *text in chats.itertuples(index=False)
    ]
    with_text = chats[MESSAGE].apply(lambda column: column.str.strip() != "").any(axis=1)
    return chats[with_text].drop_duplicates("id", keep="last", ignore_index=True)


def label_queue(chats, order="doubt", model=None, labelled=None, n=100, seed=0):
    """Put chats into the order in which labels teach a model most.

    Which order is worth what is measured in docs/label.md. A queue is as good as the model it is made with: after a
    hundred labels train it again, and make another.

    Parameters
    ----------
    chats : pandas.DataFrame
        With subject and body; category for ``suspected``.
    order : {"doubt", "disagreement", "diversity", "suspected", "random"}, default="doubt"
        ``doubt``: the smallest difference between the model's two highest probabilities first. ``disagreement``: first
        where the model and the most similar labelled chat give different categories, by doubt. ``diversity``: drawn by
        doubt times the squared distance to the nearest chat that is labelled or drawn before (k-means++); without a
        model by the distance alone. ``suspected``: first the labels that are most probably wrong, by confident
        learning, and none that is not suspected. ``random``.
    model : sklearn.pipeline.Pipeline, optional
        Fitted, with probabilities: for ``doubt`` and ``disagreement``.
    labelled : pandas.DataFrame, optional
        Other chats, with subject, body and category, as far as they are labelled: for ``disagreement``.
    n : int, default=100
        At most so many.
    seed : int, default=0

    Returns
    -------
    pandas.DataFrame
        Rows of `chats`, index from 0, with guess: the category that a model gives, None where there is none. For
        ``suspected`` it is that of a model that has not seen the chat.

    Raises
    ------
    InputError
        When the order is unknown, or lacks what it needs.

    References
    ----------
    B. Settles, "Active Learning Literature Survey", 2009; D. Arthur and S. Vassilvitskii, "k-means++", SODA 2007;
    C. Northcutt, L. Jiang and I. Chuang, "Confident Learning", JAIR 70, 2021.

    Examples
    --------
    >>> import pandas as pd
    >>> chats = pd.DataFrame({"subject": ["Lost", "Hours"] * 9, "body": ["my card", "open when"] * 9})
    >>> model = make_pipeline("linear_svc").fit(chats, ["urgent", "other"] * 9)
    >>> new = pd.DataFrame({"subject": ["Lost", ""], "body": ["my card", "card open"]})
    >>> label_queue(new, model=model)["body"].tolist()
    ['card open', 'my card']
    """
    chats = as_frame(chats).reset_index(drop=True)
    _check(chats, order, model, labelled)
    if chats.empty:
        return chats.assign(guess=None)
    rng = np.random.default_rng(seed)
    if order == "suspected":
        rows, guess = _suspected(chats, seed)
        return chats.loc[rows[:n]].assign(guess=guess[:n]).reset_index(drop=True)
    guess, doubt = np.full(len(chats), None), np.ones(len(chats))
    if model is not None:
        # The last bits differ between processors.
        probabilities = model.predict_proba(chats[MESSAGE]).round(DECIMALS)
        guess, doubt = model.classes_[probabilities.argmax(axis=1)], 1 - margin(probabilities)
    if order == "random":
        rows = rng.permutation(len(chats))
    elif order == "diversity":
        rows = _unlike(chats, labelled, doubt, n, rng)
    else:
        if order == "disagreement":
            _, at = nearest(*(csr_matrix(model[:-1].transform(one[MESSAGE])) for one in (chats, labelled)))
            doubt = doubt + (labelled["category"].to_numpy()[at] != guess)
        rows = np.argsort(-doubt, kind="stable")
    return chats.assign(guess=guess).loc[rows[:n]].reset_index(drop=True)


def margin(probabilities):
    """Return the difference between the two highest probabilities of each chat, ndarray of shape (n,).

    Examples
    --------
    >>> margin(np.array([[0.25, 0.75], [0.5, 0.5]])).tolist()
    [0.5, 0.0]
    """
    two = np.sort(np.pad(probabilities, ((0, 0), (1, 0))), axis=1)[:, -2:]
    return two[:, 1] - two[:, 0]


def term_weights(messages):
    """Weigh the terms of messages as `chatkit.checks.neighbours.shingles` does; nothing where nobody says a word."""
    try:
        return shingles(messages)[0]
    except ValueError:
        return csr_matrix((len(messages), 1), dtype=np.float32)


def _check(chats, order, model, labelled):
    if order not in ORDERS:
        raise InputError(f"Got order={order!r}, expected one of {', '.join(ORDERS)}.")
    if order == "suspected" and ("category" not in chats or chats["category"].isna().any()):
        raise InputError(
            "Got chats without a category for the order 'suspected', expected labelled ones; take another order."
        )
    if order in {"doubt", "disagreement"} and not hasattr(model, "predict_proba"):
        raise InputError(
            f"Got no model with probabilities for the order {order!r}, expected a fitted one; run `dvc repro`, or take "
            "the order 'diversity' or 'random'."
        )
    if order == "disagreement" and (labelled is None or not len(labelled)):
        raise InputError(
            "Got no labelled chats for the order 'disagreement', expected those the model learned from; give "
            "`labelled`, or take the order 'doubt'."
        )


def _unlike(chats, labelled, doubt, n, rng):
    """Draw rows one by one, in proportion to doubt times the squared distance to what is labelled or drawn."""
    known = [] if labelled is None else texts(labelled)
    terms = term_weights([*texts(chats), *known])
    new = terms[: len(chats)]
    near = nearest(new, terms[len(chats) :])[0] if known else np.zeros(len(chats))
    free, rows = np.ones(len(chats), dtype=bool), []
    for _ in range(min(n, len(chats))):
        # Rows have length 1: the squared distance is twice what is left of the cosine. Something is left of each chat.
        share = np.where(free, doubt * (1 - near).clip(0) + 1e-9, 0).round(DECIMALS + 3)
        row = rng.choice(len(chats), p=share / share.sum())
        rows.append(row)
        free[row] = False
        near = np.maximum(near, (new @ new[row].T).toarray().ravel())
    return np.array(rows, dtype=int)


def _suspected(chats, seed):
    """Rows whose label is probably wrong, out of fold, and what they are more likely to be."""
    labels = chats["category"].to_numpy()
    rows = np.flatnonzero(chats.groupby("category")["category"].transform("size") >= FOLDS)
    names, codes = np.unique(labels[rows], return_inverse=True)
    if len(names) < 2:
        return rows[:0], names[:0]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    pipeline, messages = make_pipeline("linear_svc", seed=seed), chats.loc[rows, MESSAGE]
    given = cross_val_predict(pipeline, messages, codes, cv=folds, method="predict_proba").round(DECIMALS)
    likely, probability, own = likely_categories(labels[rows], given, names)
    lead = (probability - own).round(DECIMALS)
    order = np.argsort(-lead, kind="stable")[: int((lead > 0).sum())]
    return rows[order], names[likely[order]]
