"""What a check looks at, and what it says."""

import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator

from chatkit.checks.neighbours import shingles
from chatkit.project import InputError
from chatkit.statistics import DECIMALS, bootstrap, group_codes, percentile_interval
from chatkit.text.counts import TermCounter
from chatkit.text.exact import log
from chatkit.text.messages import MESSAGE, texts
from chatkit.text.weights import TermWeights

SHOWN = 5  # rows of evidence
LEVEL = 0.98  # of intervals: an alarm that needs one end of it is false in one clean run of a hundred
DRAWS = 500  # of the bootstrap


class NotRunError(Exception):
    """A check cannot say anything about this run; the text says why."""


@dataclass(frozen=True)
class Result:
    """The answer of a check.

    Parameters
    ----------
    status : {"pass", "warn", "fail", "not_run"}
    statistic : float or None
        What was measured.
    threshold : float or None
        What it was compared with.
    explanation : str
        One to three sentences with the numbers.
    interval : tuple of float or None
        Low and high end of the statistic, 98 % unless the explanation says otherwise.
    evidence : list of dict
        A few rows that show it, messages masked.
    """

    status: str
    statistic: float | None
    threshold: float | None
    explanation: str
    interval: tuple | None = None
    evidence: list = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """A fitted classifier with the chats it was trained and is tested on.

    Parameters
    ----------
    pipeline : estimator
        Fitted on subject and body, or on one string a chat.
    train, test : pandas.DataFrame
        With subject, body and category.
    thresholds : dict of str to float
        By check code.
    seed : int
    procedure : callable, optional
        From training and test chats to predicted categories of the test chats.
    """

    pipeline: object
    train: pd.DataFrame
    test: pd.DataFrame
    thresholds: dict
    seed: int = 0
    procedure: Callable | None = None

    @cached_property
    def _takes_frames(self):
        """Whether the pipeline takes subject and body; else one string a chat."""
        # Three rows: a vectoriser takes a frame for a list of its two column names and returns two predictions.
        few = self.test.iloc[np.arange(3) % len(self.test)]
        errors = []
        for takes_frames, messages in ((True, few[MESSAGE]), (False, texts(few))):
            try:
                if len(self.pipeline.predict(messages)) == len(few):
                    return takes_frames
            except Exception as error:  # noqa: BLE001 - whatever a foreign pipeline raises, the other form is tried
                errors.append(f"{type(error).__name__}: {error}")
        raise InputError(
            f"Got {type(self.pipeline).__name__}, which predicts neither from a frame with subject and body nor from a "
            f"list of strings ({errors[-1] if errors else 'the number of predictions differs'}); give a fitted one."
        )

    def messages(self, chats):
        """Chats in the form that the pipeline takes."""
        return chats[MESSAGE] if self._takes_frames else texts(chats)

    def refit(self, estimator, chats, ask, **parameters):
        """Fit a fresh copy of an estimator on chats and return what `ask(copy)` gives."""
        kept = [estimator, *(estimator.get_params().values() if hasattr(estimator, "get_params") else ())]
        if any(isinstance(part, FrozenEstimator) and is_classifier(part) for part in kept):
            raise NotRunError(f"{type(estimator).__name__} is frozen: a copy of it would not be fitted again.")
        with foreign(f"A copy of {type(estimator).__name__} cannot be fitted on {len(chats):,} chats and asked"):
            copy = clone(estimator).set_params(**parameters)
            return ask(copy.fit(self.messages(chats), chats["category"]))

    @cached_property
    def predictions(self):
        """Categories that the pipeline gives the test chats."""
        messages = self.messages(self.test)  # says what was expected where the pipeline is none
        return as_categories(self.pipeline.predict(messages))

    @cached_property
    def probabilities(self):
        """Probabilities of the test chats, in the order of `classes`."""
        return probabilities(self.pipeline, self.messages(self.test))

    @cached_property
    def classes(self):
        """Categories that the pipeline knows."""
        if not hasattr(self.pipeline, "classes_"):
            raise NotRunError("The classifier does not name its categories (classes_).")
        return as_categories(self.pipeline.classes_)

    @cached_property
    def truth(self):
        """Categories that people gave the test chats."""
        return as_categories(self.test["category"])

    @cached_property
    def train_truth(self):
        """Categories that people gave the training chats."""
        return as_categories(self.train["category"])

    @cached_property
    def unknown(self):
        """Sentences on chats of a category that could not be learned, each after a space; "" without such chats."""
        classes = self.classes if hasattr(self.pipeline, "classes_") else self.train_truth
        said = ""
        for side, truth, known, lack in (
            (
                "test",
                self.truth,
                np.intersect1d(classes, self.train_truth),
                "the classifier or the training chats lack",
            ),
            ("training", self.train_truth, classes, "the classifier lacks"),
        ):
            new = truth[~np.isin(truth, known)]
            said += f" {len(new):,} {side} chats have a category that {lack}: {listed(new)}." if len(new) else ""
        return said

    @cached_property
    def conversations(self):
        """Numbers of the conversations of the training chats, then of the test chats, from 0 up.

        A chat whose conversation is not known is one of its own.
        """
        named = [ids(side, "conversation_id") if "conversation_id" in side.columns else np.full(len(side), "")
                 for side in (self.train, self.test)]  # fmt: skip
        both = pd.Series(np.concatenate(named))
        return group_codes(both, len(both))

    @cached_property
    def texts(self):
        """One string a chat: those of the training chats, those of the test chats."""
        return texts(self.train), texts(self.test)

    @cached_property
    def codes(self):
        """Numbers of the test chats' categories."""
        return np.unique(self.truth, return_inverse=True)[1]

    @cached_property
    def hits(self):
        """Whether each test chat got its category."""
        return self.predictions == self.truth

    @cached_property
    def words(self):
        """Counts of words in the training chats and in the test chats, and the words.

        Returns
        -------
        train, test : scipy.sparse.csr_matrix
        names : ndarray of str
        """
        counter = TermCounter(stop_words=None, lemmatizer="none", ngram_range=(1, 1), min_df=2)
        try:
            counts = counter.fit_transform(self.texts[0] + self.texts[1])
        except ValueError:
            raise NotRunError("No word stands in two chats: the texts are empty, or have nothing in common.") from None
        return counts[: len(self.train)], counts[len(self.train) :], counter.get_feature_names_out()

    @cached_property
    def weights(self):
        """Weighted words (TF-IDF, sublinear) of the training chats and of the test chats."""
        train, test, _ = self.words
        weigh = TermWeights().fit(train)
        return weigh.transform(train), weigh.transform(test)

    @cached_property
    def shingles(self):
        """What `neighbours.shingles` gives for the training chats, then the test chats."""
        both = self.texts[0] + self.texts[1]
        try:
            return shingles(both)
        except ValueError:
            raise NotRunError("No chat has a word: the texts are empty.") from None


