"""A procedure that still scores when there is nothing to learn."""

import numpy as np
from sklearn.model_selection import StratifiedKFold

from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import LEVEL, as_categories, listed, not_run_on_error, signed
from chatkit.scores.metrics import balanced_accuracy
from chatkit.statistics import corrected_t
from chatkit.text.messages import MESSAGE

TITLE = "With scrambled labels nothing is learned"
SEVERITY, LEAKAGE = "fail", "selection on all rows, test rows included"
ADVICE = "Put every step that looks at categories, selection and tuning included, inside the pipeline or the folds."
THRESHOLD = 0.02  # balanced accuracy above chance with scrambled labels
ROWS = 900
CATEGORIES = 5  # with more, each would have too few chats for anything to be seen
SCRAMBLES, FOLDS = 5, 2


def check(run, threshold=THRESHOLD):
    """Give the chats categories at random, run the whole procedure, and compare balanced accuracy with chance.

    The chats are shared out evenly among the largest categories, at most five. With a `procedure`, selection and tuning
    outside the pipeline are seen too: it gets training and test chats whose categories are scrambled alike. Without
    one, a copy of the pipeline is fitted on the training chats of each fold.
    """
    _, first, sizes = np.unique(run.train_truth, return_index=True, return_counts=True)
    largest = np.sort(np.argsort(-sizes, kind="stable")[:CATEGORIES])
    # As the chats have them: some classifiers take numbers only.
    names = run.train["category"].array[first[largest]]
    size = min(ROWS, len(run.train))
    if len(names) < 2 or size < 2 * FOLDS * len(names):
        raise NotRunError(f"There are {size:,} training chats in {len(names)} categories, too few to be shared out.")
    rng, scores = np.random.default_rng(run.seed), []
    for number in range(SCRAMBLES):
        rows = np.sort(rng.permutation(len(run.train))[:size])
        sample = run.train.iloc[rows][MESSAGE].reset_index(drop=True)
        sample["category"] = names[rng.permutation(np.arange(size) % len(names))]
        labels, folds = as_categories(sample["category"]), []
        for known, new in StratifiedKFold(FOLDS, shuffle=True, random_state=number).split(sample, labels):
            # In order, so that a procedure that joins both sides sees one table.
            hits = _predicted(run, sample.iloc[known], sample.iloc[new]) == labels[new]
            folds.append(balanced_accuracy(np.unique(labels[new], return_inverse=True)[1], hits) - 1 / len(names))
        scores.append(np.mean(folds))
    # Each scramble is a draw of its own: there is nothing to correct between them.
    mean, low, high = corrected_t(scores, 0, LEVEL)
    what = "the procedure" if run.procedure else "a copy of the pipeline, and no step outside of it,"
    explanation = (
        f"With scrambled categories {what} is {signed(mean, low, high)} from chance in balanced accuracy ({SCRAMBLES} "
        f"scrambles of {size:,} chats); the low end must not be above {threshold:+.3f}."
    )
    return Result("fail" if low > threshold else "pass", explanation, mean, (low, high), threshold=threshold)


def _predicted(run, train, test):
    """Categories of the test chats from the caller's procedure or, without one, from a copy of the pipeline."""
    if not run.procedure:
        return as_categories(run.refit(run.pipeline, train, lambda copy: copy.predict(run.messages(test))))
    with not_run_on_error("The procedure failed"):
        given = run.procedure(train, test)
        shape = np.shape(given)
    kind, expected = type(given).__name__, "expected a category for each"
    if shape != (len(test),):
        raise NotRunError(f"The procedure returned a {kind} of shape {shape} for {len(test):,} test chats, {expected}.")
    predictions, known = as_categories(given), as_categories(train["category"])
    if not np.isin(predictions, known).any():
        chats = f"the chats that it was given have {listed(known)}"
        raise NotRunError(f"The procedure returned {listed(predictions)}, and {chats}, {expected}.")
    return predictions
