"""Figures from the tidy frames of `chatkit.evaluation.metrics`, each with a sentence for who cannot see it."""

import io
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython import get_ipython
from matplotlib.colors import PowerNorm
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image
from sklearn.metrics import ConfusionMatrixDisplay

PANELS = 12  # categories of top words: more is a wall
CELLS_WITH_COUNT, CELLS_WITH_SHARE = 12, 30  # categories up to which text fits into a cell of the confusion matrix

_WIDTH = 7.5  # inches
_LONGEST_NAME = 28  # characters of a category in a figure; alt texts have it whole
# seaborn's colour-blind-safe palette without yellow and pale pink (too faint on white) and without
# grey (for the rest).
_COLORS = [sns.color_palette("colorblind")[i] for i in (0, 1, 2, 3, 4, 5, 9)]
_TICKS = {"labelsize": 9, "major.size": 3, "major.width": 0.8}
_STYLE = {
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
    on shown as a PNG of 200 dots per inch whose output carries the sentence of `describe` as
    ``metadata["image/png"]["alt"]``; showing a figure without one is an error. End a cell with ``;`` so that only
    the figure shows.
    """
    shell = get_ipython()
    if shell is not None:
        # First: it resets the formatters.
        shell.enable_matplotlib("inline")
        shell.display_formatter.formatters["image/png"].for_type(Figure, _png)
    # A table shows what its cells hold; how wide it may get is the page's business.
    pd.set_option("display.max_colwidth", None)
    # Not seaborn's list of fonts: it begins with Arial, which only some machines have.
    sns.set_theme(style="ticks", palette="colorblind", font="DejaVu Sans", rc=_STYLE)


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
    """Return the sentence that `describe` or a function of this module gave to a figure.

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
            "chatkit.evaluation.plots.describe(figure, text)."
        )
    return text


def confusion_matrix(frame, ax=None):
    """Draw which category was taken for which.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.evaluation.metrics.confusion`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, large enough for the categories.

    Returns
    -------
    sklearn.metrics.ConfusionMatrixDisplay
        Of the shares, the largest category first. Cells carry share and count up to 12 categories, the share in
        per cent up to 30, and above only the colour.
    """
    _expect(frame, ["actual", "predicted", "count", "share"])
    order = _largest_first(frame.groupby("actual")["count"].sum())
    pairs = frame.set_index(["actual", "predicted"]).loc[pd.MultiIndex.from_product([order, order])]
    counts, shares = (pairs[column].to_numpy().reshape(len(order), -1) for column in ("count", "share"))
    k = len(order)
    side = max(2.4, k * (0.8 if k <= CELLS_WITH_COUNT else 0.32 if k <= CELLS_WITH_SHARE else 0.19))
    if ax is None:
        ax = _new_axes(2.6 + side, 1.4 + side)
    display = ConfusionMatrixDisplay(shares, display_labels=[_shown(name) for name in order])
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
        f"{row.actual} taken for {row.predicted} ({_chats(row.count)}, {row.share:.0%})"
        for row in wrong.itertuples(index=False)
    ]
    title = f"{right:.0%} of {_chats(counts.sum())} end up where people put them"
    _title(ax, f"{title}; most frequent error: {said[0]}" if said else title, columns=max(40, int(9 * side)))
    _add_text(ax, f"Confusion matrix of {_categories(k)}: {title}. Most frequent errors: {_some(said, last=0)}.")
    return display


