"""Two models side by side."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import CenteredNorm
from matplotlib.patches import Rectangle
from sklearn.metrics import ConfusionMatrixDisplay

from chatkit.plots import style
from chatkit.plots.scores import CELLS_WITH_COUNT, CELLS_WITH_SHARE


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
    changes = frame.pivot_table(index="actual", columns="predicted", values="change").loc[order, order].to_numpy(int)
    k, most = len(order), max(1, np.abs(changes).max())
    side = max(2.4, k * (0.7 if k <= CELLS_WITH_COUNT else 0.32 if k <= CELLS_WITH_SHARE else 0.19))
    if ax is None:
        ax = style.new_axes(2.6 + side, 1.4 + side)
    display = ConfusionMatrixDisplay(changes, display_labels=[style.shown(name) for name in order])
    display.plot(
        ax=ax,
        include_values=False,
        cmap="PuOr",  # orange and purple stay apart for every kind of colour vision
        xticks_rotation="vertical" if k > CELLS_WITH_COUNT else 30,
        colorbar=False,
        im_kw={"norm": CenteredNorm(0, most)},
    )
    ax.get_figure().colorbar(display.im_, ax=ax, label="chats, B − A", format="{x:+.0f}", aspect=30, pad=0.02)
    ax.grid(visible=False)
    for (i, j), change in np.ndenumerate(changes):
        if i == j:
            ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="#5a5a5a", linewidth=0.8))
        if k <= CELLS_WITH_SHARE and change:
            color = "white" if abs(change) > 0.6 * most else "black"
            ax.text(j, i, f"{change:+,}", ha="center", va="center", fontsize=9, color=color)
    ax.set(xlabel="what the model said (framed: as people)", ylabel="what people said")
    plt.setp(ax.get_xticklabels(), rotation_mode="anchor", ha="right", va="center" if k > CELLS_WITH_COUNT else "top")
    gained = int(np.trace(changes))
    more = f"{style.chats(abs(gained))} {'more' if gained > 0 else 'fewer'}" if gained else "as many chats as A"
    moved = frame.assign(size=frame["change"].abs())
    moved = moved[moved["size"] > 0].sort_values(["size", "actual", "predicted"], ascending=[False, True, True])
    said = [
        f"{row.actual} {'found' if row.actual == row.predicted else f'taken for {row.predicted}'} {row.change:+,}"
        for row in moved.itertuples(index=False)
    ]
    title = f"B puts {more} where people put them"
    style.title(ax, f"{title}; largest change: {said[0]}" if said else title, columns=max(40, int(9 * side)))
    style.add_text(
        ax,
        f"Change of the confusion matrix of {style.categories(k)}, counts of B minus counts of A: {title}. "
        f"Largest changes: {style.some(said, first=6, last=0)}.",
    )
    return display
