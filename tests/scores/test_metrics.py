"""Numbers that one can work out by hand, and what happens where there is nothing to divide by."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin

from chatkit import make_pipeline
from chatkit.project import InputError
from chatkit.scores import metrics

# a: 2 of 3 found, once taken for b; b: found, but also given to one a and one c; c: never predicted.
ACTUAL = ["a", "a", "a", "b", "c"]
PREDICTED = ["a", "a", "b", "b", "b"]


def cell(frame, category, metric, column="value"):
    row = frame[(frame["category"] == category) & (frame["metric"] == metric)]
    return row[column].item()


# scores


def test_scores_by_hand():
    """Macro-F1, accuracy and balanced accuracy are those of the definition."""
    found = metrics.scores(ACTUAL, PREDICTED)
    # F1: a 4/5, b 2/4, c 0; recall: a 2/3, b 1, c 0.
    assert found == pytest.approx(
        {"macro_f1": (0.8 + 0.5 + 0) / 3, "accuracy": 3 / 5, "balanced_accuracy": (2 / 3 + 1 + 0) / 3}
    )
    assert {type(value) for value in found.values()} == {float}


def test_macro_f1_counts_a_category_that_only_the_model_names():
    """A category that nobody asked for lowers macro-F1 but not balanced accuracy."""
    found = metrics.scores(["a", "a"], ["a", "b"])
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["balanced_accuracy"] == pytest.approx(1 / 2)


def test_log_loss_and_brier_by_hand():
    """Both are taken over all classes, one that the test lacks included, whatever the order of the columns."""
    probabilities = [[0.1, 0.6, 0.3], [0.5, 0.25, 0.25]]
    found = metrics.scores(["b", "a"], ["b", "b"], probabilities, classes=["c", "b", "a"])
    assert found["log_loss"] == pytest.approx(-(np.log(0.6) + np.log(0.25)) / 2)
    assert found["brier"] == pytest.approx(((0.01 + 0.16 + 0.09) + (0.25 + 0.0625 + 0.5625)) / 2)


def test_two_classes_sum_over_both():
    """The Brier score of two classes is summed over both, as for more."""
    found = metrics.scores(["x", "y"], ["x", "y"], [[0.8, 0.2], [0.5, 0.5]], classes=["x", "y"])
    assert found["brier"] == pytest.approx((0.08 + 0.5) / 2)


def test_probability_zero_is_a_finite_loss():
    """A model that was sure and wrong gets a large log-loss, not an infinite one."""
    assert 30 < metrics.scores(["x"], ["y"], [[0.0, 1.0]], classes=["x", "y"])["log_loss"] < np.inf


def test_single_precision_probabilities_do_not_warn():
    """XGBoost's float32 probabilities, which sum to 1 only so far, are taken as they are."""
    probabilities = np.full((2, 77), 1 / 77, dtype=np.float32) * np.float32(1 + 1e-5)
    classes = [f"svc_{i}" for i in range(77)]
    found = metrics.scores(["svc_3", "svc_9"], ["svc_3", "svc_3"], probabilities, classes)
    assert found["log_loss"] == pytest.approx(np.log(77), rel=1e-6)


def test_columns_of_a_frame_are_taken():
    """A pandas column with its own index gives what a list gives."""
    column = pd.Series(ACTUAL, index=[9, 8, 7, 6, 5])
    assert metrics.scores(column, np.array(PREDICTED)) == metrics.scores(ACTUAL, PREDICTED)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((["a"], ["a", "b"]), "Got 1 rows in y_true and 2 in y_pred"),
        (([], []), "Got no rows"),
        ((["a"], ["a"], [[1.0]]), "without classes"),
        ((["a"], ["a"], [[0.5, 0.5]], ["a"]), r"shape \(1, 2\), expected \(1, 1\)"),
        ((["b"], ["a"], [[0.5, 0.5]], ["a", "c"]), "Got category 'b' in y_true"),
        ((["a"], ["a"], [[0.5, 0.49]], ["a", "c"]), "do not sum to 1"),
    ],
)
def test_scores_refuse_what_does_not_fit(arguments, said):
    """Each mistake is named."""
    with pytest.raises(ValueError, match=said):
        metrics.scores(*arguments)


# per_class


