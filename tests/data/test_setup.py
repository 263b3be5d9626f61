"""The project's files fit the chats after `chatkit load`, and what a person has edited stays."""

import json
import re
import shutil
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from chatkit.cli import main
from chatkit.data.load import write_sqlite
from chatkit.data.setup import sealed, set_up
from chatkit.data.split import split_chats
from chatkit.data.warehouse import extract
from chatkit.project import InputError, parameters, read_yaml
from tests.conftest import ROOT
from tests.desks import DESKS, write_export

URL = "sqlite:///data/warehouse/chats.sqlite"


def edit(project, old, new, file="params.yaml"):
    """Change a file as a person does."""
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new, 1))


def others(chats, *names):
    """The chats with other categories, in turn."""
    return chats.assign(category=[names[number % len(names)] for number in range(len(chats))])


@pytest.mark.parametrize("name", DESKS)
def test_any_export_is_loaded_and_fits_without_an_edit(project, tmp_path, name, capsys):
    """As far as the stages query and split; rules and edits of the bank are gone, the urgent category is one or none."""
    assert main(["load", str(write_export(tmp_path, name, 120))]) == 0
    said = capsys.readouterr().out
    assert said.count("written anew for your categories") == 2
    query = parameters("query")
    facts = extract(query["warehouse"], project / query["sql"], None, project / "data" / "chats.parquet", 50)
    assert facts["rows"] + sum(facts["left_out"].values()) == 120
    chats = pd.read_parquet(project / "data" / "chats.parquet")
    _, test = split_chats(chats, **parameters("split"))
    assert 0.25 < len(test) / len(chats) < 0.4
    categories = {*chats["category"]}
    urgent = {"zendesk.csv": "Urgent - cards", "zendesk.json": "Urgent - cards", "intercom.json": "p1"}.get(name)
    assert parameters("categories")["urgent"] == urgent
    assert f"categories.urgent is {json.dumps(urgent)} now" in said
    assert ('"Mobile App"' in said) == (name == "jira.csv")
    assert read_yaml(project / "rules.yaml") == {}
    written = (project / "rules.yaml").read_text()
    told = [one for one in categories if re.search(rf"(category:|no word tells) {re.escape(json.dumps(one))}", written)]
    assert len(told) == len(categories) - 1, "all but the most frequent"
    assert "pattern: ''" not in written
    assert {entry["kind"] for entry in read_yaml(project / "perturbations.yaml")} == {"INV"}
    assert chats["conversation_id"].value_counts().max() < 12
    assert set_up() == [line for line in said.splitlines() if line.startswith(("the categories", "split: "))]


def test_the_simulated_bank_needs_no_change(project):
    """The files as they come are those of its categories."""
    before = {file: file.read_bytes() for file in project.iterdir() if file.is_file()}
    assert main(["simulate", "--chats", "300"]) == 0
    assert set_up() == []
    assert {file: file.read_bytes() for file in before} == before


def test_files_of_the_project_are_as_chatkit_wrote_them():
    """Who edits one writes the last line of `sealed`, or else `chatkit init` would take it for a user's edit."""
    for name in ("rules.yaml", "perturbations.yaml"):
        text = (ROOT / name).read_text()
        assert text == sealed(text.rpartition("\n# As chatkit wrote it")[0]), name
    entries = (
        text.partition("# For the simulated bank\n")[0]
        .partition("# What says something")[0]
        .rpartition("# What says nothing\n")[2]
    )
    assert not [word for word in ("DIR", "MFT", "messages", "expect", "of:") if word in entries]


def test_what_a_person_has_edited_stays(project, chats):
    """Files with an edit are left as they are and named; only values that cannot work are changed, comments stay."""
    write_sqlite(URL, others(chats, "Billing", "Login"))
    edit(project, "twice", "two times over", "rules.yaml")
    edit(project, "Hi there", "Hello you", "perturbations.yaml")
    edit(project, "test_size: 0.3333", "test_size: 0.25  # mine")
    before = {name: (project / name).read_text() for name in ("params.yaml", "rules.yaml", "perturbations.yaml")}
    said = set_up()
    assert [line.partition(":")[0] for line in said] == ["params.yaml", "rules.yaml", "perturbations.yaml"]
    assert "rules.yaml: names 'incident', 'new product', 'other' ..., which no chat has" in said[1]
    after = {name: (project / name).read_text() for name in before}
    assert after == before | {"params.yaml": before["params.yaml"].replace("urgent: urgent  #", "urgent: null    #")}


@pytest.mark.parametrize(
    ("names", "urgent", "said"),
    [
        (["Low", "P1"], "P1", "by its name"),
        (["Critical issue", "x"], "Critical issue", "by its name"),
        (["not urgent", "non-urgent", "up1"], None, "no category looks like one"),
        (["Highest", "P0", "x"], None, "'Highest' or 'P0' could be it; name the one"),
        (["other", "urgent"], "urgent", None),
    ],
)
def test_the_urgent_category_is_chosen_by_its_name_or_asked_for(project, chats, names, urgent, said):
    """Never guessed between two."""
    write_sqlite(URL, others(chats, *names))
    lines = [line for line in set_up() if "categories.urgent" in line]
    assert parameters("categories")["urgent"] == urgent
    assert len(lines) == (said is not None)
    assert said is None or said in lines[0]


