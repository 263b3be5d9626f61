"""Intervals of scores: as wide as they should be, wider where chats hang together, narrower where models are paired."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    recall_score,
)

from chatkit.scores.intervals import paired_differences, score_intervals
from chatkit.scores.metrics import METRICS, balanced_accuracy, macro_f1, scores, weighted_scores
from chatkit.statistics import bootstrap, group_codes, percentile_interval

NAMES = np.array(["incident", "other", "urgent"], dtype=object)
SHARES = np.array([0.3, 0.5, 0.2])
# What the model says (columns) of chats of each category (rows), and with which probabilities.
SAYS = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]])
GIVES = np.array([[0.7, 0.2, 0.1], [0.15, 0.7, 0.15], [0.1, 0.3, 0.6]])


def simulated(rng, conversations, chats_each=1):
    """Chats whose true scores are known; those of one conversation are alike."""
    truth = rng.choice(3, conversations, p=SHARES)
    said = (SAYS.cumsum(axis=1)[truth] < rng.random((conversations, 1))).sum(axis=1)
    rows = np.repeat(np.arange(conversations), chats_each)
    return NAMES[truth[rows]], NAMES[said[rows]], GIVES[said[rows]], rows


def true_scores():
    """The scores on endlessly many chats."""
    joint = SHARES[:, None] * SAYS
    truth, said = (a.ravel() for a in np.meshgrid(range(3), range(3), indexing="ij"))
    weights = joint.ravel()
    return {
        "macro_f1": f1_score(truth, said, average="macro", sample_weight=weights),
        "accuracy": np.trace(joint),
        "balanced_accuracy": balanced_accuracy_score(truth, said, sample_weight=weights),
        "log_loss": log_loss(truth, GIVES[said], sample_weight=weights),
        "brier": brier_score_loss(truth, GIVES[said], sample_weight=weights, scale_by_half=False),
    }


def covered(chats_each, conversations, repetitions, grouped):
    """How often the interval of each score holds the true one."""
    rng, expected, hits = np.random.default_rng(0), true_scores(), dict.fromkeys(true_scores(), 0)
    for seed in range(repetitions):
        truth, said, given, rows = simulated(rng, conversations, chats_each)
        frame = score_intervals(truth, said, given, NAMES, rows if grouped else None, draws=200, seed=seed)
        for row in frame.itertuples():
            hits[row.metric] += row.low <= expected[row.metric] <= row.high
    return hits


@pytest.mark.parametrize("chats_each", [1, 4])
def test_intervals_hold_the_true_score_as_often_as_they_say(chats_each):
    """Of 300 intervals of 95 % 285 should hold the true score, with a standard error of 3.8: from 270 to 297 do, in all
    five metrics, whether conversations have one chat or four."""
    hits = covered(chats_each, 250, 300, grouped=True)
    assert all(270 <= count <= 297 for count in hits.values()), hits


def test_many_categories_of_very_different_size_do_not_spoil_the_interval():
    """25 categories, the rarest with 5 of 500 chats: draws have a lower macro-F1 than their chats, so that plain
    percentiles hold the true one in 85 % of cases; ours in 95 %, of 200 from 178 (four standard errors of 3.1) up."""
    rng, k = np.random.default_rng(0), 25
    shares = 1 / np.arange(1, k + 1)
    right = rng.permutation(np.linspace(0.4, 0.95, k))
    joint = np.array([shares * (1 - right[i]) * shares[i] / (shares.sum() - shares[i]) for i in range(k)])
    np.fill_diagonal(joint, shares * right)
    joint /= joint.sum()
    expected = np.mean(2 * np.diag(joint) / (joint.sum(axis=0) + joint.sum(axis=1)))
    hits = plain = 0
    for _ in range(200):
        truth, said = np.divmod(rng.choice(k * k, 500, p=joint.ravel()), k)
        values = bootstrap(lambda weights, t=truth, s=said: macro_f1(t, s, weights), np.arange(500), 0, 200)
        low, high = percentile_interval(values, macro_f1(truth, said), 0.95)
        hits += low <= expected <= high
        plain += np.less.outer(np.quantile(values, [0.025, 0.975]), expected).tolist() == [True, False]
    assert hits >= 178
    assert plain < 178


def test_without_conversations_the_intervals_of_repeated_chats_are_too_narrow():
    """Four equal chats taken for four independent ones: the interval is half as wide, 67 % of 95 % are left."""
    hits = covered(4, 250, 80, grouped=False)
    assert all(count / 80 < 0.8 for count in hits.values()), hits


def test_repeating_chats_of_a_conversation_adds_nothing():
    """Each conversation with three equal chats: the interval is that of one chat each, and wider than without groups."""
    truth, said, given, rows = simulated(np.random.default_rng(1), 200)
    rows = np.repeat(rows, 3)
    once = score_intervals(truth, said, given, NAMES)
    grouped = score_intervals(truth[rows], said[rows], given[rows], NAMES, rows)
    plain = score_intervals(truth[rows], said[rows], given[rows], NAMES)
    assert grouped[["value", "low", "high"]].to_numpy() == pytest.approx(once[["value", "low", "high"]].to_numpy())
    wider = (grouped["high"] - grouped["low"]) / (plain["high"] - plain["low"])
    assert wider.to_numpy() == pytest.approx(np.sqrt(3), rel=0.15)


def test_groups_of_one_are_the_plain_bootstrap():
    """A conversation each, or none: the same numbers; the values are those of `scores`."""
    truth, said, given, rows = simulated(np.random.default_rng(2), 90)
    plain = score_intervals(truth, said, given, NAMES)
    assert dict(zip(plain["metric"], plain["value"], strict=True)) == scores(truth, said, given, NAMES)
    named = [f"k{row}" for row in rows]
    assert score_intervals(truth, said, given, NAMES, named).equals(plain)
    assert score_intervals(truth, said, given, NAMES, [None] * 90).equals(plain)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(0, 10_000))
def test_a_draw_is_scored_as_the_chats_it_holds(rows, seed):
    """With whole numbers as weights: what `scores` says of the chats that many times, categories missing or not."""
    rng = np.random.default_rng(seed)
    names = np.array(list("abcde"), dtype=object)
    truth, said = names[rng.integers(4, size=rows)], names[rng.integers(5, size=rows)]
    given = rng.dirichlet(np.ones(5), rows)
    given[0] = [1, 0, 0, 0, 0]
    (weights,) = bootstrap(np.copy, np.arange(rows), seed, draws=1)
    again = np.repeat(np.arange(rows), weights.astype(int))
    expected = scores(truth[again], said[again], given[again], names)
    # One draw: percentiles and mean are its score, so that the farther end is twice the value less the score.
    frame = score_intervals(truth, said, given[:, ::-1], names[::-1], draws=1, seed=seed).set_index("metric")
    farther = (2 * frame["value"] - pd.Series(expected)).clip(0, [1, 1, 1, np.inf, 2])
    found = np.where(farther < frame["value"], frame["low"], frame["high"])
    found = np.where(np.isnan(found), frame["value"], found)  # no interval where the draw scores the same
    assert found == pytest.approx(farther.to_numpy(), abs=1e-8)
    assert frame["value"].to_dict() == pytest.approx(scores(truth, said, given, names), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(0, 10_000))
def test_weighted_scores_are_scikit_learns(rows, seed):
    """With any weights, on categories that only one side has; chats without weight count as left out."""
    rng = np.random.default_rng(seed)
    names = np.array(list("abcde"), dtype=object)
    truth, said, given = names[rng.integers(4, size=rows)], names[1 + rng.integers(4, size=rows)], rng.random((rows, 5))
    given /= given.sum(axis=1, keepdims=True)
    weights = rng.choice([0, 0.5, 1, 3], rows)
    weights[0] = 1
    found = weighted_scores(truth, said, given, names)(weights)
    kept = weights > 0
    truth, said, given, weights = truth[kept], said[kept], given[kept], weights[kept]
    options = {"sample_weight": weights}
    assert found.tolist() == pytest.approx([
        f1_score(truth, said, average="macro", zero_division=0, **options),
        accuracy_score(truth, said, **options),
        recall_score(truth, said, labels=np.unique(truth), average="macro", zero_division=0, **options),
        log_loss(truth, given, labels=names, **options),
        brier_score_loss(truth, given, labels=names, scale_by_half=False, **options),
    ])  # fmt: skip
    if len(weights) == rows:
        unweighted = weighted_scores(truth, said, given, names)(np.ones(rows))
        assert scores(truth, said, given, names) == dict(zip(METRICS, unweighted, strict=True))


def test_macro_f1_and_balanced_accuracy_with_weights_are_scikit_learns():
    """A category without weight is not counted."""
    rng = np.random.default_rng(3)
    truth, said, weights = rng.integers(6, size=80), rng.integers(6, size=80), rng.integers(3, size=80).astype(float)
    weights[(truth == 2) | (said == 2)] = 0
    kept = weights > 0
    expected = f1_score(truth[kept], said[kept], average="macro", sample_weight=weights[kept])
    assert macro_f1(truth, said, weights) == pytest.approx(expected)
    assert balanced_accuracy(truth, truth == said, weights) == pytest.approx(
        balanced_accuracy_score(truth[kept], said[kept], sample_weight=weights[kept])
    )


def test_one_category():
    """Nothing to confuse: 1, and no interval, since what never goes wrong here says nothing of other chats."""
    given = np.tile([0, 1.0], (5, 1))
    frame = score_intervals(["other"] * 5, ["other"] * 5, given, ["incident", "other"]).set_index("metric")
    assert frame.loc[["macro_f1", "accuracy"], "value"].tolist() == [1, 1]
    assert frame.loc[["macro_f1", "accuracy"], ["low", "high"]].isna().all(axis=None)
    assert frame.loc["log_loss", "value"] == pytest.approx(0, abs=1e-9)
    assert frame["low"].isna().all()
    one = score_intervals(["urgent", "other"] * 60, ["urgent"] * 120, groups=["k"] * 120)
    assert one[["low", "high"]].isna().all(axis=None), "one conversation says nothing of others"


def test_more_confidence_is_wider_and_the_seed_decides():
    """The same seed gives the same frame."""
    truth, said, given, _ = simulated(np.random.default_rng(4), 150)
    usual, sure = (score_intervals(truth, said, given, NAMES, confidence=level) for level in (0.8, 0.99))
    assert ((sure["low"] < usual["low"]) & (usual["high"] < sure["high"])).all()
    assert score_intervals(truth, said, given, NAMES, confidence=0.8).equals(usual)
    assert not score_intervals(truth, said, given, NAMES, confidence=0.8, seed=1).equals(usual)


# Two models


def test_a_model_does_not_differ_from_itself():
    """Both are in the same draw, so nothing is left."""
    truth, said, given, _ = simulated(np.random.default_rng(5), 60)
    frame = paired_differences(truth, (said, given), (said, given), NAMES)
    assert (frame[["value", "low", "high"]] == 0).all(axis=None)


def test_a_paired_interval_is_narrower_and_has_a_sign():
    """One model mends a tenth of the other's answers: above 0, below 0 in the losses, although the scores overlap."""
    truth, said, given, rows = simulated(np.random.default_rng(6), 400)
    mended = np.where(rows % 10 == 0, truth, said)
    sure = np.where((rows % 10 == 0)[:, None], GIVES[np.searchsorted(NAMES, truth)], given)
    frame = paired_differences(truth, (mended, sure), (said, given), NAMES).set_index("metric")
    one, other = (score_intervals(truth, *each, NAMES).set_index("metric") for each in ((mended, sure), (said, given)))
    assert frame["value"].to_dict() == pytest.approx((one["value"] - other["value"]).to_dict())
    assert ((frame["low"] < frame["value"]) & (frame["value"] < frame["high"])).all()
    width = frame["high"] - frame["low"]
    assert (width < 0.6 * (one["high"] - one["low"])).all()
    assert (frame.loc[["macro_f1", "accuracy", "balanced_accuracy"], "low"] > 0).all()
    assert (frame.loc[["log_loss", "brier"], "high"] < 0).all()
    assert one.loc["accuracy", "low"] < other.loc["accuracy", "high"]