def test_per_class_by_hand():
    """Precision, recall, F1 and support are those of the definition, three rows a category, sorted."""
    frame = metrics.per_class(ACTUAL, PREDICTED)
    assert list(frame.columns) == ["category", "metric", "value", "low", "high", "support"]
    assert list(frame["category"]) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert list(frame["metric"]) == ["precision", "recall", "f1"] * 3
    assert list(frame["support"]) == [3] * 3 + [1] * 3 + [1] * 3
    expected = [1, 2 / 3, 4 / 5, 1 / 3, 1, 1 / 2, np.nan, 0, 0]
    assert list(frame["value"]) == pytest.approx(expected, nan_ok=True)


def test_never_predicted_has_no_precision():
    """Of a category that was never predicted precision is unknown, not 0, and has no interval."""
    frame = metrics.per_class(ACTUAL, PREDICTED)
    assert all(np.isnan(cell(frame, "c", "precision", column)) for column in ("value", "low", "high"))


def test_never_asked_for_has_no_recall():
    """A category without rows has support 0, precision 0 and F1 0; its recall is unknown."""
    frame = metrics.per_class(["a", "a"], ["a", "b"])
    assert cell(frame, "b", "recall", "support") == 0
    assert np.isnan(cell(frame, "b", "recall"))
    assert cell(frame, "b", "precision") == cell(frame, "b", "f1") == 0


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_intervals_are_wilson(confidence):
    """Intervals of precision and recall are SciPy's Wilson intervals; that of F1 is Jaccard's, mapped."""
    frame = metrics.per_class(ACTUAL, PREDICTED, confidence)

    def wilson(hits, rows):
        interval = binomtest(hits, rows).proportion_ci(confidence, method="wilson")
        return np.array([interval.low, interval.high])

    def interval(category, metric):
        return [cell(frame, category, metric, column) for column in ("low", "high")]

    assert interval("b", "precision") == pytest.approx(wilson(1, 3))
    assert interval("a", "recall") == pytest.approx(wilson(2, 3))
    jaccard = wilson(2, 3)  # a: 2 hits, 1 miss, no false alarm
    assert interval("a", "f1") == pytest.approx(2 * jaccard / (1 + jaccard))


PAIRS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=60)


@given(PAIRS)
def test_any_pairs_are_counted(pairs):
    """Scores are shares and confusions lose no row, whatever the categories on the two sides."""
    y_true, y_pred = zip(*pairs, strict=True)
    assert all(0 <= score <= 1 for score in metrics.scores(y_true, y_pred).values())
    frame = metrics.confusion(y_true, y_pred)
    right = frame.loc[frame["actual"] == frame["predicted"], "count"].sum()
    assert frame["count"].sum() == len(pairs)
    assert metrics.scores(y_true, y_pred)["accuracy"] == pytest.approx(right / len(pairs))


@given(PAIRS)
def test_values_lie_in_their_intervals(pairs):
    """Wherever a value is known, 0 <= low <= value <= high <= 1."""
    y_true, y_pred = zip(*pairs, strict=True)
    frame = metrics.per_class(y_true, y_pred).dropna()
    assert ((frame["low"] >= 0) & (frame["low"] <= frame["value"])).all()
    assert ((frame["value"] <= frame["high"]) & (frame["high"] <= 1)).all()


def test_interval_ends_at_all_or_nothing():
    """Where everything or nothing was found the interval ends there, exactly, for any number of rows."""
    for rows in range(1, 80):
        frame = metrics.per_class(["all"] * rows + ["none"] * rows, ["all"] * rows + ["other"] * rows)
        assert cell(frame, "all", "recall", "high") == cell(frame, "all", "f1", "high") == 1
        assert cell(frame, "none", "recall", "low") == cell(frame, "none", "f1", "low") == 0


def test_intervals_of_f1_hold_the_true_value():
    """About 95 of 100 intervals of F1 hold the F1 of the population they were drawn from."""
    generator = np.random.default_rng(0)
    # Shares of TP, FN, FP, TN in the population; F1 = 2 · .1 / (2 · .1 + .06 + .04).
    outcomes = np.array([("x", "x"), ("x", "y"), ("y", "x"), ("y", "y")])
    held = 0
    for _ in range(400):
        drawn = outcomes[generator.choice(4, size=300, p=[0.1, 0.06, 0.04, 0.8])]
        frame = metrics.per_class(drawn[:, 0], drawn[:, 1])
        held += cell(frame, "x", "f1", "low") <= 2 / 3 <= cell(frame, "x", "f1", "high")
    assert 0.925 <= held / 400 <= 0.98


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_confidence_is_a_share(confidence):
    """A confidence in per cent is refused."""
    with pytest.raises(ValueError, match=f"confidence={confidence}"):
        metrics.per_class(["a"], ["a"], confidence)


