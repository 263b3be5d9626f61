"""A file of one's own becomes the warehouse, or a sentence says why not."""

import contextlib
import sqlite3

import pandas as pd
import pytest

from chatkit.data.load import (
    add_to_warehouse,
    preview,
    read_export,
    read_unsorted,
    report,
    write_sqlite,
)
from chatkit.project import InputError
from tests.conftest import copy_project

URL = "sqlite:///data/warehouse/chats.sqlite"


def test_csv_and_parquet_give_the_same(tmp_path, chats):
    """Whatever the export's format, the chats are the same."""
    chats.to_csv(tmp_path / "a.csv", index=False)
    chats.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(
        read_export(tmp_path / "a.csv").chats, read_export(tmp_path / "a.parquet").chats, check_dtype=False
    )


def test_text_stays_text(tmp_path):
    """Leading zeros, "NA" and empty subjects survive."""
    (tmp_path / "a.csv").write_text('id,subject,body,category\n007,NA,"a, ""b""\nc",other\n008,,null,other\n')
    chats = read_export(tmp_path / "a.csv").chats
    assert chats["id"].tolist() == ["007", "008"]
    assert chats["subject"].tolist() == ["NA", ""]
    assert chats["body"].tolist() == ['a, "b"\nc', "null"]


def test_without_conversations_each_chat_is_its_own(tmp_path):
    """So that a split by conversation works on the plainest export."""
    (tmp_path / "a.csv").write_text("id,subject,body,category\n1,a,b,x\n2,a,b,x\n")
    assert read_export(tmp_path / "a.csv").chats["conversation_id"].tolist() == ["1", "2"]


def test_a_blank_is_no_conversation(tmp_path):
    """Some blank: missing, since a chat's id may be another's conversation. All blank: as if there were no such column."""
    (tmp_path / "a.csv").write_text(
        "id,subject,body,category,conversation_id,customer_id,split\n1,a,b,x,2,,train\n2,a,b,x,,p, \n3,a,b,x, ,p,test\n"
    )
    chats = read_export(tmp_path / "a.csv").chats
    assert chats["conversation_id"].tolist() == ["2", None, None]
    assert chats["customer_id"].tolist() == [None, "p", "p"]
    assert chats["split"].tolist() == ["train", None, "test"]
    (tmp_path / "a.csv").write_text("id,subject,body,category,conversation_id\n1,a,b,x,\n2,a,b,x, \n")
    assert read_export(tmp_path / "a.csv").chats["conversation_id"].tolist() == ["1", "2"]


