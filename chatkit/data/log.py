"""The service's log as a source of data: its tables, engines, predictions and relabels as frames."""

import contextlib
import datetime as dt
import os

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from chatkit.data.database import database_error, open_engine, read_moment, read_url
from chatkit.project import InputError, path

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
TIMEOUT = 5  # seconds after which a database that does not answer counts as away
_READ_TIMEOUT = 120  # seconds


def log_url(url, setting="database"):
    """Turn the URL of a log into SQLAlchemy's, and into the file where it is one of SQLite.

    Parameters
    ----------
    url : str
        SQLite or PostgreSQL; ``$NAME`` stands for an environment variable. A relative SQLite path is taken from the
        project's root.
    setting : str, default="database"
        What the setting is called, for the error message.

    Returns
    -------
    url : sqlalchemy.engine.URL
    file : pathlib.Path or None

    Raises
    ------
    InputError
        When it is no URL of a log.
    """
    parsed = read_url(url, setting, "$CHATKIT_LOG")
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed, None
    if backend != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise InputError(
            f"{setting} has the dialect {backend} and the database {parsed.database}, expected postgresql, or sqlite "
            "with a file, such as sqlite:///data/service/log.sqlite."
        )
    return parsed, path(parsed.database)


def postgres_engine(url, timeout, options="", **more):
    """Make an engine for a log in PostgreSQL that does not wait for a server that is away.

    Parameters
    ----------
    url : sqlalchemy.engine.URL
    timeout : int
        Seconds that a statement may take.
    options : str, default=""
        Further command-line options for the server.
    **more
        As in `chatkit.data.database.open_engine`.

    Returns
    -------
    sqlalchemy.engine.Engine
    """
    limits = {
        "connect_timeout": TIMEOUT,
        "tcp_user_timeout": TIMEOUT * 1000,
        "options": f"-c statement_timeout={timeout}s {options}",
    }
    return open_engine(url, "log", hide_parameters=True, pool_pre_ping=True, connect_args=limits, **more)


