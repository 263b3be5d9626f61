"""Fill the local warehouse: a SQLite file with chats from the simulator or from an export of one's own."""

import contextlib
import csv
import re
import sqlite3
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from chatkit.data.categories import doubtful_names, trimmed
from chatkit.data.columns import rename
from chatkit.data.dates import read_moments
from chatkit.data.delimited import NO_CHARACTER
from chatkit.data.formats import read_file
from chatkit.data.split import NO_VALUE, blank_to_missing
from chatkit.data.warehouse import (
    LEFT_OUT,
    LOAD_REASONS,
    REASONS,
    REQUIRED,
    SCHEMA,
    TEXT,
    connect,
    loaded_left_out,
    reasons_of,
    sqlite_file,
    why_left_out,
)
from chatkit.project import InputError, replacing

_MOST_COLUMNS = 1900  # SQLite takes 2,000
APPLICATION_ID = 0x43484154  # "CHAT" in the file's header: written by chatkit, so chatkit may replace it


def write_sqlite(url, chats, truth=None, left_out=None):
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
    left_out : dict of str to int, optional
        Rows of a file that are not among the chats, by reason, of `chatkit.data.warehouse.LOAD_REASONS`.

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
        if truth is not None and not _is_simulated(file):
            raise InputError(
                f"{file} holds chats that were loaded, so it is not replaced by simulated ones; move it away first, or "
                "name another file in query.warehouse of params.yaml."
            )
    counts = left_out and pd.DataFrame(left_out.items(), columns=["reason", "number"])
    tables = {"chats": _completed(chats), "truth": truth, LEFT_OUT: counts}
    with replacing(file) as beside:
        url = sa.URL.create("sqlite", database=str(beside))  # a folder may have ? or % in its name
        with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            for name, frame in tables.items():
                if frame is not None:
                    frame.to_sql(name, connection, index=False, chunksize=20_000)
        # The header's last field is the version of the SQLite that wrote it (sqlite.org/fileformat, offset 96).
        with beside.open("r+b") as header:
            header.seek(96)
            header.write((3_000_000).to_bytes(4, "big"))
    return file


def add_to_warehouse(url, chats, replace=False, append=False, left_out=None):
    """Write chats of a file into the warehouse; what was loaded before goes only when that is asked for.

    Parameters
    ----------
    url : str
        URL of a local SQLite warehouse.
    chats : pandas.DataFrame
        From `read_export`.
    replace, append : bool, default=False
        What becomes of chats that were loaded before: they go, or they stay but for those whose id the new ones have,
        too. Simulated chats always go.
    left_out : dict of str to int, optional
        As for `write_sqlite`; it is added to what is counted there already.

    Returns
    -------
    file : pathlib.Path
        The warehouse.
    kept, updated : int
        How many of the earlier chats stay as they were, and how many have a newer row now.

    Raises
    ------
    InputError
        When there are loaded chats and neither is asked for, all are of one category, and as `write_sqlite`.
    """
    file = sqlite_file(url)
    loaded = file.exists() and _scalar(file, "PRAGMA application_id") == APPLICATION_ID and not _is_simulated(file)
    if not loaded or replace:
        _require_categories(chats)
        return write_sqlite(url, chats, left_out=left_out), 0, 0
    count = _scalar(file, "SELECT count(*) FROM chats")
    if not append:
        raise InputError(
            f"{file} holds {count:,} chats that were loaded; add these with --append, or put them in their place with "
            "--replace."
        )
    with connect(url).connect() as connection:
        earlier = pd.read_sql(sa.text("SELECT * FROM chats"), connection, dtype=object)
        before = loaded_left_out(connection)
    earlier["created_at"] = pd.to_datetime(earlier["created_at"], format="ISO8601").astype("datetime64[us]")
    kept = earlier[~earlier["id"].isin(chats["id"])]
    updated = len(earlier) - len(kept)
    # SQLite takes names that differ in case only for one column.
    spelled = {name.lower(): name for name in earlier.columns}
    chats = chats.rename(columns=lambda name: spelled.get(name.lower(), name))
    names = list(dict.fromkeys([*earlier.columns, *chats.columns]))
    rows = pd.concat([one.reindex(columns=names) for one in (kept, chats)], ignore_index=True)
    _require_categories(rows)
    now = (left_out or {}) | {"repeated_id": (left_out or {}).get("repeated_id", 0) + updated}
    left_out = {reason: before.get(reason, 0) + now.get(reason, 0) for reason in LOAD_REASONS}
    return write_sqlite(url, _for_sqlite(rows), left_out=left_out), len(kept), updated


def _require_categories(chats):
    names = {*chats["category"]} - {None, ""}
    if len(names) == 1:
        raise InputError(
            f"All chats are of the category {names.pop()!r}, expected two categories or more, or else there is nothing "
            "to learn; export the others, too, or name another column with --map category=NAME."
        )


