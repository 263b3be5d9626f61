"""Each check alarms on its own fault, stays quiet without it, and never calls silence a pass."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline as plain_pipeline
from sklearn.svm import LinearSVC
from xgboost import XGBClassifier

from chatkit import make_pipeline
from chatkit.checks import CheckReport, run_checks
from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import Run
from chatkit.checks.suite import CHECKS
from chatkit.data.simulate import simulate
from chatkit.data.split import split_chats
from chatkit.project import InputError, parameters
from chatkit.scores.metrics import macro_f1
from chatkit.text.messages import MESSAGE, texts
from tests.conftest import word


def words_and_line(**parameters):
    """A classifier of strings that is not ours."""
    return plain_pipeline(TfidfVectorizer(min_df=2), LogisticRegression(**{"max_iter": 2000} | parameters))


def fit(train, pipeline=None):
    """Fit on one string a chat."""
    return (pipeline or words_and_line(C=10)).fit(texts(train), train["category"])


def found(code, train, test, fitted=None, **options):
    """What one check says."""
    return CHECKS[code].check(Run(fitted or fit(train), train, test, **options))


@pytest.fixture(scope="module")
def clean():
    """Training and test chats that share no conversation."""
    return split_chats(simulate(3000, seed=5)[0], "group", seed=5)


@pytest.fixture
def sides(clean):
    """Copies that a test may spoil."""
    return tuple(chats.copy() for chats in clean)


@pytest.fixture(scope="module")
def report(clean):
    """All checks on the default model."""
    train, test = clean
    return run_checks(make_pipeline().fit(train[MESSAGE], train["category"]), train, test)


def test_a_clean_run_of_the_default_passes_everything(report):
    """No alarm without a fault; what has too few rows says so."""
    statuses = {code: result.status for code, result in report.results.items()}
    assert set(statuses) == set(CHECKS)
    assert {code for code, status in statuses.items() if status != "pass"} <= {"rounds", "labels"}
    assert set(statuses.values()) <= {"pass", "not_run"}


@pytest.mark.parametrize("code", sorted(set(CHECKS) - {"rounds", "simple"}))
def test_a_clean_run_of_a_foreign_classifier_passes(clean, code):
    """Strings in, no step of ours. On so few chats it is level with naive Bayes, and has no rounds."""
    train, test = clean
    assert found(code, train, test).status == "pass"


def test_copies_fail(sides):
    """Two test chats in a hundred with a training chat's text."""
    train, test = sides
    rows = test.index[:20]
    test.loc[rows, [*MESSAGE, "category"]] = train.loc[rows, [*MESSAGE, "category"]].to_numpy()
    result = found("duplicates", train, test)
    assert result.status == "fail"
    assert result.statistic >= 20 / len(test)
    assert result.evidence[0]["cosine"] == 1.0


