"""What a check looks at, and what it says."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
from sklearn.pipeline import Pipeline

MESSAGE = ["subject", "body"]
STATUSES = ("pass", "warn", "fail", "not_run")


class NotRunError(Exception):
    """A check cannot say anything about this run; the text says why."""


@dataclass(frozen=True)
class Result:
    """The answer of a check.

    Parameters
    ----------
    statistic : float or None
        What was measured.
    threshold : float or None
        What it was compared with.
    status : {"pass", "warn", "fail", "not_run"}
    explanation : str
        One or two sentences with the numbers, and what to do.
    """

    statistic: float | None
    threshold: float | None
    status: str
    explanation: str


@dataclass(frozen=True)
class Run:
    """A fitted pipeline with the chats it was trained and is tested on.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted on subject and body.
    train, test : pandas.DataFrame
        With subject, body and category.
    thresholds : dict of str to float
        By check code.
    seed : int
    """

    pipeline: Pipeline
    train: pd.DataFrame
    test: pd.DataFrame
    thresholds: dict
    seed: int = 0

    @cached_property
    def predictions(self):
        """Categories that the pipeline gives the test chats, worked out once for all checks."""
        return self.pipeline.predict(self.test[MESSAGE])
