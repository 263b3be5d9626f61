"""Chats in two dimensions, by category."""

import numpy as np
from matplotlib.colors import to_hex

from chatkit.plots import style


def chat_map(frame, ax=None):
    """Draw chats in two dimensions, coloured by category.

    Parameters
    ----------
    frame : pandas.DataFrame
        category, x, y (from 0 to 1).
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Of more than seven categories the seven largest have a colour.
    """
    style.expect(frame, ["category", "x", "y"])
    ax = style.axes(ax, height=5)
    colors = legend_colors(frame["category"])
    codes = code_of(frame["category"], colors)
    for code, (label, color) in enumerate(zip(style.labels(ax, [*colors]), colors.values(), strict=True)):
        ax.plot(
            *frame.loc[codes == code, ["x", "y"]].to_numpy().T,
            "o",
            color=color,
            markersize=3,
            alpha=0.75,
            label=label,
        )
    # Coordinates have no unit: what is beside what counts.
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2)
    style.title(ax, f"{style.chats(len(frame))}, alike ones beside each other")
    centers = [
        f"{name} {(codes == code).sum():,}, around {x:.2f}, {y:.2f}"
        for code, name in enumerate(colors)
        for x, y in [frame.loc[codes == code, ["x", "y"]].median()]
    ]
    return style.described(
        ax,
        f"Map of {style.chats(len(frame))} of {style.categories(frame['category'].nunique())}, alike ones beside each "
        f"other. By category, with the median of their places from 0, 0 (lower left) to 1, 1: {style.some(centers)}.",
    )


def legend_colors(categories):
    """Colour of each category in a legend, as hexadecimal numbers: the seven largest, and one for the others together.

    Parameters
    ----------
    categories : pandas.Series of str

    Returns
    -------
    dict of str to str
    """
    order = style.largest_first(categories.value_counts())
    shown = order[: len(style.COLORS)]
    colors = {name: to_hex(color) for name, color in style.colors(shown).items()}
    colors = {name: colors[name] for name in shown}
    rest = len(order) - len(shown)
    return colors | ({f"{rest} other categories": style.REST} if rest else {})


def code_of(categories, colors):
    """Position of each chat's category among the colours of `legend_colors`.

    Parameters
    ----------
    categories : pandas.Series of str of shape (n,)
    colors : dict of str to str

    Returns
    -------
    ndarray of int of shape (n,)
    """
    codes = {name: code for code, name in enumerate(colors)}
    return categories.map(lambda name: codes.get(name, len(colors) - 1)).to_numpy()
