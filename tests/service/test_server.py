"""Connections of a real service: keep-alive, pipelining, more of them than threads; bodies that nobody needs."""

import asyncio
import contextlib
import io
import json
import shutil
import socket
import subprocess
from types import SimpleNamespace

import aiohttp
import pytest
import requests

from chatkit.service.server import EXTRA_THREADS, RequestBody
from chatkit.service.settings import Settings
from tests.service.conftest import SLOW, message

BODY = json.dumps({"messages": [message()]})
HEAD = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
REQUEST = f"POST /messages HTTP/1.1\r\n{HEAD}\r\n{BODY}".encode()
LAST = f"POST /messages HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n{BODY}".encode()
JSON = "Content-Type: application/json\r\n"
LARGEST = Settings().largest_body
LARGE = b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n" * (8 * LARGEST // 31)  # read as requests it would be answered as such
CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (LARGE[:70_000], LARGE[70_000:], b"x")) + b"0\r\n\r\n"
DISCARDED = 2**27  # bytes; docs/service.md promises so much before the answer, and as much again after it
NODE = shutil.which("node")
NODE_CLIENTS = """
const http = require("node:http"), address = process.argv[2], headers = {"Content-Type": "application/json"};
const big = () => Buffer.alloc(8 * 2 ** 20, 32);
const byHttp = (write, headers) => new Promise((resolve, reject) => {
  const request = http.request(address, {method: "POST", headers, agent: new http.Agent({keepAlive: true})}, answer => {
    answer.resume(); answer.on("end", () => resolve(answer.statusCode)); });
  request.on("error", reject); write(request);
});
const inPieces = request => { let left = 128; const write = () => {
  if (left-- > 0) request.write(big().subarray(0, 2 ** 16), write); else request.end(); }; write(); };
const stream = () => new ReadableStream({start(to) { to.enqueue(big()); to.close(); }});
(async () => { const found = [];
  for (let round = 0; round < 5; round++) {
    found.push((await fetch(address, {method: "POST", headers, body: big()})).status);
    found.push((await fetch(address, {method: "POST", headers, body: stream(), duplex: "half"})).status);
    found.push(await byHttp(request => request.end(big()), headers));
    found.push(await byHttp(inPieces, headers));
    found.push(await byHttp(inPieces, {...headers, "Content-Length": 8 * 2 ** 20}));
  }
  console.log(JSON.stringify(found)); process.exit();
})();
"""


