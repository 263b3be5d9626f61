"""Results as text and as HTML: a sentence and tables."""

from html import escape

import pandas as pd

from chatkit.data.summary import category_sizes

# Characters that no font has, put around what is to be marked: they pass through what escapes a text for HTML.
MARK, UNMARK = "\ue000", "\ue001"
NO_MARKS = str.maketrans("", "", MARK + UNMARK)  # for a text that has them
# JupyterLab puts a table's text on the right. With each table: a cell that is out of sight takes its style with it.
_STYLE = "<style>.chats :is(td, th) { text-align: left !important; vertical-align: top; padding: 3px 8px; }</style>\n"
_LONGEST = 60  # rows of a table


def table_html(frame, index=True):
    """Write a frame as HTML, its texts whole and on the left; of more than sixty rows the first and last thirty.

    Parameters
    ----------
    frame : pandas.DataFrame
    index : bool, default=True

    Returns
    -------
    str
    """
    with pd.option_context("display.max_colwidth", None):
        return _STYLE + frame.to_html(index=index, classes="chats", border=0, na_rep="", max_rows=_LONGEST)


class Shown:
    """Shown as text and as HTML: a sentence and tables, which a subclass gives as ``_sentence`` and ``_tables``."""

    def __repr__(self):
        with pd.option_context("display.width", None, "display.max_colwidth", 100):
            tables = "\n\n".join(table.to_string(index=False) for table in self._tables())
        return f"{self._sentence()}\n\n{tables}".strip().replace(MARK, "[").replace(UNMARK, "]")

    def _repr_html_(self):
        tables = "\n".join(table_html(table, index=False) for table in self._tables())
        html = f"<p>{escape(self._sentence())}</p>\n{tables}"
        return html.replace(MARK, "<mark>").replace(UNMARK, "</mark>")


def largest_shares(labels, n=3):
    """Write the largest categories of some chats with their shares.

    Parameters
    ----------
    labels : pandas.Series of str
    n : int, default=3

    Returns
    -------
    str

    Examples
    --------
    >>> largest_shares(pd.Series(["urgent", "other", "urgent", "urgent"]))
    'urgent 75%, other 25%'
    """
    sizes = category_sizes(labels.to_frame("category"))
    more = f", {len(sizes) - n} more" if len(sizes) > n else ""
    return ", ".join(f"{name} {share:.0%}" for name, _, share in sizes.head(n).itertuples(index=False)) + more
