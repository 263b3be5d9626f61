"""An executed notebook as one HTML page that needs nothing but itself."""

import ast
import base64
import copy
import functools
import hashlib
import io
import itertools
import json
import re
import tokenize
from pathlib import Path

import jinja2
from bs4 import BeautifulSoup
from traitlets.config import Config

from chatkit.project import InputError

TEMPLATE = Path(__file__).with_name("template")

# Every attribute through which HTML fetches or leads somewhere, and the only values that stay in the site.
_ADDRESSES = "action background cite data formaction href longdesc ping poster src srcset xlink:href"
_LOCAL = re.compile(
    r"#.*|data:image/(png|jpeg|gif|webp);base64,[\w+/=]*|(?!(.*/)?\.\.)[\w.%-][\w./%-]*(#.*)?", re.DOTALL
)
_OUTPUT_TYPES = ["text/html", "text/markdown", "image/png", "image/jpeg", "text/plain"]  # the first that there is
_PARAMETER_TAGS = ("parameters", "injected-parameters")  # papermill's words
_LONG = 30  # characters of a table cell from which its text may run over several lines
_NUMBER = re.compile(r"[-+]?(\d[\d,]*(\.\d*)?|\.\d+)(e[-+]?\d+)?\s?%?|nan|[-+]?inf|", re.IGNORECASE)


def render(notebook, stage, stages, eyebrow=None):
    """Render the executed notebook of a stage as an HTML page.

    The page is made from the notebook alone, so the same notebook gives the same bytes. It carries its style
    and figures, runs no script and asks no other machine for anything.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Executed notebook, version 4. Every image among its outputs needs a text for those who cannot see
        it, in ``output.metadata["image/png"]["alt"]``; width and height beside it are CSS pixels. It is left as it is.
    stage : str
        Name of the stage that the notebook belongs to.
    stages : sequence of str
        Names of all stages, in order, for the navigation.
    eyebrow : str, optional
        What stands above the title; by default which of the stages it is.

    Returns
    -------
    str
        The page.

    Raises
    ------
    InputError
        When an image has no alt text, or something points outside the page's own folder.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> page = render(new_notebook(cells=[new_markdown_cell("# Split")]), "split", ["query", "split"])
    >>> "<h1>Split</h1>" in page
    True
    """
    stages = list(stages)
    soup = BeautifulSoup(_cells(notebook), "html.parser")
    _strip(soup)
    _check(soup)
    title, contents = _name_headings(soup, len(notebook.cells))
    _tables(soup)
    return fill(
        "page.html.j2",
        title=title or stage,
        eyebrow=eyebrow or f"Stage {stages.index(stage) + 1} of {len(stages)}: {stage}",
        here=stage,
        pages=[("Overview", "index.html"), *((name, f"{name}.html") for name in stages)],
        contents=contents,
        cells=str(soup),
    )


def outline(notebook):
    r"""Read the headings of a notebook, with the ids that its page gives them, and its first paragraph.

    Parameters
    ----------
    notebook : dict
        Notebook, version 4, as JSON or as nbformat reads it.

    Returns
    -------
    dict
        title (None without a heading of level 1), summary (None without a paragraph) and contents: level, id and text
        of each other heading.

    Examples
    --------
    >>> cells = [{"cell_type": "markdown", "source": ["# Split\n", "Two *sides*.\n", "## Copies"]}]
    >>> outline({"cells": cells})["contents"]
    [{'level': 2, 'id': 'copies', 'text': 'Copies'}]
    """
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath  # see `_cells`

    cells = notebook.get("cells", [])
    markdown = MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True))
    prose = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    soup = BeautifulSoup("".join(f'<div class="prose">{markdown.render(text)}</div>' for text in prose), "html.parser")
    _strip(soup)
    title, contents = _name_headings(soup, len(cells))
    summary = " ".join(soup.p.get_text().split()) if soup.p else None
    return {"title": title, "summary": summary, "contents": contents}


