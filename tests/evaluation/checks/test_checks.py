"""Each check alarms on its own fault and stays quiet without it."""

import pandas as pd
import pytest

from chatkit import make_pipeline
from chatkit.evaluation.checks import run_checks

MESSAGE = ["subject", "body"]


def status(train, test, code, **options):
    """Fit on train and return one check's result."""
    fitted = make_pipeline("logistic", {"C": 1.0}, min_df=1).fit(train[MESSAGE], train["category"])
    return run_checks(fitted, train, test, **options).results[code]


@pytest.fixture
def sides(chats):
    """Two sides that share nothing: 60 training and 60 test chats, every text and conversation its own."""
    rows = pd.concat([chats] * 5, ignore_index=True)
    rows["body"] = [f"{body} number{row} word{row % 7}" for row, body in enumerate(rows["body"])]
    rows["conversation_id"] = [f"k{row}" for row in range(len(rows))]
    return rows.iloc[:60].reset_index(drop=True), rows.iloc[60:].reset_index(drop=True)


@pytest.mark.parametrize("code", ["duplicates", "groups", "signal"])
def test_a_clean_run_passes(sides, code):
    """No alarm without a fault."""
    assert status(*sides, code).status == "pass"


def test_copies_fail(sides):
    """One test chat in sixty with a training chat's text is over the limit of 0.5 %."""
    train, test = sides
    test.loc[0, MESSAGE] = train.loc[0, MESSAGE]
    result = status(train, test, "duplicates")
    assert (result.status, result.statistic) == ("fail", 1 / 60)


def test_a_shared_conversation_fails(sides):
    """One conversation on both sides."""
    train, test = sides
    test.loc[0, "conversation_id"] = train.loc[0, "conversation_id"]
    assert status(train, test, "groups").status == "fail"


@pytest.mark.parametrize("change", ["drop", "empty"])
def test_without_conversations_nothing_is_claimed(sides, change):
    """A check that cannot run is no pass."""
    train, test = sides
    test = test.drop(columns="conversation_id") if change == "drop" else test.assign(conversation_id=None)
    result = status(train, test, "groups")
    assert (result.status, result.statistic) == ("not_run", None)
    assert "conversation_id" in result.explanation


def test_shuffled_labels_have_no_signal(sides):
    """A model of random labels says no more than chance."""
    train, test = sides
    labels = train["category"].sample(frac=1, random_state=1).to_numpy()
    assert status(train.assign(category=labels), test, "signal").status == "fail"


def test_a_model_worse_than_naive_bayes_is_warned_of(sides):
    """A model of the wrong labels loses to the simple one fitted on the right ones."""
    train, test = sides
    fitted = make_pipeline("dummy").fit(train[MESSAGE], train["category"])
    result = run_checks(fitted, train, test).results["simple"]
    assert result.status == "warn"
    assert result.statistic < -0.5


def test_thresholds_are_the_callers(sides):
    """And a threshold for a check that does not exist is a mistake."""
    train, test = sides
    test.loc[0, MESSAGE] = train.loc[0, MESSAGE]
    assert status(train, test, "duplicates", thresholds={"duplicates": 0.5}).status == "pass"
    with pytest.raises(ValueError, match="Got a threshold for 'gap', expected checks among duplicates"):
        status(train, test, "signal", thresholds={"gap": 0.1})


def test_the_report_reads_well_everywhere(sides):
    """As text, as HTML without a hole for markup, as a frame, as records."""
    train, test = sides
    fitted = make_pipeline("logistic").fit(train[MESSAGE], train["category"])
    report = run_checks(fitted, train, test)
    assert str(report).count("\n") == 3
    assert report._repr_html_().count("<tr>") == 5
    assert report.to_frame()["code"].tolist() == ["duplicates", "groups", "signal", "simple"]
    assert run_checks(fitted, train, test) == report, "the same run gives the same report"


def test_any_text_classifier_can_be_checked(sides):
    """Not only pipelines of ours."""
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import Pipeline

    train, test = sides
    words = ColumnTransformer([("subject", TfidfVectorizer(), "subject"), ("body", TfidfVectorizer(), "body")])
    fitted = Pipeline([("words", words), ("bayes", MultinomialNB())]).fit(train[MESSAGE], train["category"])
    assert {result.status for result in run_checks(fitted, train, test).results.values()} <= {"pass", "warn"}
