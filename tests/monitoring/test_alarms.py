"""Alarms on the model at work: each finds its own fault, none on clean windows, and what is unknown never looks ok."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks import monitor as bench
from chatkit.data.files import write_json
from chatkit.monitoring.alarms import ALARMS, Window, pooled, watch
from chatkit.monitoring.daily import one_of_each
from chatkit.project import InputError

NAMES = np.array(["incident", "other", "product", "urgent"])
SHARES = (0.4, 0.3, 0.2, 0.1)


def said(n, rng, shares=SHARES):
    """What a model with one error in seven says of chats that each are a conversation."""
    predicted = rng.choice(NAMES, n, p=shares)
    actual = np.where(rng.random(n) < 0.2, rng.choice(NAMES, n), predicted)
    frame = {"predicted": predicted, "actual": actual, "probability": rng.beta(8, 2, n)}
    return pd.DataFrame({"conversation_id": [f"k{number}" for number in range(n)], **frame})


def log(n=2000, seed=1, shares=SHARES):
    """A week of chats, a tenth drawn for the audit, and these looked at."""
    rng = np.random.default_rng(seed)
    frame = said(n, rng, shares)
    audit = rng.random(n) < 0.1
    at = pd.Timestamp("2026-11-20", tz="UTC") + pd.to_timedelta(rng.integers(0, 7 * 86400, n), unit="s")
    times = {"at": at, "milliseconds": rng.gamma(2, 3, n)}
    return frame.assign(actual=frame["actual"].where(audit, None), audit=audit, model="m", **times)


@pytest.fixture(scope="module")
def test():
    """What the model said of its test chats."""
    return said(5000, np.random.default_rng(0))


def watched(chats, test, **options):
    """The results by alarm."""
    return watch(Window(chats, test, "m", **options)).results


def statuses(chats, test, **options):
    """What came of each alarm."""
    return {name: alarm.status for name, alarm in watched(chats, test, **options).items()}


def test_a_clean_week_is_ok(test):
    """Six alarms, all run, each with numbers and a sentence; and it can be written down."""
    alarms = watched(log(), test)
    assert list(alarms) == list(ALARMS)
    for name, alarm in alarms.items():
        assert alarm.status == "pass"
        assert alarm.explanation.endswith(".")
        assert alarm.statistic is not None
        assert (alarm.p_value is None) == (name == "largest share")
        assert alarm.threshold == (0.95 if alarm.p_value is None else 0.01 / 6)


@pytest.mark.parametrize("seed", range(2, 12))
def test_ten_clean_weeks_raise_nothing(test, seed):
    """At one false alarm in a hundred weeks."""
    assert set(statuses(log(seed=seed), test).values()) == {"pass"}


def test_the_alarms_are_plain_data(test, tmp_path):
    """What cannot be judged has no number, and JSON takes it."""
    write_json(watch(Window(log(60), test, "m")).to_records(), tmp_path / "alarms.json")
    written = json.loads((tmp_path / "alarms.json").read_text())
    assert [alarm["code"] for alarm in written] == list(ALARMS)
    assert all(alarm["p_value"] is None for alarm in written if alarm["status"] == "not_run")


def test_drift_is_scipys_chi_square(test):
    """Statistic and p-value are those of the table of both sides, of two categories as well."""
    for names in (NAMES, NAMES[:2]):
        chats, tested = (frame[frame["predicted"].isin(names)] for frame in (log(), test))
        table = np.array([[(frame["predicted"] == name).sum() for name in names] for frame in (chats, tested)])
        expected = stats.chi2_contingency(table, correction=False)
        found = watched(chats, tested)["drift"]
        assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, expected.pvalue))


def test_ten_points_more_urgent_are_found(test):
    """By drift alone: the model is as sure and as right as before."""
    chats = log(shares=(0.35, 0.25, 0.2, 0.2))
    assert [name for name, status in statuses(chats, test).items() if status == "fail"] == ["drift"]
    explanation = watched(chats, test)["drift"].explanation
    assert "Furthest from what the model said of the test chats is urgent: 20" in explanation
    assert "p < 0.0001" in explanation


def test_rare_categories_are_counted_as_one():
    """At least five of each are expected on either side, or there is one category less; no chat is lost."""
    counts = np.array([[0, 1]] * 140 + [[60, 6000], [4, 400], [6, 700]])
    table = pooled(counts)
    assert (table.sum(axis=0) == counts.sum(axis=0)).all()
    assert (stats.contingency.expected_freq(table) >= 5).all()
    assert len(table) == 3
    assert len(pooled(np.array([[1, 100]] * 30))) == 1
    assert pooled(np.array([[50, 50], [50, 50]])).tolist() == [[50, 50], [50, 50]]
    assert pooled(np.array([[1, 1], [60, 60], [50, 50]])).tolist() == [[60, 60], [51, 51]]


def test_a_category_that_was_never_said_before_is_drift(test):
    """It has no share among the test chats, and yet counts."""
    chats = log(400)
    chats.loc[chats.index[:40], "predicted"] = "new"
    found = watched(chats, test)["drift"]
    assert found.status == "fail"
    assert "is new: 10.0% of 400 conversations, 0.0% of the test's" in found.explanation


@pytest.mark.parametrize("days", [7, 1])
def test_nearly_all_in_one_category_is_an_alarm(test, days):
    """Of the window, or of one day of it."""
    chats = log(1400)
    rows = chats["at"] < chats["at"].min().normalize() + pd.Timedelta(days=days)
    chats["predicted"] = chats["predicted"].where(~rows | (np.arange(len(chats)) % 50 == 0), "product")
    found = watched(chats, test)["largest share"]
    assert found.status == "fail"
    assert found.explanation.startswith("On 2026-11-2")
    assert "the largest category is product: " in found.explanation  # a day's share is at times above the window's
    assert found.interval[0] < found.statistic <= found.interval[1]
    chats["predicted"] = np.where(np.arange(len(chats)) % 10 == 0, "urgent", chats["predicted"])
    assert watched(chats, test)["largest share"].status == "pass"


def test_a_share_that_is_honestly_high_is_no_alarm(test):
    """Nine of ten chats, sixty a day: some day has 95 %, as it has to; on a model that says it less often it is news."""
    rng = np.random.default_rng(3)
    tested = said(5000, rng, (0.9, 0.05, 0.03, 0.02))
    weeks = [watched(log(420, seed, (0.9, 0.05, 0.03, 0.02)), tested)["largest share"] for seed in range(20)]
    reached = [week for week in weeks if week.statistic >= 0.95]
    assert len(reached) > 4
    assert {week.status for week in weeks} == {"pass"}
    assert {week.threshold for week in reached} == {0.01 / 6}
    chats = log(420).assign(predicted="incident")
    found = watched(chats, tested)["largest share"]
    assert found.status == "fail"
    assert found.p_value == pytest.approx(
        8 * stats.fisher_exact([[420, 0], split(tested)], "greater").pvalue, rel=1e-9, abs=0
    )  # the window and its seven days are looked at
    assert watched(chats, test)["largest share"].p_value < found.p_value


def split(tested):
    """Test chats that are called incident, and the others."""
    called = int((tested["predicted"] == "incident").sum())
    return called, len(tested) - called


def test_without_a_test_of_this_model_the_limit_alone_decides(test):
    """And the sentence says so; a model's test is not asked about another one."""
    chats = log(420, shares=(0.97, 0.01, 0.01, 0.01))
    tested = said(5000, np.random.default_rng(3), (0.97, 0.01, 0.01, 0.01))
    assert watched(chats, tested)["largest share"].status == "pass"
    for found in (
        watched(chats, tested.head(49)),
        watched(chats.assign(model="older"), tested),
        watched(chats, test[:0]),
    ):
        alarm = found["largest share"]
        assert (alarm.status, alarm.p_value, alarm.threshold) == ("fail", None, 0.95)
        assert alarm.explanation.endswith(
            "without enough chats of this model to compare, the limit of 95% alone counts."
        )


