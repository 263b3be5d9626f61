"""Run a commit again, somewhere else, and compare what comes out, byte for byte."""

import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chatkit.project import InputError, root
from chatkit.provenance import processor
from chatkit.provenance.difference import first_difference
from chatkit.provenance.git import committed, dvc_repository, find_commit, run
from chatkit.provenance.lock import locked_hashes, locked_outputs, locked_stages, output_md5

# What differs between machines and must not change a result: the folder, and environment variables.
VARIATIONS = {
    "a": {"PYTHONHASHSEED": "1", "TZ": "UTC", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
    "a-much-longer-name/with a space": {
        "PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "OMP_NUM_THREADS": "4",
    },
    "third": {"PYTHONHASHSEED": "42", "TZ": "America/St_Johns", "LANG": "de_DE.UTF-8", "OMP_NUM_THREADS": "2"},
}  # fmt: skip


def variations():
    """List the runs to compare: on this processor, without its vector units, and with only the lowest level.

    Returns
    -------
    dict of str to (dict of str to str, Imitation or None)
        By the name of the run's folder: variables on top of today's, and the processor to imitate.

    Raises
    ------
    InputError
        As `chatkit.provenance.processor.imitations`.
    """
    processors = [None, *processor.imitations()]
    return {
        name: (variables, imitation)
        for (name, variables), imitation in zip(VARIATIONS.items(), processors, strict=False)
    }


def run_again(source, revision, folder, variables=None, imitation=None, stage=None):
    """Clone a commit and run its pipeline with its own code, cache and home.

    Parameters
    ----------
    source : pathlib.Path
        Repository to clone; its local warehouse comes along, or one is simulated when it has none.
    revision : str
        Commit.
    folder : pathlib.Path
        Where to, must not exist.
    variables : dict of str to str, optional
        Environment variables on top of today's.
    imitation : chatkit.provenance.processor.Imitation, optional
        Of an older processor.
    stage : str, optional
        Last stage to run; by default all of them.

    Returns
    -------
    dict of str to str
        DVC's MD5 of each output, by path.

    Raises
    ------
    InputError
        When a command fails, with the last lines that it printed; when the processor cannot be imitated.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    home = folder.parent / f"{folder.name} home"
    home.mkdir()
    run(["git", "clone", "-q", "--no-hardlinks", "--no-checkout", str(source), str(folder)])
    # A clone has branches and tags; the commit may belong to a DVC experiment.
    run(["git", "fetch", "-q", "origin", revision], folder)
    run(["git", "checkout", "-q", "--detach", "FETCH_HEAD"], folder)
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder),  # before the installed chatkit: the commit's own code
        "HOME": str(home),
        **(variables or {}),
    }
    if imitation:
        environment |= imitation.environment
        processor.check(imitation, environment, folder)
    # With a cache shared between projects DVC would restore the results instead of making them again.
    run(["dvc", "config", "--local", "cache.dir", str(folder / ".dvc" / "cache")], folder, environment)
    warehouse = source / "data" / "warehouse"
    if any(warehouse.glob("*.sqlite")):
        shutil.copytree(warehouse, folder / "data" / "warehouse", dirs_exist_ok=True)
    else:
        run(["chatkit", "simulate"], folder, environment)
    run(["dvc", "repro", *([stage] if stage else [])], folder, environment)
    return locked_outputs((folder / "dvc.lock").read_text(encoding="utf-8"))


def compare_runs(runs):
    """Compare the outputs of runs with those of the first.

    Parameters
    ----------
    runs : dict of pathlib.Path to dict
        Folder and MD5s of each, from `run_again`.

    Returns
    -------
    list of (str, str, str or None)
        Output, its MD5 in the first run, and which run differs where, the first such one; or None.
    """
    (first_folder, first), *others = runs.items()
    rows = []
    for path in sorted(set().union(*runs.values())):
        difference = None
        for number, (folder, outputs) in enumerate(others, start=2):
            if outputs.get(path) != first.get(path):
                where = first_difference(first_folder / path, folder / path) or "other hash, same content"
                difference = f"run {number}: {where}"
                break
        rows.append((path, first.get(path, "-"), difference))
    return rows


def reproducible(project=None):
    """Run the current commit in clones that differ in all that should not matter, and compare.

    Prints a table: output, hash, same or the first difference; then whether the committed dvc.lock says the same.

    Parameters
    ----------
    project : pathlib.Path, optional
        Repository, by default the current one.

    Returns
    -------
    bool
        Whether all runs gave the same bytes. A difference from dvc.lock is printed and does not count: it may have
        been made elsewhere.

    Raises
    ------
    InputError
        When the project is no git repository, a run fails, or the vector units cannot be turned off.
    """
    project, varied = project or root(), variations()
    revision = run(["git", "rev-parse", "HEAD"], project).strip()
    if run(["git", "status", "--porcelain"], project):
        print(f"What is not committed is left out: the runs are of {revision[:12]}.")
    with tempfile.TemporaryDirectory(prefix="chatkit-") as folder:
        for number, (variables, imitation) in enumerate(varied.values(), start=1):
            environment = ", ".join(f"{name}={value}" for name, value in variables.items())
            used = imitation.name if imitation else "the processor as it is"
            print(f"run {number} of {len(varied)}: {environment}; {used}", flush=True)
        with ThreadPoolExecutor(min(len(varied), os.cpu_count() or 1)) as pool:
            futures = {
                Path(folder) / name: pool.submit(run_again, project, revision, Path(folder) / name, *variation)
                for name, variation in varied.items()
            }
            runs = {clone: future.result() for clone, future in futures.items()}
        rows = compare_runs(runs)
    width = max(len(path) for path, *_ in rows)
    for path, md5, difference in rows:
        print(f"{path:{width}}  {md5[:12]:12}  {f'DIFFERENT: {difference}' if difference else 'same'}")
    different = sum(difference is not None for *_, difference in rows)
    same = f"{len(rows) - different} of {len(rows)} outputs are the same bytes"
    print(f"{same} in all {len(runs)} runs of {revision[:12]}.")
    before = locked_outputs(committed(project, "dvc.lock", revision) or "")
    not_as_committed = [path for path, md5, _ in rows if before.get(path) != md5]
    if not_as_committed:
        print(f"NOT AS COMMITTED: dvc.lock has another hash for {', '.join(not_as_committed)}.")
        units = processor.detect()
        print(f"This machine: numpy with {units['numpy'] or 'no vector units'}, OpenBLAS for {units['OpenBLAS']}.")
    else:
        print("They are the bytes that the committed dvc.lock names.")
    return different == 0


def reproduce_model(model, revision=None):
    """Make a model again from the commit that it belongs to, and compare the bytes.

    Parameters
    ----------
    model : pathlib.Path
        Folder of the model, inside a git repository whose history has the dvc.lock that names it.
    revision : str, optional
        Commit or DVC experiment to make it from; by default the commit whose dvc.lock has the hash of this folder.

    Returns
    -------
    bool
        Whether the same bytes came out.

    Raises
    ------
    InputError
        When the folder is no model, no commit names it, or the run fails.
    """
    project, model = root(), model.resolve()
    if not (model / "manifest.json").is_file():
        raise InputError(f"{model} is no model: manifest.json is missing; name a folder that `dvc repro` made.")
    if revision is None:
        digest = output_md5(model)
        commits = run(["git", "log", "--all", "--format=%H", "--", "dvc.lock"], project).split()
        revision = next((c for c in commits if digest in (committed(project, "dvc.lock", c) or "")), None)
        if revision is None:
            raise InputError(
                f"No commit's dvc.lock names the model in {model} ({digest}); was it made with uncommitted changes? "
                "Name one with --rev, or fetch the whole history if this clone has only its end."
            )
    else:
        with dvc_repository(project) as repository:
            revision = find_commit(repository, revision)
    stages = locked_stages(committed(project, "dvc.lock", revision) or "", f"dvc.lock of {revision[:12]}")
    made_by = {path: stage for stage, locked in stages.items() for path in locked_hashes([locked], "outs")}
    path = next((path for path in made_by if path.startswith("models/")), None)
    if path is None:
        raise InputError(
            f"dvc.lock of {revision[:12]} names no output in models/, expected one; name another commit with --rev."
        )
    print(f"{model} is made again from {revision}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chatkit-") as folder:
        again = Path(folder) / "again"
        run_again(project, revision, again, stage=made_by[path])
        difference = first_difference(model, again / path)
        stages_again = locked_stages((again / "dvc.lock").read_text(encoding="utf-8"))
    print("The same bytes came out." if difference is None else f"Other bytes came out: {difference}")
    before, now = (locked_hashes(lock.values(), "deps").get("data/warehouse") for lock in (stages, stages_again))
    if difference and before != now:
        print("data/warehouse is not the one that this commit was made from; the chats are others.")
    return difference is None
