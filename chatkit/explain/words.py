"""How much each word contributes to a category's margin, computed from the model itself."""

from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from chatkit.model.linear import linear_contributions
from chatkit.project import InputError
from chatkit.text.stopwords import ENGLISH
from chatkit.text.validation import canonical

EXPLAINED_ROWS = 1000
_STOP_WORDS = frozenset(ENGLISH)


def contributions(pipeline, messages):
    """Compute the contribution of each term of each message to each category's margin.

    For a linear model a contribution is weight times coefficient. For trees it is XGBoost's own exact Shapley value;
    words that a message does not have are one entry together, ``(absent words)``. The constant is ``(intercept)``. A
    model that boosts from a linear one starts from log-probabilities; their normalising constant is the same for all
    categories and no sum over words. It is an entry of its own, ``(normaliser)``, and cancels when categories are
    compared.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted; the steps before the last give word weights, the last one has ``word_contributions`` or ``coef_``.
    messages : pandas.DataFrame of shape (n, 2)
        Chats, with subject and body.

    Returns
    -------
    pandas.DataFrame
        row (position of the message, from 0), category, term, contribution. Those of a row and category add up to the
        margin, in float32's precision where there are trees: the decision value (of two categories that of the second;
        the first has its negative), or what the softmax makes probabilities of, before a calibration and before the
        probabilities of chats that say little move towards the frequencies of the categories.

    Raises
    ------
    InputError
        When the classifier has neither coef_ nor word_contributions.

    References
    ----------
    S. Lundberg et al., "From Local Explanations to Global Understanding with Explainable AI for Trees", Nature Machine
    Intelligence 2, 2020.

    Examples
    --------
    >>> from chatkit import make_pipeline
    >>> chats = pd.DataFrame({"subject": ["Lost", "Hours"] * 9, "body": ["my card", "open when"] * 9})
    >>> pipeline = make_pipeline("linear_svc", ngram_range=(1, 1)).fit(chats, ["urgent", "other"] * 9)
    >>> contributions(pipeline, chats.head(1)).query("category == 'urgent'").round(1)
       row category         term  contribution
    4    0   urgent         card           0.1
    5    0   urgent         lose           0.7
    6    0   urgent           my           0.1
    7    0   urgent  (intercept)           0.0
    """
    X, names, words, rest = _word_contributions(pipeline, messages)
    count, categories = X.shape[0], pipeline[-1].classes_
    values = np.concatenate([words, *rest.values()])
    rows = np.concatenate([np.repeat(np.arange(count), np.diff(X.indptr)), *[np.arange(count)] * len(rest)])
    terms = np.concatenate([names[X.indices], np.repeat([f"({name})" for name in rest], count).astype(object)])
    frame = pd.DataFrame({"row": rows, "term": terms}).loc[np.repeat(np.arange(len(rows)), len(categories))]
    frame = frame.assign(category=np.tile(categories, len(rows)), contribution=values.ravel())
    frame = frame.sort_values(["row", "category"], kind="stable", ignore_index=True)
    return frame[["row", "category", "term", "contribution"]]


