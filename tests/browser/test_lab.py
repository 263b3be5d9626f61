"""JupyterLab as `make lab` starts it, in a real browser."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from chatkit.data.files import write_table
from tests.browser.test_pages import ARGUMENTS, CHROMIUM, DESK
from tests.conftest import ROOT, copy_project

READY = """async () => {
    const notebook = window.jupyterapp.shell.currentWidget;
    await notebook.context.ready;
    await notebook.sessionContext.ready;
    return notebook.sessionContext.session.kernel.connectionStatus === "connected";
}"""
DONE = """() => {
    const notebook = window.jupyterapp.shell.currentWidget;
    const cells = notebook.content.widgets.filter(cell => cell.model.type === "code" && cell.model.sharedModel.source);
    return notebook.sessionContext.session.kernel.status === "idle" && cells.every(cell => cell.model.executionCount);
}"""
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap(
    cell => (cell.model.outputs ? cell.model.outputs.toJSON() : []).filter(output => output.output_type === "error"))"""

TABLE = """import pandas as pd
pd.DataFrame({"message": ["a text"], "n": [5], "why": ["because"], "share": [0.5]})"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on the PATH")


def git(folder, *arguments):
    """What git answers in a folder."""
    name = ["-c", "user.name=a", "-c", "user.email=a@bank.example"]
    command = ["git", *name, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A committed project with chats and a model, JupyterLab running in it, and JupyterLab's log."""
    from chatkit import make_pipeline
    from chatkit.data.simulate import simulate
    from chatkit.model.bundle import save_model

    home = tmp_path_factory.mktemp("lab")
    project = copy_project(home / "project")
    chats = simulate(300)[0].assign(relabelled=False)
    write_table(chats, project / "data/chats.parquet")
    write_table(chats, project / "data/train.parquet")
    pipeline = make_pipeline("linear_svc").fit(chats[["subject", "body"]], chats["category"])
    save_model(pipeline, project / "models/chats", {})
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=a project")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"HOME": str(home), "JUPYTER_TOKEN": "a-token"}
    jupyter, config = Path(sys.executable).parent / "jupyter", ROOT / "lab/jupyter_lab_config.py"
    options = [f"--port={port}", "--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [jupyter, "lab", f"--config={config}", "--no-browser", *options],
            cwd=project, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/api/status?token=a-token", timeout=30).close()  # noqa: S310
                break
            except urllib.error.URLError:
                assert process.poll() is None, (home / "log").read_text()
                time.sleep(0.25)
        yield project, address, home / "log"
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def page(served, tmp_path_factory):
    """A page of the browser; afterwards no other host was asked for anything."""
    from playwright.sync_api import sync_playwright

    asked = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport=dict(zip(("width", "height"), DESK, strict=True)))
        page.on("request", lambda request: asked.add(request.url))
        yield page
        browser.close()
    outside = [
        url for url in asked if not url.startswith((served[1], served[1].replace("http", "ws"), "data:", "blob:"))
    ]
    assert not outside


