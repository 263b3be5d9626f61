"""What a check looks at: a fitted classifier, its chats, and what is computed from them once for all checks."""

import re
from contextlib import contextmanager
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator

from chatkit.checks.neighbours import shingles
from chatkit.checks.result import NotRunError
from chatkit.project import InputError
from chatkit.scores.metrics import balanced_accuracy
from chatkit.scores.table import with_interval
from chatkit.statistics import DECIMALS, bootstrap, group_codes, percentile_interval
from chatkit.text.counts import TermCounter
from chatkit.text.exact import log
from chatkit.text.messages import MESSAGE, texts
from chatkit.text.weights import TermWeights

SHOWN = 5  # rows of evidence
LEVEL = 0.98  # of intervals: an alarm that needs one end of it is false in one clean run of a hundred
DRAWS = 500  # of the bootstrap


class Run:
    """A fitted classifier with the chats it was trained and is tested on, and what all checks need of them.

    Parameters
    ----------
    pipeline : estimator
        Fitted on subject and body, or on one string a chat.
    train, test : pandas.DataFrame
        With subject, body and category.
    seed : int
    procedure : callable, optional
        From training and test chats to predicted categories of the test chats.

    Attributes
    ----------
    texts : list of str
        One string a chat: the training chats, then the test chats.
    train_truth, truth : ndarray of str
        Categories that people gave the training chats, and the test chats.
    codes : ndarray of int
        Numbers of the test chats' categories.
    conversations : ndarray of int
        Numbers of the conversations of the training chats, then of the test chats, from 0 up. A chat whose conversation
        is not known is one of its own.
    messages : callable
        From chats to the form that the pipeline takes: subject and body, or one string a chat.
    predictions : ndarray of str
        Categories that the pipeline gives the test chats.
    hits : ndarray of bool
        Whether each test chat got its category.

    Raises
    ------
    InputError
        When the pipeline does not predict one category for each test chat.
    """

    def __init__(self, pipeline, train, test, seed=0, procedure=None):
        self.pipeline, self.train, self.test, self.seed, self.procedure = pipeline, train, test, seed, procedure
        self.texts = texts(train) + texts(test)
        self.train_truth, self.truth = (as_categories(chats["category"]) for chats in (train, test))
        self.codes = np.unique(self.truth, return_inverse=True)[1]
        conversations = np.concatenate([ids(chats, "conversation_id") for chats in (train, test)])
        self.conversations = group_codes(conversations, len(conversations))
        self.messages = self._form()
        self.predictions = as_categories(pipeline.predict(self.messages(test)))
        if (shape := self.predictions.shape) != self.truth.shape:
            raise InputError(f"Got predictions of shape {shape} for {len(test):,} test chats, expected one for each.")
        self.hits = self.predictions == self.truth

    def _form(self):
        """Function from chats to the form that the pipeline takes."""
        # Three rows: a vectoriser takes a frame for a list of its two column names and returns two predictions.
        few = self.test.iloc[np.arange(3) % len(self.test)]
        reason = "the number of predictions differs"
        for form in (lambda chats: chats[MESSAGE], texts):
            try:
                if len(self.pipeline.predict(form(few))) == len(few):
                    return form
            except Exception as error:  # noqa: BLE001 - whatever a foreign pipeline raises, the other form is tried
                reason = f"{type(error).__name__}: {error}"
        got = f"Got {type(self.pipeline).__name__}, which predicts neither from a frame with subject and body"
        raise InputError(f"{got} nor from a list of strings ({reason}); give a fitted one.")

    def refit(self, estimator, chats, ask, **parameters):
        """Fit a fresh copy of an estimator on chats and return what `ask(copy)` gives."""
        name, parts = type(estimator).__name__, (estimator, *parameters_of(estimator).values())
        if any(isinstance(part, FrozenEstimator) and is_classifier(part) for part in parts):
            raise NotRunError(f"{name} is frozen: a copy of it would not be fitted again.")
        with not_run_on_error(f"A copy of {name} cannot be fitted on {len(chats):,} chats and used to predict"):
            copy = clone(estimator).set_params(**parameters)
            return ask(copy.fit(self.messages(chats), chats["category"]))

    def interval(self, statistic, groups=None):
        """Value of a statistic and both ends of its interval, from a bootstrap that draws whole groups.

        Parameters
        ----------
        statistic : callable
            From weights of shape (n,) to a float or an array of several; NaN where it has no value.
        groups : ndarray of int of shape (n,), optional
            Group of each row; the conversations of the test chats if not given.

        Returns
        -------
        value, low, high : float or ndarray
            Rounded.
        """
        groups = self.conversations[len(self.train) :] if groups is None else groups
        value = np.round(statistic(np.ones(len(groups))), DECIMALS)
        return value, *percentile_interval(bootstrap(statistic, groups, self.seed, DRAWS), value, LEVEL)

    def compare_accuracy(self, one, other, groups=None):
        """Balanced accuracy of some test chats minus that of others, and both ends of its interval.

        Parameters
        ----------
        one, other : ndarray of bool of shape (n,)
            Which test chats are on each side.
        groups : ndarray of int of shape (n,), optional
            As in `interval`.
        """

        def difference(weights):
            sides = (balanced_accuracy(self.codes, self.hits, weights * side) for side in (one, other))
            return np.subtract(*sides)

        return self.interval(difference, groups)

    @cached_property
    def classes(self):
        """Categories that the pipeline knows."""
        return classes_of(self.pipeline)

    @cached_property
    def unknown(self):
        """Sentences on chats of a category that could not be learned, each after a space; "" without such chats."""
        known = self.classes if hasattr(self.pipeline, "classes_") else self.train_truth
        learned = np.intersect1d(known, self.train_truth)
        lacking = unknown_categories("test", self.truth, learned, "the classifier or the training chats lack")
        return lacking + unknown_categories("training", self.train_truth, known, "the classifier lacks")

    @cached_property
    def words(self):
        """Counts of words in the training chats, then the test chats, and the words, an ndarray of str."""
        counter = TermCounter(stop_words=None, lemmatizer="none", ngram_range=(1, 1), min_df=2)
        try:
            return counter.fit_transform(self.texts), counter.get_feature_names_out()
        except ValueError:
            raise NotRunError("No word stands in two chats: the texts are empty, or have nothing in common.") from None

    @cached_property
    def weights(self):
        """Weighted words (TF-IDF, sublinear) of the training chats, then the test chats; learned from the former."""
        counts, _ = self.words
        return TermWeights().fit(counts[: len(self.train)]).transform(counts)

    @cached_property
    def shingles(self):
        """What `neighbours.shingles` gives for the training chats, then the test chats."""
        try:
            return shingles(self.texts)
        except ValueError:
            raise NotRunError("No chat has a word: the texts are empty.") from None