def top_words(pipeline, X, n=10):
    """Find the words with the largest mean contribution to each category.

    The mean is over all rows, so that rare words do not lead. Stop words such as "the" are left out where there are
    others: a model may use them, a reader cannot.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        As for `contributions`.
    X : pandas.DataFrame of shape (m, 2)
        Chats to average over; of more than 1,000, 1,000 at even distances, since exact contributions are slow.
    n : int, default=10
        Words for each category; fewer where fewer contribute to it.

    Returns
    -------
    pandas.DataFrame
        category, word, weight (above 0, in units of the margin); categories in the order of the classifier, the
        strongest word first, ties by word.

    Raises
    ------
    InputError
        When the classifier has neither coef_ nor word_contributions.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> chats = ["card lost", "card stolen", "account open", "account close"]
    >>> pipeline = make_pipeline(CountVectorizer(), LogisticRegression())
    >>> pipeline = pipeline.fit(chats, ["urgent", "urgent", "other", "other"])
    >>> top_words(pipeline, chats, n=1).round(2)
      category     word  weight
    0    other  account    0.29
    1   urgent     card    0.29
    """
    rows = np.unique(np.linspace(0, len(X) - 1, EXPLAINED_ROWS).astype(int))
    X = X.iloc[rows] if hasattr(X, "iloc") else [X[row] for row in rows]
    features, names, words, _ = _word_contributions(pipeline, X)
    weights = np.zeros((len(names), words.shape[1]))
    np.add.at(weights, features.indices, words)
    alphabetical = np.argsort(names, kind="stable")
    columns = [index for index in alphabetical if not set(names[index].split()) <= _STOP_WORDS] or alphabetical
    # Without the last bits, which differ between machines: words with the same weight stay in alphabetical order.
    names, weights = names[columns], np.round(weights[columns].T / len(rows), 9)
    rows = []
    for category, weight in zip(pipeline[-1].classes_, weights, strict=True):
        strongest = np.argsort(-weight, kind="stable")[:n]
        rows += [(category, names[i], weight[i]) for i in strongest if weight[i] > 0]
    return pd.DataFrame(rows, columns=["category", "word", "weight"])


def top_words_per_message(pipeline, messages, categories, n=10):
    """Find the words of each message with the largest contributions to its category.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        As for `contributions`.
    messages : pandas.DataFrame or list of shape (m, 2)
        Chats, with subject and body.
    categories : array-like of str of shape (m,)
        One for each message, such as the pipeline's predictions.
    n : int, default=10
        Words for each message; fewer where fewer contribute.

    Returns
    -------
    list of list of (str, float)
        Terms as the model counts them, and their contributions as `contributions` gives them: those above 0, of
        words only; the strongest first, ties by word.

    Raises
    ------
    InputError
        When the classifier has neither coef_ nor word_contributions.

    Examples
    --------
    >>> from chatkit import make_pipeline
    >>> chats = pd.DataFrame({"subject": ["Lost", "Hours"] * 9, "body": ["my card", "open when"] * 9})
    >>> pipeline = make_pipeline("linear_svc", ngram_range=(1, 1)).fit(chats, ["urgent", "other"] * 9)
    >>> [(word, round(value, 2)) for word, value in top_words_per_message(pipeline, chats.head(1), ["urgent"])[0]]
    [('lose', 0.7), ('card', 0.12), ('my', 0.12)]
    """
    X, names, words, _ = _word_contributions(pipeline, messages)
    column = {category: index for index, category in enumerate(pipeline[-1].classes_)}
    top = []
    for (start, end), category in zip(pairwise(X.indptr), categories, strict=True):
        # Without the last bits, which differ between machines.
        values = words[start:end, column[category]].round(6).tolist()
        pairs = [pair for pair in zip(names[X.indices[start:end]], values, strict=True) if pair[1] > 0]
        top.append(sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:n])
    return top


def weighs_words(pipeline):
    """Tell whether `contributions` and `top_words` work for a pipeline.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted.

    Returns
    -------
    bool
        False for rules and dummies, which have no word weights.
    """
    return hasattr(pipeline[-1], "word_contributions") or hasattr(pipeline[-1], "coef_")


def _word_contributions(pipeline, messages):
    """Word weights, the names of their columns, and the classifier's contributions of words and of all else."""
    check_is_fitted(pipeline)
    before, classifier = pipeline[:-1], pipeline[-1]
    if not weighs_words(pipeline):
        raise InputError(
            f"Got {type(classifier).__name__} as classifier, expected one with coef_ or word_contributions; words can "
            "be named for linear models and for trees only."
        )
    X = canonical(before.transform(messages), np.float64)  # as the classifier reads them: the same order
    names = np.asarray(before.get_feature_names_out(), dtype=object)
    if hasattr(classifier, "word_contributions"):
        return X, names, *classifier.word_contributions(X)
    return X, names, *linear_contributions(classifier.coef_, classifier.intercept_, X)
