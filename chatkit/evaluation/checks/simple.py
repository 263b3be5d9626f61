"""A model that is no better than a far simpler one."""

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import f1_score
from sklearn.naive_bayes import ComplementNB
from sklearn.tree import DecisionTreeClassifier

from chatkit.evaluation.checks.result import Result
from chatkit.evaluation.checks.statistics import LEVEL

TITLE = "The model beats the simple ones"
SEVERITY, LEAKAGE = "warn", None
ADVICE = "Take the simpler model, or find out why the larger one learns no more."
DRAWS = 300


def check(run):
    """Paired bootstrap of the macro-F1 over the best simple model.

    The simple ones: always the largest category; a tree on the length of subject and body; complement naive Bayes on
    plain words (J. Rennie et al., ICML 2003).
    """
    known, new, _ = run.words
    sizes = [np.array([[len(s), len(b)] for s, b in zip(chats["subject"], chats["body"], strict=True)])
             for chats in (run.train, run.test)]  # fmt: skip
    simple = {
        "largest category": (DummyClassifier(), sizes),
        "length alone": (DecisionTreeClassifier(max_leaf_nodes=16, random_state=0), sizes),
        "naive Bayes": (ComplementNB(), (known, new)),
    }
    predicted = {
        name: np.asarray(model.fit(X, run.train["category"]).predict(X_new), dtype=str)
        for name, (model, (X, X_new)) in simple.items()
    }
    scores = {name: _macro_f1(run.truth, given) for name, given in predicted.items()}
    best = max(scores, key=scores.get)
    rng = np.random.default_rng(run.seed)

    def gain(rows):
        return _macro_f1(run.truth[rows], run.predictions[rows]) - _macro_f1(run.truth[rows], predicted[best][rows])

    rows = (rng.integers(len(run.truth), size=len(run.truth)) for _ in range(DRAWS))
    low, high = map(float, np.quantile([gain(drawn) for drawn in rows], [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    limit, statistic = run.thresholds["simple"], float(gain(slice(None)))
    said = (
        f"Macro-F1 is {statistic:+.3f} from that of the best simple model, {best} ({low:+.3f} to {high:+.3f}); it "
        f"must be above {limit:+.3f}."
    )
    evidence = [{"simple model": name, "macro-F1": round(score, 3)} for name, score in scores.items()]
    return Result("pass" if statistic > limit else "warn", statistic, limit, said, (low, high), evidence)


def _macro_f1(truth, predicted):
    return float(f1_score(truth, predicted, average="macro", zero_division=0))
