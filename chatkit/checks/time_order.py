"""A split that ignores time, where time matters."""

import numpy as np
import pandas as pd
from scipy.sparse import vstack
from sklearn.naive_bayes import ComplementNB

from chatkit.checks.result import NotRunError, Result, foreign, interval
from chatkit.scores.metrics import balanced_accuracy

TITLE = "The scores hold for later chats too"
SEVERITY, LEAKAGE = "warn", "temporal leakage"
ADVICE = "Set split.strategy to 'time': the model will only ever meet chats later than those it was trained on."
PARTS = 6  # of the chats in order of time: each after the first is predicted from those before it

FEWEST = 60  # chats, ten in each part


def check(run):
    """How much better a random split looks than one by time; nothing is to be said where the test is later.

    Naive Bayes stands in for the model. Each chat is predicted twice: from the chats of earlier parts, and from as many
    drawn at random among these and the other half of its own part (A. Søgaard et al., "We Need To Talk About Random
    Splits", EACL 2021). Halves are of whole conversations, and whole conversations are drawn again for the interval.
    """
    limit = run.thresholds["time_order"]
    before, after = _times(run)
    late = float((after <= before.max()).mean())
    if late == 0:
        return Result("pass", 0.0, limit, "Every test chat is later than all training chats.")
    if len(before) + len(after) < FEWEST:
        raise NotRunError(f"There are {len(before) + len(after)} chats; {FEWEST} are needed to part them by time.")
    known, new, _ = run.words
    counts = vstack([known, new]).tocsr()
    y = np.unique(np.concatenate([run.train_truth, run.truth]), return_inverse=True)[1]
    by_time = np.argsort(pd.concat([before, after]).to_numpy(), kind="stable")
    rng = np.random.default_rng(run.seed)
    parts, rows, ahead = np.array_split(by_time, PARTS), [], []
    for number in range(1, PARTS):
        earlier, own = np.concatenate(parts[:number]), parts[number]
        first = rng.permutation(run.conversations.max() + 1)[run.conversations[own]] % 2 == 0
        for unseen, seen in ((own[first], own[~first]), (own[~first], own[first])):
            if not len(unseen):
                continue
            drawn = rng.permutation(np.concatenate([earlier, seen]))[: len(earlier)]
            by_chance, by_order = (_hits(counts, y, some, unseen) for some in (drawn, earlier))
            rows.append(unseen)
            ahead.append(by_chance.astype(float) - by_order)
    rows, ahead = np.concatenate(rows), np.concatenate(ahead)
    codes = y[rows]

    def gain(weights):
        return balanced_accuracy(codes, ahead, weights)

    mean, low, high = interval(gain, np.unique(run.conversations[rows], return_inverse=True)[1], run.seed)
    said = (
        f"{late:.1%} of the test chats are no later than the last training chat. With naive Bayes a random split "
        f"scores {mean:+.3f} in balanced accuracy from a split by time ({low:+.3f} to {high:+.3f}); a low end above "
        f"{limit:+.3f} is too much."
    )
    return Result("warn" if low > limit else "pass", mean, limit, said, (low, high))


def _times(run):
    """When the training chats and the test chats were written, in a form that can be compared."""
    found, kinds, lack = [], set(), NotRunError("Some chats have no created_at; select it in the query.")
    for chats in (run.train, run.test):
        if "created_at" not in chats.columns:
            raise lack
        times = chats["created_at"]
        if not pd.api.types.is_numeric_dtype(times) and times.dtype.kind != "M":
            # Text as ISO 8601 only: elsewhere day and month may change places.
            with foreign("The column created_at is no time"):
                times = pd.to_datetime(times.astype(object), format="ISO8601")
        if times.isna().any():
            raise lack
        zone = times.dtype.kind == "M" and times.dt.tz is not None
        kinds.add("times with a time zone" if zone else "times without one" if times.dtype.kind == "M" else "numbers")
        found.append(times)
    if len(kinds) > 1:
        raise NotRunError(f"Got {' and '.join(sorted(kinds))} as created_at, expected the same on both sides.")
    return found


def _hits(counts, y, known, new):
    return ComplementNB().fit(counts[known], y[known]).predict(counts[new]) == y[new]
