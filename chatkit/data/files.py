"""Tables and small results as files, each written whole or not at all, the same values the same bytes."""

import hashlib
import json

import pandas as pd

from chatkit.project import InputError, replacing


def read_table(file):
    """Read a Parquet file that an earlier stage wrote.

    Parameters
    ----------
    file : pathlib.Path

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InputError
        When it is not there.
    """
    if not file.is_file():
        raise InputError(f"{file.parent.name}/{file.name} is missing; make it with `dvc repro`, or `dvc checkout` it.")
    return pd.read_parquet(file)


def write_table(table, file):
    """Write a frame as Parquet or CSV, by the file's ending.

    Parameters
    ----------
    table : pandas.DataFrame
    file : pathlib.Path
        Ends with ``.parquet`` or ``.csv``.
    """
    with replacing(file) as beside:
        if file.suffix == ".csv":
            table.to_csv(beside, index=False, lineterminator="\n")
        else:
            table.to_parquet(beside, index=False, compression="zstd")


def file_sha256(file):
    """Hash a file.

    Parameters
    ----------
    file : pathlib.Path

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_json(file):
    """Read a JSON file.

    Parameters
    ----------
    file : pathlib.Path

    Returns
    -------
    dict, list, str, float or None
        What it holds.

    Raises
    ------
    ValueError
        When it is no JSON.
    """
    return json.loads(file.read_text(encoding="utf-8"))


def write_json(content, file):
    """Write plain dicts and lists as JSON.

    Parameters
    ----------
    content : dict or list
        Floats are rounded to 6 significant digits: the last ones differ from processor to processor.
    file : pathlib.Path
    """
    exact = json.dumps(content, allow_nan=False)
    rounded = json.loads(exact, parse_float=lambda number: float(f"{float(number):.6g}"))
    with replacing(file) as beside:
        beside.write_text(json.dumps(rounded, indent=2, ensure_ascii=False) + "\n", "utf-8")
