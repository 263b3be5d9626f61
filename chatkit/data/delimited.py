"""CSV and its relatives, read strictly: a row that is not what the header promises is named, and no other is lost."""

import csv
import io
import re
from dataclasses import dataclass, field
from itertools import count

from chatkit.project import InputError

NO_CHARACTER = re.compile("[\ud800-\udfff]")  # halves of pairs, and bytes that no encoding explains
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_FIELD_LIMIT = 2**26  # characters; an unclosed quote in a huge file is found after so many
_SWALLOWED = "holds lines that are rows: a quote may have swallowed them"
_FAULTS = {
    "unexpected end of data": "opens a quote that is never closed",
    "field larger than": "opens a quote that is not closed for 64 million characters",
}


@dataclass
class BadRow:
    """A row of a file that cannot be read."""

    row: int  # from 1, the header aside
    line: int  # of the file, from 1, where it begins
    reason: str
    text: str


@dataclass
class Table:
    """What a file holds, before anybody knows whose columns these are."""

    names: list[str]
    columns: list[list]  # values of each column: str, None, or what the format has
    kind: str  # such as "CSV separated by commas"
    rows: list[int]  # which row of the file each is, from 1
    bad: list[BadRow] = field(default_factory=list)


def read_delimited(opened, name):
    r"""Read rows separated by commas, semicolons or tabs.

    A first line such as ``sep=;`` names the separator; otherwise it is the one that gives the header most columns.

    Parameters
    ----------
    opened : callable
        Returns the file's bytes as a new binary stream.
    name : str
        Of the file, for errors.

    Returns
    -------
    Table
        Bad rows aside, every row has as many fields as the header.

    Raises
    ------
    InputError
        When it is no text, or has no header.

    Examples
    --------
    >>> table = read_delimited(lambda: io.BytesIO(b"id;body\n1;Hi\n2\n"), "a.csv")
    >>> table.kind, table.columns, table.bad[0].reason
    ('CSV separated by semicolons, in UTF-8', [['1'], ['Hi']], 'has 1 field where the header has 2')
    """
    lines, encoding = _lines(opened, name)
    first, separator = 0, None
    marker = lines[0].strip("\r\n").strip('"') if lines else ""
    if marker.lower().startswith("sep="):
        first, separator = 1, marker[4:]
        if len(separator) != 1:
            raise InputError(f"The first line of {name} is {marker!r}, expected one separator such as sep=;.")
    while first < len(lines) and not lines[first].strip():
        first += 1
    if first == len(lines):
        raise InputError(f"{name} cannot be read as CSV: it is empty; export it again.")
    limit = csv.field_size_limit(_FIELD_LIMIT)
    try:
        headers = {one: _first_record(lines, first, one) for one in ([separator] if separator else _SEPARATORS)}
        separator = max(headers, key=lambda one: len(headers[one][0]))
        header, first = headers[separator]
        if len(header) < 2 and not all(found for found, _ in headers.values()):
            raise InputError(f"The header of {name} is no CSV: {lines[first].strip()[:80]!r}; mend its quotes.")
        table = Table([], [], "", [])
        good, doubtful = [], {}
        numbers = count(1)
        for begin, end, fields, reason in _records(lines, first, separator, len(header)):
            number = next(numbers)
            if reason:
                table.bad.append(BadRow(number, begin + 1, reason, "".join(lines[begin:end]).rstrip("\r\n")))
            else:
                if end - begin > 1 and all(line.count(separator) == len(header) - 1 for line in lines[begin:end]):
                    doubtful[len(good)] = BadRow(
                        number, begin + 1, _SWALLOWED, "".join(lines[begin:end]).rstrip("\r\n")
                    )
                good.append(fields)
                table.rows.append(number)
    finally:
        csv.field_size_limit(limit)
    _set_aside(doubtful, good, table, separator)
    table.names = [column.strip() for column in header]
    table.columns = [list(values) for values in zip(*good, strict=True)] or [[] for _ in header]
    table.kind = f"CSV separated by {_SEPARATORS.get(separator, repr(separator))}, in {encoding}"
    return table


