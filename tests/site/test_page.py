"""The report page of a stage."""

import base64
import copy
import hashlib
import io
import os
import re
import subprocess
import sys

import html5lib
import matplotlib as mpl
import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from chatkit.project import InputError, root
from chatkit.site.page import TEMPLATE, fill, outline, render

STAGES = ["query", "split", "train", "evaluate", "overfitting"]
HOSTILE = "<script>alert('x')</script> & \"quoted\" https://example.org //example.org"


def png(dpi=200):
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([1, 2, 4])
    file = io.BytesIO()
    figure.savefig(file, dpi=dpi, metadata={"Software": None})
    return base64.b64encode(file.getvalue()).decode()


def picture(**about):
    return new_output("display_data", {"image/png": png()}, metadata={"image/png": about})


def shown(thing):
    data = {"text/plain": repr(thing)}
    if hasattr(thing, "_repr_html_"):
        with pd.option_context("display.max_colwidth", None):
            data["text/html"] = thing._repr_html_()
    return new_output("execute_result", data, execution_count=1)


def code(source, *outputs, tag=None):
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": [tag] if tag else []})


def prose(source):
    return new_markdown_cell(source)


def page(*cells):
    return render(new_notebook(cells=list(cells)), "evaluate", STAGES)


def soup(*cells):
    return BeautifulSoup(page(*cells), "html.parser")


def everything():
    """One cell of every kind."""
    frame = pd.DataFrame({"f1": [0.9, None], "body": [HOSTILE, "x" * 80]}, index=["urgent", "other"])
    return [
        prose("# How good is it?\n\nIt is *good*, see [the split](split.html) and `https://example.org`."),
        code('p = load("evaluate")\nseed = p["seed"]  # of every draw', tag="parameters"),
        code("# Parameters\nseed = 7\n", tag="injected-parameters"),
        prose(
            "## Scores\n\n| a | b |\n|---|--:|\n| x | 1 |\n\n```python\nfit(X)\n```\n\n```\nplain\n```\n\n- one\n- two"
        ),
        code("frame\n" + "y = 1 + " * 60 + "1", shown(frame.rename_axis("category"))),
        code("print()", new_output("stream", name="stdout", text=HOSTILE)),
        code("warn()", new_output("stream", name="stderr", text=HOSTILE)),
        code("plot()", picture(alt="A line that rises from 1 to 4.")),
        code("1/0", new_output("error", ename="Error", evalue=HOSTILE, traceback=["\x1b[31m" + HOSTILE])),
    ]


def test_page_is_valid_html():
    """A strict HTML5 parser finds no fault in a page with a cell of every kind."""
    parser = html5lib.HTMLParser()
    parser.parse(page(*everything()))
    assert parser.errors == []


def test_page_leads_nowhere_outside():
    """No attribute of a page holds an outside address, though its texts speak of some."""
    html = page(*everything())
    assert "https://example.org" in html
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    for element in tree.iter():
        for name, value in element.attrib.items():
            assert not re.match(r"\s*([a-z]+:)?//", value), (element.tag, name, value)
    style = tree.find(".//style").text
    assert "url(" not in style
    assert "@import" not in style


def test_policy_forbids_what_the_page_does_not_carry():
    """The content security policy allows embedded images and the very style of the page, nothing else."""
    html = soup(*everything())
    policy = html.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"].split("; ")
    digest = base64.b64encode(hashlib.sha256(html.style.string.encode()).digest()).decode()
    assert policy == [
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_same_notebook_gives_the_same_bytes_and_stays_as_it_is():
    """Rendering twice gives equal pages and does not touch the notebook."""
    notebook = new_notebook(cells=everything())
    before = copy.deepcopy(notebook)
    assert render(notebook, "evaluate", STAGES) == render(notebook, "evaluate", STAGES)
    assert notebook == before


def test_another_process_and_folder_give_the_same_bytes(tmp_path):
    """Neither the hash seed nor the current folder shows in a page."""
    notebook = new_notebook(cells=everything())
    nbformat.write(notebook, tmp_path / "a.ipynb")
    script = (
        "import sys, nbformat; from chatkit.site.page import render; "
        f"sys.stdout.reconfigure(encoding='utf-8'); "
        f"print(render(nbformat.read('a.ipynb', 4), 'evaluate', {STAGES}), end='')"
    )
    other = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "12"},
        capture_output=True,
        check=True,
    )
    html = render(notebook, "evaluate", STAGES)
    assert other.stdout.decode() == html
    assert str(root()) not in html
    assert str(tmp_path) not in html


