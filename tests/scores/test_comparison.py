"""Two models on the same chats, against the same sums done slowly."""

from math import comb

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_score, recall_score

from chatkit import plots
from chatkit.scores import comparison

NAMES = ["incident", "other", "urgent"]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def model(actual, quality, rng):
    """Predictions of a model that is right so often, and its probabilities."""
    given = rng.dirichlet([1, 1, 1], len(actual))
    given[np.arange(len(actual)), [NAMES.index(name) for name in actual]] += quality
    given /= given.sum(axis=1, keepdims=True)
    place = [NAMES.index(name) for name in actual]
    frame = {
        "predicted": np.array(NAMES, dtype=object)[given.argmax(axis=1)],
        "probability": given.max(axis=1),
        "probability_of_actual": given[np.arange(len(actual)), place],
    }
    return pd.DataFrame(frame), given


def sides(n=90, per_conversation=3, seed=0):
    """Test chats with the predictions of a poor and of a better model, and all their probabilities."""
    rng = np.random.default_rng(seed)
    actual = rng.choice(NAMES, n, p=[0.2, 0.5, 0.3])
    chats = pd.DataFrame(
        {
            "id": [f"c{i}" for i in range(n)],
            "subject": "",
            "body": [f"Message {i}" for i in range(n)],
            "conversation_id": [f"k{i // per_conversation}" for i in range(n)],
            "actual": actual,
        }
    )
    (a, given_a), (b, given_b) = model(actual, 0.2, rng), model(actual, 0.5, rng)
    return (chats.join(a), chats.join(b)), (given_a, given_b)


def paired(tests):
    return comparison.pair(*tests).rename(columns={"actual_a": "actual"})


def slow(rows, side):
    """All measures of one model by scikit-learn."""
    actual, predicted = list(rows["actual"]), list(rows[f"predicted_{side}"])
    found = [
        f1_score(actual, predicted, average="macro", zero_division=0),
        accuracy_score(actual, predicted),
        -np.log(rows[f"probability_of_actual_{side}"]).mean(),
    ]
    for measure in (precision_score, recall_score, f1_score):
        found += list(measure(actual, predicted, labels=NAMES, average=None, zero_division=np.nan))
    return np.array(found)


