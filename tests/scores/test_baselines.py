"""Simpler ways to do the same, on the same chats."""

import numpy as np
import pytest

from chatkit import make_pipeline
from chatkit.project import InputError
from chatkit.scores import metrics
from chatkit.scores.baselines import fit_baselines, score_models, scores_frame
from chatkit.scores.predictions import Predictions

MESSAGE = ["subject", "body"]


def compared(chats, names):
    """A linear model beside baselines, fitted on two thirds of the chats."""
    train, test = chats.head(16), chats.tail(8)
    model = make_pipeline("linear_svc").fit(train[MESSAGE], train["category"])
    return score_models(Predictions.of(model, test), test, fit_baselines(names, train)), model, test


def scored(model, test):
    """A model alone."""
    return score_models(Predictions.of(model, test), test)


def test_baselines_are_scored_like_the_model(chats):
    """The same numbers for the same classifier, and less for one that looks at nothing."""
    results, model, test = compared(chats, ["linear_svc", "dummy"])
    same, dummy = results["baselines"]["linear_svc"], results["baselines"]["dummy"]
    assert {name: same[name] for name in same if name != "difference"} | {"baselines": {}} == scored(model, test)
    given = Predictions.of(model, test)
    plain = metrics.scores(test["category"], given.predicted, given.probabilities, given.classes)
    assert {name: results[name] for name in plain} == plain
    assert dummy["macro_f1"] < same["macro_f1"]


def test_the_difference_is_the_models_score_minus_the_baselines(chats):
    """Above 0 where the model has more, with an interval around it; nothing against itself."""
    results, *_ = compared(chats, ["linear_svc", "dummy"])
    assert results["baselines"]["linear_svc"]["difference"]["macro_f1"] == [0, 0, 0]
    value, low, high = results["baselines"]["dummy"]["difference"]["macro_f1"]
    assert value == pytest.approx(results["macro_f1"] - results["baselines"]["dummy"]["macro_f1"])
    assert 0 < low <= value <= high


def test_intervals_draw_whole_conversations(chats):
    """Two chats of a conversation are no two pieces of evidence."""
    model = make_pipeline("dummy").fit(chats[MESSAGE], chats["category"])
    twice = chats.assign(conversation_id=[f"k{number // 8}" for number in range(len(chats))])
    together, alone = (scored(model, some)["intervals"]["accuracy"] for some in
                       (twice.assign(category=np.repeat(["urgent", "other", "other"], 8)),
                        twice.assign(category=np.repeat(["urgent", "other", "other"], 8), conversation_id=None)))  # fmt: skip
    assert np.ptp(together) > np.ptp(alone)


def test_what_cannot_be_fitted_is_said_not_hidden(chats):
    """Rules for another bank's categories are no reason to stop, and no silent gap."""
    results, *_ = compared(chats, ["rules"])
    assert "no training chat has" in results["baselines"]["rules"]["not_run"]
    assert "no training chat has" in scores_frame(results["baselines"]).loc["rules", "macro-F1"]


def test_a_model_without_probabilities_has_no_log_loss(chats):
    """None is made up."""
    rules = make_pipeline("rules", {"rules": [("urgent", "lost")]}).fit(chats[MESSAGE], chats["category"])
    result = scored(rules, chats)
    assert "log_loss" not in result
    other = {"macro_f1": 0.5, "log_loss": 1.0, "intervals": {"macro_f1": [0.4, 0.6], "log_loss": [0.9, 1.1]}}
    frame = scores_frame({"rules": result, "other": other})
    assert frame.loc["rules", "log-loss"] == ""
    assert frame.loc["rules", "macro-F1"] == "1.000"  # all draws agree
    assert frame.loc["other", "log-loss"] == "1.000 (0.900 to 1.100)"


def test_xgboost_default_is_xgboost_with_its_own_defaults(chats):
    """Single words without stop words, and trees as XGBoost grows them when nothing is said."""
    import xgboost

    fitted = fit_baselines(["xgboost_default"], chats)["xgboost_default"]
    assert all(" " not in word for word in fitted["counts"].get_feature_names_out())
    plain = xgboost.XGBClassifier(n_jobs=1, random_state=0)
    X = fitted[:-1].transform(chats[MESSAGE])
    plain.fit(X, chats["category"] == "urgent")
    np.testing.assert_array_equal(
        fitted.predict(chats[MESSAGE]) == "urgent", plain.predict(X).astype(bool), err_msg="not as XGBoost's defaults"
    )


@pytest.mark.parametrize("names", ["dummy", ["dumy"]])
def test_an_unknown_baseline_is_refused(chats, names):
    """A typo is no row of the report, and a word is no list of letters."""
    with pytest.raises(InputError, match="Got baselines=.*, expected a list with some of boosted_linear"):
        fit_baselines(names, chats)
