"""The whole path, for real: a clone, a warehouse, `dvc repro`, and what it leaves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, copy_project

STAGES = ["query", "split", "train", "evaluate", "explain", "triage", "overfitting"]
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def run(folder, *command, code=0):
    """Run a command in the project as a person would; return what it printed."""
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project of 1,500 simulated chats after its first `dvc repro`."""
    folder = copy_project(tmp_path_factory.mktemp("pipeline") / "bank")
    # The stages depend on the code; a link keeps the copy small.
    (folder / "chatkit").symlink_to(ROOT / "chatkit")
    run(folder, "git", "init", "-q")
    run(folder, "chatkit", "simulate", "--chats", "1500")
    edit(folder, "evaluate", baselines=["dummy", "rules"])
    edit(folder, "overfitting", fractions=[0.3, 1.0], folds=2)
    run(folder, "dvc", "repro")
    return folder


def edit(folder, section, **values):
    """Change parameters in params.yaml; return its text before."""
    file = folder / "params.yaml"
    before, yaml = file.read_text(), YAML()
    content = yaml.load(before)
    content[section].update(values)
    yaml.dump(content, file)
    return before


def status(folder):
    """Stages that `dvc status` calls changed."""
    return sorted(json.loads(run(folder, "dvc", "status", "--json")))


def test_every_stage_leaves_its_report(finished):
    """Notebook and page of each stage, and the index that links them."""
    names = {file.name for file in (finished / "reports").iterdir()}
    assert names == {"index.html", "card.html", *(f"{stage}.{end}" for stage in STAGES for end in ("ipynb", "html"))}
    assert sum(file.stat().st_size for file in (finished / "reports").glob("*.html")) < 2_000_000
    index = (finished / "reports" / "index.html").read_text()
    assert all(f'href="{stage}.html"' in index for stage in STAGES)


def test_the_model_beats_its_baselines(finished):
    """The scores are printed beside the baselines, with the path of the reports."""
    metrics = json.loads((finished / "metrics" / "evaluate.json").read_text())
    assert metrics["macro_f1"] > 0.55 > metrics["baselines"]["dummy"]["macro_f1"]
    printed = run(finished, "chatkit", "scores")
    assert f"model (boosted_linear){metrics['macro_f1']:10.3f}" in printed
    assert "bank/reports/index.html\n" in printed


def test_nothing_is_lost_between_the_stages(finished):
    """Every chat of the warehouse is on one side of the split, and every test chat has a prediction."""
    chats, train, test = (pd.read_parquet(finished / "data" / f"{name}.parquet") for name in ("chats", "train", "test"))
    assert len(chats) == 1500
    assert sorted([*train["id"], *test["id"]]) == sorted(chats["id"])
    assert not set(train["conversation_id"]) & set(test["conversation_id"])
    assert len(pd.read_csv(finished / "metrics" / "predictions.csv")) == len(test)


def test_the_model_works_outside_the_project(finished, tmp_path):
    """`chatkit predict` with the model that the stages made."""
    (tmp_path / "new.csv").write_text("subject,body\nLost card,I lost my card please block it now\n")
    out = run(tmp_path, "chatkit", "predict", "new.csv", "--model", str(finished / "models" / "chats"))
    assert out == "id,category\n1,urgent\n"
    run(finished, "chatkit", "verify")


def test_dvc_knows_metrics_plots_and_artifacts(finished):
    """What dvc.yaml declares is there: `dvc metrics show`, `dvc plots show`, the artifact's path."""
    assert "macro_f1" in run(finished, "dvc", "metrics", "show")
    run(finished, "dvc", "plots", "show", "--out", "plots")
    assert "predicted" in (finished / "plots" / "index.html").read_text()
    artifacts = YAML(typ="safe").load(finished / "dvc.yaml")["artifacts"]
    assert (finished / artifacts["chats"]["path"] / "manifest.json").is_file()


