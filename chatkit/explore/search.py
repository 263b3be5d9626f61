"""Chats with a phrase or a regular expression, the hits marked."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd

from chatkit.explore.tables import MARK, NO_MARKS, UNMARK, Shown
from chatkit.plots import style
from chatkit.project import InputError
from chatkit.text.mask import pieces

MESSAGES, LENGTH, BEFORE = 10, 240, 80  # shown: messages, characters of each, and of these in front of the first hit


class Hits(Shown):
    """Chats in which a pattern is found: how many of each category, and the first of them with the hits marked.

    Parameters
    ----------
    chats : chatkit.explore.chats.Chats
    pattern : str
        Regular expression, without regard to case.

    Attributes
    ----------
    rows : ndarray of int
        The rows of the chats in which it is found.
    frame : pandas.DataFrame
        These chats.
    """

    def __init__(self, chats, pattern):
        if not pattern:
            raise InputError("Got an empty pattern, expected a phrase or a regular expression; write what to look for.")
        try:
            self._pattern = re.compile(pattern, re.IGNORECASE)
        except (re.error, OverflowError) as error:
            raise InputError(
                f"Got the pattern {pattern!r}, which is no regular expression ({error}); mend it, or write a backslash "
                "before a character that stands for itself."
            ) from None
        self.chats, self.pattern = chats, pattern
        self.rows = np.flatnonzero([self._pattern.search(text) is not None for text in chats.texts])
        self.frame = chats.frame.iloc[self.rows]

    def by_category(self):
        """Count the chats found in each category.

        Returns
        -------
        pandas.DataFrame
            category, found, chats (of that category), share found; most found first, ties by name.
        """
        counts = pd.DataFrame(
            {"found": self.frame["category"].value_counts(), "chats": self.chats.frame["category"].value_counts()}
        )
        counts = counts.dropna().astype(int).rename_axis("category").reset_index()
        counts = counts.sort_values(["found", "category"], ascending=[False, True], ignore_index=True)
        return counts.assign(**{"share found": (counts["found"] / counts["chats"]).map("{:.1%}".format)})

    def weeks(self, ax=None):
        """Draw the chats found over time: see `Chats.weeks`."""
        if self.frame.empty:
            raise InputError(f"No chat has {self.pattern!r}; look for something else.")
        return type(self.chats)(self.frame).weeks(ax)

    def _order(self):
        """Rows in the order in which their messages are shown."""
        return self.rows

    def _sentence(self):
        share = len(self.rows) / len(self.chats)
        return f"{len(self.rows):,} of {style.chats(len(self.chats))} ({share:.1%}) have {self.pattern!r}."

    def _tables(self):
        shown = self._order()[:MESSAGES]
        chats = self.chats.table(shown).assign(message=[self._marked(self.chats.texts[row]) for row in shown])
        return [self.by_category(), chats] if len(shown) else []

    def _marked(self, text):
        """A message around its first hit, the hits marked, numbers and addresses masked."""
        text = text.translate(NO_MARKS)
        hits = [match.span() for match in self._pattern.finditer(text) if match[0]]
        start = max(0, hits[0][0] - BEFORE) if hits else 0
        ends = {start, start + LENGTH}.union(*hits)
        parts = []
        for first, last, written in pieces(text):
            # What is masked is marked or left out as a whole; what is kept is cut where a hit or the excerpt ends.
            kept = written == text[first:last]
            cuts = sorted({first, last} | {end for end in ends if kept and first < end < last})
            for left, right in pairwise(cuts):
                if right > start and left < start + LENGTH:
                    part = text[left:right] if kept else written
                    is_hit = any(left < end and begin < right for begin, end in hits)
                    parts.append(f"{MARK}{part}{UNMARK}" if is_hit else part)
        shown = " ".join("".join(parts).replace(UNMARK + MARK, "").split())
        return f"{'…' * (start > 0)}{shown}{'…' * (len(text) > start + LENGTH)}"
