"""Any file that a help desk or a spreadsheet writes, as a table of its columns."""

import gzip
import io
import json
import textwrap
import zipfile
import zlib
from functools import partial
from pathlib import Path

from chatkit.data.delimited import BadRow, Table, read_delimited
from chatkit.project import InputError

_EXPECTED = "CSV, JSON, JSON Lines, .xlsx or Parquet, plain or as .gz or .zip"
_LISTS = ("tickets", "conversations", "issues", "data", "results", "items")


def require_file(file):
    """Refuse a path that leads to no file; nothing slow is imported for it.

    Parameters
    ----------
    file : pathlib.Path

    Raises
    ------
    InputError
    """
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise InputError(f"{file} {what}; give the path of a file: {_EXPECTED}.")


def read_file(file):
    """Read a file, whatever its format; the content decides, and the ending where the content says nothing.

    Parameters
    ----------
    file : pathlib.Path
        CSV separated by commas, semicolons or tabs; JSON Lines; JSON with a list of objects; a spreadsheet; Parquet.
        Plain, or within gzip or zip. What is nested becomes columns such as ``source.body``.

    Returns
    -------
    chatkit.data.delimited.Table

    Raises
    ------
    InputError
        When there is no such file, or it cannot be read.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> file = Path(mkdtemp(), "a.json")
    >>> _ = file.write_text('[{"id": 1, "source": {"body": "Hi"}, "tags": ["a", "b"]}]')
    >>> table = read_file(file)
    >>> table.names, table.columns
    (['id', 'source.body', 'tags'], [[1], ['Hi'], ['a, b']])
    """
    require_file(file)
    name = file.name
    try:
        opened, kind = _unpacked(partial(file.open, "rb"), file.suffixes, name)
        table = _READERS[kind](opened, name)
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        # RuntimeError: a zip with a password.
        raise InputError(f"{name} cannot be unpacked: {_first_line(error)}; export it again.") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or _first_line(error)}; check the file.") from None
    if not table.columns or not (table.rows or table.bad):
        raise InputError(f"{name} has a header but no rows; export it again.")
    return table


def _unpacked(opened, suffixes, name):
    """Return how to open what is within gzip or zip, and its format."""
    with opened() as stream:
        head = stream.read(512)
    if head.startswith(b"\x1f\x8b"):
        with opened() as stream:
            content = gzip.decompress(stream.read())
        return _unpacked(lambda: io.BytesIO(content), suffixes[:-1] or suffixes, name)
    if head.startswith(b"PK"):
        with opened() as stream, zipfile.ZipFile(stream) as archive:
            names = [one for one in archive.namelist() if not one.endswith("/") and "__MACOSX" not in one]
            if any(one.startswith("xl/") for one in names):
                return opened, "spreadsheet"
            if len(names) != 1:
                raise InputError(f"{name} holds {len(names)} files, expected one; pack only the one with the chats.")
            content = archive.read(names[0])
        return _unpacked(lambda: io.BytesIO(content), Path(names[0]).suffixes, name)
    if head.startswith(b"PAR1"):
        return opened, "parquet"
    if head.startswith(b"\xd0\xcf\x11\xe0"):  # the spreadsheets of before 2007
        return opened, "spreadsheet"
    ending = (suffixes or [""])[-1].lower()
    if ending in {".parquet", ".xlsx", ".xls"}:
        raise InputError(f"{name} cannot be read as {ending[1:]}: that is not what it holds; export it again.")
    begin = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if begin == b"<":
        raise InputError(f"{name} holds HTML or XML, expected {_EXPECTED}; export it as one of these.")
    is_json = ending in {".json", ".jsonl", ".ndjson"} or (begin in {b"{", b"["} and ending not in {".csv", ".tsv"})
    return opened, "json" if is_json else "delimited"


