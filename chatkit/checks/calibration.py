"""Probabilities that do not say how often the model is right."""

import numpy as np
import pandas as pd

from chatkit.checks.result import Result
from chatkit.checks.run import probabilities, require, rounded
from chatkit.scores.slices import sure_of_few_words
from chatkit.statistics import DECIMALS

TITLE = "The probabilities can be believed"
SEVERITY, LEAKAGE = "fail", None
ADVICE = "Calibrate on training chats (scikit-learn's CalibratedClassifierCV), or use the categories only."
THRESHOLD = 0.06  # calibration error above that of perfect probabilities
DRAWS, BINS, ALPHA = 300, 10, 0.01


def check(run, threshold=THRESHOLD):
    """Classwise calibration error against draws from the model's own probabilities.

    With few test chats even perfect probabilities have a calibration error, so labels are drawn from the model's
    probabilities and the error of the true labels is compared with theirs (J. Vaicenavicius et al., "Evaluating Model
    Calibration in Classification", AISTATS 2019).
    """
    codes = pd.Index(run.classes).get_indexer(run.truth)
    known = codes >= 0
    require(known.sum(), 1, "test chats of a category that the classifier knows")
    given, codes = probabilities(run.pipeline, run.messages(run.test)), codes[known]
    few = sure_of_few_words(run.train, run.test, given.max(axis=1), run.hits)
    given = given[known]
    given = (given / given.sum(axis=1, keepdims=True)).round(DECIMALS)
    observed = _error(given, codes)
    rng, cumulated = np.random.default_rng(run.seed), np.cumsum(given, axis=1)
    cumulated[:, -1] = 1.0
    null = [_error(given, (cumulated < rng.random((len(codes), 1))).sum(axis=1)) for _ in range(DRAWS)]
    limit = np.quantile(null, 1 - ALPHA)
    excess = rounded(observed - limit)
    brier = ((given - np.eye(given.shape[1])[codes]) ** 2).sum(axis=1).mean()
    explanation = (
        f"Probabilities and frequencies differ by {observed:.3f}; perfect ones by {np.mean(null):.3f}, at most by "
        f"{limit:.3f} in {1 - ALPHA:.0%} of draws; {threshold:g} above it fails. Brier score {brier:.3f}. {few}"
        f"{run.unknown}"
    )
    return Result("fail" if excess > threshold else "pass", explanation, excess, threshold=threshold)


def _error(probabilities, codes):
    """Half the distance between probability and frequency, summed over categories and bins of their probability."""
    rows, categories = probabilities.shape
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1) + BINS * np.arange(categories)
    expected = np.bincount(bins.ravel(), probabilities.ravel(), minlength=BINS * categories)
    observed = np.bincount(bins[np.arange(rows), codes], minlength=BINS * categories)
    return float(np.abs(expected - observed).sum() / rows / 2)
