"""The model card, card.yaml and the items of REFORMS."""

import hashlib
import json

import html5lib
import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from ruamel.yaml import YAML

from chatkit.project import InputError
from chatkit.site.index import write_index
from chatkit.site.page import render
from chatkit.site.questions import KEYS, QUESTIONS, REFORMS, answered_items, count_answers, read_card
from tests.conftest import ROOT

CHECKS = YAML(typ="safe").load(ROOT / "params.yaml")["overfitting"]["thresholds"]
STAGES = ["query", "split", "train", "evaluate", "explain", "triage", "overfitting"]
PARAMETERS = {
    "query": {"sql": "queries/chats.sql"},
    "split": {"strategy": "group", "seed": 0},
    "evaluate": {"confidence": 0.95},
}
MANIFEST = {
    "made_from": {"parameters": {"min_df": 2, "stop_words": None}, "code_sha256": "c0de", "train_sha256": "7ea1"},
    "fit": {"min_df": 2, "classifier_options": {"C": 2.0}},
    "libraries": {"numpy": "2.4.6"},
}
FEATURES = {"classifier": "linear_svc", "classes": ["other", "urgent"], "terms": ["a"] * 1234}
SCORES = {
    "classifier": "linear_svc",
    "macro_f1": 0.8712,
    "accuracy": 0.8891,
    "intervals": {"macro_f1": [0.86049, 0.882]},
    "baselines": {"rules": {"macro_f1": 0.5}, "llm": {"not_run": "no key"}},
}
LOCK = "stages:\n  train:\n    outs:\n    - {path: models/chats, md5: 5000.dir}\n"


def put(root, name, content):
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def put_checks(root, checks):
    """Checks of the model that is there, as the stage overfitting leaves them."""
    model = "models/chats/manifest.json"
    made_from = [{"path": model, "sha256": hashlib.sha256((root / model).read_bytes()).hexdigest()}]
    found = {"test_macro_f1": SCORES["macro_f1"], "checks": checks, "made_from": made_from}
    put(root, "metrics/overfitting.json", found)


@pytest.fixture
def project(tmp_path, chats):
    """A project all of whose stages have run, with nothing written into card.yaml yet."""
    put(tmp_path, "card.yaml", (ROOT / "card.yaml").read_text(encoding="utf-8"))
    put(tmp_path, "README.md", "# Read me")
    put(tmp_path, "dvc.yaml", {"stages": {stage: {"cmd": f"chatkit run {stage}"} for stage in STAGES}})
    ran = json.dumps(PARAMETERS)
    put(tmp_path, "dvc.lock", f"{LOCK}  split:\n    params:\n      params.yaml: {ran}\n")
    put(tmp_path, "params.yaml", PARAMETERS)
    put(tmp_path, "models/chats/manifest.json", MANIFEST)
    put(tmp_path, "models/chats/features.json", FEATURES)
    put(tmp_path, "metrics/evaluate.json", SCORES)
    checks = [{"code": code, "title": f"Title of {code}", "status": "pass", "explanation": ""} for code in CHECKS]
    put_checks(tmp_path, checks)
    put(tmp_path, "data/chats.json", {"rows": 24, "rows_sha256": "9f2c", "warehouse": "sqlite:///a.sqlite"})
    for name, side in (("train", chats[:16]), ("test", chats[16:])):
        # In pieces and out of order, as a large table may be.
        side.iloc[::-1].to_parquet(tmp_path / "data" / f"{name}.parquet", row_group_size=3)
    for stage in STAGES:
        notebook = (ROOT / "notebooks" / f"{stage}.ipynb").read_text(encoding="utf-8")
        put(tmp_path, f"reports/{stage}.ipynb", notebook)
        put(tmp_path, f"reports/{stage}.html", render(nbformat.reads(notebook, 4), stage, STAGES))
    return tmp_path


def card(root):
    write_index(root)
    html = (root / "reports" / "card.html").read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(html)
    return BeautifulSoup(html, "html.parser")


def text(tag):
    return " ".join(tag.get_text().split())


def rows(html, heading):
    return [[text(cell) for cell in row(["th", "td"])] for row in html.find(id=heading).find_next("table")("tr")]


def fill_in(root, **more):
    put(root, "card.yaml", dict.fromkeys(KEYS, "Written down.") | more)


