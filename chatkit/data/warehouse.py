"""From the warehouse to a Parquet file: one query, streamed, checked, described by a sidecar."""

import datetime as dt
import hashlib
import json
import re
from itertools import compress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from chatkit.data.categories import Renames, trimmed
from chatkit.data.corrections import Corrections
from chatkit.data.database import database_error, open_engine, read_moment, read_url
from chatkit.data.files import write_json
from chatkit.project import InputError, path, replacing

_COLUMNS = ("id", "conversation_id", "customer_id", "created_at", "subject", "body", "category", "split")
SCHEMA = pa.schema([(name, pa.timestamp("us") if name == "created_at" else pa.string()) for name in _COLUMNS])
RELABELLED = pa.field("relabelled", pa.bool_())  # written by `extract`, never read from a warehouse
REQUIRED = ("id", "subject", "body", "category")
TEXT = ("subject", "body")
REASONS = {"later": "later than as_of", "no_category": "without a category", "no_text": "with neither subject nor body"}
# Why `chatkit load` leaves out rows of a file: they are in the warehouse only as counts, in a table of its own.
LOAD_REASONS = {
    "unreadable": "that cannot be read",
    "no_id": "without an id",
    "repeated_id": "whose id a later row has, too",
}
LEFT_OUT = "chatkit_left_out"
_END = dt.datetime(9999, 12, 31)  # noqa: DTZ001  no warehouse holds a later date; like those in it without a zone
_SETTING = ("query.warehouse in params.yaml", "$CHATKIT_WAREHOUSE")


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
    parsed = read_url(url, *_SETTING)
    if parsed.get_backend_name() == "sqlite":
        file = sqlite_file(url)
        if not file.is_file():
            raise InputError(
                f"The warehouse {url} does not exist; make it with `chatkit simulate`, or with "
                "`chatkit load FILE` from a file of yours."
            )
        parsed = parsed.set(database=str(file))
    return open_engine(parsed, "warehouse")


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
    parsed = read_url(url, *_SETTING)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise InputError(
            f"query.warehouse in params.yaml is {url}, expected a local file such as "
            "sqlite:///data/warehouse/chats.sqlite; chatkit writes chats to no other kind of warehouse."
        )
    return path(parsed.database)


