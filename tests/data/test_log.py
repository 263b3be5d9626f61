"""Relabels: the latest of each message, as of a date, from the log into the chats."""

import contextlib
import datetime as dt
import hashlib
import json
import shutil
import socket
import sqlite3
import tempfile
import time
import uuid
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from chatkit.data.load import write_sqlite
from chatkit.data.log import METADATA, latest_relabels
from chatkit.data.warehouse import extract
from chatkit.project import InputError
from chatkit.service.service import text_to_log
from chatkit.service.tables import add_predictions, add_relabels, open_log

AS_OF = "2026-02-01"
WAREHOUSE, LOG = "sqlite:///data/warehouse/chats.sqlite", "sqlite:///data/service/log.sqlite"


def day(number, hour=0):
    """A moment of January 2026."""
    return dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC) + dt.timedelta(days=number - 1)


def prediction(key, message="m1", at=None, store="full", **changes):
    """A row of the log as the service writes it."""
    texts = {"subject": text_to_log("Help", store), "body": text_to_log("I lost my card 4921", store)}
    row = {"prediction_id": key, "at": at or day(1), "message_id": message, "conversation_id": f"k-{message}", **texts}
    return row | {"category": "other", "probability": 0.5, "model": "0", "milliseconds": 1.0, "audit": False} | changes


def relabel(key, prediction_id, category="urgent", at=None):
    """What a person said."""
    row = {"relabel_id": key, "at": at or day(2), "prediction_id": prediction_id, "category": category}
    return row | {"by": "me", "reason": None}


def fill(url, predictions, relabels):
    """Add rows to a log, which is made where there is none."""
    engine = open_log(url)
    METADATA.create_all(engine)
    if predictions:
        add_predictions(engine, predictions)
    if relabels:
        assert add_relabels(engine, relabels) == []
    engine.dispose()


def run(project, people, as_of=AS_OF, **options):
    """Extract with the project's own query: the sidecar, and the chats by id."""
    out = project / "data" / "chats.parquet"
    facts = extract(WAREHOUSE, project / "queries" / "chats.sql", as_of, out, relabels=people, **options)
    return facts, pd.read_parquet(out).set_index("id")


@pytest.fixture
def warehouse(project, chats):
    """Two dozen chats, c00 to c23, by turns urgent and other."""
    write_sqlite(WAREHOUSE, chats)
    return project