def test_without_probabilities_of_both_only_the_answers_are_compared():
    """Rules give no probabilities."""
    truth, said, given, _ = simulated(np.random.default_rng(7), 60)
    frame = paired_differences(truth, (said, given), (truth, None), NAMES)
    assert frame["metric"].tolist() == ["macro_f1", "accuracy", "balanced_accuracy"]


# Bad input


def test_groups_without_an_end_are_named():
    """As many groups as chats; one without a conversation stands alone."""
    assert group_codes(["b", None, "a", "b", np.nan, " "], 6).tolist() == [0, 2, 1, 0, 3, 4]
    with pytest.raises(ValueError, match="Got 2 groups for 3 chats, expected one for each"):
        score_intervals(["a", "b", "a"], ["a", "b", "b"], groups=[1, 2])


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_confidence_is_a_share(confidence):
    """95 is not 95 %."""
    with pytest.raises(ValueError, match=f"Got confidence={confidence}, expected a number between 0 and 1"):
        score_intervals(["a", "b"], ["a", "b"], confidence=confidence)


def test_bad_predictions_are_refused_as_by_scores():
    """The sentences are those of `scores`."""
    with pytest.raises(ValueError, match="2 rows in y_true and 1 in y_pred"):
        score_intervals(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="probabilities without classes"):
        score_intervals(["a", "b"], ["a", "b"], np.ones((2, 1)))
