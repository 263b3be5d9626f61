"""Do the checks find what is planted, and nothing else? A few draws of what `make checks-bench` measures in full."""

import json
import shutil

import pytest

from benchmarks import checks as bench

SEEDS = (900, 901)  # neither those that thresholds were chosen on nor those of the published runs
ALARMS = ("warn", "fail")


@pytest.mark.parametrize("plant", bench.PLANTS, ids=lambda plant: plant.__name__)
def test_a_fault_at_its_documented_dose_is_found(plant):
    """By the check that is named after it."""
    code = plant.__name__
    assert bench.one(plant, bench.PLANTS[plant][-1], "simulated", SEEDS[0], code)[code] in ALARMS


@pytest.mark.parametrize("seed", SEEDS)
def test_clean_chats_raise_no_alarm(seed):
    """The whole suite stays quiet; what has nothing to look at says so."""
    statuses = bench.one(bench.clean, None, "simulated", seed, None)
    assert set(statuses.values()) <= {"pass", "not_run"}, statuses
    assert [code for code, status in statuses.items() if status == "not_run"] in ([], ["rounds"])


@pytest.fixture
def told(monkeypatch):
    """A suite that says what a test wants to hear: rounds runs in every fifth draw only, groups alarms in each tenth."""
    monkeypatch.setattr(bench, "PLANTS", {bench.groups: (0.1, 0.5), bench.rounds: (50, 100)})
    seen = []

    def one(plant, dose, name, seed, only):
        seen.append((plant, dose, seed, only))
        said = dict.fromkeys(bench.CHECKS, "pass")
        said["rounds"] = "not_run" if seed % 5 else "fail" if plant is bench.rounds else "pass"
        said["groups"] = "warn" if plant is bench.groups and seed % 10 == 0 else "pass"
        return {only: said[only]} if only else said

    monkeypatch.setattr(bench, "one", one)
    monkeypatch.setattr(bench, "delayed", lambda work: lambda *task: (work, task))
    monkeypatch.setattr(bench, "Parallel", lambda n_jobs: lambda tasks: [work(*task) for work, task in tasks])
    return seen


def test_what_runs_in_few_draws_is_looked_at_in_further_ones(told):
    """Until it ran as often as the others, and five times as often at the documented dose; what did not run is no run."""
    records = {
        (row["check"], row["plant"], row["dose"]): (row["runs"], row["alarms"]) for row in bench.measure("x", 30, 10, 1)
    }
    assert records["groups", None, None] == records["suite", None, None] == (30, 0)
    assert records["rounds", None, None] == (30, 0)
    assert records["groups", "groups", 0.1] == (10, 1)
    assert records["groups", "groups", 0.5] == (50, 5)
    assert records["suite", "groups", 0.5] == (10, 1)
    assert records["rounds", "rounds", 50] == (2, 2)
    assert records["rounds", "rounds", 100] == (50, 50)
    assert records["rounds", "groups", 0.5] == (2, 0)
    assert len(told) == len(set(told)), "no draw counts twice"
    clean = [seed for plant, _, seed, _ in told if plant is bench.clean]
    assert clean == list(range(bench.FIRST_SEED, bench.FIRST_SEED + len(clean)))


def test_further_draws_have_an_end(told, monkeypatch):
    """A check that never runs."""
    monkeypatch.setattr(bench, "one", lambda *task: dict.fromkeys(bench.CHECKS, "not_run"))
    monkeypatch.setattr(bench, "FURTHER", 50)
    assert {row["runs"] for row in bench.measure("x", 30, 10, 1) if row["check"] != "suite"} == {0}


def test_the_page_is_that_of_the_records(tmp_path):
    """What docs/checks.md says is in benchmarks/checks.json, and what is there is in the page."""
    for folder in ("docs", "benchmarks"):
        (tmp_path / folder).mkdir()
    shutil.copy(bench.ROOT / "benchmarks/checks_skore.json", tmp_path / "benchmarks")
    records = json.loads((bench.ROOT / "benchmarks/checks.json").read_text(encoding="utf-8"))
    bench.write(records, tmp_path)
    for file in ("docs/checks.md", "benchmarks/checks.json"):
        assert (tmp_path / file).read_text(encoding="utf-8") == (bench.ROOT / file).read_text(encoding="utf-8")
    for plant, doses in bench.PLANTS.items():
        own = [row for row in records if row["check"] == row["plant"] == plant.__name__ and row["runs"] >= 20]
        assert len(own) == 3 * len(doses), "each dose on three sets"
