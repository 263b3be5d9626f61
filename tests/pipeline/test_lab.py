"""JupyterLab as `make lab` starts it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tests.conftest import ROOT

CODE_CELL = nbformat.v4.new_code_cell("1 + 1", outputs=[nbformat.v4.new_output("stream", text="2")], execution_count=7)


@pytest.fixture
def lab(tmp_path):
    """A running JupyterLab on an empty folder; a function that sends it a request."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"HOME": str(tmp_path / "home"), "JUPYTER_TOKEN": "a-token"}
    command = [
        Path(sys.executable).parent / "jupyter",
        "lab",
        f"--config={ROOT / 'jupyter_lab_config.py'}",
        "--no-browser",
    ]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, f"--port={port}", "--ServerApp.port_retries=0"],
            cwd=tmp_path, env=environment, stdout=log, stderr=log,
        )  # fmt: skip

    def ask(path, content=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}",
            data=None if content is None else json.dumps(content).encode(),
            headers={"Authorization": "token a-token"},
            method="GET" if content is None else "PUT",
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.read().decode()

    try:
        for _ in range(120):
            try:
                ask("/api/status")
                break
            except urllib.error.URLError:
                assert process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.25)
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_saving_a_notebook_strips_its_outputs(lab, tmp_path):
    """A person may run and save a stage's notebook without changing what the stage depends on."""
    cells = [CODE_CELL, nbformat.v4.new_markdown_cell("# Kept")]
    content = json.loads(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))
    lab("/api/contents/a.ipynb", {"type": "notebook", "format": "json", "content": content})
    saved = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    assert (saved.cells[0].outputs, saved.cells[0].execution_count) == ([], None)
    assert (saved.cells[0].source, saved.cells[1].source) == ("1 + 1", "# Kept")


def test_it_asks_nobody_for_news(lab):
    """The page that JupyterLab serves has news and update checks switched off."""
    page = lab("/lab")
    config = json.loads(page.split('id="jupyter-config-data" type="application/json">')[1].split("</script>")[0])
    assert config["news"] == {"disabled": True}
