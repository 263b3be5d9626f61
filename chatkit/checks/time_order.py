"""A split that ignores time, where time matters."""

import numpy as np
import pandas as pd
from sklearn.naive_bayes import ComplementNB

from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import not_run_on_error, require, signed
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
    require(len(before) + len(after), CHATS, "chats to part by time")
    counts, _ = run.words
    y = np.unique(np.concatenate([run.train_truth, run.truth]), return_inverse=True)[1]
    parts = np.array_split(np.argsort(pd.concat([before, after]).to_numpy(), kind="stable"), PARTS)
    rng, ahead = np.random.default_rng(run.seed), np.zeros(len(y))

    def hits(known, new):
        return ComplementNB().fit(counts[known], y[known]).predict(counts[new]) == y[new]

    for number in range(1, PARTS):
        earlier, own = np.concatenate(parts[:number]), parts[number]
        first = rng.permutation(run.conversations.max() + 1)[run.conversations[own]] % 2 == 0
        for new, other in ((own[first], own[~first]), (own[~first], own[first])):
            if len(new):
                sampled = rng.permutation(np.concatenate([earlier, other]))[: len(earlier)]
                ahead[new] = hits(sampled, new).astype(float) - hits(earlier, new)
    rows = np.concatenate(parts[1:])
    groups = np.unique(run.conversations[rows], return_inverse=True)[1]
    mean, low, high = run.interval(lambda weights: balanced_accuracy(y[rows], ahead[rows], weights), groups)
    explanation = (
        f"{late:.1%} of the test chats are no later than the last training chat. For naive Bayes a random split adds "
        f"{signed(mean, low, high)} to the balanced accuracy of one by time; a low end above {threshold:+.3f} warns."
    )
    return Result("warn" if low > threshold else "pass", explanation, mean, (low, high), threshold=threshold)


def _times(run):
    """When the training chats and the test chats were written, as times or numbers."""
    sides = []
    for chats in (run.train, run.test):
        times = chats.get("created_at", pd.Series(pd.NaT, chats.index))
        if not pd.api.types.is_numeric_dtype(times) and times.dtype.kind != "M":
            # Text as ISO 8601 only: elsewhere day and month may change places.
            with not_run_on_error("The column created_at is no time"):
                times = pd.to_datetime(times.astype(object), format="ISO8601")
        if times.isna().any():
            raise NotRunError("Some chats have no created_at; select it in the query.")
        sides.append(times)
    return sides
