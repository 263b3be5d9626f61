"""Connections of a real service: keep-alive, pipelining, more of them than threads."""

import contextlib
import json
import socket

from chatkit.service.server import EXTRA_THREADS
from chatkit.service.settings import Settings
from tests.service.conftest import SLOW, message

BODY = json.dumps({"messages": [message()]})
HEAD = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
REQUEST = f"POST /messages HTTP/1.1\r\n{HEAD}\r\n{BODY}".encode()
LAST = f"POST /messages HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n{BODY}".encode()


def read_statuses(connection):
    """Read until the service closes a connection; returns the status of each answer."""
    data = b"".join(iter(lambda: connection.recv(2**16), b""))
    return [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:]]


def test_pipelined_requests_are_all_answered(served):
    """Requests that arrive together, and then the connection is closed as the last one asks."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=SLOW) as connection:
        connection.sendall(4 * REQUEST + LAST)
        assert read_statuses(connection) == [200] * 5


def test_idle_connections_do_not_keep_others_from_an_answer(served):
    """More are kept alive than there are threads, and a new one is answered."""
    settings = Settings()
    threads = settings.workers * (settings.in_work + EXTRA_THREADS)
    with contextlib.ExitStack() as stack:
        address = "127.0.0.1", served.port
        idle = [stack.enter_context(socket.create_connection(address, timeout=SLOW)) for _ in range(threads + 10)]
        for connection in idle:
            connection.sendall(REQUEST)
            assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")
        assert served.post({"messages": [message()]})[0] == 200
