"""Simpler ways to do the same, on the same chats."""

import pytest

from chatkit import make_pipeline
from chatkit.evaluation.baselines import score_baselines, score_model, scores_frame
from chatkit.project import InputError


def test_baselines_are_scored_like_the_model(chats):
    """The same numbers for the same classifier, and less for one that looks at nothing."""
    train, test = chats.head(16), chats.tail(8)
    results = score_baselines(["linear_svc", "dummy"], train, test)
    fitted = make_pipeline("linear_svc").fit(train[["subject", "body"]], train["category"])
    assert results["linear_svc"] == score_model(fitted, test)
    assert results["dummy"]["macro_f1"] < results["linear_svc"]["macro_f1"]


def test_what_cannot_be_fitted_is_said_not_hidden(chats):
    """Rules for another bank's categories are no reason to stop, and no silent gap."""
    results = score_baselines(["rules"], chats.head(16), chats.tail(8))
    assert "no training chat has" in results["rules"]["not_run"]
    assert "no training chat has" in scores_frame(results).loc["rules", "not run"]


def test_a_model_without_probabilities_has_no_log_loss(chats):
    """None is made up."""
    rules = make_pipeline("rules", {"rules": [("urgent", "lost")]}).fit(chats[["subject", "body"]], chats["category"])
    assert "log_loss" not in score_model(rules, chats)
    frame = scores_frame(
        {"rules": score_model(rules, chats), "other": {"macro_f1": 0.5, "accuracy": 0.5, "log_loss": 1.0}}
    )
    assert frame.loc["rules", "log-loss"] == ""
    assert frame.loc["rules", "macro-F1"] == "1.000"


@pytest.mark.parametrize("names", ["dummy", ["dumy"]])
def test_an_unknown_baseline_is_refused(chats, names):
    """A typo is no row of the report, and a word is no list of letters."""
    with pytest.raises(InputError, match="Got baselines=.*, expected a list with some of boosted_linear"):
        score_baselines(names, chats, chats)
