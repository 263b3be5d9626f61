"""Nearly the same text under two categories, and labels that are probably wrong."""

import numpy as np
import pandas as pd
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from chatkit.checks.neighbours import nearest
from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import LEVEL, SHOWN, rounded
from chatkit.data.split import folded
from chatkit.scores.errors import likely_categories
from chatkit.statistics import DECIMALS, wilson
from chatkit.text.clean import excerpt

TITLE = "Alike chats have the same label"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Read the candidates and have the wrong ones labelled again; agree on what decides between two categories."
THRESHOLD = 0.25  # share of alike chats with different labels
ALIKE = 0.7  # cosine
WORDS = 4  # a shorter text says too little to be judged alone
PAIRS = 50  # at least
CONFLICTS = 0.005  # share of training chats whose very text has two categories
ROWS, FOLDS = 6000, 3


def check(run, threshold=THRESHOLD):
    """How often a training chat and the one most similar to it have different labels.

    Unlike the number of chats that a classifier gets wrong, this does not grow with the difficulty of the categories:
    a share q of random wrong labels adds nearly 2q to it, whatever the set. Candidates for wrong labels are named by
    confident learning (C. Northcutt et al., JAIR 70, 2021).
    """
    y, text = run.train_truth, folded(run.train)
    in_conflict = (pd.Series(y).groupby(text).transform("nunique") > 1).to_numpy() & (text != "").to_numpy()
    rows = np.sort(np.random.default_rng(run.seed).permutation(len(y))[:ROWS])
    weights, words = run.shingles
    sample = weights[rows]
    cosine, neighbour = nearest(sample, sample)
    pairs = np.flatnonzero((cosine >= ALIKE) & (words[rows] >= WORDS))
    conflicts, share, interval = float(in_conflict.mean()), None, None
    explanation = f"Only {len(pairs)} training chats have a similar one"
    if len(pairs) >= PAIRS:
        differ = int((y[rows[pairs]] != y[rows[neighbour[pairs]]]).sum())
        share, *interval = map(rounded, wilson(differ, len(pairs), LEVEL))
        explanation = (
            f"Of {len(pairs):,} training chats with a similar one {differ:,} ({share:.1%}) have another label than it; "
            f"more than {threshold:.0%}, by the low end {interval[0]:.1%} of the interval, is a warning"
        )
    elif conflicts <= CONFLICTS:
        raise NotRunError(f"{explanation}; {PAIRS} are needed.")
    explanation += f". {in_conflict.sum():,} chats ({conflicts:.1%}) have a text with two labels, {CONFLICTS:.1%} fail."
    status = "fail" if conflicts > CONFLICTS else "warn" if interval and interval[0] > threshold else "pass"
    candidates = _candidates(run, rows, y)
    return Result(status, explanation, share, interval and tuple(interval), None, threshold, candidates)


def _candidates(run, rows, y):
    """The training chats whose label is most in doubt, out of fold."""
    rows = rows[pd.Series(y[rows]).groupby(y[rows]).transform("size") >= FOLDS]
    names, codes = np.unique(y[rows], return_inverse=True)
    if len(names) < 2:
        return []
    model = SGDClassifier("log_loss", alpha=1e-5, max_iter=10, tol=None, average=True, random_state=run.seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=run.seed)
    given = cross_val_predict(model, run.weights[rows], codes, cv=folds, method="predict_proba").round(DECIMALS)
    likely, probability, own = likely_categories(y[rows], given, names)
    margin = (probability - own).round(DECIMALS)
    return [
        {"label": str(names[codes[at]]), "looks like": str(names[likely[at]]),
         "training chat": excerpt(run.texts[rows[at]])}
        for at in np.argsort(-margin, kind="stable")[:SHOWN] if margin[at] > 0
    ]  # fmt: skip
