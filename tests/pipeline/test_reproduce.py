"""The same commit gives the same bytes; and where it does not, the comparison sees it."""

import dataclasses
import os
import platform
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from ruamel.yaml import YAML
from threadpoolctl import threadpool_info

from benchmarks import processor
from benchmarks.processor import check, imitations
from benchmarks.reproducible import compare_runs, run_varied, variations
from chatkit.project import InputError
from chatkit.provenance.reproduce import reproduce_model
from chatkit.provenance.revision import Revision
from chatkit.provenance.why import why
from tests.conftest import ROOT

# One fault a stage: each makes a notebook, or a file beside it, differ between two honest runs.
PLANTS = {
    "timestamp": "import time\nprint(f'made at {time.time_ns()}')",
    "unseeded": "import numpy as np\nprint(np.random.default_rng().normal())",
    # Enough text and classes that XGBoost's sums come out otherwise with a second thread.
    "threads": """
import os
threads = 1 + ('longer' in os.getcwd())
os.environ['OMP_NUM_THREADS'] = str(threads)  # the engine pins it to 1, which alone keeps XGBoost to one thread
import numpy as np
import xgboost
from chatkit import make_pipeline
from chatkit.data.simulate import simulate
chats, truth = simulate(4000)
X = make_pipeline()[:-1].fit_transform(chats[['subject', 'body']])
y = np.unique(truth['true_intent'], return_inverse=True)[1]
rows = xgboost.QuantileDMatrix(X, y, nthread=threads)
settings = {'nthread': threads, 'objective': 'multi:softprob', 'num_class': int(y.max()) + 1}
model = xgboost.train(settings, rows, 2)
os.makedirs('models', exist_ok=True)
model.save_model('models/threads.ubj')""",
    "path": "import os\n_ = open('data/path.csv', 'w').write(os.path.abspath('data'))",
    "unsorted": "import os\nos.makedirs('metrics', exist_ok=True)\n"
    "import json, subprocess, sys\n"
    'code = \'print(list({"a", "b", "c", "d", "e", "f", "g", "h"}))\'\n'
    "out = subprocess.run([sys.executable, '-R', '-c', code], capture_output=True, text=True,\n"
    "                     env={k: v for k, v in os.environ.items() if k != 'PYTHONHASHSEED'}).stdout\n"
    "json.dump(out, open('metrics/unsorted.json', 'w'))",
    # What a last bit is, numpy decides by the vector units of the processor.
    "vectors": "import numpy as np\nprint(np.exp(np.linspace(-9, 9, 9999, dtype='f4')).view('i4').sum(),\n"
    "      np.exp(np.linspace(-9, 9, 9999)).view('i8').sum())",
    "clean": "import numpy as np\nprint(np.random.default_rng(0).normal(), {'b', 'a', 'c'})",
}
FILES = {"threads": "models/threads.ubj", "path": "data/path.csv", "unsorted": "metrics/unsorted.json"}
IMITATIONS = imitations() if platform.machine() == "x86_64" else []
vector_units = pytest.mark.skipif(
    not (IMITATIONS and IMITATIONS[0].environment["NPY_DISABLE_CPU_FEATURES"]),
    reason="this processor has no vector units that could be turned off",
)
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A committed project in which each stage has one fault, and the last has none."""
    folder = tmp_path_factory.mktemp("planted") / "source"
    (folder / "notebooks").mkdir(parents=True)
    stages = {}
    for name, code in PLANTS.items():
        parameters = f'from chatkit.project import parameters\n\np = parameters("{name}")\nsize = p["size"]  # any'
        cells = [
            new_markdown_cell(f"# {name}"),
            new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            new_code_cell(code),
        ]
        kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
        nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "notebooks" / f"{name}.ipynb")
        outs = [f"reports/{name}.ipynb", f"reports/{name}.html", *([FILES[name]] if name in FILES else [])]
        stages[name] = {"cmd": f"chatkit run {name}", "params": [name], "outs": outs}
    yaml = YAML()
    yaml.dump({"stages": stages}, folder / "dvc.yaml")
    yaml.dump({name: {"size": 1} for name in PLANTS}, folder / "params.yaml")
    (folder / ".gitignore").write_text("/reports\n/models\n/metrics\n/data/*.csv\n/data/warehouse\n")
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    (folder / "data" / "warehouse").mkdir(parents=True)
    (folder / "data" / "warehouse" / "chats.sqlite").write_bytes(b"none is read")
    (folder / "chatkit").symlink_to(ROOT / "chatkit")
    subprocess.run([*GIT, "init", "-q"], cwd=folder, check=True)
    subprocess.run([*GIT, "add", "-A"], cwd=folder, check=True)
    subprocess.run([*GIT, "commit", "-qm", "planted"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def compared(planted, tmp_path_factory):
    """Two runs of the planted project, as `make reproducible` makes them, by a person whose projects share a cache."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "settings" / "dvc").mkdir(parents=True)
    (folder / "settings" / "dvc" / "config").write_text(f"[cache]\n    dir = {folder / 'shared'}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "settings"))
        runs = [
            run_varied(planted, "HEAD", folder / name, *variation) for name, variation in [*variations().items()][:2]
        ]
    assert not (folder / "shared").exists()
    return {path: found for path, _, found in compare_runs(*runs)}


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("reports/timestamp.ipynb", "cell 3, outputs/0/text/0: 'made at "),
        ("reports/timestamp.html", "line "),
        ("reports/unseeded.ipynb", "cell 3, outputs/0/text/0: "),
        ("models/threads.ubj", "byte "),
        ("data/path.csv", "line 1: "),
        ("metrics/unsorted.json", ": "),
    ],
)
def test_each_planted_difference_is_found(compared, output, said):
    """A time in a cell, an unseeded number, a second thread, a path, the order of a set: between the first two runs."""
    assert compared[output].startswith("run 2: ")
    assert said in compared[output]


