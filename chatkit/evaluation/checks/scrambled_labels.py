"""A procedure that still scores when there is nothing to learn."""

import numpy as np
from sklearn.model_selection import StratifiedKFold

from chatkit.evaluation.checks.result import MESSAGE, NotRunError, Result
from chatkit.evaluation.checks.statistics import corrected_t
from chatkit.evaluation.intervals import balanced_accuracy

TITLE = "With scrambled labels nothing is learned"
SEVERITY, LEAKAGE = "fail", "selection on all rows, test rows included"
ADVICE = "Put every step that looks at categories, selection and tuning included, inside the pipeline or the folds."
ROWS = 900
CATEGORIES = 5  # with more, each would have too few chats for anything to be seen
SCRAMBLES, FOLDS = 5, 2


def check(run):
    """Give the chats categories at random, run the whole procedure, and compare balanced accuracy with chance.

    The chats are shared out evenly among the largest categories, at most five. With a `procedure`, selection and tuning
    outside the pipeline are seen too: it gets training and test chats whose categories are scrambled alike. Without
    one, a copy of the pipeline is fitted on the training chats of each fold.
    """
    names, sizes = np.unique(run.train_truth, return_counts=True)
    names = np.sort(names[np.argsort(-sizes, kind="stable")[:CATEGORIES]])
    size = min(ROWS, len(run.train))
    if len(names) < 2 or size < 2 * FOLDS * len(names):
        raise NotRunError(f"There are {size:,} training chats in {len(names)} categories, too few to be shared out.")
    rng = np.random.default_rng(run.seed)
    procedure = run.procedure or (lambda train, test: run.refit(train).predict(run.messages(test)))
    scores = []
    for number in range(SCRAMBLES):
        rows = np.sort(rng.permutation(len(run.train))[:size])
        sample = run.train.iloc[rows][MESSAGE].reset_index(drop=True)
        sample["category"] = rng.permutation(names[np.arange(size) % len(names)])
        folds = []
        for known, new in StratifiedKFold(FOLDS, shuffle=True, random_state=number).split(sample, sample["category"]):
            # In order, so that a procedure that joins both sides sees one table.
            train, test = sample.iloc[known], sample.iloc[new]
            truth, codes = np.unique(test["category"], return_inverse=True)
            hits = np.asarray(procedure(train, test), dtype=str) == truth[codes]
            folds.append(balanced_accuracy(codes, hits) - 1 / len(names))
        scores.append(np.mean(folds))
    # Each scramble is a draw of its own: there is nothing to correct between them.
    mean, low, high = corrected_t(scores, 0)
    limit = run.thresholds["scrambled_labels"]
    looked = "the procedure" if run.procedure else "a copy of the pipeline, and no step outside of it,"
    said = (
        f"With scrambled categories {looked} is {mean:+.3f} from chance in balanced accuracy ({low:+.3f} to "
        f"{high:+.3f}, {SCRAMBLES} scrambles of {size:,} chats); the low end must not be above {limit:+.3f}."
    )
    return Result("fail" if low > limit else "pass", mean, limit, said, (low, high))