def test_the_latest_relabel_of_a_message_counts(project):
    """Whichever of its predictions it belongs to; at the same moment the larger id."""
    fill(
        LOG,
        [prediction("p1"), prediction("p2", body="newer", at=day(3), audit=True), prediction("p3", "m0")],
        [
            relabel("r1", "p1", "first", day(5)),
            relabel("r3", "p2", "last", day(6)),
            relabel("r2", "p1", "second", day(6)),
            relabel("r4", "p3", "other", day(7, 23)),
        ],
    )
    people = latest_relabels(LOG, AS_OF)
    assert people[["message_id", "category", "body", "audit"]].to_numpy().tolist() == [
        ["m0", "other", "I lost my card 4921", False],
        ["m1", "last", "newer", True],
    ]
    assert people["created_at"].tolist() == [pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-03")]
    assert people["at"].tolist() == [pd.Timestamp("2026-01-07 23:00"), pd.Timestamp("2026-01-06")]
    assert people.loc[1, "conversation_id"] == "k-m1"


def test_relabels_of_several_logs_count_as_one(project):
    """Whichever log has the latest."""
    other = LOG.replace("log.", "labels.")
    fill(LOG, [prediction("p1"), prediction("p2", "m0")], [relabel("r1", "p1", "first", day(5)), relabel("r2", "p2")])
    fill(other, [prediction("p1")], [relabel("r1", "p1", "last", day(6))])
    for urls in ([LOG, other], [other, LOG]):
        found = latest_relabels(urls, AS_OF)
        assert found[["message_id", "category"]].to_numpy().tolist() == [["m0", "urgent"], ["m1", "last"]]


def test_a_chat_without_a_category_has_it_from_its_relabel(project, chats):
    """People sort what nobody had sorted; the others without a category are counted."""
    chats.loc[:1, "category"] = None
    write_sqlite(WAREHOUSE, chats)
    fill(LOG, [prediction("p1", "c00")], [relabel("r1", "p1", "urgent")])
    facts, out = run(project, latest_relabels(LOG, AS_OF))
    assert facts["left_out"]["no_category"] == 1
    assert (out.loc["c00", "category"], "c01" in out.index, facts["rows"]) == ("urgent", False, 23)


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("2026-01-05", "first"),
        ("2026-01-05T12:00:00.000001", "second"),
        ("2026-01-05T12:00", "first"),
        ("2026-01-05T14:30+02:00", "second"),
        ("2026-01-04", None),
    ],
)
def test_only_what_was_said_before_the_date_counts(project, as_of, said):
    """To the microsecond, in UTC unless the date says otherwise."""
    fill(LOG, [prediction("p1")], [relabel("r1", "p1", "first", day(4)), relabel("r2", "p1", "second", day(5, 12))])
    assert latest_relabels(LOG, as_of)["category"].tolist() == ([said] if said else [])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(1, 4), st.sampled_from("xyz")), max_size=12),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(5, 9), st.sampled_from("xyz")), max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_what_is_said_later_changes_nothing_before(before, after):
    """Any relabels in any order: the last before the date, and the same once the log has grown."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/log.sqlite"
        keys = iter(range(99))
        rows = [(f"m{message}", day(time), f"r{number}{next(keys):02}", said) for message, number, time, said in before]
        said = [relabel(key, f"p{message[1:]}", said, at) for message, at, key, said in rows]
        fill(url, [prediction(f"p{n}", f"m{n}") for n in range(4)], said)
        expected = {message: said for message, _, _, said in sorted(rows, key=lambda row: row[1:3])}
        found = latest_relabels(url, "2026-01-05")
        assert dict(zip(found["message_id"], found["category"], strict=True)) == expected
        assert found["message_id"].is_monotonic_increasing
        fill(url, [], [relabel(f"s{n}", f"p{row[0]}", row[3], day(row[2])) for n, row in enumerate(after)])
        pd.testing.assert_frame_equal(latest_relabels(url, "2026-01-05"), found)


def test_a_chat_of_the_warehouse_takes_the_category_and_keeps_its_text(warehouse, chats):
    """Corrected or confirmed, it is marked; all others are as they were."""
    predictions = [prediction(f"p{n}", f"c{n:02}", body="masked") for n in range(3)]
    said = [relabel("r0", "p0", "other"), relabel("r1", "p1", "other"), relabel("r2", "p2", "fraud")]
    fill(LOG, predictions, said)
    facts, found = run(warehouse, latest_relabels(LOG, AS_OF), chunk_size=2)
    assert found["category"].tolist() == ["other", "other", "fraud", *chats["category"][3:]]
    assert found["relabelled"].tolist() == [True] * 3 + [False] * 21
    same = ["conversation_id", "customer_id", "created_at", "subject", "body"]
    pd.testing.assert_frame_equal(found[same].reset_index(drop=True), chats[same], check_dtype=False)
    assert facts["relabels"] == {
        "messages": 3, "in_warehouse": 3, "changed": 2, "added": 0, "without_text": 0, "empty": 0,
        "new_categories": ["fraud"],
    }  # fmt: skip
    assert json.loads((warehouse / "data" / "chats.json").read_text()) == facts


def test_a_chat_that_the_warehouse_does_not_have_comes_from_the_log(warehouse):
    """With its text where the log keeps one, at the time of its prediction, after those of the warehouse."""
    stores = ["full", "masked", "hash", "none"]
    predictions = [prediction(f"p{n}", f"b{n}", day(9, n), store) for n, store in enumerate(stores)]
    predictions.append(prediction("p9", "a9", day(10), subject="", body="word"))
    fill(LOG, predictions, [relabel(f"r{n}", row["prediction_id"]) for n, row in enumerate(predictions)])
    facts, found = run(warehouse, latest_relabels(LOG, AS_OF))
    added = found.iloc[24:]
    assert added.index.tolist() == ["a9", "b0", "b1"]
    assert added["body"].tolist() == ["word", "I lost my card 4921", "I lost my card _number_"]
    assert added["relabelled"].all()
    assert set(added["category"]) == {"urgent"}
    assert added["conversation_id"].tolist() == ["k-a9", "k-b0", "k-b1"]
    assert added["created_at"].tolist() == [pd.Timestamp(f"2026-01-{at}") for at in ("10", "09", "09 01:00")]
    assert added[["customer_id", "split"]].isna().all(axis=None)
    became = facts["relabels"]
    assert (became["messages"], became["added"], became["without_text"], became["in_warehouse"]) == (5, 3, 2, 0)
    assert (facts["rows"], facts["last_created_at"]) == (27, "2026-01-10T00:00:00")


@pytest.mark.parametrize("store", ["hash", "none"])
def test_a_log_without_texts_still_corrects_the_warehouse(warehouse, store):
    """The text is the warehouse's anyway."""
    fill(LOG, [prediction("p0", "c00", store=store)], [relabel("r0", "p0", "other")])
    facts, found = run(warehouse, latest_relabels(LOG, AS_OF))
    assert (found.loc["c00", "category"], facts["relabels"]["changed"], len(found)) == ("other", 1, 24)


