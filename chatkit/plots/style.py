"""What all figures share: style, alt text, image, axes and intervals, and how names and numbers are written."""

import functools
import io
import re
import textwrap
from collections import Counter
from html import escape
from os.path import commonprefix
from pathlib import Path
from weakref import WeakKeyDictionary

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython import get_ipython
from IPython.display import HTML, display
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter
from PIL import Image

from chatkit.scores import table

WIDTH = 7.5  # inches
_DPI = 2 * 96  # twice a page's pixels per inch: sharp on fine screens
# seaborn's colour-blind-safe palette without yellow and pale pink (too faint on white) and without
# grey (for the rest).
COLORS = [sns.color_palette("colorblind")[i] for i in (0, 1, 2, 3, 4, 5, 9)]
GREY = "#8c8c8c"
_TICKS = {"labelsize": 9, "major.size": 3, "major.width": 0.8}
STYLE = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.linewidth": 0.8,
    "axes.labelsize": 10,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titleweight": "bold",
    "figure.dpi": 100,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    **{f"{axis}tick.{name}": value for axis in "xy" for name, value in _TICKS.items()},
}
REST = "#b0b0b0"  # of categories that share a colour
_FONT = "DejaVuSans"
_NUMBERS = WeakKeyDictionary()  # figure: number by what stands for it there
_UNWRITABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # not in UTF-8, or not in a page


def notebook_style():
    """Give this notebook's figures chatkit's style, and their alt text a place in the notebook.

    Sets matplotlib's rcParams and the width of pandas' cells for the process. In IPython every figure is from here
    on shown as a PNG of 192 dots per inch whose output carries the sentence of `describe` as
    ``metadata["image/png"]["alt"]``; showing a figure without one is an error. End a cell with ``;`` so that only
    the figure shows.
    """
    shell = get_ipython()
    if shell is not None:
        # First: it resets the formatters.
        shell.enable_matplotlib("inline")
        shell.display_formatter.formatters["image/png"].for_type(Figure, _with_names)
        shell.display_formatter.formatters["text/html"].for_type(pd.DataFrame, _text_on_the_left)
    # A table shows all that it holds; how much that may be is the caller's business, how wide it may get the page's.
    pd.set_option("display.max_colwidth", None, "display.max_rows", None)
    # Not seaborn's list of fonts: it begins with Arial, which only some machines have.
    sns.set_theme(style="ticks", palette="colorblind", font="DejaVu Sans", rc=STYLE)


def _text_on_the_left(frame):
    """Write a table as pandas does; JupyterLab sets all cells on the right, where only numbers belong."""
    numbers = frame.dtypes.map(pd.api.types.is_numeric_dtype).tolist()
    # Counted from the right: an index over several rows leaves cells out on the left.
    texts = [str(len(numbers) - place) for place, number in enumerate(numbers) if not number]
    name = "-".join(["text", *texts])  # the same for tables that are alike: a style holds for the whole notebook
    cells = ", ".join(f".{name} {cell}:nth-last-child({place})" for cell in ("td", "thead th") for place in texts)
    # Behind JupyterLab's own rules, which name more.
    style = f"<style>{cells} {{ text-align: left !important; }}</style>" if texts else ""
    return style + frame._repr_html_().replace('class="dataframe"', f'class="dataframe {name}"', 1)


def describe(figure, text):
    """Give a figure its alt text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    text : str
        Replaces the text that it had.

    Examples
    --------
    >>> figure = Figure()
    >>> describe(figure, "Chats double in June.")
    >>> alt_text(figure)
    'Chats double in June.'
    """
    figure.set_label(_UNWRITABLE.sub(_escaped, text))


def alt_text(figure):
    """Return the sentence that `describe` or a function that draws gave to a figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str

    Raises
    ------
    ValueError
        When the figure has none.
    """
    text = figure.get_label()
    if not text:
        raise ValueError("Got a figure without alt text; call chatkit.plots.describe(figure, what it shows).")
    return text


