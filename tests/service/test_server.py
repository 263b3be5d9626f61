"""The process by its parts: who keeps a thread, and for how long."""

import socket
from types import SimpleNamespace

import pytest
from gunicorn.workers.gthread import ThreadWorker

from chatkit.service.server import Worker


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
    here, there = socket.socketpair()
    with here, there:
        there.sendall(sent)
        assert worker.handle(SimpleNamespace(sock=here)) is (seen[-1] == b"r")
    assert len(seen) == answered
