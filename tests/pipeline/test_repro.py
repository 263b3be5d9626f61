"""The whole path, for real: a clone, a warehouse, `dvc repro`, and what it leaves."""

import ast
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from ruamel.yaml import YAML

from chatkit.project import outputs, read_yaml
from tests.conftest import ROOT, copy_project
from tests.desks import write_export

GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
STAGES = ["query", "split", "train", "evaluate", "explain", "triage", "overfitting"]
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


# Put before all else into every Python process of a stage: it notes which modules and files of the package that uses.
WATCH = """
import os, sys
if sys.orig_argv[2:3] == ["run"]:
    os.environ["WATCHED"] = sys.orig_argv[3]  # the kernel and its workers inherit it
if "WATCHED" in os.environ:
    log = os.open(os.path.join(os.path.dirname(__file__), os.environ["WATCHED"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    over = []

    def note(event, arguments):
        name = str(arguments[0]) if event in ("import", "open") else ""
        if event == "import" and name == "chatkit.site.index":
            over.append(True)  # the stage is done: what follows is the overview, no output
        if not over and (event == "import" and name.startswith("chatkit.") or event == "open" and "chatkit/" in name):
            os.write(log, f"{event} {name}\\n".encode())

    sys.addaudithook(note)
"""


def run(folder, *command, code=0):
    """Run a command in the project as a person would, with the project's own code; return what it printed."""
    environment = ENVIRONMENT | {"PYTHONPATH": f"{folder.parent / 'watch'}{os.pathsep}{folder}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def copy_package(folder):
    """Copy the package into a project, with what is compiled of it: its files keep their times, so that it holds."""
    shutil.copytree(ROOT / "chatkit", folder / "chatkit")
    (folder.parent / "watch").mkdir(exist_ok=True)
    (folder.parent / "watch" / "sitecustomize.py").write_text(WATCH)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project of 1,500 simulated chats after its first `dvc repro`, committed."""
    folder = copy_project(tmp_path_factory.mktemp("pipeline") / "bank")
    copy_package(folder)
    run(folder, "git", "init", "-q")
    run(folder, "chatkit", "simulate", "--chats", "1500")
    edit(folder, "evaluate", baselines=["dummy", "rules"])
    edit(folder, "explain", chats=200)
    edit(folder, "triage", days=60, folds=3)
    edit(folder, "overfitting", fractions=[0.3, 1.0], folds=2)
    run(folder, "dvc", "repro")
    run(folder, "git", "add", "-A")
    run(folder, *GIT, "commit", "-qm", "run")
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


def unlisted(folder, stage):
    """Modules and files of the package that a run has used and that are not in the stage's fingerprint."""
    listed = json.loads((folder / "fingerprints" / f"{stage}.json").read_text())
    used = set()
    for line in (folder.parent / "watch" / stage).read_text().splitlines():
        event, _, name = line.partition(" ")
        if event == "import":
            stem = name.replace(".", "/")
            used |= {file for file in (f"{stem}.py", f"{stem}/__init__.py") if (folder / file).is_file()}
        else:
            file = os.path.relpath(os.path.join(folder, name), folder)  # noqa: PTH118 - as the process said it
            if file.startswith("chatkit/") and "__pycache__" not in file and (folder / file).is_file():
                used.add(file)
    # What only starts the run, and packages that say what they are or where a name is defined.
    started = {f"chatkit/{name}.py" for name in ("cli", "fingerprint", "runner/run", "scores/usage")}
    packages = {file for file in used if file.endswith("/__init__.py") and says_nothing(folder / file)}
    return used - set(listed) - started - packages


def says_nothing(file):
    tree = ast.parse(file.read_text())
    return len(tree.body) == 1 or any("_HOME = " in ast.unparse(node) for node in tree.body)


@pytest.mark.parametrize("stage", STAGES)
def test_a_fingerprint_has_all_that_a_run_uses(finished, stage):
    """Every module that was imported and every file that was opened below chatkit/, by runner, kernel or worker."""
    watched = (finished.parent / "watch" / stage).read_text()
    assert "import chatkit.site.page" in watched, "the runner was seen"
    assert f"import {'chatkit.data.files'}" in watched, "the kernel was seen"
    assert "chatkit/site/template/page.html.j2" in watched
    assert unlisted(finished, stage) == set()


def test_what_a_fingerprint_lacks_is_found(tmp_path):
    """A module that is imported by a name made at run time, and a file that nobody has named."""
    folder = tmp_path / "bank"
    (folder / "notebooks").mkdir(parents=True)
    copy_package(folder)
    parameters = 'from chatkit.project import parameters\n\np = parameters("one")\nsize = p["size"]  # any'
    plant = (
        "import importlib\nfrom pathlib import Path\nhome = Path(importlib.import_module('chatkit.data.' + 'summary').__file__)\n"
        "len(home.with_name('bank.yaml').read_text())"
    )
    cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]}), new_code_cell(plant)]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "notebooks" / "one.ipynb")
    (folder / "dvc.yaml").write_text(
        "stages:\n  one:\n    cmd: chatkit run one\n    deps: [fingerprints/one.json]\n    params: [one]\n"
    )
    (folder / "params.yaml").write_text("one:\n  size: 1\n")
    run(folder, "chatkit", "run", "one")
    imported = {"chatkit/data/summary.py", "chatkit/text/validation.py"}
    assert unlisted(folder, "one") == {"chatkit/data/bank.yaml", *imported}


