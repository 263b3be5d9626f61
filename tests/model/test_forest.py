"""Trees walked without XGBoost."""

import numpy as np
import pytest
import xgboost
from scipy.sparse import random_array

from chatkit.model.forest import Forest
from chatkit.model.trees import grow
from chatkit.text.validation import canonical

SETTINGS = {"max_depth": 4, "learning_rate": 0.3, "max_bin": 8, "min_child_weight": 0.1, "colsample_bynode": 0.5,
            "reg_lambda": 1.0, "device": "cpu", "seed": 0}  # fmt: skip


@pytest.mark.parametrize(("k", "rounds"), [(2, 1), (3, 7), (9, 25)])
def test_margins_are_xgboosts_to_the_last_bit(k, rounds):
    """Rows with few words and rows with none."""
    rng = np.random.default_rng(k)
    X = canonical(random_array((400, 30), density=0.2, rng=rng), np.float32)
    y, start = rng.integers(k, size=400), rng.normal(size=(400, k)).astype(np.float32)
    y[X.getcol(0).nonzero()[0]] = 0
    trees = grow(X, y, SETTINGS | {"num_class": k}, rounds, 20, start)
    assert len(trees.words) == 20
    new = canonical(random_array((200, 30), density=0.1, rng=rng), np.float32)
    np.testing.assert_array_equal(trees.forest.margins(new, start[:200]), trees.predict(new, start[:200]))
    new.data[:9] = 0
    np.testing.assert_array_equal(
        trees.forest.margins(new, start[:200]), trees.predict(canonical(new, np.float32), start[:200])
    )


def test_trees_in_another_order_are_refused():
    """A booster with two trees for each round and category."""
    rows = xgboost.DMatrix(np.eye(6), np.array([0, 1, 2] * 2))
    parameters = {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2}
    with pytest.raises(ValueError, match="Got trees in another order"):
        Forest(xgboost.train(parameters, rows, 2), np.arange(6))
