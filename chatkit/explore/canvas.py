"""A map that is drawn in the browser and says which of its points are selected."""

from pathlib import Path

import anywidget
import traitlets


class Canvas(anywidget.AnyWidget):
    """Points to select by drawing around them, by keys, or by their colour; ``selected`` has their positions."""

    _esm = Path(__file__).with_suffix(".js")
    points = traitlets.List().tag(sync=True)  # x and y from 0 to 1, and the position of the colour
    names = traitlets.List().tag(sync=True)
    colors = traitlets.List().tag(sync=True)
    selected = traitlets.List().tag(sync=True)