def _is_simulated(file):
    return bool(_scalar(file, "SELECT count(*) FROM sqlite_master WHERE name = 'truth'"))


def _scalar(file, query):
    """Ask a file for one value; None where it is no SQLite file."""
    try:
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchone()[0]
    except sqlite3.DatabaseError:
        return None


@dataclass
class Export:
    """The chats of a file, and what became of its other rows."""

    chats: pd.DataFrame
    file: Path
    rows: int
    notes: list[str]  # how the file was read
    bad: list  # rows that cannot be read
    left_out: dict[str, int] = field(default_factory=dict)

    def usable(self, as_of=None):
        """Count the chats to learn from, and the others by reason: those that the query will leave out stay here.

        Parameters
        ----------
        as_of : datetime.datetime, optional
            Without a zone: only chats created before it.

        Returns
        -------
        chats : pandas.DataFrame
            Those to learn from.
        left_out : dict of str to int
            The other rows of the file, by reason.
        """
        later = self.chats["created_at"] >= as_of if as_of else pd.Series(False, self.chats.index)
        columns = (self.chats[name] for name in ("category", *TEXT))
        reasons = ["later" if late else why_left_out(*row) for late, *row in zip(later, *columns, strict=True)]
        counts = {reason: reasons.count(reason) for reason in REASONS}
        return self.chats[[reason is None for reason in reasons]], self.left_out | counts

    def write_bad_rows(self):
        """Write the rows that cannot be read into a file beside the one they come from.

        Returns
        -------
        pathlib.Path
        """
        file = self.file.with_name(f"{self.file.name}.left-out.csv")
        with (
            replacing(file) as beside,
            beside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out,
        ):
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(["row", "line", "reason", "text"])
            writer.writerows([bad.row, bad.line, bad.reason, bad.text.replace("\0", "\\0")] for bad in self.bad)
        return file


def read_export(file, mapping=None, skip_bad_rows=False):
    r"""Read an export of chats, with what became of each of its rows.

    Parameters
    ----------
    file : path-like
        Whatever `chatkit.data.formats.read_file` reads, with the columns id, subject, body and category;
        conversation_id, customer_id, created_at and split are used when there are any; other columns are kept as text.
    mapping : dict of str to str, optional
        The file's names of our columns. By default they are ours, or those of a help desk that is recognised.
    skip_bad_rows : bool, default=False
        Leave out what cannot be read, instead of refusing the file.

    Returns
    -------
    Export
        Its chats have ids of their own; of those that repeat one the last is taken. Without a conversation_id in the
        file each chat is a conversation of its own; where some chats have none, theirs is None, as is a blank
        customer_id or split.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a column, or holds something else than text.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> file = Path(mkdtemp(), "a.csv")
    >>> _ = file.write_text("id;subject;Text;category\n1;Lost card;I lost it;urgent\n2;Hours;Open?;\n")
    >>> print(*report(read_export(file, {"body": "Text"})), sep="\n")
    a.csv: read as CSV separated by semicolons, in UTF-8
    a.csv: columns as --map says: body=Text
    2 rows = 1 chats to learn from + 1 left out: 1 without a category
    """
    file = Path(file)
    chats, numbers, export = _read(file, REQUIRED, mapping, skip_bad_rows)
    chats["id"] = chats["id"].str.strip().replace("", None)
    chats["category"] = chats["category"].map(trimmed, na_action="ignore")
    if "created_at" in chats.columns:
        values = [None if isinstance(one, str) and re.match(NO_VALUE, one) else one for one in chats["created_at"]]
        moments = read_moments(values, numbers, "created_at", file.name)
        chats["created_at"] = pd.Series(moments, chats.index, dtype="datetime64[us]")
    # "None" is an id as long as one chat has it.
    chats["id"] = chats["id"].mask(chats["id"].duplicated(keep=False) & chats["id"].str.match(NO_VALUE), None)
    identified = chats["id"].notna()
    repeated = identified & chats["id"].duplicated(keep="last")
    export.left_out |= {
        "no_id": int((~identified).sum()),
        "repeated_id": int(repeated.sum()),
    }
    chats = blank_to_missing(chats[identified & ~repeated].reset_index(drop=True))
    # Where some have one, the id of a chat could be that of another's conversation.
    if "conversation_id" not in chats.columns or chats["conversation_id"].isna().all():
        chats["conversation_id"] = chats["id"]
    export.chats = _for_sqlite(_completed(chats), export.notes)
    usable, left_out = export.usable()
    if usable.empty:
        raise InputError(f"{file.name} has no row to learn from: {reasons_of(left_out)}; export it again.")
    return export


