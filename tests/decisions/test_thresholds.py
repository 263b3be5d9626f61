"""Thresholds: chosen on training chats alone, as cheap as can be there, judged on the test chats."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn_from
from hypothesis import settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline as plain_pipeline

from chatkit import make_pipeline, plots
from chatkit.decisions.thresholds import (
    cost_curve,
    coverage_risk,
    operating_points,
    out_of_fold,
    points_by_error,
    points_frame,
    tuned_thresholds,
)
from chatkit.model.rules import RulesClassifier
from chatkit.project import InputError
from chatkit.scores.metrics import wilson

NAMES = ["incident", "other", "urgent"]


pytestmark = pytest.mark.usefixtures("own_figures")


class Diary(ClassifierMixin, BaseEstimator):
    """Knows a chat that it was fitted on from one that it was not: sure of the category, or the shares of all."""

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts / counts.sum()
        self.known_ = dict(zip(X["body"], y, strict=True))
        return self

    def predict_proba(self, X):
        return np.array(
            [self.classes_ == self.known_[body] if body in self.known_ else self.shares_ for body in X["body"]], float
        )


def simulated(rows=600, seed=0, urgent=0.2, names=NAMES):
    """Categories and calibrated probabilities of chats."""
    rng = np.random.default_rng(seed)
    shares = np.full(len(names), (1 - urgent) / (len(names) - 1))
    shares[-1] = urgent
    given = rng.dirichlet(shares, rows)
    truth = (given.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1).clip(0, len(names) - 1)
    return np.array(names, dtype=object)[truth], pd.DataFrame(given, columns=names)


def curve(**options):
    return cost_curve(*simulated(seed=1), *simulated(seed=2), **({"draws": 100} | options))


def points(**options):
    return operating_points(*simulated(3000, seed=1), *simulated(seed=2), **options)


# Out of fold


@pytest.mark.parametrize("column", ["conversation_id", None])
def test_no_chat_is_seen_by_the_copy_that_scores_it(chats, column):
    """Each body is that of one conversation: a copy that had seen any chat of it would be sure."""
    chats = chats.assign(body=chats["conversation_id"] if column else chats["id"])
    chats = chats.rename(columns={} if column else {"conversation_id": "thread"})
    seen = out_of_fold(plain_pipeline(Diary()), chats)
    assert list(seen.columns) == ["other", "urgent"]
    assert seen.index.equals(chats.index)
    assert (seen.max(axis=1) < 1).all()
    assert seen.sum(axis=1).to_numpy() == pytest.approx(1)


def test_chats_without_a_conversation_stand_alone(chats):
    """Half of the conversations are unknown: the others are kept together."""
    chats = chats.assign(body=chats["conversation_id"])
    chats["conversation_id"] = chats["conversation_id"].where(chats.index < 12)
    seen = out_of_fold(plain_pipeline(Diary()), chats, folds=3)
    assert (seen.max(axis=1)[:12] < 1).all()


def test_a_category_that_a_fold_lacks_gets_nothing(chats):
    """The only chat of a category: no copy that has not seen it can know of it; all others have a little of it."""
    chats.loc[3, ["category", "conversation_id"]] = "new product", "alone"
    seen = out_of_fold(plain_pipeline(Diary()), chats.assign(body=chats["id"]))
    assert seen.loc[3, "new product"] == 0
    assert (seen["new product"] > 0).sum() >= 15


def test_the_default_model_is_cloned_and_the_seed_decides(chats):
    """The model given stays as it was; the same seed gives the same probabilities."""
    chats["body"] = [f"{'abcdefg'[number % 7] * 3} {'hijkl'[number % 5] * 3} the card" for number in range(24)]
    pipeline = make_pipeline("logistic")
    first = out_of_fold(pipeline, chats, folds=2)
    assert not hasattr(pipeline[-1], "classes_")
    assert first.equals(out_of_fold(pipeline, chats, folds=2))
    assert not first.equals(out_of_fold(pipeline, chats, folds=2, seed=1))


def test_out_of_fold_says_what_it_needs(chats):
    """Probabilities, and as many chats of a category and conversations as folds."""
    with pytest.raises(InputError, match="Got RulesClassifier, which gives no probabilities"):
        out_of_fold(plain_pipeline(RulesClassifier()), chats)
    with pytest.raises(InputError, match=r"Got 12 conversations and at most 12 chats of a category for folds=13"):
        out_of_fold(make_pipeline(), chats, folds=13)
    chats["category"] = ["b"] + ["a"] * (len(chats) - 1)
    with pytest.raises(InputError, match="Got a category whose chats are all in one fold, beside one other; gather"):
        out_of_fold(make_pipeline(), chats)


# Thresholds


def cost(is_urgent, flagged, ratio):
    """What it costs to call these chats urgent, counted one by one."""
    return sum(ratio * (true and not said) + (said and not true) for true, said in zip(is_urgent, flagged, strict=True))


ratio_list = st.lists(st.sampled_from([0.5, 1, 2, 3, 50]) | st.floats(0.1, 60), min_size=1, max_size=5)
rows = st.lists(st.tuples(st.booleans(), st.integers(0, 12).map(lambda n: n / 12)), min_size=1, max_size=14)


@settings(max_examples=200, deadline=None)
@drawn_from(rows, ratio_list)
def test_no_threshold_is_cheaper(chats, ratios):
    """Of all sets of chats that a threshold can pick, the tuned one picks a cheapest, and of those the smallest."""
    is_urgent, probability = map(np.array, zip(*chats, strict=True))
    for ratio, threshold in zip(ratios, tuned_thresholds(is_urgent, probability, ratios), strict=True):
        every = [probability >= limit for limit in [*probability, 2.0]]
        costs = [round(cost(is_urgent, flagged, ratio), 6) for flagged in every]
        found = probability.round(6) >= threshold
        assert round(cost(is_urgent, found, ratio), 6) == min(costs)
        assert found.sum() == min(f.sum() for f, c in zip(every, costs, strict=True) if c == min(costs))


@settings(max_examples=200, deadline=None)
@drawn_from(rows, ratio_list)
def test_a_higher_ratio_never_has_a_higher_threshold(chats, ratios):
    """What was worth an alarm stays worth one when missing it costs more."""
    found = tuned_thresholds(*zip(*chats, strict=True), sorted(ratios))
    assert (found[1:] <= found[:-1]).all()


def test_thresholds_at_the_ends():
    """Nothing to gain: no chat; nothing to lose: all of them."""
    assert tuned_thresholds([True, False, False], [0.1, 0.5, 0.9], [0.5]) == np.inf
    assert tuned_thresholds([True, True], [0.1, 0.5], [1]) == 0


def test_calibrated_probabilities_are_tuned_to_theory():
    """With 100,000 chats the tuned threshold is Elkan's 1 / (1 + ratio), to 0.05, and costs no more than 1% less."""
    truth, given = simulated(100_000)
    is_urgent, probability, ratios = truth == "urgent", given["urgent"].to_numpy(), np.array([1, 3, 10, 30])
    tuned = tuned_thresholds(is_urgent, probability, ratios)
    assert tuned == pytest.approx(1 / (1 + ratios), abs=0.05)
    for ratio, threshold in zip(ratios, tuned, strict=True):
        found, theory = (
            (ratio * (is_urgent & (probability < limit)) + (~is_urgent & (probability >= limit))).sum()
            for limit in (threshold, 1 / (1 + ratio))
        )
        assert theory * 0.99 <= found <= theory


