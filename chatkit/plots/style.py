"""What all figures share: their look, their alt text, and how names and numbers are written."""

import io
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython import get_ipython
from matplotlib.figure import Figure
from PIL import Image

WIDTH = 7.5  # inches
_DPI = 2 * 96  # twice a page's pixels per inch: sharp on fine screens
_LONGEST_NAME = 28  # characters of a category in a figure; alt texts have it whole
# seaborn's colour-blind-safe palette without yellow and pale pink (too faint on white) and without
# grey (for the rest).
COLORS = [sns.color_palette("colorblind")[i] for i in (0, 1, 2, 3, 4, 5, 9)]
_TICKS = {"labelsize": 9, "major.size": 3, "major.width": 0.8}
STYLE = {
    "axes.edgecolor": "#8c8c8c",
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
    "legend.title_fontsize": 9,
    **{f"{axis}tick.{name}": value for axis in "xy" for name, value in _TICKS.items()},
}


def notebook_style():
    """Give this notebook's figures chatkit's look, and their alt text a place in the notebook.

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
    """Say in words what a figure shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    text : str
        Replaces what was said before.

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
        raise ValueError(
            "Got a figure without alt text, expected a sentence that says what it shows; call "
            "chatkit.plots.describe(figure, text)."
        )
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
    missing = [column for column in columns if column not in frame.columns]
    if missing or frame.empty:
        got = f"{len(frame)} rows with the columns {', '.join(map(str, frame.columns)) or '(none)'}"
        raise ValueError(f"Got {got}, expected at least one row with {', '.join(columns)}; see chatkit.scores.metrics.")


def new_axes(width, height):
    """Return the axes of a new figure of so many inches."""
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def largest_first(values):
    """Index of a series by value, ties by name."""
    return values.sort_index().sort_values(ascending=False, kind="stable").index


def colors(categories):
    """Colour of each category: the same in every figure of the same categories, as long as there are seven or fewer."""
    return {name: COLORS[i % len(COLORS)] for i, name in enumerate(sorted(categories))}


def title(ax, text, columns=64, pad=8):
    """Write what the figure shows above it, in lines of so many characters."""
    ax.set_title(escape(textwrap.fill(text, columns)), loc="left", pad=pad)


def title_and_legend(ax, text):
    """Write the title, and the legend in a line between it and the axes."""
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2, handletextpad=0.4)
    title(ax, text, pad=24)


def add_text(ax, text):
    """Add a sentence to the alt text of the figure of these axes."""
    # A figure with several plots says all of them.
    figure = ax.get_figure(root=True)
    describe(figure, f"{figure.get_label()} {text}".strip())


def escape(text):
    """Keep matplotlib's mathematics out of a text."""
    # matplotlib reads what stands between two dollars as mathematics.
    return text.replace("$", r"\$")


def shown(name):
    """Return a name as it stands in a figure: cut where it is long."""
    return escape(name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…")


def some(said, first=3, last=3):
    """Join the first and the last of many sayings, and how many are between them."""
    said = list(said)
    if len(said) <= first + last:
        return "; ".join(said) or "none"
    middle = f"{len(said) - first - last} more"
    return "; ".join([*said[:first], middle, *said[len(said) - last :]])


def score(value):
    """Write a score with two decimals; "unknown" for NaN."""
    return "unknown" if np.isnan(value) else f"{value:.2f}"


def chats(n):
    """Write a number of chats."""
    return f"{n:,} chat" + ("" if n == 1 else "s")


def categories(n):
    """Write a number of categories."""
    return f"{n} categor" + ("y" if n == 1 else "ies")


def day(moment):
    """Write a date."""
    return f"{moment:%Y-%m-%d}"
