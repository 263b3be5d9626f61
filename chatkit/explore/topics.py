"""What chats are about, whatever their category: groups with their words, and which of them can be relied on."""

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from chatkit.explore.tables import Shown, largest_shares
from chatkit.plots import style
from chatkit.project import InputError
from chatkit.statistics import DECIMALS

TOPICS = 20  # by default
RUNS = 5  # from as many starts
UNSTABLE = 0.6  # Jaccard index below which a topic is hardly found again
_DIMENSIONS = 100


def reduced(weights, seed):
    """Reduce TF-IDF weights to a hundred dimensions, in which chats with related words are near each other.

    Parameters
    ----------
    weights : scipy.sparse.csr_matrix of shape (n, d)
    seed : int

    Returns
    -------
    ndarray of shape (n, min(n, d, 100))
        Rows of length 1.
    """
    # One thread, here and below: the order in which several add numbers up decides the last bits.
    with threadpool_limits(1):
        svd = TruncatedSVD(min(_DIMENSIONS, *weights.shape), random_state=seed)
        return normalize(svd.fit_transform(weights))


class Topics(Shown):
    """Groups of chats with related words, the largest first: k-means on the main dimensions of their TF-IDF weights.

    It is run from five starts, and the tightest grouping counts. How stable a topic is, is the Jaccard index with the
    group most like it, on average over the other four (after C. Hennig, "Cluster-wise assessment of cluster stability",
    Computational Statistics & Data Analysis 52, 2007): below 0.6 it is a matter of chance.

    Parameters
    ----------
    chats : chatkit.explore.chats.Chats
    n : int, optional
        Topics; by default 20, fewer where there are few chats.

    Attributes
    ----------
    labels : ndarray of int
        Topic of each chat, from 1 up; 0 for a chat that has no word in common with another.
    table : pandas.DataFrame
        topic, chats, stable (from 0 to 1), words, categories (the largest), example (the most typical message).
    agreement : float
        Adjusted Rand index of the grouping with the other four, on average: 1 where they are the same.
    """

    def __init__(self, chats, n=None):
        self.chats = chats
        self._rows = chats.sample(len(chats))
        points = reduced(chats.weights[self._rows], chats.seed)
        different = len(np.unique(points.round(6), axis=0))
        n = max(1, min(TOPICS, different // 3)) if n is None else n
        if n not in range(1, different + 1):
            raise InputError(
                f"Got n={n!r}, expected a number from 1 to {different:,}, as many as there are different texts."
            )
        with threadpool_limits(1):
            runs = [KMeans(n, n_init=1, random_state=chats.seed + run).fit(points) for run in range(RUNS)]
        runs.sort(key=lambda run: run.inertia_)
        best, others = runs[0], [run.labels_ for run in runs[1:]]
        sizes = np.bincount(best.labels_, minlength=n)
        order = np.argsort(-sizes, kind="stable")
        self.labels = np.zeros(len(chats), int)
        self.labels[self._rows] = np.argsort(order)[best.labels_] + 1
        self.agreement = float(np.mean([adjusted_rand_score(best.labels_, other) for other in others]))
        stable = np.mean([_jaccard(best.labels_, other, n) for other in others], axis=0)[order].round(2)
        rows = [
            (topic, sizes[order[topic - 1]], stable[topic - 1], *self._described(topic)) for topic in range(1, n + 1)
        ]
        self.table = pd.DataFrame(rows, columns=["topic", "chats", "stable", "words", "categories", "example"])

    def chats_of(self, topic, n=10):
        """List chats of a topic, the most typical first.

        Parameters
        ----------
        topic : int
        n : int, default=10

        Returns
        -------
        pandas.DataFrame
            id, category, message.

        Raises
        ------
        InputError
            When there is no such topic.
        """
        rows = np.flatnonzero(self.labels == topic)
        if not len(rows):
            raise InputError(f"Got the topic {topic!r}, expected a number from 1 to {len(self.table)}.")
        weights = self.chats.weights[rows]
        typical = (weights @ np.asarray(weights.mean(axis=0)).ravel()).round(DECIMALS)
        return self.chats.table(rows[np.argsort(-typical, kind="stable")[:n]])

    def by_category(self):
        """Count the chats of each topic in each category.

        Returns
        -------
        pandas.DataFrame
            A row for each topic, a column for each category.
        """
        return pd.crosstab(pd.Series(self.labels, name="topic"), self.chats.frame["category"])

    def _described(self, topic):
        rows = np.flatnonzero(self.labels == topic)
        categories = largest_shares(self.chats.frame["category"].iloc[rows])
        return self.chats.distinct_words(rows), categories, self.chats_of(topic, 1)["message"].item()

    def _sentence(self):
        unstable = self.table.loc[self.table["stable"] < UNSTABLE, "topic"].astype(str)
        aside = len(self.chats) - len(self._rows)
        same = normalized_mutual_info_score(self.chats.frame["category"].astype(str), self.labels)
        return (
            f"{style.counted(len(self.table), 'topic')} in {style.chats(len(self._rows))}"
            f"{f' ({aside:,} have no word in common with another)' if aside else ''}. From other starts they come out "
            f"alike to {self.agreement:.2f} (adjusted Rand index; 1 is the same, 0 chance). Hardly found again: "
            f"{', '.join(unstable) or 'none'}. With today's categories they share {same:.2f} (normalised mutual "
            "information: 1 would be the categories themselves, 0 nothing of them)."
        )

    def _tables(self):
        return [self.table]


def _jaccard(labels, others, n):
    """For each group the largest Jaccard index with one of another grouping."""
    both = np.histogram2d(labels, others, bins=n, range=[[0, n], [0, n]])[0]
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
    return (both / np.maximum(either, 1)).max(axis=1)