def test_a_quiet_day_in_one_category_is_none(test):
    """Three chats of three are no news."""
    chats = log(300)
    first = chats["at"] < chats["at"].min().normalize() + pd.Timedelta(days=1)
    chats = chats[~first | (first.cumsum() <= 3)]
    chats.loc[first, "predicted"] = "product"
    assert watched(chats, test)["largest share"].status == "pass"


def test_less_sure_is_found(test):
    """By Mann and Whitney's test, as scipy has it."""
    chats = log()
    chats["probability"] -= 0.03
    found = watched(chats, test)["confidence"]
    assert found.status == "fail"
    expected = stats.mannwhitneyu(chats["probability"].round(6), test["probability"].round(6))
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    assert found.statistic == pytest.approx(expected.statistic / (2000 * 5000))
    assert found.statistic < 0.5


def test_wrong_answers_are_found_by_the_audit(test):
    """A fifth of the answers is mixed up: shares and probabilities stay, so that only labels can tell."""
    chats = log(6000)
    mixed = np.random.default_rng(0).permutation(len(chats))[:1200]
    chats.loc[mixed, "predicted"] = chats["predicted"].to_numpy()[np.random.default_rng(1).permutation(mixed)]
    assert [name for name, status in statuses(chats, test).items() if status == "fail"] == ["audit"]


