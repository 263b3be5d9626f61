"""From the warehouse to Parquet: complete, checked, without secrets."""

import json
import socket

import pandas as pd
import pytest
import sqlalchemy as sa

from chatkit.data.load import write_sqlite
from chatkit.data.warehouse import SCHEMA, connect, extract
from chatkit.project import InputError, parameters

URL = "sqlite:///data/warehouse/chats.sqlite"


@pytest.fixture
def warehouse(project, chats):
    """A SQLite warehouse with two dozen chats."""
    write_sqlite(URL, chats)
    return project


def run(project, as_of="2026-01-01", url=URL, **options):
    """Extract with the project's own query."""
    return extract(url, project / "queries" / "chats.sql", as_of, project / "data" / "chats.parquet", **options)


def write_query(project, sql):
    """Replace the project's query."""
    (project / "queries" / "chats.sql").write_text(sql)


def test_rows_arrive_as_they_are(warehouse, chats):
    """Every value of every chat, with its type, and no chat marked as relabelled."""
    run(warehouse)
    out = pd.read_parquet(warehouse / "data" / "chats.parquet")
    assert list(out.columns) == [*SCHEMA.names, "relabelled"]
    assert out["relabelled"].tolist() == [False] * 24
    pd.testing.assert_frame_equal(out[chats.columns], chats, check_dtype=False)
    assert out["split"].isna().all()


def test_chunks_change_nothing(warehouse):
    """The size of a chunk decides memory, not bytes' meaning."""
    whole = run(warehouse)
    assert run(warehouse, chunk_size=5) == whole
    assert len(pd.read_parquet(warehouse / "data" / "chats.parquet")) == 24


def test_the_sidecar_describes_the_rows(warehouse):
    """Rows, dates, dialect; and the fingerprint follows the values."""
    facts = run(warehouse)
    assert json.loads((warehouse / "data" / "chats.json").read_text()) == facts
    assert (facts["rows"], facts["dialect"]) == (24, "sqlite")
    assert facts["first_created_at"] == "2025-01-01T00:00:00"
    fewer = run(warehouse, as_of="2025-01-10")
    assert fewer["rows"] == 9
    assert fewer["rows_sha256"] != facts["rows_sha256"]


def test_undated_chats_stay_in(project, chats):
    """An export without dates is not dropped by the date."""
    write_sqlite(URL, chats.assign(created_at=None))
    facts = run(project)
    assert (facts["rows"], facts["first_created_at"]) == (24, None)


@pytest.mark.parametrize(("as_of", "later"), [(None, 0), ("2025-01-10", 15), ("2025-01-24", 1)])
def test_rows_are_used_or_counted_as_left_out(project, chats, as_of, later):
    """The date, a missing category, a missing text: each row of the warehouse is in one of the counts."""
    chats.loc[0, "category"], chats.loc[1, "category"], chats.loc[2, ["subject", "body"]] = None, " ", [None, "\t"]
    write_sqlite(URL, chats)
    facts = run(project, as_of)
    assert facts["left_out"] == {"later": later, "no_category": 2, "no_text": 1}
    assert facts["rows"] + sum(facts["left_out"].values()) == 24
    assert len(pd.read_parquet(project / "data" / "chats.parquet")) == facts["rows"]
    assert json.loads((project / "data" / "chats.json").read_text()) == facts


def test_without_a_date_the_newest_chat_is_in(project, chats):
    """The project as it comes drops nothing of this year, and says up to when the chats go."""
    write_sqlite(URL, chats.assign(created_at=chats["created_at"] + pd.DateOffset(years=50)))
    assert parameters("query")["as_of"] is None
    first = run(project, None)
    assert (first["rows"], first["last_created_at"]) == (24, "2075-01-24T00:00:00")
    content = (project / "data" / "chats.parquet").read_bytes()
    assert run(project, None) == first
    assert (project / "data" / "chats.parquet").read_bytes() == content