def test_scores_and_intervals_are_those_of_a_slow_computation():
    """Each draw takes whole conversations and scores both models on the same rows."""
    tests, given = sides()
    chats = paired(tests)
    found = comparison.paired_scores(chats, draws=60, seed=5)
    assert found["metric"].tolist() == ["macro_f1", "accuracy", "log_loss"] + [
        metric for metric in ("precision", "recall", "f1") for _ in NAMES
    ]
    assert found["category"].tolist() == ["", "", "", *NAMES * 3]
    np.testing.assert_allclose(found["a"], slow(chats, "a"), atol=1e-6)
    np.testing.assert_allclose(found["b"], slow(chats, "b"), atol=1e-6)
    assert found["a"][2] == pytest.approx(log_loss(chats["actual"], given[0], labels=NAMES), abs=1e-6)

    groups = [rows for _, rows in chats.groupby("conversation", sort=False)]
    rng, drawn = np.random.default_rng(5), []
    for _ in range(60):
        rows = pd.concat([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        drawn.append(slow(rows, "b") - slow(rows, "a"))
    value = slow(chats, "b") - slow(chats, "a")
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0) - 2 * (np.nanmean(drawn, axis=0) - value)
    np.testing.assert_allclose(found["low"], np.minimum(low, value), atol=1e-6)
    np.testing.assert_allclose(found["high"], np.maximum(high, value), atol=1e-6)


def test_the_interval_covers_the_true_difference():
    """Of 60 pairs of samples, about 57 intervals hold the difference of all chats; fewer than 50 would be a fault."""
    everything = comparison.paired_scores(paired(sides(20_000, 1, seed=1)[0]))["difference"][1]
    held = 0
    for seed in range(60):
        row = comparison.paired_scores(paired(sides(150, 1, seed=seed + 2)[0])).iloc[1]
        held += row["low"] <= everything <= row["high"]
    assert held >= 50


def test_chats_of_one_conversation_are_drawn_together():
    """Ten copies of each chat tell no more than one: the interval stays as wide."""
    chats = paired(sides(60, 1)[0])
    copies = pd.concat([chats] * 10)
    once, together = (comparison.paired_scores(rows).iloc[1] for rows in (chats, copies))
    alone = comparison.paired_scores(copies.assign(conversation=np.arange(len(copies)))).iloc[1]
    assert (together["low"], together["high"]) == (once["low"], once["high"])
    assert alone["high"] - alone["low"] < 0.5 * (once["high"] - once["low"])


def test_a_model_compared_with_itself_does_not_differ():
    """Every difference and both ends are exactly 0."""
    (a, _), _ = sides()
    found = comparison.paired_scores(paired((a, a)))
    assert not found[["difference", "low", "high"]].to_numpy().any()
    assert found["a"].equals(found["b"])


def test_what_is_not_known_is_not_a_number():
    """No log-loss without probabilities, no precision of what is never predicted; the rest is scored."""
    (a, b), _ = sides()
    b = b.assign(probability=np.nan, probability_of_actual=np.nan, predicted=b["predicted"].replace("urgent", "other"))
    found = comparison.paired_scores(paired((a, b))).set_index(["metric", "category"])
    unknown = [("log_loss", ""), ("precision", "urgent")]
    assert found.loc[unknown, ["b", "difference", "low", "high"]].isna().all(axis=None)
    assert found.drop(unknown).notna().all(axis=None)
    assert found.loc[unknown, "a"].notna().all()


def test_only_the_same_chat_is_paired():
    """An id that stands for another text is another chat; chats without conversation are their own."""
    (a, b), _ = sides(12)
    b.loc[0, "body"] = "Something else"
    a = a.drop(index=1)
    assert comparison.pair(a, b)["id"].tolist() == [f"c{i}" for i in range(2, 12)]
    assert comparison.pair(a, b)["conversation"].nunique() == 4
    b["conversation_id"] = [None, "c5", *b["conversation_id"][2:]]
    both = comparison.pair(a.drop(columns="conversation_id"), b)
    assert both["conversation"].nunique() == 4
    without = [side.drop(columns="conversation_id") for side in (a, b)]
    assert comparison.pair(*without)["conversation"].nunique() == 10


def test_chats_change_sides():
    """Fixed, broken, wrong in another way; the surest first, ties by id, no probability last."""
    rows = [
        ("c1", "x", "y", "x", 0.6), ("c2", "x", "y", "x", 0.9), ("c3", "x", "y", "x", None), ("c0", "x", "y", "x", 0.6),
        ("c4", "x", "x", "y", 0.5), ("c5", "x", "y", "z", 0.5), ("c6", "x", "y", "y", 0.5), ("c7", "x", "x", "x", 0.5),
    ]  # fmt: skip
    chats = pd.DataFrame(rows, columns=["id", "actual", "predicted_a", "predicted_b", "probability_b"])
    found = {name: list(side["id"]) for name, side in comparison.changed_sides(chats).items()}
    assert found == {"fixed": ["c2", "c0", "c1", "c3"], "broken": ["c4"], "other error": ["c5"]}


@pytest.mark.parametrize(("fixed", "broken"), [(0, 0), (1, 0), (3, 9), (9, 3), (6, 6), (40, 70)])
def test_mcnemar_is_the_binomial_tail_twice(fixed, broken):
    """Of a fair coin, and never above 1."""
    n = fixed + broken
    tail = sum(comb(n, i) for i in range(min(fixed, broken) + 1)) / 2**n
    assert comparison.mcnemar(fixed, broken) == pytest.approx(min(1, 2 * tail))


def test_changes_of_the_confusion_matrix_are_counted():
    """Every pair of categories; the changes of a row cancel out."""
    chats = paired(sides()[0])
    frame = comparison.confusion_change(chats)
    assert len(frame) == 9
    assert not frame.groupby("actual")["change"].sum().any()
    for row in frame.itertuples():
        counts = [
            ((chats["actual"] == row.actual) & (chats[f"predicted_{side}"] == row.predicted)).sum() for side in "ab"
        ]
        assert [row.count_a, row.count_b, row.change] == [*counts, counts[1] - counts[0]]


def test_the_figure_says_the_changes():
    """In its cells, its title and its alt text; the largest category first."""
    frame = pd.DataFrame(
        [("a$x$", "a$x$", 2, 5), ("a$x$", "b", 8, 5), ("b", "a$x$", 1, 2), ("b", "b", 3, 2)],
        columns=["actual", "predicted", "count_a", "count_b"],
    )
    frame["change"] = frame["count_b"] - frame["count_a"]
    display = plots.confusion_change(frame.iloc[::-1])
    assert {text.get_text() for text in display.ax_.texts} == {"+3", "-3", "+1", "-1"}
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == [r"a\$x\$", "b"]
    assert plots.alt_text(display.figure_) == (
        "Change of the confusion matrix of 2 categories, counts of B minus counts of A: B puts 2 chats more where people "
        "put them. Largest changes: a$x$ found +3; a$x$ taken for b -3; b taken for a$x$ +1; b found -1."
    )


def test_the_figure_of_no_change_says_so():
    """Nothing in its cells."""
    chats = paired(sides()[0])
    display = plots.confusion_change(comparison.confusion_change(chats.assign(predicted_b=chats["predicted_a"])))
    assert not display.ax_.texts
    assert "B puts as many chats as A where people put them. Largest changes: none." in plots.alt_text(display.figure_)


@pytest.mark.parametrize("k", [5, 30, 77])
def test_the_figure_holds_many_categories(k):
    """Letters of at least nine points, no text where cells are too small for it."""
    rng = np.random.default_rng(k)
    names = [f"category number {i:02}" for i in range(k)]
    chats = pd.DataFrame(rng.choice(names, (2000, 3)), columns=["actual", "predicted_a", "predicted_b"])
    display = plots.confusion_change(comparison.confusion_change(chats))
    assert bool(display.ax_.texts) == (k <= 30)
    assert all(text.get_fontsize() >= 9 for text in display.ax_.texts)
    assert len(plots.alt_text(display.figure_)) < 700
