"""The first place in which two outputs differ."""

import json

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output, writes

from chatkit.provenance.difference import first_difference


@pytest.fixture
def pair(tmp_path):
    """Write the same file name into two folders and compare."""

    def compare(name, one, other):
        files = []
        for side, content in (("a", one), ("b", other)):
            file = tmp_path / side / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pd.DataFrame):
                content.to_parquet(file)
            else:
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
            files.append(file)
        return first_difference(*files)

    return compare


def notebook(text):
    """A notebook of one cell that printed `text`."""
    cell = new_code_cell("print(1)", outputs=[new_output("stream", text=text)], id="a")
    return writes(new_notebook(cells=[cell]))


def test_the_same_bytes_do_not_differ(pair):
    """None for files of every kind."""
    for name in ("a.json", "a.html", "a.bin"):
        assert pair(name, "{}", "{}") is None


def test_a_notebook_names_the_cell(pair):
    """Cell, place in it, both values."""
    assert (
        pair("a.ipynb", notebook("f1 0.31"), notebook("f1 0.29")) == "cell 0, outputs/0/text/0: 'f1 0.31' and 'f1 0.29'"
    )


def test_json_names_the_path(pair):
    """Also what one side lacks."""
    assert pair("a.json", json.dumps({"a": [1, {"b": 2}]}), json.dumps({"a": [1, {"b": 3}]})) == "a/1/b: 2 and 3"
    assert pair("a.json", '{"a": 1}', '{"a": 1, "b": 2}') == "b: None and 2"


def test_a_table_names_row_and_column(pair):
    """Missing values are equal to each other."""
    one = pd.DataFrame({"id": ["1", "2"], "x": [None, "a"]})
    assert pair("a.parquet", one, one.assign(x=[None, "b"])) == "row 1, x: 'a' and 'b'"
    assert pair("a.parquet", one, one.head(1)) == "2 rows of id, x and 1 rows of id, x"


def test_text_names_the_line(pair):
    """And says when one file is longer."""
    assert pair("a.html", "a\nb\n", "a\nc\n") == "line 2: 'b' and 'c'"
    assert pair("a.csv", "a\n", "a\nb\n") == "1 and 2 lines"


def test_anything_else_names_the_byte(pair):
    """Trees, weights, broken JSON."""
    assert pair("trees.ubj", b"abcd", b"abXd") == "byte 2 of 4 and 4"
    assert pair("a.json", "{", "{ ") == "byte 1 of 1 and 2"


def test_folders_name_the_file(tmp_path, pair):
    """The first file in the order of names, missing ones included."""
    pair("model/b.bin", b"1", b"2")
    pair("model/a.bin", b"1", b"1")
    assert first_difference(tmp_path / "a", tmp_path / "b") == "model/b.bin: byte 0 of 1 and 1"
    (tmp_path / "b" / "model" / "a.bin").unlink()
    assert first_difference(tmp_path / "a", tmp_path / "b").endswith("a.bin is missing")


def test_what_hides_a_difference_does_not(tmp_path):
    """NaN on both sides, other line ends, bytes that are no UTF-8, an empty folder beside none."""
    pairs = {
        "nan.json": (b'{"a": NaN, "b": 1}', b'{"a": NaN, "b": 2}', "b: 1 and 2"),
        "ends.csv": (b"a\r\nb", b"a\nb", r"line 1: 'a\r' and 'a'"),
        "page.html": (b"\xff", b"\xfe", "byte 0 of 1 and 1"),
    }
    for name, (one, other, expected) in pairs.items():
        (tmp_path / f"1{name}").write_bytes(one)
        (tmp_path / f"2{name}").write_bytes(other)
        assert first_difference(tmp_path / f"1{name}", tmp_path / f"2{name}") == expected
    (tmp_path / "empty").mkdir()
    assert first_difference(tmp_path / "empty", tmp_path / "none") == f"{tmp_path / 'none'} is missing"