def test_facts_come_from_the_run(project):
    """Model, data, scores and hashes are those of the outputs."""
    html = card(project)
    model = dict(rows(html, "model-details"))
    assert model["Classifier"] == "linear_svc"
    assert model["Parameters of the stage train"] == "min_df: 2, stop_words: null"
    assert model["Terms"] == "1,234"
    assert model["Software"] == "numpy 2.4.6"
    assert model["Hyperparameters"] == "C: 2.0"
    assert (model["SHA-256 of the code"], model["MD5 in dvc.lock"]) == ("c0de", "5000.dir")
    train, test = (dict(rows(html, section)) for section in ("training-data", "evaluation-data"))
    assert (train["Chats"], train["First and last chat"]) == ("16", "2025-01-01T00:00:00 to 2025-01-16T00:00:00")
    assert (test["Chats"], test["First and last chat"]) == ("8", "2025-01-17T00:00:00 to 2025-01-24T00:00:00")
    assert test["Split"] == "strategy: group, seed: 0"
    assert (train["Query"], train["SHA-256 of all chats"]) == ("queries/chats.sql", "9f2c")
    assert rows(html, "sizes") == [["Category", "training", "test"], ["other", "8", "4"], ["urgent", "8", "4"]]


def test_scores_have_their_intervals_where_there_are_any(project):
    """The model first, an interval below its score; a score that a classifier has not is not given."""
    assert [row[:3] for row in rows(card(project), "scores")] == [
        ["Classifier", "macro-F1", "accuracy"],
        ["linear_svc the model", "0.8710.860 to 0.882", "0.889"],
        ["rules", "0.500", "not given"],
        ["llm", "not run: no key"],
    ]


