"""People's relabels, read from the service's log: the latest of each message, as of a date."""

import datetime as dt

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from chatkit.data.warehouse import cause_of, open_engine, read_as_of, read_only, read_url
from chatkit.project import InputError, path

_SETTING = "query.relabels in params.yaml"
_MOMENT = sa.DateTime(timezone=True)
# The tables are the service's; here stands what is read of them, so that the query needs nothing of the service.
_PREDICTIONS = sa.table(
    "predictions",
    *map(sa.column, ("prediction_id", "message_id", "conversation_id", "subject", "body")),
    sa.column("at", _MOMENT),
    sa.column("audit", sa.Boolean),
)
_RELABELS = sa.table("relabels", *map(sa.column, ("relabel_id", "prediction_id", "category")), sa.column("at", _MOMENT))


def read_relabels(url, as_of):
    """Read what people said last of each message, before a date.

    Relabels are only ever added to the log, so the same date gives the same relabels however much it has grown since,
    as long as nothing was deleted from it with `chatkit forget`.

    Parameters
    ----------
    url : str
        Of the log; ``$NAME`` stands for an environment variable. A relative SQLite path is taken from the project's
        root. The log is only read: a SQLite file is neither made nor changed.
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
        When the URL cannot be used, there is no log behind it, it is that of an older service, or the date is in the
        future.
    """
    before = read_as_of(as_of).replace(tzinfo=dt.UTC)
    if before > dt.datetime.now(dt.UTC):
        raise InputError(
            f"query.as_of is {as_of}, in the future, so that it would give other relabels tomorrow; "
            f"with {_SETTING} name a moment that has passed."
        )
    message = [_PREDICTIONS.c[name] for name in ("message_id", "conversation_id", "subject", "body", "audit")]
    said = [_RELABELS.c[name] for name in ("relabel_id", "category", "at")]
    query = (
        sa.select(*message, _PREDICTIONS.c.at.label("created_at"), *said)
        .join_from(_RELABELS, _PREDICTIONS, _RELABELS.c.prediction_id == _PREDICTIONS.c.prediction_id)
        .where(_RELABELS.c.at < before)
    )  # fmt: skip
    engine = _open(url)
    try:
        with engine.connect() as connection:
            _refuse_other_tables(connection, url)
            result = connection.execute(query)
            rows = pd.DataFrame(result.all(), columns=list(result.keys()), dtype=object)
    except SQLAlchemyError as error:
        raise InputError(
            f"The log {url} cannot be read ({cause_of(error, engine)}); check that it is there and that {_SETTING} "
            "names the right one."
        ) from None
    finally:
        engine.dispose()
    for name in ("created_at", "at"):
        rows[name] = pd.to_datetime(rows[name], utc=True).dt.tz_localize(None).astype("datetime64[us]")
    # Sorted here: databases differ in how they order texts.
    last = rows.sort_values(["at", "relabel_id"]).drop_duplicates("message_id", keep="last").sort_values("message_id")
    columns = ["message_id", "conversation_id", "subject", "body", "created_at", "category", "at", "audit"]
    return last[columns].astype({"audit": bool}).reset_index(drop=True)


def _open(url):
    parsed = read_url(url, _SETTING, "$CHATKIT_LOG")
    if parsed.get_backend_name() == "sqlite":
        file = path(parsed.database or "")
        if not file.is_file():
            raise InputError(
                f"The log {url} does not exist; `chatkit serve` makes it, or set {_SETTING} to null to do without "
                "relabels."
            )
        parsed = read_only(parsed, file)
    return open_engine(parsed, "log")


def _refuse_other_tables(connection, url):
    inspector = sa.inspect(connection)
    for table in (_PREDICTIONS, _RELABELS):
        if not inspector.has_table(table.name):
            raise InputError(
                f"The database {url} has no table {table.name}, so it is no log of the service; name one in {_SETTING}."
            )
        found = {column["name"] for column in inspector.get_columns(table.name)}
        missing = [name for name in table.c.keys() if name not in found]  # noqa: SIM118 - columns, no dict
        if missing:
            raise InputError(
                f"The log {url} is that of an older service: {table.name} has no {missing[0]}; start `chatkit serve` "
                "once, which brings it up to date."
            )