def _for_sqlite(chats, notes=None):
    """Leave out columns that nobody asked for where there are more than SQLite takes."""
    if len(chats.columns) <= _MOST_COLUMNS:
        return chats
    if notes is not None:
        notes.append(f"{len(chats.columns) - len(SCHEMA.names):,} other columns left out: more than SQLite takes")
    return chats[SCHEMA.names]


def _completed(chats):
    """Return all columns of the schema, then the others."""
    chats = chats.assign(**{name: None for name in SCHEMA.names if name not in chats.columns})
    return chats[[*SCHEMA.names, *(name for name in chats.columns if name not in SCHEMA.names)]]


def read_unsorted(file, mapping=None, skip_bad_rows=False):
    """Read chats that nobody has sorted yet, with the rows that cannot be read.

    Parameters
    ----------
    file : path-like
        As for `read_export`, with subject and body; id when there is one.
    mapping, skip_bad_rows
        As for `read_export`.

    Returns
    -------
    Export
        Its chats have id (the row's number when the file has none), subject and body: one row a row of the file.

    Raises
    ------
    InputError
        As `read_export`.
    """
    messages, numbers, export = _read(Path(file), TEXT, mapping, skip_bad_rows)
    if "id" not in messages.columns:
        messages["id"] = numbers
    export.chats = messages[["id", *TEXT]]
    return export


def _read(file, required, mapping, skip_bad_rows):
    """Read a file whose required columns are there and hold text; None becomes empty."""
    table, name = read_file(file), file.name
    if table.bad and not skip_bad_rows:
        first, total = table.bad[0], len(table.rows) + len(table.bad)
        raise InputError(
            f"{len(table.bad):,} of {total:,} rows of {name} cannot be read, the first is row {first.row} (line "
            f"{first.line}), which {first.reason}: {textwrap.shorten(first.text, 80)!r}; mend them (a text with "
            "separators, quotes or line breaks stands in quotes), or leave them out with --skip-bad-rows."
        )
    if not table.rows:
        raise InputError(f"{name} has no row that can be read: the first {table.bad[0].reason}; export it again.")
    how = rename(table, mapping or {}, required, name)
    columns = {}
    for column, values in zip(table.names, table.columns, strict=True):
        columns[column] = values if column == "created_at" else _texts(values, column, table.rows, name)
    chats = pd.DataFrame(columns, dtype=object)
    export = Export(chats, file, len(table.rows) + len(table.bad), [f"read as {table.kind}"], table.bad)
    export.notes += [how] if how else []
    export.left_out["unreadable"] = len(table.bad)
    return chats, table.rows, export


def _texts(values, column, rows, name):
    """Make text of the values of a column; a text that is none is most likely the wrong column."""
    texts = []
    for value, row in zip(values, rows, strict=True):
        missing = value is None or value != value  # noqa: PLR0124  NaN
        if column in TEXT and not missing and not isinstance(value, str):
            raise InputError(
                f"{column} in row {row} of {name} is a {type(value).__name__}, expected text; convert the column "
                "to text in the file."
            )
        text = ("" if column in TEXT else None) if missing else str(value)
        if text and NO_CHARACTER.search(text):
            raise InputError(f"{column} in row {row} of {name} holds half a character; mend it in the file.")
        texts.append(text)
    return texts


def report(export, as_of=None, bad_rows=None):
    """Say what became of each row of a file.

    Parameters
    ----------
    export : Export
    as_of : datetime.datetime, optional
        As for `Export.usable`.
    bad_rows : path-like, optional
        Where the rows that cannot be read were written.

    Returns
    -------
    list of str
    """
    chats, left_out = export.usable(as_of)
    lines = [f"{export.file.name}: {note}" for note in export.notes]
    if total := sum(left_out.values()):
        used = f"{export.rows:,} rows = {len(chats):,} chats to learn from + {total:,} left out"
        lines.append(f"{used}: {reasons_of(left_out)}" + (f" (see {bad_rows})" if bad_rows else ""))
    return lines


def preview(export, as_of=None, rows=3):
    """Show how a file would be read.

    Parameters
    ----------
    export : Export
    as_of : datetime.datetime, optional
        As for `Export.usable`.
    rows : int, default=3
        How many chats to show.

    Returns
    -------
    list of str
    """
    chats, _ = export.usable(as_of)
    lines = []
    for row in chats.head(rows)[SCHEMA.names].to_dict("records"):
        lines.append("")
        lines += [f"  {name}: {textwrap.shorten(str(value), 100)}" for name, value in row.items() if not pd.isna(value)]
    sizes = chats["category"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [*lines, "", f"{len(chats):,} chats in {len(sizes)} categories:",
            *(f"  {count:,} {name}" for name, count in sizes.items()), *doubtful_names(sizes)]  # fmt: skip
