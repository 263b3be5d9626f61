"""Test chats that differ from the training chats."""

import numpy as np
from scipy.sparse import vstack
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score

from chatkit.checks.result import DECIMALS, NotRunError, Result, settled

TITLE = "Training and test chats are alike"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Find out what changed; train on later chats, and trust the scores on the latest ones only."
FAR = 0.70  # AUC
ROWS, FOLDS, WORDS, FEWEST = 2000, 5, 8, 50
SHIFT, DRAWS, ALPHA = 0.05, 500, 0.01


def check(run):
    """Can a classifier tell training from test chats, and have the shares of the categories moved?

    The area under the ROC curve of a logistic regression on words, five folds of whole conversations: by the words of
    a conversation alone it would know the side of its other chats (D. Lopez-Paz and M. Oquab, "Revisiting
    Classifier Two-Sample Tests", ICLR 2017). The shares are compared by total variation with a permutation test.
    """
    rng = np.random.default_rng(run.seed)
    rows = [np.sort(rng.permutation(side.shape[0])[:ROWS]) for side in run.weights]
    if min(map(len, rows)) < FEWEST:
        raise NotRunError(f"One side has fewer than {FEWEST} chats.")
    X = vstack([side[some] for side, some in zip(run.weights, rows, strict=True)]).tocsr()
    y = np.repeat([0, 1], list(map(len, rows)))
    conversations = run.conversations[np.concatenate([rows[0], len(run.train) + rows[1]])]
    folds, told = rng.permutation(conversations.max() + 1)[conversations] % FOLDS, np.zeros(len(y))
    for fold in range(FOLDS):
        new = folds == fold
        told[new] = _classifier(run).fit(X[~new], y[~new]).decision_function(X[new])
    area, limit = settled(roc_auc_score(y, told.round(DECIMALS))), run.thresholds["drift"]
    shift, p = _label_shift(run, rng)
    said = (
        f"A classifier tells training from test chats with an area under the curve of {area:.2f} (0.5 is chance; more "
        f"than {limit:.2f} is a warning, than {FAR:.2f} a failure). The shares of the categories differ by {shift:.1%} "
        f"(p = {p:.3f}); more than {SHIFT:.0%} with p below {ALPHA:g} is a warning.{run.unknown}"
    )
    evidence = []
    if area > limit:
        weights = _classifier(run).fit(X, y).coef_[0].round(DECIMALS)
        names, order = run.words[2], np.argsort(weights, kind="stable")
        evidence = [{"side": side, "telling words": ", ".join(map(str, names[some]))}
                    for side, some in (("training", order[:WORDS]), ("test", order[::-1][:WORDS]))]  # fmt: skip
    shifted = shift > SHIFT and p < ALPHA
    status = "fail" if area > FAR else "warn" if area > limit or shifted else "pass"
    return Result(status, area, limit, said, None, evidence)


def _classifier(run):
    return SGDClassifier("log_loss", alpha=1e-4, max_iter=10, tol=None, average=True, random_state=run.seed)


def _label_shift(run, rng):
    y = np.concatenate([run.train_truth, run.truth])
    codes, first = np.unique(y, return_inverse=True)[1], len(run.train)

    def variation(codes):
        sides = (np.bincount(side, minlength=codes.max() + 1) / len(side) for side in (codes[:first], codes[first:]))
        return settled(np.abs(np.subtract(*sides)).sum() / 2)

    observed = variation(codes)
    as_far = sum(variation(rng.permutation(codes)) >= observed for _ in range(DRAWS))
    return observed, (1 + as_far) / (1 + DRAWS)