def fill(template, **context):
    """Fill a template of this folder that extends frame.html.j2.

    Parameters
    ----------
    template : str
        File name of the template.
    **context
        What the template and the frame show: title, eyebrow, here, pages, contents and the template's own.

    Returns
    -------
    str
        HTML page.
    """
    style = (TEMPLATE / "style.css").read_text(encoding="utf-8")
    digest = hashlib.sha256(style.encode()).digest()
    page = _environment().get_template(template)
    return page.render(style=style, style_hash=base64.b64encode(digest).decode(), **context)


@functools.cache
def _environment():
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"thousands": "{:,}".format, "decimals": "{:.3f}".format, "parameter": parameter_text}
    return environment


def _cells(notebook):
    from nbconvert.exporters import HTMLExporter  # here: it takes two seconds, and many pages are made of no notebook

    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            # A scikit-learn diagram or a widget is dead without its script; its plain text is not.
            if "<script" in data.get("text/html", "") and "text/plain" in data:
                del data["text/html"]
    _fold_parameters(notebook.cells)
    exporter = HTMLExporter(
        config=Config({"NbConvertBase": {"display_data_priority": _OUTPUT_TYPES}}),
        extra_template_basedirs=[str(TEMPLATE.parent)],
        template_name=TEMPLATE.name,
        template_file="cells.html.j2",
        exclude_anchor_links=True,
    )
    return exporter.from_notebook_node(notebook)[0]


def _fold_parameters(cells):
    """Give the first parameter cell the rows of its table, and hide the code of the others."""
    tagged = {tag: cell for tag in _PARAMETER_TAGS for cell in cells if tag in cell.metadata.get("tags", [])}
    if not tagged:
        return
    defaults, injected = (read_parameters_cell(tagged[tag].source if tag in tagged else "") for tag in _PARAMETER_TAGS)
    used = injected or defaults
    names = [name for name in defaults | used if name in used]
    first, *others = tagged.values()
    first.metadata["parameters"] = [(name, used[name][0], defaults.get(name, ("", ""))[1]) for name in names]
    for cell in others:
        cell.metadata["transient"] = {"remove_source": True}