def test_each_run_is_compared_with_the_first(tmp_path):
    """A third run that alone differs is named."""
    runs = []
    for name, text, digest in (("a", "1", "one"), ("b", "1", "one"), ("c", "2", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.csv").write_text(text)
        YAML().dump({"stages": {"x": {"outs": [{"path": "x.csv", "md5": digest}]}}}, tmp_path / name / "dvc.lock")
        runs.append(Revision(name, None, tmp_path / name))
    assert compare_runs(*runs) == [("x.csv", "one", "run 3: line 1: '1' and '2'")]


@vector_units
def test_a_number_that_vector_units_decide_is_found(compared):
    """The kernel of the second run computes without them."""
    assert "cell 3, outputs/0/text/0: " in compared["reports/vectors.ipynb"]


@pytest.mark.parametrize("imitation", IMITATIONS, ids=lambda imitation: imitation.name)
def test_an_imitation_takes_effect_on_all_that_chooses(imitation):
    """numpy's levels as its own table names them, both copies of OpenBLAS, the C library, Arrow, numba."""
    environment = os.environ | imitation.environment
    check(imitation, environment)
    found = processor._detect_in(environment)
    assert not set(found["numpy"].split()) & set(imitation.environment["NPY_DISABLE_CPU_FEATURES"].split())
    assert found["OpenBLAS"] == imitation.environment["OPENBLAS_CORETYPE"]
    assert [library["user_api"] for library in threadpool_info()].count("blas") == 2, "of numpy and of scipy"


@vector_units
@pytest.mark.parametrize(
    ("renamed", "said"),
    [
        ("NPY_DISABLE_CPU_FEATURES", "numpy computes as on "),
        ("OPENBLAS_CORETYPE", "OpenBLAS computes as on .*, not as on Nehalem"),
        ("GLIBC_TUNABLES", "the C library computes as before"),
        ("ARROW_USER_SIMD_LEVEL", "Arrow computes as on "),
        ("NUMBA_CPU_NAME", "numba computes as on "),
        ("NUMBA_CPU_FEATURES", "numba computes as on nehalem with its own features"),
    ],
)
def test_a_variable_without_effect_stops_the_run(renamed, said):
    """One that a package renamed shows nothing, and so is no success."""
    imitation = IMITATIONS[0]
    environment = os.environ | imitation.environment
    environment[f"FORMER_{renamed}"] = environment.pop(renamed)
    with pytest.raises(InputError, match=f"no vector units, but .*{said}"):
        check(imitation, environment)


@vector_units
def test_a_level_that_numpy_does_not_know_is_no_level(planted, tmp_path):
    """The names of numpy before 2.4, of which 2.4 only warns: the run stops before its first stage."""
    environment = IMITATIONS[0].environment
    former = dataclasses.replace(
        IMITATIONS[0], environment=environment | {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F"}
    )
    level = environment["NPY_DISABLE_CPU_FEATURES"].split()[0]
    with pytest.raises(InputError, match=f"but numpy computes as on {level}"):
        run_varied(planted, "HEAD", tmp_path / "run", {}, former)
    assert not (tmp_path / "run" / "dvc.lock").exists()


def test_another_kind_of_processor_is_no_success(monkeypatch):
    """Vector units are turned off on x86-64 only; elsewhere nothing is shown of them."""
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(InputError, match="Got a processor of the kind aarch64, expected x86-64"):
        variations()


@pytest.mark.parametrize("output", ["reports/clean.ipynb", "reports/clean.html", "reports/path.ipynb"])
def test_what_is_clean_is_the_same(compared, output):
    """Seeded numbers and a set's order in the kernel are the same in both runs."""
    assert compared[output] is None


def test_a_model_is_found_in_history_and_made_again(planted, tmp_path, monkeypatch, capsys):
    """The commit is the one whose dvc.lock has the folder's hash; other bytes are told from the same."""
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", str(planted), str(source)], check=True)
    shutil.copytree(planted / "data" / "warehouse", source / "data" / "warehouse")
    parameters = 'from chatkit.project import parameters\n\np = parameters("clean")\nsize = p["size"]  # any'
    code = "import os\nos.makedirs('models/m', exist_ok=True)\n_ = open('models/m/manifest.json', 'w').write(str(size))"
    cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]}), new_code_cell(code)]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), source / "notebooks" / "clean.ipynb")
    stage = {"cmd": "chatkit run clean", "params": ["clean"], "outs": ["models/m"]}
    YAML().dump({"stages": {"clean": stage}}, source / "dvc.yaml")
    monkeypatch.chdir(source)
    monkeypatch.setenv("PATH", f"{sys.exec_prefix}/bin", prepend=":")
    subprocess.run(["dvc", "repro", "-q"], check=True)
    subprocess.run([*GIT, "add", "-A"], check=True)
    subprocess.run([*GIT, "commit", "-qm", "model"], check=True)
    subprocess.run([*GIT, "commit", "-q", "--allow-empty", "-m", "later"], check=True)
    assert reproduce_model(source / "models" / "m")
    assert "The same bytes came out." in capsys.readouterr().out
    (source / "models" / "m" / "manifest.json").write_text("2")
    with pytest.raises(InputError, match=r"No commit's dvc\.lock names the model"):
        reproduce_model(source / "models" / "m")
    assert not reproduce_model(source / "models" / "m", "HEAD")
    assert "Other bytes came out: manifest.json: " in capsys.readouterr().out


