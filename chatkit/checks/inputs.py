"""What `run_checks` is given: refused in one sentence, or brought into one form."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from chatkit.checks.run import Run, listed
from chatkit.model.base import Number
from chatkit.project import InputError, did_you_mean
from chatkit.text.messages import MESSAGE
from chatkit.text.validation import as_frame, as_texts

NEEDED = [*MESSAGE, "category"]
USED = [*NEEDED, "conversation_id", "customer_id", "created_at"]
_SEED, _THRESHOLD = Number(0, 2**32 - 1, whole=True), Number(-1, 1)
_ONE_KIND = {"string", "boolean", "integer", "floating", "mixed-integer-float"}  # of labels, as pandas names them


def checked_codes(only, known):
    """Return the codes of the checks to run, all for None, or raise an InputError."""
    if only is None:
        return list(known)
    codes = list(only) if isinstance(only, Iterable) and not isinstance(only, str) else []
    if not codes:
        raise InputError(f"Got only={only!r}, expected a list of checks, such as only=['{next(iter(known))}'].")
    _refuse_others("the check", codes, known)
    return codes


def checked_thresholds(thresholds, known):
    """Return thresholds by check code, none for None, or raise an InputError."""
    if thresholds is None:
        return {}
    if not isinstance(thresholds, Mapping):
        raise InputError(f"Got thresholds={thresholds!r}, expected a dict of numbers by check code.")
    _refuse_others("a threshold for", thresholds, known)
    for code, value in thresholds.items():
        if not _THRESHOLD.allows(value):
            raise InputError(f"Got {value!r} as the threshold of {code}, expected a number from -1 to 1: 0.05 is 5 %.")
    return thresholds


def _refuse_others(what, codes, known):
    for code in codes:
        if code not in known:
            hint = did_you_mean(code, known) or "."
            raise InputError(f"Got {what} {code!r}, expected checks among {', '.join(known)}{hint}")


def checked_run(pipeline, train, test, seed, procedure):
    """Return what the checks look at, or raise an InputError where it cannot be or the categories are others."""
    if not _SEED.allows(seed):
        raise InputError(f"Got seed={seed!r}, expected {_SEED}.")
    run = Run(pipeline, _checked_chats("train", train), _checked_chats("test", test), int(seed), procedure)
    if hasattr(run.pipeline, "classes_"):
        known, sides = run.classes, {"training": run.train_truth, "test": run.truth}
    else:
        known, sides = run.predictions, {"training and test": np.concatenate([run.train_truth, run.truth])}
    for side, truth in sides.items():
        if not np.isin(truth, known).any():
            categories = f"the categories {listed(known)}, and the {side} chats have {listed(truth)}: none is in both"
            raise InputError(f"The classifier knows {categories}; give chats with the labels that it was fitted on.")
    return run


def _checked_chats(side, chats):
    """Return the chats of a side, "train" or "test", with text in every row and an index from 0, or an InputError."""
    chats = as_frame(chats)
    if not isinstance(chats, pd.DataFrame):
        raise InputError(f"Got {side} as {type(chats).__name__}, expected a DataFrame of chats.")
    if not len(chats) or not set(NEEDED) <= set(chats.columns):
        columns, expected = ", ".join(map(str, chats.columns)), ", ".join(NEEDED)
        raise InputError(f"Got {side} with {len(chats):,} rows of {columns}, expected at least one, with {expected}.")
    for name in set(USED).intersection(chats.columns[chats.columns.duplicated()]):
        raise InputError(f"Got {side} with more than one column {name!r}, expected one; drop or rename the others.")
    labels = chats["category"].astype(object)
    if missing := labels.isna().sum():
        unlabelled = f"{missing:,} of {len(labels):,} chats without a category"
        raise InputError(f"Got {side} with {unlabelled}; leave them out, or label them first.")
    if pd.api.types.infer_dtype(labels) not in _ONE_KIND:
        examples = " and ".join(repr(label) for label in {type(label): label for label in labels}.values())
        raise InputError(f"Got {side} with categories such as {examples}, expected all text or all numbers.")
    return chats.assign(**{name: _text(side, chats[name]) for name in MESSAGE}).reset_index(drop=True)


def _text(side, column):
    """A column as texts, "" where one is missing."""
    try:
        texts = as_texts(column.astype(object))
    except ValueError as error:
        raise InputError(f"Got {side} with a column {column.name} that is not all text: {error}") from None
    # Half of a character in UTF-16 cannot be written as UTF-8.
    return [text.encode("utf-8", "replace").decode() for text in texts]
