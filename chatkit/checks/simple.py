"""A model that is no better than a far simpler one."""

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.tree import DecisionTreeClassifier

from chatkit.checks.result import Result
from chatkit.checks.run import as_categories, require, signed
from chatkit.scores.metrics import category_codes, macro_f1
from chatkit.statistics import DECIMALS
from chatkit.text.messages import MESSAGE

TITLE = "The model beats trivial ones, and naive Bayes is not ahead"
SEVERITY, LEAKAGE = "warn", None
ADVICE = "Take the simpler model, or find out why the larger one learns no more."
THRESHOLD = 0.0  # macro-F1 that must be gained over the better trivial model
TEST_CHATS = 30  # at least
AHEAD = 0.02  # macro-F1 by which naive Bayes may be shown to be ahead


def check(run, threshold=THRESHOLD):
    """Paired bootstrap of the macro-F1 against simple models.

    Two are trivial, and the model must be shown to beat them: always the largest category, and a tree on the length of
    subject and body. Complement naive Bayes on plain words (J. Rennie et al., ICML 2003) is a fair rival on few chats:
    it must only not be shown to beat the model.
    """
    require(len(run.test), TEST_CHATS, "test chats")
    lengths = [np.array([chats[name].str.len() for name in MESSAGE]).T for chats in (run.train, run.test)]
    counts, known = run.words[0], len(run.train)
    rivals = {
        "largest category": (DummyClassifier(), lengths),
        "length alone": (DecisionTreeClassifier(max_leaf_nodes=16, random_state=0), lengths),
        "naive Bayes": (ComplementNB(), (counts[:known], counts[known:])),
    }
    predictions = [run.predictions] + [
        as_categories(model.fit(X, run.train["category"]).predict(X_new)) for model, (X, X_new) in rivals.values()
    ]
    _, truth, *predictions = category_codes(run.truth, *predictions)

    def scores(weights=None):
        return np.array([macro_f1(truth, predicted, weights) for predicted in predictions])

    def ahead(weights):
        ours, *others = scores(weights)
        return ours - np.array(others)

    _, *others = scores().round(DECIMALS)
    (*trivial, bayes) = np.transpose(run.interval(ahead))  # value, low and high of each difference
    best = int(np.argmax(others[:2]))
    gain, low, high = map(float, trivial[best])
    beaten = low > threshold and bayes[2] >= -AHEAD
    explanation = (
        f"Macro-F1 is {signed(gain, low, high)} from that of the better trivial model, {list(rivals)[best]}, and "
        f"{signed(*bayes)} from naive Bayes. The first low end must be above {threshold:+.3f}, the second high end not "
        f"below {-AHEAD:+.2f}.{run.unknown}"
    )
    evidence = [{"simple model": name, "macro-F1": round(float(score), 3)}
                for name, score in zip(rivals, others, strict=True)]  # fmt: skip
    return Result("pass" if beaten else "warn", explanation, gain, (low, high), None, threshold, evidence)