def test_a_folder_that_is_no_model_is_refused(project):
    """Before anything is cloned."""
    with pytest.raises(InputError, match=r"is no model: manifest\.json is missing"):
        reproduce_model(project / "data")


@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # DVC's own
def test_why_names_parameter_file_and_stage(planted, monkeypatch):
    """Old and new value, one line a cause; a stage that never ran says so."""
    monkeypatch.chdir(planted)
    monkeypatch.setenv("PATH", f"{sys.exec_prefix}/bin", prepend=":")
    assert why("clean") == ["clean: it has never run, dvc.lock has no entry"]
    subprocess.run(["dvc", "repro", "-q", "clean"], check=True)
    assert why("clean") == []
    (planted / "params.yaml").write_text(
        (planted / "params.yaml").read_text().replace("clean:\n  size: 1", 'clean:\n  size: "1"')
    )
    (planted / "reports" / "clean.html").write_text("changed by hand")
    causes = why("clean")
    assert 'clean: parameter clean.size 1 → "1"' in causes
    assert [cause for cause in causes if re.match("clean: output reports/clean.html [0-9a-f]{8} → [0-9a-f]{8}$", cause)]
    shutil.rmtree(planted / "reports")
    monkeypatch.chdir(planted / "notebooks")
    assert [cause for cause in why("clean") if cause.endswith(" → not there")]
    with pytest.raises(InputError, match="no stage 'clear'"):
        why("clear")


def test_a_killed_run_recovers():
    """SIGKILL before the model is there, then `dvc repro`: the same dvc.lock, nothing half-written.

    `make kills` tries twenty moments of the whole pipeline.
    """
    command = [sys.executable, str(ROOT / "benchmarks" / "kills.py"), "train"]
    options = ["--kills", "1", "--chats", "800", "--seed", "5"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 runs recovered to the same dvc.lock" in done.stdout
