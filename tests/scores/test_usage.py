"""The ledger of looks at a test set."""

import pytest

from chatkit.scores.usage import LEDGER, MANY, record_look


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with test chats."""
    (tmp_path / "params.yaml").write_text("")
    (tmp_path / "dvc.yaml").write_text("")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/test.parquet").write_bytes(b"first")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_many_looks_are_told(project):
    """The twenty-first look at the same chats by the same stage; new chats begin anew."""
    said = [record_look("evaluate", ["data/test.parquet"]) for _ in range(MANY + 1)]
    assert said[:MANY] == [None] * MANY
    assert said[MANY].startswith("evaluate has looked at these test chats 21 times")
    assert record_look("overfitting", ["data/test.parquet"]) is None
    (project / "data/test.parquet").write_bytes(b"second")
    assert record_look("evaluate", ["data/test.parquet"]) is None
    assert len((project / LEDGER).read_text().splitlines()) == MANY + 3


def test_other_stages_are_not_counted(project):
    """A stage that does not read the test chats leaves no ledger."""
    assert record_look("train", ["data/train.parquet"]) is None
    assert not (project / LEDGER).exists()
