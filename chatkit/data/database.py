"""What the warehouse and the service's log have in common: URLs from settings, engines, moments, errors."""

import datetime as dt
import os
import re

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from chatkit.project import InputError


def read_url(url, setting, variable):
    """Turn a setting into a SQLAlchemy URL.

    Parameters
    ----------
    url : str
        ``$NAME`` or ``${NAME}`` in it stands for an environment variable.
    setting, variable : str
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
    if re.search(r":(?!//)[^@$]+@|[?&]password=[^$]", url):
        raise InputError(
            f"{setting} contains a password; put the URL into an environment variable and write `{variable}`."
        )
    try:
        return sa.make_url(re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda match: os.environ[match[1] or match[2]], url))
    except KeyError as error:
        name = error.args[0]
        raise InputError(
            f"The environment variable {name}, named by {setting}, is not set; export {name} with a SQLAlchemy URL "
            "such as postgresql+psycopg://user:password@host/db."
        ) from None
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise InputError(
            f"{setting} is {url!r}, which does not give a SQLAlchemy URL; expected one such as "
            "sqlite:///data/warehouse/chats.sqlite or postgresql+psycopg://host/db."
        ) from None


def open_engine(url, name, **options):
    """Make an engine that closes each connection after use; nothing is asked of the database yet.

    Parameters
    ----------
    url : sqlalchemy.engine.URL
    name : str
        What the database is called, for the error message.
    **options
        Of `sqlalchemy.create_engine`; a ``poolclass`` keeps connections open.

    Returns
    -------
    sqlalchemy.engine.Engine

    Raises
    ------
    InputError
        When the dialect or its driver is not installed.
    """
    try:
        return sa.create_engine(url, **{"poolclass": sa.NullPool} | options)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise InputError(
            f"The {name} needs a driver that is not installed ({error}); for PostgreSQL use postgresql+psycopg:// and "
            "`pip install 'psycopg[binary]'`."
        ) from None


def database_error(error, engine):
    """Return the first line of a database's error message, without the password.

    Parameters
    ----------
    error : sqlalchemy.exc.SQLAlchemyError
    engine : sqlalchemy.engine.Engine

    Returns
    -------
    str
    """
    message = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    line = message.splitlines()[0].strip()
    return line.replace(str(engine.url.password), "***") if engine.url.password else line


def read_moment(value, setting, past=False):
    """Read a date, or a date and time.

    Parameters
    ----------
    value : str
        In ISO format; in UTC where it says nothing else.
    setting : str
        What the setting is called, for the error message.
    past : bool, default=False
        Whether a moment in the future is refused.

    Returns
    -------
    datetime.datetime
        In UTC, with its time zone.

    Raises
    ------
    InputError
        When it is no such date, or in the future.

    Examples
    --------
    >>> print(read_moment("2026-01-01T02:00+02:00", "query.as_of"))
    2026-01-01 00:00:00+00:00
    """
    try:
        moment = dt.datetime.fromisoformat(value)
        moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{setting} is {value!r}, expected an ISO date such as 2026-01-31.") from None
    if past and moment > dt.datetime.now(dt.UTC):
        raise InputError(f"{setting} is {value}, in the future, expected a date that has passed.")
    return moment
