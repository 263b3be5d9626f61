"""Tables and results as files."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from chatkit.data.files import file_sha256, read_table, write_json, write_table
from chatkit.project import InputError


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_table_is_the_same_bytes_twice(tmp_path, chats, ending):
    """What a stage tracks does not change by writing it again."""
    files = [tmp_path / f"{name}.{ending}" for name in "ab"]
    for file in files:
        write_table(chats, file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_missing_table_says_how_to_make_it(tmp_path):
    """The stage before has not run."""
    with pytest.raises(InputError, match=r"train\.parquet is missing; make it with `dvc repro`"):
        read_table(tmp_path / "train.parquet")


def test_numbers_keep_six_digits(tmp_path):
    """The last bits differ between processors and never reach a tracked file."""
    write_json({"a": [0.1 + 0.2, {"b": 1 / 3}], "n": 3}, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [0.3, {"b": 0.333333}], "n": 3}


def test_what_json_cannot_say_is_refused(tmp_path):
    """NaN would be written as something that is no JSON."""
    with pytest.raises(ValueError, match="Out of range"):
        write_json({"a": np.nan}, tmp_path / "a.json")
    assert not list(tmp_path.iterdir())


def test_table_round_trip(tmp_path, chats):
    """What is written is what is read."""
    write_table(chats, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet"), chats)


def test_hash_is_sha256(tmp_path):
    """The same as sha256sum prints."""
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
