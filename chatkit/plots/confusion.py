"""Which category was taken for which, by one model, and how that differs between two."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import CenteredNorm, PowerNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import ConfusionMatrixDisplay

from chatkit.plots import style

CELLS_WITH_COUNT, CELLS_WITH_SHARE = 12, 30  # categories up to which text fits into a cell


def confusion_matrix(frame, ax=None):
    """Draw which category was taken for which.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.scores.metrics.confusion`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, large enough for the categories.

    Returns
    -------
    sklearn.metrics.ConfusionMatrixDisplay
        Of the shares, the largest category first. Cells carry share and count up to 12 categories, the share in
        per cent up to 30, and above only the colour.
    """
    style.expect(frame, ["actual", "predicted", "count", "share"])
    order = style.largest_first(frame.groupby("actual")["count"].sum())
    counts, shares = (_square(frame, column, order) for column in ("count", "share"))
    errors = [
        f"{row.actual} taken for {row.predicted} ({style.chats(row.count)}, {row.share:.0%})"
        for row in _largest_first(frame[frame["actual"] != frame["predicted"]], "count")
    ]

    def write(i, j):
        share = "<1%" if shares[i, j] < 0.005 else f"{shares[i, j]:.0%}"
        return f"{share}\n{counts[i, j]:,}" if len(order) <= CELLS_WITH_COUNT else share.removesuffix("%")

    # The square root: errors are what one looks for, and they are small shares.
    colors = {"cmap": "Blues", "norm": PowerNorm(0.5, 0, 1), "white_from": 0.5}
    bar = {"label": "share of what people said", "format": PercentFormatter(1)}
    title = f"{np.trace(counts) / counts.sum():.0%} of {style.chats(counts.sum())} end up where people put them"
    titles = [title, *(f"most frequent error: {error}" for error in errors[:1])]
    display = _matrix(ax, order, shares, write, titles, cell=0.8, bar=bar, **colors)
    display.ax_.set(xlabel="what the model said", ylabel="what people said")
    style.described(
        display.ax_,
        f"Confusion matrix of {style.categories(len(order))}: {title}. "
        f"Most frequent errors: {style.some(errors, last=0)}.",
    )
    return display


def confusion_change(frame, ax=None):
    """Draw how the counts of a confusion matrix changed.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.scores.comparison.confusion_change`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, large enough for the categories.

    Returns
    -------
    sklearn.metrics.ConfusionMatrixDisplay
        Of the changes, the largest category first, what is right framed. Up to 30 categories, cells carry the number.
    """
    style.expect(frame, ["actual", "predicted", "count_a", "change"])
    order = style.largest_first(frame.groupby("actual")["count_a"].sum())
    changes = _square(frame, "change", order)
    gained = np.trace(changes)
    more = f"{style.chats(abs(gained))} {'more' if gained > 0 else 'fewer'}" if gained else "as many chats as A"
    moves = [
        f"{row.actual} {'found' if row.actual == row.predicted else f'taken for {row.predicted}'} {row.change:+,}"
        for row in _largest_first(frame, "change")
    ]
    largest = max(1, np.abs(changes).max())
    # Orange and purple stay apart for every kind of colour vision.
    colors = {"cmap": "PuOr", "norm": CenteredNorm(0, largest), "white_from": 0.6 * largest}
    bar = {"label": "chats, B − A", "format": "{x:+.0f}"}
    title = f"B puts {more} where people put them"
    titles = [title, *(f"largest change: {move}" for move in moves[:1])]
    display = _matrix(ax, order, changes, lambda i, j: f"{changes[i, j]:+,}", titles, cell=0.7, bar=bar, **colors)
    for i in range(len(order)):
        edges = Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="#5a5a5a", linewidth=0.8)
        display.ax_.add_patch(edges)
    display.ax_.set(xlabel="what the model said (framed: as people)", ylabel="what people said")
    style.described(
        display.ax_,
        f"Change of the confusion matrix of {style.categories(len(order))}, counts of B minus counts of A: {title}. "
        f"Largest changes: {style.some(moves, first=6, last=0)}.",
    )
    return display


def _square(frame, column, order):
    return frame.pivot(index="actual", columns="predicted", values=column).loc[order, order].to_numpy()


def _largest_first(frame, column):
    """Rows that are not 0 by their size, ties by name."""
    frame = frame.assign(size=frame[column].abs()).query("size > 0")
    return frame.sort_values(["size", "actual", "predicted"], ascending=[False, True, True]).itertuples(index=False)


def _matrix(ax, order, values, write, titles, cell, bar, cmap, norm, white_from):
    """Draw values as coloured cells; `write` gives the text of one, `cell` its inches where it has a count."""
    k = len(order)
    side = max(2.4, k * (cell if k <= CELLS_WITH_COUNT else 0.32 if k <= CELLS_WITH_SHARE else 0.19))
    ax = style.axes(ax, height=1.4 + side, width=2.6 + side)
    rotation, va = ("vertical", "center") if k > CELLS_WITH_COUNT else (30, "top")
    display = ConfusionMatrixDisplay(values, display_labels=style.labels(ax, order))
    display.plot(ax=ax, include_values=False, cmap=cmap, xticks_rotation=rotation, colorbar=False, im_kw={"norm": norm})
    ax.get_figure().colorbar(display.im_, ax=ax, aspect=30, pad=0.02, **bar)
    ax.grid(visible=False)
    plt.setp(ax.get_xticklabels(), rotation_mode="anchor", ha="right", va=va)
    if k <= CELLS_WITH_SHARE:
        for i, j in np.argwhere(values):
            color = "white" if abs(values[i, j]) > white_from else "black"
            ax.text(j, i, write(i, j), ha="center", va="center", fontsize=9, color=color)
    style.title(ax, "; ".join(titles), columns=max(40, int(9 * side)))
    return display