def test_an_audit_that_few_have_looked_at_says_nothing(test):
    """Who looks at the wrong ones only would find an accuracy of nought."""
    chats = log(6000)
    chats["actual"] = chats["actual"].where(chats["actual"] != chats["predicted"], None)
    found = watched(chats, test)["audit"]
    assert found.status == "not_run"
    assert f"of each conversation, people have reviewed {chats['actual'].notna().sum()};" in found.explanation


def test_more_corrections_than_errors_are_found(test):
    """Half of the chats called urgent are corrected, one in seven was wrong in the test."""
    chats = log()
    urgent = (chats["predicted"] == "urgent") & (np.arange(len(chats)) % 2 == 0)
    chats.loc[urgent, "actual"] = "other"
    found = watched(chats, test)["corrections"]
    assert found.status == "fail"
    assert "most striking is urgent" in found.explanation
    assert found.p_value == pytest.approx(
        4 * smallest_p_value(chats, test), rel=1e-6, abs=0
    )  # four categories are looked at


def smallest_p_value(chats, test):
    """Fisher's test of the category called urgent, by hand."""
    called, tested = (frame[frame["predicted"] == "urgent"] for frame in (chats, test))
    corrected = (called["actual"].notna() & (called["actual"] != "urgent")).sum()
    wrong = (tested["actual"] != "urgent").sum()
    table = [[corrected, len(called) - corrected], [wrong, len(tested) - wrong]]
    return stats.fisher_exact(table, "greater").pvalue


def test_every_error_corrected_is_no_alarm(test):
    """As many corrections as the test had errors: that is the model as it was."""
    rng = np.random.default_rng(5)
    chats = log().assign(actual=said(2000, rng)["actual"].to_numpy())
    chats["predicted"] = said(2000, np.random.default_rng(5))["predicted"].to_numpy()
    assert (chats["actual"] != chats["predicted"]).mean() > 0.1
    assert watched(chats, test)["corrections"].status == "pass"


def test_nobody_relabels(test):
    """Neither corrections nor the audit can say a thing, and neither is ok."""
    found = watched(log().assign(actual=None), test)
    assert (found["corrections"].status, found["audit"].status) == ("not_run", "not_run")
    said = "Of 2,000 chats, one drawn of each conversation, people have reviewed none."
    assert found["corrections"].explanation == said


