"""Moments as exports write them; the column decides between day and month, and nothing is guessed."""

import datetime as dt

import pandas as pd
import pytest

from chatkit.data.dates import read_moments
from chatkit.project import InputError

MOMENT = pd.Timestamp("2024-03-31 02:30").to_pydatetime()


def read(*values):
    """A column of values, in rows 1, 2, ..."""
    return read_moments(list(values), list(range(1, len(values) + 1)), "created_at", "a.csv")


@pytest.mark.parametrize(
    "value",
    [
        "2024-03-31 02:30:00", "2024-03-31T02:30:00Z", " 2024-03-31 02:30:00 UTC ", "2024-03-31T04:30:00.000+0200",
        "2024-03-31 04:30 +02:00", "20240331T0230", "1711852200", 1711852200, 1711852200.0, "1711852200000", 1711852200000,
        "31/03/2024 02:30", "03/31/2024 2:30 AM", "31.03.2024, 02:30:00", "31-03-24 2:30 am", "31/Mar/24 2:30 AM",
        "31 March 2024 02:30", "Mar 31, 2024 02:30", "Sun, 31 Mar 2024 04:30:00 +0200", "31/03/2024 02:30 GMT",
        MOMENT, pd.Timestamp(MOMENT, tz="UTC"), dt.datetime(2024, 3, 31, 4, 30, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    ],
)  # fmt: skip
def test_the_usual_forms_are_one_moment(value):
    """ISO, epochs, numbers, names of months, mail's; a zone becomes UTC."""
    assert read(value) == [MOMENT]


def test_the_column_decides_between_day_and_month():
    """One value above twelve speaks for all."""
    assert read("05/03/2024", "31/03/2024") == [pd.Timestamp(2024, 3, 5), pd.Timestamp(2024, 3, 31)]
    assert read("05/03/2024", "03/31/2024") == [pd.Timestamp(2024, 5, 3), pd.Timestamp(2024, 3, 31)]
    assert read("05.03.2024", "04/04/2024", None, "") == [
        pd.Timestamp(2024, 3, 5),
        pd.Timestamp(2024, 4, 4),
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["05/03/2024"], "created_at in row 1 of a.csv is 05/03/2024, and no row tells whether the day or the month"),
        (["31/03/2024", "1/2/2024", "03/31/2024"], r"day first in row 1 \(31/03/2024\) and the month first in row 3 \(03/31"),
        (["2024-03-31", "now"], "created_at in row 2 of a.csv is 'now', expected a date"),
        *([[value], f"in row 1 of a.csv is '{value}'"] for value in (
            "today", "May", "12345", "31/13/2024", "2024-02-30", "2024-03-31 25:00", "13/31/2024 13:00 PM", "True",
            "31/Foo/24", "2024-03-31 02:30 CET", "Sun, yesterday -0200", "1711852200000000000", "0001-01-01", "1e9",
        )),
    ],
)  # fmt: skip
def test_what_is_no_moment_is_one_sentence(values, said):
    """With its row and what it is; "now" would be another date tomorrow."""
    with pytest.raises(InputError, match=said) as error:
        read(*values)
    assert "\n" not in str(error.value)
