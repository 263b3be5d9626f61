"""A model that a simpler one of the same kind beats."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone

from chatkit.checks.result import NotRunError, Result, as_categories, loss, probabilities, settled

TITLE = "No simpler setting does better on new chats"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Take the simpler setting; it is named by its parameters."
FEWEST = 30  # test chats
ERRORS = 2.6  # standard errors: one in a hundred, two settings tried
_STEPS = {
    "C": lambda value: value / 10,
    "max_depth": lambda value: max(1, value - 2),
    "min_df": lambda value: value * 3 if isinstance(value, Integral) else value,
}


def check(run):
    """Fit simpler siblings and compare their log-loss on the test chats, or their error rate.

    Simpler is a tenth of C, two levels less of max_depth with half of n_estimators, three times min_df: whichever
    parameters the pipeline has. In place of a search, what it chose is made simpler. The gap between training and test
    scores is no alarm by itself.
    """
    chosen = _without_searches(run.pipeline)
    siblings = _siblings(chosen.get_params() if hasattr(chosen, "get_params") else {})
    if not siblings:
        raise NotRunError("The pipeline has none of the parameters C, max_depth and min_df that could be simpler.")
    if len(run.test) < FEWEST:
        raise NotRunError(f"There are {len(run.test)} test chats; {FEWEST} are needed.")
    if hasattr(run.pipeline, "predict_proba"):
        unit, measure, ours = "log-loss", _log_loss, loss(run.truth, run.classes, run.probabilities)
    else:
        unit, measure, ours = "error rate", _error, (~run.hits).astype(float)
    evidence, found = [], []
    for parameters in siblings:
        saved = ours - run.refit(chosen, run.train, lambda copy: measure(run, copy), **parameters)
        mean, error = float(saved.mean()), float(saved.std(ddof=1) / np.sqrt(len(saved)))
        found.append([settled(value / max(ours.mean(), 1e-9)) for value in (mean, mean - ERRORS * error)])
        evidence.append({"simpler": ", ".join(f"{name}={value:g}" for name, value in parameters.items()),
                         "saves": f"{found[-1][0]:+.1%}", "at least": f"{found[-1][1]:+.1%}"})  # fmt: skip
    limit = run.thresholds["complexity"]
    best = max(share for share, _ in found)
    alarm = any(least > limit for _, least in found)
    said = (
        f"{len(siblings)} simpler settings were fitted; the best of them changes the {unit} on new chats by "
        f"{-best:+.1%} (ours: {ours.mean():.3f}). One that saves more than {limit:.0%}, with {ERRORS} standard "
        "errors taken off, fails."
    )
    return Result("fail" if alarm else "pass", best, limit, said, None, evidence)


def _without_searches(fitted):
    """The estimator with what its searches have chosen in place of them: a search would choose its parameters anew."""
    if hasattr(fitted, "best_estimator_"):
        return fitted.best_estimator_
    parts = fitted.get_params() if hasattr(fitted, "get_params") else {}
    chosen = {name: part.best_estimator_ for name, part in parts.items() if hasattr(part, "best_estimator_")}
    return clone(fitted).set_params(**chosen) if chosen else fitted


def _siblings(parameters):
    siblings = []
    # Searches that are fitted inside another estimator do not show what they chose.
    hidden = tuple(f"{name}__" for name, part in parameters.items() if hasattr(part, "refit"))
    for name, simpler in _STEPS.items():
        for full, value in sorted(parameters.items()):
            if full.rpartition("__")[2] != name or isinstance(value, bool) or not isinstance(value, Real):
                continue
            if full.startswith(hidden):
                continue
            changed = {full: simpler(value)}
            rounds = f"{full.removesuffix(name)}n_estimators"
            if name == "max_depth" and isinstance(parameters.get(rounds), Integral):
                changed[rounds] = max(1, parameters[rounds] // 2)
            if any(parameters[each] != new for each, new in changed.items()):
                siblings.append(changed)
    return siblings


def _log_loss(run, fitted):
    given = probabilities(fitted, run.messages(run.test))
    return loss(run.truth, as_categories(fitted.classes_), given)


def _error(run, fitted):
    return (as_categories(fitted.predict(run.messages(run.test))) != run.truth).astype(float)