@pytest.mark.parametrize(
    ("old", "new", "change", "kept", "said"),
    [
        ("strategy: group", "strategy: column", {}, {"strategy": "group"}, "split is empty in 24 of 24 chats"),
        ("strategy: group", "strategy: time", {"created_at": None}, {"strategy": "group"}, "created_at is empty in 24"),
        ("strategy: group", "strategy: column", {"conversation_id": None}, {"strategy": "random"}, "split is empty"),
        ("group: conversation_id", "group: customer_id", {"customer_id": None}, {"group": "conversation_id"}, "customer_id is empty"),
        ("strategy: group", "strategy: time", {}, {"strategy": "time"}, None),
    ],
)  # fmt: skip
def test_a_split_that_cannot_work_becomes_one_that_does(project, chats, old, new, change, kept, said):
    """By conversation, or at random where there are none; with the reason."""
    write_sqlite(URL, chats.assign(**change))
    edit(project, old, new)
    lines = [line for line in set_up() if "params.yaml: split." in line]
    assert parameters("split").items() >= kept.items()
    assert len(lines) == (said is not None)
    assert said is None or said in lines[0]


def test_what_else_does_not_fit_is_said(project, chats):
    """A date before all chats is taken out, but where relabels need one; names that no chat has, and a log that is not
    there, are a person's matter."""
    write_sqlite(URL, chats)
    edit(project, "as_of: null", 'as_of: "2024-01-01"')
    edit(project, "relabels: null", "relabels: sqlite:///data/service/log.sqlite")
    assert "query.as_of in params.yaml is before all chats; name a later date" in "\n".join(set_up())
    edit(project, "relabels: sqlite:///data/service/log.sqlite", "relabels: null")
    said = "\n".join(set_up())
    assert 'params.yaml: query.as_of is null now, it was "2024-01-01": no chat was written before it' in said
    edit(project, "category_map: {}", "category_map: {urgnt: other}")
    edit(project, "relabels: null", "relabels: sqlite:///data/service/log.sqlite")
    edit(project, "as_of: null", 'as_of: "2026-01-01"')
    said = "\n".join(set_up())
    assert "names the category 'urgnt', which no chat has; correct or remove it; did you mean urgent?" in said
    assert "data/service/log.sqlite" in said
    assert parameters("query")["category_map"] == {"urgnt": "other"}


def test_one_category_is_nothing_to_learn(project, chats, capsys):
    """Refused when loaded, nothing is written; one more category is enough, even of one chat."""
    chats.assign(category="x").to_csv(project / "one.csv", index=False)
    assert main(["load", "one.csv"]) == 1
    assert "All chats are of the category 'x', expected two categories or more" in capsys.readouterr().err
    assert not [*(project / "data" / "warehouse").iterdir()]
    chats.head(1).assign(id="new", category="y").to_csv(project / "other.csv", index=False)
    assert main(["load", "other.csv"]) == 1
    chats.assign(category=["y"] + ["x"] * 23).to_csv(project / "two.csv", index=False)
    assert main(["load", "two.csv"]) == 0
    assert main(["load", "other.csv", "--append"]) == 0


def test_what_load_leaves_out_is_known_to_the_query(project, chats, capsys):
    """Rows of all files = chats used + rows left out, however the files came."""

    def loaded(name, text, *how):
        (project / name).write_text(text)
        assert main(["load", name, "--skip-bad-rows", *how]) == 0
        facts = extract(URL, project / "queries" / "chats.sql", None, project / "data" / "chats.parquet")
        return facts["rows"], facts["left_out"]

    header = "id,subject,body,category\n"
    one = loaded("a.csv", header + "1,a,b,x\n2,a,b,y\n2,new,b,y\n,a,b,x\n3,a\n4,a,b,\n")
    nothing = {"later": 0, "no_category": 1, "no_text": 0}
    assert one == (2, {**nothing, "unreadable": 1, "no_id": 1, "repeated_id": 1})
    two = loaded("b.csv", header + "1,newer,b,x\n5,a,b,y\n,a,b,x\n", "--append")
    assert two == (3, {**nothing, "unreadable": 1, "no_id": 2, "repeated_id": 2})
    assert two[0] + sum(two[1].values()) == 6 + 3
    three = loaded("b.csv", header + "1,newer,b,x\n5,a,b,y\n", "--replace")
    assert three == (2, {**nothing, "no_category": 0, "unreadable": 0, "no_id": 0, "repeated_id": 0})
    file = project / "data" / "warehouse" / "chats.sqlite"
    shutil.copy(file, project / "before.sqlite")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TABLE chatkit_left_out")
    assert set(loaded("c.csv", header + "7,a,b,y\n", "--append")[1]) == {*one[1]}, "a warehouse of before"


def test_a_query_without_chats_is_one_sentence(project):
    """`chatkit init` before `chatkit load`."""
    with pytest.raises(InputError, match="does not exist; make it with `chatkit simulate`, or"):
        set_up()
