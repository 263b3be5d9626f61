"""Test chats that differ from the training chats."""

import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from chatkit.checks.result import Result
from chatkit.checks.run import require, rounded
from chatkit.statistics import DECIMALS

TITLE = "Training and test chats are alike"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Find out what changed; train on later chats, and trust the scores on the latest ones only."
THRESHOLD, FAILURE = 0.6, 0.7  # area under the curve that is a warning, and a failure
CHATS, ROWS = 50, 2000  # of each side, at least and at most
FOLDS, WORDS = 5, 8
SHIFT, DRAWS, ALPHA = 0.05, 500, 0.01


def check(run, threshold=THRESHOLD):
    """Can a classifier tell training from test chats, and have the shares of the categories moved?

    The area under the ROC curve of a logistic regression on words, five folds of whole conversations: by the words of
    a conversation alone it would know the side of its other chats (D. Lopez-Paz and M. Oquab, "Revisiting
    Classifier Two-Sample Tests", ICLR 2017). The shares are compared by total variation with a permutation test.
    """
    rng = np.random.default_rng(run.seed)
    rows = [np.sort(rng.permutation(len(side))[:ROWS]) for side in (run.train, run.test)]
    require(min(map(len, rows)), CHATS, "chats on one side")
    y = np.repeat([0, 1], list(map(len, rows)))
    sample = np.concatenate([rows[0], len(run.train) + rows[1]])
    X, conversations = run.weights[sample], run.conversations[sample]
    for side in (conversations[y == 0], conversations[y == 1]):
        require(len(np.unique(side)), FOLDS, "conversations on one side")
    folds = PredefinedSplit(rng.permutation(conversations.max() + 1)[conversations] % FOLDS)
    classifier = SGDClassifier("log_loss", alpha=1e-4, max_iter=10, tol=None, average=True, random_state=run.seed)
    margins = cross_val_predict(classifier, X, y, cv=folds, method="decision_function")
    area = rounded(roc_auc_score(y, margins.round(DECIMALS)))
    shift, p_value = _label_shift(run, rng)
    explanation = (
        f"A classifier tells training from test chats with an area under the curve of {area:.2f} (0.5 is chance; more "
        f"than {threshold:.2f} is a warning, than {FAILURE:.2f} a failure). The shares of the categories differ by "
        f"{shift:.1%} (p = {p_value:.3f}); more than {SHIFT:.0%} with p below {ALPHA:g} is a warning.{run.unknown}"
    )
    evidence = []
    if area > threshold:
        order = np.argsort(classifier.fit(X, y).coef_[0].round(DECIMALS), kind="stable")
        evidence = [{"side": side, "typical words": ", ".join(map(str, run.words[1][columns]))}
                    for side, columns in (("training", order[:WORDS]), ("test", order[::-1][:WORDS]))]  # fmt: skip
    shifted = shift > SHIFT and p_value < ALPHA
    status = "fail" if area > FAILURE else "warn" if area > threshold or shifted else "pass"
    return Result(status, explanation, area, threshold=threshold, evidence=evidence)


def _label_shift(run, rng):
    """Total variation between the categories of both sides, and its p-value."""
    codes, train = np.unique(np.concatenate([run.train_truth, run.truth]), return_inverse=True)[1], len(run.train)

    def variation(codes):
        shares = (np.bincount(side, minlength=codes.max() + 1) / len(side) for side in (codes[:train], codes[train:]))
        return rounded(np.abs(np.subtract(*shares)).sum() / 2)

    observed = variation(codes)
    return observed, (1 + sum(variation(rng.permutation(codes)) >= observed for _ in range(DRAWS))) / (1 + DRAWS)