def test_a_category_is_trimmed(project, chats):
    """Spaces around a name make no other category."""
    write_sqlite(URL, chats.assign(category=["other ", " other\t"] * 12))
    run(project)
    assert set(pd.read_parquet(project / "data" / "chats.parquet")["category"]) == {"other"}


def test_other_columns_are_kept_as_text(warehouse):
    """What a team selects beyond the known columns comes along."""
    write_query(
        warehouse,
        "SELECT id, subject, body, category, 7 AS channel FROM chats WHERE chats.created_at < :as_of ORDER BY id",
    )
    run(warehouse)
    assert set(pd.read_parquet(warehouse / "data" / "chats.parquet")["channel"]) == {"7"}


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT id, body, category FROM chats WHERE id > '' OR :as_of", "subject is missing; select it"),
        ("SELECT * FROM chats", "does not use :as_of"),
        ("SELECT * FROM chats WHERE created_at < :as_of AND 1 = 0", "gave no rows for as_of 2026-01-01"),
        ("SELECT bodyy FROM chats WHERE created_at < :as_of", "failed in the warehouse .*no such column: bodyy"),
        ("SELECT id, subject, 5 AS body, category FROM chats WHERE created_at < :as_of", "body of the chat .* is a int"),
        ("SELECT id, subject, x'00' AS body, category FROM chats WHERE created_at < :as_of", "is a bytes, expected text"),
        ("SELECT id, subject, body, category, 1 AS relabelled FROM chats WHERE created_at < :as_of", "a column relabelled, which chatkit itself adds"),
        ("SELECT 'a' AS id, subject, body, category FROM chats WHERE created_at < :as_of", "1 ids stand in more than one"),
        ("SELECT id, subject, body, NULL AS category FROM chats WHERE created_at < :as_of", r"no rows for as_of 2026-01-01 \(24 rows left out: 24 without a category\)"),
        ("SELECT '' AS id, subject, body, category FROM chats WHERE created_at < :as_of", "id is '' in a row, expected a value"),
        ("SELECT id, subject, body, category, 'May' AS created_at FROM chats WHERE chats.created_at < :as_of", "is 'May', expected an ISO"),
        ("SELECT id, subject, body, category, 7 AS created_at FROM chats WHERE chats.created_at < :as_of", "is 7, expected an ISO date"),
    ],
)  # fmt: skip
def test_a_bad_query_gives_one_sentence_and_no_file(warehouse, sql, said):
    """What cannot be used is named, and nothing half-written is left."""
    write_query(warehouse, sql)
    with pytest.raises(InputError, match=said) as error:
        run(warehouse)
    assert "\n" not in str(error.value)
    assert [file.name for file in (warehouse / "data").iterdir()] == ["warehouse"]


def test_a_later_bad_row_leaves_the_earlier_file(warehouse):
    """An extract that fails in the last chunk does not touch what was there."""
    before = run(warehouse)
    content = (warehouse / "data" / "chats.parquet").read_bytes()
    write_query(
        warehouse,
        "SELECT id, subject, CASE id WHEN 'c23' THEN 5 ELSE body END AS body, category FROM chats "
        "WHERE created_at < :as_of ORDER BY id",
    )
    with pytest.raises(InputError, match="c23"):
        run(warehouse, chunk_size=5)
    assert (warehouse / "data" / "chats.parquet").read_bytes() == content
    assert json.loads((warehouse / "data" / "chats.json").read_text()) == before


def test_hard_texts_come_through(project, chats):
    """Emoji, right-to-left text, a megabyte, NULL, empty subjects, an empty body."""
    texts = ["😟🧾", "مرحبا، فقدت بطاقتي", "x" * 1_000_000, "a\nb\tc", ""]
    write_sqlite(URL, chats.head(5).assign(body=texts, subject=[None, "", None, "", "a"]))
    run(project)
    out = pd.read_parquet(project / "data" / "chats.parquet")
    assert out["body"].tolist() == texts
    assert out["subject"].tolist() == ["", "", "", "", "a"]