@contextmanager
def foreign(what):
    """Turn whatever foreign code raises into the reason why a check cannot run."""
    try:
        yield
    except NotRunError:
        raise
    except Exception as error:
        said = (str(error).strip().splitlines() or ["no reason given"])[0]
        # What stands in quotes may be of a chat, and the reason ends in a file that is kept in git.
        said = re.sub(r"(['\"]).*\1", "'…'", said)
        raise NotRunError(f"{what} ({type(error).__name__}: {said}).") from error


def interval(statistic, codes, seed):
    """Value of a statistic and the ends of its interval, from a bootstrap that draws whole groups.

    Parameters
    ----------
    statistic : callable
        From weights of shape (n,) to a float or an array of several; NaN where it has no value.
    codes : ndarray of int of shape (n,)
        Group of each row, from `chatkit.statistics.group_codes`.
    seed : int

    Returns
    -------
    value, low, high : float or ndarray
        Settled.
    """
    value = np.round(statistic(np.ones(len(codes))), DECIMALS)
    return value, *percentile_interval(bootstrap(statistic, codes, seed, DRAWS), value, LEVEL)


def ids(chats, name):
    """Return a column of ids as text of shape (n,), "" for one that is missing or blank."""
    given = as_categories(chats[name].astype(object).fillna(""))
    return np.where(np.char.strip(given) == "", "", given)


def as_categories(labels):
    """Return labels as text, whole numbers without a decimal point.

    Parameters
    ----------
    labels : array-like of shape (n,)

    Returns
    -------
    ndarray of str of shape (n,)

    Examples
    --------
    scikit-learn makes floats of pandas' Int64:

    >>> as_categories([0.0, 1.0]).tolist(), as_categories(pd.Series([0, 1], dtype="Int64")).tolist()
    (['0', '1'], ['0', '1'])
    """
    labels = np.asarray(labels)
    if labels.dtype.kind in "fO":
        whole = [isinstance(label, float | np.floating) and float(label).is_integer() for label in labels]
        labels = [int(label) if number else label for label, number in zip(labels, whole, strict=True)]
    return np.asarray(labels, dtype=str)


def listed(labels, most=5):
    """Name the categories among some labels.

    Examples
    --------
    >>> listed(["b", "a", "b"]), listed("abcdefg")
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    names = [str(name) for name in sorted(set(labels))]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def probabilities(fitted, messages):
    """Probabilities as float64, to nine decimals, or NotRunError where a classifier gives none."""
    if not hasattr(fitted, "predict_proba"):
        raise NotRunError("The classifier gives no probabilities.")
    with foreign("The classifier's probabilities cannot be had"):
        given = np.asarray(fitted.predict_proba(messages), dtype=np.float64)
    expected = len(messages), len(getattr(fitted, "classes_", given.T))
    if given.shape != expected or not np.isfinite(given).all():
        raise NotRunError(
            f"The classifier gives probabilities of shape {given.shape}, expected finite ones of shape {expected}."
        )
    return given.round(DECIMALS)


def settled(value):
    """Round a number before it is compared, so that two that are equal but for their last bits are equal.

    Examples
    --------
    >>> settled(0.1 + 0.2) == settled(0.3)
    True
    """
    return round(float(value), DECIMALS)


def loss(truth, classes, given):
    """Log-loss of each chat in nats, probabilities at least 1e-6."""
    place = {category: number for number, category in enumerate(classes)}
    known = np.array([place.get(category, -1) for category in truth])
    if (known < 0).any():
        new = truth[known < 0]
        raise NotRunError(f"{len(new):,} test chats have a category that the classifier lacks: {listed(new)}.")
    return -log(np.clip(given[np.arange(len(truth)), known], 1e-6, 1))
