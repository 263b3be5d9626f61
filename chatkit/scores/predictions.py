"""The predictions of a classifier for some chats, computed once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from chatkit.project import InputError
from chatkit.text.messages import MESSAGE
from chatkit.text.validation import as_frame


@dataclass(frozen=True)
class Predictions:
    """Categories and probabilities that a classifier gives chats.

    Parameters
    ----------
    predicted : ndarray of str of shape (n,)
    probabilities : ndarray of shape (n, k) or None
        None where the classifier gives none.
    classes : ndarray of str of shape (k,)
        Categories in the order of the columns.
    """

    predicted: np.ndarray
    probabilities: np.ndarray | None
    classes: np.ndarray

    @classmethod
    def of(cls, pipeline, chats):
        """Predict with a fitted pipeline.

        Parameters
        ----------
        pipeline : sklearn.pipeline.Pipeline
            Fitted on subject and body.
        chats : pandas.DataFrame
            With subject and body.

        Returns
        -------
        Predictions
        """
        chats = as_frame(chats)[MESSAGE]
        probabilities = pipeline.predict_proba(chats) if hasattr(pipeline, "predict_proba") else None
        return cls(pipeline.predict(chats), probabilities, pipeline.classes_)

    def probability_of(self, categories):
        """Probability of one category of each chat.

        Parameters
        ----------
        categories : str or array-like of str of shape (n,)

        Returns
        -------
        ndarray of float of shape (n,)
            0 for a category that the classifier does not know; NaN where it gives no probabilities.
        """
        categories = np.broadcast_to(np.asarray(categories, dtype=object), len(self.predicted))
        if self.probabilities is None:
            return np.full(len(categories), np.nan)
        columns = pd.Index(self.classes).get_indexer(categories)
        return np.where(columns < 0, 0.0, self.probabilities[np.arange(len(columns)), columns])

    def table(self):
        """Return the probabilities as a frame.

        Returns
        -------
        pandas.DataFrame of shape (n, k) or None
            A column for each category; None where the classifier gives none.
        """
        return None if self.probabilities is None else pd.DataFrame(self.probabilities, columns=self.classes)

    def answers(self, ids, every=False):
        """Return what the classifier says of each chat.

        Parameters
        ----------
        ids : pandas.Series of shape (n,)
        every : bool, default=False
            Give the probabilities of all categories, too.

        Returns
        -------
        pandas.DataFrame
            id, category, probability, and with `every` a column probability_NAME for each category, in the order of the
            classifier; with six decimals, empty where there are none.

        Raises
        ------
        InputError
            When all are asked for, and the classifier gives none.
        """
        frame = pd.DataFrame({"id": ids.to_numpy(), "category": self.predicted})
        frame["probability"] = np.round(self.probability_of(self.predicted), 6)
        if not every:
            return frame
        if self.probabilities is None:
            raise InputError("Got a model without probabilities, expected one that has some; leave --all out.")
        return frame.join(self.table().round(6).add_prefix("probability_"))

    def frame(self, chats):
        """Return a frame of the predictions beside the categories that people gave.

        Parameters
        ----------
        chats : pandas.DataFrame
            Those that were predicted, with id and category; with conversation_id where there is one.

        Returns
        -------
        pandas.DataFrame
            id, conversation_id, actual, predicted, probability, probability_of_actual, both with six decimals.
        """
        frame = chats[[name for name in ("id", "conversation_id") if name in chats]].reset_index(drop=True)
        return frame.assign(
            actual=chats["category"].to_numpy(),
            predicted=self.predicted,
            probability=np.round(self.probability_of(self.predicted), 6),
            probability_of_actual=np.round(self.probability_of(chats["category"]), 6),
        )