@pytest.mark.parametrize("store", ["full", "hash"])
def test_other_chats_of_a_relabelled_conversation_are_marked(warehouse, store):
    """Even where the relabelled one itself is in neither the warehouse nor, as a text, the log."""
    known = pd.read_sql("SELECT id, conversation_id FROM chats", f"sqlite:///{warehouse}/data/warehouse/chats.sqlite")
    conversation = known["conversation_id"].iloc[0]
    fill(LOG, [prediction("p1", "unknown", store=store, conversation_id=conversation)], [relabel("r1", "p1")])
    _, chats = run(warehouse, latest_relabels(LOG, AS_OF))
    marked = set(chats.index[chats["relabelled"]]) - {"unknown"}
    assert marked == set(known["id"][known["conversation_id"] == conversation])
    assert marked


def test_a_date_with_an_offset_is_one_moment(warehouse):
    """In the warehouse as in the log."""
    found = [run(warehouse, None, as_of=as_of)[1].index.tolist() for as_of in ("2025-01-10T02:00+02:00", "2025-01-10")]
    assert found[0] == found[1]


def test_a_hash_is_64_hexadecimal_digits_in_both_texts(warehouse):
    """One text that looks like one is a text."""
    digest = hashlib.sha256(b"a").hexdigest()
    texts = [("Commit", digest), (digest, "which file is it?"), (digest, digest), (digest, digest.upper())]
    rows = [prediction(f"p{n}", f"x{n}", subject=s, body=b) for n, (s, b) in enumerate(texts)]
    fill(LOG, rows, [relabel(f"r{n}", f"p{n}") for n in range(4)])
    assert run(warehouse, latest_relabels(LOG, AS_OF))[1].index[24:].tolist() == ["x0", "x1", "x3"]


def test_a_relabel_that_names_no_category_changes_nothing(warehouse):
    """It is counted; and it takes back what was said before."""
    fill(LOG, [prediction("p0", "c00"), prediction("p1", "new")], [])
    engine = open_log(LOG)
    said = [relabel("r0", "p0", "fraud"), relabel("r1", "p0", " ", day(3)), relabel("r2", "p1", "")]
    add_relabels(engine, said)
    engine.dispose()
    facts, found = run(warehouse, latest_relabels(LOG, AS_OF))
    assert (found.loc["c00", "category"], found["relabelled"].any(), len(found)) == ("urgent", False, 24)
    assert (facts["relabels"]["messages"], facts["relabels"]["empty"]) == (2, 2)