@contextlib.contextmanager
def edited(folder, file, old="", new="\nOTHER = 1\n"):
    """Change a file, by its first place with `old` or else at its end, and back."""
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1) if old else text + new)
    try:
        yield
    finally:
        (folder / file).write_text(text)


def ran(folder, *command):
    """Stages that a `dvc repro` runs."""
    return re.findall(r"Running stage '(\w+)'", run(folder, "dvc", "repro", *command))


@pytest.mark.parametrize("edit_of", ["docstring", "comment", "layout", "service"])
def test_a_cosmetic_edit_reruns_nothing(finished, edit_of):
    """Nor does one of code that no stage uses; the fingerprints and the model's manifest stay as they are."""
    file, old, new = {
        "docstring": ("chatkit/text/tokens.py", '"""', '"""Truly: '),
        "comment": ("chatkit/model/bundle.py", "\n", "\n# Truly.\n"),
        "layout": ("chatkit/plots/style.py", "WIDTH = 7.5", "WIDTH = (\n    7.5\n)"),
        "service": ("chatkit/service/app.py", "\nfrom", "\nimport this\nfrom"),
    }[edit_of]
    kept = {path: path.read_bytes() for path in (finished / "fingerprints").iterdir()}
    with edited(finished, file, old, new):
        assert run(finished, "chatkit", "why") == (
            "fingerprint: only comments, docstrings or code that no stage uses changed; no other stage runs\n"
        )
        assert ran(finished) == ["fingerprint"]
        assert {path: path.read_bytes() for path in (finished / "fingerprints").iterdir()} == kept
        assert run(finished, "git", "diff", "--stat", "--", "metrics", "data", "fingerprints") == ""
        assert ran(finished) == []
        code = "from chatkit.fingerprint import code_sha256; print(code_sha256('chatkit.model.bundle'))"
        manifest = json.loads((finished / "models" / "chats" / "manifest.json").read_text())
        assert run(finished, sys.executable, "-c", code).strip() == manifest["made_from"]["code_sha256"]
    assert ran(finished) == ["fingerprint"]


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("chatkit/plots/triage.py", ["triage"]),
        ("chatkit/text/tokens.py", ["train", "evaluate", "explain", "triage", "overfitting"]),
        ("chatkit/checks/drift.py", ["overfitting"]),
        ("chatkit/data/warehouse.py", ["query"]),
        ("chatkit/data/files.py", STAGES),
        ("chatkit/site/template/page.html.j2", STAGES),
        ("chatkit/site/template/compare.html.j2", []),
    ],
)
def test_code_reruns_the_stages_that_use_it(finished, file, concerned):
    """By DVC's own word once the stage fingerprint has run; `chatkit why` names the module before that, and after."""
    with edited(finished, file):
        before = run(finished, "chatkit", "why")
        run(finished, "dvc", "repro", "fingerprint")
        assert status(finished) == sorted(concerned)
        named = re.findall(rf"(\w+): code {file} [0-9a-f]{{8}} → [0-9a-f]{{8}}", before)
        assert named == concerned
        assert run(finished, "chatkit", "why") == (before if concerned else "every stage is up to date\n")
    run(finished, "dvc", "repro", "fingerprint")
    assert status(finished) == []


