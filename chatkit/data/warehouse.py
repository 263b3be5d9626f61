"""From the warehouse to a Parquet file: one query, streamed, checked, described by a sidecar."""

import datetime as dt
import hashlib
import json
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from chatkit.data.corrections import Corrections
from chatkit.project import InputError, path, replacing

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("conversation_id", pa.string()),
        ("customer_id", pa.string()),
        ("created_at", pa.timestamp("us")),
        ("subject", pa.string()),
        ("body", pa.string()),
        ("category", pa.string()),
        ("split", pa.string()),
    ]
)
RELABELLED = pa.field("relabelled", pa.bool_())  # written by `extract`, never read from a warehouse
REQUIRED = ("id", "subject", "body", "category")
TEXT = ("subject", "body")


def connect(url):
    """Open the warehouse behind a SQLAlchemy URL.

    Parameters
    ----------
    url : str
        ``$NAME`` in it stands for an environment variable, so that a password is never written down. A
        relative SQLite path is taken from the project's root.

    Returns
    -------
    sqlalchemy.engine.Engine

    Raises
    ------
    InputError
        When the URL cannot be used: a variable that is not set, a password in plain text, an unknown
        dialect, a SQLite file that does not exist.
    """
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = sqlite_file(url)
        if not file.is_file():
            raise InputError(
                f"The warehouse {url} does not exist; make it with `chatkit simulate`, or with "
                "`chatkit load FILE` from a CSV or Parquet file of yours."
            )
        parsed = parsed.set(database=str(file))
    return open_engine(parsed, "warehouse")


def open_engine(url, what, **options):
    """Make an engine; nothing is asked of the database yet.

    Parameters
    ----------
    url : sqlalchemy.engine.URL
    what : str
        What lies there, for the error message.
    **options
        Of `sqlalchemy.create_engine`.

    Returns
    -------
    sqlalchemy.engine.Engine

    Raises
    ------
    InputError
        When the dialect or its driver is not there.
    """
    try:
        return sa.create_engine(url, **options)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise InputError(
            f"The {what} needs a driver that is not installed ({error}); for PostgreSQL use postgresql+psycopg:// and "
            "`pip install 'psycopg[binary]'`."
        ) from None


def read_only(url, file):
    """Return the URL by which a SQLite file is read: it is neither made nor changed.

    Parameters
    ----------
    url : sqlalchemy.engine.URL
    file : pathlib.Path
        Absolute.

    Returns
    -------
    sqlalchemy.engine.URL
    """
    return url.set(database=file.as_uri(), query={"mode": "ro", "uri": "true"})


def sqlite_file(url):
    """Return the file behind a SQLite URL.

    Parameters
    ----------
    url : str
        Such as ``sqlite:///data/warehouse/chats.sqlite``; relative to the project's root.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        When the URL is not that of a SQLite file.
    """
    parsed = read_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise InputError(
            f"query.warehouse in params.yaml is {url}, expected a local file such as "
            "sqlite:///data/warehouse/chats.sqlite; chatkit writes chats to no other kind of warehouse."
        )
    return path(parsed.database)


def read_url(url, setting="query.warehouse in params.yaml", example="$CHATKIT_WAREHOUSE"):
    """Turn a setting into a SQLAlchemy URL.

    Parameters
    ----------
    url : str
        ``$NAME`` or ``${NAME}`` in it stands for an environment variable.
    setting, example : str
        What the setting is called, and the variable to suggest, for error messages.

    Returns
    -------
    sqlalchemy.engine.URL

    Raises
    ------
    InputError
        When it gives no URL, names a variable that is not set, or contains a password.
    """
    if not isinstance(url, str):
        raise InputError(
            f"{setting} is {url!r}, expected a SQLAlchemy URL such as sqlite:///data/warehouse/chats.sqlite."
        )
    try:
        password = sa.make_url(url).password
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        password = None  # `$NAME` alone is no URL before it is expanded
    if password and "$" not in password:
        raise InputError(
            f"{setting} contains a password; put the URL into an environment variable and write `{example}`."
        )

    def value(match):
        name = match[1] or match[2]
        if name not in os.environ:
            raise InputError(
                f"The environment variable {name}, named by {setting}, is not set; export {name} with a SQLAlchemy URL "
                "such as postgresql+psycopg://user:password@host/db."
            )
        return os.environ[name]

    expanded = re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, url)
    try:
        return sa.make_url(expanded)
    except (ArgumentError, ValueError):
        shown = repr(url) if "@" not in url else "a text with @"  # it may hold a password
        raise InputError(
            f"{setting} is {shown}, which does not give a SQLAlchemy URL; expected one such as "
            "sqlite:///data/warehouse/chats.sqlite or postgresql+psycopg://host/db."
        ) from None


