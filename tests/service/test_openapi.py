"""The OpenAPI document, and what comes of requests made from it, or of anything at all."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from importlib import import_module

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.service.conftest import TOKEN, message

SPECTRAL = shutil.which("spectral")
OPERATIONS = {
    "messages": ["classify_messages"],
    "relabels": ["relabel_predictions"],
    "service": ["get_health", "get_metrics", "get_openapi", "get_page"],
}
CASES = int(os.environ.get("CHATKIT_TEST_CASES", "40"))  # 1000 give more than two thousand requests


def test_schemathesis_finds_nothing(served, tmp_path):
    """Valid requests are accepted, others refused, and every answer is as the document says."""
    # A text that is too long may make the body too large: 413 refuses it as well as 400.
    (tmp_path / "schemathesis.toml").write_text(
        "[checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 405, 413, 415]\n"
    )
    done = subprocess.run(
        [
            sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run",
            f"http://127.0.0.1:{served.port}/openapi.json", "--max-examples", str(CASES), "--seed", "1", "--no-color",
            "-H", f"Authorization: Bearer {TOKEN}",
        ],
        cwd=tmp_path,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    generated, passed = map(int, re.search(r"(\d+) generated, (\d+) passed", done.stdout).groups())
    print(generated)  # pytest -s shows it
    assert generated == passed >= 200


def test_every_operation_has_a_name_and_a_description(client):
    """And a tag that is described; the document says who is asked and where the service is: next to the document."""
    document = client.get("/openapi.json").json
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    names = [(tag, one["operationId"]) for one in operations for tag in one["tags"]]
    assert sorted(names) == [(tag, name) for tag in OPERATIONS for name in OPERATIONS[tag]]
    assert [tag["name"] for tag in document["tags"]] == list(OPERATIONS)
    assert all(one["description"] for one in (*operations, *document["tags"], *document["servers"], document["info"]))
    assert document["info"]["contact"]["name"]
    assert [server["url"] for server in document["servers"]] == ["/"]


@pytest.mark.skipif(SPECTRAL is None, reason="spectral is not on the PATH")
def test_spectral_finds_nothing(client, tmp_path):
    """Its recommended rules for OpenAPI."""
    (tmp_path / "openapi.json").write_bytes(client.get("/openapi.json").data)
    (tmp_path / "rules.yaml").write_text("extends: spectral:oas\n")
    done = subprocess.run(
        [SPECTRAL, "lint", "--fail-severity", "hint", "--ruleset", "rules.yaml", "openapi.json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_generated_client_works(served, tmp_path, monkeypatch):
    """Its functions have the names of what they do; messages, relabels, health and an error come back as its objects."""
    (tmp_path / "openapi.json").write_bytes(served.ask("GET", "/openapi.json")[2])
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    subprocess.run(
        [
            sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--meta", "none",
            "--config", "config.yaml", "--output-path", "chats_client", "--fail-on-warning",
        ],
        cwd=tmp_path,
        check=True,
    )  # fmt: skip
    folders = {folder.name: folder for folder in (tmp_path / "chats_client" / "api").iterdir() if folder.is_dir()}
    made = {name: sorted({file.stem for file in folders[name].glob("*.py")} - {"__init__"}) for name in folders}
    assert made == OPERATIONS
    monkeypatch.syspath_prepend(tmp_path)
    chats, models = import_module("chats_client"), import_module("chats_client.models")
    call = {
        name: import_module(f"chats_client.api.{tag}.{name}").sync
        for tag, names in OPERATIONS.items()
        for name in names
    }
    with chats.AuthenticatedClient(f"http://127.0.0.1:{served.port}", TOKEN, raise_on_unexpected_status=True) as client:
        sent = models.Messages([models.Message(**message())])
        (found,) = call["classify_messages"](
            client=client, body=sent, words=models.ClassifyMessagesWords.TRUE
        ).predictions
        assert (found.message_id, found.category) == (message()["message_id"], "urgent")
        assert found.words[0].contribution > 0
        relabel = models.Relabel(found.prediction_id, models.RelabelCategory("new product"), "me")
        added = call["relabel_predictions"](client=client, body=models.Relabels([relabel]))
        assert len(added.relabel_ids) == 1
        assert call["get_health"](client=client).model == found.model
        assert "chatkit_requests_total" in call["get_metrics"](client=client)
        assert "<form" in call["get_page"](client=client)
        assert call["get_openapi"](client=client).to_dict() == json.loads((tmp_path / "openapi.json").read_text())
        refused = call["classify_messages"](client=client, body=models.Messages([]))
        assert (refused.status, refused.errors[0].path) == (400, "/messages")


def check(client, data, kind="application/json", **more):
    """Send bytes; the answer is 200 with a prediction for each message, or one of the known errors in its form."""
    response = client.post("/messages", data=data, content_type=kind, **more)
    content = json.loads(response.data)
    if response.status_code == 200:
        assert all(abs(sum(one["probabilities"].values()) - 1) < 1e-6 for one in content["predictions"])
    else:
        assert response.status_code in {400, 413, 415}
        assert response.content_type == "application/problem+json"
        assert content["status"] == response.status_code
    return response.status_code


def test_a_fault_of_our_own_is_500_and_says_nothing(client, monkeypatch, caplog):
    """Neither the answer nor the output holds the exception's text, which may be a chat; the output names the line."""

    def fail(*_arguments):
        raise RuntimeError("s3cr3t-w0rd")

    monkeypatch.setattr("chatkit.service.loading.Model.predict", fail)
    response = client.post("/messages", json={"messages": [message("s3cr3t-w0rd")]})
    assert (response.status_code, response.content_type) == (500, "application/problem+json")
    assert "s3cr3t-w0rd" not in response.text + caplog.text
    assert "RuntimeError in " in caplog.text
    assert "Traceback" not in caplog.text


