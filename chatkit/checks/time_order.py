"""A split that ignores time, where time matters."""

import numpy as np
import pandas as pd
from scipy.sparse import vstack
from sklearn.naive_bayes import ComplementNB

from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import not_run_on_error, signed
from chatkit.scores.metrics import balanced_accuracy

TITLE = "The scores hold for later chats too"
SEVERITY, LEAKAGE = "warn", "temporal leakage"
ADVICE = "Set split.strategy to 'time': the model will only ever meet chats later than those it was trained on."
THRESHOLD = 0.02  # balanced accuracy that a random split may flatter
PARTS = 6  # of the chats in order of time: each after the first is predicted from those before it
CHATS = 60  # at least, ten in each part


def check(run, threshold=THRESHOLD):
    """How much better a random split looks than one by time; nothing is to be said where the test is later.

    Naive Bayes stands in for the model. Each chat is predicted twice: from the chats of earlier parts, and from as many
    drawn at random among these and the other half of its own part (A. Søgaard et al., "We Need To Talk About Random
    Splits", EACL 2021). Halves are of whole conversations, and whole conversations are drawn again for the interval.
    """
    before, after = _times(run)
    with not_run_on_error("The created_at of the training and the test chats cannot be compared"):
        late = (after <= before.max()).mean()
    if late == 0:
        return Result("pass", "Every test chat is later than all training chats.", 0.0, threshold=threshold)
    if len(before) + len(after) < CHATS:
        raise NotRunError(f"There are {len(before) + len(after)} chats; {CHATS} are needed to part them by time.")
    counts = vstack(run.words[:2]).tocsr()
    y = np.unique(np.concatenate([run.train_truth, run.truth]), return_inverse=True)[1]
    parts = np.array_split(np.argsort(pd.concat([before, after]).to_numpy(), kind="stable"), PARTS)
    rng, rows, ahead = np.random.default_rng(run.seed), [], []

    def hits(known, new):
        return ComplementNB().fit(counts[known], y[known]).predict(counts[new]) == y[new]

    for number in range(1, PARTS):
        earlier, own = np.concatenate(parts[:number]), parts[number]
        first = rng.permutation(run.conversations.max() + 1)[run.conversations[own]] % 2 == 0
        for new, other in ((own[first], own[~first]), (own[~first], own[first])):
            if len(new):
                sampled = rng.permutation(np.concatenate([earlier, other]))[: len(earlier)]
                rows.append(new)
                ahead.append(hits(sampled, new).astype(float) - hits(earlier, new))
    rows, ahead = np.concatenate(rows), np.concatenate(ahead)

    def gain(weights):
        return balanced_accuracy(y[rows], ahead, weights)

    mean, low, high = run.interval(gain, np.unique(run.conversations[rows], return_inverse=True)[1])
    explanation = (
        f"{late:.1%} of the test chats are no later than the last training chat. With naive Bayes a random split "
        f"scores {signed(mean, low, high)} in balanced accuracy from a split by time; a low end above {threshold:+.3f} "
        "is too much."
    )
    return Result("warn" if low > threshold else "pass", explanation, mean, (low, high), threshold=threshold)


def _times(run):
    """When the training chats and the test chats were written, as times or numbers."""
    sides, missing = [], NotRunError("Some chats have no created_at; select it in the query.")
    for chats in (run.train, run.test):
        if "created_at" not in chats.columns:
            raise missing
        times = chats["created_at"]
        if not pd.api.types.is_numeric_dtype(times) and times.dtype.kind != "M":
            # Text as ISO 8601 only: elsewhere day and month may change places.
            with not_run_on_error("The column created_at is no time"):
                times = pd.to_datetime(times.astype(object), format="ISO8601")
        if times.isna().any():
            raise missing
        sides.append(times)
    return sides
