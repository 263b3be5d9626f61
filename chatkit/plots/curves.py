"""Scores against the number of chats, and against the complexity of the model."""

from matplotlib.ticker import MaxNLocator

from chatkit.plots import style


def learning_curve(frame, ax=None):
    """Draw macro-F1 against the rows that the model was fitted on.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.scores.metrics.learning_curve`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        A line is the mean over the folds, its band goes from the lowest to the highest.
    """
    style.expect(frame, ["rows", "fold", "split", "macro_f1"])
    ax = style.axes(ax, height=4)
    texts = []
    sides = {"train": ("chats it was fitted on", "s"), "validation": ("chats it has not seen", "o")}
    for color, (split, (label, marker)) in zip(style.COLORS, sides.items(), strict=False):
        folds = frame[frame["split"] == split].groupby("rows")["macro_f1"]
        mean = folds.mean()
        ax.plot(mean.index, mean, marker=marker, markersize=5, color=color, label=label)
        style.band(ax, mean.index, folds.min(), folds.max(), color)
        texts.append(f"on {label} " + ", ".join(f"{score:.2f} with {rows:,}" for rows, score in mean.items()))
    ax.set(xlabel="chats that the model was fitted on", ylabel="macro-F1 (mean and range of folds)", xlim=(0, None))
    ax.xaxis.set(major_locator=MaxNLocator(6, integer=True), major_formatter="{x:,.0f}")
    title = f"Macro-F1 on unseen chats is {mean.iloc[-1]:.2f}"
    if len(mean) > 1:
        last, gain = mean.index[-1] - mean.index[-2], mean.iloc[-1] - mean.iloc[-2]
        title += f" ({gain:+.2f} by the last {last:,})"
    style.title_and_legend(ax, title)
    return style.described(ax, f"Macro-F1 by chats that the model was fitted on: {'; '.join(texts)}.")


def complexity(frame, ax=None):
    """Draw the log-loss on known and on new chats against the complexity of the model.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `chatkit.scores.metrics.staged_log_loss`, with the sides "train" and "test".
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
    """
    style.expect(frame, ["round", "split", "log_loss"])
    ax = style.axes(ax, height=4)
    texts, sides = [], {"train": ("chats it was fitted on", "--"), "test": ("chats it has not seen", "-")}
    for color, (split, (label, line)) in zip(style.COLORS, sides.items(), strict=False):
        losses = frame[frame["split"] == split].set_index("round")["log_loss"].sort_index()
        ax.plot(losses.index, losses, line, color=color, label=label)
        texts.append(f"on {label} from {losses.iloc[0]:.2f} to {losses.iloc[-1]:.2f}")
    best = losses.idxmin()
    ax.plot(best, losses[best], "o", color=color)
    ax.set(xlabel="rounds of trees", ylabel="log-loss in nats (lower is better)", xlim=(0, None), ylim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    style.title_and_legend(ax, f"On new chats round {best} of {losses.index[-1]} is best, with {losses[best]:.2f}")
    style.described(
        ax, f"Log-loss by rounds of trees: {'; '.join(texts)}, lowest at round {best} with {losses[best]:.2f}."
    )
    return ax