def read_parameters_cell(source):
    r"""Read the names that a parameters cell assigns, other than what a call returns.

    Parameters
    ----------
    source : str

    Returns
    -------
    dict of str to (str, str)
        Value as text and trailing comment by name.

    Examples
    --------
    >>> read_parameters_cell('p = parameters("split")\nseed = p["seed"]  # of the draw\nconfig = None')
    {'seed': ('p["seed"]', 'of the draw'), 'config': ('null', '')}
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    return {
        ast.unparse(statement.targets[0]): (_value(source, statement.value), comments.get(statement.end_lineno, ""))
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign) and not isinstance(statement.value, ast.Call)
    }


def _value(source, node):
    try:
        return parameter_text(ast.literal_eval(node))
    except ValueError:
        return ast.get_source_segment(source, node)


def parameter_text(value):
    """Write a parameter's value as params.yaml does.

    Examples
    --------
    >>> parameter_text("group"), parameter_text(True), parameter_text(None), parameter_text([1, 2])
    ('group', 'true', 'null', '[1, 2]')
    """
    if value and not isinstance(value, bool | int | float | list | dict):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _strip(soup):
    """Remove what would bring its own look or behaviour: a page has one style, legible in light and dark."""
    for tag in soup(["script", "style", "link", "meta", "base", "iframe", "object", "embed"]):
        tag.decompose()
    for tag in soup(style=True):
        del tag["style"]
    for tag in soup.select(".html [id]"):  # ids are for the headings of the prose
        del tag["id"]
    for pre in soup.select(".highlight pre, .prose pre, pre.stdout"):
        pre["tabindex"] = "0"  # wide lines scroll, for keyboards too


def _name_headings(soup, cells):
    """Take the title out of the prose and give each other heading an id; return the title and the contents."""
    title = soup.select_one(".prose:not(.html) h1")
    title = title and title.extract().get_text().strip()
    taken = {"main", "contents-title", *(f"cell-{number + 1}" for number in range(cells))}
    taken |= {tag["id"] for tag in soup.select(".prose [id]")}
    contents = []
    for heading in soup.select(".prose:not(.html) :is(h1, h2, h3, h4, h5, h6)"):
        text = heading.get_text().strip()
        slug = re.sub(r"\W+", "-", text.lower()).strip("-") or "section"
        names = itertools.chain([slug], (f"{slug}-{number}" for number in itertools.count(2)))
        heading["id"] = next(name for name in names if name not in taken)
        taken.add(heading["id"])
        contents.append({"level": int(heading.name[1]), "id": heading["id"], "text": text})
    return title, contents


def _tables(soup):
    """Plain tables with headers that say what they head, each in a region that scrolls on its own."""
    for number, table in enumerate(soup("table"), start=1):
        for tag in (table, *table(True)):
            tag.attrs = {name: tag[name] for name in ("colspan", "rowspan") if name in tag.attrs}
        head, body = table.select("thead tr"), table.select("tr:not(thead tr)")
        _join_headers(head)
        for cell in table("th"):
            _scope(cell, "col" if cell.find_parent("thead") else "row")
        for cell in table(["td", "th"]):
            if len(cell.get_text()) > _LONG:
                cell["class"] = "long"
        _align(head, body)
        title = table.caption or table.find_previous(re.compile("^h[1-6]$"))
        label = f"Table {number}: {title.get_text().strip()}" if title else f"Table {number}"
        region = {"class": "table", "role": "region", "tabindex": "0", "aria-label": label}
        table.wrap(soup.new_tag("div", attrs=region))


def _join_headers(head):
    """Move the index's names, which pandas writes in a row of their own, up among the other headers."""
    if len(head) < 2:
        return
    above, last = (row(["th", "td"]) for row in head[-2:])
    if not any(a.get_text() and b.get_text() for a, b in zip(above, last, strict=False)):
        for a, b in zip(above, last, strict=False):
            a.string = a.get_text() or b.get_text()
        head.pop().decompose()


def _scope(cell, direction):
    if not cell.get_text().strip():
        cell.name = "td"  # pandas leaves the corner empty: a header of nothing
        return
    span = cell.get("colspan" if direction == "col" else "rowspan", "1")
    cell["scope"] = direction if span == "1" else direction + "group"


def _align(head, body):
    # Counted from the right, because an index over several rows leaves cells out on the left.
    rows = [row(["td", "th"])[::-1] for row in body]
    heads = [row(["td", "th"])[::-1] for row in head if not row(colspan=True)]
    for column in range(max(map(len, rows), default=0)):
        cells = [row[column] for row in rows if column < len(row)]
        texts = [cell.get_text().strip() for cell in cells]
        if any(texts) and all(cell.name == "td" for cell in cells) and all(map(_NUMBER.fullmatch, texts)):
            for cell in cells + [row[column] for row in heads if column < len(row)]:
                cell["class"] = "number"


def _check(soup):
    """Refuse images without words and addresses that lead out of the site."""
    for image in soup("img"):
        # The second is what nbconvert writes where raw HTML has no alt at all.
        if image.get("alt", "").strip() in ("", "No description has been provided for this image"):
            raise InputError(
                f"{_where(image)} shows an image without alt text; give the figure a sentence that says what "
                "it shows (output.metadata['image/png']['alt'])."
            )
    for tag in soup(True):
        for name in _ADDRESSES.split():
            address = tag.get(name, "")
            if address and not _LOCAL.fullmatch(address):
                raise InputError(
                    f"{_where(tag)} has {name}={address[:80]!r}, but a page may only point into its own "
                    "folder; write the address as plain text, between backticks in prose."
                )


def _where(tag):
    return tag.find_previous(class_="cell", id=True)["id"].replace("-", " ").capitalize()