def test_missing_values_are_empty_text(tmp_path):
    """None and NaN in a Parquet file are empty, not the word nan."""
    frame = pd.DataFrame({"id": [1, 2], "subject": ["a", None], "body": [None, "b"], "category": ["x", "y"]})
    frame.astype({"body": object}).to_parquet(tmp_path / "a.parquet")
    chats = read_export(tmp_path / "a.parquet").chats
    assert chats["subject"].tolist() == ["a", ""]
    assert chats["body"].tolist() == ["", "b"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "id,subject,text,category\n1,a,b,c\n", "has the columns id, subject, text, category, but body is missing"),
        ("a.csv", "id,subject,body,category\n", "has a header but no rows"),
        ("a.csv", "id|subject|body|category\n1|a|b|c\n", "separate the columns with commas, semicolons or tabs"),
        ("a.csv", "", "cannot be read as CSV: it is empty"),
        ("a.csv", "id,subject,body,category\n1,a,b,c,\n2,a,b,c,\n", "2 of 2 rows of a.csv cannot be read, the first is row 1 .line 2., which has 5 fields where the header has 4: '1,a,b,c,'"),
        ("a.csv", "id,subject,body,category\n1,a,b,c\n2,a\n", "1 of 2 .* which has 2 fields where the header has 4"),
        ("a.csv", "id,subject,body,category\n1,a, b,b,c\n2,a,b,c\n", "leave them out with --skip-bad-rows"),
        ("a.csv", b"id,subject,body,category\n1,\x81,b,c\n", "cannot be read as text: .*in UTF-8"),
        ("a.csv", "Id,id,subject,body,category\nA,1,a,b,c\n", "has the columns Id and id, of which either could be id; rename one"),
        ("a.csv", "id,subject,body,category\n1,a,b,\n,a,b,c\n", "no row to learn from: 1 without an id, 1 without a category"),
        ("a.parquet", "no parquet", "cannot be read as parquet"),
        ("a.xlsx", "", "cannot be read as xlsx"),
        ("a.json", '[{"id": "1", "subject": "a", "body": "\\ud83d", "category": "x"}]', "body in row 1 of a.json holds half a character"),
        ("a.csv", "id,subject,body,category,created_at\n1,a,b,c,2024-01-01\n2,a,b,c,May\n", "created_at in row 2 of a.csv is 'May', expected a date"),
    ],
)  # fmt: skip
def test_a_bad_file_gives_one_sentence(tmp_path, name, content, said):
    """What was received, what was expected, what to do."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=said) as error:
        read_export(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    """A path that leads nowhere."""
    with pytest.raises(InputError, match=r"none\.csv does not exist; give the path"):
        read_export(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder; give the path of a file"):
        read_export(tmp_path)


def test_numbers_as_body_are_refused(tmp_path, chats):
    """A column of numbers is most likely the wrong column."""
    chats.assign(body=range(24)).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"body in row 1 of a\.parquet is a int, expected text"):
        read_export(tmp_path / "a.parquet")


def test_messages_need_no_category(tmp_path):
    """What is to be sorted has no category yet, and perhaps no id."""
    (tmp_path / "a.csv").write_text("subject,body\nLost card,help\n")
    messages = read_unsorted(tmp_path / "a.csv").chats
    assert messages.to_dict("records") == [{"id": 1, "subject": "Lost card", "body": "help"}]


def test_each_row_is_a_chat_or_counted(tmp_path):
    """Rows of the file = chats to learn from + rows left out, each with its reason."""
    rows = ["1,a,b,x,2024-01-01", "2,a,b,,2024-01-01", "3, ,,x,2024-01-01", ",a,b,x,2024-01-01", "1,new,b,x,2024-01-02"]
    rows += ["4,a,b,x,2026-01-01", "5,a", '6,"a" b,b,x,2024-01-01', "7,a,b, x ,", "8,,,,"]
    (tmp_path / "a.csv").write_text("\n".join(["id,subject,body,category,created_at", *rows]))
    export = read_export(tmp_path / "a.csv", skip_bad_rows=True)
    chats, left_out = export.usable(pd.Timestamp("2026-01-01"))
    assert (chats["id"].tolist(), chats["subject"].tolist()) == (["1", "7"], ["new", "a"])
    assert left_out == {
        "unreadable": 2, "no_id": 1, "repeated_id": 1, "later": 1, "no_category": 2, "no_text": 1,
    }  # fmt: skip
    assert export.rows == len(rows) == len(chats) + sum(left_out.values())
    assert report(export, pd.Timestamp("2026-01-01"))[-1].startswith(
        "10 rows = 2 chats to learn from + 8 left out: 2 that"
    )
    assert export.chats["id"].tolist() == ["2", "3", "1", "4", "7", "8"], "what the query counts is in the warehouse"
    bad = pd.read_csv(export.write_bad_rows())
    assert bad.to_dict("list") == {
        "row": [7, 8], "line": [8, 9], "reason": ["has 2 fields where the header has 5", "has something after a closing quote"],
        "text": ["5,a", '6,"a" b,b,x,2024-01-01'],
    }  # fmt: skip
    assert [file.name for file in tmp_path.iterdir() if file.name != "a.csv"] == ["a.csv.left-out.csv"]


def test_categories_that_differ_in_case_are_named(tmp_path):
    """Trimmed; a blank one is none; the rest is for people to decide."""
    (tmp_path / "a.csv").write_text(
        "id,subject,body,category\n1,a,b,Billing\n2,a,b,Billing \n3,a,b,billing\n4,a,b, \n5,a,b,Login\n"
    )
    export = read_export(tmp_path / "a.csv")
    assert export.usable()[0]["category"].tolist() == ["Billing", "Billing", "billing", "Login"]
    assert preview(export)[-1].startswith('the categories "Billing" (chats: 2), "billing" (chats: 1) differ in case')


@pytest.mark.parametrize("word", ["None", "nan", "NULL", r"\N", "-", "n/a", "<NA>"])
def test_a_word_for_nothing_is_no_conversation_and_no_date(tmp_path, word):
    """Otherwise all chats without a conversation would be one."""
    (tmp_path / "a.csv").write_text(
        f"id,conversation_id,created_at,subject,body,category\n1,{word},{word},a,b,x\n2,k,,a,b,x\n"
    )
    chats = read_export(tmp_path / "a.csv").chats
    assert chats["conversation_id"].tolist() == [None, "k"]
    assert chats["created_at"].isna().all()


def test_a_column_may_have_any_name_and_there_may_be_any_number(project):
    """A column of 2,100 is left out with a word; "index" and a megabyte are as good as others."""
    body = "x" * 1_000_000
    (project / "a.csv").write_text(f"id,subject,body,category,index,Index,,select\n1,a,{body},x,7,8,9,0\n")
    export = read_export(project / "a.csv")
    assert list(export.chats.columns[8:]) == ["index", "Index 2", "column 7", "select"]
    write_sqlite(URL, export.chats)
    (project / "a.csv").write_text("id,subject,body,category" + ",Comment" * 2100 + "\n1,a,b,x" + ",q" * 2100 + "\n")
    export = read_export(project / "a.csv")
    write_sqlite(URL, export.chats)
    assert export.notes[-1] == "2,100 other columns left out: more than SQLite takes"


def test_loaded_chats_go_only_when_asked(project, chats):
    """Replaced, or added to: of an id that both have the later file counts."""
    add_to_warehouse(URL, chats)
    file = project / "data" / "warehouse" / "chats.sqlite"
    before = file.read_bytes()
    with pytest.raises(InputError, match="holds 24 chats that were loaded; add these with --append, or put"):
        add_to_warehouse(URL, chats)
    assert file.read_bytes() == before
    newer = chats.tail(4).assign(subject="newer", channel="web", id=["c22", "c23", "new1", "new2"])
    assert add_to_warehouse(URL, newer, append=True) == (file, 22, 2)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        rows = pd.read_sql("SELECT * FROM chats", connection).set_index("id")
    assert len(rows) == 26
    assert rows["channel"].fillna("none").tolist()[-5:] == ["none", *["web"] * 4]
    assert rows["created_at"].iloc[0] == "2025-01-01 00:00:00.000000"
    assert add_to_warehouse(URL, newer.rename(columns={"channel": "Channel"}), append=True) == (file, 22, 4)
    assert add_to_warehouse(URL, chats, replace=True) == (file, 0, 0)
    assert file.read_bytes() == before


def test_simulated_chats_are_replaced_without_asking(project, chats):
    """They can be made again."""
    write_sqlite(URL, chats, chats[["id"]])
    assert add_to_warehouse(URL, chats.head(3), append=True)[1:] == (0, 0)


@pytest.mark.parametrize("folder", ["why?x", "100%20", "c#", "a b"])
def test_a_folder_may_have_any_name(tmp_path, monkeypatch, chats, folder):
    """What URLs give a meaning is no more than a character in a path."""
    project = copy_project(tmp_path / folder)
    monkeypatch.chdir(project)
    add_to_warehouse(URL, chats)
    assert add_to_warehouse(URL, chats, append=True) == (project / "data" / "warehouse" / "chats.sqlite", 0, 24)
    assert [file.name for file in tmp_path.iterdir()] == [folder]


def test_messages_come_as_many_as_there_are(tmp_path):
    """Empty ones and repeated ids, too; a row that cannot be read keeps its number."""
    (tmp_path / "a.csv").write_text('subject,body\na,b\n"",""\nc\nd,e\n')
    with pytest.raises(InputError, match="1 of 4 rows of a.csv cannot be read, the first is row 3"):
        read_unsorted(tmp_path / "a.csv")
    export = read_unsorted(tmp_path / "a.csv", skip_bad_rows=True)
    assert export.chats["id"].tolist() == [1, 2, 4]
    assert [bad.row for bad in export.bad] == [3]
    (tmp_path / "a.csv").write_text("subject,body\nc\n")
    with pytest.raises(InputError, match="no row that can be read: the first has 1 field where the header has 2"):
        read_unsorted(tmp_path / "a.csv", skip_bad_rows=True)


def test_the_same_chats_are_the_same_bytes(project, chats):
    """Two writes, one file: the warehouse can be a dependency of a stage."""
    first = write_sqlite(URL, chats).read_bytes()
    assert write_sqlite(URL, chats).read_bytes() == first
    assert int.from_bytes(first[96:100], "big") == 3_000_000, "the version of SQLite is not in the file"


def test_a_database_of_ones_own_is_left_alone(project, chats):
    """Only what chatkit wrote is replaced."""
    file = project / "data" / "warehouse" / "chats.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE precious (a)")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(InputError, match="was not written by chatkit, so it is left alone"):
        write_sqlite(URL, chats)
    assert file.read_bytes() == before


def test_only_a_local_file_is_written(project, chats):
    """Loading never writes to a server."""
    with pytest.raises(InputError, match=r"chatkit writes chats to no other kind of warehouse"):
        write_sqlite("postgresql+psycopg://host/db", chats)


def test_simulated_chats_do_not_replace_loaded_ones(project, chats):
    """Loaded chats may be all that there is of them; simulated ones can be made again."""
    url = "sqlite:///data/warehouse/chats.sqlite"
    truth = chats[["id"]]
    file = write_sqlite(url, chats, truth)
    assert write_sqlite(url, chats) == file
    before = file.read_bytes()
    with pytest.raises(InputError, match="holds chats that were loaded, so it is not replaced"):
        write_sqlite(url, chats, truth)
    assert file.read_bytes() == before


def test_an_id_that_means_none_is_none(tmp_path):
    """Where several chats have it: they are without an id, not copies of each other; one chat may be called so."""
    rows = "".join(f"{key},Card,Lost {number},urgent\n" for number, key in enumerate(["None", "None", "-", "nan", "7"]))
    (tmp_path / "a.csv").write_text("id,subject,body,category\n" + rows)
    export = read_export(tmp_path / "a.csv")
    assert export.chats["id"].tolist() == ["-", "nan", "7"]
    assert (export.left_out["no_id"], export.left_out["repeated_id"]) == (2, 0)