def per_class(frame, ax=None):
    """Draw precision, recall and F1 of each category with their intervals, the best F1 on top.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.evaluation.metrics.per_class`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, as high as the categories need.

    Returns
    -------
    matplotlib.axes.Axes
    """
    _expect(frame, ["category", "metric", "value", "low", "high", "support"])
    by_metric = {metric: rows.set_index("category") for metric, rows in frame.groupby("metric")}
    order = _largest_first(by_metric["f1"]["value"])
    by_metric = {metric: rows.loc[order] for metric, rows in by_metric.items()}
    if ax is None:
        ax = _new_axes(_WIDTH, 1.3 + (0.45 if len(order) <= CELLS_WITH_SHARE else 0.32) * len(order))
    place = np.arange(len(order))
    drawn = zip(("precision", "recall", "f1"), ("precision", "recall", "F1"), "s^o", (-0.25, 0, 0.25), strict=True)
    for color, (metric, label, marker, shift) in zip(_COLORS, drawn, strict=False):
        rows = by_metric[metric]
        ends = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
        ax.errorbar(rows["value"], place + shift, xerr=ends, fmt=marker, color=color, markersize=5, label=label)
    f1 = by_metric["f1"]
    ax.set_yticks(place, [f"{_shown(name)} ({n:,})" for name, n in f1["support"].items()])
    ax.set(
        xlim=(-0.02, 1.02), ylim=(len(order) - 0.5, -0.5), xlabel="score, with its interval", ylabel="category (chats)"
    )
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    for border in place[:-1] + 0.5:
        ax.axhline(border, color=_STYLE["grid.color"], linewidth=0.8)
    _title_and_legend(
        ax, f"F1 goes from {f1['value'].iloc[-1]:.2f} ({order[-1]}) to {f1['value'].iloc[0]:.2f} ({order[0]})"
    )
    said = [
        f"{name} F1 {row.value:.2f} ({row.low:.2f} to {row.high:.2f}), "
        f"precision {_score(by_metric['precision'].loc[name, 'value'])}, "
        f"recall {_score(by_metric['recall'].loc[name, 'value'])}, {_chats(row.support)}"
        for name, row in zip(order, f1.itertuples(), strict=True)
    ]
    _add_text(
        ax, f"Precision, recall and F1 of {_categories(len(order))} with intervals, the best F1 first: {_some(said)}."
    )
    return ax