def png(figure):
    """Bytes and metadata of a figure for the notebook: on a page an inch is 96 pixels wide, here it has two each."""
    alt, full, small = alt_text(figure), io.BytesIO(), io.BytesIO()
    figure.savefig(full, dpi=_DPI, bbox_inches="tight", pad_inches="layout")
    # A palette makes a third of the bytes. The new file has no other metadata than the density, from which a page
    # knows the figure's size in inches.
    image = Image.open(full).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(small, format="png", optimize=True, dpi=(_DPI, _DPI))
    return small.getvalue(), {"alt": alt, "width": image.width // 2, "height": image.height // 2}


def numbers(figure):
    """Return what the numbers stand for that a figure has in place of characters its font lacks, or of names alike.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    dict of int to str

    Examples
    --------
    >>> figure = Figure()
    >>> written(figure.add_subplot(), "退款 or refund", 64)
    '№1 or refund'
    >>> numbers(figure)
    {1: '退款'}
    """
    return {number: text for text, number in _NUMBERS.get(figure, {}).items()}


def key(figure):
    """Return the numbers of a figure as HTML, which a browser can draw; nothing where it has none."""
    names = [f"№{number} <bdi>{escape(_visible(text))}</bdi>" for number, text in numbers(figure).items()]
    return f'<p class="aside">In the figure: {"; ".join(names)}</p>' if names else ""


def _with_names(figure):
    """Show the numbers of a figure above it, in a notebook and on its page."""
    if names := key(figure):
        display(HTML(names))
    return png(figure)


def expect(frame, columns):
    """Raise a ValueError when a frame has no rows, or not these columns."""
    if frame.empty or not {*columns} <= {*frame}:
        raise ValueError(f"Got {len(frame)} rows with {[*frame]}, expected at least one row with {columns}.")


def axes(ax, height, width=WIDTH):
    """Return the axes given, or those of a new figure of so many inches."""
    return plt.subplots(figsize=(width, height), layout="constrained")[1] if ax is None else ax


def panels(given, count, height, columns=1, width=WIDTH, **options):
    """Return the first of the axes given, or those of a new figure with a grid of so many panels."""
    if given is None:
        grid = -(-count // columns), columns
        given = plt.subplots(*grid, figsize=(width, height), layout="constrained", **options)[1]
        for ax in np.ravel(given)[count:]:
            ax.remove()
    given = np.ravel(given)
    if len(given) < count:
        raise ValueError(f"Got {len(given)} axes, expected {count}, one for each panel; leave axes out.")
    return given[:count]


def intervals(ax, positions, rows, column="value", vertical=False, fmt="o", color=COLORS[0], markersize=5, **props):
    """Draw a column of a frame with the intervals from low to high; a value without one is hollow."""
    values, low, high = rows[[column, "low", "high"]].to_numpy(float).T
    x, y = (np.asarray(positions), values) if vertical else (values, np.asarray(positions))
    ends, hollow = np.array([values - low, high - values]).clip(0), np.isnan(low) & ~np.isnan(values)
    props |= {"color": color, "markersize": markersize}
    ax.errorbar(x[~hollow], y[~hollow], **{"yerr" if vertical else "xerr": ends[:, ~hollow]}, fmt=fmt, **props)
    if hollow.any():
        ax.plot(x[hollow], y[hollow], fmt[0], color=color, markersize=markersize, markerfacecolor="white")


def band(ax, x, low, high, color):
    """Draw the interval of a line."""
    ax.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)


def name_rows(ax, names, margin=0.6, y=None):
    """Write names beside rows from the top down, at 0, 1, 2 ... where nothing else is said."""
    y = np.arange(len(names)) if y is None else y
    ax.set_yticks(y, names)
    ax.set_ylim(max(y) + margin, -margin)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")


def percent(axis, largest):
    """Write shares in per cent, with a decimal where all of them are small."""
    axis.set(major_locator=MaxNLocator(6), major_formatter=PercentFormatter(1, decimals=0 if largest > 0.06 else 1))


def logarithmic(axis):
    """Write 1, 2, 5, 10 ... on an axis, and no ticks between."""
    axis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:,g}", minor_locator=NullLocator())


def largest_first(values):
    """Index of a series by value, ties by name."""
    return values.sort_index().sort_values(ascending=False, kind="stable").index


def colors(categories):
    """Colour of each category: the same in every figure of the same categories, as long as there are seven or fewer."""
    return {name: COLORS[i % len(COLORS)] for i, name in enumerate(sorted(categories))}


def legend(ax, **options):
    """Write the legend in a line above the axes."""
    options = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 3, "handletextpad": 0.4} | options
    ax.legend(borderaxespad=0.2, **options)


def title(ax, text, columns=64, pad=8):
    """Write what the figure shows above it, in lines of so many characters."""
    ax.set_title(written(ax, text, columns), loc="left", pad=pad)