def test_an_edit_of_a_plot_reruns_its_stage_alone(finished):
    """For real: what `dvc repro` runs, what `dvc repro -s` runs, and back."""
    with edited(finished, "chatkit/plots/triage.py"):
        assert ran(finished, "-s", "triage") == [], "DVC asks nobody: only the stage fingerprint sees the edit"
        assert ran(finished, "-s", "fingerprint", "triage") == ["fingerprint", "triage"]
        assert status(finished) == []
    assert ran(finished, "fingerprint") == ["fingerprint"]
    restored = run(finished, "dvc", "repro")
    assert "Stage 'triage' is cached - skipping run, checking out outputs" in restored
    assert status(finished) == []


def test_the_lock_names_the_code_that_ran(finished):
    """Also where the stage fingerprint has not seen an edit: taking the edit back makes the stage run again."""
    before = edit(finished, "explain", top_words=7)
    with edited(finished, "chatkit/plots/edits.py"):
        assert ran(finished, "-s", "explain") == ["explain"]
    (finished / "params.yaml").write_text(before)
    assert "explain: code chatkit/plots/edits.py" in run(finished, "chatkit", "why", "explain")
    assert "explain: code chatkit/plots/edits.py" not in run(finished, "chatkit", "why", "train")
    run(finished, "git", "checkout", "-q", "fingerprints")
    assert "explain: code, see fingerprints/explain.json" in run(finished, "chatkit", "why"), "what ran is nowhere now"
    run(finished, "dvc", "repro")
    assert status(finished) == []
    assert run(finished, "git", "diff", "--stat", "--", "metrics", "fingerprints") == ""


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


def test_no_word_of_a_chat_is_in_what_git_keeps(finished):
    """Of the files that stages write into git: no id, name, address or word that chats have and chatkit itself has not."""
    word, chats = re.compile(r"[^\W\d]\w{3,}"), pd.read_parquet(finished / "data" / "chats.parquet")
    columns = ["id", "conversation_id", "customer_id", "subject", "body"]
    said = set(word.findall(" ".join(chats[columns].fillna("").to_numpy().ravel()).lower()))
    ours = [*(ROOT / "chatkit").rglob("*.py"), *(ROOT / "notebooks").glob("*.ipynb"), *ROOT.glob("*.yaml")]
    said -= set(word.findall(" ".join(file.read_text() for file in ours).lower()))
    assert len(said) > 4000
    kept = [*(finished / "metrics").glob("*.json"), finished / "data" / "chats.json"]
    assert len(kept) == 5
    assert {file.name: said & set(word.findall(file.read_text().lower())) for file in kept} == {
        file.name: set() for file in kept
    }


def test_the_model_works_outside_the_project(finished, tmp_path):
    """`chatkit predict` with the model that the stages made."""
    (tmp_path / "new.csv").write_text("subject,body\nLost card,I lost my card please block it now\n")
    out = run(tmp_path, "chatkit", "predict", "new.csv", "--model", str(finished / "models" / "chats"))
    assert re.fullmatch(r"id,category,probability\n1,urgent,0\.\d{6}\n", out)
    run(finished, "chatkit", "verify")


def test_dvc_knows_metrics_plots_and_artifacts(finished):
    """What dvc.yaml declares is there: `dvc metrics show`, `dvc plots show`, the artifact's path."""
    assert "macro_f1" in run(finished, "dvc", "metrics", "show")
    run(finished.parent, "git", "clone", "-q", str(finished), "clone")
    assert "macro_f1" in run(finished.parent / "clone", "dvc", "metrics", "show"), "git has them: no cache is needed"
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
        ("notebooks/split.ipynb", ["fingerprint", "split"]),
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


