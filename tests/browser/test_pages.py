"""The report pages in a real browser: on a phone and on a desk, in light and in dark."""

import base64
import io
import json
import shutil

import pandas as pd
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from chatkit.data.files import file_sha256
from chatkit.site.index import write_index
from chatkit.site.page import render

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE, DESK = (390, 844), (1440, 900)
STAGES = ["query", "split", "train", "evaluate", "overfitting"]
LONG = "unbroken" * 40

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on the PATH")


def executed_notebook():
    """Everything that is hard to lay out."""
    figure = Figure(figsize=(6.4, 4))
    figure.subplots().plot([1000, 5000, 13000], [0.7, 0.83, 0.87])
    png = io.BytesIO()
    figure.savefig(png, dpi=200)
    wide = pd.DataFrame([[row * column / 7 for column in range(20)] for row in range(5)])
    texts = pd.DataFrame({"subject": ["lost card", LONG], "body": ["Where is my card? " * 20, LONG]})
    outputs = [new_output("execute_result", {"text/html": frame._repr_html_()}) for frame in (wide, texts, wide.T)]
    outputs += [
        new_output("stream", name="stdout", text=f"macro-F1 0.871\n{LONG}\n"),
        new_output("stream", name="stderr", text=f"UserWarning: {LONG}\n"),
        new_output(
            "display_data",
            {"image/png": base64.b64encode(png.getvalue()).decode()},
            metadata={"image/png": {"alt": "Macro-F1 rises from 0.70 to 0.87.", "width": 614, "height": 384}},
        ),
        new_output("error", ename="ValueError", evalue=LONG, traceback=[f"\x1b[31m{LONG}\x1b[0m"]),
    ]
    parameters = [
        new_code_cell(f'names = p["names"]  # {LONG}', metadata={"tags": ["parameters"]}),
        new_code_cell(f'names = ["{LONG}", 1]', metadata={"tags": ["injected-parameters"]}),
    ]
    sections = [new_markdown_cell(f"## Section {n}\n\n" + "A sentence of prose. " * 60) for n in range(9)]
    return new_notebook(
        cells=[
            new_markdown_cell(f"# How good is the model?\n\nText with `{LONG}` and {LONG}."),
            *parameters,
            new_markdown_cell(f"## Results {LONG}\n\n| a | b |\n|---|---|\n| {LONG} | {LONG} |\n\n> {LONG}"),
            new_code_cell("total = 1" + " + 1" * 100, outputs=outputs),
            *sections,
        ]
    )