def read_as_of(as_of):
    """Return the moment before which things count.

    Parameters
    ----------
    as_of : str
        ISO date, or date and time; in UTC where it says nothing else.

    Returns
    -------
    datetime.datetime
        In UTC, without a zone.

    Raises
    ------
    InputError
        When it is none.

    Examples
    --------
    >>> read_as_of("2026-01-01")
    datetime.datetime(2026, 1, 1, 0, 0)
    """
    try:
        moment = dt.datetime.fromisoformat(as_of)
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (TypeError, ValueError, OverflowError):
        raise InputError(f'query.as_of is {as_of!r}, expected an ISO date in quotes such as "2026-01-01".') from None


def extract(url, sql_file, as_of, out, chunk_size=20_000, relabels=None):
    """Run a query and stream its rows into a Parquet file and a sidecar.

    Both files appear whole or not at all. The Parquet file has one column more than the query, ``relabelled``: whether
    a person has relabelled the chat, or another one of its conversation.

    Parameters
    ----------
    url : str
        See `connect`.
    sql_file : path-like
        File with one SELECT that names its columns, uses ``:as_of`` and orders by a unique key. It must
        give id, subject, body and category; conversation_id, customer_id, created_at and split when there
        are any; other columns are kept as text.
    as_of : str
        ISO date: only chats created before it, so that the same query gives the same rows tomorrow.
    out : path-like
        The Parquet file; the sidecar stands beside it with the ending ``.json``.
    chunk_size : int, default=20_000
        Rows held in memory at a time.
    relabels : pandas.DataFrame, optional
        From `chatkit.data.relabels.read_relabels`, as of the same date. `chatkit.data.corrections.Corrections` says
        what becomes of them.

    Returns
    -------
    dict
        The sidecar: rows, rows_sha256 (of the values, whatever the file format), columns, first and last
        created_at, as_of, dialect, warehouse, sql_sha256, relabels (what became of them; None where none were given).

    Raises
    ------
    InputError
        When the warehouse cannot be reached, the query fails or gives no rows, or a row cannot be used.
    """
    out, sql_file = Path(out), Path(sql_file)
    if not sql_file.is_file():
        raise InputError(f"The query {sql_file} does not exist; name the SQL file in query.sql of params.yaml.")
    # A comment may speak of :as_of; SQLAlchemy would take it for a parameter.
    sql = re.sub(r"^\s*--.*$", "", sql_file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if ":as_of" not in sql:
        raise InputError(
            f"{sql_file.name} does not use :as_of, so it would give other rows every day; add a condition "
            "such as `created_at < :as_of`."
        )
    moment = read_as_of(as_of)
    corrections = Corrections(relabels)
    engine = connect(url)
    statement = sa.text(sql).bindparams(sa.bindparam("as_of", moment, type_=sa.DateTime))
    facts = _Facts()
    try:
        with replacing(out) as beside:
            try:
                with engine.connect().execution_options(stream_results=True, max_row_buffer=chunk_size) as connection:
                    result = connection.execute(statement)
                    schema = _schema(list(result.keys()), sql_file.name)
                    with pq.ParquetWriter(beside, schema, compression="zstd") as writer:
                        for table in _tables(result, schema, chunk_size, corrections):
                            facts.add(table)
                            writer.write_table(table)
            except SQLAlchemyError as error:
                raise InputError(_reason(error, engine, sql_file.name)) from None
            became = corrections.facts()
            if facts.rows == became["added"]:
                raise InputError(
                    f"{sql_file.name} gave no rows for as_of {as_of}; check the date and the conditions, or "
                    "fill the warehouse with `chatkit simulate` or `chatkit load FILE`."
                )
            _refuse_repeated_ids(beside)
            sidecar = {
                "rows": facts.rows,
                "rows_sha256": facts.digest.hexdigest(),
                "columns": schema.names,
                "first_created_at": facts.first and facts.first.isoformat(),
                "last_created_at": facts.last and facts.last.isoformat(),
                "as_of": as_of,
                "dialect": engine.dialect.name,
                "warehouse": url,
                "sql_sha256": hashlib.sha256(sql.encode()).hexdigest(),
                "relabels": None if relabels is None else became,
            }
            with replacing(out.with_suffix(".json")) as json_beside:
                json_beside.write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")
    finally:
        engine.dispose()
    return sidecar


def _tables(result, schema, chunk_size, corrections):
    """Give the chats of the warehouse chunk by chunk, then those that only the log has."""
    names = list(result.keys())
    for rows in result.partitions(chunk_size):
        yield corrections.correct(_table(rows, names, schema))
    yield corrections.added(schema)


class _Facts:
    """What the sidecar says of the rows, gathered as they stream by."""

    def __init__(self):
        self.rows, self.first, self.last = 0, None, None
        self.digest = hashlib.sha256()

    def add(self, table):
        self.rows += table.num_rows
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            self.digest.update(json.dumps(row, default=str, ensure_ascii=True).encode() + b"\n")
        bounds = pc.min_max(table["created_at"])
        low, high = bounds["min"].as_py(), bounds["max"].as_py()
        if low is not None:
            self.first = low if self.first is None else min(self.first, low)
            self.last = high if self.last is None else max(self.last, high)


def _schema(names, sql_name):
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise InputError(
            f"{sql_name} gives the columns {', '.join(names)}, but {', '.join(missing)} is missing; select it, "
            f"with AS where the warehouse calls it otherwise."
        )
    if RELABELLED.name in names:
        raise InputError(
            f"{sql_name} gives a column {RELABELLED.name}, which chatkit itself adds; give yours another name with AS."
        )
    extra = [(name, pa.string()) for name in names if name not in SCHEMA.names]
    return pa.schema([*SCHEMA, RELABELLED, *extra])


def _table(rows, names, schema):
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    ids = columns["id"]
    arrays = []
    for field in schema:
        values = columns.get(field.name, (None,) * len(ids))
        if field.name == "created_at":
            values = [_moment(value, key) for value, key in zip(values, ids, strict=True)]
        elif field.name in TEXT:
            values = [_text(value, field.name, key) for value, key in zip(values, ids, strict=True)]
        elif field == RELABELLED:
            values = [False] * len(ids)
        else:
            values = [None if value is None else str(value) for value in values]
        if field.name in ("id", "category") and not all(values):
            row = next(key for value, key in zip(values, ids, strict=True) if not value)
            raise InputError(
                f"{field.name} is empty in the chat with id {row!r}, expected a value; leave such rows out in the "
                f"query with `{field.name} IS NOT NULL AND {field.name} <> ''`."
            )
        arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _text(value, name, key):
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(
            f"{name} of the chat with id {key!r} is a {type(value).__name__}, expected text; cast it in the query "
            f"with CAST({name} AS VARCHAR)."
        )
    return value


def _moment(value, key):
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            raise InputError(
                f"created_at of the chat with id {key!r} is {value!r}, expected an ISO date and time such as "
                "2025-03-01 09:30:00; convert it in the query."
            ) from None
    if not isinstance(value, dt.datetime):
        if not isinstance(value, dt.date):
            raise InputError(
                f"created_at of the chat with id {key!r} is a {type(value).__name__}, expected a date and time; "
                "convert it in the query."
            )
        value = dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - naive means UTC here
    return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value


def _refuse_repeated_ids(file):
    ids = pq.read_table(file, columns=["id"])["id"]
    if pc.count_distinct(ids).as_py() < len(ids):
        counts = pc.value_counts(ids)
        repeated = counts.filter(pc.greater(counts.field("counts"), 1))
        raise InputError(
            f"{len(repeated)} ids stand in more than one row, the first is {repeated[0]['values'].as_py()!r}; the "
            "query must give each chat once (is a join multiplying rows?)."
        )


def cause_of(error, engine):
    """Return the first line of what a database says, without the password.

    Parameters
    ----------
    error : sqlalchemy.exc.SQLAlchemyError
    engine : sqlalchemy.engine.Engine

    Returns
    -------
    str
    """
    cause = str(getattr(error, "orig", None) or error).strip()
    cause = next((line.strip() for line in cause.splitlines() if line.strip()), type(error).__name__)
    return cause.replace(str(engine.url.password), "***") if engine.url.password else cause


def _reason(error, engine, sql_name):
    cause = cause_of(error, engine)
    if isinstance(error, DBAPIError) and getattr(error, "statement", None):
        return f"{sql_name} failed in the warehouse ({engine.dialect.name}): {cause}; mend the query or the table."
    return (
        f"The warehouse ({engine.url.render_as_string(hide_password=True)}) cannot be reached: {cause}; check that "
        "it runs and that query.warehouse in params.yaml names the right one."
    )
