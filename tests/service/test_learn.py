"""Relabels on their way from the service into the next model, and the benchmark that measures what they bring."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from benchmarks import learn
from chatkit import make_pipeline
from chatkit.data.load import write_sqlite
from chatkit.model.bundle import save_model
from chatkit.runner.stage import run_notebook
from chatkit.service.loading import read_verified
from chatkit.service.service import Service
from chatkit.service.settings import Settings

SIZES = {"history": 600, "round": 250, "untouched": 250}
LOG = "sqlite:///data/service/log.sqlite"


@pytest.fixture(scope="module")
def parts():
    """A small bank."""
    return learn.bank(1, SIZES)


@pytest.fixture(scope="module")
def rounds(parts):
    """What three rounds with corrections and an audit give."""
    return learn.one_policy(1, parts, "corrections and audit", [0] * learn.ROUNDS)


def test_the_parts_of_a_bank_share_no_conversation_with_what_is_untouched(parts):
    """In the order of time; what was served before is not scored on."""
    history, served, untouched = parts
    before = pd.concat([history, *served])
    assert [len(part) for part in (history, *served)] == [600, 250, 250, 250]
    assert not set(before["conversation_id"]) & set(untouched["conversation_id"])
    assert before["created_at"].max() <= untouched["created_at"].min()
    assert len(untouched) > 200


def test_three_rounds_of_serving_relabelling_and_training(rounds):
    """Every relabel is in the next model's chats; the audit is judged whole, the relabels are mostly of wrong answers."""
    assert [record["round"] for record in rounds] == [0, 1, 2, 3]
    for record in rounds[1:]:
        wrong = 1 - record["served_people"]
        assert record["relabels"] > 0.3 * wrong * 250 + record["audited"] / 2
        assert 2 <= record["audited"] <= 30
        assert record["by_relabels"] < record["served_people"] - 0.2, "people look where the model is wrong"
        assert record["by_relabels"] < record["by_audit"]
    assert len({record["log_loss"] for record in rounds}) == 4, "each round gives another model"


def test_the_same_seed_gives_the_same_rounds(parts, rounds):
    """Though the ids of predictions are random elsewhere, and the clock goes on."""
    history, served, untouched = parts
    assert learn.one_policy(1, (history, served[:1], untouched), "corrections and audit", [0]) == rounds[:2]


def test_more_labels_make_a_better_model(parts):
    """With more than twice as many chats as at the start, all relabelled, and against the truth."""
    history, served, untouched = parts
    first, last = learn.one_policy(1, (history, [pd.concat(served, ignore_index=True)], untouched), "all", [0])
    assert last["accuracy"] > first["accuracy"] + 0.03
    assert last["log_loss"] < first["log_loss"]


def test_who_is_relabelled():
    """Each way by its own rule."""
    wrong = np.array([True, True, False, False, False, False])
    audit = np.array([False, False, False, False, True, False])
    luck = np.array([0.4, 0.6, 0.3, 0.7, 0.8, 0.1])
    expected = {
        "corrections": [0], "corrections and audit": [0, 4], "drawn": [2, 5],
        "corrections and confirmations": [0, 2, 5], "all": [0, 1, 2, 3, 4, 5],
    }  # fmt: skip
    for policy, places in expected.items():
        assert np.flatnonzero(learn.chosen(policy, wrong, audit, luck, 2)).tolist() == places
    assert set(expected) | {"nothing"} == set(learn.SAID)


def test_the_page_says_what_the_records_say(tmp_path):
    """Between the marks, and nothing else of it changes."""
    for name in ("docs", "benchmarks"):
        (tmp_path / name).mkdir()
    page = tmp_path / "docs" / "learn.md"
    page.write_text("# A\n\n<!-- make learn -->\nold\n<!-- end -->\n\nB\n")
    steps = {policy: number / 100 for number, policy in enumerate(learn.SAID)}
    records = [
        {"seed": seed, "policy": policy, "round": number, "relabels": 7 * number, "log_loss": 1 - step * number,
         **dict.fromkeys(("accuracy", "macro_f1"), round(0.7 + seed / 100 + step * number, 4)),
         **dict.fromkeys(("served_truth", "served_people"), 0.6 + number / 100), "by_audit": 0.61 + number / 100, "by_relabels": 0.1}
        for seed in (1, 2) for policy, step in steps.items() if step for number in range(4)
    ]  # fmt: skip
    learn.write(records, tmp_path)
    text = page.read_text()
    assert text.startswith(
        "# A\n\n<!-- make learn -->\n![Accuracy on untouched chats after 3 rounds when people relabel: "
    )
    assert text.endswith("\n<!-- end -->\n\nB\n")
    assert "half of what is wrong 0.745 (0.681 to 0.809); " in text
    assert "| half of what is wrong | 42 | 0.745 | +0.030 (+0.030 to +0.030) | 0.745 |" in text
    assert "| the same, and an audit of 5% | -0.030 (-0.030 to -0.030) | +0.030 (+0.030 to +0.030) |" in text
    assert "| the audit | what people would say of each | +1.0 points (+1.0 to +1.0) |" in text
    assert "| all relabels | what people would say of each | -52.0 points (-52.0 to -52.0) |" in text
    assert (tmp_path / "docs" / "learn.png").stat().st_size > 10_000
    assert json.loads((tmp_path / "benchmarks" / "learn.json").read_text()) == records


def test_the_stages_take_relabels_from_the_service(project, chats):
    """By their notebooks: corrected, added, marked, said on the pages, and never in the test."""
    write_sqlite("sqlite:///data/warehouse/chats.sqlite", chats)
    model = make_pipeline("linear_svc").fit(chats[["subject", "body"]], chats["category"])
    save_model(model, project / "model", {})
    service = Service(Settings(model="model", database=LOG, spool=False), read_verified(project / "model"))
    rows = pd.concat(
        [chats.head(2), chats.tail(1).assign(id="new", conversation_id="k9", body="Is it open on Sunday? 12")]
    )
    answers = learn.serve(service, rows[["id", "conversation_id", "subject", "body"]])
    learn.relabel(service, answers, ["other", "other", "opening hours"])
    assert service.close() == 0
    yaml, file = YAML(), project / "params.yaml"
    params = yaml.load(file)
    params["query"] |= {"relabels": LOG, "as_of": learn.utc_timestamp()}
    yaml.dump(params, file)
    for stage in ("query", "split"):
        run_notebook(stage)
    found = pd.read_parquet(project / "data" / "chats.parquet").set_index("id")
    assert found.loc[["c00", "c01", "new"], "category"].tolist() == ["other", "other", "opening hours"]
    assert found.loc["new", "body"] == "Is it open on Sunday? _number_"
    assert found.index[found["relabelled"]].tolist() == ["c00", "c01", "c18", "c19", "new"]
    test = pd.read_parquet(project / "data" / "test.parquet")
    assert not {"k0", "k9"} & set(test["conversation_id"])
    query, split = ((project / "reports" / f"{stage}.html").read_text() for stage in ("query", "split"))
    assert "opening hours" in query
    assert "5 chats of relabelled conversations to train on" in split
    shutil.rmtree(project / "data" / "service")
    with pytest.raises(Exception, match="does not exist; `chatkit serve` makes it"):
        run_notebook("query")
