"""A chat's subject and body as one string."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from chatkit.text.clean import STEPS, clean, is_forward
from chatkit.text.scripts import without_halves
from chatkit.text.tokens import BOUNDARY
from chatkit.text.validation import StatelessTextMixin, as_frame, as_texts

MESSAGE = ["subject", "body"]  # columns of a chat's text
JOINT = f"\n{BOUNDARY}\n"  # between subject and body: no run of words crosses it


@dataclass(eq=False, repr=False)
class MessagePreprocessor(StatelessTextMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    r"""Join subject and body into one string, the subject repeated.

    A word of the subject tends to be worth more than one of the body; repeated, it has more weight. Between the parts
    stands a boundary, a control character on a line of its own, so that no pair of words is made of two of them.

    Parameters
    ----------
    subject_weight : int, default=1
        How often the subject is put in front of the body. 0 leaves it out.
    clean : list of str, default=()
        What to cut from both first: some of html, tickets, quotes, signatures, disclaimers, see
        `chatkit.text.clean.clean`. Where the subject says that a mail was forwarded, no quotes are cut.

    Attributes
    ----------
    n_features_in_ : int
        2: of the columns of a frame, subject and body are used, whatever else it has.
    feature_names_in_ : ndarray of shape (2,)
        Also after rows without names: a first column is the subject, a second one the body.

    Examples
    --------
    >>> import pandas as pd
    >>> chats = pd.DataFrame({"subject": ["Lost card"], "body": ["I left it in a taxi."]})
    >>> MessagePreprocessor(subject_weight=2).fit_transform(chats)[0]
    'Lost card\n\x17\nLost card\n\x17\nI left it in a taxi.'
    """

    subject_weight: int = 1
    clean: list | tuple = ()

    _column = "message"

    def fit(self, X, y=None):
        """Check the parameters and the chats; nothing is learned.

        Parameters
        ----------
        X : DataFrame with the columns subject and body, or array-like of shape (n, 2)
            Chats, as in `transform`.
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
        self._check_clean()
        self._columns(X)
        self.n_features_in_, self.feature_names_in_ = len(MESSAGE), np.array(MESSAGE, dtype=object)
        return self

    def transform(self, X):
        """Join subject and body.

        Parameters
        ----------
        X : DataFrame with the columns subject and body, list of dict with these keys, or array-like of shape (n, 2)
            Chats, of pandas, polars or pyarrow; in an array the first column is the subject. None and NaN count as
            empty.

        Returns
        -------
        ndarray of shape (n,), dtype object
            One string a chat: the subject `subject_weight` times and the body, with a boundary between them.
        """
        rows = [JOINT.join([subject] * self.subject_weight + [body]) for subject, body in self.cleaned(X)]
        return np.array(rows, dtype=object)

    def cleaned(self, X):
        """Return subject and body of each chat as the model reads them.

        Parameters
        ----------
        X : DataFrame with the columns subject and body, or array-like of shape (n, 2)
            Chats, as in `transform`.

        Returns
        -------
        list of (str, str)
        """
        self._check_clean()
        subjects, bodies = self._columns(X)
        if not self.clean:
            return list(zip(subjects, bodies, strict=True))
        whole = [name for name in self.clean if name != "quotes"]
        subjects = [clean(subject, self.clean) for subject in subjects]
        return [
            (subject, clean(body, whole if is_forward(subject) else self.clean))
            for subject, body in zip(subjects, bodies, strict=True)
        ]

    def _check_clean(self):
        if not isinstance(self.clean, list | tuple) or not all(name in [*STEPS] for name in self.clean):
            raise ValueError(
                f"Got clean={self.clean!r}, expected a list of some of {', '.join(STEPS)}; [] cuts nothing."
            )

    @staticmethod
    def _columns(X):
        X = as_frame(X)
        if isinstance(X, Mapping):
            raise ValueError("Got one dict, expected a list of chats; put it into a list.")
        if isinstance(X, list) and X and isinstance(X[0], Mapping):
            for row, chat in enumerate(X):
                if not isinstance(chat, Mapping) or not set(MESSAGE) <= chat.keys():
                    got = ", ".join(map(str, chat)) if isinstance(chat, Mapping) else type(chat).__name__
                    raise ValueError(f"Row {row} has {got or 'nothing'}, expected a dict with subject and body.")
            columns = [[chat[name] for chat in X] for name in MESSAGE]
        elif hasattr(X, "columns"):
            missing = [name for name in MESSAGE if name not in X.columns]
            if missing:
                raise ValueError(
                    f"Got the columns {', '.join(map(str, X.columns))}, but {', '.join(missing)} is missing; expected "
                    "chats with subject and body."
                )
            columns = [X[name] for name in MESSAGE]
            for name, column in zip(MESSAGE, columns, strict=True):
                if column.ndim != 1:
                    raise ValueError(f"Got more than one column {name!r}, expected one; drop or rename the others.")
        else:
            columns = np.asarray(X, dtype=object).T
            if columns.ndim != 2 or len(columns) != 2:
                raise ValueError(
                    f"Got an array of shape {columns.shape[::-1]}, expected (n, 2): a subject and a body in each row, "
                    "or a DataFrame with these columns."
                )
        return [as_texts(column, f"In column {name}: ") for name, column in zip(MESSAGE, columns, strict=True)]


def texts(chats):
    """Return one string a chat, subject and body, as people read it and a frame can hold it."""
    return [without_halves(text.replace(JOINT, "\n")).strip() for text in MessagePreprocessor().transform(chats)]