def extract(url, sql_file, as_of, out, chunk_size=20_000, relabels=None, category_map=None):
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
    as_of : str or None
        ISO date: only chats created before it, so that a warehouse that grows gives the same rows tomorrow. None for
        all that it has.
    out : path-like
        The Parquet file; the sidecar stands beside it with the ending ``.json``.
    chunk_size : int, default=20_000
        Rows held in memory at a time.
    relabels : pandas.DataFrame, optional
        From `chatkit.data.log.latest_relabels`, as of the same date. `chatkit.data.corrections.Corrections` says
        what becomes of them.

    Returns
    -------
    dict
        The sidecar: rows, left_out (how many rows for each of `REASONS`), rows_sha256 (of the values, whatever the
        file format), columns, first and last created_at, as_of, dialect, warehouse, sql_sha256, relabels (what became
        of them; None where none were given).

    Raises
    ------
    InputError
        When the warehouse cannot be reached, the query fails or gives no rows, or a row cannot be used.
    """
    out, sql_file = Path(out), Path(sql_file)
    sql = _read_query(sql_file)
    # Dates in a warehouse have no time zone: they are UTC.
    before = _END if as_of is None else read_moment(as_of, "query.as_of").replace(tzinfo=None)
    statement = sa.text(sql).bindparams(sa.bindparam("as_of", type_=sa.DateTime))
    left_out = dict.fromkeys(REASONS, 0)
    corrections, renames = Corrections(relabels), Renames(category_map)
    engine = connect(url)
    digest = hashlib.sha256()
    try:
        with replacing(out) as beside:
            with engine.connect().execution_options(stream_results=True, max_row_buffer=chunk_size) as connection:
                if as_of is not None:
                    # Only the query knows what it compares with the date, so it is asked what it gives without one.
                    left_out["later"] = sum(1 for _ in connection.execute(statement, {"as_of": _END}))
                result = connection.execute(statement, {"as_of": before})
                schema = _schema(list(result.keys()), sql_file.name)
                loaded = loaded_left_out(connection)
                with pq.ParquetWriter(beside, schema, compression="zstd") as writer:
                    for columns in _chunks(result, schema, chunk_size, corrections, renames, left_out):
                        for row in zip(*columns.values(), strict=True):
                            digest.update(json.dumps(row, default=str, ensure_ascii=True).encode() + b"\n")
                        writer.write_table(pa.table(columns, schema))
            written = pq.read_table(beside, columns=["id", "created_at"])
            outcome = corrections.facts()
            if as_of is not None:
                given = len(written) - outcome["added"] + left_out["no_category"] + left_out["no_text"]
                left_out["later"] = max(0, left_out["later"] - given)
            if len(written) == outcome["added"]:
                others = f" ({said_of(left_out)})" if any(left_out.values()) else ""
                raise InputError(
                    f"{sql_file.name} gave no rows for as_of {as_of}{others}; check the date and the conditions, or "
                    "fill the warehouse with `chatkit simulate` or `chatkit load FILE`."
                )
            _refuse_repeated_ids(written["id"])
            renamed = renames.facts()
            first, last = pc.min_max(written["created_at"]).as_py().values()
            sidecar = {
                "rows": len(written),
                "left_out": left_out | loaded,
                "category_map": renamed,
                "rows_sha256": digest.hexdigest(),
                "columns": schema.names,
                "first_created_at": first and first.isoformat(),
                "last_created_at": last and last.isoformat(),
                "as_of": as_of,
                "dialect": engine.dialect.name,
                "warehouse": url,
                "sql_sha256": hashlib.sha256(sql.encode()).hexdigest(),
                "relabels": None if relabels is None else outcome,
            }
            write_json(sidecar, out.with_suffix(".json"))
    except SQLAlchemyError as error:
        reason, failed = database_error(error, engine), isinstance(error, DBAPIError) and error.statement
        raise InputError(
            f"{sql_file.name} failed in the warehouse ({engine.dialect.name}): {reason}; mend the query or the table."
            if failed
            else f"The warehouse ({engine.url.render_as_string(hide_password=True)}) cannot be reached: {reason}; "
            "check that it runs and that query.warehouse in params.yaml names the right one."
        ) from None
    return sidecar


def said_of(left_out):
    """Say how many rows were left out, and why.

    Parameters
    ----------
    left_out : dict of str to int
        Rows by reason, of `REASONS` and `LOAD_REASONS`.

    Returns
    -------
    str

    Examples
    --------
    >>> said_of({"later": 6, "no_category": 0, "no_text": 1})
    '7 rows left out: 6 later than as_of, 1 with neither subject nor body'
    """
    total, reasons = sum(left_out.values()), reasons_of(left_out)
    return f"{total:,} {'row' if total == 1 else 'rows'} left out{': ' * bool(reasons)}{reasons}"


def reasons_of(left_out):
    """List how many rows were left out for which reason."""
    return ", ".join(f"{count:,} {(LOAD_REASONS | REASONS)[reason]}" for reason, count in left_out.items() if count)


def loaded_left_out(connection):
    """Return how many rows `chatkit load` has left out, by reason; nothing where it has not filled the warehouse."""
    if connection.dialect.name != "sqlite" or not sa.inspect(connection).has_table(LEFT_OUT):
        return {}
    return dict(
        connection.execute(sa.select(sa.column("reason"), sa.column("number")).select_from(sa.table(LEFT_OUT))).all()
    )


def why_left_out(category, *texts):
    """Return which of `REASONS` a chat gives for learning nothing from it, None for a good one."""
    return "no_category" if not category else None if any(map(str.strip, texts)) else "no_text"


def _read_query(file):
    if not file.is_file():
        raise InputError(f"The query {file} does not exist; name the SQL file in query.sql of params.yaml.")
    # A comment may speak of :as_of; SQLAlchemy would take it for a parameter.
    sql = re.sub(r"^\s*--.*$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if ":as_of" not in sql:
        raise InputError(
            f"{file.name} does not use :as_of, so it would give other rows every day; add a condition "
            "such as `created_at < :as_of`."
        )
    return sql


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


def _chunks(result, schema, chunk_size, corrections, renames, left_out):
    """Give the chats of the warehouse chunk by chunk, then those that only the log has: lists by column."""
    for rows in result.mappings().partitions(chunk_size):
        chats = {name: [_converted(row.get(name), name, row["id"]) for row in rows] for name in schema.names}
        # Relabels first: a chat that nobody had sorted may have its category from them.
        yield _usable(renames.apply(corrections.correct(chats)), left_out)
    yield _usable(renames.apply(corrections.added(schema.names)), left_out)


def _usable(chats, left_out):
    """Leave out what no model can learn from, and count it."""
    used = []
    for category, *texts in zip(chats["category"], *(chats[name] for name in TEXT), strict=True):
        reason = why_left_out(category, *texts)
        used.append(reason is None)
        if reason:
            left_out[reason] += 1
    return chats if all(used) else {name: list(compress(values, used)) for name, values in chats.items()}


def _converted(value, name, key):
    """Return a value of a chat as the schema has it."""
    if name == "created_at":
        return None if value in (None, "") else _moment(value, name, key)
    if name in TEXT and not isinstance(value, str | None):
        raise InputError(
            f"{name} of the chat with id {key!r} is a {type(value).__name__}, expected text; cast it in the query "
            f"with CAST({name} AS VARCHAR)."
        )
    if name == "id" and value in (None, ""):
        raise InputError(
            f"id is {value!r} in a row, expected a value; leave such rows out in the query with "
            "`id IS NOT NULL AND id <> ''`."
        )
    if value is None:
        return "" if name in TEXT else None
    return trimmed(str(value)) if name == "category" else str(value)


def _moment(value, name, key):
    try:
        moment = dt.datetime.fromisoformat(value if isinstance(value, str) else value.isoformat())
    except (AttributeError, ValueError):
        raise InputError(
            f"{name} of the chat with id {key!r} is {value!r}, expected an ISO date and time such as "
            "2025-03-01 09:30:00; convert it in the query."
        ) from None
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _refuse_repeated_ids(ids):
    counts = pc.value_counts(ids)
    repeated = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(repeated):
        raise InputError(
            f"{len(repeated)} ids stand in more than one row, the first is {repeated[0]['values'].as_py()!r}; the "
            "query must give each chat once (is a join multiplying rows?)."
        )
