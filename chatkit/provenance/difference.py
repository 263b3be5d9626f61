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
    missing = next((str(file) for file in (one, other) if not file.exists()), None)
    if missing:
        return f"{missing} is missing"
    if one.is_dir() or other.is_dir():
        return _in_folders(one, other)
    pair = one.read_bytes(), other.read_bytes()
    if pair[0] == pair[1]:
        return None
    compare = _BY_KIND.get(one.suffix)
    return (compare and compare(one, other)) or f"byte {_common(*pair)} of {len(pair[0])} and {len(pair[1])}"


def _in_folders(one, other):
    names = {file.relative_to(folder) for folder in (one, other) for file in folder.rglob("*") if file.is_file()}
    for name in sorted(names, key=Path.as_posix):
        difference = first_difference(one / name, other / name)
        if difference:
            return f"{name.as_posix()}: {difference}"
    return None


def _in_json(one, other):
    try:
        pair = [json.loads(file.read_text(encoding="utf-8")) for file in (one, other)]
    except ValueError:
        return None
    return _in_values(*pair)


def _in_values(one, other, keys=()):
    if isinstance(one, list) and isinstance(other, list):
        one, other = dict(enumerate(one)), dict(enumerate(other))
    if not (isinstance(one, dict) and isinstance(other, dict)):
        same = one == other or (one != one and other != other)  # noqa: PLR0124 - NaN is as it was
        return None if same else f"{_address(keys)}: {_excerpts(one, other)}"
    differences = (_in_values(one.get(key), other.get(key), (*keys, key)) for key in sorted(one.keys() | other.keys()))
    return next(filter(None, differences), None)


def _address(keys):
    if len(keys) > 1 and keys[0] == "cells":  # a notebook
        return f"cell {keys[1]}, {'/'.join(map(str, keys[2:]))}"
    return "/".join(map(str, keys))


def _in_tables(one, other):
    one, other = (pd.read_parquet(file).astype(object) for file in (one, other))
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return " and ".join(f"{len(table)} rows of {', '.join(table.columns)}" for table in (one, other))
    changes = one.compare(other)  # only columns and rows with a difference
    if changes.empty:
        return None
    column = changes.columns[0][0]
    row = changes[column].dropna(how="all").index[0]
    return f"row {row}, {column}: {_excerpts(one.loc[row, column], other.loc[row, column])}"


def _in_lines(one, other):
    one, other = (file.read_bytes().decode(errors="replace").removesuffix("\n").split("\n") for file in (one, other))
    number = _common(one, other)
    if number < min(len(one), len(other)):
        return f"line {number + 1}: {_excerpts(one[number], other[number])}"
    return f"{len(one)} and {len(other)} lines" if len(one) != len(other) else None


def _excerpts(one, other):
    """Show both values from a little before they differ."""
    if isinstance(one, str) and isinstance(other, str):
        start = _common(one, other)
        one, other = (text[max(0, start - 20) : start + _EXCERPT] for text in (one, other))
    return " and ".join(repr(value)[: 2 * _EXCERPT] for value in (one, other))


def _common(one, other):
    """How many characters, bytes or lines two sequences have in common at the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


_BY_KIND = {".json": _in_json, ".ipynb": _in_json, ".parquet": _in_tables, ".html": _in_lines, ".csv": _in_lines}
