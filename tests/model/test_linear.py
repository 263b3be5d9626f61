"""LinearSVC with probabilities."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.svm import LinearSVC

from chatkit.model.linear import CalibratedLinearSVC


@pytest.fixture(scope="module", params=[2, 4])
def rows(request):
    """Two and four categories, half for fitting, half for testing."""
    X, y = make_classification(
        1200, 20, n_informative=8, n_classes=request.param, flip_y=0.2, random_state=0, n_clusters_per_class=1
    )
    names = np.array(["incident", "new product", "other", "urgent"])
    return X[:600], names[y[:600]], X[600:], names[y[600:]]


def test_predictions_are_those_of_linear_svc(rows):
    """Calibration changes probabilities, never the category."""
    X, y, X_new, _ = rows
    model, plain = CalibratedLinearSVC().fit(X, y), LinearSVC(random_state=0).fit(X, y)
    assert (model.predict(X_new) == plain.predict(X_new)).all()
    np.testing.assert_allclose(model.decision_function(X_new), plain.decision_function(X_new))
    assert (model.classes_[model.predict_proba(X_new).argmax(axis=1)] == model.predict(X_new)).all()


def test_the_temperature_serves_new_rows(rows):
    """The log-loss on unseen rows is close to the best that any temperature gives."""
    X, y, X_new, y_new = rows
    model = CalibratedLinearSVC().fit(X, y)
    ours = log_loss(y_new, model.predict_proba(X_new), labels=model.classes_)
    losses = []
    for temperature in np.geomspace(0.02, 20, 60):
        model.temperature_ = temperature
        losses.append(log_loss(y_new, model.predict_proba(X_new), labels=model.classes_))
    assert ours <= min(losses) * 1.03
    assert ours < 0.9 * max(losses)


def test_rare_categories_are_no_obstacle(rows):
    """Three rows of a category, or one, without a warning."""
    X, y, *_ = rows
    for count in (1, 3):
        rare = y.astype(object)
        rare[:count] = "rare"
        model = CalibratedLinearSVC().fit(X, rare)
        assert "rare" in model.classes_
        assert np.isfinite(model.predict_proba(X)).all()


def test_as_many_categories_as_rows():
    """Nothing to calibrate on: the temperature stays 1."""
    model = CalibratedLinearSVC().fit(np.eye(3), ["a", "b", "c"])
    assert model.temperature_ == 1.0
    assert model.predict(np.eye(3)).tolist() == ["a", "b", "c"]
