"""A model that is no better than a far simpler one."""

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.tree import DecisionTreeClassifier

from chatkit.checks.result import DECIMALS, NotRunError, Result, as_categories, interval
from chatkit.scores.metrics import macro_f1

TITLE = "The model beats trivial ones, and naive Bayes is not ahead"
SEVERITY, LEAKAGE = "warn", None
ADVICE = "Take the simpler model, or find out why the larger one learns no more."
FEWEST = 30  # test chats
AHEAD = 0.02  # macro-F1 by which naive Bayes may be shown to be ahead


def check(run):
    """Paired bootstrap of the macro-F1 against simple models.

    Two are trivial, and the model must be shown to beat them: always the largest category, and a tree on the length of
    subject and body. Complement naive Bayes on plain words (J. Rennie et al., ICML 2003) is a fair rival on few chats:
    it must only not be shown to beat the model.
    """
    if len(run.test) < FEWEST:
        raise NotRunError(f"There are {len(run.test)} test chats; {FEWEST} are needed.")
    known, new, _ = run.words
    sizes = [np.array([[len(s), len(b)] for s, b in zip(chats["subject"], chats["body"], strict=True)])
             for chats in (run.train, run.test)]  # fmt: skip
    rivals = {
        "largest category": (DummyClassifier(), sizes),
        "length alone": (DecisionTreeClassifier(max_leaf_nodes=16, random_state=0), sizes),
        "naive Bayes": (ComplementNB(), (known, new)),
    }
    given = [run.predictions] + [
        as_categories(model.fit(X, run.train["category"]).predict(X_new)) for model, (X, X_new) in rivals.values()
    ]

    codes = np.unique(np.concatenate([run.truth, *given]), return_inverse=True)[1]
    truth, *given = np.split(codes, 1 + len(given))

    def scores(weights=None):
        return np.array([macro_f1(truth, one, weights) for one in given])

    def ahead(weights):
        found = scores(weights)
        return found[0] - found[1:]

    found = scores().round(DECIMALS)
    gains, low, high = interval(ahead, run.conversations[len(run.train) :], run.seed)
    limit, best = run.thresholds["simple"], int(found[1:3].argmax())
    beaten = low[best] > limit and high[2] >= -AHEAD
    said = (
        f"Macro-F1 is {gains[best]:+.3f} from that of the better trivial model, {list(rivals)[best]} "
        f"({low[best]:+.3f} to {high[best]:+.3f}), and {gains[2]:+.3f} from naive Bayes ({low[2]:+.3f} to "
        f"{high[2]:+.3f}). The first low end must be above {limit:+.3f}, the second high end not below {-AHEAD:+.2f}."
        f"{run.unknown}"
    )
    evidence = [{"simple model": name, "macro-F1": round(float(score), 3)}
                for name, score in zip(rivals, found[1:], strict=True)]  # fmt: skip
    return Result(
        "pass" if beaten else "warn", float(gains[best]), limit, said, (float(low[best]), float(high[best])), evidence
    )
