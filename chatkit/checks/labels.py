"""Nearly the same text under two categories, and labels that are probably wrong."""

import numpy as np
import pandas as pd
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold

from chatkit.checks.neighbours import nearest
from chatkit.checks.result import DECIMALS, LEVEL, SHOWN, NotRunError, Result, settled
from chatkit.data.split import folded
from chatkit.scores.errors import likely_categories
from chatkit.statistics import wilson
from chatkit.text.mask import excerpt

TITLE = "Alike chats have the same label"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Read the candidates and have the wrong ones sorted again; agree on what decides between two categories."
ALIKE = 0.7  # cosine
WORDS = 4  # a shorter text says too little to be judged alone
FEWEST = 50  # pairs
CONFLICTS = 0.005  # share of training chats whose very text has two categories
ROWS, FOLDS = 6000, 3


def check(run):
    """How often a training chat and the one most similar to it have different labels.

    Unlike the number of chats that a classifier gets wrong, this does not grow with the difficulty of the categories:
    a share q of random wrong labels adds nearly 2q to it, whatever the set. Candidates for wrong labels are named by
    confident learning (C. Northcutt et al., JAIR 70, 2021).
    """
    y, whole = run.train_truth, folded(run.train)
    two = (pd.Series(y).groupby(whole).transform("nunique") > 1).to_numpy() & (whole != "").to_numpy()
    rows = np.sort(np.random.default_rng(run.seed).permutation(len(y))[:ROWS])
    weights, words = run.shingles
    some = weights[rows]
    cosine, position = nearest(some, some)
    pairs = np.flatnonzero((cosine >= ALIKE) & (words[rows] >= WORDS))
    candidates = _candidates(run, rows, y)
    limit, conflicts = run.thresholds["labels"], float(two.mean())
    if len(pairs) < FEWEST:
        if conflicts <= CONFLICTS:
            raise NotRunError(f"Only {len(pairs)} training chats have a similar one; {FEWEST} are needed.")
        share, interval = None, None
        said = f"Only {len(pairs)} training chats have a similar one."
    else:
        differ = int((y[rows[pairs]] != y[rows[position[pairs]]]).sum())
        share, *interval = map(settled, wilson(differ, len(pairs), LEVEL))
        said = (
            f"Of {len(pairs):,} training chats with a similar one {differ:,} ({share:.1%}) have another label than it; "
            f"more than {limit:.0%}, by the low end {interval[0]:.1%} of the interval, is a warning."
        )
    said += f" {two.sum():,} chats ({conflicts:.1%}) have a text that also has another label; {CONFLICTS:.1%} fails."
    status = "fail" if conflicts > CONFLICTS else "warn" if interval and interval[0] > limit else "pass"
    return Result(status, share, limit, said, interval and tuple(interval), candidates)


def _candidates(run, rows, y):
    """The training chats whose label is most in doubt, out of fold."""
    _, codes, sizes = np.unique(y[rows], return_inverse=True, return_counts=True)
    rows = rows[sizes[codes] >= FOLDS]
    names, codes = np.unique(y[rows], return_inverse=True)
    if len(names) < 2:
        return []
    X, given = run.weights[0][rows], np.zeros((len(rows), len(names)))
    for known, new in StratifiedKFold(FOLDS, shuffle=True, random_state=run.seed).split(X, codes):
        model = SGDClassifier("log_loss", alpha=1e-5, max_iter=10, tol=None, average=True, random_state=run.seed)
        given[np.ix_(new, np.unique(codes[known]))] = model.fit(X[known], codes[known]).predict_proba(X[new])
    given = given.round(DECIMALS)
    likely, probability, own = likely_categories(y[rows], given, names)
    margin = (probability - own).round(DECIMALS)
    order = np.flatnonzero(margin > 0)
    order = order[np.argsort(-margin[order], kind="stable")][:SHOWN]
    return [
        {"label": str(names[codes[at]]), "looks like": str(names[likely[at]]),
         "training chat": excerpt(run.texts[0][rows[at]])}
        for at in order
    ]  # fmt: skip