@pytest.mark.parametrize("as_of", ["yesterday", 20260101])
def test_as_of_must_be_a_date(warehouse, as_of):
    """The sentence says what to write."""
    with pytest.raises(InputError, match=r"query\.as_of is .*expected an ISO date"):
        run(warehouse, as_of)


def test_a_missing_warehouse_names_the_two_ways_to_make_one(project):
    """SQLite would silently make an empty file."""
    with pytest.raises(
        InputError, match=r"does not exist; make it with `chatkit simulate`, or with `chatkit load FILE`"
    ):
        run(project)
    assert not (project / "data" / "warehouse" / "chats.sqlite").exists()


def test_a_missing_query_file_is_named(warehouse):
    """The parameter query.sql may point nowhere."""
    with pytest.raises(InputError, match=r"name the SQL file in query\.sql"):
        extract(URL, warehouse / "queries" / "none.sql", "2026-01-01", warehouse / "data" / "chats.parquet")


def test_an_unreachable_server_is_one_sentence_without_the_password(project, monkeypatch):
    """The password neither shows in the message nor in the chain of causes."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("CHATKIT_WAREHOUSE", f"postgresql+psycopg://me:s3cr3t-word@127.0.0.1:{port}/bank")
    with pytest.raises(InputError, match="cannot be reached: .*check that it runs") as error:
        run(project, url="$CHATKIT_WAREHOUSE")
    assert "s3cr3t-word" not in str(error.value)
    assert error.value.__suppress_context__
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("$NO_SUCH_VARIABLE", "The environment variable NO_SUCH_VARIABLE, named by query.warehouse .*is not set"),
        ("postgresql+psycopg://me:word@host/db", "contains a password; put the URL into an environment variable"),
        ("chats.sqlite", "does not give a SQLAlchemy URL"),
        ("postgresql://me:word@host:port/db", "contains a password"),
        ("me:word@host/db", "contains a password"),
        ("postgresql://host/db?user=me&password=word", "contains a password"),
        ("postgresql://me@host:port/db", "does not give a SQLAlchemy URL"),
        ("nosuch://host/db", "needs a driver that is not installed"),
    ],
)
def test_a_bad_url_says_what_to_write(project, url, said):
    """Each kind of wrong URL has its own remedy."""
    with pytest.raises(InputError, match=said) as error:
        connect(url)
    assert "me:word" not in str(error.value)


def test_a_variable_inside_the_url_is_expanded(project, chats, monkeypatch):
    """$NAME and ${NAME} stand for environment variables, and the sidecar keeps the name."""
    write_sqlite(URL, chats)
    monkeypatch.setenv("FOLDER", "data/warehouse")
    facts = run(project, url="sqlite:///${FOLDER}/chats.sqlite")
    assert facts["warehouse"] == "sqlite:///${FOLDER}/chats.sqlite"


def test_postgresql_gives_what_sqlite_gives(postgres, warehouse, chats, monkeypatch):
    """The same chats in another warehouse: the same rows, to the fingerprint."""
    engine = sa.create_engine(postgres)
    dated = {"created_at": sa.DateTime(timezone=True)}
    aware = chats.assign(split=None, created_at=chats["created_at"].dt.tz_localize("UTC"))
    aware.to_sql("chats", engine, index=False, dtype=dated, if_exists="replace")
    engine.dispose()
    monkeypatch.setenv("CHATKIT_WAREHOUSE", postgres)
    remote, local = run(warehouse, url="$CHATKIT_WAREHOUSE"), run(warehouse)
    assert remote["dialect"] == "postgresql"
    assert remote["rows_sha256"] == local["rows_sha256"]
    assert remote["warehouse"] == "$CHATKIT_WAREHOUSE"