def _lines(opened, name):
    """Decode a file into its lines, and say from which encoding."""
    with opened() as stream:
        head = stream.read(4096)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(opened, "utf-16", name), "UTF-16"
    # Western text in UTF-16 without a mark: every other byte is NUL.
    for encoding, other in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if other.count(0) > len(head) / 5:
            return _decoded(opened, encoding, name), "UTF-16"
    lines = _decoded(opened, "utf-8-sig", name, "surrogateescape")
    foreign = re.sub(r"[\x00-\x7f]+", "", "".join(line for line in lines if not line.isascii()))
    broken = len(NO_CHARACTER.findall(foreign))
    if broken <= len(foreign) - broken:
        return lines, "UTF-8"  # a broken character or two belong to bad rows, not to another encoding
    lines = _decoded(opened, "cp1252", name)
    letters = sum(character.isalpha() for line in lines for character in line)
    if broken > letters / 3:  # no Western language has so many accents
        raise InputError(f"{name} is neither in UTF-8 nor in a Western encoding; export it again, in UTF-8.")
    return lines, "Windows-1252"


def _decoded(opened, encoding, name, errors="strict"):
    try:
        with io.TextIOWrapper(opened(), encoding, errors, newline="") as text:
            return list(text)
    except UnicodeError as error:
        reason = f"{encoding} has no {error.object[error.start : error.end]!r}" if hasattr(error, "start") else error
        raise InputError(f"{name} cannot be read as text: {reason}; export it again, in UTF-8.") from None


def _first_record(lines, first, separator):
    """Return the fields of the record that begins in a line, none where it is no CSV, and the line behind it."""
    reader = csv.reader(map(lines.__getitem__, range(first, len(lines))), delimiter=separator, strict=True)
    try:
        return next(reader), first + reader.line_num
    except csv.Error:
        return [], first


def _records(lines, first, separator, width):
    """Give each record: the lines it begins and ends with, and its fields or what is wrong with it."""
    start = first
    while start < len(lines):
        begin, end, reason = start, start, None
        reader = csv.reader(map(lines.__getitem__, range(start, len(lines))), delimiter=separator, strict=True)
        try:
            for fields in reader:
                end = start + reader.line_num
                if fields:
                    if reason := _fault(fields, width, lines[begin:end]):
                        break
                    yield begin, end, fields, None
                begin = end
        except csv.Error as error:
            end = len(lines)
            reason = next((words for key, words in _FAULTS.items() if key in str(error)), None)
            reason = reason or "has something after a closing quote"
        if reason is None:
            return
        # A text within quotes has few separators; where each line has as many as a row, a quote has swallowed rows.
        if end == len(lines) or all(line.count(separator) >= width - 1 for line in lines[begin:end]):
            end = next((n for n in range(begin + 1, end) if _is_row(lines, n, separator, width)), end)
        yield begin, end, None, reason
        start = end


def _set_aside(doubtful, good, table, separator):
    """Take for bad the texts over several lines that are rows to the last: such as a category of others in each.

    Two quotes out of place, one behind a separator and one before another, make one row of many without any fault.
    """
    values = [set(column) for column in zip(*good, strict=True)] if doubtful else []
    for place, bad in sorted(doubtful.items(), reverse=True):
        lines = [line.replace('"', "").split(separator) for line in bad.text.splitlines()]
        if any(set(column) <= known for column, known in zip(zip(*lines, strict=True), values, strict=True)):
            table.bad.append(bad)
            del good[place], table.rows[place]
    table.bad.sort(key=lambda bad: bad.row)


def _fault(fields, width, lines):
    if len(fields) != width:
        return f"has {len(fields)} field{'s' * (len(fields) != 1)} where the header has {width}"
    text = "".join(lines)
    if "\0" in text:
        return "holds a NUL character"
    if NO_CHARACTER.search(text):
        return "holds bytes that are no UTF-8"
    return None


def _is_row(lines, number, separator, width):
    """Tell a line with which a row begins from one within a text, by its first quote and its separators."""
    line = lines[number]
    before, quote, behind = line.partition('"')
    if quote and (before[-1:] not in {"", separator} or behind[:1] in {separator, "\r", "\n", ""}):
        return False  # that quote closes
    return line.count(separator) >= width - 1 or len(_first_record(lines, number, separator)[0]) == width
