"""A model that a simpler one of the same kind beats."""

import numpy as np

from chatkit.evaluation.checks.result import NotRunError, Result, loss, probabilities

TITLE = "No simpler setting does better on new chats"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Take the simpler setting; it is named by its parameters."
ERRORS = 2.6  # standard errors: one in a hundred, two settings tried
_STEPS = {
    "C": lambda value: value / 10,
    "max_depth": lambda value: max(1, value - 2),
    "min_df": lambda value: value * 3 if isinstance(value, int) else value,
}


def check(run):
    """Fit simpler siblings and compare their log-loss on the test chats, or their error rate.

    Simpler is a tenth of C, two levels less of max_depth with half of n_estimators, three times min_df: whichever
    parameters the pipeline has. The gap between training and test scores is no alarm by itself.
    """
    siblings = _siblings(run.pipeline.get_params() if hasattr(run.pipeline, "get_params") else {})
    if not siblings:
        raise NotRunError("The pipeline has none of the parameters C, max_depth and min_df that could be simpler.")
    if hasattr(run.pipeline, "predict_proba"):
        unit, measure, ours = "log-loss", _log_loss, loss(run.truth, run.classes, run.probabilities)
    else:
        unit, measure, ours = "error rate", _error, (~run.hits).astype(float)
    evidence, found = [], []
    for parameters in siblings:
        saved = ours - measure(run, run.refit(run.train, **parameters))
        mean, error = float(saved.mean()), float(saved.std(ddof=1) / np.sqrt(len(saved)))
        found.append([value / max(ours.mean(), 1e-9) for value in (mean, mean - ERRORS * error)])
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


def _siblings(parameters):
    siblings = []
    for name, simpler in _STEPS.items():
        for full, value in sorted(parameters.items()):
            if full.rpartition("__")[2] != name or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            changed = {full: simpler(value)}
            rounds = f"{full.removesuffix(name)}n_estimators"
            if name == "max_depth" and isinstance(parameters.get(rounds), int):
                changed[rounds] = max(1, parameters[rounds] // 2)
            if any(parameters[each] != new for each, new in changed.items()):
                siblings.append(changed)
    return siblings


def _log_loss(run, fitted):
    given = probabilities(fitted, run.messages(run.test))
    return loss(run.truth, np.asarray(fitted.classes_, dtype=str), given)


def _error(run, fitted):
    return (np.asarray(fitted.predict(run.messages(run.test)), dtype=str) != run.truth).astype(float)
