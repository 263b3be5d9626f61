"""A model that is no better than a far simpler one."""

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import f1_score
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import Pipeline

from chatkit.evaluation.checks.result import MESSAGE, Result
from chatkit.text.messages import MessagePreprocessor

TITLE = "The model beats naive Bayes"
DRAWS = 200


def check(run):
    """Paired bootstrap of the macro-F1 over complement naive Bayes on plain words (Rennie et al., ICML 2003)."""
    simple = Pipeline(
        [("preprocess", MessagePreprocessor()), ("counts", CountVectorizer()), ("classifier", ComplementNB())]
    ).fit(run.train[MESSAGE], run.train["category"])
    truth = np.asarray(run.test["category"], dtype=str)
    pair = [np.asarray(predicted, dtype=str) for predicted in (run.predictions, simple.predict(run.test[MESSAGE]))]
    rng = np.random.default_rng(run.seed)

    def gain(rows):
        ours, theirs = (f1_score(truth[rows], predicted[rows], average="macro", zero_division=0) for predicted in pair)
        return ours - theirs

    low, high = np.quantile([gain(rng.integers(len(truth), size=len(truth))) for _ in range(DRAWS)], [0.025, 0.975])
    limit = run.thresholds["simple"]
    statistic = gain(slice(None))
    said = (
        f"Macro-F1 is {statistic:+.3f} from that of naive Bayes (95 % interval {low:+.3f} to {high:+.3f}); "
        f"the low end must be above {limit:+.3f}."
    )
    if low > limit:
        return Result(statistic, limit, "pass", said)
    return Result(
        statistic,
        limit,
        "warn",
        f"{said} Take the simpler model, or find out why.",
    )