@pytest.mark.parametrize(
    "cell",
    [
        code("plot()", picture()),
        code("plot()", picture(alt=" ")),
        code("HTML(...)", new_output("display_data", {"text/html": "<img src='a.png'>"})),
        prose("![](a.png)"),
    ],
    ids=["figure", "blank", "html", "markdown"],
)
def test_image_without_words_is_refused(cell):
    """An image that says nothing to those who cannot see it stops the page; the error names the cell."""
    with pytest.raises(InputError, match=r"Cell 2 shows an image without alt text; give the figure"):
        page(prose("# Title"), cell)


def test_figure_carries_its_words_and_its_printed_size():
    """A figure keeps its alt text and is shown at the size that it comes with, whatever its resolution."""
    image = soup(code("plot()", picture(alt='From "1" to <4>', width=288, height=192))).select_one("figure img")
    assert image["alt"] == 'From "1" to <4>'
    assert (image["width"], image["height"]) == ("288", "192")


def test_parameters_are_a_table_of_name_value_and_meaning():
    """Values come from this run, meanings from the notebook's comments; neither cell is shown as code."""
    defaults = (
        'p = parameters("split")  # today\'s values\n'
        'test_size = p["test_size"]  # share kept for testing\n'
        'names = p["names"]  # hashes # in comments stay\n'
        'plain = p["plain"]\n'
    )
    used = "# Parameters\nplain = None\ntest_size = 0.25\nnames = [\n    'é',\n    True,\n]\n"
    html = soup(code(defaults, tag="parameters"), code(used, tag="injected-parameters"), code("run()"))
    rows = [[cell.get_text() for cell in row(["th", "td"])] for row in html.select(".facts tr")]
    assert rows == [
        ["Name", "Value", "Meaning"],
        ["test_size", "0.25", "share kept for testing"],
        ["names", '["é", true]', "hashes # in comments stay"],
        ["plain", "null", ""],
    ]
    assert [cell.get_text().strip() for cell in html.select(".highlight")] == ["run()"]


def test_parameters_of_a_notebook_run_by_hand_show_where_they_come_from():
    """Without injected values the defaults stand in the table: literals as values, the rest as code."""
    html = soup(code('a = p["a"]  # first\nb = "text"  # second\nimport os\nc = 3', tag="parameters"))
    rows = [[cell.get_text() for cell in row(["th", "td"])] for row in html.select(".facts tbody tr")]
    assert rows == [["a", 'p["a"]', "first"], ["b", "text", "second"], ["c", "3", ""]]


def test_stage_without_parameters_shows_neither_table_nor_code():
    """A parameters cell that declares nothing leaves no trace."""
    html = soup(code('p = parameters("train")', tag="parameters"))
    assert not html.main("table")
    assert not html.main("details")


def test_contents_are_the_headings():
    """Every heading but the title is listed in order, with an id of its own, also where texts repeat; outputs have none."""
    cells = [
        prose("# The title\n\n## Scores\n\n### Größe & *more*\n\n## Scores"),
        prose("Text.\n\n## Cell 1\n\n## !\n\n## Main"),
        code("HTML()", new_output("display_data", {"text/html": "<h2 id='scores'>Not prose</h2>"})),
        code("Markdown()", new_output("display_data", {"text/markdown": "# Nor this"})),
    ]
    html = soup(*cells)
    headings = [(h["id"], h.get_text()) for h in html.main(["h1", "h2", "h3"], id=True)]
    assert [text for _, text in headings] == ["Scores", "Größe & more", "Scores", "Cell 1", "!", "Main"]
    for contents in html.select(".contents ol"):
        links = [(a["href"].removeprefix("#"), a.get_text()) for a in contents("a")]
        assert links == headings
    read = outline(new_notebook(cells=cells))
    assert [(heading["id"], heading["text"]) for heading in read["contents"]] == headings
    assert (read["title"], read["summary"]) == ("The title", "Text.")
    ids = [tag["id"] for tag in html(id=True)]
    assert len(set(ids)) == len(ids)
    assert html.h1.get_text() == "The title"
    assert html.title.get_text() == "The title · chatkit"


