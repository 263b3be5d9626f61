"""Chats in two dimensions, alike ones beside each other, to be selected with the mouse and read."""

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from chatkit import plots
from chatkit.explore.tables import Shown, largest_shares
from chatkit.explore.topics import reduced
from chatkit.plots import style
from chatkit.plots.map import code_of, legend_colors
from chatkit.project import InputError

ROWS = 2000
SHOWN = 50  # messages of a region
_FEWEST = 10


class ChatMap:
    """Some chats in two dimensions: t-SNE of what `Topics` groups. Near each other is alike; far apart says little.

    Parameters
    ----------
    chats : chatkit.explore.chats.Chats

    Attributes
    ----------
    points : pandas.DataFrame
        id, category, message, x, y (from 0 to 1) of each chat on the map.

    References
    ----------
    L. van der Maaten and G. Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008.
    """

    def __init__(self, chats):
        self.chats, self.rows = chats, chats.sample(ROWS)
        dense = reduced(chats.weights[self.rows], chats.seed)
        if (different := len(np.unique(dense.round(6), axis=0))) < _FEWEST:
            raise InputError(f"Got chats with {different} different texts, expected {_FEWEST} for a map; give more.")
        with threadpool_limits(1):
            tsne = TSNE(
                perplexity=min(30, len(self.rows) / 4), init="pca", angle=0.8, max_iter=500, random_state=chats.seed
            )
            places = tsne.fit_transform(dense)
        low, high = places.min(axis=0), places.max(axis=0)
        places = (places - low) / np.maximum(high - low, 1e-9)
        self.points = chats.table(self.rows).assign(x=places[:, 0], y=places[:, 1])

    def figure(self, ax=None):
        """Draw the map: see `chatkit.plots.chat_map`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        return plots.chat_map(self.points, ax)

    def region(self, left=0, right=1, bottom=0, top=1):
        """Read the chats of a rectangle of the map.

        Parameters
        ----------
        left, right, bottom, top : float
            From 0 to 1.

        Returns
        -------
        Region

        Raises
        ------
        InputError
            When no chat is there.
        """
        inside = self.points["x"].between(left, right) & self.points["y"].between(bottom, top)
        if not inside.any():
            raise InputError("No chat of the map is in this rectangle; give other ends between 0 and 1.")
        return Region(self, np.flatnonzero(inside))

    def widget(self):
        """Make the map one on which chats are selected by drawing around them, and read below.

        Returns
        -------
        ipywidgets.VBox
        """
        import ipywidgets

        from chatkit.explore.canvas import Canvas

        colors = legend_colors(self.points["category"])
        points = zip(
            *(self.points[axis].round(4) for axis in "xy"), code_of(self.points["category"], colors), strict=True
        )
        canvas = Canvas(points=[*map(list, points)], names=[*colors], colors=[*colors.values()])
        read = ipywidgets.HTML(layout={"max_height": "32em", "overflow": "auto"})

        def show(_):
            read.value = Region(self, np.array(canvas.selected))._repr_html_() if canvas.selected else ""

        canvas.observe(show, "selected")
        return ipywidgets.VBox([canvas, read])


class Region(Shown):
    """Some chats of a map: their words, their categories and, to be read, their messages.

    Parameters
    ----------
    chat_map : ChatMap
    positions : ndarray of int
        Of the chats among the points of the map.

    Attributes
    ----------
    points : pandas.DataFrame
        These points.
    """

    def __init__(self, chat_map, positions):
        self.points = chat_map.points.iloc[positions]
        self.words = chat_map.chats.distinct_words(chat_map.rows[positions])

    def _sentence(self):
        categories = largest_shares(self.points["category"])
        some = f" The first {SHOWN}:" if len(self.points) > SHOWN else ""
        return f"{style.chats(len(self.points))}: {categories}. What tells them from the others: {self.words}.{some}"

    def _tables(self):
        return [self.points[["id", "category", "message"]].head(SHOWN)]