def require(count, least, what):
    """Raise a NotRunError where there are fewer of something than a check needs."""
    if count < least:
        raise NotRunError(f"There are {count} {what}; {least} are needed.")


@contextmanager
def not_run_on_error(what):
    """Turn whatever foreign code raises into the reason why a check cannot run."""
    try:
        yield
    except NotRunError:
        raise
    except Exception as error:
        message = (str(error).strip().splitlines() or ["no reason given"])[0]
        # What stands in quotes may be of a chat, and the reason ends in a file that is kept in git.
        message = re.sub(r"(['\"]).*\1", "'…'", message)
        raise NotRunError(f"{what} ({type(error).__name__}: {message}).") from error


def parameters_of(estimator):
    """Parameters of an estimator, those of its steps included; none of what has none."""
    return estimator.get_params() if hasattr(estimator, "get_params") else {}


def ids(chats, name):
    """Return a column of ids as text of shape (n,), "" for one that is missing or blank, or without the column."""
    column = chats.get(name, pd.Series("", chats.index))
    given = as_categories(column.astype(object).fillna(""))
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
        labels = [int(x) if isinstance(x, float | np.floating) and x.is_integer() else x for x in labels]
    return np.asarray(labels, dtype=str)


def listed(labels, limit=5):
    """Name the categories among some labels.

    Examples
    --------
    >>> listed(["b", "a", "b"]), listed("abcdefg")
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    names = [str(name) for name in sorted(set(labels))]
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def classes_of(fitted):
    """Categories of a classifier as text, or NotRunError where it does not name them."""
    if not hasattr(fitted, "classes_"):
        raise NotRunError("The classifier does not name its categories (classes_).")
    return as_categories(fitted.classes_)


def probabilities(fitted, messages):
    """Probabilities as float64, to nine decimals, or NotRunError where a classifier gives none."""
    if not hasattr(fitted, "predict_proba"):
        raise NotRunError("The classifier gives no probabilities.")
    with not_run_on_error("The classifier's probabilities cannot be had"):
        given = np.asarray(fitted.predict_proba(messages), dtype=np.float64)
    expected = len(messages), len(getattr(fitted, "classes_", given.T))
    if given.shape != expected or not np.isfinite(given).all():
        raise NotRunError(f"Got probabilities of shape {given.shape}, expected finite ones of shape {expected}.")
    return given.round(DECIMALS)


def log_losses(truth, classes, given):
    """Log-loss of each test chat in nats, probabilities at least 1e-6."""
    if message := unknown_categories("test", truth, classes, "the classifier lacks"):
        raise NotRunError(message.strip())
    own = pd.Index(classes).get_indexer(truth)
    return -log(np.clip(given[np.arange(len(truth)), own], 1e-6, 1))


def unknown_categories(side, truth, known, who_lacks):
    """A sentence, after a space, on the chats whose category is not known; "" without such chats."""
    new = truth[~np.isin(truth, known)]
    return f" {len(new):,} {side} chats have a category that {who_lacks}: {listed(new)}." if len(new) else ""


def rounded(value):
    """Round a number before it is compared, so that two that are equal but for their last bits are equal.

    Examples
    --------
    >>> rounded(0.1 + 0.2) == rounded(0.3)
    True
    """
    return round(float(value), DECIMALS)


def saved_share(differences, loss, errors):
    """Mean of paired differences as a share of a loss; the same with so many standard errors taken off."""
    low = differences.mean() - errors * differences.std(ddof=1) / np.sqrt(len(differences))
    return rounded(differences.mean() / loss), rounded(low / loss)


def signed(value, low, high):
    """A difference with its interval, in words.

    Examples
    --------
    >>> signed(0.1, -0.02, 0.22)
    '+0.100 (-0.020 to +0.220)'
    """
    return with_interval(value, low, high, "+.3f")
