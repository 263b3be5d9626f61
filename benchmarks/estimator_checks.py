"""What scikit-learn and XGBoost offer to check the estimators of others with; `make conformance` runs it."""

import numpy as np
from sklearn.utils.estimator_checks import parametrize_with_checks
from xgboost.testing.with_skl import run_boost_from_prediction_multi_clasas

from benchmarks.stand_ins import fits
from chatkit.model import boosted, boosting, linear, rules, trees
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
        self.grown = trees.grow(trees.without_explicit_zeros(X), y, parameters, self.rounds, X.shape[1], base_margin)

    def get_booster(self):
        return self.grown.booster


def test_boosting_goes_on_from_margins():
    """XGBoost's own: four rounds and four more from their margins are eight rounds."""
    X, y = np.random.default_rng(0).uniform(0.1, 1, (200, 10)), np.arange(200) % 4
    run_boost_from_prediction_multi_clasas(Grown, "hist", "cpu", X, y, None)


_ESTIMATORS = [
    TermWeights(), linear.CalibratedLinearSVC(), boosting.XGBoostClassifier(n_estimators=10, max_bin=32),
    boosted.BoostedLinearClassifier(max_bin=32), linear.LogisticRegression(), rules.DummyClassifier(),
]  # fmt: skip


@parametrize_with_checks(_ESTIMATORS)
def test_estimator_checks(estimator, check):
    """scikit-learn's own for every estimator."""
    fits.append(type(estimator))
    check(estimator)
