"""What scikit-learn and XGBoost offer to check the estimators of others with; `make conformance` runs it."""

import numpy as np
import pytest
from sklearn.feature_extraction import text
from sklearn.utils.estimator_checks import parametrize_with_checks
from xgboost.testing.with_skl import run_boost_from_prediction_multi_clasas

from benchmarks.stand_ins import fits
from chatkit.model import boosted, boosting, linear, rules, trees
from chatkit.text.counts import TermCounter
from chatkit.text.validation import canonical
from chatkit.text.weights import TermWeights


class Grown:
    """`grow` with the methods of XGBClassifier that XGBoost's test of boosting from margins calls."""

    def __init__(self, learning_rate, random_state, n_estimators, tree_method, device):
        self.rounds = n_estimators
        self.parameters = {"learning_rate": learning_rate, "seed": random_state, "tree_method": tree_method}
        self.parameters |= {"device": device, "max_bin": 256}

    def fit(self, X, y, base_margin=None):
        fits.append(Grown)
        parameters = self.parameters | {"num_class": int(y.max()) + 1}
        self.grown = trees.grow(canonical(X, np.float32), y, parameters, self.rounds, X.shape[1], base_margin)

    def get_booster(self):
        return self.grown.booster


def test_boosting_goes_on_from_margins():
    """XGBoost's own: four rounds and four more from their margins are eight rounds."""
    X, y = np.random.default_rng(0).uniform(0.1, 1, (200, 10)), np.arange(200) % 4
    run_boost_from_prediction_multi_clasas(Grown, "hist", "cpu", X, y, None)


@pytest.mark.parametrize("seed", range(20))
def test_terms_and_weights_are_scikit_learns(seed):
    """The same counts under the same names, and the same weights, on texts made at random."""
    rng = np.random.default_rng(seed)
    words = [f"{first}{second}" for first in "bcdfgl" for second in ("an", "en", "ill", "ox")]
    texts = [" ".join(rng.choice(words, rng.integers(1, 30))) for _ in range(60)]
    options = {"ngram_range": (1, int(rng.integers(1, 4))), "min_df": [1, 3, 0.1][seed % 3]}
    ours, theirs = TermCounter(None, "none", **options), text.CountVectorizer(**options)
    counts = ours.fit_transform(texts)
    assert ours.get_feature_names_out().tolist() == theirs.fit(texts).get_feature_names_out().tolist()
    for found, some in ((counts, texts), (ours.transform(texts), texts), (ours.transform(texts[:3]), texts[:3])):
        np.testing.assert_array_equal(found.toarray(), theirs.transform(some).toarray())
    fits.append(TermCounter)
    for sublinear in (False, True):
        weights = [kind(sublinear_tf=sublinear).fit(counts) for kind in (TermWeights, text.TfidfTransformer)]
        np.testing.assert_allclose(*(one.transform(counts).toarray() for one in weights), rtol=1e-14)


_ESTIMATORS = [
    TermWeights(), linear.CalibratedLinearSVC(), boosting.XGBoostClassifier(n_estimators=10, max_bin=32),
    boosted.BoostedLinearClassifier(max_bin=32), linear.LogisticRegression(), rules.DummyClassifier(),
]  # fmt: skip


@parametrize_with_checks(_ESTIMATORS)
def test_estimator_checks(estimator, check):
    """scikit-learn's own for every estimator."""
    fits.append(type(estimator))
    check(estimator)
