"""Probabilities that do not say how often the model is right."""

import numpy as np

from chatkit.checks.result import DECIMALS, NotRunError, Result, settled

TITLE = "The probabilities can be believed"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Calibrate on training chats (scikit-learn's CalibratedClassifierCV), or use the categories only."
DRAWS, BINS, ALPHA = 300, 10, 0.01


def check(run):
    """Classwise calibration error against draws from the model's own probabilities.

    With few test chats even perfect probabilities have a calibration error, so labels are drawn from the model's
    probabilities and the error of the true labels is compared with theirs (J. Vaicenavicius et al., "Evaluating Model
    Calibration in Classification", AISTATS 2019).
    """
    given, limit = run.probabilities, run.thresholds["calibration"]
    place = {category: number for number, category in enumerate(run.classes)}
    kept = np.isin(run.truth, run.classes)
    if not kept.any():
        raise NotRunError("No test chat has a category that the classifier knows.")
    given, truth = given[kept], np.array([place[category] for category in run.truth[kept]])
    given = (given / given.sum(axis=1, keepdims=True)).round(DECIMALS)
    observed = _error(given, truth)
    rng, steps = np.random.default_rng(run.seed), np.cumsum(given, axis=1)
    steps[:, -1] = 1.0
    null = [_error(given, (steps < rng.random((len(steps), 1))).sum(axis=1)) for _ in range(DRAWS)]
    brier = float(((given - np.eye(given.shape[1])[truth]) ** 2).sum(axis=1).mean())
    usual, most = float(np.mean(null)), float(np.quantile(null, 1 - ALPHA))
    above = settled(observed - most)
    said = (
        f"Probabilities and frequencies differ by {observed:.3f}; perfect probabilities would by {usual:.3f} on as "
        f"many chats, by at most {most:.3f} in {1 - ALPHA:.0%} of draws. More than {limit:g} above that fails. Brier "
        f"score {brier:.3f}.{run.unknown}"
    )
    return Result("fail" if above > limit else "pass", above, limit, said)


def _error(given, truth):
    """Half the distance between probability and frequency, summed over categories and bins of their probability."""
    rows, categories = given.shape
    bins = np.minimum((given * BINS).astype(int), BINS - 1) + BINS * np.arange(categories)
    said = np.bincount(bins.ravel(), given.ravel(), minlength=BINS * categories)
    happened = np.bincount(bins[np.arange(rows), truth], minlength=BINS * categories)
    return float(np.abs(said - happened).sum() / rows / 2)
