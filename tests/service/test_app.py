"""The service over HTTP: its answers and its errors."""

import contextlib
import json
import socket
import sqlite3
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chatkit import load_model
from chatkit.explain.words import contributions
from chatkit.service.app import create_app
from chatkit.service.loading import read_verified
from chatkit.service.service import Service
from chatkit.service.settings import Settings
from tests.service.conftest import TOKEN, message, save

SECRET = "s3cr3t-w0rd"
JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
WORDS = "/messages?words=true"


def assert_problem(status, headers, data, expected):
    """Every error has one form, without a word of the request."""
    content = json.loads(data) if isinstance(data, bytes) else data
    assert (status, content["status"]) == (expected, expected), content
    assert headers["Content-Type"] == "application/problem+json"
    assert content["title"]
    assert content["detail"]
    assert SECRET not in json.dumps(content)
    return content


def test_predictions_are_those_of_the_model(served, model_folder):
    """To the last bit; ids come back, each prediction has one of its own, and the model's digest."""
    bodies = ["I lost my card", "when are you open", "", "share an account", "😟 \u0000 x", "no word of this"]
    messages = [message(body, number) for number, body in enumerate(bodies)]
    model = load_model(model_folder)
    texts = [(one["subject"], one["body"]) for one in messages]
    for sent in (messages, messages[:1]):
        status, headers, content = served.post({"messages": sent})
        assert (status, headers["Content-Type"]) == (200, "application/json")
        found = content["predictions"]
        assert [one["message_id"] for one in found] == [one["message_id"] for one in sent]
        assert [one["category"] for one in found] == model.predict(texts[: len(sent)]).tolist()
        expected = model.predict_proba(texts[: len(sent)]).tolist()
        assert [list(one["probabilities"].values()) for one in found] == expected
        assert all(list(one["probabilities"]) == model.classes_.tolist() for one in found)
        assert len({one["prediction_id"] for one in found}) == len(sent)
        assert {one["model"] for one in found} == {served.health()["model"]}


def test_words_are_returned_on_request(served, model_folder):
    """At most ten, those that speak for the category, strongest first; without the parameter there is no such field."""
    messages = [message("I lost my card, please block my card, it is lost"), message("zzz", subject="zzz")]
    plain, with_words = (served.post({"messages": messages}, path)[2]["predictions"] for path in ("/messages", WORDS))
    assert not any("words" in one for one in plain)
    assert [one["probabilities"] for one in with_words] == [one["probabilities"] for one in plain]
    expected = contributions(load_model(model_folder), [(messages[0]["subject"], messages[0]["body"])])
    expected = expected[(expected["category"] == with_words[0]["category"]) & ~expected["term"].str.startswith("(")]
    expected = expected.set_index("term")["contribution"].round(6).sort_values(ascending=False).head(10)
    assert [one["contribution"] for one in with_words[0]["words"]] == expected[expected > 0].tolist()
    assert all(one["contribution"] == expected[one["word"]] for one in with_words[0]["words"])
    assert len(with_words[0]["words"]) > 3
    assert with_words[1]["words"] == []


def test_words_are_null_from_a_classifier_that_weighs_none(serve, tmp_path):
    """As rules do."""
    save(tmp_path / "model", "rules", classifier_options={"rules": [("urgent", "lost")]})
    served = serve(model=tmp_path / "model")
    (found,) = served.post({"messages": [message()]}, WORDS)[2]["predictions"]
    assert (found["category"], found["probabilities"], found["words"]) == ("urgent", None, None)


@pytest.mark.parametrize("given", ["", "false", "1", "True", SECRET, "true&words=true"])
def test_the_parameter_words_has_one_value(served, given):
    """Any other value is refused."""
    found = assert_problem(*served.post({"messages": [message()]}, f"/messages?words={given}"), 400)
    assert found["errors"] == [{"path": "?words", "detail": "must be true, or left out"}]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_audit_sample_is_random(serve, share):
    """About as many as the setting says, and the log knows which."""
    served = serve(audit_share=share)
    answers = served.post({"messages": [message(number=number) for number in range(256)]})[2]["predictions"]
    sampled = {one["prediction_id"] for one in answers if one["audit"]}
    assert abs(len(sampled) - 256 * share) <= 5 * (256 * share * (1 - share)) ** 0.5
    served.written()
    with contextlib.closing(sqlite3.connect(served.database)) as log:
        assert {key for (key,) in log.execute("SELECT prediction_id FROM predictions WHERE audit")} == sampled
        assert log.execute("SELECT min(milliseconds) > 0 FROM predictions").fetchone() == (1,)


