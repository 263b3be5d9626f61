"""Run a commit again, somewhere else, and compare what comes out, byte for byte."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from chatkit.project import InputError, root
from chatkit.provenance import processor
from chatkit.provenance.difference import first_difference

# What one person's machine may have and another's has not: a folder, and environment variables.
VARIATIONS = {
    "a": {"PYTHONHASHSEED": "1", "TZ": "UTC", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"},
    "a-much-longer-name/with a space": {
        "PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "OMP_NUM_THREADS": "4",
    },
    "third": {"PYTHONHASHSEED": "42", "TZ": "America/St_Johns", "LANG": "de_DE.UTF-8", "OMP_NUM_THREADS": "2"},
}  # fmt: skip


@dataclass(frozen=True)
class Variation:
    """What is special to a run.

    Parameters
    ----------
    environment : dict of str to str
        Variables on top of today's.
    imitation : chatkit.provenance.processor.Imitation, optional
        The processor that it is to see in place of this one.
    """

    environment: dict
    imitation: processor.Imitation | None = None

    def __str__(self):
        said = ", ".join(f"{key}={value}" for key, value in self.environment.items())
        return f"{said}; {self.imitation.name if self.imitation else 'the processor as it is'}"


def variations():
    """List the runs that must not differ: as this machine is, without its vector units, and with only the lowest.

    Returns
    -------
    dict of str to Variation
        By the name of the run's folder.

    Raises
    ------
    InputError
        As `chatkit.provenance.processor.imitations`.
    """
    processors = [None, *processor.imitations()]
    return {
        name: Variation(environment, imitation)
        for (name, environment), imitation in zip(VARIATIONS.items(), processors, strict=False)
    }


def locked_outputs(lock):
    """Read the hashes of all outputs from a dvc.lock.

    Parameters
    ----------
    lock : str
        Its text.

    Returns
    -------
    dict of str to str
        DVC's MD5 by path.

    Raises
    ------
    InputError
        When it is no dvc.lock.
    """
    return {out["path"]: out["md5"] for stage in locked_stages(lock).values() for out in stage.get("outs", [])}


def locked_stages(lock):
    """Read the stages of a dvc.lock.

    Parameters
    ----------
    lock : str
        Its text.

    Returns
    -------
    dict of str to dict

    Raises
    ------
    InputError
        When it is no dvc.lock.
    """
    try:
        return YAML(typ="safe", pure=True).load(lock)["stages"]
    except (YAMLError, KeyError, TypeError):
        raise InputError("dvc.lock is damaged; restore it with `git checkout -- dvc.lock`.") from None


def run_again(source, revision, folder, variation, stage=None):
    """Clone a commit and run its pipeline with its own code, cache and home.

    Parameters
    ----------
    source : pathlib.Path
        Repository to clone; its local warehouse comes along, or one is simulated when it has none.
    revision : str
        Commit.
    folder : pathlib.Path
        Where to, must not exist.
    variation : Variation
    stage : str, optional
        Last stage to run; by default all of them.

    Returns
    -------
    dict of str to str
        `locked_outputs` of the run.

    Raises
    ------
    InputError
        When a command fails, with the last lines that it printed; when the processor cannot be imitated.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    home = folder.parent / f"{folder.name} home"
    home.mkdir()
    run(["git", "clone", "-q", "--no-hardlinks", str(source), str(folder)])
    run(["git", "checkout", "-q", revision], folder)
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder),  # before the installed chatkit: the commit's own code
        "HOME": str(home),
        **variation.environment,
    }
    if variation.imitation:
        environment |= variation.imitation.environment
        processor.check(variation.imitation, environment, folder)
    # A cache that this person shares with others would hand over the results instead of making them again.
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
        Folder and `locked_outputs` of each.

    Returns
    -------
    list of (str, str, str or None)
        Output, its MD5 in the first run, and which run differs where, the first such one; or None.
    """
    (one, first), *others = runs.items()
    rows = []
    for path in sorted(set().union(*runs.values())):
        found = None
        for number, (other, outputs) in enumerate(others, start=2):
            if outputs.get(path) != first.get(path):
                place = first_difference(one / path, other / path) or "other hash, same content"
                found = f"run {number}: {place}"
                break
        rows.append((path, first.get(path, "-"), found))
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
        for number, variation in enumerate(varied.values(), start=1):
            print(f"run {number} of {len(varied)}: {variation}", flush=True)
        with ThreadPoolExecutor(min(len(varied), os.cpu_count() or 1)) as side_by_side:
            begun = {
                Path(folder) / name: side_by_side.submit(run_again, project, revision, Path(folder) / name, variation)
                for name, variation in varied.items()
            }
            runs = {where: started.result() for where, started in begun.items()}
        rows = compare_runs(runs)
    width = max(len(path) for path, *_ in rows)
    for path, md5, found in rows:
        print(f"{path:{width}}  {md5[:12]:12}  {'same' if found is None else f'DIFFERENT: {found}'}")
    different = sum(found is not None for *_, found in rows)
    same = f"{len(rows) - different} of {len(rows)} outputs are the same bytes"
    print(f"{same} in all {len(runs)} runs of {revision[:12]}.")
    committed = locked_outputs(run(["git", "show", f"{revision}:dvc.lock"], project))
    other = [path for path, md5, _ in rows if committed.get(path) != md5]
    if other:
        print(f"NOT AS COMMITTED: dvc.lock has another hash for {', '.join(other)}.")
        units = processor.seen()
        print(f"This machine: {', '.join([*units['numpy'], *sorted({kernel for _, kernel in units['blas']})])}")
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
        Commit to make it from; by default the one whose dvc.lock has the hash of this folder.

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
    digest = output_md5(model)
    if revision is None:
        # Deletions aside: such a commit has no dvc.lock to look into.
        commits = run(["git", "log", "--all", "--diff-filter=AM", "--format=%H", "--", "dvc.lock"], project).split()
        revision = next((c for c in commits if digest in run(["git", "show", f"{c}:dvc.lock"], project)), None)
        if revision is None:
            raise InputError(
                f"No commit's dvc.lock names the model in {model} ({digest}); was it made with uncommitted changes? "
                "Name one with --rev, or fetch the whole history if this clone has only its end."
            )
    else:
        revision = _commit(revision, project)
    print(f"{model} is made again from {revision}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chatkit-") as folder:
        again = Path(folder) / "again"
        committed = run(["git", "show", f"{revision}:dvc.lock"], project)
        stage, path = _model_of(committed)
        run_again(project, revision, again, Variation({}), stage)
        found = first_difference(model, again / path)
        warehouse = _warehouse(committed) == _warehouse((again / "dvc.lock").read_text(encoding="utf-8"))
    print("The same bytes came out." if found is None else f"Other bytes came out: {found}")
    if found and not warehouse:
        print("data/warehouse is not the one that this commit was made from; the chats are others.")
    return found is None


def _commit(revision, project):
    """Full name of a commit."""
    try:
        return run(
            ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"], project
        ).strip()
    except InputError:
        raise InputError(f"Got --rev {revision!r}, which is no commit here; name one of `git log`.") from None


def _model_of(lock):
    """Stage and path of the model that a dvc.lock names."""
    for stage, locked in locked_stages(lock).items():
        for out in locked.get("outs", []):
            if out["path"].startswith("models/"):
                return stage, out["path"]
    raise InputError("The commit's dvc.lock names no output in models/, expected one; name another commit with --rev.")


def _warehouse(lock):
    """Hash of the warehouse that a dvc.lock names, None when it is a server."""
    deps = (dep for stage in locked_stages(lock).values() for dep in stage.get("deps", []))
    return next((dep["md5"] for dep in deps if dep["path"] == "data/warehouse"), None)


def output_md5(output):
    """Compute DVC's hash of an output.

    Parameters
    ----------
    output : pathlib.Path

    Returns
    -------
    str or None
        None if missing; of a folder, the MD5 over the list of its files and their MD5.
    """
    if not output.is_dir():
        return hashlib.md5(output.read_bytes()).hexdigest() if output.is_file() else None  # noqa: S324 - DVC's own
    listed = [
        {"md5": output_md5(file), "relpath": file.relative_to(output).as_posix()}
        for file in sorted(output.rglob("*"))
        if file.is_file()
    ]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"  # noqa: S324 - DVC's own


def run(command, folder=None, environment=None):
    """Run a command.

    Parameters
    ----------
    command : list of str
    folder : path-like, optional
        Where, by default here.
    environment : dict of str to str, optional
        By default this process's.

    Returns
    -------
    str
        What it printed.

    Raises
    ------
    InputError
        When it fails, with the last lines that it printed.
    """
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = " / ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise InputError(f"`{' '.join(map(str, command))}` failed in {folder or Path.cwd()}: {last}")
    return done.stdout
