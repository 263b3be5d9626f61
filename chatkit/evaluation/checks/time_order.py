"""A split that ignores time, where time matters."""

import numpy as np
import pandas as pd
from scipy.sparse import vstack
from sklearn.metrics import balanced_accuracy_score
from sklearn.naive_bayes import ComplementNB

from chatkit.evaluation.checks.result import NotRunError, Result
from chatkit.evaluation.checks.statistics import corrected_t

TITLE = "The scores hold for later chats too"
SEVERITY, LEAKAGE = "warn", "temporal leakage"
ADVICE = "Set split.strategy to 'time': the model will only ever meet chats later than those it was trained on."
PARTS = 6  # of the chats in order of time: each after the first is predicted from those before it


def check(run):
    """How much better a random split looks than one by time; nothing is to be said where the test is later.

    Naive Bayes stands in for the model: it is fitted on the earlier chats and scored on the next part, and the same
    with as many chats drawn at random (A. Søgaard et al., "We Need To Talk About Random Splits", EACL 2021).
    """
    limit = run.thresholds["time_order"]
    for chats in (run.train, run.test):
        if "created_at" not in chats.columns or chats["created_at"].isna().any():
            raise NotRunError("Some chats have no created_at; select it in the query.")
    late = float((run.test["created_at"] <= run.train["created_at"].max()).mean())
    if late == 0:
        return Result("pass", 0.0, limit, "Every test chat is later than all training chats.")
    known, new, _ = run.words
    counts = vstack([known, new]).tocsr()
    y = np.concatenate([run.train_truth, run.truth])
    by_time = np.argsort(pd.concat([run.train["created_at"], run.test["created_at"]]).to_numpy(), kind="stable")
    rng = np.random.default_rng(run.seed)
    parts = np.array_split(by_time, PARTS)
    gains, share = [], []
    for number in range(1, PARTS):
        earlier, later = np.concatenate(parts[:number]), parts[number]
        drawn = rng.permutation(np.concatenate([earlier, later]))
        gains.append(
            _score(counts, y, drawn[: len(earlier)], drawn[len(earlier) :]) - _score(counts, y, earlier, later)
        )
        share.append(len(later) / len(earlier))
    mean, low, high = corrected_t(gains, float(np.mean(share)))
    said = (
        f"{late:.1%} of the test chats are no later than the last training chat. With naive Bayes a random split "
        f"scores {mean:+.3f} in balanced accuracy from a split by time ({low:+.3f} to {high:+.3f}); above {limit:+.3f} "
        "with a low end above 0 is too much."
    )
    return Result("warn" if mean > limit and low > 0 else "pass", mean, limit, said, (low, high))


def _score(counts, y, known, new):
    new = new[np.isin(y[new], y[known])]
    if not len(new):
        return 0.0
    return balanced_accuracy_score(y[new], ComplementNB().fit(counts[known], y[known]).predict(counts[new]))