def test_what_is_said_of_people_is_of_the_chats_drawn(test):
    """Of a conversation of ten chats people looked at one, of which the draw knows nothing."""
    chats = log(3000, seed=4)
    chats = chats.assign(conversation_id=[f"k{number // 10}" for number in range(3000)], audit=False)
    window = Window(chats.assign(actual=np.where(np.arange(3000) % 10 == 0, "other", None)), test, "m")
    drawn = int(window.now["actual"].notna().sum())
    assert drawn < window.counts["chats that people have reviewed"] == 300
    found = watch(window).results["corrections"]
    assert found.explanation.startswith(
        f"Of 300 chats, one drawn of each conversation, people have reviewed {drawn} and corrected "
    )


def test_a_test_without_what_people_found_wrong_is_no_yardstick(test):
    """Above one relabelled chat in a hundred; drift goes on, and its sentence says what the test lacks."""
    found = watched(log(), test, relabelled=0.021)
    assert {name for name, alarm in found.items() if alarm.status == "not_run"} == {
        "confidence",
        "corrections",
        "audit",
    }
    said = "2.1% of the warehouse's chats are relabelled and not in the test"
    for name in ("confidence", "corrections", "audit", "drift"):
        assert said in found[name].explanation
    assert set(statuses(log(), test, relabelled=0.01).values()) == {"pass"}
    assert "relabelled" not in watched(log(), test, relabelled=0.01)["drift"].explanation


def test_slow_answers_are_found(test):
    """Three requests in a hundred take a second; one in a hundred may."""
    chats = log()
    chats.loc[np.arange(len(chats)) % 33 == 0, "milliseconds"] = 1000.0
    found = watched(chats, test)["latency"]
    assert found.status == "fail"
    slow = (chats["milliseconds"] > 500).sum()
    assert found.p_value == stats.binomtest(int(slow), 2000, 0.01, "greater").pvalue
    chats.loc[np.arange(len(chats)) % 33 == 0, "milliseconds"] = 400.0
    assert watched(chats, test)["latency"].status == "pass"


def test_one_conversation_is_one_draw(test):
    """A customer who writes five hundred times about one matter is neither drift nor a category of 95 %."""
    many = log(500).assign(conversation_id="k", predicted="urgent")
    chats = pd.concat([log(300), many], ignore_index=True)
    found = statuses(chats, test)
    assert (found["drift"], found["largest share"]) == ("pass", "pass")
    many["conversation_id"] = [f"other {number}" for number in range(500)]
    assert statuses(pd.concat([log(300), many], ignore_index=True), test)["drift"] == "fail"
    assert len(Window(chats, test, "m").everyone) == len(one_of_each(chats)) == 301


def test_chats_of_another_model_are_left_out(test):
    """They are counted; what compares with this model's test says why it does not."""
    chats = log().assign(model="older")
    window = Window(chats, test, "m")
    found = watch(window).results
    assert window.counts["chats sorted by other models"] == 2000
    compared = ("drift", "confidence", "corrections", "audit")
    assert {found[name].status for name in compared} == {"not_run"}
    assert "0 conversations of 2,000 in the window were sorted by this model" in found["drift"].explanation
    assert {found[name].status for name in ("largest share", "latency")} == {"pass"}
    mixed = pd.concat([chats.assign(predicted="urgent"), log()], ignore_index=True)
    mixed["conversation_id"] = mixed.index.astype(str)
    assert watched(mixed, test)["drift"].status == "pass"


def test_few_chats_say_nothing(test):
    """Not one of the alarms is ok."""
    assert set(statuses(log(49), test).values()) == {"not_run"}
    assert statuses(log(), test.head(20))["drift"] == "not_run"


def test_a_classifier_without_probabilities(test):
    """The other alarms are as they were."""
    found = statuses(log().assign(probability=np.nan), test.assign(probability=np.nan))
    assert found.pop("confidence") == "not_run"
    assert set(found.values()) == {"pass"}


def test_chats_that_are_all_alike(test):
    """One side without spread is a test like any other; where there is none on either, nothing can be said."""
    chats = log(500).assign(probability=0.7)
    assert statuses(chats, test)["confidence"] == "fail"
    assert statuses(chats, test.assign(probability=0.7))["confidence"] == "not_run"
    assert statuses(chats, test.assign(probability=0.9))["confidence"] == "fail"


