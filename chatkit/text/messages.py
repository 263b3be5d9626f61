"""A chat's subject and body as one string."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from chatkit.text.validation import TextInputMixin, as_texts

MESSAGE = ["subject", "body"]  # columns of a chat's text


class MessagePreprocessor(TextInputMixin, TransformerMixin, BaseEstimator):
    r"""Join subject and body into one string, the subject repeated.

    A subject tends to say more than as many words of the body, so repeating it gives its words more weight.

    Parameters
    ----------
    subject_weight : int, default=1
        How often the subject stands in front of the body. 0 leaves it out.

    Examples
    --------
    >>> import pandas as pd
    >>> chats = pd.DataFrame({"subject": ["Lost card"], "body": ["I left it in a taxi."]})
    >>> MessagePreprocessor(subject_weight=2).fit_transform(chats)[0]
    'Lost card\nLost card\nI left it in a taxi.'
    """

    def __init__(self, subject_weight=1):
        self.subject_weight = subject_weight

    def fit(self, X, y=None):
        """Check the parameters and the first rows; nothing is learned.

        Parameters
        ----------
        X : pandas.DataFrame or array-like of shape (n, 2)
            Chats.
        y : ignored

        Returns
        -------
        MessagePreprocessor
        """
        if not isinstance(self.subject_weight, int | np.integer) or self.subject_weight < 0:
            raise ValueError(
                f"Got subject_weight={self.subject_weight!r}, expected a whole number from 0 up; it says how often "
                "the subject is repeated."
            )
        self._columns(X)
        return self

    def transform(self, X):
        """Join subject and body.

        Parameters
        ----------
        X : pandas.DataFrame with the columns subject and body, or array-like of shape (n, 2)
            Chats; in an array the first column is the subject. None and NaN count as empty.

        Returns
        -------
        ndarray of shape (n,), dtype object
            One string a chat: the subject `subject_weight` times and the body, each on a line of its own.
        """
        subjects, bodies = self._columns(X)
        joined = np.empty(len(bodies), dtype=object)
        repeat = self.subject_weight
        joined[:] = ["\n".join([subject] * repeat + [body]) for subject, body in zip(subjects, bodies, strict=True)]
        return joined

    @staticmethod
    def _columns(X):
        if hasattr(X, "columns"):
            missing = [name for name in ("subject", "body") if name not in X.columns]
            if missing:
                raise ValueError(
                    f"Got the columns {', '.join(map(str, X.columns))}, but {', '.join(missing)} is missing; expected "
                    "chats with subject and body."
                )
            columns = X["subject"], X["body"]
        else:
            rows = np.asarray(X, dtype=object)
            if rows.ndim != 2 or rows.shape[1] != 2:
                raise ValueError(
                    f"Got an array of shape {rows.shape}, expected (n, 2): a subject and a body in each row, or a "
                    "DataFrame with these columns."
                )
            columns = rows[:, 0], rows[:, 1]
        texts = []
        for name, column in zip(("subject", "body"), columns, strict=True):
            try:
                texts.append(as_texts(column))
            except ValueError as error:
                raise ValueError(f"In column {name}: {error}") from None
        return texts

    def get_feature_names_out(self, input_features=None):
        """Return the name of the one output column.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of shape (1,)
        """
        return np.array(["message"], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def texts(chats):
    """Return one string a chat, subject and body."""
    return [text.strip() for text in MessagePreprocessor().transform(chats)]