# confusion


def test_confusion_by_hand():
    """Every pair is there, with its count and its share of the actual category."""
    frame = metrics.confusion(ACTUAL, PREDICTED)
    assert list(frame.columns) == ["actual", "predicted", "count", "share"]
    assert list(zip(frame["actual"], frame["predicted"], strict=True)) == [(a, p) for a in "abc" for p in "abc"]
    assert list(frame["count"]) == [2, 1, 0, 0, 1, 0, 0, 1, 0]
    assert list(frame["share"]) == pytest.approx([2 / 3, 1 / 3, 0, 0, 1, 0, 0, 1, 0])


def test_confusion_of_a_category_without_rows():
    """One that is only predicted has counts 0 and no shares."""
    frame = metrics.confusion(["a"], ["b"])
    assert list(frame["actual"]) == ["a", "a", "b", "b"]
    assert list(frame["count"]) == [0, 1, 0, 0]
    assert list(frame["share"]) == pytest.approx([0, 1, np.nan, np.nan], nan_ok=True)


# learning_curve


@pytest.fixture
def chats():
    """Sixty chats, sorted by category: 36 cards, 22 loans, 2 wires, told apart by one word."""
    category = np.repeat(["card", "loan", "wire"], [36, 22, 2])
    generator = np.random.default_rng(0)
    chatter = ["please", "help", "thanks", "today", "again", "wait", "phone"]
    body = [" ".join([name, *generator.choice(chatter, generator.integers(2, 6))]) for name in category]
    return pd.DataFrame({"subject": "hello", "body": body, "category": category})


class Majority(ClassifierMixin, BaseEstimator):
    """Answers with its most frequent category, and notes the rows that it was fitted on."""

    fitted_on = []  # noqa: RUF012 - shared by the clones on purpose

    def fit(self, X, y):
        names, counts = np.unique(y, return_counts=True)
        self.classes_, self.answer_ = names, names[counts.argmax()]
        self.fitted_on.append(set(X.index))
        return self

    def predict(self, X):
        return np.full(len(X), self.answer_)


class Memory(Majority):
    """Knows the rows that it was fitted on, and nothing else."""

    def fit(self, X, y):
        self.known_ = dict(zip(X.index, y, strict=True))
        return super().fit(X, y)

    def predict(self, X):
        return np.array([self.known_.get(row, "nothing") for row in X.index])


def linear():
    return make_pipeline("logistic", min_df=1)


def test_staged_log_loss_ends_with_the_model_itself(chats):
    """One row a round and side; the last round is what predict_proba gives."""
    fitted = make_pipeline("xgboost", {"n_estimators": 4}, min_df=1).fit(chats[["subject", "body"]], chats["category"])
    frame = metrics.staged_log_loss(fitted, {"train": chats, "test": chats.head(8)})
    one_more = pd.concat([chats.head(8), chats.tail(1).assign(category="not known")])
    pd.testing.assert_frame_equal(frame, metrics.staged_log_loss(fitted, {"train": chats, "test": one_more}))
    assert frame.groupby("split")["round"].max().tolist() == [4, 4]
    given = fitted.predict_proba(chats[["subject", "body"]])
    last = metrics.scores(chats["category"], fitted.predict(chats[["subject", "body"]]), given, fitted.classes_)
    assert frame.query("split == 'train'")["log_loss"].iloc[-1] == pytest.approx(last["log_loss"], rel=1e-5)


def test_learning_curve_is_tidy(chats):
    """One row for each size, fold and split; sizes are shares of a fold's training rows."""
    frame = metrics.learning_curve(linear(), chats[["subject", "body"]], chats["category"], fractions=(0.5, 1.0), cv=3)
    assert list(frame.columns) == ["rows", "fold", "split", "macro_f1"]
    assert sorted(set(frame["rows"])) == [20, 40]
    assert len(frame) == 2 * 2 * 3
    assert not frame.duplicated(["rows", "fold", "split"]).any()
    assert frame["macro_f1"].between(0, 1).all()


def test_learning_curve_by_hand(chats):
    """A model that always says "card" has the macro-F1 of saying so, on the rows and on the fold alike."""
    frame = metrics.learning_curve(Majority(), chats, chats["category"], fractions=(1.0,), cv=2)
    # Each half has 18 cards, 11 loans, 1 wire: F1 of card 36 / (36 + 12), others 0.
    assert list(frame["macro_f1"]) == pytest.approx([0.75 / 3] * 4)