def test_near_copies_fail_where_they_flatter(sides):
    """A third of the test chats is a training chat with a greeting and another number; exact copies there are none."""
    train, test = sides
    rows = test.index[: len(test) // 3]
    longest = train.loc[train["body"].str.len().sort_values(ascending=False, kind="stable").index[: len(rows)]]
    test.loc[rows, [*MESSAGE, "category"]] = longest[[*MESSAGE, "category"]].to_numpy()
    test.loc[rows, "body"] = [f"Hello, {body} 4{row}" for row, body in enumerate(test.loc[rows, "body"])]
    result = found("duplicates", train, test)
    assert result.statistic <= CHECKS["duplicates"].THRESHOLD
    assert result.status == "fail"


def test_a_shared_conversation_fails(sides):
    """One conversation on both sides."""
    train, test = sides
    test.loc[0, "conversation_id"] = train.loc[0, "conversation_id"]
    assert found("groups", train, test).status == "fail"


def test_known_customers_that_are_easier_fail(sides):
    """Customers sign with a word of their own and always ask for the same category."""
    train, test = sides
    train["category"] = train.groupby("customer_id")["category"].transform("first")
    first = train.groupby("customer_id")["category"].first()
    known = test["customer_id"].isin(first.index)
    test.loc[known, "category"] = test.loc[known, "customer_id"].map(first)
    for chats in (train, test):
        chats["body"] = chats["body"] + (" " + chats["customer_id"]) * 5
    assert found("groups", train, test, fit(train, words_and_line(C=100))).status == "fail"


@pytest.mark.parametrize("change", ["drop", "empty"])
def test_without_groups_nothing_is_claimed(sides, change):
    """A check that cannot run is no pass."""
    train, test = sides
    names = ["conversation_id", "customer_id"]
    test = test.drop(columns=names) if change == "drop" else test.assign(**dict.fromkeys(names))
    with pytest.raises(NotRunError, match="conversation_id"):
        found("groups", train, test)


def test_a_random_split_of_drifting_chats_is_warned_of(sides):
    """The words of a category change with time, and chats of all times are on both sides of the split."""
    start = min(chats["created_at"].min() for chats in sides)
    for chats in sides:
        season = (chats["created_at"] - start).dt.days // 60
        # A product's name in the chats of a category; every season has new ones.
        named = [
            f"{category[:3]}product{word(number)}" for category, number in zip(chats["category"], season, strict=True)
        ]
        chats["body"] = (pd.Series(named) + " ") * 3 + chats["body"]
    assert found("time_order", *sides).status == "warn"


def test_a_later_test_needs_no_comparison(clean):
    """Nothing can leak back from chats that come after."""
    chats = pd.concat(clean, ignore_index=True)
    train, test = split_chats(chats, "time")
    assert found("time_order", train, test).explanation == "Every test chat is later than all training chats."
    with pytest.raises(NotRunError, match="created_at"):
        found("time_order", train.drop(columns="created_at"), test)


def test_a_word_that_gives_the_category_away_fails(sides):
    """A macro's name in most chats of one category."""
    rng = np.random.default_rng(0)
    for chats in sides:
        marked = (chats["category"] == "incident") & (rng.random(len(chats)) < 0.8)
        chats.loc[marked, "body"] += " macroinc"
    result = found("leak_tokens", *sides)
    assert result.status == "fail"
    assert result.evidence[0]["word"] == "macroinc"
    kept = json.dumps(CheckReport({"leak_tokens": result}).to_records())
    assert "macroinc" not in kept, "git keeps that, and a word may be somebody's name"


@pytest.mark.parametrize(
    "body", ["macroinc {}", "{} macroinc", "#48213 {}", "{} 2024-05-12", "we\u2019ve {}"],
    ids=["in front", "behind", "a number", "a date", "an apostrophe"],
)  # fmt: skip
def test_a_word_put_into_a_fifth_of_a_category_is_found(sides, body):
    """At either end, whatever kind of word it is."""
    rng = np.random.default_rng(0)
    for chats in sides:
        # Numbers and dates must not be elsewhere: then they give nothing away.
        for name in ("subject", "body"):
            chats[name] = chats[name].str.replace(r"\d+", "some", regex=True)
        marked = (chats["category"] == "incident") & (rng.random(len(chats)) < 0.2)
        chats.loc[marked, "body"] = [body.format(text) for text in chats.loc[marked, "body"]]
    assert found("leak_tokens", *sides).status in ("warn", "fail")


def test_what_a_leak_costs_does_not_depend_on_its_spelling(sides):
    """A word with a curly apostrophe in front of every chat of a category, and without other words that tell."""
    for chats in sides:
        of_category = chats["category"] == "incident"
        chats.loc[of_category, "body"] = ["we\u2019ve " + text for text in chats.loc[of_category, "body"]]
    result = found("leak_tokens", *sides)
    assert result.status == "fail"
    assert result.evidence[0]["recall lost without it"] > 0.05


def test_short_subjects_have_no_ends(sides):
    """A drop-down of topics fills the subject with one or two words: that is no macro."""
    for chats in sides:
        chats["subject"] = "about " + chats["category"].str.replace(" ", "")
    assert found("leak_tokens", *sides).status == "pass"


def test_a_word_that_people_say_is_no_leak(sides):
    """It stands in one category only, but now here, now there in the text; or always last, but in all categories."""
    rng = np.random.default_rng(0)
    for chats in sides:
        words = [text.split() for text in chats["body"]]
        for row in np.flatnonzero(chats["category"] == "incident"):
            words[row].insert(rng.integers(len(words[row]) + 1), "outage")
        chats["body"] = [" ".join([*some, "cheers"]) for some in words]
    assert found("leak_tokens", *sides).status == "pass"


def test_selection_outside_the_folds_fails(clean):
    """Words selected on training and test chats together score with scrambled labels."""
    train, test = clean

    def selected_outside(train, test):
        both = pd.concat([train, test])
        counts = TfidfVectorizer(ngram_range=(1, 2), binary=True).fit_transform(texts(both))
        chosen = SelectKBest(chi2, k=300).fit_transform(counts, both["category"])
        return LogisticRegression(C=10).fit(chosen[: len(train)], train["category"]).predict(chosen[len(train) :])

    result = found("scrambled_labels", train, test, procedure=selected_outside)
    assert result.status == "fail"
    assert result.interval[0] > 0


def test_shuffled_labels_have_no_signal(sides):
    """A model of random labels says no more than chance."""
    train, test = sides
    shuffled = train.assign(category=train["category"].sample(frac=1, random_state=1).to_numpy())
    assert found("signal", shuffled, test).status == "fail"


def test_a_signal_that_only_many_chats_show_fails(clean):
    """A hundredth of the answers right by design is told from chance by many chats, and is worth nothing."""
    train, test = clean
    many = pd.concat([test] * 12, ignore_index=True)
    rng = np.random.default_rng(0)
    said = rng.permutation(many["category"].to_numpy())
    known = rng.random(len(many)) < 0.03
    said[known] = many["category"].to_numpy()[known]
    model = FromList(said, np.unique(train["category"]))
    result = run_checks(model, train, many, only=["signal"]).results["signal"]
    assert result.statistic <= 0.01
    assert result.status == "fail"


class FromList:
    """A model that says what it was told to say."""

    def __init__(self, said, classes):
        self.said, self.classes_ = said, classes

    def predict(self, X):
        """Return the list, from its start."""
        return self.said[: len(X)]


def test_a_model_no_better_than_a_simple_one_is_warned_of(clean):
    """A dummy that always says one category."""
    train, test = clean
    result = found("simple", train, test, make_pipeline("dummy").fit(train[MESSAGE], train["category"]))
    assert result.status == "warn"
    assert result.interval[0] <= 0
    assert {row["simple model"] for row in result.evidence} == {"largest category", "length alone", "naive Bayes"}


def test_a_model_that_naive_bayes_beats_is_warned_of(clean):
    """It is far better than trivial, and yet not worth its cost."""
    train, test = clean
    fitted, rng = fit(train), np.random.default_rng(0)

    class Careless(_Constant):
        def predict(self, X):
            wrong = rng.random(len(X)) < 0.3
            return np.where(wrong, rng.choice(fitted.classes_, len(X)), fitted.predict(X))

    result = found("simple", train, test, Careless(train))
    assert result.status == "warn"
    assert result.interval[0] > 0
    assert "from naive Bayes" in result.explanation


def test_the_macro_f1_of_the_bootstrap_is_scikit_learns():
    """A draw may miss categories on either side."""
    rng = np.random.default_rng(0)
    for size in (1, 2, 5, 40):
        truth, predicted = rng.integers(7, size=(2, size))
        assert np.isclose(macro_f1(truth, predicted), f1_score(truth, predicted, average="macro"))


def test_some_checks_alone(clean):
    """In the order that was asked for."""
    train, test = clean
    assert list(run_checks(fit(train), train, test, only=["signal", "groups"]).results) == ["signal", "groups"]
    with pytest.raises(ValueError, match="Got the check 'gap', expected checks among duplicates"):
        run_checks(fit(train), train, test, only=["gap"])


def test_a_setting_that_is_too_complex_fails(clean):
    """Hardly any regularisation: a hundredth of C has a far lower log-loss."""
    train, test = clean
    result = found("complexity", train, test, fit(train, words_and_line(C=1e5)))
    assert result.status == "fail"
    assert "logisticregression__C=10000" in {row["simpler"] for row in result.evidence}


def test_without_probabilities_errors_are_counted(clean):
    """LinearSVC gives none; without a parameter that could be simpler nothing is claimed."""
    train, test = clean
    assert "error rate" in found("complexity", train, test, fit(train, words_and_line().set_params(
        logisticregression=LinearSVC()))).explanation  # fmt: skip
    with pytest.raises(NotRunError, match="none of the parameters"):
        found("complexity", train, test, _Constant(train))


class _Constant:
    """A classifier without parameters."""

    def __init__(self, train):
        self.classes_ = np.unique(train["category"])

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


def test_too_many_rounds_fail(clean):
    """Deep trees, fast, for long, on few chats: the log-loss on new chats has turned, whichever trees they are."""
    train, test = clean[0].iloc[::3], clean[1]
    options = {"max_depth": 8, "learning_rate": 1.0, "n_estimators": 150, "reg_lambda": 0.0, "min_child_weight": 0.01}
    fitted = make_pipeline("xgboost", options).fit(train[MESSAGE], train["category"])
    assert found("rounds", train, test, fitted).status == "fail"


@pytest.mark.parametrize(
    "boosted",
    [
        GradientBoostingClassifier(n_estimators=40, learning_rate=2.0, max_depth=4, random_state=0),
        XGBClassifier(n_estimators=150, learning_rate=1.0, max_depth=8, reg_lambda=0, min_child_weight=0.01, n_jobs=1),
    ],
)
def test_rounds_of_other_boosted_models_are_seen(clean, boosted):
    """Scikit-learn shows them as staged_predict_proba, XGBoost as iteration_range, and labels may be numbers."""
    train, test = (chats.assign(category=(chats["category"] == "other").astype(int)) for chats in clean)
    fitted = fit(train, plain_pipeline(TfidfVectorizer(max_features=300), boosted))
    assert found("rounds", train, test, fitted).status == "fail"


def test_no_rounds_nothing_claimed(clean):
    """A line has no rounds."""
    with pytest.raises(NotRunError, match="not boosted"):
        found("rounds", *clean)


def test_wrong_labels_are_warned_of(sides):
    """A third of the training labels drawn at random."""
    train, test = sides
    rng = np.random.default_rng(0)
    names = train["category"].unique()
    train["category"] = np.where(rng.random(len(train)) < 0.35, rng.choice(names, len(train)), train["category"])
    result = found("labels", train, test)
    assert result.status in ("warn", "fail")
    assert result.evidence


def test_one_text_with_two_labels_fails(sides):
    """Twenty chats stand in the training table twice, with another category."""
    train, test = sides
    again = train[train["category"] == "urgent"].head(20).assign(category="other")
    assert found("labels", pd.concat([train, again], ignore_index=True), test).status == "fail"


def test_few_similar_chats_are_no_pass(clean):
    """Too few pairs say nothing."""
    train, test = (chats.head(60) for chats in clean)
    with pytest.raises(NotRunError, match="similar"):
        found("labels", train, test)


def test_another_kind_of_test_chats_fails(sides):
    """Half of the test chats were written in another channel, and urgent ones are missing."""
    train, test = sides
    test["body"] = test["body"] + [" sent from my phone app" if row % 2 else "" for row in range(len(test))]
    result = found("drift", train, test)
    assert result.status in ("warn", "fail")
    assert "phone" in result.evidence[1]["typical words"]
    fewer = test[test["category"] != "customer education"].reset_index(drop=True)
    assert "The shares of the categories differ by" in found("drift", train, fewer).explanation
    assert found("drift", train, clean_shift(train, fewer)).status == "warn"


@pytest.mark.parametrize("side", [0, 1])
def test_few_conversations_are_not_compared(sides, side):
    """Folds of whole conversations need some on each side."""
    sides[side]["conversation_id"] = "one"
    with pytest.raises(NotRunError, match="There are 1 conversations on one side; 5 are needed"):
        found("drift", *sides)


def clean_shift(train, like):
    """Training-like chats with the category shares of `like`."""
    return train[train["category"].isin(like["category"].unique())].reset_index(drop=True)


def test_overconfident_probabilities_fail(clean):
    """Margins times five: the same categories, other probabilities."""
    train, test = clean

    class Sure:
        def __init__(self, fitted):
            self.fitted, self.classes_ = fitted, fitted.classes_

        def predict(self, X):
            return self.fitted.predict(X)

        def predict_proba(self, X):
            sharp = self.fitted.predict_proba(X) ** 5
            return sharp / sharp.sum(axis=1, keepdims=True)

    report = run_checks(Sure(fit(train)), train, test)
    assert report.results["calibration"].status == "fail"
    assert report.results["scrambled_labels"].status == "not_run", "it cannot be copied and fitted again"
    with pytest.raises(NotRunError, match="no probabilities"):
        found("calibration", train, test, _Constant(train))


@pytest.mark.parametrize(("said", "status"), [(0.734, "pass"), (0.71, "fail"), (0.89, "fail")])
def test_probabilities_may_be_off_a_little(said, status):
    """Right in 80 of 100 chats, and six points off beyond chance; a good model on a thousand chats comes to five."""

    class Same:
        classes_ = np.array(["card", "loan"])

        def predict(self, X):
            return np.full(len(X), "card")

        def predict_proba(self, X):
            return np.full((len(X), 2), (said, 1 - said))

    chats = pd.DataFrame({"subject": "", "body": "hello", "category": ["card"] * 8000 + ["loan"] * 2000})
    assert found("calibration", chats, chats, Same()).status == status


def test_thresholds_are_the_callers(clean):
    """And a threshold for a check that does not exist is a mistake."""
    train, test = clean
    with pytest.raises(ValueError, match="Got a threshold for 'gap', expected checks among duplicates"):
        run_checks(fit(train), train, test, thresholds={"gap": 0.1})
    with pytest.raises(ValueError, match="Got test with 0 rows"):
        run_checks(fit(train), train, test.head(0))


def test_each_check_says_what_it_is_and_has_the_threshold_of_params_yaml():
    """Who calls `run_checks` without params.yaml gets the same checks."""
    for check in CHECKS.values():
        assert check.TITLE
        assert check.ADVICE
        assert check.SEVERITY in ("warn", "fail")
    defaults = {code: check.THRESHOLD for code, check in CHECKS.items()}
    assert defaults == parameters("overfitting")["thresholds"]
    assert list(defaults) == list(parameters("overfitting")["thresholds"]), "in the order of the report"


def test_a_check_that_params_yaml_does_not_know_has_its_own_threshold(clean, monkeypatch):
    """A new check runs with its default until somebody sets another one."""
    train, test = clean
    new = SimpleNamespace(
        TITLE="New", SEVERITY="fail", LEAKAGE=None, ADVICE="Wait.", THRESHOLD=0.5,
        check=lambda run, threshold: Result("fail", f"{len(run.test)} chats", 1.0, threshold=threshold),
    )  # fmt: skip
    monkeypatch.setitem(CHECKS, "new", new)
    fitted = _Constant(train)
    assert run_checks(fitted, train, test, only=["new"]).results["new"].threshold == 0.5
    assert (
        run_checks(fitted, train, test, parameters("overfitting")["thresholds"], only=["new"]).results["new"].threshold
        == 0.5
    )
    report = run_checks(fitted, train, test, {"new": 0.1}, only=["new"])
    assert report.results["new"].threshold == 0.1
    assert "<strong>What to do:</strong> Wait." in report._repr_html_()


def test_a_classifier_of_something_else_is_refused(clean):
    """One sentence instead of twelve tracebacks."""
    train, test = clean
    of_numbers = LogisticRegression().fit([[0], [1]], ["a", "b"])
    with pytest.raises(InputError, match="Got LogisticRegression, which predicts neither from a frame"):
        run_checks(of_numbers, train, test)


def test_the_same_run_gives_the_same_report(clean):
    """Nothing depends on the clock or on the order of a set."""
    train, test = (chats.head(400).reset_index(drop=True) for chats in clean)
    fitted = fit(train)
    first, second = (run_checks(fitted, train, test, seed=3) for _ in range(2))
    assert first == second
    assert first._repr_html_() == second._repr_html_()


def test_the_report_reads_well_everywhere(report):
    """As text, as HTML without a hole for markup, as a frame, as records without messages."""
    assert repr(report).count("\n") == len(CHECKS) - 1
    html = report._repr_html_()
    assert html.count("<details") == len(CHECKS) == html.count("<th scope='row'>")
    assert [row["code"] for row in report.to_records()] == list(CHECKS)
    assert all("evidence" not in row for row in report.to_records())
    results = {code: Result(status, "") for code, status in
               zip(CHECKS, ["pass", "not_run", "warn", "fail"], strict=False)}  # fmt: skip
    found = re.findall(r"<summary>.*?: (\w+ ?\w*)</summary>", CheckReport(results)._repr_html_())
    assert found == ["fail", "warning", "not run", "pass"], "what needs reading comes first"
    bad = CheckReport({"signal": Result("fail", "<script>", evidence=[{"chat": "<b>"}])})
    assert not re.search("<script>|<b>", bad._repr_html_())
    assert "What to do:" in bad._repr_html_()


def test_the_gate_stops_what_failed():
    """Only a failure, and only when asked to."""
    failed, warned = (CheckReport({"signal": Result(status, "")}) for status in ("fail", "warn"))
    assert (failed.alarms, warned.alarms) == (1, 1)
    failed.gate("warn")
    warned.gate("fail")
    with pytest.raises(InputError, match="The checks signal failed"):
        failed.gate("fail")
    with pytest.raises(InputError, match=r"Got overfitting\.gate='stop'"):
        failed.gate("stop")


class _Staged:
    """A boosted classifier whose every stage is given: two categories, one row of probabilities a chat and stage."""

    def __init__(self, stages):
        self.stages, self.classes_ = np.asarray(stages), np.array(["a", "b"])

    def predict(self, X):
        """The last stage's."""
        return np.resize(self.classes_[(self.stages[-1] < 0.5).astype(int)], len(X))

    def staged_predict_proba(self, X):
        """Each stage's."""
        return (np.column_stack([own, 1 - own]) for own in self.stages)


def staged(stages, threshold=0.05):
    """What `rounds` says of stages on chats that are all of category a."""
    chats = pd.DataFrame({"subject": "", "body": "x", "category": "a"}, index=range(len(stages[0])))
    return CHECKS["rounds"].check(Run(_Staged(stages), chats, chats), threshold)


def test_what_later_rounds_cost_is_more_than_chance():
    """A mean beyond the threshold is no failure while a hundredth of clean runs would go as far."""
    rng, n = np.random.default_rng(0), 400
    first = np.full(n, 0.5)
    certain, uncertain = (np.exp(-0.693 * (1 + 0.1 + spread * rng.standard_normal(n))) for spread in (0.1, 0.8))
    assert staged([first, np.clip(certain, 1e-4, 1)]).status == "fail"
    result = staged([first, np.clip(uncertain, 1e-4, 1)])
    assert result.statistic > result.threshold
    assert result.status == "pass"


def test_the_round_is_not_chosen_where_it_is_judged():
    """Each of many equal rounds is best for some chats by luck: on the other half that luck is gone."""
    rng = np.random.default_rng(0)
    regrets = [staged(np.exp(-np.abs(0.7 + 0.3 * rng.standard_normal((200, 80))))).statistic for _ in range(20)]
    assert abs(np.mean(regrets)) < 0.06  # chosen on the same half the best of 200 would save .2


def test_a_stopped_xgboost_is_judged_by_the_round_it_uses(clean):
    """It predicts by its best round; a line that XGBoost boosts keeps no rounds; a search is what it chose."""
    train, test = (chats.assign(category=(chats["category"] == "other").astype(int)) for chats in clean)
    words = TfidfVectorizer(max_features=300)
    X, y = words.fit_transform(texts(train)), train["category"]
    wrong = np.where(np.random.default_rng(0).random(len(y)) < 0.3, 1 - y, y)
    options = {"n_estimators": 150, "max_depth": 8, "n_jobs": 1}
    stopped = XGBClassifier(early_stopping_rounds=149, learning_rate=0.2, **options).fit(
        X, wrong, eval_set=[(words.transform(texts(test)), test["category"])], verbose=False
    )
    assert stopped.best_iteration < 100  # 12 or 23 or another: the last bits of a weight make other trees
    result = found("rounds", train, test, plain_pipeline(words, stopped))
    assert f" of {stopped.best_iteration + 1} is best" in result.explanation
    assert result.status == "pass"
    line = XGBClassifier(n_estimators=5, booster="gblinear", n_jobs=1).fit(X, y)
    with pytest.raises(NotRunError, match="does not show its rounds"):
        found("rounds", train, test, plain_pipeline(words, line))
    # Steps so large that the loss grows by a quarter at least, whichever trees they are.
    search = GridSearchCV(XGBClassifier(learning_rate=1.0, **options), {"reg_lambda": [0, 1e-6]}, cv=2).fit(X, wrong)
    assert found("rounds", train, test, plain_pipeline(words, search)).status == "fail"


def threaded(chats):
    """Give conversations of four chats a reference in letters, as tickets may have one, in every chat of theirs."""
    group = np.arange(len(chats)) // 4
    body = [f"{text} ref{word(number)}" for text, number in zip(chats["body"], group, strict=True)]
    start = pd.Timestamp("2024-01-01")
    return chats.assign(conversation_id=[f"k{number}" for number in group], body=body, customer_id=None,
                        created_at=start + pd.to_timedelta(np.random.default_rng(0).integers(700, size=len(chats)), "D"))  # fmt: skip


def test_the_words_of_a_conversation_are_no_drift(clean):
    """A split that keeps conversations together puts their words on one side; that is no change."""
    train, test = split_chats(threaded(simulate(3000, seed=6)[0]), "group", seed=1)
    assert found("groups", train, test).status == "pass"
    assert found("drift", train, test).status == "pass"
    alone = (chats.drop(columns="conversation_id") for chats in (train, test))
    assert found("drift", *alone).statistic > found("drift", train, test).statistic + 0.1


def test_chats_of_a_conversation_are_no_proof_of_a_change_in_time():
    """Conversations of one category each: a random half would know the other chats of its conversations."""
    chats = threaded(simulate(3000, seed=6)[0].sort_values("category", kind="stable").reset_index(drop=True))
    train, test = split_chats(chats, "group", seed=1)
    assert found("time_order", train, test).status == "pass"


def test_one_text_with_two_labels_may_happen(sides):
    """One of a thousand is people's error."""
    train, test = sides
    again = (
        train[train["category"] == "urgent"].head(1).assign(category="other", body="the very same text of two chats")
    )
    other = again.assign(category="urgent")
    assert found("labels", pd.concat([train, again, other], ignore_index=True), test).status == "pass"


def test_a_simpler_setting_must_save_more_than_chance_would():
    """On few chats a mean beyond the threshold says nothing."""
    train, test = split_chats(simulate(900, seed=5)[0], "group", seed=5)
    fitted = fit(train, words_and_line(C=1e3))
    few = test.head(40)
    result = found("complexity", train, few, fitted)
    assert result.statistic > result.threshold
    assert result.status == "pass"
    assert found("complexity", train, test, fitted).status == "fail"
