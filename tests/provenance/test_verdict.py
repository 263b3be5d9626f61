"""The last lines of `make repro`."""

import hashlib
import json
import subprocess

import pytest
from ruamel.yaml import YAML

from chatkit.provenance.verdict import lock_verdict

GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
SCORES = {"classifier": "xgboost", "macro_f1": 0.81, "accuracy": 0.9, "log_loss": 0.5, "baselines": {}}


def write(folder, content, warehouse="w", min_df=2, code="c"):
    """Leave what a run leaves: an output, and a dvc.lock with what went in; a later stage reads the output."""
    md5 = hashlib.md5(content.encode()).hexdigest()  # noqa: S324 - DVC's own
    (folder / "x").write_text(content)
    deps = [{"path": "data/warehouse", "md5": warehouse}, {"path": "code.py", "md5": code}]
    first = {"cmd": "a", "deps": deps, "params": {"params.yaml": {"train": {"min_df": min_df, "seed": 0}}}}
    later = {"cmd": "b", "deps": [{"path": "x", "md5": md5}]}
    stages = {"train": first | {"outs": [{"path": "x", "md5": md5}]}, "later": later}
    YAML().dump({"stages": stages}, folder / "dvc.lock")
    YAML().dump(first["params"]["params.yaml"], folder / "params.yaml")


def commit(folder, *files):
    """Put files into git."""
    subprocess.run([*GIT, "add", "-f", *files], cwd=folder, check=True)
    subprocess.run([*GIT, "commit", "-qm", "lock"], cwd=folder, check=True)


@pytest.fixture
def committed(tmp_path):
    """A project whose dvc.lock is committed, in a folder of a repository."""
    subprocess.run([*GIT, "init", "-q"], cwd=tmp_path, check=True)
    folder = tmp_path / "bank"
    (folder / "metrics").mkdir(parents=True)
    write(folder, "one")
    assert lock_verdict(folder).startswith("No dvc.lock is committed yet")
    commit(folder, "dvc.lock")
    return folder


def test_the_results_of_the_commit(committed):
    """Byte for byte; not when an output was changed since, or the lock is gone."""
    assert lock_verdict(committed).endswith("byte for byte, the results of this commit.")
    (committed / "x").write_text("two")
    assert lock_verdict(committed) == (
        "1 of 1 outputs are not what the last run made: x; make them again with `dvc repro`."
    )
    (committed / "dvc.lock").unlink()
    assert lock_verdict(committed) == "There is no dvc.lock here; make it with `dvc repro`."


def test_a_parameter_that_was_not_run_is_named(committed):
    """The results are not those of today's params.yaml."""
    (committed / "params.yaml").write_text("train: {min_df: 5, seed: 0}\n")
    said = "These are results of an earlier run: params.yaml has train.min_df 5, the run had 2; run `dvc repro`."
    assert lock_verdict(committed) == said


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"warehouse": "my own"}, "data/warehouse"),
        ({"min_df": 3}, "train.min_df"),
        ({"warehouse": "my own", "code": "changed", "min_df": 3}, "code.py, data/warehouse, train.min_df"),
    ],
)
def test_other_inputs_get_one_line(committed, inputs, named):
    """With chats or parameters of one's own nobody expects the commit's results: no list of outputs."""
    write(committed, "two", **inputs)
    assert lock_verdict(committed) == (
        f"These are no results of the committed dvc.lock, which was made from other inputs: {named}."
    )


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (SCORES | {"macro_f1": 0.81000001}, "The scores are those of the commit, to the digits shown."),
        (SCORES | {"macro_f1": 0.82}, "The scores are not those of the commit: model (xgboost)."),
        (SCORES | {"baselines": {"rules": {"not_run": "why"}}}, "The scores are not those of the commit: rules."),
    ],
)
def test_other_bytes_from_the_same_inputs(committed, now, said):
    """Which outputs, whether the scores are the same to the digits shown, and what to do."""
    (committed / "metrics" / "evaluate.json").write_text(json.dumps(SCORES))
    commit(committed, "metrics/evaluate.json")
    (committed / "metrics" / "evaluate.json").write_text(json.dumps(now))
    write(committed, "two")
    which, scores, advice = lock_verdict(committed).splitlines()
    assert which == "1 of 1 outputs differ from the committed dvc.lock, though the same went in: x."
    assert scores == said
    assert "`make reproducible`" in advice


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_scores_that_git_does_not_have_are_not_spoken_of(committed, content):
    """No file in the commit, or none that can be read."""
    if content:
        (committed / "metrics" / "evaluate.json").write_text(content)
        commit(committed, "metrics/evaluate.json")
    (committed / "metrics" / "evaluate.json").write_text(json.dumps(SCORES))
    write(committed, "two")
    assert "scores" not in lock_verdict(committed)