def write_checks(root, checks):
    """Checks of the chats that are there and of a model with a macro-F1 of 0.87."""
    made_from = [{"path": "data/chats.json", "sha256": file_sha256(root / "data/chats.json")}]
    found = {"test_macro_f1": 0.87, "checks": checks, "made_from": made_from}
    (root / "metrics/overfitting.json").write_text(json.dumps(found))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """reports/ with the pages of two stages and the overview."""
    root = tmp_path_factory.mktemp("site")
    for folder in ("reports", "metrics", "data"):
        (root / folder).mkdir()
    stages = {stage: {"cmd": f"chatkit run {stage}"} for stage in STAGES}
    (root / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    (root / "params.yaml").write_text(json.dumps({"split": {"names": [LONG] * 3, LONG: 1}}))
    scores = {"macro_f1": 0.87, "accuracy": 0.89, "classifier": LONG, "baselines": {"rules": {"macro_f1": 0.5}}}
    (root / "metrics/evaluate.json").write_text(json.dumps(scores))
    check = {"code": "OF1", "title": LONG, "status": "not_run", "explanation": LONG}
    (root / "data/chats.json").write_text(json.dumps({"rows": 9, "rows_sha256": "9f" * 32, "warehouse": LONG}))
    write_checks(root, [check])
    for stage in ("split", "evaluate"):
        page = render(executed_notebook(), stage, STAGES)
        (root / "reports" / f"{stage}.html").write_text(page, encoding="utf-8")
    return write_index(root).parent


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def size(request):
    return request.param


@pytest.fixture(params=["light", "dark"])
def tab(request, size, browser):
    """An open tab that remembers what it asked for and what it complained about."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=request.param, reduced_motion="reduce"
    )
    tab = context.new_page()
    tab.requests, tab.complaints = [], []
    tab.on("request", lambda asked: tab.requests.append(asked.url))
    tab.on("console", lambda message: tab.complaints.append(message.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    yield tab
    context.close()


@pytest.mark.parametrize("name", ["evaluate", "index"])
def test_page_fits_and_keeps_to_itself(tab, site, name):
    """No sideways scrolling of the page, no request but for files, no complaint, also with all code open."""
    tab.goto((site / f"{name}.html").as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    tab.wait_for_timeout(100)
    width, room = tab.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= room
    assert tab.requests
    assert all(url.startswith(("file://", "data:")) for url in tab.requests), tab.requests
    assert tab.complaints == []


def test_contents_lead_to_their_sections(tab, size, site):
    """A click in the contents, beside the text or folded above it, brings the section to the top."""
    tab.goto((site / "evaluate.html").as_uri())
    if size == PHONE:
        assert not tab.get_by_role("link", name="Section 7").is_visible()
        tab.locator("summary", has_text="Contents").click()
    tab.get_by_role("link", name="Section 7").click()
    assert tab.url.endswith("#section-7")
    top = tab.get_by_role("heading", name="Section 7").evaluate("heading => heading.getBoundingClientRect().top")
    assert 0 <= top < 100


def test_pages_lead_to_each_other(tab, site):
    """From the overview to a stage, on to another and back."""
    tab.goto((site / "index.html").as_uri())
    tab.locator(".stages a", has_text="split").click()
    tab.get_by_role("navigation", name="Pages").get_by_role("link", name="evaluate").click()
    tab.get_by_role("navigation", name="Pages").get_by_role("link", name="Overview").click()
    assert tab.url == (site / "index.html").as_uri()


def test_keyboard_reaches_the_text_first(tab, site):
    """The first stop of the keyboard skips the navigation, and every stop shows where it is."""
    tab.goto((site / "evaluate.html").as_uri())
    tab.keyboard.press("Tab")
    skip = tab.locator(":focus")
    assert skip.text_content() == "Skip to the text"
    assert skip.bounding_box()["x"] >= 0
    for _ in range(15):
        tab.keyboard.press("Tab")
        outline = tab.locator(":focus").evaluate("tag => getComputedStyle(tag).outlineStyle")
        assert outline == "solid"


def test_wide_table_scrolls_by_keyboard(tab, site):
    """The arrow keys move a table that is wider than its place."""
    tab.goto((site / "evaluate.html").as_uri())
    table = tab.locator(".html .table").first
    table.focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_timeout(300)  # waiting for a condition would need eval, which the page's policy forbids
    assert table.evaluate("table => table.scrollLeft") > 0


def test_figure_stays_readable(tab, size, site):
    """A figure never shrinks below 480 pixels, nor grows beyond its printed size; in dark it has a white card.

    Where it goes on beyond the edge, the edge fades.
    """
    tab.goto((site / "evaluate.html").as_uri())
    image, figure = tab.locator("figure img"), tab.locator("figure")
    hidden, mask = figure.evaluate("tag => [tag.scrollWidth > tag.clientWidth, getComputedStyle(tag).maskImage]")
    assert hidden == (size == PHONE) == (mask != "none")
    width = image.evaluate("image => image.clientWidth - 2 * parseFloat(getComputedStyle(image).paddingLeft)")
    assert 450 <= width <= 615
    dark = tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground = image.evaluate("image => getComputedStyle(image).backgroundColor")
    assert ground == ("rgb(255, 255, 255)" if dark else "rgba(0, 0, 0, 0)")


def test_paper_shows_the_text_alone(tab, site):
    """Printed, navigation and code are gone and nothing is cut off at the side."""
    tab.goto((site / "evaluate.html").as_uri())
    tab.emulate_media(media="print")
    for selector in ("header.site", ".contents.beside", ".contents.above", "details.code"):
        assert not tab.locator(selector).first.is_visible()
    assert tab.get_by_role("heading", name="How good is the model?").is_visible()
    clipped = "tags => tags.filter(tag => getComputedStyle(tag).overflowX != 'visible').length"
    assert tab.locator(".table, pre, figure").evaluate_all(clipped) == 0