@pytest.mark.parametrize("ratios", [[], [0], [5, -1]])
def test_ratios_are_above_zero(ratios):
    """A missed urgent chat costs something."""
    with pytest.raises(ValueError, match="expected numbers above 0"):
        tuned_thresholds([True], [0.5], ratios)


# Costs


def test_costs_are_those_of_each_chat():
    """Recall, precision, share and cost of every policy, counted chat by chat."""
    truth, given = simulated(200, seed=2)
    frame = cost_curve(*simulated(seed=1), truth, given, ratios=(1, 7.5), draws=50)
    assert frame["policy"].unique().tolist() == ["tuned", "elkan", "as now", "all", "none"]
    is_urgent = truth == "urgent"
    for row in frame.itertuples():
        flagged = {
            "as now": (given.idxmax(axis=1) == "urgent").to_numpy(),
            "all": np.full(200, fill_value=True),
            "none": np.full(200, fill_value=False),
        }.get(row.policy, given["urgent"].to_numpy().round(6) >= row.threshold)
        assert row.cost == pytest.approx(cost(is_urgent, flagged, row.ratio) * 1000 / 200)
        assert row.recall == (flagged & is_urgent).sum() / is_urgent.sum()
        assert row.flagged == flagged.mean()
        assert np.isnan(row.precision) if row.policy == "none" else row.precision == is_urgent[flagged].mean()
        assert row.low <= row.cost <= row.high
    assert frame.loc[frame["policy"] == "elkan", "threshold"].tolist() == [1 / 2, 1 / 8.5]