def open_log(url, setting="database"):
    """Open the database of the log to write; nothing is asked of it yet.

    Parameters
    ----------
    url, setting : str
        As in `log_url`. The folder of a SQLite file is made.

    Returns
    -------
    sqlalchemy.engine.Engine

    Raises
    ------
    InputError
        When the URL cannot be used.
    """
    parsed, file = log_url(url, setting)
    if file is None:
        # A server that is away must not be waited for: rows gather in the buffer, and /health has to know.
        return postgres_engine(parsed, TIMEOUT, poolclass=sa.QueuePool)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{file.parent} cannot be made ({error.strerror}); name another file in {setting}.") from None
    with contextlib.suppress(OSError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))  # SQLite would make it for all to read
    engine = sa.create_engine(parsed.set(database=str(file)), hide_parameters=True, connect_args={"timeout": TIMEOUT})

    @sa.event.listens_for(engine, "connect")
    def connected(connection, _record):
        connection.isolation_level = None  # transactions begin where we say so, below
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begun(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def open_log_to_read(url, setting="database"):
    """Open the log so that nothing is made, changed or locked; nothing is asked of it yet.

    Parameters
    ----------
    url, setting : str
        As in `log_url`.

    Returns
    -------
    sqlalchemy.engine.Engine

    Raises
    ------
    InputError
        When the URL cannot be used, or a SQLite file is not there.
    """
    parsed, file = log_url(url, setting)
    if file is None:
        return postgres_engine(parsed, _READ_TIMEOUT, "-c default_transaction_read_only=on")
    if not file.is_file():
        raise InputError(f"The log {file} does not exist; `chatkit serve` makes it, or change {setting}.")
    read_only = parsed.set(database=file.as_uri(), query={"mode": "ro", "uri": "true"})
    return open_engine(read_only, "log", hide_parameters=True, connect_args={"timeout": TIMEOUT})


def read_predictions(engine, since, until):
    """Read the predictions of a time, without texts.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
        From `open_log_to_read`.
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
    query = sa.select(PREDICTIONS.c[names]).where(*_between(since, until))
    predictions = _read(engine, query.order_by(PREDICTIONS.c.at, PREDICTIONS.c.prediction_id))
    if predictions.empty:
        raise InputError(
            f"The log holds no prediction from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC; see whether the "
            "service runs (/health), or ask for other days."
        )
    return predictions.astype({"probability": float, "milliseconds": float, "audit": bool})


def read_relabels(engine, since, until):
    """Read the relabels of the predictions of a time, whenever people relabelled them.

    Parameters
    ----------
    engine, since, until
        As in `read_predictions`.

    Returns
    -------
    pandas.DataFrame
        prediction_id, at (UTC), category; in the order in which they came.

    Raises
    ------
    InputError
        When the log cannot be read.
    """
    query = sa.select(RELABELS.c["prediction_id", "at", "category"]).join(PREDICTIONS)
    return _read(engine, query.where(*_between(since, until)).order_by(RELABELS.c.at, RELABELS.c.relabel_id))


def latest_relabels(url, as_of):
    """Read the latest relabel of each message, before a date.

    Relabels are only ever added to the log, so the same date gives the same relabels however much it has grown since,
    as long as nothing was deleted from it with `chatkit forget`.

    Parameters
    ----------
    url : str or list of str
        Of the log, see `log_url`; of several, where people label chats in more than one place, all count as one. A log
        is only read: a SQLite file is neither made nor changed.
    as_of : str
        ISO date, in UTC where it says nothing else: only relabels from before it count.

    Returns
    -------
    pandas.DataFrame of shape (n, 8)
        One row a message, in the order of message_id: message_id, conversation_id, subject, body (as the log keeps
        them: the text, a hash or None), created_at (when it was predicted), category (the relabel's), at (when it was
        relabelled), audit (whether the prediction was drawn at random for an audit). Times are in UTC, without zone. Of
        two relabels of one moment the one with the larger relabel_id counts.

    Raises
    ------
    InputError
        When the URL cannot be used, the log cannot be read, or the date is in the future.
    """
    before = read_moment(as_of, "query.as_of", past=True)
    setting = "query.relabels in params.yaml"
    query = sa.select(
        PREDICTIONS.c["message_id", "conversation_id", "subject", "body"],
        PREDICTIONS.c.at.label("created_at"),
        RELABELS.c["category", "at", "relabel_id"],
        PREDICTIONS.c.audit,
    )
    query = query.join_from(RELABELS, PREDICTIONS).where(RELABELS.c.at < before)
    urls = url if isinstance(url, list) else [url]
    rows = pd.concat([_read(open_log_to_read(one, setting), query, setting) for one in urls], ignore_index=True)
    for name in ("created_at", "at"):
        rows[name] = pd.to_datetime(rows[name], utc=True).dt.tz_localize(None).astype("datetime64[us]")
    # Sorted here: databases differ in how they order texts.
    latest = rows.sort_values(["at", "relabel_id"]).drop_duplicates("message_id", keep="last").sort_values("message_id")
    return latest.drop(columns="relabel_id").astype({"audit": bool}).reset_index(drop=True)


def _between(since, until):
    # SQLite knows no time zone: what it holds is UTC.
    return PREDICTIONS.c.at >= since.astimezone(dt.UTC), PREDICTIONS.c.at < until.astimezone(dt.UTC)


def _read(engine, query, setting="database"):
    try:
        with engine.connect() as connection:
            result = connection.execute(query)
            rows = pd.DataFrame(result.all(), columns=list(result.keys()))
    except SQLAlchemyError as error:
        raise InputError(
            f"The log cannot be read ({database_error(error, engine)}); `chatkit serve` makes its tables and brings "
            f"them up to date, or name another log in {setting}."
        ) from None
    return rows.assign(at=pd.to_datetime(rows["at"], utc=True))  # SQLite knows no time zone: what it holds is UTC
