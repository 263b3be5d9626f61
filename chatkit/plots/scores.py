"""How good a model is, and which words speak for what."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator, PercentFormatter
from sklearn.metrics import ConfusionMatrixDisplay

from chatkit.plots import style

PANELS = 12  # categories of top words: more is a wall
CELLS_WITH_COUNT, CELLS_WITH_SHARE = 12, 30  # categories up to which text fits into a cell of the confusion matrix


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
    pairs = frame.set_index(["actual", "predicted"]).loc[pd.MultiIndex.from_product([order, order])]
    counts, shares = (pairs[column].to_numpy().reshape(len(order), -1) for column in ("count", "share"))
    k = len(order)
    side = max(2.4, k * (0.8 if k <= CELLS_WITH_COUNT else 0.32 if k <= CELLS_WITH_SHARE else 0.19))
    if ax is None:
        ax = style.new_axes(2.6 + side, 1.4 + side)
    display = ConfusionMatrixDisplay(shares, display_labels=[style.shown(name) for name in order])
    display.plot(
        ax=ax,
        include_values=False,
        cmap="Blues",
        xticks_rotation="vertical" if k > CELLS_WITH_COUNT else 30,
        colorbar=False,
        # The square root: errors are what one looks for, and they are small shares.
        im_kw={"norm": PowerNorm(0.5, 0, 1)},
    )
    ax.get_figure().colorbar(
        display.im_, ax=ax, label="share of what people said", format=PercentFormatter(1), aspect=30, pad=0.02
    )
    ax.grid(visible=False)
    for (i, j), count in np.ndenumerate(counts):
        if k <= CELLS_WITH_SHARE and count:
            share = "<1%" if shares[i, j] < 0.005 else f"{shares[i, j]:.0%}"
            text = f"{share}\n{count:,}" if k <= CELLS_WITH_COUNT else share.removesuffix("%")
            color = "white" if shares[i, j] > 0.5 else "black"
            ax.text(j, i, text, ha="center", va="center", fontsize=9, color=color)
    ax.set(xlabel="what the model said", ylabel="what people said")
    plt.setp(ax.get_xticklabels(), rotation_mode="anchor", ha="right", va="center" if k > CELLS_WITH_COUNT else "top")
    right = np.trace(counts) / counts.sum()
    wrong = frame[(frame["actual"] != frame["predicted"]) & (frame["count"] > 0)]
    wrong = wrong.sort_values(["count", "actual", "predicted"], ascending=[False, True, True])
    said = [
        f"{row.actual} taken for {row.predicted} ({style.chats(row.count)}, {row.share:.0%})"
        for row in wrong.itertuples(index=False)
    ]
    title = f"{right:.0%} of {style.chats(counts.sum())} end up where people put them"
    style.title(ax, f"{title}; most frequent error: {said[0]}" if said else title, columns=max(40, int(9 * side)))
    style.add_text(
        ax, f"Confusion matrix of {style.categories(k)}: {title}. Most frequent errors: {style.some(said, last=0)}."
    )
    return display


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
    by_metric = {metric: rows.loc[order] for metric, rows in by_metric.items()}
    if ax is None:
        ax = style.new_axes(style.WIDTH, 1.3 + (0.45 if len(order) <= CELLS_WITH_SHARE else 0.32) * len(order))
    place = np.arange(len(order))
    drawn = zip(("precision", "recall", "f1"), ("precision", "recall", "F1"), "s^o", (-0.25, 0, 0.25), strict=True)
    for color, (metric, label, marker, shift) in zip(style.COLORS, drawn, strict=False):
        rows = by_metric[metric]
        ends = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
        ax.errorbar(rows["value"], place + shift, xerr=ends, fmt=marker, color=color, markersize=5, label=label)
    f1 = by_metric["f1"]
    ax.set_yticks(place, [f"{style.shown(name)} ({n:,})" for name, n in f1["support"].items()])
    ax.set(
        xlim=(-0.02, 1.02), ylim=(len(order) - 0.5, -0.5), xlabel="score, with its interval", ylabel="category (chats)"
    )
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    for border in place[:-1] + 0.5:
        ax.axhline(border, color=style.STYLE["grid.color"], linewidth=0.8)
    style.title_and_legend(
        ax, f"F1 goes from {f1['value'].iloc[-1]:.2f} ({order[-1]}) to {f1['value'].iloc[0]:.2f} ({order[0]})"
    )
    said = [
        f"{name} F1 {row.value:.2f} ({row.low:.2f} to {row.high:.2f}), "
        f"precision {style.score(by_metric['precision'].loc[name, 'value'])}, "
        f"recall {style.score(by_metric['recall'].loc[name, 'value'])}, {style.chats(row.support)}"
        for name, row in zip(order, f1.itertuples(), strict=True)
    ]
    style.add_text(
        ax,
        f"Precision, recall and F1 of {style.categories(len(order))} with intervals, the best F1 first: "
        f"{style.some(said)}.",
    )
    return ax


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
    if axes is None:
        axes = _new_panels(len(shown), frame.groupby("category").size().max())
    axes = np.ravel(axes)
    if len(axes) < len(shown):
        raise ValueError(f"Got {len(axes)} axes, expected {len(shown)}, one for each category; leave axes out.")
    colors = style.colors(categories)
    for ax, category in zip(axes, shown, strict=False):
        words = frame[frame["category"] == category]
        ax.barh(np.arange(len(words)), words["weight"], color=colors[category], height=0.7)
        ax.set_yticks(np.arange(len(words)), [style.shown(word) for word in words["word"]])
        ax.set_ylim(len(words) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.set(xlabel="weight")
        ax.set_title(style.shown(category), loc="left", fontsize=10)
    said = [f"{category}: {', '.join(frame.loc[frame['category'] == category, 'word'].head(5))}" for category in shown]
    some = "" if len(shown) == len(categories) else f" (the first {len(shown)} of {len(categories)} categories)"
    style.add_text(axes[0], f"Words that speak most for each category{some}, the strongest first. {'; '.join(said)}.")
    return axes[: len(shown)]


def _new_panels(panels, words):
    columns = min(3, panels)
    rows = -(-panels // columns)
    size = (3 * columns, rows * (0.8 + 0.2 * words))
    _, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for ax in axes.flat[panels:]:
        ax.remove()
    return axes.flat[:panels]
