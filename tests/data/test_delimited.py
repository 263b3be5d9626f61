"""CSV read strictly: what is no row is named with its line, and no other row is lost."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit.data.delimited import read_delimited
from chatkit.project import InputError

HEADER = "id,subject,body,category\n"


def read(text, encoding="utf-8"):
    """A table of what stands in a file."""
    content = text if isinstance(text, bytes) else text.encode(encoding)
    return read_delimited(lambda: io.BytesIO(content), "a.csv")


def rows(table):
    """Its rows as text, fields joined."""
    return ["/".join(row) for row in zip(*table.columns, strict=True)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separator_and_encoding_are_found(encoding, separator, end):
    """What spreadsheets write in any country; other separators may stand in the texts."""
    other = ";" if separator == "," else ","
    lines = ["id*subject*body", f"1*Müller€*a{other} b{other} c{other} d", f'2*"x*y"*"two{end}lines ""so"""', "", "3**"]
    table = read(end.join(lines).replace("*", separator), encoding)
    assert table.names == ["id", "subject", "body"]
    assert rows(table) == [f"1/Müller€/a{other} b{other} c{other} d", f'2/x{separator}y/two{end}lines "so"', "3//"]
    assert (table.rows, table.bad) == ([1, 2, 3], [])
    assert table.kind.endswith({"u": encoding[:6].upper().rstrip("-"), "c": "Windows-1252"}[encoding[0]])


@pytest.mark.parametrize("marker", ["sep=;", "SEP=;", '"sep=;"'])
def test_the_first_line_may_name_the_separator(marker):
    """Excel's own way, which it believes more than the columns."""
    assert rows(read(f"{marker}\r\nid;a,b,c,d\r\n1;x\r\n")) == ["1/x"]
    assert rows(read("sep=\t\nid\ta\n1\tx\n")) == ["1/x"]


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("1,a,b,c\n2,Hours\n3,a,b\n4,a,b,c\n", [1, 4], [(2, 3, "has 2 fields where"), (3, 4, "has 3 fields where")]),
        ("1,a,b,c,\n2,a,b,c\n", [2], [(1, 2, "has 5 fields where the header has 4")]),
        ('1,S,"20 inch,x\n2,a,b,c\n3,S,"24 inch" he,x\n4,a,b,c\n', [2, 4], [(1, 2, "has something after a closing"), (3, 4, "has something")]),
        ('1,a,"He said "hi" to me\nand left",x\n2,a,b,c\n', [2], [(1, 2, "has something after a closing quote")]),
        ('1,a,"He said "hi" to me\nand, well, I left",x\n2,a,b,c\n', [2], [(1, 2, "has something after a closing quote")]),
        ('1,"a,b,c\n2,"a,b,c\n3,a,b,c\n', [3], [(1, 2, "has something"), (2, 3, "opens a quote that is never closed")]),
        ('1,a,b,c\n2,a,"b,c\n3,a,b,c\n4,"x\ny",b,c\n', [1, 3, 4], [(2, 3, "opens a quote|has something")]),
        ('1,a,"b\nb, b",c,d\n2,a,b,c\n', [2], [(1, 2, "has 5 fields")]),
        ('1,"a,b,c\n2,a,b,c\n3,a",b,c,d\n4,a,b,c\n', [2, 4], [(1, 2, "has 5 fields"), (3, 4, "has 5 fields")]),
        ("1,a\0,b,c\n2,a,b,c\n", [2], [(1, 2, "holds a NUL character")]),
        ("1,café,naïve,c\n".encode() + b"2,a,\xff,c\n", [1], [(2, 3, "holds bytes that are no UTF-8")]),
    ],
)  # fmt: skip
def test_a_row_that_is_none_is_named_and_no_other_is_lost(text, good, bad):
    """Rows too short, too long, with quotes out of place, with what is no text: counted each with its line."""
    table = read(HEADER.encode() + (text if isinstance(text, bytes) else text.encode()))
    assert table.rows == good
    assert [(one.row, one.line) for one in table.bad] == [(row, line) for row, line, _ in bad]
    for one, (_, _, reason) in zip(table.bad, bad, strict=True):
        assert any(one.reason.startswith(words) for words in reason.split("|"))
    assert [row.split("/")[0] for row in rows(table)] == [str(number) for number in good]


@given(
    st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)] * 2), min_size=1)
)
def test_what_is_csv_is_read_as_it_was_written(written):
    """Any texts, quoted as Python's writer does it."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["subject", "body"], *written])
    table = read(out.getvalue())
    assert list(zip(*table.columns, strict=True)) == written
    assert table.bad == []


@given(st.lists(st.sampled_from(["g", "long", "open", "letters"]), min_size=1, max_size=30))
def test_a_fault_costs_its_own_row_only(kinds):
    """Any order of good rows and of rows with a fault: all good ones are there, and each fault is counted.

    A short row behind an open quote may as well be its text.
    """
    lines = {"g": 'N,"a, ""b""",b,c', "long": "N,a,b,c,d", "open": 'N,a,"b,c', "letters": 'N,"a"b,b,c'}
    table = read(HEADER + "".join(lines[kind].replace("N", str(n)) + "\n" for n, kind in enumerate(kinds, 1)))
    assert table.rows == [n for n, kind in enumerate(kinds, 1) if kind == "g"]
    assert [one.line for one in table.bad] == [n + 1 for n, kind in enumerate(kinds, 1) if kind != "g"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read as CSV: it is empty"),
        ("\n \n", "cannot be read as CSV: it is empty"),
        ('"id,body\n1,a\n', "header of a.csv is no CSV: '\"id,body'; mend its quotes"),
        ("sep=ab\nid\n", "first line of a.csv is 'sep=ab', expected one separator"),
        ("id,body\n1,Привет потерял\n".encode("cp1251"), "neither in UTF-8 nor in a Western encoding"),
        (b"id,body\n1,\x81\xe9\n", "cp1252 has no b'.x81'; export it again, in UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_one_sentence(text, said):
    """Nothing to read, or nothing that can be read."""
    with pytest.raises(InputError, match=said):
        read(text)


def test_the_limit_of_a_field_is_as_it_was():
    """Python has one for the whole process."""
    before = csv.field_size_limit(1000)
    try:
        assert len(read(HEADER + f"1,a,{'x' * 10**6},c\n").columns[2][0]) == 10**6
        assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)


def test_quotes_that_swallow_rows_are_found():
    """No fault in form: the quotes stand where quotes may. Texts with as many separators a line are left alone."""
    table = read(HEADER + '1,a,"foo,x\n2,b,bar,y\n3,c,baz",x\n4,d,e,y\n')
    assert (table.rows, [(one.row, one.line) for one in table.bad]) == ([2], [(1, 2)])
    assert table.bad[0].reason == "holds lines that are rows: a quote may have swallowed them"
    assert table.bad[0].text == '1,a,"foo,x\n2,b,bar,y\n3,c,baz",x'
    assert read(HEADER + '1,a,"Hello, I\nam, well, you know",x\n4,d,e,y\n').rows == [1, 2]