ANY_TEXT = st.text(st.characters(), max_size=300)  # with NUL and halves of surrogate pairs
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT | st.sampled_from(list(message())), inner),
    max_leaves=12,
)
HERE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@HERE
@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=20))
@example([("\0", "\ud83d"), ("", "")])
def test_any_text_is_sorted(client, texts):
    """Whatever characters it has."""
    messages = [message(body, number, subject) for number, (subject, body) in enumerate(texts)]
    assert check(client, json.dumps({"messages": messages}).encode()) == 200


@HERE
@given(ANY_JSON)
@example({"messages": [message() | {"body": float("nan")}]})
def test_any_json_gets_an_answer(client, content):
    """Also inside of what would be right."""
    check(client, json.dumps(content).encode())
    check(client, json.dumps({"messages": content}).encode())
    check(client, json.dumps({"messages": [message() | {"body": content}]}).encode())


@HERE
@given(st.binary(max_size=200), st.sampled_from(["application/json", "application/json; charset=utf-16", "text/html"]))
@example(b"[" * 200_000, "application/json")
@example(b'{"a":' * 100_000, "application/json")
@example(b"x" * 10_000_000, "application/json")
@example('{"messages": []}'.encode("utf-16"), "application/json")
def test_any_bytes_get_an_answer(client, data, kind):
    """Of every depth, size and encoding."""
    assert check(client, data, kind) in {400, 413, 415}


GOOD = json.dumps({"messages": [message("Mir fehlt Geld für März \0 😟")]}, ensure_ascii=False)
PACKED = {"gzip": gzip.compress, "deflate": zlib.compress, "br": bytes, "x": bytes, "gzip, identity": gzip.compress}


@HERE
@given(st.sampled_from(list(PACKED)), st.booleans(), st.integers(0, 30))
@example("gzip", True, 10**7)
def test_a_compressed_body_is_not_unpacked(client, encoding, declared, zeros):
    """Whether it says what it is or not, and however large it would be."""
    data = PACKED[encoding](GOOD.encode() + b" " * zeros)
    headers = {"Content-Encoding": encoding} if declared else {}
    expected = 415 if declared else 200 if PACKED[encoding] is bytes else 400
    assert check(client, data, headers=headers) == expected


@HERE
@given(
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp037"]),
    st.sampled_from(["", "utf-8", "UTF-8", '"utf-8"', "utf8", "utf-16", "latin-1", "none-such"]),
)
def test_only_utf_8_is_taken(client, encoding, charset):
    """Said to be something else it is of another type; where it is something else it is no JSON."""
    kind = "application/json" + (f"; charset={charset}" if charset else "")
    expected = 415 if charset.strip('"').lower() not in {"", "utf-8", "utf8"} else 200 if encoding == "utf-8" else 400
    assert check(client, GOOD.encode(encoding, "replace"), kind) == expected


@HERE
@given(st.dictionaries(st.sampled_from(["words", "Words", "word", ""]) | st.text(max_size=5), st.text(max_size=9)))
@example({"words": "true"})
@example({"words": "true\0"})
def test_any_parameter_gets_an_answer(client, given_parameters):
    """words is true or not there; what is not known does not matter."""
    right = given_parameters.get("words", "true") == "true"
    assert check(client, GOOD.encode(), query_string=given_parameters) == (200 if right else 400)
