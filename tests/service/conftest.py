"""A real service: a small model, a free port, a process."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from chatkit import make_pipeline
from chatkit.model.bundle import save_model
from chatkit.service.app import create_app
from chatkit.service.loading import read_verified
from chatkit.service.service import Service
from chatkit.service.settings import Settings

TOKEN = "a-token-for-tests-0123456789"
SLOW = 120  # seconds: a machine may be busy


def chats():
    """Chats in three categories."""
    texts = [
        ("Lost card", "I lost my card, please block it", "urgent"),
        ("Hours", "When are you open?", "other"),
        ("Joint accounts", "I want to share an account with my partner", "new product"),
    ]
    return pd.DataFrame(texts * 12, columns=["subject", "body", "category"])


def save(folder, classifier="boosted_linear", **options):
    """Fit a small model and save it."""
    frame = chats()
    model = make_pipeline(classifier, **options).fit(frame[["subject", "body"]], frame["category"])
    save_model(model, folder, {})
    return model


def message(body="I lost my card", number=1, subject="Help"):
    """One chat as it is sent."""
    return {"message_id": f"m{number}", "conversation_id": "c1", "subject": subject, "body": body}


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A model, to be read only."""
    folder = tmp_path_factory.mktemp("served") / "model"
    save(folder)
    return folder


class Served:
    """A service in a process of its own."""

    def __init__(self, folder, model, environment=None, **settings):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.database = folder / "log.sqlite"
        lines = {"database": f"sqlite:///{self.database}", "spool": str(folder / "spool"), **settings}
        (folder / "service.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items()))
        self.stderr = folder / "stderr.txt"
        code = "import sys; from chatkit.cli import main; sys.exit(main())"
        arguments = ["serve", "--config", "service.toml", "--model", str(model), "--port", str(self.port)]
        with self.stderr.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
                env=os.environ | {"CHATKIT_SERVE_RELABEL_TOKEN": TOKEN} | (environment or {}),
            )

    def ready(self):
        """Wait until it answers, and has made its tables or found that it cannot."""
        up = lambda: (health := self.health()) and health["log"]["last_write"]  # noqa: E731 - tables made, or not
        wait_for(lambda: self.process.poll() is not None or up(), "the service does not start")
        assert self.process.poll() is None, self.stderr.read_text()
        return self

    def ask(self, method, path, body=None, headers=None, timeout=SLOW):
        """One request on a connection of its own: status, headers, content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            headers = headers or {}
            # A request that is refused before its body was read has its answer though the connection is closed.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, headers, encode_chunked="Transfer-Encoding" in headers)
            if connection.sock is None:
                raise ConnectionResetError("It was closed while it was opened.")
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def post(self, content, path="/messages", **headers):
        """Post JSON: status, headers, content as objects."""
        status, got, data = self.ask("POST", path, json.dumps(content), {"Content-Type": "application/json", **headers})
        return status, got, json.loads(data)

    def health(self):
        """The content of /health, None without an answer."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return json.loads(self.ask("GET", "/health")[2])

    def written(self):
        """Wait until all workers say that the log has all rows; returns its state."""

        def state():
            health = self.health()
            workers, log = health["workers"], health["log"]
            return workers["answering"] == workers["expected"] and log["last_write"] and not log["queue"] and log

        return wait_for(state, "the log is not written")

    def signal(self, number):
        """Send the service a signal."""
        self.process.send_signal(number)

    def stop(self):
        """Stop it in an orderly way; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(SLOW)

    def kill(self):
        """End all of its processes where they stand."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(SLOW)


@pytest.fixture
def serve(tmp_path, model_folder):
    """Start services; they are gone after the test."""
    started = []

    def start(folder=tmp_path / "service", model=model_folder, **options):
        started.append(served := Served(Path(folder), model, **options))
        return served.ready()

    yield start
    for served in started:
        served.kill()


@pytest.fixture(scope="module")
def served(tmp_path_factory, model_folder):
    """One service for all tests of a module."""
    served = Served(tmp_path_factory.mktemp("served"), model_folder).ready()
    yield served
    served.kill()


def wait_for(condition, what, seconds=SLOW):
    """Wait until something is so; returns what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def client(tmp_path_factory, model_folder):
    """The application in this process."""
    folder = tmp_path_factory.mktemp("client")
    chosen = Settings(model=str(model_folder), database=f"sqlite:///{folder}/log.sqlite", spool=str(folder))
    service = Service(chosen, read_verified(model_folder))
    yield create_app(service).test_client()
    service.close()