def test_an_id_that_is_a_number_in_the_warehouse(warehouse):
    """Ids are compared as texts."""
    (warehouse / "queries" / "chats.sql").write_text(
        "SELECT 7 AS id, subject, body, category FROM chats WHERE created_at < :as_of AND chats.id = 'c01'"
    )
    fill(LOG, [prediction("p0", "7")], [relabel("r0", "p0")])
    facts, found = run(warehouse, latest_relabels(LOG, AS_OF))
    assert (found.loc["7", "category"], facts["relabels"]["changed"], len(found)) == ("urgent", 1, 1)


def test_the_same_date_gives_the_same_bytes_though_the_log_has_grown(warehouse):
    """Chats and sidecar; another date gives others."""
    fill(LOG, [prediction("p0", "c00"), prediction("p1", "new")], [relabel("r0", "p0", "other"), relabel("r1", "p1")])
    files = [warehouse / "data" / name for name in ("chats.parquet", "chats.json")]
    run(warehouse, latest_relabels(LOG, AS_OF))
    before = [file.read_bytes() for file in files]
    later = [relabel("r2", "p0", "urgent", day(60)), relabel("r3", "p2", at=day(60))]
    fill(LOG, [prediction("p2", "newer", day(59)), prediction("p3", "c01", day(3))], later)
    run(warehouse, latest_relabels(LOG, AS_OF))
    assert [file.read_bytes() for file in files] == before
    assert run(warehouse, latest_relabels(LOG, "2026-04-01"), "2026-04-01")[1].loc["newer", "relabelled"]


def test_without_a_log_there_are_no_relabels(warehouse):
    """The sidecar says so: none were looked for."""
    assert run(warehouse, None)[0]["relabels"] is None
    fill(LOG, [prediction("p0", "c00")], [])
    assert run(warehouse, latest_relabels(LOG, AS_OF))[0]["relabels"]["messages"] == 0


def test_relabels_do_not_hide_an_empty_warehouse(warehouse):
    """A query that gives nothing is an error whatever the log holds."""
    fill(LOG, [prediction("p1", "new")], [relabel("r1", "p1", at=day(1))])
    with pytest.raises(InputError, match="gave no rows for as_of 2020-01-01"):
        extract(
            WAREHOUSE, warehouse / "queries" / "chats.sql", "2020-01-01", warehouse / "data" / "chats.parquet",
            relabels=latest_relabels(LOG, AS_OF),
        )  # fmt: skip
    assert [file.name for file in (warehouse / "data").iterdir() if file.suffix] == []


def test_reading_changes_nothing_and_waits_for_nobody(project):
    """Not a byte of the file, and while a service writes."""
    fill(LOG, [prediction("p1")], [relabel("r1", "p1")])
    file = project / "data" / "service" / "log.sqlite"
    before = file.read_bytes()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM relabels")
        assert len(latest_relabels(LOG, AS_OF)) == 1
        writer.execute("ROLLBACK")
    assert file.read_bytes() == before


def test_what_a_killed_service_left_is_read_and_left_as_it_is(project):
    """Rows that stand in the write-ahead log only, and nobody is there who would move them."""
    fill(LOG, [prediction("p1")], [relabel("r1", "p1", "first")])
    file, left = project / "data" / "service" / "log.sqlite", project / "data" / "left.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as service:
        service.execute("INSERT INTO relabels SELECT 'r2', at, prediction_id, 'later', \"by\", reason FROM relabels")
        service.commit()
        for ending in ("", "-wal"):
            shutil.copy(f"{file}{ending}", f"{left}{ending}")
    before = left.read_bytes()
    assert latest_relabels("sqlite:///data/left.sqlite", AS_OF)["category"].tolist() == ["later"]
    assert left.read_bytes() == before


