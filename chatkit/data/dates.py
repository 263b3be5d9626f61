"""Moments as exports write them: ISO, epochs, numbers by day and month, names of months, mail's; a zone becomes UTC."""

import datetime as dt
import re
from email.utils import parsedate_to_datetime

from chatkit.project import InputError

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_TIME = r"(?:,?[ T]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:\s*([AaPp])\.?[Mm]\.?)?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
_NUMBERS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d\d)" + _TIME)
_DAY_MONTH = re.compile(r"(\d{1,2})[ /-]([A-Za-z]{3})[a-z]*\.?[ /-](\d{4}|\d\d)" + _TIME)
_MONTH_DAY = re.compile(r"([A-Za-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})" + _TIME)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}")
_MAIL = re.compile(r"[A-Z][a-z]{2}, .*[+-]\d{4}(?: \(\w+\))?")


def read_moments(values, rows, column, name):
    """Read a column of moments; whether the day or the month comes first, the column as a whole decides.

    Parameters
    ----------
    values : list
        Texts, dates of Python, numbers since 1970 in seconds or milliseconds, or None.
    rows : list of int
        Which row of the file each is, for errors.
    column, name : str
        Of the column and of the file, for errors.

    Returns
    -------
    list of datetime.datetime or None
        In UTC, without a zone.

    Raises
    ------
    InputError
        When one is no moment, or nothing tells the day from the month.

    Examples
    --------
    >>> print(*read_moments(["1711850400", "2024-03-31 04:00+02:00"], [1, 2], "created_at", "a.csv"), sep="; ")
    2024-03-31 02:00:00; 2024-03-31 02:00:00
    >>> print(*read_moments(["05/03/2024", "31/03/2024 2:30 PM"], [1, 2], "created_at", "a.csv"), sep="; ")
    2024-03-05 00:00:00; 2024-03-31 14:30:00
    """
    texts = [value.strip() if isinstance(value, str) else value for value in values]
    day_first = _day_first(texts, rows, column, name)
    known, moments = {}, []
    for text, row in zip(texts, rows, strict=True):
        if text is None or text == "":
            moments.append(None)
            continue
        if text not in known:
            try:
                known[text] = _utc(_moment(text, day_first))
            except (ValueError, OverflowError, TypeError, OSError):
                raise InputError(
                    f"{column} in row {row} of {name} is {str(text)[:60]!r}, expected a date and time such as "
                    "2025-03-01 09:30:00; mend it, or leave the column out."
                ) from None
        moments.append(known[text])
    return moments


def _day_first(texts, rows, column, name):
    """Tell 31/03/2024 from 03/31/2024 by the first value that can only be one of them."""
    seen = {}
    for text, row in zip(texts, rows, strict=True):
        if isinstance(text, str) and (match := _NUMBERS.fullmatch(text)):
            first, second = int(match[1]), int(match[3])
            order = "dots" if match[2] == "." else "day" if first > 12 else "month" if second > 12 else "either"
            seen.setdefault(order if first != second else "same", (row, text))
    if "day" in seen and "month" in seen:
        (row, text), (other, another) = seen["day"], seen["month"]
        raise InputError(
            f"{column} of {name} has the day first in row {row} ({text}) and the month first in row {other} "
            f"({another}), expected one order; write the dates as 2025-03-01."
        )
    if "either" in seen and not {"day", "month"} & set(seen):
        row, text = seen["either"]
        raise InputError(
            f"{column} in row {row} of {name} is {text}, and no row tells whether the day or the month comes first; "
            "write the dates as 2025-03-01."
        )
    return "month" not in seen


def _moment(value, day_first):
    if isinstance(value, dt.datetime):
        return value
    text = str(value)
    for pattern, parsed in _FORMS.items():
        if match := pattern.fullmatch(text):
            return parsed(match, day_first)
    return dt.datetime.fromisoformat(re.sub(r"\s*(?:UTC|GMT)$", "Z", re.sub(r"\s+([+-]\d\d:?\d\d)$", r"\1", text)))


def _epoch(match, _day_first):
    seconds = float(match[0])
    return dt.datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, dt.UTC)


def _numbers(match, day_first):
    first, separator, second, year, *time = match.groups()
    day, month = (first, second) if day_first or separator == "." else (second, first)
    return _assembled(year, int(month), day, *time)


def _day_month(match, _day_first):
    day, month, year, *time = match.groups()
    return _assembled(year, _month(month), day, *time)


def _month_day(match, _day_first):
    month, day, year, *time = match.groups()
    return _assembled(year, _month(month), day, *time)


def _mail(match, _day_first):
    return parsedate_to_datetime(match[0])


def _month(name):
    return _MONTHS.index(name.lower()) + 1


def _assembled(year, month, day, hour, minute, second, half, zone):
    hour = int(hour or 0)
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + 12 * (half in "Pp")
    iso = f"{'20' * (len(year) == 2)}{year}-{month:02}-{int(day):02}T{hour:02}:{minute or '00'}:{second or '00'}"
    return dt.datetime.fromisoformat(iso + (zone or "").replace("UTC", "Z").replace("GMT", "Z"))


def _utc(moment):
    if moment != moment:  # noqa: PLR0124  pandas' missing moment
        return None
    moment = moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if not 1970 <= moment.year < 2200:
        raise ValueError
    return moment


_FORMS = {_EPOCH: _epoch, _NUMBERS: _numbers, _DAY_MONTH: _day_month, _MONTH_DAY: _month_day, _MAIL: _mail}