def learning_curve(frame, ax=None):
    """Draw macro-F1 against the rows that the model was fitted on.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.evaluation.metrics.learning_curve`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A line is the mean over the folds, its band goes from the lowest to the highest.
    """
    _expect(frame, ["rows", "fold", "split", "macro_f1"])
    if ax is None:
        ax = _new_axes(_WIDTH, 4)
    said = []
    drawn = {"train": ("chats it was fitted on", "s"), "validation": ("chats it has not seen", "o")}
    for color, (split, (label, marker)) in zip(_COLORS, drawn.items(), strict=False):
        folds = frame[frame["split"] == split].groupby("rows")["macro_f1"]
        mean = folds.mean()
        ax.plot(mean.index, mean, marker=marker, markersize=5, color=color, label=label)
        ax.fill_between(mean.index, folds.min(), folds.max(), color=color, alpha=0.2, linewidth=0)
        said.append(f"on {label} " + ", ".join(f"{score:.2f} with {rows:,}" for rows, score in mean.items()))
    ax.set(xlabel="chats that the model was fitted on", ylabel="macro-F1 (mean and range of folds)", xlim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    title = f"Macro-F1 on unseen chats is {mean.iloc[-1]:.2f}"
    if len(mean) > 1:
        last, gain = mean.index[-1] - mean.index[-2], mean.iloc[-1] - mean.iloc[-2]
        title += f" ({gain:+.2f} by the last {last:,})"
    _title_and_legend(ax, title)
    _add_text(ax, f"Macro-F1 by chats that the model was fitted on: {'; '.join(said)}.")
    return ax


def complexity(frame, ax=None):
    """Draw the log-loss on known and on new chats against the complexity of the model.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.evaluation.metrics.staged_log_loss`, with the sides "train" and "test".
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    _expect(frame, ["round", "split", "log_loss"])
    if ax is None:
        ax = _new_axes(_WIDTH, 4)
    said, drawn = [], {"train": ("chats it was fitted on", "--"), "test": ("chats it has not seen", "-")}
    for color, (split, (label, style)) in zip(_COLORS, drawn.items(), strict=False):
        losses = frame[frame["split"] == split].set_index("round")["log_loss"].sort_index()
        ax.plot(losses.index, losses, style, color=color, label=label)
        said.append(f"on {label} from {losses.iloc[0]:.2f} to {losses.iloc[-1]:.2f}")
    best = losses.idxmin()
    ax.plot(best, losses[best], "o", color=color)
    ax.set(xlabel="rounds of trees", ylabel="log-loss in nats (lower is better)", xlim=(0, None), ylim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    _title_and_legend(ax, f"On new chats round {best} of {losses.index[-1]} is best, with {losses[best]:.2f}")
    _add_text(ax, f"Log-loss by rounds of trees: {'; '.join(said)}, lowest at round {best} with {losses[best]:.2f}.")
    return ax


def top_words(frame, axes=None):
    """Draw the words that speak most for each category, a panel each.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.evaluation.metrics.top_words`.
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
    _expect(frame, ["category", "word", "weight"])
    categories = frame["category"].unique()
    shown = categories[:PANELS]
    if axes is None:
        axes = _new_panels(len(shown), frame.groupby("category").size().max())
    axes = np.ravel(axes)
    if len(axes) < len(shown):
        raise ValueError(f"Got {len(axes)} axes, expected {len(shown)}, one for each category; leave axes out.")
    colors = _colors(categories)
    for ax, category in zip(axes, shown, strict=False):
        words = frame[frame["category"] == category]
        ax.barh(np.arange(len(words)), words["weight"], color=colors[category], height=0.7)
        ax.set_yticks(np.arange(len(words)), [_shown(word) for word in words["word"]])
        ax.set_ylim(len(words) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.xaxis.set_major_locator(MaxNLocator(3))
        ax.set(xlabel="weight")
        ax.set_title(_shown(category), loc="left", fontsize=10)
    said = [f"{category}: {', '.join(frame.loc[frame['category'] == category, 'word'].head(5))}" for category in shown]
    some = "" if len(shown) == len(categories) else f" (the first {len(shown)} of {len(categories)} categories)"
    _add_text(axes[0], f"Words that speak most for each category{some}, the strongest first. {'; '.join(said)}.")
    return axes[: len(shown)]


def class_shares(frame, ax=None):
    """Draw the share of each category on the sides of a split.

    Parameters
    ----------
    frame : pandas.DataFrame
        category, split, share (of the rows of that split).
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure, as high as the categories need.

    Returns
    -------
    matplotlib.axes.Axes
        The category with the largest mean share on top.
    """
    _expect(frame, ["category", "split", "share"])
    splits = frame["split"].unique()
    shares = frame.pivot_table(index="category", columns="split", values="share", aggfunc="sum", fill_value=0)[splits]
    shares = shares.loc[_largest_first(shares.mean(axis=1))]
    if ax is None:
        ax = _new_axes(_WIDTH, 1.4 + 0.26 * len(shares))
    place = np.arange(len(shares))
    ax.hlines(place, shares.min(axis=1), shares.max(axis=1), color="#8c8c8c", linewidth=1)
    for split, color, marker in zip(splits, _COLORS, "oDs^v", strict=False):
        # Hollow but for the first: equal shares lie upon each other.
        fill = color if split == splits[0] else "none"
        ax.plot(shares[split], place, marker, color=color, markerfacecolor=fill, markersize=8, label=split)
    ax.set_yticks(place, [_shown(name) for name in shares.index])
    ax.set(xlim=(0, None), ylim=(len(shares) - 0.4, -0.6), xlabel="share of the chats on that side", ylabel="category")
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0 if shares.max(axis=None) > 0.06 else 1))
    apart = (shares.max(axis=1) - shares.min(axis=1)).sort_values(ascending=False, kind="stable")
    widest = apart.index[0]

    def both(name):
        return ", ".join(f"{split} {share:.1%}" for split, share in shares.loc[name].items())

    _title_and_legend(ax, f"Largest difference: {widest}, {both(widest)}")
    said = [f"{name} {both(name)}" for name in shares.index]
    _add_text(
        ax,
        f"Share of {_categories(len(shares))} by side of the split, the largest first: {_some(said)}. "
        f"Largest difference: {widest}, {100 * apart.iloc[0]:.1f} points.",
    )
    return ax


def chats_per_week(frame, ax=None):
    """Draw how many chats of each category came in each week.

    Parameters
    ----------
    frame : pandas.DataFrame
        week (datetime, its first day), category, count. A week without a row for a category had no such chat.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Categories on top of each other, the smallest at the bottom; of more than seven the seven largest, and the
        rest as one.
    """
    _expect(frame, ["week", "category", "count"])
    weeks = frame.pivot_table(index="week", columns="category", values="count", aggfunc="sum", fill_value=0)
    weeks = weeks.reindex(pd.date_range(weeks.index[0], weeks.index[-1], freq="7D"), fill_value=0)
    total, order = weeks.sum(axis=1), _largest_first(weeks.sum())
    shown = order[: len(_COLORS)]
    weeks, colors = weeks[shown[::-1]], _colors(shown)
    if len(shown) < len(order):
        rest = f"{len(order) - len(shown)} other categories"
        weeks, colors = weeks.assign(**{rest: total - weeks.sum(axis=1)}), colors | {rest: "#b0b0b0"}
    if ax is None:
        ax = _new_axes(_WIDTH, 4)
    # A step a week: nothing is known of the days between. The last week lasts until its end.
    starts, counts = weeks.index.append(weeks.index[-1:] + pd.Timedelta(days=7)), weeks.to_numpy().T
    ax.stackplot(
        starts,
        np.column_stack([counts, counts[:, -1]]),
        step="post",
        labels=[_shown(name) for name in weeks],
        colors=[colors[name] for name in weeks],
        edgecolor="white",
        linewidth=0.3,
    )
    ax.set(ylim=(0, None), xlim=(starts[0], starts[-1]), xlabel="week", ylabel="chats in the week")
    locator = AutoDateLocator(maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_axisbelow(True)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), reverse=True)
    busiest = total.idxmax()
    _title(ax, f"{total.mean():,.0f} chats a week on average, {total.max():,} in the week of {_day(busiest)}")
    said = [
        f"{name} {counts.min():,} to {counts.max():,}, mean {counts.mean():,.1f}"
        for name, counts in weeks.loc[:, ::-1].items()
    ]
    _add_text(
        ax,
        f"Chats per week from {_day(weeks.index[0])} to {_day(weeks.index[-1])}, {total.mean():,.1f} on average, "
        f"most in the week of {_day(busiest)} ({total.max():,}). By category: {'; '.join(said)}.",
    )
    return ax


def _png(figure):
    """Bytes and metadata of a figure for the notebook: twice the pixels of its size on the page."""
    text, drawn, png = alt_text(figure), io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, dpi=200, bbox_inches="tight")
    # A palette makes a third of the bytes; the new file has no other metadata than its size.
    image = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(png, format="png", optimize=True)
    return png.getvalue(), {"alt": text, "width": image.width // 2, "height": image.height // 2}


def _expect(frame, columns):
    missing = [column for column in columns if column not in frame.columns]
    if missing or frame.empty:
        got = f"{len(frame)} rows with the columns {', '.join(map(str, frame.columns)) or '(none)'}"
        raise ValueError(
            f"Got {got}, expected at least one row with {', '.join(columns)}; see chatkit.evaluation.metrics."
        )


def _new_axes(width, height):
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def _new_panels(panels, words):
    columns = min(3, panels)
    rows = -(-panels // columns)
    size = (3 * columns, rows * (0.8 + 0.2 * words))
    _, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for ax in axes.flat[panels:]:
        ax.remove()
    return axes.flat[:panels]


def _largest_first(values):
    """Index of a series by value, ties by name."""
    return values.sort_index().sort_values(ascending=False, kind="stable").index


def _colors(categories):
    """Colour of each category: the same in every figure of the same categories, as long as there are seven or fewer."""
    return {name: _COLORS[i % len(_COLORS)] for i, name in enumerate(sorted(categories))}


def _title(ax, text, columns=64, pad=8):
    ax.set_title(_escape(textwrap.fill(text, columns)), loc="left", pad=pad)


def _title_and_legend(ax, text):
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2, handletextpad=0.4)
    _title(ax, text, pad=24)


def _add_text(ax, text):
    # A figure with several plots says all of them.
    figure = ax.get_figure(root=True)
    describe(figure, f"{figure.get_label()} {text}".strip())


def _escape(text):
    # matplotlib reads what stands between two dollars as mathematics.
    return text.replace("$", r"\$")


def _shown(name):
    return _escape(name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…")


def _some(said, first=3, last=3):
    said = list(said)
    if len(said) <= first + last:
        return "; ".join(said) or "none"
    middle = f"{len(said) - first - last} more"
    return "; ".join([*said[:first], middle, *said[len(said) - last :]])


def _score(value):
    return "unknown" if np.isnan(value) else f"{value:.2f}"


def _chats(n):
    return f"{n:,} chat" + ("" if n == 1 else "s")


def _categories(n):
    return f"{n} categor" + ("y" if n == 1 else "ies")


def _day(moment):
    return f"{moment:%Y-%m-%d}"
