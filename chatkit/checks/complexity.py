"""A model that a simpler one of the same kind beats."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone

from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import as_categories, classes_of, log_losses, parameters_of, probabilities, require, saved_share

TITLE = "No simpler setting does better on new chats"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Take the simpler setting; it is named by its parameters."
THRESHOLD = 0.05  # share of the log-loss that a simpler setting may save
TEST_CHATS = 30  # at least
ERRORS = 2.6  # standard errors: one in a hundred, two settings tried
_SIMPLER = {
    "C": lambda value: value / 10,
    "max_depth": lambda value: max(1, value - 2),
    "min_df": lambda value: value * 3 if isinstance(value, Integral) else value,
}


def check(run, threshold=THRESHOLD):
    """Fit simpler siblings and compare their log-loss on the test chats, or their error rate.

    Simpler is a tenth of C, two levels less of max_depth with half of n_estimators, three times min_df: whichever
    parameters the pipeline has. In place of a search, what it chose is made simpler. The gap between training and test
    scores is no alarm by itself.
    """
    estimator = _without_searches(run.pipeline)
    siblings = _siblings(parameters_of(estimator))
    if not siblings:
        raise NotRunError("The pipeline has none of the parameters C, max_depth and min_df that could be simpler.")
    require(len(run.test), TEST_CHATS, "test chats")
    losses = _losses(run, run.pipeline)
    saved, evidence = [], []
    for sibling in siblings:
        gain = losses - run.refit(estimator, run.train, lambda copy: _losses(run, copy), **sibling)
        share, low = saved_share(gain, max(losses.mean(), 1e-9), ERRORS)
        saved.append((share, low))
        simpler = ", ".join(f"{name}={value:g}" for name, value in sibling.items())
        evidence.append({"simpler": simpler, "saves": f"{share:+.1%}", "at least": f"{low:+.1%}"})
    best, largest_low = np.max(saved, axis=0)
    unit = "log-loss" if hasattr(run.pipeline, "predict_proba") else "error rate"
    explanation = (
        f"The best of {len(siblings)} simpler settings changes the {unit} on new chats by {-best:+.1%} (ours: "
        f"{losses.mean():.3f}); saving more than {threshold:.0%}, with {ERRORS} standard errors taken off, fails."
    )
    status = "fail" if largest_low > threshold else "pass"
    return Result(status, explanation, best, threshold=threshold, evidence=evidence)


def _without_searches(fitted):
    """The estimator with what its searches have chosen in place of them: a search would choose its parameters anew."""
    if hasattr(fitted, "best_estimator_"):
        return fitted.best_estimator_
    searches = {name: part for name, part in parameters_of(fitted).items() if hasattr(part, "best_estimator_")}
    chosen = {name: search.best_estimator_ for name, search in searches.items()}
    return clone(fitted).set_params(**chosen) if chosen else fitted


def _siblings(parameters):
    """Parameters to set for each simpler sibling."""
    # Searches that are fitted inside another estimator do not show what they chose.
    hidden = tuple(f"{name}__" for name, part in parameters.items() if hasattr(part, "refit"))
    visible = {name: value for name, value in sorted(parameters.items()) if not name.startswith(hidden)}
    numbers = {
        name: value for name, value in visible.items() if isinstance(value, Real) and not isinstance(value, bool)
    }
    siblings = []
    for name, simpler in _SIMPLER.items():
        for full in (full for full in numbers if full.rpartition("__")[2] == name):
            sibling, rounds = {full: simpler(numbers[full])}, f"{full.removesuffix(name)}n_estimators"
            if name == "max_depth" and rounds in numbers:
                sibling[rounds] = max(1, numbers[rounds] // 2)
            siblings.append(sibling)
    return [sibling for sibling in siblings if not sibling.items() <= numbers.items()]


def _losses(run, fitted):
    """Log-loss of each test chat or, of a classifier without probabilities, whether it is wrong."""
    messages = run.messages(run.test)
    if hasattr(fitted, "predict_proba"):
        return log_losses(run.truth, classes_of(fitted), probabilities(fitted, messages))
    return (as_categories(fitted.predict(messages)) != run.truth).astype(float)
