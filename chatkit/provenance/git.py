"""Commits by their names, and the commands that are run for them."""

import contextlib
import subprocess
from pathlib import Path

from chatkit.project import InputError


@contextlib.contextmanager
def dvc_repository(project):
    """Open a project with DVC's own library; what DVC or git refuses is an InputError."""
    # Imported here: it takes 0.4 seconds, and most commands have no need of it.
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        yield Repo(str(project))
    except DvcException as error:
        raise InputError(f"DVC cannot read the project in {project}: {error}.") from None


def find_commit(repository, name):
    """Full hash of the commit that a branch, tag, hash or DVC experiment names."""
    from dvc.scm import RevError, resolve_rev

    try:
        digest = resolve_rev(repository.scm, name or "''")  # DVC resolves an empty name to HEAD
        return resolve_rev(repository.scm, f"{digest}^{{commit}}")  # and also names of folders and files
    except RevError:
        raise InputError(
            f"Got {name!r}, which names no single branch, tag, commit or DVC experiment here; name a commit of "
            "`git log --all` or of `dvc exp show`."
        ) from None


def run(command, folder=None, environment=None):
    """Run a command and return what it printed; InputError with its last lines when it fails."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = " / ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise InputError(f"`{' '.join(map(str, command))}` failed in {folder or Path.cwd()}: {last}")
    return done.stdout