def test_what_nobody_wrote_down_is_not_known(project):
    """Every key of card.yaml has its row, which says what is missing and where to write it."""
    html = card(project)
    for key in KEYS:
        (question,) = [questions[key] for questions in QUESTIONS.values() if key in questions]
        assert text(html.find(id=key).td) == f"Not known: {question}. Write it into {key} in card.yaml."
    index = BeautifulSoup((project / "reports" / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert f"card.yaml answers 0 of {len(KEYS)} questions" in text(index.main)


def test_what_a_team_wrote_stands_in_its_place(project):
    """Its lines are kept, its markup is shown and not obeyed."""
    put(project, "card.yaml", "owner: |\n  The <b>routing</b> team\n  of the bank\nrisks:\nconsent: ' '\n")
    html = card(project)
    assert html.find(id="owner").td.span.string == "The <b>routing</b> team\nof the bank"
    assert text(html.find(id="risks").td).startswith("Not known: whom a wrong answer harms")
    assert text(html.find(id="consent").td).startswith("Not known: whether the customers know")
    assert read_card(project / "card.yaml").keys() == {"owner"}


def test_the_file_has_the_keys_of_the_card_all_empty():
    """card.yaml asks for what the page shows, in the page's words, and gives no answer."""
    source = (ROOT / "card.yaml").read_text(encoding="utf-8")
    lines = [f'{key}: ""  # {question}' for questions in QUESTIONS.values() for key, question in questions.items()]
    assert [line for line in source.splitlines() if line and not line.startswith("#")] == lines
    assert read_card(ROOT / "card.yaml") == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("owners: me", "card.yaml has the key 'owners', expected owner; rename or remove it."),
        ("x: me", "card.yaml has the key 'x', expected owner or contact or .* or monitoring; rename or remove it."),
        ("owner: [a, b]", 'card.yaml gives owner a list, ["a", "b"], expected text; put it between quotes.'),
        ("consent: 2025-01-01", "card.yaml gives consent a date, 2025-01-01, expected text; put it between quotes."),
        ("- owner", 'card.yaml holds a list, expected lines such as `owner: "..."`.'),
        ("owner: {", "card.yaml is not valid YAML in line 1: .*; mend that line."),
        (None, "card.yaml does not exist; restore it with `git checkout -- card.yaml`."),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_one_sentence(project, content, said):
    """On the card and on the overview, without a path of this machine; the library raises it."""
    (project / "card.yaml").unlink()
    if content:
        put(project, "card.yaml", content)
    said = said.replace("[", r"\[").replace("{", r"\{")
    with pytest.raises(InputError, match=said):
        read_card(project / "card.yaml")
    html = card(project)
    shown = text(html.select_one(".error"))
    assert shown.startswith("Nothing of card.yaml is shown: card.yaml ")
    index = BeautifulSoup((project / "reports" / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert shown in text(index.main)


def test_reforms_has_its_thirty_two_items():
    """Eight modules, numbered as in the paper."""
    assert all(item.keys() == {"item", "asks", "answers"} for items in REFORMS.values() for item in items)
    assert [[item["item"] for item in items] for items in REFORMS.values()] == [
        [f"{number}{letter}" for letter in "abcdefg"[:size]] for number, size in enumerate((3, 5, 7, 3, 6, 3, 3, 2), 1)
    ]


def test_every_answer_of_reforms_can_be_given(project):
    """With all stages run and card.yaml filled in, two things stay open: no name in the list is misspelt."""
    fill_in(project)
    html = card(project)
    missing = {text(tag.parent).split("not known: ")[1] for tag in html.select("#reforms ~ .table .unknown")}
    assert missing == {"missing texts by category", "assumptions of the tests"}
    assert "Of 32 items 30 are answered, 2 in part, 0 not." in text(html.main)


def test_reforms_leads_to_where_the_answer_stands(project):
    """A link for each answer, and for each gap a link to the row that says what to write."""
    found = {row[0]: row[2] for row in rows(card(project), "reforms") if len(row) == 3}
    assert found["2c"] == "Model details; not known: Machine"
    assert found["4c"] == "train: The pipeline"
    assert found["6b"] == "split: What stands on both sides, check duplicates, check groups, check time_order"
    links = [link["href"] for link in card(project).select("#reforms ~ .table a")]
    assert {"#machine", "#model-details", "train.html#the-pipeline", "#check-groups"} <= set(links)


def test_reforms_counts_no_check_that_has_not_run(project):
    """What did not run answers nothing; nor does a page that is not there."""
    put_checks(project, [{"code": "groups", "status": "not_run"}])
    (project / "reports" / "split.html").unlink()
    found = {row[0]: row[2] for row in rows(card(project), "reforms") if len(row) == 3}
    assert found["6b"].startswith("not known: split#what-stands-on-both-sides, check duplicates, check groups")
    assert count_answers(answered_items({})) == "Of 32 items 0 are answered, 0 in part, 32 not."


def test_every_link_on_the_card_has_its_target(project):
    """Sections, rows and pages exist, and no id stands twice."""
    fill_in(project)
    html = card(project)
    ids = [tag["id"] for tag in html(id=True)]
    assert len(set(ids)) == len(ids)
    for link in html.main("a"):
        page, _, place = link["href"].partition("#")
        target = html if not page else BeautifulSoup((project / "reports" / page).read_text(), "html.parser")
        assert target.find(id=place), link


def test_checks_that_did_not_pass_are_a_caveat(project):
    """Failed, warned and not run, by their titles."""
    checks = [{"code": s, "title": s.title(), "status": s} for s in ("pass", "warn", "fail", "not_run")]
    put_checks(project, checks)
    found = dict(rows(card(project), "caveats-and-recommendations"))
    assert found["Checks that did not pass"] == "Fail (fail); Warn (warning); Not_Run (not run)"


def test_nothing_is_said_plainly(tmp_path):
    """In an empty folder the card names every missing file instead of failing."""
    html = card(tmp_path)
    assert [text(tag) for tag in html.select("p.absent")] == [
        "No model: models/chats/manifest.json is not there yet.",
        "No test chats: data/test.parquet is not there yet.",
        "No training chats: data/train.parquet is not there yet.",
        "No scores: metrics/evaluate.json is not there yet.",
        "No checks: metrics/overfitting.json is not there yet.",
    ]
    assert "Of 32 items 0 are answered" in text(html.main)


def test_chats_without_dates_and_broken_tables_are_said(project, chats):
    """Neither an undated table nor a damaged one stops the page."""
    chats.assign(created_at=pd.NaT).to_parquet(project / "data" / "train.parquet")
    put(project, "data/test.parquet", "no table")
    html = card(project)
    assert dict(rows(html, "training-data"))["First and last chat"] == "the chats carry no dates"
    assert "No test chats: data/test.parquet cannot be read: " in text(html.select_one("p.absent"))


def test_same_state_gives_the_same_bytes(project):
    """Nothing on the card depends on the clock."""
    page = project / "reports" / "card.html"
    write_index(project)
    before = page.read_bytes()
    write_index(project)
    assert page.read_bytes() == before


def test_the_card_is_no_output_of_a_stage():
    """It changes with card.yaml and the commit, so no stage may own it or depend on it."""
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    entries = [
        entry for stage in stages.values() for kind in ("deps", "outs", "metrics") for entry in stage.get(kind, [])
    ]
    named = [path for entry in entries for path in ([entry] if isinstance(entry, str) else entry)]
    assert "reports/query.html" in named
    assert not {"reports/card.html", "card.yaml"} & set(named)
