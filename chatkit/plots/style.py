"""What all figures share: style, alt text, image, axes and intervals, and how names and numbers are written."""

import io
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython import get_ipython
from matplotlib.figure import Figure
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
        shell.display_formatter.formatters["image/png"].for_type(Figure, png)
    # A table shows all that it holds; how much that may be is the caller's business, how wide it may get the page's.
    pd.set_option("display.max_colwidth", None, "display.max_rows", None)
    # Not seaborn's list of fonts: it begins with Arial, which only some machines have.
    sns.set_theme(style="ticks", palette="colorblind", font="DejaVu Sans", rc=STYLE)


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
    figure.set_label(text)


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
    ax.set_title(escape(textwrap.fill(text, columns)), loc="left", pad=pad)


def title_and_legend(ax, text, pad=24):
    """Write the title, and the legend between it and the axes."""
    legend(ax)
    title(ax, text, pad=pad)


def title_of_panels(ax, text):
    """Write what a figure with several panels shows above all of them."""
    text = escape(textwrap.fill(text, 64))
    ax.get_figure().suptitle(text, x=0.01, ha="left", fontsize=11, weight="bold")


def described(axes, text):
    """Add a sentence to the alt text of the figure of these axes, and return the axes."""
    # A figure with several plots says all of them.
    figure = np.ravel(axes)[0].get_figure(root=True)
    describe(figure, f"{figure.get_label()} {text}".strip())
    return axes


def escape(text):
    """Keep matplotlib from reading what stands between two dollars as mathematics."""
    return text.replace("$", r"\$")


def shown(name, longest=28):
    """Return a name as it stands in a figure: cut where it is long; alt texts have it whole."""
    return escape(name if len(name) <= longest else name[: longest - 1] + "…")


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
