"""Fill the local warehouse: a SQLite file with chats from the simulator or from an export of one's own."""

import contextlib
import sqlite3
import warnings
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from chatkit.data.split import blank_to_missing
from chatkit.data.warehouse import REQUIRED, SCHEMA, TEXT, sqlite_file
from chatkit.project import InputError, replacing

APPLICATION_ID = 0x43484154  # "CHAT" in the file's header: written by chatkit, so chatkit may replace it


def write_sqlite(url, chats, truth=None):
    """Write chats into a new SQLite file, in place of the one that chatkit wrote before.

    The same rows give the same bytes, whatever version of SQLite writes them.

    Parameters
    ----------
    url : str
        URL of a local SQLite warehouse.
    chats : pandas.DataFrame
        Rows of the table chats; columns of `chatkit.data.warehouse.SCHEMA` that they lack are empty there.
    truth : pandas.DataFrame, optional
        Rows of the table truth, which only simulated chats have.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        When the URL is no local file, the file is a database that chatkit did not write, or simulated chats would
        take the place of loaded ones.
    """
    file = sqlite_file(url)
    if file.exists():
        if _scalar(file, "PRAGMA application_id") != APPLICATION_ID:
            raise InputError(
                f"{file} exists and was not written by chatkit, so it is left alone; name another file in "
                "query.warehouse of params.yaml."
            )
        if truth is not None and not _scalar(file, "SELECT count(*) FROM sqlite_master WHERE name = 'truth'"):
            raise InputError(
                f"{file} holds chats that were loaded, so it is not replaced by simulated ones; move it away first, or "
                "name another file in query.warehouse of params.yaml."
            )
    tables = {"chats": _completed(chats)} if truth is None else {"chats": _completed(chats), "truth": truth}
    with replacing(file) as beside:
        with sa.create_engine(f"sqlite:///{beside}", poolclass=sa.NullPool).begin() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            for name, frame in tables.items():
                frame.to_sql(name, connection, index=False, chunksize=20_000)
        # The header's last field is the version of the SQLite that wrote it (sqlite.org/fileformat, offset 96).
        with beside.open("r+b") as header:
            header.seek(96)
            header.write((3_000_000).to_bytes(4, "big"))
    return file


def _scalar(file, query):
    """Ask a file for one value; None where it is no SQLite file."""
    try:
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchone()[0]
    except sqlite3.DatabaseError:
        return None


def read_chats(file):
    """Read an export of chats, ready for the warehouse.

    Parameters
    ----------
    file : path-like
        CSV or Parquet with the columns id, subject, body and category; conversation_id, customer_id,
        created_at and split are used when there are any; other columns are kept as text.

    Returns
    -------
    pandas.DataFrame
        One row a chat. Without a conversation_id in the file each chat is a conversation of its own; where some
        chats have none, theirs is None, as is a blank customer_id or split.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a column, or holds something else than text.
    """
    file = Path(file)
    chats = _read(file, REQUIRED)
    repeated = chats["id"][chats["id"].duplicated()]
    if len(repeated):
        raise InputError(
            f"{file.name} has {len(repeated)} rows with the id of an earlier row, first {repeated.iloc[0]!r}; give "
            "each chat an id of its own."
        )
    chats = blank_to_missing(chats)
    # Where some have one, the id of a chat could be that of another's conversation.
    if "conversation_id" not in chats.columns or chats["conversation_id"].isna().all():
        chats["conversation_id"] = chats["id"]
    if "created_at" in chats.columns:
        chats["created_at"] = _moments(chats["created_at"], file.name)
    return _completed(chats)


def _completed(chats):
    """Return all columns of the schema, then the others."""
    chats = chats.assign(**{name: None for name in SCHEMA.names if name not in chats.columns})
    return chats[[*SCHEMA.names, *(name for name in chats.columns if name not in SCHEMA.names)]]


def read_messages(file):
    """Read chats that nobody has sorted yet.

    Parameters
    ----------
    file : path-like
        CSV or Parquet with subject and body; id when there is one.

    Returns
    -------
    pandas.DataFrame
        id (the row's number when the file has none), subject, body.

    Raises
    ------
    InputError
        As `read_chats`.
    """
    messages = _read(Path(file), TEXT)
    if "id" not in messages.columns:
        messages["id"] = range(1, len(messages) + 1)
    return messages[["id", *TEXT]]


def _read(file, required):
    """Read a file whose required columns are there and hold text; None becomes empty."""
    chats, name = _parsed(file), file.name
    missing = [column for column in required if column not in chats.columns]
    if missing:
        what = "separate the columns with commas" if len(chats.columns) == 1 else "rename or add it in the file"
        raise InputError(
            f"{name} has the columns {', '.join(map(str, chats.columns))}, but {', '.join(missing)} is missing; {what}."
        )
    if chats.empty:
        raise InputError(f"{name} has a header but no rows; export it again.")
    for column in TEXT:
        chats[column] = chats[column].fillna("")
        for row, value in enumerate(chats[column], 1):
            if not isinstance(value, str):
                raise InputError(
                    f"{column} in row {row} of {name} is a {type(value).__name__}, expected text; convert the column "
                    "to text in the file."
                )
    return chats


def _parsed(file):
    if not file.is_file():
        raise InputError(f"{file} does not exist; give the path of a CSV or Parquet file.")
    ending = file.suffix.lower()
    if ending not in {".csv", ".parquet"}:
        raise InputError(
            f"{file.name} ends with {ending or 'nothing'}, expected .csv or .parquet; export it as one of these."
        )
    # Text stays text: "NA" may be a subject, and ids keep their leading zeros.
    # No column becomes an index, as the first one would where rows have a field more than the header has names.
    options = {"dtype": str, "keep_default_na": False, "index_col": False, "encoding": "utf-8"}
    try:
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):
            chats = pd.read_csv(file, **options) if ending == ".csv" else pd.read_parquet(file)
    except (ValueError, pd.errors.ParserWarning) as error:  # of pandas, of pyarrow, or for a text that is no UTF-8
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise InputError(
            f"{file.name} cannot be read as {ending[1:]}: {reason}; export it again, in UTF-8, with texts that have "
            "commas in quotes."
        ) from None
    for name in chats.columns:
        if name not in (*TEXT, "created_at"):
            chats[name] = [None if pd.isna(value) else str(value) for value in chats[name]]
    return chats.astype({name: object for name in chats.columns if name != "created_at"}).replace({float("nan"): None})


def _moments(values, name):
    try:
        moments = pd.to_datetime(values.replace("", None), utc=True, format="ISO8601")
    except (ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"created_at in {name} is not a date and time throughout ({reason}); write it as 2025-03-01 09:30:00."
        ) from None
    return moments.dt.tz_localize(None).astype("datetime64[us]")
