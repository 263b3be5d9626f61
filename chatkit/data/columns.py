"""Whose columns a table has: ours, those that the user names, or those of a help desk's export."""

import re
from itertools import count
from pathlib import Path

from chatkit.data.warehouse import SCHEMA, TEXT
from chatkit.project import InputError, did_you_mean, read_yaml

OURS = tuple(SCHEMA.names)


def read_mapping(texts):
    """Read which column of a file is which of ours.

    Parameters
    ----------
    texts : list of str
        Such as ``subject=Subject,body=Description``; a comma may stand in the name of a file's column.

    Returns
    -------
    dict of str to str

    Raises
    ------
    InputError
        When a part is no assignment to one of our columns.

    Examples
    --------
    >>> read_mapping(["subject=Title, short,body=Text"])
    {'subject': 'Title, short', 'body': 'Text'}
    """
    parts = [part for text in texts for part in re.split(rf",\s*(?=(?:{'|'.join(OURS)})\s*=)", text)]
    mapping = {}
    for part in parts:
        ours, equals, theirs = (piece.strip() for piece in part.partition("="))
        if ours not in OURS or not equals or not theirs or ours in mapping:
            hint = did_you_mean(ours, OURS) if ours not in OURS else ""
            raise InputError(
                f"--map has {part!r}, expected each of {', '.join(OURS)} once at most, as in subject=Title,body=Text"
                f"{hint or '.'}"
            )
        mapping[ours] = theirs
    return mapping


def rename(table, mapping, required, name):
    """Find our columns in a table and give them our names; the others keep theirs.

    Parameters
    ----------
    table : chatkit.data.delimited.Table
        Changed: afterwards its names differ in more than case.
    mapping : dict of str to str
        From `read_mapping`; what it does not name is looked for.
    required : tuple of str
        Those of our columns that must be there.
    name : str
        Of the file, for errors.

    Returns
    -------
    str or None
        How the columns were read, where that is not by our own names.

    Raises
    ------
    InputError
        When a column is missing, or stands there twice.
    """
    found, how = _found(table, mapping, required, name)
    missing = [ours for ours in required if ours not in found]
    if missing:
        shown = ", ".join(table.names[:20]) + f" and {len(table.names) - 20} more" * (len(table.names) > 20)
        what = "rename or add it in the file, or say which one it is"
        if len(table.names) == 1:
            what = "separate the columns with commas, semicolons or tabs"
        raise InputError(
            f"{name} has the columns {shown}, but {', '.join(missing)} is missing; {what}, as in "
            f"--map {missing[0]}=NAME."
        )
    ours_at = {place: ours for ours, place in found.items()}
    # One column may be two of ours, such as subject and category of a form.
    for ours, place in found.items():
        if ours_at[place] != ours:
            table.names.append(ours)
            table.columns.append(list(table.columns[place]))
            ours_at[len(table.names) - 1] = ours
    taken = set(found)
    for place, theirs in enumerate(table.names):
        if place in ours_at:
            table.names[place] = ours_at[place]
            continue
        plain = theirs or f"column {place + 1}"
        names = (f"{plain} {number}" if number > 1 else plain for number in count(1))
        table.names[place] = next(one for one in names if one.lower() not in taken)
        taken.add(table.names[place].lower())
    return how


def _found(table, mapping, required, name):
    """Say where our columns stand, and how they were found."""
    places, exact = {}, {}
    for place, theirs in enumerate(table.names):
        places.setdefault(_folded(theirs), []).append(place)
        exact.setdefault(theirs.lower(), []).append(place)

    def only(ours, found):
        if len(found) > 1:
            names = " and ".join(table.names[place] for place in found[:2])
            raise InputError(
                f"{name} has the columns {names}, of which either could be {ours}; rename one, or say which with "
                f"--map {ours}=NAME."
            )
        return found[0]

    found = {}
    for ours, theirs in mapping.items():
        same = [place for place, one in enumerate(table.names) if one == theirs] or exact.get(theirs.lower(), [])
        if not same:
            raise InputError(
                f"--map says that {ours} is {theirs!r}, but {name} has the columns {', '.join(table.names[:20])}; name "
                "one of them."
            )
        found[ours] = only(ours, same)
    own = {ours: only(ours, exact[ours]) for ours in OURS if ours in exact and ours not in found}
    how = [_said(table, found, "as --map says")] if found else []
    if set(required) - {*own, *found} and (desk := _help_desk(places)):
        theirs = _of_help_desk(table, places, desk["names"], {*own, *found})
        how.append(_said(table, theirs, f"as {desk['tool']} names them"))
        own |= theirs
    return own | found, "; ".join(how) or None


def _help_desk(places):
    desks = read_yaml(Path(__file__).with_name("exports.yaml"))
    return next((desk for desk in desks if any(set(marks) <= set(places) for marks in desk["marks"])), None)


def _of_help_desk(table, places, names, known):
    found = {ours: place for ours in OURS if (place := _first_filled(table, places, names.get(ours, []))) is not None}
    if "subject" not in {*known, *found}:  # not every conversation has a title
        found["subject"] = len(table.names)
        table.names.append("(none)")
        table.columns.append([""] * len(table.rows))
    for ours in TEXT:
        if ours in found:
            table.columns[found[ours]] = list(map(_without_markup, table.columns[found[ours]]))
    return found


def _first_filled(table, places, names):
    candidates = [place for theirs in names for place in places.get(theirs, [])]
    filled = (place for place in candidates if any(value not in {None, ""} for value in table.columns[place]))
    return next(filled, candidates[0] if candidates else None)


def _without_markup(text):
    """Return what a person reads of a text that is a piece of HTML, as Intercom's are."""
    if not isinstance(text, str) or not re.match(r"\s*<[A-Za-z!]", text):
        return text
    from bs4 import BeautifulSoup

    return BeautifulSoup(text, "html.parser").get_text("\n", strip=True)


def _said(table, found, how):
    return f"columns {how}: " + ", ".join(f"{ours}={table.names[place]}" for ours, place in found.items())


def _folded(name):
    return re.sub(r"[\s_-]+", " ", name).strip().lower()
