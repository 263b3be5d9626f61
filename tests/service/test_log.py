"""The log by itself: queue, spool, tables, and what is forgotten."""

import datetime as dt
import json
import os
import sqlite3
import threading
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from chatkit.data.log import METADATA, PREDICTIONS
from chatkit.project import InputError
from chatkit.service import spool as spooling
from chatkit.service.log import PredictionLog, combine
from chatkit.service.schema import messages_model
from chatkit.service.service import utc_timestamp
from chatkit.service.settings import Settings
from chatkit.service.spool import Spool, lock_spool
from chatkit.service.tables import add_predictions, add_relabels, forget, migrate, open_log
from tests.service.conftest import wait_for


@pytest.fixture
def engine(tmp_path):
    """A log in SQLite."""
    engine = open_log(f"sqlite:///{tmp_path}/log.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def spool(tmp_path):
    """A folder."""
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"


def row(number, at=None, **changes):
    """A row as the service gives it."""
    ids = {"prediction_id": f"p{number}", "message_id": "m", "conversation_id": "c", "subject": "s", "body": "b"}
    return ids | {"category": "urgent", "probability": 0.5, "model": "0", "at": at or utc_timestamp()} | changes


def stored(engine):
    """All predictions in the log."""
    with engine.connect() as connection:
        return connection.execute(sa.select(PREDICTIONS).order_by("prediction_id")).mappings().all()


def put(engine, rows, **options):
    """Put rows into a log of its own, and close it."""
    log = PredictionLog(engine, 100, **options)
    log.put(rows)
    return log.close(10)


def test_what_is_put_is_stored(engine, spool):
    """Value by value, with or without a spool; and the spool is empty afterwards."""
    assert put(engine, [row(1), row(2, body=None, probability=None)]) == 0
    assert put(engine, [row(3)], spool=Spool(spool)) == 0
    assert [one["prediction_id"] for one in stored(engine)] == ["p1", "p2", "p3"]
    assert stored(engine)[1]["body"] is None
    assert abs(stored(engine)[0]["at"] - dt.datetime.now(dt.UTC).replace(tzinfo=None)) < dt.timedelta(minutes=5)
    assert list(spool.iterdir()) == []


def test_texts_that_a_database_has_no_place_for():
    """NUL and half a surrogate pair become U+FFFD."""
    sent = {"message_id": "a\0b", "conversation_id": "c", "subject": "😟", "body": "a\0b\ud83dc"}
    (message,) = messages_model(Settings()).model_validate({"messages": [sent]}).messages
    assert message.model_dump() == sent | {"message_id": "a\ufffdb", "body": "a\ufffdb\ufffdc"}


def test_rows_gather_but_not_beyond_the_buffer(engine, monkeypatch):
    """Some at once are one transaction, however they come in; half of a small buffer does not wait for more."""
    sizes = []

    def add(used, rows):
        sizes.append(len(rows))
        add_predictions(used, rows)

    monkeypatch.setattr("chatkit.service.log.add_predictions", add)
    monkeypatch.setattr("chatkit.service.log.MAX_DELAY", 3600)
    log = PredictionLog(engine, 20)
    wait_for(lambda: log.state()["last_write"], "no tables")
    for number in range(9):
        log.put([row(number)])
    assert sizes == []
    log.put([row(9)])
    assert log.flush(60)
    assert sizes == [10]
    log.put([row(10)])
    assert log.close(10) == 0
    assert sizes == [10, 1]


@pytest.mark.parametrize("spooled", [False, True])
def test_more_than_the_buffer(engine, spool, spooled):
    """Without a spool it is dropped and counted; with one it waits in a file and comes later."""
    migrate(engine)
    log = PredictionLog(engine, 20, Spool(spool) if spooled else None)
    with closing(sqlite3.connect(engine.url.database, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        log.put([row(number) for number in range(50)])
        state = log.state()
        assert (state["queue"], state["dropped"]) == (20, 0 if spooled else 30)
    wait_for(lambda: len(stored(engine)) == (50 if spooled else 20), "rows are missing")
    assert log.close(10) == 0
    assert list(spool.iterdir()) == []


def test_a_spool_that_is_left_behind(engine, spool):
    """Rows that were there already stay as they are; a line that was cut off is left out."""
    migrate(engine)
    lines = [json.dumps(row(number)) for number in range(700)]
    (spool / "1.jsonl").write_text("\n".join(lines) + '\n{"prediction_id": "cut')
    add_predictions(engine, [row(5, body="first") | {"at": dt.datetime.now(dt.UTC)}])
    log = PredictionLog(engine, 10, Spool(spool))
    wait_for(lambda: not list(spool.glob("1.jsonl")), "the file stays")
    log.close(10)
    assert len(stored(engine)) == 700
    assert {one["body"] for one in stored(engine) if one["prediction_id"] == "p5"} == {"first"}


def test_a_database_that_fails_in_the_middle_of_a_file(engine, spool, monkeypatch):
    """The file is begun again: no batch is left out."""
    (spool / "1.jsonl").write_text("".join(json.dumps(row(number)) + "\n" for number in range(1200)))
    calls = iter([True, False] + [True] * 99)

    def add(*arguments):
        if not next(calls):
            raise sa.exc.OperationalError("", {}, Exception())
        add_predictions(*arguments)

    monkeypatch.setattr("chatkit.service.log.add_predictions", add)
    log = PredictionLog(engine, 10, Spool(spool))
    wait_for(lambda: not list(spool.iterdir()), "the file stays")
    log.close(10)
    assert len(stored(engine)) == 1200


def test_a_row_that_is_refused_does_not_keep_the_others_out(engine, monkeypatch):
    """It is counted as lost."""

    def add(used, rows):
        if any(one["body"] == "bad" for one in rows):
            raise sa.exc.DataError("", {}, Exception())
        add_predictions(used, rows)

    monkeypatch.setattr("chatkit.service.log.add_predictions", add)
    log = PredictionLog(engine, 10)
    log.put([row(1), row(2, body="bad"), row(3)])
    assert log.flush(10)
    assert log.state()["dropped"] == 1
    log.close(10)
    assert [one["prediction_id"] for one in stored(engine)] == ["p1", "p3"]


def test_a_spool_has_a_largest_size_and_files_of_some_size(tmp_path, spool, monkeypatch):
    """Beyond it rows are in memory only; a file goes when its last row has arrived."""
    monkeypatch.setattr(spooling, "SEGMENT", 500)
    monkeypatch.setattr(spooling, "MAX_SIZE", 1500)
    files = Spool(spool)
    segments = [files.append([row(number)]) for number in range(12)]
    assert segments[-1] is None
    assert not files.works
    assert len(list(spool.iterdir())) > 2
    assert sum(file.stat().st_size for file in spool.iterdir()) <= 1500
    for segment in filter(None, segments):
        files.mark_written(segment, 1)
    assert files.append([row(99)])
    files.close()
    lines = "".join(file.read_text() for file in spool.iterdir()).splitlines()
    assert [json.loads(line)["prediction_id"] for line in lines] == ["p99"]


def test_each_worker_has_files_of_its_own(spool):
    """Those of a worker that is no more, or from before there were several, are the first one's."""
    for name in ("1", "2-0", "3-1", "4-2", "5-x"):
        (spool / f"{name}.jsonl").write_text("")
    owned = [[file.stem for file in Spool(spool, number, 2).behind] for number in range(2)]
    assert owned == [["1", "2-0", "4-2", "5-x"], ["3-1"]]
    files = Spool(spool, 1, 2)
    (file,) = {files.append([row(1)]).file} - {*spool.glob("?.jsonl")}
    assert file in Spool(spool, 1, 2).behind
    assert file not in Spool(spool, 0, 2).behind
    files.close()


def test_workers_share_the_room_of_the_spool(spool, monkeypatch):
    """All together take no more of the disk than one alone."""
    monkeypatch.setattr(spooling, "MAX_SIZE", 1000)
    workers = [Spool(spool, number, 2) for number in range(2)]
    for files in workers:
        while files.append([row(1)]):
            pass
    assert 500 < sum(file.stat().st_size for file in spool.iterdir()) <= 1000
    for files in workers:
        files.close()


@pytest.mark.parametrize(
    "bad",
    [
        "5",
        "[]",
        "{}",
        *(
            json.dumps({"prediction_id": "p9"} | more)
            for more in ({}, {"at": 5}, {"at": "today"}, {"at": "2026-01-01T00:00:00+00:00"}, row(9, category=None))
        ),
    ],
)
def test_a_bad_line_of_a_file_does_not_keep_others_out(engine, spool, bad):
    """Neither the rest of its file nor the files behind it."""
    (spool / "1.jsonl").write_text(f"{json.dumps(row(1))}\n{bad}\n{json.dumps(row(2))}\n")
    (spool / "2.jsonl").write_text(json.dumps(row(3)) + "\n")
    log = PredictionLog(engine, 10, Spool(spool))
    wait_for(lambda: not list(spool.iterdir()), "a file stays")
    log.close(10)
    assert [one["prediction_id"] for one in stored(engine)] == ["p1", "p2", "p3"]


def test_a_file_that_was_taken_away_does_not_keep_others_out(engine, spool):
    """Somebody has deleted it by hand."""
    for name in "12":
        (spool / f"{name}.jsonl").write_text(json.dumps(row(name)) + "\n")
    files = Spool(spool)
    (spool / "1.jsonl").unlink()
    log = PredictionLog(engine, 10, files)
    wait_for(lambda: log.flush(1), "a file stays")
    log.close(10)
    assert [one["prediction_id"] for one in stored(engine)] == ["p2"]


def test_logs_combine():
    """A failure of one is that of all, whoever wrote last."""
    good, bad = ({"at": f"2026-01-0{day}", "worked": day == 2, "error": None} for day in (2, 1))
    one = {"queue": 1, "oldest_seconds": 5.0, "buffer": 10, "dropped": 2, "spool": None, "last_write": good}
    spools = [{"works": works, "files_behind": 3} for works in (True, False)]
    assert combine([one]) == one
    assert combine([one | {"last_write": None}])["last_write"] is None
    states = [one | {"spool": spools[0]}, one | {"spool": spools[1], "last_write": bad, "oldest_seconds": 1.0}]
    for order in (states, states[::-1]):
        assert combine(order) == {
            "queue": 2, "oldest_seconds": 5.0, "buffer": 20, "dropped": 4,
            "spool": {"works": False, "files_behind": 6}, "last_write": bad,
        }  # fmt: skip


def test_a_spool_has_one_service(spool, monkeypatch):
    """A second one is told so; the lock goes with its holder."""
    monkeypatch.setattr(spooling, "_LOCK_TIMEOUT", 0)
    held = lock_spool(spool)
    with pytest.raises(InputError, match="Another service uses the spool"):
        lock_spool(spool)
    os.close(held)
    os.close(lock_spool(spool))
    (spool / "file").touch()
    with pytest.raises(InputError, match="cannot be used"):
        lock_spool(spool / "file" / "below")


def test_migrations_give_the_tables_that_the_code_knows(engine):
    """And several who start at once do not get into each other's way."""
    others = [open_log(str(engine.url)) for _ in range(4)]
    threads = [threading.Thread(target=migrate, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.dispose()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert connection.scalar(sa.text("SELECT count(*) FROM alembic_version")) == 1


def test_a_log_of_the_first_version_is_brought_up_to_date(engine, spool):
    """What it held is there, and so is what an older service left in its spool."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "chatkit.service:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        old = row(1) | {"at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}
        connection.execute(sa.insert(sa.table("predictions", *map(sa.column, old))), old)
    (spool / "1.jsonl").write_text(json.dumps(row(2)) + "\n")
    log = PredictionLog(engine, 100, Spool(spool))
    log.put([row(3, audit=True, milliseconds=1.5)])
    wait_for(lambda: log.flush(1), "rows are missing")
    log.close(10)
    assert [(one["audit"], one["milliseconds"]) for one in stored(engine)] == [(False, None)] * 2 + [(True, 1.5)]


def test_who_waits_for_rows_does_not_wait_for_more_of_them(engine, monkeypatch):
    """A relabel comes with its prediction still in the queue; rows that come later are none of its business."""
    monkeypatch.setattr("chatkit.service.log.MAX_DELAY", 3600)
    log = PredictionLog(engine, 1000)
    for number in range(3):
        log.put([row(number)])
        assert log.flush(60)
        assert len(stored(engine)) == number + 1
    log.close(10)


def test_relabels_are_added_together_or_not_at_all(engine):
    """One unknown prediction keeps them all out."""
    put(engine, [row(1)])
    relabel = {
        "relabel_id": "r1",
        "at": dt.datetime.now(dt.UTC),
        "prediction_id": "p1",
        "category": "other",
        "by": "me",
    }
    relabel["reason"] = None
    unknown = relabel | {"relabel_id": "r2", "prediction_id": "p2"}
    assert add_relabels(engine, [relabel, unknown]) == [1]
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM relabels")) == 0
    assert add_relabels(engine, [relabel]) == []


def test_what_is_forgotten_is_gone(engine, tmp_path):
    """Predictions before the date and their relabels, down to the bytes of the file; later ones stay."""
    put(engine, [row(1, at="2026-01-31T23:59:59+00:00", body="find-me"), row(2, at="2026-02-01T00:00:00+00:00")])
    relabel = {
        "relabel_id": "r1",
        "at": dt.datetime.now(dt.UTC),
        "prediction_id": "p1",
        "category": "other",
        "by": "me",
    }
    add_relabels(engine, [relabel | {"reason": "find-me-too"}])
    assert forget(str(engine.url), "2026-02-01") == {"predictions": 1, "relabels": 1}
    assert [one["prediction_id"] for one in stored(engine)] == ["p2"]
    with engine.connect() as connection:
        assert connection.scalar(sa.text("PRAGMA secure_delete")) == 1  # some builds of SQLite have it by default
    engine.dispose()
    assert not any(b"find-me" in file.read_bytes() for file in tmp_path.glob("log.sqlite*"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://host/db", "has the dialect mysql and the database db, expected postgresql, or sqlite"),
        ("sqlite://", "has the dialect sqlite and the database None, expected"),
        ("postgresql+none://host/db", "needs a driver that is not installed"),
        ("postgresql+psycopg://me:word@host/db", "contains a password; put the URL into an environment variable"),
        ("$NOT_THERE", "NOT_THERE, named by database, is not set"),
    ],
)
def test_a_bad_url_is_one_sentence(url, expected):
    """As for the warehouse."""
    with pytest.raises(InputError, match=expected) as error:
        open_log(url)
    assert "me:word" not in str(error.value)