def test_a_second_repro_does_nothing(finished):
    """All stages are up to date."""
    printed = run(finished, "dvc", "repro")
    assert "Running stage" not in printed
    assert status(finished) == []


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("query", {"chunk_size": 999}),
        ("split", {"seed": 1}),
        ("train", {"classifier_options": {"C": 2.0}}),
        ("evaluate", {"confidence": 0.9}),
        ("overfitting", {"folds": 4}),
    ],
)
def test_a_parameter_reruns_its_own_stage(finished, section, value):
    """A change in a section of params.yaml concerns the stage of that name and no other."""
    before = edit(finished, section, **value)
    try:
        assert status(finished) == [section]
    finally:
        (finished / "params.yaml").write_text(before)
    assert status(finished) == []


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("queries/chats.sql", ["query"]),
        ("rules.yaml", ["evaluate", "train"]),
        ("notebooks/split.ipynb", ["split"]),
        ("data/warehouse/chats.sqlite", ["query"]),
    ],
)
def test_a_file_reruns_the_stages_that_use_it(finished, file, concerned):
    """The query, the rules, a notebook, the warehouse."""
    content = (finished / file).read_bytes()
    (finished / file).write_bytes(content + b"\n")
    try:
        assert status(finished) == concerned
    finally:
        (finished / file).write_bytes(content)


@pytest.mark.parametrize("classifier", ["rules", "xgboost"])
def test_another_classifier_goes_all_the_way(finished, classifier):
    """Rules have neither words nor probabilities, XGBoost has other ones: every page is made all the same."""
    before, lock = edit(finished, "train", classifier=classifier), (finished / "dvc.lock").read_text()
    try:
        run(finished, "dvc", "repro")
        assert f"model ({classifier})" in run(finished, "chatkit", "scores")
        run(finished, "chatkit", "verify")
    finally:
        (finished / "params.yaml").write_text(before)
        (finished / "dvc.lock").write_text(lock)
        run(finished, "dvc", "checkout")
    assert status(finished) == []


def test_a_failing_stage_stops_the_run(finished):
    """One sentence, exit code non-zero, the later stages do not run, the good outputs come back."""
    before = edit(finished, "split", strategy="weekly")
    try:
        printed = run(finished, "dvc", "repro", code=255)
    finally:
        (finished / "params.yaml").write_text(before)
    assert "split.strategy is 'weekly', expected one of random, group, time, column." in printed
    assert "Traceback" not in printed
    assert "Running stage 'train'" not in printed
    run(finished, "dvc", "checkout")
    for kind in ("ipynb", "html"):
        (finished / "reports" / f"split.failed.{kind}").unlink()
    assert status(finished) == []


def test_the_gate_stops_the_run(finished):
    """A failed check ends `dvc repro` when the gate says so, and names itself."""
    before = edit(finished, "overfitting", gate="fail", thresholds={"signal": 0.0})
    try:
        printed = run(finished, "dvc", "repro", code=255)
    finally:
        (finished / "params.yaml").write_text(before)
    assert "The checks signal failed; read what they found" in printed.replace("\n", " ")
    overview = (finished / "reports" / "index.html").read_text()
    assert 'href="overfitting.failed.html"' in overview
    assert 'href="overfitting.html"' not in overview, "DVC has removed it"
    assert '<li class="check fail">' in overview, "the checks shown are those of this run"
    # What the page had written before it stopped is no output of a finished stage.
    run(finished, "dvc", "checkout", "--force")
    page = finished / "reports" / "overfitting.failed.html"
    assert "The predictions say more than chance: fail" in page.read_text(), "what the sentence tells to read is there"
    page.unlink()
    (finished / "reports" / "overfitting.failed.ipynb").unlink()
    assert status(finished) == []


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("start", ["notebooks", "."])
def test_a_notebook_runs_by_hand(finished, stage, start):
    """As in JupyterLab: top to bottom, with today's parameters, from whichever folder the kernel starts in."""
    import nbclient
    import nbformat

    notebook = nbformat.read(finished / "notebooks" / f"{stage}.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(finished / start)}}).execute()
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
