"""How good a model is, and which words speak for what."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from chatkit.plots import style

PANELS = 12  # categories of top words: more is a wall


def per_class(frame, ax=None):
    """Draw precision, recall and F1 of each category with their intervals, the best F1 on top.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.scores.metrics.per_class`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, as high as the categories need.

    Returns
    -------
    matplotlib.axes.Axes
    """
    style.expect(frame, ["category", "metric", "value", "low", "high", "support"])
    by_metric = {metric: rows.set_index("category") for metric, rows in frame.groupby("metric")}
    order = style.largest_first(by_metric["f1"]["value"])
    f1, precision, recall = (by_metric[metric].loc[order] for metric in ("f1", "precision", "recall"))
    ax = style.axes(ax, height=1.3 + (0.45 if len(order) <= 30 else 0.32) * len(order))
    y = np.arange(len(order))
    metrics = (precision, "precision", "s", -0.25), (recall, "recall", "^", 0), (f1, "F1", "o", 0.25)
    for color, (rows, label, marker, shift) in zip(style.COLORS, metrics, strict=False):
        style.intervals(ax, y + shift, rows, fmt=marker, color=color, label=label)
    style.name_rows(ax, style.labels(ax, order, counts=f1["support"]), margin=0.5)
    ax.set(xlim=(-0.02, 1.02), xlabel="score, with its interval", ylabel="category (chats)")
    for border in y[:-1] + 0.5:
        ax.axhline(border, color=style.STYLE["grid.color"], linewidth=0.8)
    worst, best = f1["value"].iloc[[-1, 0]]
    style.title_and_legend(ax, f"F1 goes from {worst:.2f} ({order[-1]}) to {best:.2f} ({order[0]})")
    known = frame.pivot(index="category", columns="metric", values="value").map("{:.2f}".format)
    known = known.replace("nan", "unknown")
    texts = [
        f"{row.Index} F1 {style.with_interval(row)}, precision {known.loc[row.Index, 'precision']}, "
        f"recall {known.loc[row.Index, 'recall']}, {style.chats(row.support)}"
        for row in f1.itertuples()
    ]
    return style.described(
        ax,
        f"Precision, recall and F1 of {style.categories(len(order))} with intervals, the best F1 first: "
        f"{style.some(texts)}.",
    )


def top_words(frame, axes=None):
    """Draw the words that speak most for each category, a panel each.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.explain.words.top_words`.
    axes : array-like of matplotlib.axes.Axes, optional
        Where to draw, at least one for each category shown; by default a new figure.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Those used: one for each of the first 12 categories of the frame.

    Raises
    ------
    ValueError
        When there are fewer axes than categories to show.
    """
    style.expect(frame, ["category", "word", "weight"])
    categories = frame["category"].unique()
    shown = categories[:PANELS]
    columns, words = min(3, len(shown)), frame.groupby("category").size().max()
    height = -(-len(shown) // columns) * (0.8 + 0.2 * words)
    axes = style.panels(axes, len(shown), height, columns, width=3 * columns)
    colors, texts = style.colors(categories), []
    for ax, category, label in zip(axes, shown, style.labels(axes[0], shown), strict=True):
        rows = frame[frame["category"] == category]
        ax.barh(np.arange(len(rows)), rows["weight"], color=colors[category], height=0.7)
        style.name_rows(ax, style.labels(ax, rows["word"]))
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.set(xlabel="weight")
        ax.set_title(label, loc="left", fontsize=10)
        texts.append(f"{category}: {', '.join(rows['word'].head(5))}")
    some = "" if len(shown) == len(categories) else f" (the first {len(shown)} of {len(categories)} categories)"
    return style.described(
        axes, f"Words that speak most for each category{some}, the strongest first. {'; '.join(texts)}."
    )
