"""The ledger of the uses of a test set."""

import pytest

from chatkit.scores.usage import LEDGER, MANY, record_test_set_use


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with test chats."""
    (tmp_path / "params.yaml").write_text("")
    (tmp_path / "dvc.yaml").write_text("")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/test.parquet").write_bytes(b"first")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_many_uses_are_reported(project):
    """From the twenty-first use of the same chats by the same stage; new chats are counted anew."""
    warnings = [record_test_set_use("evaluate", ["data/test.parquet"]) for _ in range(MANY + 1)]
    assert warnings[:MANY] == [None] * MANY
    assert warnings[MANY].startswith("evaluate has used these test chats 21 times")
    assert record_test_set_use("overfitting", ["data/test.parquet"]) is None
    (project / "data/test.parquet").write_bytes(b"second")
    assert record_test_set_use("evaluate", ["data/test.parquet"]) is None
    assert len((project / LEDGER).read_text().splitlines()) == MANY + 3


def test_other_stages_are_not_counted(project):
    """A stage that does not read the test chats leaves no ledger."""
    assert record_test_set_use("train", ["data/train.parquet"]) is None
    assert not (project / LEDGER).exists()