def test_page_without_headings_is_titled_by_its_stage():
    """A notebook without any heading still gets a title, and no empty list of contents."""
    html = soup(prose("Text."))
    assert html.h1.get_text() == "evaluate"
    assert not html.select(".contents")


def test_hostile_text_stays_text():
    """Markup in tables, outputs, errors, parameters, titles and alt texts is shown, never obeyed."""
    cells = [
        *(cell for cell in everything() if not cell.metadata.get("tags")),
        code(f"a = {HOSTILE!r}  # {HOSTILE}", tag="parameters"),
        code("plot()", picture(alt=HOSTILE)),
        prose(f"## `{HOSTILE}`"),
    ]
    html = soup(*cells)
    assert not html("script")
    where = (
        "td",
        ".stdout",
        ".stderr pre",
        ".error p",
        ".error pre",
        ".facts td:last-child",
        ".facts code",
        ".contents a",
        "h2",
    )
    for selector in where:
        assert any(HOSTILE in tag.get_text() for tag in html.select(selector)), selector
    assert any(image["alt"] == HOSTILE for image in html("img"))


@pytest.mark.parametrize(
    "source",
    [
        "[there](https://example.org/a)",
        "https://example.org/a",
        "![words](//example.org/a.png)",
        "<img src='\\\\example.org\\a.png' alt='words'>",
        "<img srcset='a.png 1x, https://example.org/a.png 2x' alt='words'>",
        "<video poster='ht\ntps://example.org/a.png'></video>",
        "[there](javascript:alert)",
        "[there](/etc/hosts)",
        "[there](a/../../hosts)",
        "[there](file:///etc/hosts)",
        "<svg><use xlink:href='https://example.org/a.svg'/></svg>",
        "<img src='data:text/html,a' alt='words'>",
    ],
)
def test_outside_address_is_refused(source):
    """What would lead or load from outside the page's folder stops the page; the error names the cell."""
    with pytest.raises(InputError, match=r"^Cell 1 has \w+(:href)?='.*write the address as plain text"):
        page(prose(source))


@pytest.mark.parametrize("address", ["split.html", "split.html#a-b", "#größe", "img/a%20b.png"])
def test_address_inside_the_site_is_kept(address):
    """Links to other pages and sections work."""
    assert soup(prose(f'<a href="{address}">there</a>')).main.find("a", href=address)


def test_tables_say_what_their_headers_head():
    """Headers have a scope, empty corners are no headers, and pandas' looks are gone."""
    frame = pd.DataFrame({"f1": [0.5, 0.25], "note": ["a", "b"]}, index=["urgent", "other"])
    html = soup(prose("## Scores"), code("frame", shown(frame.rename_axis("category")), shown(frame)))
    named, plain = html("table")
    assert [th.get_text() for th in named.thead("th")] == ["category", "f1", "note"]
    assert [th["scope"] for th in named("th")] == ["col"] * 3 + ["row"] * 2
    assert plain.thead.td.get_text() == ""
    assert [cell.get_text() for cell in named.select(".number")] == ["f1", "0.50", "0.25"]
    for tag in (named, plain, *named(True), *plain(True)):
        assert not {"border", "style"} & set(tag.attrs)
    assert named.parent["tabindex"] == "0"
    assert [table.parent["aria-label"] for table in html("table")] == ["Table 1: Scores", "Table 2: Scores"]


