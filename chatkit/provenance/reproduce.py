"""Run a commit again, somewhere else, and compare what comes out, byte for byte."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from chatkit.project import InputError, root
from chatkit.provenance.difference import first_difference
from chatkit.provenance.git import run
from chatkit.provenance.hashes import locked_hashes, output_md5
from chatkit.provenance.revision import Revision, read_revisions


def run_again(source, revision, folder, variables=None, stage=None):
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
    stage : str, optional
        Last stage to run; by default all of them.

    Returns
    -------
    chatkit.provenance.revision.Revision
        The clone's working tree.

    Raises
    ------
    InputError
        When a command fails, with the last lines that it printed.
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
    # With a cache shared between projects DVC would restore the results instead of making them again.
    run(["dvc", "config", "--local", "cache.dir", str(folder / ".dvc" / "cache")], folder, environment)
    warehouse = source / "data" / "warehouse"
    if any(warehouse.glob("*.sqlite")):
        shutil.copytree(warehouse, folder / "data" / "warehouse", dirs_exist_ok=True)
    else:
        run(["chatkit", "simulate"], folder, environment)
    run(["dvc", "repro", *([stage] if stage else [])], folder, environment)
    return Revision("the run", None, folder)


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
        candidates = (Revision(commit[:12], commit, project) for commit in commits)
        source = next((each for each in candidates if digest.encode() in (each.tracked("dvc.lock") or b"")), None)
        if source is None:
            raise InputError(
                f"No commit's dvc.lock names the model in {model} ({digest}); was it made with uncommitted changes? "
                "Name one with --rev, or fetch the whole history if this clone has only its end."
            )
    else:
        (source,) = read_revisions(project, revision)
    made_by = {path: stage for stage, locked in source.stages.items() for path in locked_hashes([locked], "outs")}
    path = next((path for path in made_by if path.startswith("models/")), None)
    if path is None:
        raise InputError(
            f"dvc.lock of {source.name} names no output in models/, expected one; name another commit with --rev."
        )
    print(f"{model} is made again from {source.commit}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chatkit-") as folder:
        again = run_again(project, source.commit, Path(folder) / "again", stage=made_by[path])
        difference = first_difference(model, again.folder / path)
        before, now = (locked_hashes(side.stages.values(), "deps").get("data/warehouse") for side in (source, again))
    print("The same bytes came out." if difference is None else f"Other bytes came out: {difference}")
    if difference and before != now:
        print("data/warehouse is not the one that this commit was made from; the chats are others.")
    return difference is None