def test_what_is_no_log_gives_one_sentence(project, monkeypatch):
    """A file that is not there, another database, an older log, a wrong URL, a server that is away."""
    (project / "data" / "service").mkdir()
    other = project / "data" / "service" / "other.sqlite"
    (project / "data" / "service" / "text.sqlite").write_text("no database, though it is long enough to be one" * 9)
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE predictions (a TEXT)")
        connection.execute("CREATE TABLE relabels (a TEXT)")
    old = open_log("sqlite:///data/service/old.sqlite")
    METADATA.create_all(old)
    with old.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE predictions DROP COLUMN audit")
    old.dispose()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv("CHATKIT_LOG", f"postgresql+psycopg://me:s3cr3t-word@127.0.0.1:{port}/bank")
    cases = {
        LOG: r"log\.sqlite does not exist; `chatkit serve` makes it, or change query\.relabels in params\.yaml",
        "sqlite://": "has the dialect sqlite and the database None",
        "sqlite:///data/service/other.sqlite": r"no such column: \S+\); `chatkit serve` makes its tables",
        "sqlite:///data/warehouse/none.sqlite": r"no such table: relabels\); .* or name another log in query\.relabels",
        "sqlite:///data/service/old.sqlite": r"no such column: predictions\.audit\); .* brings them up to date",
        "sqlite:///data/service/text.sqlite": r"cannot be read \(file is not a database\)",
        "log.sqlite": r"query\.relabels in params\.yaml is .* does not give a SQLAlchemy URL",
        "$NO_SUCH_VARIABLE": r"NO_SUCH_VARIABLE, named by query\.relabels in params\.yaml, is not set",
        "postgresql+psycopg://me:s3cr3t-word@host/db": "contains a password; put the URL .* write `.CHATKIT_LOG`",
        "nosuch://host/db": "has the dialect nosuch and the database db, expected postgresql, or sqlite",
        "postgresql+nosuch://host/db": "needs a driver that is not installed",
        "$CHATKIT_LOG": "The log cannot be read .*onnection",
    }  # fmt: skip
    sqlite3.connect(project / "data" / "warehouse" / "none.sqlite").execute("CREATE TABLE a (b)").connection.close()
    for url, said in cases.items():
        with pytest.raises(InputError, match=said) as error:
            latest_relabels(url, AS_OF)
        assert "\n" not in str(error.value)
        assert "s3cr3t-word" not in str(error.value)
    assert not (project / "data" / "service" / "log.sqlite").exists()
    for as_of, said in (("May", "'May', expected an ISO date"), ("2999-01-01", "2999-01-01, in the future")):
        with pytest.raises(InputError, match=rf"query\.as_of is {said}"):
            latest_relabels(LOG, as_of)


@pytest.fixture
def elsewhere():
    """Environment variables for one test, the time zone among them."""
    with pytest.MonkeyPatch.context() as environment:
        yield environment
    time.tzset()


def test_postgresql_gives_what_sqlite_gives(postgres, project, elsewhere):
    """The same rows in both logs, on a machine and in a session far from UTC: the same relabels, to the microsecond."""
    elsewhere.setenv("CHATKIT_LOG", postgres)
    elsewhere.setenv("PGTZ", "Pacific/Auckland")
    elsewhere.setenv("TZ", "America/Lima")
    time.tzset()
    assert Path(sa.make_url(postgres).query["host"]).is_absolute()
    ids = [str(uuid.UUID(int=number * 7**40)) for number in range(1, 13)]
    predictions = [prediction(key, f"M{n % 5}-é" if n % 2 else f"m{n % 5}", day(1, n)) for n, key in enumerate(ids)]
    moments = [day(2), day(2), day(3) - dt.timedelta(microseconds=1), day(3), day(4)]
    said = [relabel(key, ids[n * 5 % 12], "xyz"[n % 3], moments[n % 5]) for n, key in enumerate(ids)]
    for url in (LOG, "$CHATKIT_LOG"):
        fill(url, predictions, said)
    for as_of in ("2026-01-02", "2026-01-03", "2026-01-03T13:00+13:00", "2026-02-01"):
        found = latest_relabels(LOG, as_of)
        pd.testing.assert_frame_equal(latest_relabels("$CHATKIT_LOG", as_of), found)
    assert len(found) == len({row["message_id"] for row in predictions})