def title_and_legend(ax, text, pad=24):
    """Write the title, and the legend between it and the axes."""
    legend(ax)
    title(ax, text, pad=pad)


def title_of_panels(ax, text):
    """Write what a figure with several panels shows above all of them."""
    ax.get_figure().suptitle(written(ax, text, 64), x=0.01, ha="left", fontsize=11, weight="bold")


def described(axes, text):
    """Add a sentence to the alt text of the figure of these axes, and return the axes."""
    # A figure with several plots says all of them.
    figure = np.ravel(axes)[0].get_figure(root=True)
    describe(figure, f"{figure.get_label()} {text}".strip())
    return axes


def written(ax, text, columns):
    """Break a text into lines for a figure: dollars are no mathematics, and what its font lacks has a number."""
    return textwrap.fill(_numbered(ax, text), columns).replace("$", r"\$")


def labels(ax, names, longest=28, counts=None):
    """Return names, with a number beside each, as they stand in a figure: no two alike, and cut where they are long."""
    names = [*names]
    whole = {name: _numbered(ax, name) for name in sorted({*names})}
    shown = {name: _cut(text, longest) for name, text in whole.items()}
    for again in (_around_difference, _with_number):
        count = Counter(map(_look, shown.values()))
        alike = [name for name in whole if count[_look(shown[name])] > 1]
        shown |= {name: again(ax, name, [whole[name] for name in alike], longest) for name in alike}
    shown = [shown[name].replace("$", r"\$") for name in names]
    return shown if counts is None else [f"{name} ({n:,})" for name, n in zip(shown, counts, strict=True)]


def _numbered(ax, text):
    text = re.sub(r"[^\S ]", " ", text)  # matplotlib would break a line
    return _undrawable().sub(lambda found: _number(ax, found[0]), text)


@functools.cache
def _undrawable():
    """Pattern of what the font that comes with matplotlib lacks, plain or bold; no other one is on every machine."""
    fonts = Path(mpl.get_data_path(), "fonts", "ttf")
    drawn = set.intersection(*({*FT2Font(fonts / f"{name}.ttf").get_charmap()} for name in (_FONT, f"{_FONT}-Bold")))
    lacks = f"[^{re.escape(''.join(map(chr, sorted(drawn))))}]"
    return re.compile(rf"{lacks}+(?:[\s\u200d\ufe0f]+{lacks}+)*\ufe0f?")  # emoji are joined by the last two


def _number(ax, text):
    known = _NUMBERS.setdefault(ax.get_figure(root=True), {})
    return f"№{known.setdefault(text, len(known) + 1)}"


def _cut(text, longest):
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _around_difference(ax, name, texts, longest):
    """Cut a text so that it shows where it is unlike the others: paths of a tree begin alike."""
    text = _numbered(ax, name)
    head, tail = longest // 3, longest - longest // 3 - 1
    others = (commonprefix([text, other]) for other in texts if other != text)  # noqa: RUF071 - these are no paths
    start = max(head, min(max(map(len, others), default=0) - tail // 2, len(text) - tail))
    return text if len(text) <= longest else f"{text[:head]}…{_cut(text[start:], tail)}"


def _with_number(ax, name, _, longest):
    return f"{_number(ax, name)} {_cut(_numbered(ax, name), longest - 4)}"


def _look(text):
    """Return what is seen of a text."""
    return " ".join("".join(filter(str.isprintable, text)).split())


def _visible(text):
    """Return a text in which spaces that nobody would see are seen."""
    return re.sub(r"^ | $|(?<= ) ", "␣", re.sub(r"[^\S ]", _escaped, _UNWRITABLE.sub(_escaped, text)))


def _escaped(found):
    return found[0].encode("unicode_escape").decode()


def some(items, first=3, last=3):
    """Join the first and the last of many texts, and how many are between them."""
    items = list(items)
    between = len(items) - first - last
    if between > 0:
        items[first : first + between] = [f"{between} more"]
    return "; ".join(items) or "none"


def with_interval(row, column="value", spec=".2f"):
    """Write a number of a row with its interval, where it has one."""
    return table.with_interval(getattr(row, column), row.low, row.high, spec)


def counted(n, singular, plural=None):
    """Write a number of things."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def chats(n):
    """Write a number of chats."""
    return counted(n, "chat")


def categories(n):
    """Write a number of categories."""
    return counted(n, "category", "categories")