def write_notebook(file, cells, prose="A notebook"):
    """Write a notebook of code, with prose below."""
    notebook = new_notebook(cells=[*map(new_code_cell, cells), new_markdown_cell(prose)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
    nbformat.write(notebook, file)


def open_notebook(page, served, name):
    """Open a notebook whose kernel answers."""
    page.goto(f"{served[1]}/lab/tree/{name}?token=a-token&reset")
    page.wait_for_selector(".jp-Notebook", timeout=120_000)
    page.wait_for_function(READY, timeout=120_000)


def run_all(page):
    """Run all cells of the open notebook; none ends in an error."""
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
    page.wait_for_function(DONE, timeout=300_000)
    assert page.evaluate(ERRORS) == []


def save(page):
    """Save the open notebook."""
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")


def test_a_stage_run_and_saved_is_as_it_was(page, served):
    """Run All and save change nothing that git or DVC look at.

    Nobody is asked about news, and nothing is warned of.
    """
    project, _, log = served
    notebook = project / "notebooks/split.ipynb"
    before = notebook.read_bytes()
    open_notebook(page, served, "notebooks/split.ipynb")
    run_all(page)
    assert page.locator(".jp-OutputArea-output img").count()
    saved = notebook.stat().st_mtime_ns
    save(page)
    assert notebook.stat().st_mtime_ns > saved
    assert notebook.read_bytes() == before
    assert git(project, "status", "--porcelain") == ""
    assert not (project / "data/test.parquet").exists()
    assert (project / "scratch/data/train.parquet").exists()
    assert page.locator(".Toastify__toast").count() == 0
    assert "Overriding" not in log.read_text()


def test_chats_are_explored(page, served):
    """Chats are selected on the map by mouse, by keys and by category, a rule is tried; nothing that git sees changes."""
    project, _, _ = served
    open_notebook(page, served, "notebooks/explore/chats.ipynb")
    run_all(page)
    chat_map = page.locator(".chat-map")
    canvas, said = chat_map.locator("canvas"), chat_map.locator("[aria-live]")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    left, top, right, bottom = (box["x"] + 2, box["y"] + 2, box["x"] + box["width"] - 2, box["y"] + box["height"] - 2)
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()
    count = int(said.inner_text().split(" of ")[1].split()[0])
    assert said.inner_text() == f"{count} of {count} chats selected."
    page.locator(".jupyter-widgets .chats tbody tr").nth(49).wait_for()
    canvas.press("ArrowRight")
    assert 0 < int(said.inner_text().split()[0]) < count
    page.wait_for_function("() => document.querySelectorAll('.jupyter-widgets .chats tbody tr').length < 50")
    canvas.press("Escape")
    assert said.inner_text() == f"0 of {count} chats selected."
    chat_map.get_by_role("button", name="urgent").click()
    page.wait_for_function(
        """() => { const rows = [...document.querySelectorAll('.jupyter-widgets .chats tbody tr')];
        return rows.length > 0 && rows.every(row => row.cells[1].innerText === 'urgent'); }"""
    )
    page.get_by_label("If a chat has").fill("card")
    page.get_by_text("Catches", exact=False).last.wait_for()
    page.get_by_label("If a chat has").fill("card(")
    page.get_by_text("Got the pattern 'card('", exact=False).wait_for()
    save(page)
    assert git(project, "status", "--porcelain") == ""


def test_an_own_notebook_is_saved_without_outputs(page, served):
    """Its code and prose stay."""
    project, _, _ = served
    notebook = project / "notebooks/own.ipynb"
    write_notebook(notebook, ["1 + 1"], "# Kept")
    open_notebook(page, served, "notebooks/own.ipynb")
    run_all(page)
    assert page.locator(".jp-OutputArea-output").inner_text() == "2"
    save(page)
    saved = json.loads(notebook.read_text())
    assert [cell["source"] for cell in saved["cells"]] == [["1 + 1"], ["# Kept"]]
    assert (saved["cells"][0]["outputs"], saved["cells"][0]["execution_count"]) == ([], None)
    assert saved["metadata"]["language_info"] == {"name": "python"}
    notebook.unlink()


def test_the_playground_follows_each_key(page, served):
    """Typing changes what the model says, and a button what is typed."""
    from playwright.sync_api import expect

    open_notebook(page, served, "notebooks/explore/playground.ipynb")
    run_all(page)
    assert page.locator(".playground").count() == 2
    subject, likeliest = page.get_by_label("Subject").first, page.locator(".playground tr.first td").first
    body = page.get_by_label("Body").first
    assert likeliest.inner_text() == "urgent"
    body.fill("")
    subject.fill("")
    subject.press_sequentially("Never mind, thank you for the newsletter")
    expect(likeliest).to_have_text("other")
    subject.fill("I lost my card")
    expect(likeliest).to_have_text("urgent")  # the kernel has it
    page.get_by_role("button", name="lost → found").first.click()
    expect(subject).to_have_value("I found my card")
    save(page)
    assert git(served[0], "status", "--porcelain") == ""


def test_numbers_stand_on_the_right_and_text_on_the_left(page, served):
    """In every table, whatever its index."""
    cells = ["%load_ext chatkit.explore", TABLE, TABLE + '.set_index(["message", "n"])']
    write_notebook(served[0] / "notebooks/tables.ipynb", cells)
    open_notebook(page, served, "notebooks/tables.ipynb")
    run_all(page)
    aligned = "cells => cells.map(cell => [cell.textContent.trim(), getComputedStyle(cell).textAlign])"
    first, second = page.locator("table.dataframe").all()
    shown = dict(first.locator("td, thead th:not(:empty)").evaluate_all(aligned))
    assert {name: shown[name] for name in ("message", "a text", "n", "5", "why", "because")} == {
        "message": "left", "a text": "left", "n": "right", "5": "right", "why": "left", "because": "left"
    }  # fmt: skip
    assert dict(second.locator("td").evaluate_all(aligned)) == {"because": "left", "0.5": "right"}
    (served[0] / "notebooks/tables.ipynb").unlink()


def press(page, frame, keys):
    """Press keys in the frame in which chats are labelled, each when the chat before it is answered."""
    from playwright.sync_api import expect

    for key in keys:
        turn = frame.get_attribute("data-turn")
        page.keyboard.press(key)
        expect(frame).not_to_have_attribute("data-turn", turn)


def kill_kernel(page):
    """Kill the kernel of the open notebook: it has no time for anything."""
    asked = "{code: '', user_expressions: {pid: '__import__(\"os\").getpid()'}}"
    kernel = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
    reply = page.evaluate(
        f"async () => (await {kernel}.requestExecute({asked}).done).content.user_expressions.pid.data"
    )
    os.kill(int(reply["text/plain"]), signal.SIGKILL)


def test_chats_are_labelled_by_keyboard_and_learned_from(page, served):
    """No key is lost when the kernel is killed; what is skipped, taken back or not sure is no label."""
    from chatkit.data.load import write_sqlite
    from chatkit.data.log import latest_relabels
    from chatkit.data.simulate import simulate
    from chatkit.data.warehouse import extract

    project, _, _ = served
    chats = simulate(322)[0]
    new = chats.loc[300:, ["id", "subject", "body"]]
    for key in ("x1", "x2"):
        new.loc[len(chats) + len(new)] = [key, "<i>Where</i>", "<b>Where</b>\nis my new umbrella insurance contract?"]
    write_table(new, project / "data/new.csv")
    notebook, log = project / "notebooks/explore/label.ipynb", f"sqlite:///{project}/data/labels/labels.sqlite"
    before = notebook.read_text()
    notebook.write_text(before.replace("file = None", 'file = \\"data/new.csv\\"'))
    frame = page.locator(".chatkit-label")

    def start():
        open_notebook(page, served, "notebooks/explore/label.ipynb")
        run_all(page)
        frame.locator(".top").click()

    def relabels():
        return latest_relabels(log, pd.Timestamp.now("UTC").isoformat())

    start()
    assert frame.locator(".chat i, .chat b, .guess").count() == 0
    assert frame.locator(".keys button").all_inner_texts()[4].split() == ["5", "urgent"]
    press(page, frame, ["1", "2", "3", "4", "5", "1", "2", "3", "ArrowRight", "0", " "])
    assert frame.locator(".guess .why").count() == 1
    shown = frame.locator(".body").inner_text()
    press(page, frame, ["5", "Backspace"])
    assert frame.locator(".body").inner_text() == shown
    assert (relabels()["category"] != "").sum() == 8
    press(page, frame, ["4", "1"])
    kill_kernel(page)
    assert (relabels()["category"] != "").sum() == 10
    start()
    assert "10 labelled" in frame.locator(".done").inner_text()
    together = 0
    while frame.locator(".chat").count():
        if frame.locator(".alike li").count():
            page.keyboard.press("+")
            together += 1
        press(page, frame, "2")
    assert together == 1
    warehouse, out = f"sqlite:///{project}/data/chats.sqlite", project / "data/next.parquet"
    write_sqlite(warehouse, chats[:300])
    facts = extract(warehouse, project / "queries/chats.sql", None, out, relabels=relabels())
    assert (facts["relabels"]["added"], facts["rows"]) == (23, 323), "all but the one of which nobody was sure"
    notebook.write_text(before)
    assert git(project, "status", "--porcelain") == ""