def test_thresholds_never_look_at_the_test_chats():
    """Other categories and other probabilities of the test chats: other costs, the same thresholds."""
    train, (truth, given) = simulated(seed=1), simulated(seed=2)
    rng = np.random.default_rng(0)
    first = cost_curve(*train, truth, given, draws=2)
    for other in (cost_curve(*train, rng.permutation(truth), given, draws=2),
                  cost_curve(*train, truth, given.iloc[rng.permutation(len(given))].reset_index(drop=True), draws=2)):  # fmt: skip
        assert other["threshold"].equals(first["threshold"])
        assert not other["cost"].equals(first["cost"])
        known, asked = operating_points(*train, truth, given), operating_points(*train, rng.permutation(truth), given)
        assert known["threshold"].equals(asked["threshold"])
        assert not known["error"].equals(asked["error"])
    changed = cost_curve(rng.permutation(train[0]), train[1], truth, given, draws=2)
    assert not changed["threshold"].equals(first["threshold"])


def test_repeated_conversations_make_the_interval_wider():
    """Four equal chats a conversation: the interval is that of one each."""
    train, (truth, given) = simulated(seed=1), simulated(200, seed=2)
    four = np.repeat(np.arange(200), 4)
    once = cost_curve(*train, truth, given)
    grouped = cost_curve(*train, truth[four], given.iloc[four].reset_index(drop=True), groups=four)
    plain = cost_curve(*train, truth[four], given.iloc[four].reset_index(drop=True))
    assert grouped[["cost", "low", "high"]].to_numpy() == pytest.approx(once[["cost", "low", "high"]].to_numpy())
    width = [(f["high"] - f["low"])[f["policy"] == "tuned"].mean() for f in (grouped, plain)]
    assert width[0] > 1.7 * width[1]


def test_without_the_urgent_category_there_is_one_sentence():
    """A notebook prints it in place of the figure."""
    train, test = simulated(seed=1), simulated(seed=2)
    with pytest.raises(InputError) as error:
        cost_curve(*train, *test, urgent="asap")
    assert str(error.value) == (
        "Got no training chat of the category 'asap' (there are incident, other, urgent), expected some; set "
        "categories.urgent to the category that cannot wait."
    )
    with pytest.raises(InputError, match=r"Got no test chat of the category 'urgent' \(there are other\)"):
        cost_curve(*train, ["other"], test[1].head(1))
    many = [f"svc_{number:02}" for number in range(77)]
    with pytest.raises(InputError, match=r"\(there are svc_00, svc_01, svc_02, .* \.\.\.\)"):
        cost_curve(many, train[1], *test)


def test_any_category_can_be_the_urgent_one():
    """Its name is a parameter."""
    frame = curve(urgent="incident", ratios=[1])
    truth = simulated(seed=2)[0]
    assert frame.loc[frame["policy"] == "all", "precision"].item() == (truth == "incident").mean()


