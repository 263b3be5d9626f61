"""A file of one's own becomes the warehouse, or a sentence says why not."""

import sqlite3

import pandas as pd
import pytest

from chatkit.data.load import read_chats, read_messages, write_sqlite
from chatkit.project import InputError

URL = "sqlite:///data/warehouse/chats.sqlite"


def test_csv_and_parquet_give_the_same(tmp_path, chats):
    """Whatever the export's format, the chats are the same."""
    chats.to_csv(tmp_path / "a.csv", index=False)
    chats.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_chats(tmp_path / "a.csv"), read_chats(tmp_path / "a.parquet"), check_dtype=False)


def test_text_stays_text(tmp_path):
    """Leading zeros, "NA" and empty subjects survive."""
    (tmp_path / "a.csv").write_text('id,subject,body,category\n007,NA,"a, ""b""\nc",other\n008,,null,other\n')
    chats = read_chats(tmp_path / "a.csv")
    assert chats["id"].tolist() == ["007", "008"]
    assert chats["subject"].tolist() == ["NA", ""]
    assert chats["body"].tolist() == ['a, "b"\nc', "null"]


def test_without_conversations_each_chat_is_its_own(tmp_path):
    """So that a split by conversation works on the plainest export."""
    (tmp_path / "a.csv").write_text("id,subject,body,category\n1,a,b,x\n2,a,b,x\n")
    assert read_chats(tmp_path / "a.csv")["conversation_id"].tolist() == ["1", "2"]


def test_a_blank_is_no_conversation(tmp_path):
    """Some blank: missing, since a chat's id may be another's conversation. All blank: as if there were no such column."""
    (tmp_path / "a.csv").write_text(
        "id,subject,body,category,conversation_id,customer_id,split\n1,a,b,x,2,,train\n2,a,b,x,,p, \n3,a,b,x, ,p,test\n"
    )
    chats = read_chats(tmp_path / "a.csv")
    assert chats["conversation_id"].tolist() == ["2", None, None]
    assert chats["customer_id"].tolist() == [None, "p", "p"]
    assert chats["split"].tolist() == ["train", None, "test"]
    (tmp_path / "a.csv").write_text("id,subject,body,category,conversation_id\n1,a,b,x,\n2,a,b,x, \n")
    assert read_chats(tmp_path / "a.csv")["conversation_id"].tolist() == ["1", "2"]


def test_missing_values_are_empty_text(tmp_path):
    """None and NaN in a Parquet file are empty, not the word nan."""
    frame = pd.DataFrame({"id": [1, 2], "subject": ["a", None], "body": [None, "b"], "category": ["x", "y"]})
    frame.astype({"body": object}).to_parquet(tmp_path / "a.parquet")
    chats = read_chats(tmp_path / "a.parquet")
    assert chats["subject"].tolist() == ["a", ""]
    assert chats["body"].tolist() == ["", "b"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "id,subject,text,category\n1,a,b,c\n", "has the columns id, subject, text, category, but body is missing"),
        ("a.csv", "id,subject,body,category\n", "has a header but no rows"),
        ("a.csv", "id;subject;body;category\n1;a;b;c\n", "separate the columns with commas"),
        ("a.csv", "id,subject,body,category\n1,a,b,c\n1,a,b,c\n", "1 rows with the id of an earlier row, first '1'"),
        ("a.csv", "", "cannot be read as csv"),
        ("a.csv", "id,subject,body,category\n1,a,b,c,\n2,a,b,c,\n", "cannot be read as csv: Length of header .* does not match"),
        ("a.csv", "id,subject,body,category\n1,a, b,b,c\n2,a,b,c\n", "texts that have commas in quotes"),
        ("a.csv", "id,subject,body,category\n1,a,b,c,d,e\n1,a,b,c,d,e,f\n", "cannot be read as csv"),
        ("a.csv", b"id,subject,body,category\n1,\xff\xfe,b,c\n", "in UTF-8"),
        ("a.parquet", "no parquet", "cannot be read as parquet"),
        ("a.xlsx", "", "ends with .xlsx, expected .csv or .parquet"),
        ("a.csv", "id,subject,body,category,created_at\n1,a,b,c,May\n", "is not a date and time throughout"),
    ],
)  # fmt: skip
def test_a_bad_file_gives_one_sentence(tmp_path, name, content, said):
    """What was received, what was expected, what to do."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=said) as error:
        read_chats(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    """A path that leads nowhere."""
    with pytest.raises(InputError, match=r"none\.csv does not exist; give the path"):
        read_chats(tmp_path / "none.csv")


def test_numbers_as_body_are_refused(tmp_path, chats):
    """A column of numbers is most likely the wrong column."""
    chats.assign(body=range(24)).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"body in row 1 of a\.parquet is a int, expected text"):
        read_chats(tmp_path / "a.parquet")


def test_messages_need_no_category(tmp_path):
    """What is to be sorted has no category yet, and perhaps no id."""
    (tmp_path / "a.csv").write_text("subject,body\nLost card,help\n")
    messages = read_messages(tmp_path / "a.csv")
    assert messages.to_dict("records") == [{"id": 1, "subject": "Lost card", "body": "help"}]


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
