"""The log's tables: made and brought up to date by migrations, only ever added to, forgotten by date."""

import contextlib
import os
import re

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chatkit.data.warehouse import open_engine, read_only, read_url
from chatkit.project import InputError
from chatkit.service.settings import absolute_path

METADATA = sa.MetaData()
PREDICTIONS = sa.Table(
    "predictions",
    METADATA,
    sa.Column("prediction_id", sa.String(36), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("conversation_id", sa.Text, nullable=False),
    sa.Column("subject", sa.Text),
    sa.Column("body", sa.Text),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("probability", sa.Float(53)),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("milliseconds", sa.Float(53)),
    sa.Column("audit", sa.Boolean, nullable=False, server_default=sa.false()),
)
RELABELS = sa.Table(
    "relabels",
    METADATA,
    sa.Column("relabel_id", sa.String(36), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("prediction_id", sa.String(36), sa.ForeignKey("predictions.prediction_id"), nullable=False, index=True),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
)
_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_SECONDS = 5  # after which a database that does not answer counts as away
_LONGEST_READ = 120  # seconds
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # what PostgreSQL, or UTF-8, has no place for
_LOCK = 4_017_325_586  # any number, the same for all who migrate


def open_log(url, to_read=False):
    """Open the database of the log; nothing is asked of it yet.

    Parameters
    ----------
    url : str
        SQLite or PostgreSQL; ``$NAME`` stands for an environment variable. The folder of a SQLite file is made.
    to_read : bool, default=False
        Only to read: nothing is made, changed or locked.

    Returns
    -------
    sqlalchemy.engine.Engine

    Raises
    ------
    InputError
        When the URL cannot be used; where only to be read, also when a SQLite file is not there.
    """
    parsed = read_url(url, "database", "$CHATKIT_LOG")
    if parsed.get_backend_name() not in _INSERT:
        raise InputError(
            f"database has the dialect {parsed.get_backend_name()}, expected sqlite or postgresql, such as "
            "sqlite:///data/service/log.sqlite."
        )
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, to_read)
    # A server that is away must not be waited for: rows gather in the buffer, and /health has to know.
    limits = f"-c statement_timeout={_LONGEST_READ if to_read else _SECONDS}s"
    options = {
        "connect_timeout": _SECONDS, "tcp_user_timeout": _SECONDS * 1000,
        "options": limits + " -c default_transaction_read_only=on" * to_read,
    }  # fmt: skip
    return open_engine(parsed, "log", hide_parameters=True, pool_pre_ping=True, connect_args=options)


def _open_sqlite(url, to_read):
    if not url.database or url.database == ":memory:":
        raise InputError("database names no file, expected one such as sqlite:///data/service/log.sqlite.")
    file = absolute_path(url.database)
    if to_read:
        if not file.is_file():
            raise InputError(
                f"The log {file} does not exist; `chatkit serve` makes it, or name another one with `database`."
            )
        return sa.create_engine(read_only(url, file), hide_parameters=True, connect_args={"timeout": _SECONDS})
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{file.parent} cannot be made ({error.strerror}); name another file in `database`.") from None
    with contextlib.suppress(OSError), open(file, "ab", opener=_for_its_owner):
        pass  # SQLite would make it for all to read
    engine = sa.create_engine(url.set(database=str(file)), hide_parameters=True, connect_args={"timeout": _SECONDS})

    @sa.event.listens_for(engine, "connect")
    def connected(connection, _record):
        connection.isolation_level = None  # transactions begin where we say so, below
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begun(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _for_its_owner(file, flags):
    return os.open(file, flags, 0o600)


def migrate(engine):
    """Bring the tables up to date; of several who try at once, one does it and the others wait."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "chatkit.service:migrations")
    with engine.begin() as connection:  # SQLite: the file is locked from here on
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def storable(row):
    r"""Return a row without the characters that a database has no place for.

    Parameters
    ----------
    row : dict

    Returns
    -------
    dict

    Examples
    --------
    >>> storable({"by": "a\0b", "reason": None})
    {'by': 'a�b', 'reason': None}
    """
    bad = [name for name, value in row.items() if isinstance(value, str) and _NO_TEXT.search(value)]
    return row | {name: _NO_TEXT.sub("\ufffd", row[name]) for name in bad}


def add_predictions(engine, rows):
    """Add rows in one transaction; those that are there already stay as they are.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
    rows : list of dict
        Columns of `PREDICTIONS`.
    """
    statement = _INSERT[engine.dialect.name](PREDICTIONS).on_conflict_do_nothing()
    with engine.begin() as connection:
        connection.execute(statement, rows)


def add_relabels(engine, rows):
    """Add relabels in one transaction, all of them or none.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
    rows : list of dict
        Columns of `RELABELS`.

    Returns
    -------
    list of int
        Places of the rows whose prediction is not in the log; when there are any, nothing was added.
    """
    wanted = {row["prediction_id"] for row in rows}
    with engine.begin() as connection:
        found = connection.scalars(
            sa.select(PREDICTIONS.c.prediction_id).where(PREDICTIONS.c.prediction_id.in_(wanted))
        )
        known = set(found)
        unknown = [place for place, row in enumerate(rows) if row["prediction_id"] not in known]
        if not unknown:
            connection.execute(sa.insert(RELABELS), rows)
    return unknown


def forget(engine, before):
    """Delete what the log holds from before a date: predictions, and the relabels of these.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
    before : datetime.datetime
        With its time zone.

    Returns
    -------
    dict of str to int
        Rows deleted from each table.
    """
    migrate(engine)
    old = sa.select(PREDICTIONS.c.prediction_id).where(PREDICTIONS.c.at < before)
    with engine.begin() as connection:
        relabels = connection.execute(sa.delete(RELABELS).where(RELABELS.c.prediction_id.in_(old))).rowcount
        predictions = connection.execute(sa.delete(PREDICTIONS).where(PREDICTIONS.c.at < before)).rowcount
    if engine.dialect.name == "sqlite":
        # Deleted pages were overwritten (secure_delete); older copies of them may still stand in the write-ahead log.
        with contextlib.closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {"predictions": predictions, "relabels": relabels}


def read_predictions(engine, since, until):
    """Read the predictions of a time, without texts.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
        From ``open_log(url, to_read=True)``.
    since, until : datetime.datetime
        With their time zone; the second moment is no longer part of it.

    Returns
    -------
    pandas.DataFrame
        prediction_id, at (UTC), conversation_id, category, probability, model, milliseconds (both NaN where not known),
        audit; in the order of time.

    Raises
    ------
    InputError
        When the log cannot be read, or holds no prediction of that time.
    """
    names = ("prediction_id", "at", "conversation_id", "category", "probability", "model", "milliseconds", "audit")
    columns = [PREDICTIONS.c[name] for name in names]
    wanted = sa.select(*columns).where(*_between(since, until)).order_by(PREDICTIONS.c.at, PREDICTIONS.c.prediction_id)
    found = _read(engine, wanted)
    if found.empty:
        raise InputError(
            f"The log holds no prediction from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC; see whether the "
            "service runs (/health), or ask for other days."
        )
    return found.astype({"probability": float, "milliseconds": float, "audit": bool})


def read_relabels(engine, since, until):
    """Read what people say of the predictions of a time, whenever they said it.

    Parameters
    ----------
    engine, since, until
        As in `read_predictions`.

    Returns
    -------
    pandas.DataFrame
        prediction_id, at (UTC), category; in the order in which they came.
    """
    wanted = sa.select(RELABELS.c.prediction_id, RELABELS.c.at, RELABELS.c.category).join(PREDICTIONS)
    return _read(engine, wanted.where(*_between(since, until)).order_by(RELABELS.c.at, RELABELS.c.relabel_id))


def _between(since, until):
    return PREDICTIONS.c.at >= since, PREDICTIONS.c.at < until


def _read(engine, wanted):
    try:
        with engine.connect() as connection:
            result = connection.execute(wanted)
            found = pd.DataFrame(result.fetchall(), columns=list(result.keys()))
    except sa.exc.DBAPIError as error:
        reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
        raise InputError(
            f"The log cannot be read ({reason}); `chatkit serve` makes its tables and brings them up to date."
        ) from None
    return found.assign(at=pd.to_datetime(found["at"], utc=True))  # SQLite knows no time zone: what it holds is UTC
