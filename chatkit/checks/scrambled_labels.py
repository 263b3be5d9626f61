"""A procedure that still scores when there is nothing to learn."""

import numpy as np
from sklearn.model_selection import StratifiedKFold

from chatkit.checks.result import LEVEL, NotRunError, Result, as_categories, foreign, listed
from chatkit.scores.metrics import balanced_accuracy
from chatkit.statistics import corrected_t
from chatkit.text.messages import MESSAGE

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
    names, first, sizes = np.unique(run.train_truth, return_index=True, return_counts=True)
    largest = np.sort(np.argsort(-sizes, kind="stable")[:CATEGORIES])
    # As the chats have them: some classifiers take numbers only.
    names = run.train["category"].array[first[largest]]
    size = min(ROWS, len(run.train))
    if len(names) < 2 or size < 2 * FOLDS * len(names):
        raise NotRunError(f"There are {size:,} training chats in {len(names)} categories, too few to be shared out.")
    rng = np.random.default_rng(run.seed)
    scores = []
    for number in range(SCRAMBLES):
        rows = np.sort(rng.permutation(len(run.train))[:size])
        sample = run.train.iloc[rows][MESSAGE].reset_index(drop=True)
        sample["category"] = names[rng.permutation(np.arange(size) % len(names))]
        labels, folds = as_categories(sample["category"]), []
        for known, new in StratifiedKFold(FOLDS, shuffle=True, random_state=number).split(sample, labels):
            # In order, so that a procedure that joins both sides sees one table.
            train, test = sample.iloc[known], sample.iloc[new]
            codes = np.unique(labels[new], return_inverse=True)[1]
            hits = (_procedure if run.procedure else _copy)(run, train, test) == labels[new]
            folds.append(balanced_accuracy(codes, hits) - 1 / len(names))
        scores.append(np.mean(folds))
    # Each scramble is a draw of its own: there is nothing to correct between them.
    mean, low, high = corrected_t(scores, 0, LEVEL)
    limit = run.thresholds["scrambled_labels"]
    looked = "the procedure" if run.procedure else "a copy of the pipeline, and no step outside of it,"
    said = (
        f"With scrambled categories {looked} is {mean:+.3f} from chance in balanced accuracy ({low:+.3f} to "
        f"{high:+.3f}, {SCRAMBLES} scrambles of {size:,} chats); the low end must not be above {limit:+.3f}."
    )
    return Result("fail" if low > limit else "pass", mean, limit, said, (low, high))


def _copy(run, train, test):
    """What a copy of the pipeline that learned from some chats says of others."""
    return as_categories(run.refit(run.pipeline, train, lambda copy: copy.predict(run.messages(test))))


def _procedure(run, train, test):
    """What the caller's procedure says, where it is categories of the test chats."""
    with foreign("The procedure failed"):
        said = run.procedure(train, test)
    if said is None or isinstance(said, str) or np.ndim(said) != 1 or len(said) != len(test):
        what = f"{len(said):,} values" if hasattr(said, "__len__") else type(said).__name__
        raise NotRunError(f"The procedure returned {what} for {len(test):,} test chats, expected a category for each.")
    answers = as_categories(said)
    if not np.isin(answers, as_categories(train["category"])).any():
        raise NotRunError(
            f"The procedure returned {listed(answers)}, and the chats that it was given have "
            f"{listed(as_categories(train['category']))}: expected a category for each test chat."
        )
    return answers
