"""The log's tables as the service writes them: migrated, only ever added to, deleted from by date."""

import contextlib

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chatkit.data.database import read_moment
from chatkit.data.log import PREDICTIONS, RELABELS, open_log, open_log_to_read

_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_LOCK = 4_017_325_586  # any number, the same for all who migrate


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


def add_predictions(engine, rows):
    """Add rows in one transaction; those that are there already stay as they are.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
    rows : list of dict
        Columns of `chatkit.data.log.PREDICTIONS`.
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
        Columns of `chatkit.data.log.RELABELS`.

    Returns
    -------
    list of int
        Indices of the rows whose prediction is not in the log; when there are any, nothing was added.
    """
    ids = {row["prediction_id"] for row in rows}
    with engine.begin() as connection:
        known = set(
            connection.scalars(sa.select(PREDICTIONS.c.prediction_id).where(PREDICTIONS.c.prediction_id.in_(ids)))
        )
        unknown = [index for index, row in enumerate(rows) if row["prediction_id"] not in known]
        if not unknown:
            connection.execute(sa.insert(RELABELS), rows)
    return unknown


def forget(url, before):
    """Delete what the log holds from before a date: predictions, and the relabels of these.

    Parameters
    ----------
    url : str
        See `open_log`; a log that is not there is not made.
    before : str
        ISO date, or date and time; in UTC where it says nothing else.

    Returns
    -------
    dict of str to int
        Rows deleted from each table.

    Raises
    ------
    InputError
        When the date is none or in the future, or there is no log.
    """
    moment = read_moment(before, "before", past=True)
    open_log_to_read(url)
    engine = open_log(url)
    migrate(engine)
    old = sa.select(PREDICTIONS.c.prediction_id).where(PREDICTIONS.c.at < moment)
    with engine.begin() as connection:
        relabels = connection.execute(sa.delete(RELABELS).where(RELABELS.c.prediction_id.in_(old))).rowcount
        predictions = connection.execute(sa.delete(PREDICTIONS).where(PREDICTIONS.c.at < moment)).rowcount
    if engine.dialect.name == "sqlite":
        # Deleted pages were overwritten (secure_delete); older copies of them may still stand in the write-ahead log.
        with contextlib.closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return {"predictions": predictions, "relabels": relabels}
