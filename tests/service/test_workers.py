"""Several workers that are one service."""

import contextlib
import os
import socket
import sqlite3
import threading
import time
from types import SimpleNamespace

import pytest

from chatkit.service.loading import read_verified
from chatkit.service.schema import Relabel
from chatkit.service.service import Service
from chatkit.service.settings import Settings
from chatkit.service.workers import Workers
from tests.service.conftest import message, wait_for


@pytest.fixture
def pair(tmp_path, model_folder):
    """Two workers in this process."""
    settings = Settings(
        model=str(model_folder), database=f"sqlite:///{tmp_path}/log.sqlite", spool=str(tmp_path), audit_share=0
    )
    files, workers = read_verified(model_folder), Workers(settings, 2)
    pair = [Service(settings, files, None, workers, number) for number in range(2)]
    yield pair
    for service in pair:
        service.close()


@pytest.fixture
def group(tmp_path):
    """Makes so many workers that have nothing to do."""
    made = []

    def make(count):
        made.append(Workers(Settings(database=f"sqlite:///{tmp_path}/log.sqlite"), count))
        return made[-1]

    yield make
    for workers in made:
        workers.close()


def classify(service, count=1):
    """Let a worker classify some messages; returns its answers."""
    return service.classify([SimpleNamespace(**message(number=number)) for number in range(count)])


def relabel(prediction_id):
    """What a person says of a prediction."""
    return Relabel(prediction_id=prediction_id, category="other", by="me")


def test_every_worker_answers_for_all(pair, monkeypatch):
    """Rows that wait are added up, metrics say whose they are, and one that is wrong is seen through the other."""
    wait_for(lambda: pair[0].health()["log"]["last_write"] and pair[1].log.state()["last_write"], "no tables")
    monkeypatch.setattr("chatkit.service.log.MAX_DELAY", 3600)
    classify(pair[0], 2)
    classify(pair[1], 3)
    for service in pair:
        health = service.health()
        assert health["log"]["queue"] == 5
        assert health["workers"] == {"expected": 2, "answering": 2}
        assert health["model"] == pair[0].model.sha256
        lines = service.metrics.text().decode().splitlines()
        assert [line for line in lines if line.startswith('chatkit_messages_total{category="urgent"')] == [
            'chatkit_messages_total{category="urgent",worker="0"} 2.0',
            'chatkit_messages_total{category="urgent",worker="1"} 3.0',
        ]
        assert sum(line.startswith("# TYPE chatkit_messages_total ") for line in lines) == 1
    pair[1].reload_error, pair[1].model = "It is a bad one.", SimpleNamespace(sha256="another")
    health = pair[0].health()
    assert (health["reload_error"], health["model"]) == ("It is a bad one.", None)


def test_a_relabel_of_the_prediction_of_another_worker(pair, monkeypatch):
    """Its prediction may still be in the other's memory; an unknown one is not in the log."""
    wait_for(lambda: all(service.log.state()["last_write"] for service in pair), "no tables")
    monkeypatch.setattr("chatkit.service.log.MAX_DELAY", 3600)
    (other,) = classify(pair[1])
    assert pair[0].relabel([relabel(other["prediction_id"])])[1] == []
    (own,) = classify(pair[0])
    assert pair[0].relabel([relabel(own["prediction_id"])])[1] == []
    assert pair[0].relabel([relabel(other["prediction_id"]), relabel(f"{0:08}-0000-0000-0000-{0:012}")])[1] == [1]


def test_one_that_does_not_answer(group, monkeypatch):
    """A dead one is left out; its replacement answers again."""
    monkeypatch.setattr("chatkit.service.workers.TIMEOUT", 0.2)
    workers = group(3)
    workers.serve(1, {b"h": lambda: {"is": "well"}})
    for _ in range(5):
        assert workers.ask(0, b"h") == [None, {"is": "well"}, None]
    workers.serve(2, {b"h": lambda: "again"})
    wait_for(lambda: workers.ask(0, b"h") == [None, {"is": "well"}, "again"], "it does not answer")


