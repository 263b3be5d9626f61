"""Where two outputs begin to differ, in terms of what they are: a cell, a row, a line, a byte."""

import json
from pathlib import Path

import pandas as pd

_EXCERPT = 60  # characters shown of either side


def first_difference(one, other):
    """Find the first place in which two files or folders differ.

    Parameters
    ----------
    one, other : path-like
        Two files, or two folders, of the same kind.

    Returns
    -------
    str or None
        Such as ``cell 3, outputs/0/text: '0.31' and '0.29'``; None when the bytes are the same.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> a, b = (Path(mkdtemp()) / "a.json" for _ in range(2))
    >>> _ = a.write_text('{"f1": 0.8}'), b.write_text('{"f1": 0.9}')
    >>> first_difference(a, b)
    'f1: 0.8 and 0.9'
    """
    one, other = Path(one), Path(other)
    if one.is_dir() or other.is_dir():
        return _in_folders(one, other)
    missing = next((str(file) for file in (one, other) if not file.is_file()), None)
    if missing:
        return f"{missing} is missing"
    pair = one.read_bytes(), other.read_bytes()
    if pair[0] == pair[1]:
        return None
    kinds = {".json": _in_json, ".ipynb": _in_json, ".parquet": _in_tables, ".html": _in_lines, ".csv": _in_lines}
    look = kinds.get(one.suffix, lambda *_: None)
    return look(one, other) or _in_bytes(*pair)


def _in_folders(one, other):
    names = [
        {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} for folder in (one, other)
    ]
    for name in sorted(names[0] | names[1]):
        found = first_difference(one / name, other / name)
        if found:
            return f"{name}: {found}"
    return None


def _in_json(one, other):
    try:
        place = _in_values(*(json.loads(file.read_text(encoding="utf-8")) for file in (one, other)))
    except ValueError:
        return None
    return place


def _in_values(one, other, place=()):
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        pairs = ((key, one.get(key), other.get(key)) for key in keys)
    elif isinstance(one, list) and isinstance(other, list):
        longest = max(len(one), len(other))
        pairs = ((i, *(side[i] if i < len(side) else None for side in (one, other))) for i in range(longest))
    else:
        return None if one == other else f"{_named(place)}: {_both(one, other)}"
    return next((found for key, a, b in pairs if (found := _in_values(a, b, (*place, key)))), None)


def _named(place):
    if len(place) > 1 and place[0] == "cells":  # a notebook
        return f"cell {place[1]}, {'/'.join(map(str, place[2:]))}"
    return "/".join(map(str, place))


def _both(one, other):
    """Show both values from a little before they differ."""
    if isinstance(one, str) and isinstance(other, str):
        start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        one, other = (text[max(0, start - 20) : start + _EXCERPT] for text in (one, other))
    return " and ".join(repr(value)[: 2 * _EXCERPT] for value in (one, other))


def _in_tables(one, other):
    tables = pd.read_parquet(one), pd.read_parquet(other)
    if list(tables[0].columns) != list(tables[1].columns) or len(tables[0]) != len(tables[1]):
        shapes = [f"{len(table)} rows of {', '.join(table.columns)}" for table in tables]
        return " and ".join(shapes)
    for column in tables[0].columns:
        a, b = (table[column].astype(object).where(table[column].notna(), None) for table in tables)
        rows = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
        if rows:
            return f"row {rows[0]}, {column}: {_both(a[rows[0]], b[rows[0]])}"
    return None


def _in_lines(one, other):
    lines = [file.read_text(encoding="utf-8").splitlines() for file in (one, other)]
    for number, (a, b) in enumerate(zip(*lines, strict=False), start=1):
        if a != b:
            return f"line {number}: {_both(a, b)}"
    return f"{len(lines[0])} and {len(lines[1])} lines"


def _in_bytes(one, other):
    place = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"byte {place} of {len(one)} and {len(other)}"