def test_the_demo_of_the_talk(served):
    """GET is 405, POST without data 400, POST with data an answer."""
    status, headers, data = served.ask("GET", "/messages")
    assert_problem(status, headers, data, 405)
    assert set(headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    assert_problem(*served.ask("POST", "/messages"), 400)
    assert served.post({"messages": [message()]})[2]["predictions"][0]["category"] == "urgent"


@pytest.mark.parametrize(
    ("content", "path", "detail"),
    [
        ([], "", "must be an object"),
        ({}, "/messages", "is missing"),
        ({"messages": []}, "/messages", "must not be empty"),
        ({"messages": {}}, "/messages", "must be an array"),
        ({"messages": [message()] * 257}, "/messages", "has more than 256 entries"),
        ({"messages": [SECRET]}, "/messages/0", "must be an object"),
        ({"messages": [message(), message() | {"body": 1}]}, "/messages/1/body", "must be a string"),
        ({"messages": [message() | {"subject": None}]}, "/messages/0/subject", "must be a string"),
        ({"messages": [message("x" * 20_001)]}, "/messages/0/body", "is longer than 20000 characters"),
        ({"messages": [message() | {"message_id": ""}]}, "/messages/0/message_id", "must not be empty"),
        ({"messages": [message() | {SECRET: SECRET}]}, "/messages/0", "has an unknown field"),
        ({"messages": [message()], SECRET: 1}, "", "has an unknown field"),
    ],
)  # fmt: skip
def test_errors_give_their_location(served, content, path, detail):
    """Not by its value, nor by a name that came in."""
    found = assert_problem(*served.post(content), 400)
    assert {"path": path, "detail": detail} in found["errors"]


@pytest.mark.parametrize(
    ("expected", "body", "headers"),
    [
        (400, b"", JSON),
        (400, b"{" + SECRET.encode(), JSON),
        (400, b'{"messages": "\xff"}', JSON),
        (400, b"\xef\xbb\xbf{}", JSON),
        (400, b'{"messages": ' + b"9" * 5000 + b"}", JSON),
        (400, b"[" * 500_000, JSON),
        (413, b" " * (2**20 + 1), JSON),
        (415, b"{}", {}),
        (415, b"{}", {"Content-Type": "text/plain"}),
        (415, b"{}", {"Content-Type": "application/json; charset=latin-1"}),
        (415, b"{}", {**JSON, "Content-Encoding": "gzip"}),
    ],
)
def test_a_body_that_cannot_be_read(served, expected, body, headers):
    """Not JSON, not UTF-8, too deep, too large, compressed, another type."""
    assert_problem(*served.ask("POST", "/messages", body, headers), expected)


def test_a_body_in_chunks_is_bounded_too(served):
    """Without a Content-Length the bytes are counted as they come."""
    whole = iter([json.dumps({"messages": [message()]}).encode()])
    assert served.ask("POST", "/messages", whole, {**JSON, "Transfer-Encoding": "chunked"})[0] == 200
    endless = (b" " * 2**16 for _ in range(40))
    assert_problem(*served.ask("POST", "/messages", endless, {**JSON, "Transfer-Encoding": "chunked"}), 413)


@pytest.mark.parametrize("path", [f"/{SECRET}", "/messages/", "/page/../app.py", "/page/none.js"])
def test_an_unknown_address(served, path):
    """404, in the form of all errors, and without the address in it."""
    assert_problem(*served.ask("GET", path), 404)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (f"{SECRET}\r\n\r\n", 400),
        (f"GET /{'x' * 9000} HTTP/1.1\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\n" + f"A: {SECRET}\r\n" * 200 + "\r\n", 431),
        (f"GET / HTTP/1.1\r\n{SECRET}\r\n\r\n", 400),
        (f"POST /messages HTTP/1.1\r\nContent-Length: {SECRET}\r\n\r\n", 400),
        (f"POST /messages HTTP/1.1\r\nTransfer-Encoding: {SECRET}\r\n\r\n", 501),
        ("POST /messages HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
def test_what_is_no_http_gets_the_same_form(served, raw, expected):
    """Refused before the application sees it, and still without an echo."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(raw.encode())
        head, _, body = b"".join(iter(lambda: connection.recv(4096), b"")).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {expected} ".encode()), head
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == expected
    assert SECRET.encode() not in body


def test_half_a_surrogate_pair_is_accepted(served):
    """A cut emoji is what broken clients send; it is no reason to refuse a chat."""
    raw = json.dumps({"messages": [message("I lost my card \ud83d")]}).encode()
    status, _, data = served.ask("POST", "/messages", raw, JSON)
    assert (status, json.loads(data)["predictions"][0]["category"]) == (200, "urgent")


def test_relabels_are_added_and_known_to_all(served):
    """201 with the token; again is again, nothing is overwritten."""
    predictions = served.post({"messages": [message(), message()]})[2]["predictions"]
    relabels = [{"prediction_id": one["prediction_id"], "category": "other", "by": "me"} for one in predictions]
    relabels[0]["reason"] = "no card was lost"
    ids = []
    for _ in range(2):
        status, _, content = served.post({"relabels": relabels}, "/relabels", **BEARER)
        assert status == 201
        ids += content["relabel_ids"]
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    ("store_text", "stored"),
    [
        ("full", "Anna wrote from anna@bank.example: card 4111 1111"),
        ("masked", "Anna wrote from _email_: card _number_ _number_"),
        ("hash", "fe35fa085f0f52ed2c0aee4c343fb53021a2c239f5b4fe990995cec210b5cfd3"),
        ("none", None),
    ],
)
def test_a_reason_is_stored_as_texts_are(tmp_path, model_folder, store_text, stored):
    """It may quote the message; ids are stored as they are sent, and who gave no reason has none."""
    url = f"sqlite:///{tmp_path}/log.sqlite"
    service = Service(
        Settings(model=str(model_folder), database=url, spool=False, store_text=store_text, relabel_token=TOKEN),
        read_verified(model_folder),
    )
    client = create_app(service).test_client()
    sent = [message(), message()]
    ids = [one["prediction_id"] for one in client.post("/messages", json={"messages": sent}).json["predictions"]]
    assert service.log.flush(60)  # until its tables are there
    relabels = [{"prediction_id": one, "category": "other", "by": "agent-7@bank.example"} for one in ids]
    relabels[0]["reason"] = "Anna wrote from anna@bank.example: card 4111 1111"
    assert client.post("/relabels", json={"relabels": relabels}, headers=BEARER).status_code == 201
    service.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "log.sqlite")) as log:
        (first, second) = log.execute('SELECT reason, "by" FROM relabels ORDER BY at').fetchall()
    assert first == (stored, "agent-7@bank.example")
    assert second == (None, "agent-7@bank.example")


@pytest.mark.parametrize(
    ("header", "challenge"),
    [({}, True), ({"Authorization": f"Bearer {SECRET}"}, True), ({"Authorization": f"Basic {TOKEN}"}, True),
     ({"Authorization": TOKEN}, True), ({"Authorization": f"Bearer {TOKEN}é"}, True)],
)  # fmt: skip
def test_relabels_need_the_token(served, header, challenge):
    """Before the body is read."""
    status, headers, content = served.post([], "/relabels", **header)
    assert_problem(status, headers, content, 401)
    assert headers["WWW-Authenticate"].startswith("Bearer")


def test_a_relabel_is_checked(served):
    """A category that the model knows, a prediction that was made; nothing is added when one is wrong."""
    good = served.post({"messages": [message()]})[2]["predictions"][0]["prediction_id"]
    none = "00000000-0000-4000-8000-000000000000"
    relabel = {"prediction_id": good, "category": "other", "by": "me"}
    for change, expected, path in (
        ({"category": SECRET}, 400, "/relabels/1/category"),
        ({"prediction_id": none}, 404, "/relabels/1/prediction_id"),
        ({"prediction_id": SECRET}, 400, "/relabels/1/prediction_id"),
        ({"by": ""}, 400, "/relabels/1/by"),
    ):
        answer = served.post({"relabels": [relabel, relabel | change]}, "/relabels", **BEARER)
        assert assert_problem(*answer, expected)["errors"][0]["path"] == path


def test_health_and_metrics_tell_what_happened(served):
    """Rows written, requests counted by route and status, messages by the model's categories."""
    served.post({"messages": [message()]})
    log = served.written()
    assert log["last_write"]["worked"]
    assert (log["dropped"], log["buffer"], log["spool"]["works"]) == (0, 20_000, True)
    text = served.ask("GET", "/metrics")[2].decode()
    found = {}  # of each sample the values, one from each worker
    for family in text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            workers = found.setdefault((name, *sorted(item for item in labels.items() if item[0] != "worker")), {})
            workers[labels.get("worker")] = value
    assert sum(found["chatkit_requests_total", ("route", "/messages"), ("status", "200")].values()) >= 1
    assert sum(found["chatkit_messages_total", ("category", "urgent")].values()) >= 1
    assert {label[1] for name, *labels in found if name == "chatkit_messages_total" for label in labels} == {
        "urgent", "other", "new product",
    }  # fmt: skip
    assert found["chatkit_log_dropped_total",] == {"0": 0, "1": 0}
    assert found["chatkit_log_works",] == {"0": 1, "1": 1}
    assert "chatkit_workers_answering 2.0" in text.splitlines()
    assert set(found["process_resident_memory_bytes",]) == {"0", "1"}
    assert SECRET not in text


def test_no_text_takes_more_than_linear_time(serve):
    """However it is made: of a million characters, for which a square of the time would be hours, all are answered."""
    n = 10**6
    served = serve(longest_text=n, largest_body=2 * n)
    for word in ("x" * n, "x" * (n - 1) + "@", "a@b.c" + "x" * (n - 6) + "@", "www." * (n // 4), "x@" * (n // 2)):
        assert served.post({"messages": [message(word)]}, WORDS)[0] == 200


def test_a_silent_client_does_not_hold_the_service(served):
    """It gets 408 after some seconds, and more of them than there are threads do not keep others from an answer."""
    head = b"POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        address = "127.0.0.1", served.port
        silent = [stack.enter_context(socket.create_connection(address, timeout=60)) for _ in range(40)]
        for connection in silent:
            connection.sendall(head)
        assert served.post({"messages": [message()]})[0] == 200
        assert silent[0].recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_takes_its_time_does_not_hold_the_service(served):
    """Thirty who send a byte a second, of the head or of a body, also of one that is too large: after twenty seconds they
    are closed."""
    address = "127.0.0.1", served.port
    head = b"POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(address, timeout=60)) for _ in range(30)]
        for at, connection in enumerate(slow):
            connection.sendall(head + (b"", b"Content-Length: 100\r\n\r\n", b"Content-Length: 9999999\r\n\r\n")[at % 3])
        done = set()
        deadline = time.monotonic() + 60
        while len(done) < len(slow):
            assert time.monotonic() < deadline
            time.sleep(1)
            for connection in set(slow) - done:
                try:
                    connection.send(b"x")
                except OSError:
                    done.add(connection)
            assert served.health()
        assert served.post({"messages": [message()]})[0] == 200


def test_no_word_of_a_request_is_in_the_output(served):
    """Neither of those above nor of one that goes wrong inside; and no traceback."""
    threads = [threading.Thread(target=served.post, args=({"messages": [message(SECRET)]},)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    output = served.stderr.read_text()
    assert "POST /messages 200" in output
    assert SECRET not in output
    assert "Traceback" not in output