def exchange(served, *parts):
    """Write everything, then read until the service closes the connection; returns the answers."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=SLOW) as connection:
        for part in parts:
            connection.sendall(part if isinstance(part, bytes) else part.encode())
        return read_all(connection)


def read_all(connection):
    """Read until the service closes a connection."""
    return b"".join(iter(lambda: connection.recv(2**16), b""))


def statuses(data):
    """The status of each answer, those in between included."""
    return [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:]]


def test_pipelined_requests_are_all_answered(served):
    """Requests that arrive together, and then the connection is closed as the last one asks."""
    assert statuses(exchange(served, 4 * REQUEST + LAST)) == [200] * 5


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


@pytest.mark.parametrize("framing", [f"Content-Length: {len(LARGE)}", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize(
    ("line", "headers", "expected"),
    [
        ("POST /messages", JSON, 413),
        ("POST /messages", "Content-Type: text/plain\r\n", 415),
        ("POST /relabels", JSON, 401),
        ("POST /none", JSON, 404),
        ("PUT /messages", JSON, 405),
        ("GET /health", "", 200),
    ],
)
def test_a_body_that_is_not_needed_is_discarded(served, framing, line, headers, expected):
    """Who writes everything and then reads gets the answer; the next request begins behind the body, and is answered."""
    body = LARGE if "Length" in framing else CHUNKS
    data = exchange(served, f"{line} HTTP/1.1\r\nHost: x\r\n{headers}{framing}\r\n\r\n", body, LAST)
    assert statuses(data) == [expected, 200]
    assert data.count(b"Connection: close") == 1


@pytest.mark.parametrize(
    ("line", "headers", "expected"),
    [
        ("POST /messages", f"{JSON}Content-Length: {LARGEST + 1}", 413),
        ("POST /messages", f"Content-Length: {len(BODY)}", 415),
        ("POST /relabels", f"{JSON}Content-Length: {len(BODY)}", 401),
        ("POST /relabels", f"{JSON}Transfer-Encoding: chunked", 401),
        ("POST /none", f"{JSON}Content-Length: {len(BODY)}", 404),
    ],
)
def test_a_body_is_refused_before_it_is_sent(served, line, headers, expected):
    """Who asks with Expect gets the answer at once; whether the body comes all the same is unknown, so that it is the last."""
    head = f"{line} HTTP/1.1\r\nHost: x\r\n{headers}\r\nExpect: 100-continue\r\n\r\n"
    for sent in (b"", LARGE):
        data = exchange(served, head, sent)
        assert statuses(data) == [expected]
        assert b"\r\nConnection: close\r\n" in data


@pytest.mark.parametrize(
    ("framing", "body", "expected"),
    [
        (f"Content-Length: {len(BODY)}", BODY.encode(), 200),
        (f"Content-Length: {LARGEST}", b" " * LARGEST, 400),
        ("Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY.encode()), 200),
        ("Transfer-Encoding: chunked", CHUNKS, 413),
    ],
)
@pytest.mark.parametrize("value", ["100-continue", "100-Continue"])
def test_a_body_is_asked_for(served, framing, body, expected, value):
    """Once, and not before its size is known to be allowed; then it comes and the connection stays."""
    head = f"POST /messages HTTP/1.1\r\nHost: x\r\n{JSON}{framing}\r\nExpect: {value}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=SLOW) as connection:
        connection.sendall(head.encode())
        between = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert connection.recv(len(between), socket.MSG_WAITALL) == between
        connection.sendall(body + LAST)
        assert statuses(read_all(connection)) == [expected, 200]


@pytest.mark.parametrize("length", ["", "Content-Length: 0\r\n"])
def test_without_a_body_there_is_nothing_to_ask_for(served, length):
    """The connection stays."""
    head = f"GET /health HTTP/1.1\r\nHost: x\r\n{length}Expect: 100-continue\r\n\r\n"
    assert statuses(exchange(served, head, LAST)) == [200, 200]


def test_an_unknown_expectation(served):
    """417, in the form of all errors, and also for who has sent a large body by then."""
    for value in ("nothing", "100-continue, nothing"):
        head = f"POST /messages HTTP/1.1\r\nHost: x\r\n{JSON}Content-Length: {len(LARGE)}\r\nExpect: {value}\r\n\r\n"
        data = exchange(served, head, LARGE)
        assert statuses(data) == [417]
        assert b"application/problem+json" in data


def test_http_1_0_knows_no_expectation(served):
    """It is ignored: no 100 Continue, and the body is read; one that is too large is discarded."""
    for body, expected in ((BODY.encode(), 200), (LARGE, 413)):
        head = f"POST /messages HTTP/1.0\r\n{JSON}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        data = exchange(served, head, body).replace(b"HTTP/1.0", b"HTTP/1.1")
        assert statuses(data) == [expected]


def test_a_body_that_can_not_be_discarded_ends_the_connection(served):
    """One that is declared to be too large for that is not waited for."""
    head = f"POST /messages HTTP/1.1\r\nHost: x\r\n{JSON}Content-Length: {DISCARDED + 2**20}\r\n\r\n"
    for sent in (b"", LARGE):
        data = exchange(served, head, sent)
        assert statuses(data) == [413]
        assert b"\r\nConnection: close\r\n" in data


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", f"Content-Length: {10**15}"])
def test_no_more_is_discarded_than_promised(served, framing):
    """Who does not stop sending is closed."""
    piece, sent = b"10000\r\n" + b" " * 2**16 + b"\r\n", 0
    with socket.create_connection(("127.0.0.1", served.port), timeout=SLOW) as connection:
        connection.sendall(f"POST /messages HTTP/1.1\r\nHost: x\r\n{JSON}{framing}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while sent < 4 * DISCARDED:
                connection.sendall(piece)
                sent += len(piece)
    assert sent < 3 * DISCARDED
    assert served.post({"messages": [message()]})[0] == 200


@pytest.mark.parametrize(("deadline", "closed"), [(float("inf"), []), (float("-inf"), [True])])
def test_discarding_ends_in_time(deadline, closed):
    """Also where bytes come without a pause: then the connection is closed."""
    found = []
    body, close = SimpleNamespace(reader=io.BytesIO(b"x" * 10)), lambda: found.append(True)
    req = SimpleNamespace(body=body, _expected_100_continue=False, force_close=close)
    with socket.socket() as unused:
        RequestBody(req, unused, deadline).finish()
    assert found == closed


def test_half_a_body(served):
    """It is 408, and what comes of it after that is no request."""
    head = f"POST /messages HTTP/1.1\r\nHost: x\r\n{JSON}Content-Length: {len(BODY) + 100}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=SLOW) as connection:
        connection.sendall(head.encode() + BODY.encode())
        connection.shutdown(socket.SHUT_WR)
        data = read_all(connection)
    assert statuses(data) == [408]
    assert b"\r\nConnection: close\r\n" in data


def test_clients_of_python_read_that_a_body_is_too_large(served):
    """With the length of the body or in chunks: no broken pipe, no reset, in ten tries each."""
    url, headers = f"http://127.0.0.1:{served.port}/messages", {"Content-Type": "application/json"}

    def pieces():
        yield from (b" " * 2**16 for _ in range(128))

    async def pieces_of_aiohttp():
        for piece in pieces():
            yield piece

    async def by_aiohttp():
        async with aiohttp.ClientSession() as session:
            for make in (lambda: io.BytesIO(LARGE), pieces_of_aiohttp):
                for _ in range(10):
                    async with session.post(url, data=make(), headers=headers) as answer:
                        yield answer.status, (await answer.json())["status"]

    async def all_of_aiohttp():
        return [found async for found in by_aiohttp()]

    assert set(asyncio.run(all_of_aiohttp())) == {(413, 413)}
    for make in (lambda: LARGE, pieces):
        for _ in range(10):
            answer = requests.post(url, data=make(), headers=headers, timeout=SLOW, proxies={"http": ""})
            assert (answer.status_code, answer.json()["status"]) == (413, 413)


@pytest.mark.skipif(NODE is None, reason="node is not on the PATH")
def test_clients_of_node_read_that_a_body_is_too_large(served, tmp_path):
    """fetch and http, with the length of the body or in chunks, at once or in pieces."""
    (tmp_path / "clients.cjs").write_text(NODE_CLIENTS)
    url = f"http://127.0.0.1:{served.port}/messages"
    done = subprocess.run(
        [NODE, "clients.cjs", url], cwd=tmp_path, capture_output=True, text=True, timeout=SLOW, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [413] * 25