def test_as_many_probabilities_as_chats():
    """Both come from the same table."""
    with pytest.raises(ValueError, match="Got 600 probabilities for 599 chats"):
        cost_curve(*simulated(seed=1), simulated(seed=2)[0][1:], simulated(seed=2)[1])
    with pytest.raises(ValueError, match="Got 600 probabilities for 599 chats"):
        cost_curve(simulated(seed=1)[0][1:], simulated(seed=1)[1], *simulated(seed=2))


# Coverage and risk


def test_coverage_and_error_are_those_of_the_surest():
    """At every threshold: the chats from there on, how many of them are wrong, Wilson's interval of it."""
    truth, given = simulated(150)
    said, sure = given.idxmax(axis=1), given.max(axis=1).round(2)
    frame = coverage_risk(truth, said, sure, confidence=0.9)
    assert frame["threshold"].tolist() == sorted(set(sure), reverse=True)
    for row in frame.itertuples():
        routed = (sure >= row.threshold).to_numpy()
        assert row.coverage == routed.mean()
        assert row.error == (said != truth)[routed].mean()
        assert (row.low, row.high) == wilson((said != truth)[routed].sum(), routed.sum(), 0.9)[1:]
    assert frame["coverage"].iloc[-1] == 1


def test_the_order_of_chats_does_not_matter():
    """Equal probabilities are routed together."""
    truth, said, sure = np.array(list("aabbab")), np.array(list("abbbba")), np.array([0.5, 0.5, 0.9, 0.9, 0.9, 0.7])
    turned = np.random.default_rng(0).permutation(6)
    assert coverage_risk(truth, said, sure).equals(coverage_risk(truth[turned], said[turned], sure[turned]))


def test_points_keep_what_they_promise_on_training_chats():
    """There the interval of the error, corrected for twenty looks, ends below what was asked for; with more it would not."""
    truth, given = simulated(3000, seed=1)
    known = coverage_risk(truth, given.idxmax(axis=1), given.max(axis=1), 1 - 0.05 / 20)
    known = known[[any(abs(share - step / 20) < 1e-9 for step in range(1, 21)) for share in known["coverage"]]]
    assert len(known) >= 18  # but for chats of the same probability
    frame = points(errors=(0.05, 0.1, 0.2))
    for row in frame.itertuples():
        at = known[known["threshold"] >= row.threshold].iloc[-1]
        assert at["high"] <= row.at_most
        assert (known.loc[known["threshold"] < row.threshold, "high"] > row.at_most).all()
    test, new = simulated(seed=2)
    sure = new.max(axis=1).round(6)
    for row in frame.itertuples():
        routed = (sure >= row.threshold).to_numpy()
        assert row.coverage == routed.mean()
        assert row.error == (new.idxmax(axis=1) != test)[routed].mean()
    assert frame["coverage"].is_monotonic_increasing


def test_a_lucky_streak_is_no_operating_point():
    """The surest dozen may all be right by chance; without evidence no chat is routed."""
    frame = operating_points(*simulated(100, seed=3), *simulated(100, seed=4), errors=[0.01])
    assert frame.iloc[0][["coverage"]].tolist() == [0]
    assert frame.iloc[0][["threshold", "error", "low", "high"]].isna().all()
    assert points_frame(frame).loc["1%", "routed"] == "no chat"
    assert points_by_error(frame) == {
        "0.01": {"threshold": None, "coverage": 0.0, "error": None, "low": None, "high": None}
    }


def test_many_looks_find_no_operating_point_by_luck():
    """Where each chat goes wrong as often as is just too much, a point in 2.5 % of the runs would be luck; 23 % were."""
    found = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        right, sure = rng.random(2000) >= 0.1, rng.uniform(0.5, 1, 2000)
        seen = pd.DataFrame({"a": sure, "b": 1 - sure})
        truth = np.where(right, "a", "b")
        found += operating_points(truth, seen, truth, seen, errors=[0.1]).loc[0, "coverage"] > 0
    assert found <= 7  # more have a probability below 0.01 when 2.5 of 100 are expected


def test_coverage_needs_as_many_probabilities():
    """One for each chat, and a chat."""
    with pytest.raises(ValueError, match="Got 1 probabilities for 2 chats"):
        coverage_risk(["a", "b"], ["a", "b"], [0.5])
    with pytest.raises(ValueError, match="at least one"):
        coverage_risk([], [], [])
    with pytest.raises(ValueError, match="Got confidence=95"):
        coverage_risk(["a"], ["a"], [0.5], confidence=95)


