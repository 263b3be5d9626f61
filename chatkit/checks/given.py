"""What `run_checks` is given: refused in one sentence, or brought into one form."""

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real

import numpy as np
import pandas as pd

from chatkit.checks.result import as_categories, listed
from chatkit.project import InputError
from chatkit.text.messages import MESSAGE

NEEDED = [*MESSAGE, "category"]
USED = [*NEEDED, "conversation_id", "customer_id", "created_at"]


def checked_codes(only, known):
    """Return the codes of the checks to run, all for None, or raise an InputError."""
    if only is None:
        return list(known)
    codes = list(only) if isinstance(only, Iterable) and not isinstance(only, str) else []
    if not codes:
        raise InputError(f"Got only={only!r}, expected a list of checks, such as only=['{known[0]}'].")
    _refuse_others("the check", codes, known)
    return codes


def checked_thresholds(thresholds, known):
    """Return thresholds by check code, or raise an InputError."""
    if thresholds is None:
        return {}
    if not isinstance(thresholds, Mapping):
        raise InputError(f"Got thresholds={thresholds!r}, expected a dict of numbers by check code.")
    _refuse_others("a threshold for", thresholds, known)
    for code, value in thresholds.items():
        if isinstance(value, bool) or not isinstance(value, Real) or math.isnan(value) or not -1 <= value <= 1:
            raise InputError(f"Got {value!r} as the threshold of {code}, expected a number of at most 1: 0.05 is 5 %.")
    return dict(thresholds)


def _refuse_others(what, codes, known):
    for code in codes:
        if code not in known:
            raise InputError(f"Got {what} {code!r}, expected checks among {', '.join(known)}.")


def checked_seed(seed):
    """Return the seed, or raise an InputError when it is no whole number from 0 up to 2 ** 32 - 1."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**32:
        raise InputError(f"Got seed={seed!r}, expected a whole number from 0 to {2**32 - 1}.")
    return int(seed)


def checked_chats(side, chats):
    """Return chats with text in every row, index starting at 0, or raise an InputError.

    Parameters
    ----------
    side : {"train", "test"}
    chats : pandas.DataFrame
        With subject, body and category.

    Returns
    -------
    pandas.DataFrame
    """
    if not isinstance(chats, pd.DataFrame):
        how = f"; give {side}.to_pandas()" if hasattr(chats, "to_pandas") else ""
        raise InputError(
            f"Got {side} as {type(chats).__name__}, expected a pandas DataFrame with subject, body and category{how}."
        )
    if not len(chats) or not set(NEEDED) <= set(chats.columns):
        raise InputError(
            f"Got {side} with {len(chats):,} rows and the columns {', '.join(map(str, chats.columns))}, expected rows "
            "with subject, body and category."
        )
    for name in USED:
        if name in chats.columns and not isinstance(chats[name], pd.Series):
            raise InputError(f"Got {side} with more than one column {name!r}, expected one; drop or rename the others.")
    _refuse_odd_labels(side, chats["category"])
    return chats.assign(**{name: _text(side, chats[name]) for name in MESSAGE}).reset_index(drop=True)


def _refuse_odd_labels(side, labels):
    missing = int(labels.isna().sum())
    if missing:
        raise InputError(
            f"Got {side} with {missing:,} of {len(labels):,} chats without a category; leave them out, or have them "
            "sorted first."
        )
    kinds = ["text" if isinstance(label, str) else "number" if isinstance(label, Real | np.bool_) else "neither"
             for label in labels]  # fmt: skip
    if set(kinds) not in ({"text"}, {"number"}):
        shown = " and ".join(map(repr, dict(zip(kinds, labels, strict=True)).values()))
        raise InputError(f"Got {side} with categories such as {shown}, expected all text or all numbers.")


def _text(side, column):
    """A column of text, "" where nothing is given."""
    if not pd.api.types.is_string_dtype(column.dtype):  # a categorical, or a column of gaps only
        column = column.astype(object)
    column = column.fillna("")
    # Half of a character in UTF-16 cannot be written as UTF-8.
    whole = [value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for value in column]
    if whole != column.tolist():
        column = pd.Series(whole, column.index, object, column.name)
    for row, value in enumerate(column):
        if not isinstance(value, str):
            raise InputError(
                f"Got {value!r:.40} ({type(value).__name__}) as {column.name} of row {row} of {side}, expected text; "
                "write numbers as text first."
            )
    return column


def refuse_other_categories(run):
    """Raise an InputError where classifier and chats have no category in common, or the predictions are no categories.

    Parameters
    ----------
    run : chatkit.checks.result.Run
    """
    if run.predictions.shape != run.truth.shape:
        raise InputError(
            f"Got predictions of shape {run.predictions.shape} for {len(run.test):,} test chats, expected one category "
            "a chat."
        )
    if hasattr(run.pipeline, "classes_"):
        known, sides = as_categories(run.pipeline.classes_), {"training": run.train_truth, "test": run.truth}
    else:
        known, sides = run.predictions, {"training and test": np.concatenate([run.train_truth, run.truth])}
    for side, truth in sides.items():
        if not np.isin(truth, known).any():
            raise InputError(
                f"The classifier knows the categories {listed(known)}, and the {side} chats have {listed(truth)}: none "
                "is in both; give chats with the labels that it was fitted on."
            )
