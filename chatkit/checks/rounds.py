"""Boosting that went on after it had stopped to help."""

import numpy as np

from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import log_losses, not_run_on_error, require, saved_share
from chatkit.scores.metrics import staged_predict_proba
from chatkit.statistics import DECIMALS

TITLE = "Boosting stopped in time"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Boost for fewer rounds, or stop early on chats held out of the training ones."
THRESHOLD = 0.05  # share of the log-loss that too many rounds may cost
TEST_CHATS = 60  # at least: one half to choose the round, one to judge it
ERRORS = 2.4  # standard errors: one in a hundred


def check(run, threshold=THRESHOLD):
    """Find the best round on one half of the test chats and measure on the other what the later ones cost."""
    require(len(run.test), TEST_CHATS, "test chats")
    with not_run_on_error("The rounds of the classifier cannot be seen"):
        staged = staged_predict_proba(run.pipeline, run.messages(run.test))
        losses = np.array([log_losses(run.truth, run.classes, given) for given in staged or ()])
    if len(losses) < 2:
        raise NotRunError("The classifier is not boosted, kept fewer than two rounds, or does not show its rounds.")
    half = np.random.default_rng(run.seed).permutation(len(run.truth)) % 2 == 0
    best = int(losses[:, half].mean(axis=1).round(DECIMALS).argmin())
    regret, loss = losses[-1, ~half] - losses[best, ~half], losses[best, ~half].mean()
    share, low = saved_share(regret, loss, ERRORS)
    explanation = (
        f"Round {best + 1} of {len(losses)} is best on one half of the test chats; on the other half the last log-loss "
        f"is {share:+.1%} from it, {low:+.1%} with {ERRORS} standard errors taken off; more than {threshold:.0%} fails."
    )
    return Result("fail" if low > threshold else "pass", explanation, share, threshold=threshold)
