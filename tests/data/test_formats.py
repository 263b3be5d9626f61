"""Any usual file gives the same table, and what cannot be read one sentence."""

import gzip
import io
import json
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chatkit.data.formats import read_file
from chatkit.data.load import read_export
from chatkit.project import InputError

ROWS = [
    {"id": "1", "subject": "Lost card", "body": "I lost it, really", "category": "urgent"},
    {"id": "2", "subject": "", "body": "Öffnungszeiten?\nThanks", "category": "other"},
]


def workbook(rows, sheet="Chats"):
    """A spreadsheet with texts and numbers, as small as one can be."""
    cells = "".join(
        "<row>" + "".join(
            f"<c><v>{value}</v></c>" if isinstance(value, int | float) else f'<c t="inlineStr"><is><t>{value}</t></is></c>'
            for value in row
        ) + "</row>"
        for row in rows
    )  # fmt: skip
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="{sheet}" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'
        )
    return out.getvalue()


def parquet(table):
    """A table as the bytes of a Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def zipped(name, content, *others):
    """An archive with a file, and what macOS puts beside it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
        archive.writestr("__MACOSX/._" + name, b"x")
        for other in others:
            archive.writestr(other, content)
    return out.getvalue()


CSV = pd.DataFrame(ROWS).to_csv(index=False).encode()
FILES = {
    "a.csv": CSV,
    "a.txt": pd.DataFrame(ROWS).to_csv(index=False, sep="\t").encode("utf-16"),
    "a.json": json.dumps(ROWS).encode(),
    "nested.json": json.dumps({"count": 2, "tickets": ROWS, "users": [{"id": 7}]}).encode(),
    "a.jsonl": "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode(),
    "a.xlsx": workbook([list(ROWS[0]), [1.0, *list(ROWS[0].values())[1:]], [], [2, *list(ROWS[1].values())[1:]]]),
    "a.parquet": parquet(pa.Table.from_pylist(ROWS)),
}


@pytest.mark.parametrize("packed", ["", ".gz", ".zip"])
@pytest.mark.parametrize("name", FILES)
def test_any_usual_file_gives_the_same_chats(tmp_path, name, packed):
    """Plain or packed; what it holds counts, and its name where that says nothing."""
    content = {"": bytes, ".gz": gzip.compress, ".zip": lambda content: zipped(name, content)}[packed](FILES[name])
    (tmp_path / f"{name}{packed}").write_bytes(content)
    (tmp_path / "plain.csv").write_bytes(CSV)
    pd.testing.assert_frame_equal(
        read_export(tmp_path / f"{name}{packed}").chats, read_export(tmp_path / "plain.csv").chats
    )


def test_nested_objects_and_lists_become_columns(tmp_path):
    """As Intercom and Zendesk nest them, in JSON and in Parquet."""
    rows = [
        {"id": 1, "source": {"body": "a", "author": {"id": "u"}}, "tags": [{"name": "x"}, {"name": "y"}], "to": ["p", "q"], "n": [1]},
        {"id": 2, "source": {"body": "b", "author": {"id": "v"}}, "tags": [], "to": None, "n": [{"k": 1}][:0]},
    ]  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(rows))
    (tmp_path / "a.parquet").write_bytes(parquet(pa.Table.from_pylist(rows)))
    for name in ("a.json", "a.parquet"):
        table = read_file(tmp_path / name)
        assert dict(zip(table.names, table.columns, strict=True)) == {
            "id": [1, 2], "source.body": ["a", "b"], "source.author.id": ["u", "v"], "tags": ["x, y", ""],
            "to": ["p, q", None], "n": ["[1]", ""],
        }  # fmt: skip


def test_a_spreadsheet_gives_text(tmp_path):
    """Whole numbers without a point, rows with their numbers, empty rows aside."""
    (tmp_path / "a.xlsx").write_bytes(workbook([[], ["id", "n"], [7, 1.5], ["", ""], ["x", True]]))
    table = read_file(tmp_path / "a.xlsx")
    assert table.columns[0] == ["7", "x"]
    assert table.rows == [1, 3]


def test_a_line_that_is_no_json_costs_no_other(tmp_path):
    """It is named with its line, as a row of a CSV is."""
    (tmp_path / "a.jsonl").write_bytes('{"id": 1}\n\n{"id": 2\n7\n{"id": "é"}'.encode("utf-16"))
    table = read_file(tmp_path / "a.jsonl")
    assert (table.columns, table.rows) == ([[1, "é"]], [1, 4])
    assert [(bad.row, bad.line, bad.text) for bad in table.bad] == [(2, 3, '{"id": 2'), (3, 4, "7")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv.gz", gzip.compress(CSV)[:-12], "a.csv.gz cannot be unpacked: "),
        ("a.zip", zipped("a.csv", CSV)[:-30], "a.zip cannot be unpacked: File is not a zip file"),
        ("a.zip", zipped("a.csv", CSV, "b.csv"), "holds 2 files, expected one"),
        ("a.xlsx", b"id,body", "a.xlsx cannot be read as xlsx: that is not what it holds"),
        ("a.xls", b"<html><table>", "a.xls cannot be read as xls"),
        ("a.csv", b"<html><table>", "holds HTML or XML, expected CSV"),
        ("a.xlsx", workbook([]), "has no sheet with rows"),
        ("a.xlsx", workbook([["id", "body"]]), "has a header but no rows"),
        ("a.parquet", b"PAR1 and nothing", "cannot be read as Parquet"),
        ("a.json", b'[{"id": 1},\n{"id": 2]', "cannot be read as JSON, line 2: Expecting"),
        ("a.json", b'["a"]', r"""holds '\["a"\]', expected a list of objects"""),
        ("a.json", b"\xff\xff", "is no UTF-8, as JSON is"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_sentence(tmp_path, name, content, said):
    """Cut short, another format than its name says, more than one file."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        read_file(tmp_path / name)
    assert "\n" not in str(error.value)