# Figures


def band(ax):
    """Corners of the only band."""
    (drawn,) = ax.collections[:1]
    return {tuple(corner) for corner in drawn.get_paths()[0].vertices.tolist()}


def test_the_cost_figure_shows_all_policies_and_says_the_numbers():
    """A line for each policy, a band for the tuned one, what it does below; ten to one in the title."""
    plots.notebook_style()
    frame = curve()
    axes = plots.cost_curve(frame)
    tuned, now = (frame[frame["policy"] == policy].set_index("ratio") for policy in ("tuned", "as now"))
    lines = {line.get_label(): line.get_ydata() for line in axes[0].lines}
    assert len(lines) == 5
    assert list(lines["tuned threshold, with interval"]) == tuned["cost"].tolist()
    assert list(lines["most probable category"]) == now["cost"].tolist()
    assert band(axes[0]) == {
        *zip(tuned.index, tuned["low"], strict=True),
        *zip(tuned.index, tuned["high"], strict=True),
    }
    assert axes[0].get_xscale() == axes[0].get_yscale() == "log"
    below = {line.get_label(): line.get_ydata().tolist() for line in axes[1].lines}
    assert below == {"recall": tuned["recall"].tolist(), "chats called urgent": tuned["flagged"].tolist(),
                     "threshold": tuned["threshold"].tolist()}  # fmt: skip
    row, title = tuned.loc[10], axes[0].get_title(loc="left").replace("\n", " ")
    assert title == (
        f"Where a missed urgent chat costs 10 false alarms, 1,000 chats cost {row['cost']:,.0f} ({row['low']:,.0f} to "
        f"{row['high']:,.0f}), with the most probable category {now.loc[10, 'cost']:,.0f}"
    )
    text = plots.alt_text(axes[0].figure)
    assert title in text
    assert f"at 50 threshold {tuned.loc[50, 'threshold']:.2f}, recall {tuned.loc[50, 'recall']:.2f}, " in text
    assert "4 more" in text


def test_the_cost_figure_without_a_finite_threshold():
    """Where no chat is worth an alarm there is no threshold to draw, and the text says so."""
    truth, given = simulated(300, seed=5)
    hopeless = given.assign(urgent=0.5)
    frame = cost_curve(truth, hopeless, truth, hopeless, ratios=[0.5, 10], draws=20)
    axes = plots.cost_curve(frame)
    assert frame["threshold"].iloc[0] == np.inf
    assert "at 0.5 threshold none, recall 0.00, 0% of the chats" in plots.alt_text(axes[0].figure)


def test_the_risk_figure_marks_the_points():
    """The curve, its band, a dot with its interval for each error that can be kept."""
    truth, given = simulated(seed=2)
    frame, marked = coverage_risk(truth, given.idxmax(axis=1), given.max(axis=1)), points(errors=(0.001, 0.05, 0.2))
    ax = plots.coverage_risk(frame, marked)
    assert sorted(ax.lines[0].get_xdata()) == sorted(frame["coverage"])
    ends = {tuple(each) for end in ("low", "high") for each in frame[["coverage", end]].to_numpy()}
    assert band(ax) == ends
    (box,) = ax.containers
    assert list(box.lines[0].get_xdata()) == marked["coverage"].tolist()[1:]
    assert [text.get_text() for text in ax.texts] == ["5%", "20%"]
    first = marked.iloc[1]
    title = f"{frame['error'].iloc[-1]:.1%} of all chats go wrong, {first['error']:.1%} of the surest {first['coverage']:.0%}"
    assert ax.get_title(loc="left").replace("\n", " ") == title
    text = plots.alt_text(ax.figure)
    assert f"threshold {first['threshold']:.2f}, for at most 5%, routes {first['coverage']:.0%}" in text
    plain = plots.coverage_risk(frame)
    assert plain.containers == []
    assert plain.get_legend() is None
