"""The process by its parts: who keeps a thread, and for how long."""

import contextlib
import io
import socket
import time
from types import SimpleNamespace

import pytest
from gunicorn.workers.gthread import ThreadWorker

from chatkit.service.server import LONGEST, Worker


class Connection(SimpleNamespace):
    """What gunicorn has of a client."""

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("sent", "alive", "connected", "answered"),
    [
        (b"rrr", True, 3, 3),  # there are threads for all: until it is silent
        (b"rrr", True, 4, 1),  # there are not: others may wait for this thread
        (b"rrr", False, 3, 1),  # the service stops
        (b"rx", True, 3, 2),  # the connection is not to be kept
        (b"r", True, 3, 1),
    ],
)
def test_a_client_who_goes_on_keeps_its_thread(monkeypatch, sent, alive, connected, answered):
    """As long as there are threads for all who are connected; what comes later is left for another thread."""
    seen = []

    def handle(_worker, conn):
        seen.append(conn.sock.recv(1))
        return seen[-1] == b"r"

    monkeypatch.setattr(ThreadWorker, "handle", handle)
    worker = Worker.__new__(Worker)
    worker.alive, worker.nr_conns, worker.cfg = alive, connected, SimpleNamespace(threads=4)
    worker._begun = {}
    here, there = socket.socketpair()
    closed = []

    def close(graceful):
        closed.append(graceful)

    parser = SimpleNamespace(unreader=SimpleNamespace(buf=io.BytesIO()))
    conn = Connection(sock=here, parser=parser, close=close)
    with here, there:
        there.sendall(sent)
        kept = worker.handle(conn)
        assert kept is (seen[-1] == b"r")
        conn.close(graceful=True)  # by gunicorn, on its main thread, where the connection is not kept
    assert closed == [True]
    assert len(seen) == answered


def test_a_request_that_came_along_is_answered_without_waiting(monkeypatch):
    """What the parser has read already does not make the socket readable."""
    answers = [True, True, False]
    parser = SimpleNamespace(unreader=SimpleNamespace(buf=io.BytesIO(b"GET")))
    monkeypatch.setattr(ThreadWorker, "handle", lambda _worker, _conn: answers.pop(0))
    monkeypatch.setattr("chatkit.service.server.select.poll", lambda: pytest.fail("it waits"))
    worker = Worker.__new__(Worker)
    worker.alive, worker.nr_conns, worker.cfg = True, 1, SimpleNamespace(threads=4)
    worker._begun = {}
    assert worker.handle(Connection(sock=None, parser=parser, close=lambda graceful: None)) is False
    assert not answers
    assert not worker._begun


def test_a_request_that_does_not_end_is_heard_no_longer(monkeypatch):
    """It can still be answered; one that has just begun is not touched."""
    alive = []
    monkeypatch.setattr(ThreadWorker, "notify", lambda worker: alive.append(worker))  # noqa: PLW0108 - a method
    worker = Worker.__new__(Worker)
    with contextlib.ExitStack() as stack:
        pairs = [[stack.enter_context(one) for one in socket.socketpair()] for _ in range(2)]
        begun = time.monotonic() - LONGEST
        worker._begun = {Connection(sock=here): begun + 60 * at for at, (here, _) in enumerate(pairs)}
        worker.notify()
        assert alive == [worker]
        (late, slow), (here, there) = pairs
        assert late.recv(1) == b""
        late.sendall(b"408")
        assert slow.recv(3) == b"408"
        there.sendall(b"x")
        assert here.recv(1) == b"x"
