"""scikit-learn's own checks, on every transformer and classifier of ours."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from chatkit import MessagePreprocessor, TextProcessor
from chatkit.model.boosted import BoostedLinearClassifier
from chatkit.model.boosting import XGBoostClassifier
from chatkit.model.linear import CalibratedLinearSVC
from chatkit.model.rules import RulesClassifier
from chatkit.text.counts import TermCounter


@parametrize_with_checks(
    [XGBoostClassifier(n_estimators=10, max_bin=32), CalibratedLinearSVC(), BoostedLinearClassifier(max_bin=32)]
)
def test_scikit_learns_checks(estimator, check):
    """Those that take word weights are scikit-learn estimators in every respect that it checks."""
    check(estimator)


# scikit-learn makes no text to check with, so of its checks these run that need no rows.
CHECKS_WITHOUT_ROWS = (
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_mixin_order",
)


@pytest.mark.parametrize("check", CHECKS_WITHOUT_ROWS)
@pytest.mark.parametrize("estimator", [MessagePreprocessor, TextProcessor, TermCounter, RulesClassifier])
def test_scikit_learns_checks_on_text(estimator, check):
    """Those that take text are scikit-learn estimators in every respect that needs no rows."""
    getattr(estimator_checks, check)(estimator.__name__, estimator())