def _read_json(opened, name):
    with opened() as stream:
        content = stream.read()
    try:
        text = content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is no UTF-8, as JSON is ({error.reason}); export it again.") from None
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        return _read_json_lines(text, name, error)
    kind = "JSON"
    if isinstance(content, dict):
        lists = {key: value for key, value in content.items() if _is_rows(value)}
        known = [key for key in _LISTS if key in lists] or list(lists)
        content, kind = (lists[known[0]], f"JSON, its list {known[0]}") if len(known) == 1 else ([content], kind)
    if not _is_rows(content):
        raise InputError(f"{name} holds {textwrap.shorten(text, 40)!r}, expected a list of objects, one a chat.")
    return _from_objects(dict(enumerate(content, 1)), kind)


def _read_json_lines(text, name, whole):
    rows, bad, number = {}, [], 0
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            number += 1
            try:
                rows[number] = dict(json.loads(content))
            except (ValueError, TypeError) as error:
                bad.append(BadRow(number, line, f"is no object of JSON ({error})", content))
    if not rows:  # one document, broken where that says
        raise InputError(f"{name} cannot be read as JSON, line {whole.lineno}: {whole.msg}; export it again.")
    return _from_objects(rows, "JSON Lines", bad)


def _is_rows(value):
    return isinstance(value, list) and value != [] and all(isinstance(one, dict) for one in value)


def _from_objects(rows, kind, bad=()):
    """Make columns of nested objects by row; what an object lacks is None."""
    flat = [dict(_flattened(row)) for row in rows.values()]
    names = list(dict.fromkeys(name for row in flat for name in row))
    return Table(names, [[row.get(name) for row in flat] for name in names], kind, list(rows), list(bad))


def _flattened(value, prefix=""):
    for key, one in value.items():
        if isinstance(one, dict):
            yield from _flattened(one, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _plain(one)


def _plain(value):
    """Make one value of a list: its names, as tags have them, its texts, or JSON."""
    if not isinstance(value, list):
        return value
    values = [one.get("name") if isinstance(one, dict) and "name" in one else one for one in value]
    if all(isinstance(one, str) for one in values):
        return ", ".join(values)
    return json.dumps(value, ensure_ascii=False, default=str)


def _read_parquet(opened, name):
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with opened() as stream:
            table = pq.read_table(io.BytesIO(stream.read()))
    except (pa.ArrowException, ValueError) as error:
        raise InputError(f"{name} cannot be read as Parquet: {_first_line(error)}; export it again.") from None
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    return Table(list(table.column_names), columns, "Parquet", list(range(1, len(table) + 1)))


def _read_spreadsheet(opened, name):
    from python_calamine import CalamineError, CalamineWorkbook

    with opened() as stream:
        try:
            workbook = CalamineWorkbook.from_filelike(io.BytesIO(stream.read()))
            sheets = {sheet: workbook.get_sheet_by_name(sheet).to_python() for sheet in workbook.sheet_names}
        except CalamineError as error:
            raise InputError(f"{name} cannot be read as a spreadsheet: {_first_line(error)}; save it again.") from None
    filled = {sheet: rows for sheet, rows in sheets.items() if any(map(any, rows))}
    if not filled:
        raise InputError(f"{name} has no sheet with rows; export it again.")
    sheet, rows = next(iter(filled.items()))
    rows = [(number, [_cell(value) for value in row]) for number, row in enumerate(rows)]
    (_, header), *rows = [(number, row) for number, row in rows if any(row)]
    columns = [list(values) for values in zip(*(row for _, row in rows), strict=True)] or [[] for _ in header]
    kind = "a spreadsheet" + f", its sheet {sheet}" * (len(filled) > 1)
    return Table([text.strip() for text in header], columns, kind, [number for number, _ in rows])


def _cell(value):
    """Return the text of a cell: a spreadsheet knows no whole numbers."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


_READERS = {
    "delimited": read_delimited,
    "json": _read_json,
    "parquet": _read_parquet,
    "spreadsheet": _read_spreadsheet,
}
