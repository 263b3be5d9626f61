"""Whatever a stranger hands to `run_checks`: it works, or one sentence says what to change, or a check says why not."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_info, threadpool_limits
from xgboost import XGBClassifier

from chatkit.checks import CheckReport, checked_gate, run_checks
from chatkit.checks.neighbours import shingles
from chatkit.checks.result import Result
from chatkit.checks.suite import CHECKS
from chatkit.data.simulate import simulate
from chatkit.data.split import split_chats
from chatkit.project import InputError
from chatkit.text.messages import texts


def words(*steps):
    """An unfitted classifier of strings."""
    return make_pipeline(TfidfVectorizer(min_df=2), *(steps or [LogisticRegression(max_iter=1000)]))


def fit(train, pipeline=None):
    return (pipeline or words()).fit(texts(train), train["category"])


@pytest.fixture(scope="module")
def clean():
    """Training and test chats that share no conversation."""
    return split_chats(simulate(900, seed=5)[0], "group", seed=5)


@pytest.fixture(scope="module")
def fitted(clean):
    return fit(clean[0])


@pytest.fixture
def sides(clean):
    """Copies that a test may spoil."""
    return tuple(chats.copy() for chats in clean)


def one(code, fitted, train, test, **options):
    """What one check says when it is run as a person would run it."""
    return run_checks(fitted, train, test, only=[code], **options).results[code]


# What is not a frame of chats


@pytest.mark.parametrize(
    ("chats", "said"),
    [
        (None, "Got test as NoneType, expected a DataFrame"),
        ([{"subject": "a"}], "Got test as list, expected"),
        ({"subject": ["a"]}, "Got test as dict, expected"),
    ],
)
def test_what_is_no_frame_is_refused(clean, fitted, chats, said):
    """In a sentence that names the side."""
    with pytest.raises(InputError, match=said):
        run_checks(fitted, clean[0], chats)
    with pytest.raises(InputError, match=said.replace("test", "train")):
        run_checks(fitted, chats, clean[1])


@pytest.mark.parametrize("classifier", [None, "models/chats", TfidfVectorizer()])
def test_what_is_no_classifier_is_refused(clean, classifier):
    """The path of a model is not the model."""
    with pytest.raises(InputError, match=f"Got {type(classifier).__name__}, which predicts neither .*; give a fitted"):
        run_checks(classifier, *clean)


@pytest.mark.parametrize("seed", ["x", 1.5, -1, 2**32, True, None])
def test_a_wrong_seed_is_refused(clean, fitted, seed):
    """Before anything runs."""
    with pytest.raises(InputError, match=f"Got seed={seed!r}, expected a whole number from 0"):
        run_checks(fitted, *clean, seed=seed)


class Unsure:
    """A classifier whose probabilities are whatever a test gives."""

    def __init__(self, fitted, say):
        self.fitted, self.say, self.classes_ = fitted, say, fitted.classes_

    def predict(self, X):
        return self.fitted.predict(X)

    def predict_proba(self, X):
        return self.say(self.fitted.predict_proba(X))


def refuse(given):
    raise NotImplementedError("not here")


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (refuse, "cannot be had"),
        (lambda given: given[:, :2], "of shape"),
        (lambda given: given * np.nan, "expected finite ones"),
        (lambda given: given[:5], "of shape"),
    ],
)
def test_probabilities_that_are_none_stop_their_checks_only(clean, fitted, say, why):
    """Errors are counted instead where they can be; all other checks run."""
    report = run_checks(Unsure(fitted, say), *clean, only=["calibration", "signal"])
    assert report.results["calibration"].status == "not_run"
    assert why in report.results["calibration"].explanation
    assert report.results["signal"].status == "pass"


def test_half_a_character_is_read_as_a_question_mark(sides, fitted):
    """UTF-8 has no bytes for it."""
    train, test = sides
    for chats in sides:
        chats["body"] = chats["body"].astype(object)
        chats.loc[2, "body"] = "\ud800 hello"
    assert run_checks(fitted, train, test, only=["duplicates", "labels", "drift"]).results["drift"].status == "pass"


def test_a_column_that_is_there_twice_is_refused(clean, fitted):
    """Which one would be meant?"""
    train, test = clean
    twice = pd.concat([test, test[["body"]]], axis=1)
    with pytest.raises(InputError, match="Got test with more than one column 'body'"):
        run_checks(fitted, train, twice)


def test_a_text_that_is_none_is_refused(sides, fitted):
    """With its row."""
    train, test = sides
    test["body"] = test["body"].astype(object)
    test.loc[3, "body"] = 5
    with pytest.raises(InputError, match="Got test with a column body that is not all text: Row 3 is a int"):
        run_checks(fitted, train, test)


def test_categorical_and_empty_columns_are_text(sides, clean, fitted):
    """The same result as text; a column of gaps is a column of empty texts."""
    train, test = sides
    train["category"], test["category"] = (chats["category"].astype("category") for chats in sides)
    train["body"], test["body"] = train["body"].astype("category"), test["body"].astype("category")
    assert one("duplicates", fitted, train, test) == one("duplicates", fitted, *clean)
    test["subject"] = np.nan
    assert one("signal", fitted, train, test).status == "pass"


# Categories


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda labels: labels.where(labels.index > 1), "2 of .* chats without a category"),
        (lambda labels: labels.where(labels.index > 1, None), "2 of .* chats without a category"),
        (
            lambda labels: labels.where(labels.index > 1, 1),
            "categories such as .*1.*, expected all text or all numbers",
        ),
    ],
    ids=["NaN", "None", "mixed"],
)
def test_odd_labels_are_refused(sides, fitted, change, said):
    """A gap, or a number among names."""
    train, test = sides
    test["category"] = change(test["category"].astype(object))
    with pytest.raises(InputError, match=said):
        run_checks(fitted, train, test)


@pytest.mark.parametrize("dtypes", [("Int64", "Int64"), ("int64", "float64"), ("float64", "int64")], ids=str)
def test_whole_numbers_are_one_category_in_every_type(sides, dtypes):
    """Scikit-learn makes floats of Int64: 0.0 is 0 all the same, and no wrong alarm tells otherwise."""
    named = [chats.assign(category=np.where(chats["category"] == "other", "1", "0")) for chats in sides]
    numbers = [chats.assign(category=(chats["category"] == "other").astype(dtype))
               for chats, dtype in zip(sides, dtypes, strict=True)]  # fmt: skip
    assert run_checks(fit(numbers[0]), *numbers) == run_checks(fit(named[0]), *named)


def test_a_classifier_of_numbers_is_fitted_with_numbers(sides):
    """XGBoost takes no names: scrambled categories are numbers as well."""
    for chats in sides:
        chats["category"] = (chats["category"] == "other").astype(int)
    model = fit(sides[0], words(XGBClassifier(n_estimators=5, n_jobs=1)))
    assert one("scrambled_labels", model, *sides).status == "pass"


def test_a_classifier_of_other_categories_is_refused(sides):
    """Numbers, where the chats have names: both are named."""
    train, test = sides
    codes = LabelEncoder().fit_transform(train["category"])
    model = fit(train.assign(category=codes))
    with pytest.raises(
        InputError, match=r"knows the categories 0, 1, .*, and the training chats have .*incident.*none"
    ):
        run_checks(model, train, test)
    with pytest.raises(InputError, match=r"the test chats have .*incident"):
        run_checks(model, train.assign(category=codes), test)


def test_a_classifier_that_does_not_name_its_categories_is_judged_by_its_predictions(clean):
    """And what needs their order does not run."""

    class Silent:
        def predict(self, X):
            return np.repeat(["incident", "other"], len(X))[: len(X)]

        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    assert one("calibration", Silent(), *clean).explanation == "The classifier does not name its categories (classes_)."
    Silent.predict = lambda self, X: np.repeat("nothing", len(X))
    with pytest.raises(InputError, match="knows the categories nothing, and the training and test chats have"):
        run_checks(Silent(), *clean)


def test_a_category_that_was_not_trained_is_named(sides):
    """In every check that it spoils."""
    train, test = sides
    train = train[train["category"] != "incident"].reset_index(drop=True)
    results = run_checks(fit(train), train, test).results
    count = (test["category"] == "incident").sum()
    for code in ("signal", "simple", "drift", "calibration"):
        lacks = f" {count} test chats have a category that the classifier or the training chats lack: incident."
        assert lacks in results[code].explanation
    assert results["complexity"].status == "not_run"
    assert (
        results["complexity"].explanation == f"{count} test chats have a category that the classifier lacks: incident."
    )
    whole = run_checks(fit(train), *sides, only=["signal"]).results["signal"].explanation
    assert "training chats have a category that the classifier lacks: incident." in whole


# Groups and times


@pytest.mark.parametrize("gap", [None, np.nan, "", " "], ids=repr)
def test_a_gap_does_not_hide_a_shared_conversation(clean, fitted, gap):
    """All test chats are of training conversations; one has no conversation."""
    train, test = clean
    leak = test.assign(conversation_id=train["conversation_id"].to_numpy()[: len(test)].astype(object))
    leak.loc[4, "conversation_id"] = gap
    for chats in (leak, leak.drop(columns="customer_id")):
        result = one("groups", fitted, train, chats)
        assert (result.status, result.statistic) == ("fail", 1.0)
        assert "1 test chats and 0 training chats have no conversation_id." in result.explanation


def test_what_was_not_compared_is_said(clean, fitted):
    """Customers alone are no word on conversations."""
    train, test = clean
    test = test.assign(customer_id=test["customer_id"].where(test.index % 2 > 0, "new" + test["customer_id"]))
    result = one("groups", fitted, train, test.assign(conversation_id=""))
    assert result.explanation.endswith("No conversation_id was compared: one side has none.")
    assert "was compared" not in one("groups", fitted, train, test).explanation


def test_gaps_on_both_sides_are_no_shared_conversation(sides, fitted):
    """Nor a shared customer: nothing is not the same as nothing."""
    for chats in sides:
        for name in ("conversation_id", "customer_id"):
            chats[name] = chats[name].astype(object)
            chats.loc[::3, name] = " "
    result = one("groups", fitted, *sides)
    assert (result.status, result.statistic) == ("pass", 0.0)
    assert "have no customer_id" in result.explanation


def test_conversations_that_are_numbers_are_the_same_in_every_type(clean, fitted):
    """A gap makes floats of whole numbers, a file text."""
    train, test = clean
    test = test.assign(conversation_id=np.arange(len(test), dtype=float)).drop(columns="customer_id")
    train = train.assign(conversation_id=[str(row) for row in range(len(train))])
    assert one("groups", fitted, train, test).statistic == 1.0


@pytest.mark.parametrize(
    "change",
    [
        lambda times: times.astype(str),
        lambda times: times.dt.strftime("%Y-%m-%dT%H:%M:%S"),
        lambda times: times.astype(object),
    ],
)
def test_times_are_read_where_they_are_sure(sides, clean, fitted, change):
    """ISO 8601 as text, and objects: the same result."""
    train, test = sides
    train["created_at"], test["created_at"] = (chats["created_at"].dt.floor("s") for chats in sides)
    expected = one("time_order", fitted, train, test)
    assert one("time_order", fitted, train, test.assign(created_at=change(test["created_at"]))) == expected


def test_dates_are_times(sides, fitted):
    """A column of datetime.date."""
    for chats in sides:
        chats["created_at"] = [moment.date() for moment in chats["created_at"]]
    assert isinstance(sides[0]["created_at"].iloc[0], dt.date)
    assert one("time_order", fitted, *sides).status == "pass"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda times: times.dt.tz_localize("UTC"),
            "The created_at of the training and the test chats cannot be compared",
        ),
        (lambda times: times.astype("int64"), "The created_at of the training and the test chats cannot be compared"),
        (lambda times: times.dt.strftime("%d/%m/%Y"), "The column created_at is no time"),
        (lambda times: times.dt.strftime("%Y-%m-%d").where(times.index > 0, ""), "Some chats have no created_at"),
    ],
)
def test_times_that_cannot_be_compared_are_not(clean, fitted, change, said):
    """The check says why; the others go on."""
    train, test = clean
    result = one("time_order", fitted, train, test.assign(created_at=change(test["created_at"])))
    assert result.status == "not_run"
    assert said in result.explanation


# Few chats


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 15, 31, 61])
def test_few_test_chats_are_no_alarm_and_no_number(clean, fitted, rows):
    """Where little can be shown, the checks say so; nan is never said."""
    train, test = clean
    report = run_checks(fitted, train, test.head(rows))
    assert "nan" not in str(report)
    assert report.results["signal"].status == "pass" or rows < 31
    if rows <= 15:
        assert report.results["simple"].status == report.results["complexity"].status == "not_run"


@pytest.mark.parametrize("rows", [1, 2, 4, 8, 15, 40])
def test_few_chats_on_both_sides_end_well(clean, rows):
    """No traceback and no failure of a model that cannot be judged."""
    train, test = (
        chats[chats["category"].isin(["other", "incident"])].groupby("category").head(rows) for chats in clean
    )
    report = run_checks(fit(train, make_pipeline(TfidfVectorizer(), DummyClassifier())), train, test)
    assert "nan" not in str(report)
    assert report.results["signal"].status == ("fail" if rows >= 15 else "not_run")


def test_signal_says_why_it_shows_nothing(clean, fitted):
    """One category, or so few chats that a good model with an error looks like chance."""
    train, test = clean
    result = one("signal", fitted, train, test[test["category"] == "other"])
    assert result.status == "not_run"
    assert "30 are needed, and enough of more than one category." in result.explanation
    two = test[test["category"].isin(["other", "incident"])]
    few = two.groupby("category").head(4)

    class Good(DummyClassifier):
        def predict(self, X):
            right = few["category"].to_numpy()[np.arange(len(X)) % len(few)]
            return np.where(np.arange(len(X)) % 4 == 3, "other", right)

    good = Good().fit(texts(train), train["category"])
    assert one("signal", good, train, few).status == "not_run"


@pytest.mark.parametrize("rows", [15, 20])
def test_a_model_of_few_chats_is_not_said_to_have_learned_nothing(clean, rows):
    """15 chats on each side; what 60 show cannot be seen on them."""
    sides = [chats[chats["category"].isin(["other", "incident"])].head(60).reset_index(drop=True) for chats in clean]
    line = make_pipeline(TfidfVectorizer(), LogisticRegression(C=100))
    assert one("signal", fit(sides[0], line), *sides).status == "pass"
    few = [chats.head(rows) for chats in sides]
    assert one("signal", fit(few[0], line), *few).status == "not_run"


def test_boosting_is_not_judged_by_three_chats(sides):
    """A half of one chat has no spread."""
    for chats in sides:
        chats["category"] = (chats["category"] == "other").astype(int)
    model = fit(sides[0], words(XGBClassifier(n_estimators=5, n_jobs=1)))
    result = one("rounds", model, sides[0], sides[1].head(3))
    assert (result.status, result.explanation) == (
        "not_run",
        "There are 3 test chats; 60 are needed.",
    )


def test_without_any_text_the_checks_say_so(sides, fitted):
    """And do not speak of a min_df that nobody set."""
    train, test = (chats.assign(subject="", body=" ") for chats in sides)
    results = run_checks(fitted, train, test).results
    empty = {"duplicates", "leak_tokens", "simple", "labels", "drift"}
    assert {code for code in CHECKS if "the texts are empty" in results[code].explanation} >= empty
    assert not any("min_df" in results[code].explanation for code in empty)


def test_training_chats_of_one_category_say_so(clean):
    """What needs two does not run."""
    train, test = clean
    train = train[train["category"] == "other"].reset_index(drop=True)
    results = run_checks(fit(train, make_pipeline(TfidfVectorizer(), DummyClassifier())), train, test).results
    assert results["leak_tokens"].status == results["scrambled_labels"].status == "not_run"


# Copies that are fitted again


def test_a_refit_that_fails_stops_its_check_only(clean):
    """Three times min_df is above max_df."""
    model = fit(clean[0], make_pipeline(TfidfVectorizer(min_df=2, max_df=5), LogisticRegression()))
    results = run_checks(model, *clean, only=["complexity", "signal"]).results
    assert results["complexity"].status == "not_run"
    assert "A copy of Pipeline cannot be fitted on" in results["complexity"].explanation
    assert "max_df" in results["complexity"].explanation
    assert results["signal"].status in ("pass", "fail")


def test_a_copy_that_cannot_answer_stops_its_check_only(clean):
    """It asks for more neighbours than half of the chats are."""
    model = fit(clean[0], words(KNeighborsClassifier(500)))
    result = one("scrambled_labels", model, *clean)
    assert result.status == "not_run"
    assert "neighbors" in result.explanation


@pytest.mark.parametrize(
    "wrap",
    [FrozenEstimator, lambda model: CalibratedClassifierCV(FrozenEstimator(model))],
    ids=["whole", "inside"],
)
def test_a_frozen_classifier_is_not_said_to_have_learned_nothing(clean, fitted, wrap):
    """Its copy is the fitted one: scrambled categories never reach it."""
    model = fit(clean[0], wrap(fitted))
    result = one("scrambled_labels", model, *clean)
    assert result.status == "not_run"
    assert "is frozen: a copy of it would not be fitted again" in result.explanation
    assert one("complexity", model, *clean).status == "not_run"


@pytest.mark.parametrize("inside", [False, True], ids=["around", "inside"])
def test_complexity_looks_through_a_search(clean, inside):
    """A search would choose the C again that a simpler sibling must not have."""
    train, test = clean
    if inside:
        model = words(GridSearchCV(LogisticRegression(max_iter=300), {"C": [1e4]}, cv=2))
    else:
        model = GridSearchCV(words(LogisticRegression(max_iter=300)), {"logisticregression__C": [1e4]}, cv=2)
    result = one("complexity", fit(train, model), train, test)
    assert "1000" in " ".join(row["simpler"] for row in result.evidence)
    saved = [row["saves"] for row in result.evidence if "C=" in row["simpler"]]
    assert saved
    assert "+0.0%" not in saved


def test_a_search_that_shows_no_choice_has_no_siblings(clean):
    """Inside a calibration the fitted search is out of sight."""
    search = GridSearchCV(LinearSVC(), {"C": [1, 10]}, cv=2)
    model = fit(clean[0], make_pipeline(TfidfVectorizer(min_df=0.001), CalibratedClassifierCV(search, cv=2)))
    assert "none of the parameters" in one("complexity", model, *clean).explanation


@pytest.mark.parametrize(
    ("procedure", "said"),
    [
        (lambda train, test: None, "returned a NoneType of shape ()"),
        (lambda train, test: "other", "returned a str of shape ()"),
        (lambda train, test: ["other"], "returned a list of shape (1,)"),
        (lambda train, test: test[["category"]], ", 1) for"),
        (lambda train, test: ["nonsense"] * len(test), "returned nonsense, and the chats that it was given have"),
        (lambda train, test: 1 / 0, "The procedure failed (ZeroDivisionError: division by zero)."),
        (lambda train, test: float("I lost my card"), "(ValueError: could not convert string to float: '…')."),
    ],
)
def test_a_broken_procedure_is_no_pass(clean, fitted, procedure, said):
    """Silence is no sign that nothing is learned."""
    result = one("scrambled_labels", fitted, *clean, procedure=procedure)
    assert result.status == "not_run"
    assert said in result.explanation


# What else is given


@pytest.mark.parametrize("only", ["duplicates", [], 5], ids=repr)
def test_checks_are_asked_for_as_a_list(clean, fitted, only):
    """Letters are no checks, and none is no run."""
    with pytest.raises(InputError, match=r"Got only=.*, expected a list of checks, such as only=\['duplicates'\]"):
        run_checks(fitted, *clean, only=only)


def test_a_check_that_does_not_exist_is_named(clean, fitted):
    """Whatever type it has."""
    with pytest.raises(InputError, match="Got the check 1, expected checks among duplicates"):
        run_checks(fitted, *clean, only=[1, "x"])
    report = run_checks(fitted, *clean, only=(code for code in ["signal"]))
    assert list(report.results) == ["signal"]


@pytest.mark.parametrize("value", ["0.005", None, float("nan"), 60, True, float("inf")], ids=repr)
def test_a_threshold_is_a_share(clean, fitted, value):
    """No text, no gap, no percentage."""
    with pytest.raises(InputError, match=r"Got .* as the threshold of duplicates, expected a number from -1 to 1"):
        run_checks(fitted, *clean, thresholds={"duplicates": value})
    with pytest.raises(InputError, match=r"Got thresholds=\[0.1\], expected a dict"):
        run_checks(fitted, *clean, thresholds=[0.1])


def test_a_gate_is_refused_before_it_is_reached():
    """The notebook asks at its start."""
    assert checked_gate("fail") == "fail"
    with pytest.raises(InputError, match=r"Got overfitting\.gate='Fail', expected 'fail' or 'warn'\."):
        checked_gate("Fail")


def test_metrics_name_each_check():
    """A dict of dicts: `dvc metrics diff` shows no lists."""
    report = CheckReport({"signal": Result("pass", "", 0.0010000001), "rounds": Result("not_run", "")})
    assert report.to_metrics() == {
        "signal": {"status": "pass", "statistic": 0.001},
        "rounds": {"status": "not_run", "statistic": None},
    }


def test_one_thread_of_blas_is_used(clean):
    """Many small fits on many cores spend their time waiting for each other."""
    seen = []

    class Watching(DummyClassifier):
        def predict(self, X):
            seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
            return super().predict(X)

    model = Watching().fit(texts(clean[0]), clean[0]["category"])
    with threadpool_limits(2, user_api="blas"):
        run_checks(model, *clean, only=["signal"])
    assert set(seen) == {1}


def test_a_signature_is_looked_for_in_linear_time():
    """Behind many line breaks, too, of which it takes the last; looked for behind each it would take an hour."""
    many = "card lost" + "\n" * 300_000
    weights, words = shingles([many + "Kind regards, Ann", many + "stolen", "card lost"])
    assert words.tolist() == [2, 3, 2]
    assert (weights[0] != weights[2]).nnz == 0