def test_other_clients_do_not_keep_a_worker_from_answering(group, monkeypatch):
    """Who says nothing, hangs up or asks nonsense."""
    monkeypatch.setattr("chatkit.service.workers.TIMEOUT", 0.5)
    workers = group(2)
    workers.serve(1, {b"h": lambda: 1})
    address = workers._listeners[1].getsockname()
    for sent in (b"", b"x", b"\xff", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.create_connection(address) as stranger:
            stranger.sendall(sent)
    silent = socket.create_connection(address)
    wait_for(lambda: workers.ask(0, b"h") == [None, 1], "it does not answer")
    silent.close()


def test_all_are_asked_at_once(group, monkeypatch):
    """Three that wait for each other are waited for together."""
    monkeypatch.setattr("chatkit.service.workers.TIMEOUT", 60)
    together = threading.Barrier(3)
    workers = group(4)
    for number in range(1, 4):
        workers.serve(number, {b"h": lambda: together.wait(60) is not None})
    assert workers.ask(0, b"h") == [None, True, True, True]


def test_one_that_takes_too_long_is_not_waited_for(group, monkeypatch):
    """Nor is it forgotten: the next time it may be in time."""
    monkeypatch.setattr("chatkit.service.workers.TIMEOUT", 0.2)
    going = threading.Event()
    workers = group(2)
    workers.serve(1, {b"h": lambda: going.wait(60)})
    assert workers.ask(0, b"h") == [None, None]
    going.set()
    wait_for(lambda: workers.ask(0, b"h") == [None, True], "it does not answer")


def test_an_error_in_an_answer_is_logged_and_the_next_one_comes(group, monkeypatch, caplog):
    """The kind of the error only: its text may hold a chat."""
    monkeypatch.setattr("chatkit.service.workers.TIMEOUT", 0.5)
    answers = iter([1])
    workers = group(2)
    workers.serve(1, {b"h": lambda: next(answers) and {}["s3cr3t"], b"m": lambda: 2})
    assert workers.ask(0, b"h") == [None, None]
    assert workers.ask(0, b"m") == [None, 2]
    wait_for(lambda: "a worker cannot answer another one (KeyError)" in caplog.text, "nothing is logged")
    assert "s3cr3t" not in caplog.text


def test_a_hung_one_takes_no_time_from_the_others(group, monkeypatch):
    """However many connections to it are open."""
    monkeypatch.setattr("chatkit.service.workers.TIMEOUT", 0.3)
    workers = group(3)
    workers.serve(2, {b"h": lambda: time.sleep(0.02) or "well"})
    hung = workers._listeners[1].getsockname()
    with contextlib.ExitStack() as stack:
        for _ in range(300):  # until its listen queue is full
            asker = stack.enter_context(socket.socket())
            asker.setblocking(False)
            asker.connect_ex(hung)
        assert workers.ask(0, b"h") == [None, None, "well"]


def test_a_new_one_leaves_the_files_of_the_others_alone(pair, tmp_path, monkeypatch):
    """It takes those of its number only: what another one is writing is no more behind than its memory."""
    wait_for(lambda: all(service.log.state()["last_write"] for service in pair), "no tables")
    monkeypatch.setattr("chatkit.service.log.MAX_DELAY", 3600)
    for service in pair:
        classify(service)
    files, workers = read_verified(pair[0].settings.model), pair[0]._workers
    after = [Service(pair[0].settings, files, None, workers, number) for number in range(2)]
    wait_for(lambda: all(service.log.flush(1) for service in after), "not read")
    with sqlite3.connect(tmp_path / "log.sqlite") as log:
        assert log.execute("SELECT count(*) FROM predictions").fetchone() == (2,)
    assert not list(tmp_path.glob("*.jsonl"))
    for service in after:
        service.log.close(1)


def test_the_last_model_is_stored(group):
    """The last one, byte by byte; none where it was not written whole."""
    workers = group(2)
    assert workers.stored_model() is None
    for files in ({"a": b"1" * 1000, "b": b""}, {"a": b"\n\0{}\n", "trees.ubj": bytes(range(256))}):
        workers.store_model(files)
        assert workers.stored_model() == files
    os.ftruncate(workers._model.fileno(), 200)
    assert workers.stored_model() is None
