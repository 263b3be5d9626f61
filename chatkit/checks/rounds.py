"""Boosting that went on after it had stopped to help."""

import numpy as np

from chatkit.checks.result import DECIMALS, NotRunError, Result, foreign, loss, settled
from chatkit.scores.metrics import staged_predict_proba

TITLE = "Boosting stopped in time"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Boost for fewer rounds, or stop early on chats held out of the training ones."
FEWEST = 30  # chats on each half
ERRORS = 2.4  # standard errors: one in a hundred


def check(run):
    """Find the best round on one half of the test chats and measure on the other what the later ones cost."""
    if len(run.test) < 2 * FEWEST:
        raise NotRunError(f"There are {len(run.test)} test chats; {2 * FEWEST} are needed, a half to choose the round.")
    with foreign("The rounds of the classifier cannot be seen"):
        staged = staged_predict_proba(run.pipeline, run.messages(run.test))
        losses = np.array([loss(run.truth, run.classes, given) for given in staged or ()])
    if staged is None:
        raise NotRunError("The classifier is not boosted, or does not show its rounds.")
    if len(losses) < 2:
        raise NotRunError("The classifier has fewer than two rounds.")
    half = np.random.default_rng(run.seed).permutation(len(run.truth)) % 2 == 0
    best = int(losses[:, half].mean(axis=1).round(DECIMALS).argmin())
    regret = losses[-1, ~half] - losses[best, ~half]
    share = settled(regret.mean() / losses[best, ~half].mean())
    error = regret.std(ddof=1) / np.sqrt(len(regret))
    least = settled((regret.mean() - ERRORS * error) / losses[best, ~half].mean())
    limit = run.thresholds["rounds"]
    said = (
        f"On one half of the test chats round {best + 1} of {len(losses)} is best; on the other half the last round's "
        f"log-loss is {share:+.1%} from it, at least {least:+.1%} with {ERRORS} standard errors taken off; more than "
        f"{limit:.0%} fails."
    )
    return Result("fail" if least > limit else "pass", share, limit, said)