def test_train_is_what_the_model_has_seen(chats):
    """A model that only remembers is perfect on its own rows and at 0 on those of the fold."""
    frame = metrics.learning_curve(Memory(), chats, chats["category"], cv=2)
    assert set(frame.loc[frame["split"] == "train", "macro_f1"]) == {1}
    assert set(frame.loc[frame["split"] == "validation", "macro_f1"]) == {0}


def test_smaller_shares_are_contained_in_larger_ones(chats):
    """Within a fold rows are only added."""
    Majority.fitted_on.clear()
    metrics.learning_curve(Majority(), chats, chats["category"], fractions=(0.2, 0.6, 1.0), cv=2)
    for fold in (Majority.fitted_on[:3], Majority.fitted_on[3:]):
        assert len(fold[0]) < len(fold[1]) < len(fold[2])
        assert fold[0] < fold[1] < fold[2]


def test_smallest_share_holds_every_category(chats):
    """Rows come in the shares of their categories, although the chats are sorted by category."""
    Majority.fitted_on.clear()
    metrics.learning_curve(Majority(), chats, chats["category"], fractions=(0.2,), cv=2)
    counts = chats.loc[sorted(Majority.fitted_on[0]), "category"].value_counts()
    assert counts.to_dict() == {"card": 3, "loan": 2, "wire": 1}


def test_rare_categories_neither_warn_nor_fail(chats):
    """A category with fewer rows than folds is no reason to stop."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = metrics.learning_curve(linear(), chats[["subject", "body"]], chats["category"], cv=5)
    assert frame["macro_f1"].notna().all()


def test_learning_curve_depends_on_the_seed_alone(chats):
    """The same seed gives the same frame, with two jobs as with one; another seed gives other rows."""
    arguments = (linear(), chats[["subject", "body"]], chats["category"], (0.3, 1.0))
    first = metrics.learning_curve(*arguments, seed=1)
    pd.testing.assert_frame_equal(first, metrics.learning_curve(*arguments, seed=1, n_jobs=2))
    Majority.fitted_on.clear()
    for seed in (1, 2):
        metrics.learning_curve(Majority(), chats, chats["category"], (1.0,), cv=2, seed=seed)
    assert Majority.fitted_on[0] != Majority.fitted_on[2]


@pytest.mark.parametrize("sizes", [[30, 30], [38, 2], [20, 1, 1], [3, 3]])
def test_few_categories_and_small_ones_have_a_curve(chats, sizes):
    """Two are as good as more; one with a single row is missing from the fold that has it."""
    names = [f"c{number}" for number, size in enumerate(sizes) for _ in range(size)]
    some = chats.head(len(names)).assign(category=names)
    frame = metrics.learning_curve(Majority(), some, some["category"], (0.5, 1.0), cv=3)
    assert frame["macro_f1"].notna().all()


@pytest.mark.parametrize("sizes", [[30, 1], [2, 2, 2], [1, 1]])
def test_without_two_categories_in_each_fold_there_is_one_sentence(chats, sizes):
    """A notebook prints it in place of the figure."""
    names = [f"c{number}" for number, size in enumerate(sizes) for _ in range(size)]
    some = chats.head(len(names)).assign(category=names)
    with pytest.raises(InputError, match="Got too few rows of the categories for 3 folds"):
        metrics.learning_curve(Majority(), some, some["category"], (0.5, 1.0), cv=3)


@pytest.mark.parametrize("fraction", [0, 1.5, -0.1])
def test_fractions_are_shares(chats, fraction):
    """A number of rows instead of a share is refused."""
    with pytest.raises(ValueError, match="expected shares above 0 and up to 1"):
        metrics.learning_curve(linear(), chats, chats["category"], fractions=(fraction, 1.0))


def test_calibration_error_tells_sure_from_right():
    """None when as many are right as said; the distance when fewer are; never below the mean distance."""
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 20_000)
    probabilities = np.column_stack([sure, 1 - sure])
    right = rng.random(20_000) < sure
    honest = np.where(right, "a", "b")
    assert metrics.expected_calibration_error(honest, probabilities, ["a", "b"]) < 0.02
    boasting = np.where(rng.random(20_000) < sure - 0.2, "a", "b")
    assert abs(metrics.expected_calibration_error(boasting, probabilities, ["a", "b"]) - 0.2) < 0.02
