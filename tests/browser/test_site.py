"""The pages as a site: nothing from outside, valid, for everyone, by keyboard, on paper, and small."""

import json
import re
import unicodedata
import zlib
from collections import Counter

import html5lib
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from chatkit.site.index import write_index
from chatkit.site.page import render
from tests.browser.test_pages import ARGUMENTS, CHROMIUM, DESK, PHONE, STAGES, executed_notebook, write_checks
from tests.conftest import ROOT

MEGABYTE = 1_000_000
PAPER = {"format": "A4", "margin": dict.fromkeys(("top", "right", "bottom", "left"), "15mm")}
SHEET = (round(180 * 96 / 25.4), round(267 * 96 / 25.4))  # CSS pixels between the margins
ADDRESSES = (
    "action archive background cite classid codebase data formaction href icon longdesc manifest ping poster profile "
    "src srcdoc srcset usemap xlink:href"
).split()
STOPS = "[...document.querySelectorAll('a[href], summary, [tabindex]')].filter(tag => tag.checkVisibility())"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on the PATH")


def make_site(root):
    """A project all of whose stages have run, with its overview and its card."""
    from chatkit.checks.result import Result
    from chatkit.checks.suite import CheckReport

    for folder in ("reports", "metrics", "data"):
        (root / folder).mkdir()
    stages = {stage: {"cmd": f"chatkit run {stage}"} for stage in STAGES}
    (root / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    (root / "params.yaml").write_text(json.dumps({"split": {"seed": 0, "strategy": "group"}}))
    (root / "card.yaml").write_text('owner: "The routing team"\n')
    baselines = {"rules": {"macro_f1": 0.5}, "xgboost": {"not_run": "It needs more chats of each category. " * 3}}
    scores = {"classifier": "boosted_linear", "macro_f1": 0.87, "accuracy": 0.89, "log_loss": 0.4}
    intervals = {"intervals": {"macro_f1": [0.86, 0.88]}}
    (root / "metrics/evaluate.json").write_text(json.dumps({**scores, **intervals, "baselines": baselines}))
    evidence = [{"row": 1, "similarity": 0.99, "message": "I lost my card. " * 8}]
    board = CheckReport(
        {
            code: Result(status, "12 of 90 test chats are copies.", 0.1, threshold=0.05, evidence=evidence)
            for code, status in zip(("groups", "duplicates", "drift", "labels"), ("pass", "fail", "warn", "not_run"), strict=True)
        }
    )  # fmt: skip
    (root / "data/chats.json").write_text(json.dumps({"rows": 9, "rows_sha256": "9f" * 32, "warehouse": "sqlite:///a"}))
    write_checks(root, board.to_records())
    shown = new_output("execute_result", {"text/html": board._repr_html_(), "text/plain": str(board)})
    short = [new_markdown_cell("# A stage\n\nTest chats are set aside.\n\n## Two sides")]
    notebooks = dict.fromkeys(STAGES, new_notebook(cells=short)) | {
        "evaluate": executed_notebook(),
        "overfitting": new_notebook(
            cells=[new_markdown_cell("# Overfitting\n\n## Checks"), new_code_cell("run_checks()", outputs=[shown])]
        ),
    }
    for stage, notebook in notebooks.items():
        (root / "reports" / f"{stage}.html").write_text(render(notebook, stage, STAGES), encoding="utf-8")
    return write_index(root).parent


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module", params=["made for the test", "the project's own"])
def site(request, made):
    """A folder with pages: a made one, and what the stages have left here where they have run."""
    if request.param == "made for the test":
        return made
    if not (ROOT / "reports" / "card.html").is_file():
        pytest.skip("reports/ has no model card; make the pages with `dvc repro`")
    return ROOT / "reports"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(browser):
    """A tab in which axe may run: the pages' own policy forbids every script."""
    context = browser.new_context(bypass_csp=True, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def pages(site):
    """The pages of a site; those of a stage that failed are no part of it."""
    return sorted(page for page in site.glob("*.html") if not page.name.endswith(".failed.html"))


def outside(html):
    """Everything in a page that leads or loads from anywhere but the site's folder and the page itself."""
    soup = BeautifulSoup(html, "html.parser")
    local = re.compile(r"data:image/[\w.+-]+;base64,[\w+/=]*|data:,|[\w%-][\w.%-]*(#.*)?|#.+")
    found = [
        f"{tag.name} {name}={tag[name][:80]}"
        for tag in soup(True)
        for name in ADDRESSES
        if tag.has_attr(name) and not local.fullmatch(tag[name])
    ]
    css = [("style", tag.get_text()) for tag in soup("style")] + [(tag.name, tag["style"]) for tag in soup(style=True)]
    found += [
        f"{where} {hit}" for where, text in css for hit in re.findall(r"url\([^)]*\)|@import[^;]*|image-set\(", text)
    ]
    refresh = soup.find_all("meta", attrs={"http-equiv": re.compile("refresh", re.IGNORECASE)})
    return found + [str(tag) for tag in refresh] + [str(tag)[:80] for tag in soup(["script", "iframe", "base"])]


def dead_links(site):
    """Links of a site's pages whose page or section does not exist."""
    soups = {page.name: BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser") for page in pages(site)}
    ids = {name: {tag["id"] for tag in soup(id=True)} for name, soup in soups.items()}
    found = []
    for name, soup in soups.items():
        for link in soup("a", href=True):
            page, _, place = link["href"].partition("#")
            if (page or name) not in ids or (place and place not in ids[page or name]):
                found.append(f"{name}: {link['href']}")
    return found


def complaints(tab, page):
    """What axe finds on a page with everything unfolded, on a phone and a desk, in light and dark."""
    from axe_playwright_python.sync_playwright import Axe

    tab.goto(page.as_uri())
    # axe sees neither through the shadow at a table's edge nor what is scrolled out of a box; both are taken away.
    tab.add_style_tag(content=".table, pre { background-image: none !important; overflow: visible !important; }")
    tab.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    tab.evaluate(Axe().axe_script)  # once a page: its run() would read the script again each time
    found = []
    for width, height in (PHONE, DESK):
        tab.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            # Only colours differ in the dark.
            only = ", runOnly: ['color-contrast']" if scheme == "dark" else ""
            response = tab.evaluate(f"axe.run({{resultTypes: ['violations', 'incomplete']{only}}})")
            found += [
                f"{page.name}, {width} px, {scheme}: {rule['id']}, {rule['nodes'][0]['html'][:120]}"
                for rule in response["violations"] + response["incomplete"]
                # No doubt counts but that about contrast: axe has it wherever a cell is wider than the screen.
                if rule in response["violations"] or rule["id"] != "color-contrast"
            ]
    return found


def characters(pdf):
    """The characters of a PDF that chromium wrote, as its fonts spell them; a picture of a text has none."""
    objects = dict(re.findall(rb"(\d+) 0 obj\s(.*?)\sendobj", pdf, re.DOTALL))

    def stream(number):
        head, _, data = objects[number].partition(b"stream")
        return zlib.decompressobj().decompress(data.lstrip(b"\r\n")) if b"/FlateDecode" in head else b""

    fonts = {}
    for number, content in objects.items():
        if to_unicode := re.search(rb"/ToUnicode (\d+) 0 R", content):
            fonts[number] = _spelling(stream(to_unicode[1]))
    found = []
    for number, content in objects.items():
        if b"stream" in content:
            for font, text in re.findall(rb"/F(\d+) [\d.]+ Tf(.*?)ET", stream(number), re.DOTALL):
                for glyphs in re.findall(rb"<([0-9A-Fa-f]+)>", text):
                    codes = [int(glyphs[i : i + 4], 16) for i in range(0, len(glyphs), 4)]
                    found += [fonts[font].get(code, "") for code in codes]
    return _letters("".join(found))


def _letters(text):
    """How often each character stands in a text, spaces aside; ligatures count as their letters."""
    return Counter("".join(unicodedata.normalize("NFKC", text).split()))


def _spelling(cmap):
    """Text by glyph, from a font's table of characters."""
    spelling = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        for code, text in re.findall(rb"<(\w+)>\s*<(\w+)>", block):
            spelling[int(code, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        for low, high, text in re.findall(rb"<(\w+)>\s*<(\w+)>\s*<(\w+)>", block):
            for code in range(int(low, 16), int(high, 16) + 1):
                spelling[code] = chr(int(text, 16) + code - int(low, 16))
    return spelling


def lost_on_paper(tab, page):
    """Characters that a page shows for print and its PDF lacks, and boxes that stick out of the sheet."""
    tab.emulate_media(media="print", color_scheme="light")
    tab.set_viewport_size({"width": SHEET[0], "height": SHEET[1]})
    tab.goto(page.as_uri())
    # Spaces stand for themselves between words only, and a list's marks are no text of the page.
    shown = _letters(tab.evaluate("document.body.innerText"))
    boxes = tab.evaluate(
        f"""[...document.querySelectorAll('main *')].filter(tag => tag.checkVisibility()).filter(tag => {{
            const box = tag.getBoundingClientRect();
            return box.right > {SHEET[0]} + 1 || tag.tagName == 'IMG' && box.height > {SHEET[1]};
        }}).map(tag => tag.outerHTML.slice(0, 80))"""
    )
    # Which pictures a machine's fonts have is not the page's doing.
    missing = {
        character: count
        for character, count in (shown - characters(tab.pdf(**PAPER))).items()
        if ord(character) < 0x1F000  # emoji; marks such as ✓ must be there
    }
    tab.emulate_media(media="screen")
    return boxes + [f"{count} × {character}" for character, count in missing.items()]


def size(site):
    """Bytes of all pages."""
    return sum(page.stat().st_size for page in pages(site))


def test_no_page_leads_outside(site):
    """Neither a link nor anything that loads: attributes, CSS, refresh, scripts and frames."""
    assert pages(site)
    assert {page.name: outside(page.read_text(encoding="utf-8")) for page in pages(site)} == {
        page.name: [] for page in pages(site)
    }


def test_every_link_arrives(site):
    """Every page and every section that a link names exists, the model card among them."""
    assert {"index.html", "card.html"} <= {page.name for page in pages(site)}
    assert dead_links(site) == []


def test_every_page_is_valid_html(site):
    """A strict HTML5 parser finds no fault."""
    for page in pages(site):
        parser = html5lib.HTMLParser()
        parser.parse(page.read_text(encoding="utf-8"))
        assert parser.errors == [], page.name


def test_axe_finds_nothing_wrong(site, tab):
    """axe-core has no complaint about any page."""
    assert [complaint for page in pages(site) for complaint in complaints(tab, page)] == []


def test_keyboard_goes_through_every_page_in_order(site, tab):
    """Tab reaches all that can be used, from top to bottom, and each stop is in sight with a ring around it."""
    tab.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    for page in pages(site):
        tab.goto(page.as_uri())
        expected = tab.evaluate(f"(window.stops = {STOPS}).length")
        reached = []
        for _ in range(expected):
            tab.keyboard.press("Tab")
            stop, ring, seen = tab.evaluate(
                """(() => {
                    const tag = document.activeElement, look = getComputedStyle(tag), box = tag.getBoundingClientRect();
                    const ring = look.outlineStyle == 'solid' && parseFloat(look.outlineWidth) >= 2;
                    const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
                    return [stops.indexOf(tag), ring, seen];
                })()"""
            )
            reached.append(stop)
            assert ring, (page.name, stop)
            assert seen, (page.name, stop)
        assert reached == list(range(expected)), page.name


def test_paper_loses_nothing(site, tab):
    """Printed, every page is text, complete, and no figure or table sticks out of the sheet."""
    assert {page.name: lost_on_paper(tab, page) for page in pages(site)} == {page.name: [] for page in pages(site)}


def test_all_pages_together_are_small(site):
    """At most two megabytes for the reports of a default run."""
    assert 0 < size(site) <= 2 * MEGABYTE


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ('<p><img src="data:,"></p>', "image-alt"),
        ('<p style="color: #888">pale</p>', "color-contrast"),
        (
            '<div class="table"><table><tr><th>a</th><td style="color: #888">pale</td></tr></table></div>',
            "color-contrast",
        ),
        ("<table><tr><th>a</th><th>b</th></tr></table>", "th-has-data-cells"),
        ('<div tabindex="0" role="region">no name</div><main>two</main>', "landmark-no-duplicate-main"),
        ("<h6>Deep</h6>", "heading-order"),
    ],
)
def test_axe_sees_a_planted_fault(made, tab, tmp_path, fault, found):
    """A fault in a page that was fine is found, so silence means something."""
    page = tmp_path / "planted.html"
    page.write_text((made / "split.html").read_text(encoding="utf-8").replace("</main>", f"{fault}</main>"))
    assert {complaint.split(": ")[1].split(",")[0] for complaint in complaints(tab, page)} >= {found}


@pytest.mark.parametrize(
    "fault",
    [
        '<a href="https://example.org">there</a>',
        '<a href="//example.org">there</a>',
        '<a href="/etc/hosts">there</a>',
        '<a href="../a.html">there</a>',
        '<img srcset="a.png 1x, https://example.org/a.png 2x" alt="words">',
        '<form action="https://example.org"></form>',
        '<video poster="https://example.org/a.png"></video>',
        '<object data="https://example.org/a"></object>',
        '<p style="background: url(https://example.org/a.png)">text</p>',
        '<style>@import "https://example.org/a.css";</style>',
        '<meta http-equiv="Refresh" content="0; https://example.org">',
        '<script src="a.js"></script>',
    ],
)
def test_an_outside_address_is_seen(made, fault):
    """Each way out of the site is found, and only it."""
    html = (made / "index.html").read_text(encoding="utf-8")
    assert outside(html) == []
    assert len(outside(html.replace("</main>", f"{fault}</main>"))) >= 1


def test_a_dead_link_is_seen(tmp_path):
    """A page that is missing, and a section that is."""
    (tmp_path / "index.html").write_text('<a href="card.html">there</a><a href="#a">a</a><a id="b" href="#b">b</a>')
    assert dead_links(tmp_path) == ["index.html: card.html", "index.html: #a"]


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ('<div style="white-space: nowrap">' + "Ω " * 300 + "</div>", "× Ω"),
        ('<div style="width: 900px">wide</div>', "<div"),
        ('<img alt="" style="height: 1200px; max-height: none; width: 9px" src="data:,">', "<img"),
    ],
)
def test_what_paper_loses_is_seen(made, tab, tmp_path, fault, found):
    """A line that runs off the sheet, a box that is wider, a figure that is taller."""
    page = tmp_path / "planted.html"
    page.write_text((made / "split.html").read_text(encoding="utf-8").replace("</main>", f"{fault}</main>"))
    assert [lost for lost in lost_on_paper(tab, page) if found in lost]


def test_size_counts_every_page(tmp_path):
    """All pages of a folder, nothing else in it."""
    for name in ("a.html", "b.html", "c.ipynb", "d.failed.html"):
        (tmp_path / name).write_bytes(b"x" * 1000)
    assert size(tmp_path) == 2000
