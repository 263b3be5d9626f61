"""Names of categories: trimmed, alike ones found, others given by query.category_map."""

import json
import re
import unicodedata
from collections import Counter
from functools import lru_cache

from chatkit.data.split import NO_VALUE
from chatkit.project import InputError, did_you_mean

_UNSEEN = r"[\s\u200b-\u200f\u2060\ufeff]+"  # spaces, and characters without a width


@lru_cache(10_000)
def trimmed(name):
    """Return the name of a category without spaces around it, those that nobody sees included."""
    return re.sub(rf"^{_UNSEEN}|{_UNSEEN}$", "", name)


class Renames:
    """Gives categories the names of query.category_map, chunk by chunk, and counts the rows of each.

    Parameters
    ----------
    names : dict of str to str or None
        New names by old ones; None in place of a new one: no category.

    Raises
    ------
    InputError
        When it is something else.

    Examples
    --------
    >>> renames = Renames({"biling": "Billing"})
    >>> renames.apply({"category": ["biling", "Login"]}), renames.facts()
    ({'category': ['Billing', 'Login']}, {'biling': {'to': 'Billing', 'rows': 1}})
    """

    def __init__(self, names):
        names = names or {}
        if not isinstance(names, dict) or not all(isinstance(new, str | None) and new != "" for new in names.values()):
            raise InputError(
                f"query.category_map in params.yaml is {names!r}, expected old and new names of categories such as "
                "{biling: Billing}."
            )
        self._names, self._rows = {str(old): new and trimmed(new) for old, new in names.items()}, Counter()

    def apply(self, chats):
        """Return chats, a dict of columns, with the new names."""
        self._rows.update(name for name in chats["category"] if name)
        return chats | {"category": [self._names.get(name, name) for name in chats["category"]]}

    def facts(self):
        """Return the new name and the number of rows of each old name; an InputError where there are none."""
        for old in self._names:
            if old not in self._rows:
                raise InputError(
                    f"query.category_map in params.yaml names the category {old!r}, which no chat has; correct or "
                    f"remove it{did_you_mean(old, self._rows) or '.'}"
                )
        return {old: {"to": new, "rows": self._rows[old]} for old, new in self._names.items()}


def doubtful_names(sizes):
    """Name the categories that differ in case, spaces or form of Unicode only, or look like no value.

    Parameters
    ----------
    sizes : dict of str to int or pandas.Series
        Chats by category.

    Returns
    -------
    list of str

    Examples
    --------
    >>> doubtful_names({"Billing": 7, "billing": 2})[0]
    'the categories "Billing" (chats: 7), "billing" (chats: 2) differ in case, spaces or form of Unicode only; ...
    """
    spelled, lines = {}, []
    for name, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        spelled.setdefault(_folded(name), []).append(name)
    for first, *others in spelled.values():
        said = ", ".join(f"{_quoted(name)} (chats: {sizes[name]:,})" for name in (first, *others))
        if others:
            names = ", ".join(f"{_quoted(name)}: {_quoted(first)}" for name in others)
            lines.append(
                f"the categories {said} differ in case, spaces or form of Unicode only; if they are one, write "
                f"category_map: {{{names}}} into params.yaml, section query"
            )
        if re.match(NO_VALUE, first):
            lines.append(
                f"the category {said} looks like none; if so, write category_map: {{{_quoted(first)}: null}} into "
                "params.yaml, section query"
            )
    return lines


def _quoted(name):
    """Write a name as YAML does, a space that is none as its number."""
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _folded(name):
    return re.sub(_UNSEEN, " ", unicodedata.normalize("NFKC", name)).casefold().strip()