def test_too_few_categories_to_compare_are_told_apart(test):
    """One category on both sides is no drift; one that is rare in the test cannot be compared with 200 chats."""
    chats, tested = log(200).assign(predicted="other"), test.assign(predicted="other")
    found = watched(chats, tested)["drift"]
    assert (found.status, found.explanation) == (
        "not_run", "All conversations, the test's too, are called other: one share is no drift."
    )  # fmt: skip
    tested.loc[tested.index[:10], "predicted"] = "urgent"
    found = watched(chats, tested)["drift"]
    assert (found.status, found.explanation) == (
        "not_run",
        "Of fewer than two categories 5 are expected on either side; take more days.",
    )


def test_a_test_without_a_p_value_is_not_ok(test, monkeypatch):
    """Whatever has made it so."""
    nothing = SimpleNamespace(pvalue=np.nan, statistic=1.0, dof=1)
    for name in ("chi2_contingency", "mannwhitneyu", "fisher_exact", "binomtest"):
        monkeypatch.setattr(stats, name, lambda *_, **__: nothing)
    assert set(statuses(log().assign(predicted="other"), test).values()) == {"not_run"}


@pytest.mark.parametrize(
    ("option", "value"),
    [("false_alarm_rate", 0), ("max_category_share", 1.5), ("max_latency_ms", "fast"), ("min_audit_response", True)],
)
def test_a_threshold_out_of_range_is_one_sentence(test, option, value):
    """What was received, what was expected."""
    with pytest.raises(InputError, match=f"Got {option}={value!r}, expected a number above 0") as error:
        Window(log(60), test, "m", **{option: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("min_count", 0, "a whole number from 1 up"),
        ("min_count", 50.0, "a whole number from 1 up"),
        ("min_count", True, "a whole number from 1 up"),
        ("seed", -1, "a whole number from 0 up"),
        ("seed", "0", "a whole number from 0 up"),
        ("seed", None, "a whole number from 0 up"),
        ("relabelled", np.nan, "a number from 0 to 1"),
        ("relabelled", 25, "a number from 0 to 1"),
        ("max_latency_ms", np.nan, "a number above 0"),
    ],
)
def test_a_choice_that_is_none_is_one_sentence(test, option, value, expected):
    """Before a draw is made with it."""
    with pytest.raises(InputError, match=f"^Got {option}={value!r}, expected {expected}\\.$"):
        Window(log(60), test, "m", **{option: value})


def test_the_measurement_runs_and_writes_its_tables(tmp_path):
    """A short run on a small model: largest faults are found, the page keeps its prose."""
    records = bench.runs(0, 4, sizes=(300,), rows=(700, 700, 3000))
    frame = pd.DataFrame(records)
    alarms = frame[frame["status"] == "fail"]
    clean = frame[(frame["plant"] == "clean") & (frame["alarm"] == "any")]
    assert len(clean) == 4
    for plant, dose, alarm in (("one_category", 0.97, "any"), ("shift", 0.2, "drift")):
        rows = alarms[(alarms["plant"] == plant) & (alarms["dose"] == dose)]
        assert alarm in set(rows["alarm"])
    page = tmp_path / "monitor.md"
    page.write_text(f"# Before\n{bench.BEGIN}\nold\n{bench.END}\nAfter\n")
    bench.write(bench.table(records, (300,)), page)
    text = page.read_text()
    assert text.startswith(f"# Before\n{bench.BEGIN}\n")
    assert text.endswith(f"{bench.END}\nAfter\n")
    assert "old" not in text
    assert text.count("\n| ") == 2 + len(ALARMS) + 3 + sum(len(doses) for _, doses in bench.PLANTS.values())
    marks = (bench.ROOT / "docs/monitor.md").read_text()
    assert marks.count(bench.BEGIN) == marks.count(bench.END) == 1