def test_tables_with_levels_say_what_their_groups_head():
    """A header over several columns or rows heads a group; names of columns and index stay apart."""
    columns = pd.MultiIndex.from_product([["train", "test"], ["low", "high"]], names=["side", "end"])
    index = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")], names=["one", "two"])
    table = soup(code("frame", shown(pd.DataFrame(1, index=index, columns=columns)))).table
    assert [th.get_text() for th in table(scope="colgroup")] == ["train", "test"]
    assert [th.get_text() for th in table(scope="rowgroup")] == ["a"]
    assert [cell.get_text() for cell in table("tr")[2](["th", "td"])] == ["one", "two", "", "", "", ""]
    assert [len(row.select(".number")) for row in table.tbody("tr")] == [4, 4]


def test_output_that_needs_a_script_is_shown_as_text():
    """A pipeline's diagram would be dead and unstyled: its plain text is shown instead."""
    html = soup(code("pipeline", shown(make_pipeline(LogisticRegression(C=2)))))
    assert "LogisticRegression(C=2)" in html.select_one(".stdout").get_text()
    assert not html("style")[1:]


def test_outputs_bring_no_look_of_their_own():
    """Style sheets, inline styles and frames of an output are dropped; its text stays."""
    styled = "<style>p {color: red}</style><p style='color: red'>Red</p><iframe srcdoc='x'></iframe>"
    html = soup(code("HTML()", new_output("display_data", {"text/html": styled})))
    assert html.select_one(".html p").get_text() == "Red"
    assert not html.main(style=True)
    assert not html.main(["style", "iframe"])


def test_code_is_folded_and_messages_are_not():
    """Code waits in a closed box; what went to stderr and errors are in sight, without terminal colours."""
    html = soup(*everything())
    assert html.select("details.code")
    assert not html.select("details[open]")
    for box in (".stderr", ".error"):
        (found,) = html.select(box)
        assert not found.find_parent("details")
    assert "\x1b" not in str(html)


def test_wide_text_can_be_scrolled_by_keyboard():
    """Whatever may be wider than the page takes the focus."""
    html = soup(*everything())
    for selector in (".highlight pre", ".prose pre", ".stdout", ".table", "figure"):
        tags = html.select(selector)
        assert tags
        assert all(tag["tabindex"] == "0" for tag in tags), selector


def test_navigation_marks_the_page():
    """The header leads to the overview, every stage and the model card; the page's own link is marked."""
    links = soup(prose("Text.")).header("a")
    assert [link["href"] for link in links] == ["index.html", *(f"{stage}.html" for stage in STAGES), "card.html"]
    assert [link.get_text() for link in links if link.get("aria-current")] == ["evaluate"]


def test_page_is_ready_for_phones_and_readers():
    """Language, viewport, both colour schemes and a skip link whose target exists."""
    html = soup(prose("Text."))
    assert html.html["lang"] == "en"
    assert html.find("meta", attrs={"name": "viewport"})["content"] == "width=device-width, initial-scale=1"
    assert html.find("meta", attrs={"name": "color-scheme"})["content"] == "light dark"
    assert html.body.a["class"] == ["skip"]
    assert html.find(id=html.body.a["href"].removeprefix("#")).name == "main"


def test_template_with_a_gap_is_an_error():
    """A name that a template uses and nobody gives is an error, never an empty place on the page."""
    with pytest.raises(Exception, match="'title' is undefined"):
        fill("page.html.j2", eyebrow="", here="", pages=[], contents=[], cells="")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_contrast(scheme):
    """Each pair of text and ground of the style sheet reaches WCAG's 4.5 to 1."""
    css = (TEMPLATE / "style.css").read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+);", part)) for part in css.split("}", 2)[:2])
    colours = light if scheme == "light" else {**light, **dark}

    def luminance(name):
        red, green, blue = mpl.colors.to_rgb(colours[name])
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    pairs = [(text, "paper") for text in ("ink", "soft", "accent", "bad", "warn", "good")]
    pairs += [(text, "shade") for text in ("ink", "soft", "code-word", "code-text", "code-value", "code-name")]
    pairs += [("bad", "bad-shade"), ("ink", "bad-shade"), ("warn", "warn-shade"), ("ink", "warn-shade")]
    for text, ground in pairs:
        darker, lighter = sorted((luminance(text), luminance(ground)))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)