def test_another_classifier_goes_all_the_way(finished):
    """Rules have neither words nor probabilities: every page is made all the same."""
    before, lock = edit(finished, "train", classifier="rules"), (finished / "dvc.lock").read_text()
    try:
        run(finished, "dvc", "repro")
        assert "model (rules)" in run(finished, "chatkit", "scores")
        run(finished, "chatkit", "verify")
    finally:
        (finished / "params.yaml").write_text(before)
        (finished / "dvc.lock").write_text(lock)
        run(finished, "dvc", "checkout")
        run(finished, "git", "checkout", "metrics")
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
    assert "to bring back the last good outputs: `dvc checkout`." in printed
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
    assert "The checks signal failed; correct what they found" in printed.replace("\n", " ")
    overview = (finished / "reports" / "index.html").read_text()
    assert 'href="overfitting.failed.html"' in overview
    assert 'href="overfitting.html"' not in overview, "DVC has removed it"
    assert '<li class="check fail">' in overview, "the checks shown are those of this run"
    assert "last good outputs: `dvc checkout` and `git checkout -- metrics/overfitting.json`." in printed
    # What the page had written before it stopped is no output of a finished stage.
    run(finished, "dvc", "checkout", "--force")
    run(finished, "git", "checkout", "--", "metrics/overfitting.json")
    page = finished / "reports" / "overfitting.failed.html"
    assert "The predictions say more than chance: fail" in page.read_text(), "what the sentence tells to read is there"
    page.unlink()
    (finished / "reports" / "overfitting.failed.ipynb").unlink()
    assert run(finished, "dvc", "status") == "Data and pipelines are up to date.\n"


def test_the_notebooks_run_by_hand(finished, tmp_path):
    """As in JupyterLab: top to bottom, with today's parameters, from the folder of the notebooks or from the root.

    One after the other in one kernel, each with nothing of what the one before has named, on the chats of some months.
    They write into scratch/, and what the pipeline made stays as it was.
    """
    folder = tmp_path / "bank"
    shutil.copytree(finished, folder, symlinks=True, ignore=shutil.ignore_patterns(".git", "cache"))
    edit(folder, "query", as_of="2024-07-01")

    def written():
        made = (file for name in ("data", "metrics", "models") for file in (folder / name).rglob("*"))
        return {file: file.stat().st_mtime_ns for file in made if file.is_file()}

    before = written()
    by_stage = {stage: nbformat.read(folder / "notebooks" / f"{stage}.ipynb", as_version=4).cells for stage in STAGES}
    cells = [cell for stage in STAGES for cell in (new_code_cell("%reset -f"), *by_stage[stage])]
    for start, these in (("notebooks", cells), (".", by_stage["evaluate"])):
        notebook = new_notebook(cells=these, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
        nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(folder / start)}}).execute()
        counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
        assert counts == list(range(1, len(counts) + 1))
    assert written() == before
    made = [name for stage in STAGES for name in outputs(read_yaml(folder / "dvc.yaml")["stages"][stage])]
    assert all((folder / "scratch" / name).exists() for name in made if not name.startswith("reports/"))
    chats, all_chats = (pd.read_parquet(place / "data/chats.parquet") for place in (folder / "scratch", finished))
    assert 100 < len(chats) < len(all_chats) / 2, "the parameters were today's, and this folder's"


def test_from_an_export_to_every_page_without_an_edit(tmp_path):
    """Jira's, with a component of one issue and none that is urgent: two commands, and no page has the bank's matters."""
    folder = copy_project(tmp_path / "own")
    copy_package(folder)
    run(folder, "git", "init", "-q")
    said = run(folder, "chatkit", "load", str(write_export(tmp_path, "jira.csv", 200)))
    assert "200 chats in 6 categories" in said
    edit(folder, "evaluate", baselines=["rules"])  # for speed alone
    edit(folder, "overfitting", fractions=[1.0])
    edit(folder, "explain", chats=100)
    edit(folder, "triage", days=60, folds=3)
    said = run(folder, "dvc", "repro")
    assert "200 chats used, 0 rows left out" in said
    assert "No category is urgent: categories.urgent of params.yaml is null; name it" in " ".join(said.split())
    pages = {stage: (folder / "reports" / f"{stage}.html").read_text() for stage in STAGES}
    assert "rules.yaml has no rule" in pages["evaluate"]
    assert "does not know the category" not in pages["explain"]
    outputs = json.loads((folder / "metrics" / "triage.json").read_text())
    assert (outputs["thresholds"], outputs["minutes"]) == ({}, {})
    categories = {*json.loads((folder / "models" / "chats" / "features.json").read_text())["classes"]}
    assert "Legacy" in categories
    named = set(pd.read_csv(folder / "metrics" / "predictions.csv")[["actual", "predicted"]].to_numpy().ravel())
    assert named <= categories
