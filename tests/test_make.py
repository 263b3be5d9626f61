"""Which Python `make` takes."""

import shutil
import subprocess

import pytest

from tests.conftest import ROOT

RUNS, SHIM = "#!/bin/sh\nexit 0\n", "#!/bin/sh\necho pyenv: command not found >&2\nexit 127\n"
MAKE = shutil.which("make")


@pytest.fixture
def machine(tmp_path):
    """A project without an environment, on a machine that has the given Pythons and little else."""

    def run(pythons, *arguments):
        programs = tmp_path / "bin"
        programs.mkdir()
        for name in ("sh", "test", "echo"):
            (programs / name).symlink_to(shutil.which(name))
        for name, script in pythons.items():
            (programs / name).write_text(script)
            (programs / name).chmod(0o755)
        for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, tmp_path)
        command = [MAKE, "--no-print-directory", "--eval", "which: ; @echo $(PYTHON)", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={"PATH": str(programs)}, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize(
    ("pythons", "taken"),
    [
        ({"python3.11": RUNS, "python3.12": RUNS, "python3.13": RUNS}, "python3.11"),
        ({"python3.12": RUNS}, "python3.12"),
        ({"python3.11": SHIM, "python3.12": SHIM, "python3.13": RUNS}, "python3.13"),
        ({"python3.14": RUNS}, ""),
    ],
    ids=["all", "one", "shims", "none"],
)
def test_the_first_python_that_runs_is_taken(machine, pythons, taken):
    """3.11 where there is one; a name of pyenv's that runs nothing is none."""
    assert machine(pythons, "which").stdout.strip() == taken


def test_a_python_that_is_named_is_taken(machine):
    """Whatever else there is."""
    assert machine({"python3.11": RUNS}, "which", "PYTHON=/opt/python").stdout.strip() == "/opt/python"


@pytest.mark.parametrize("goal", ["repro", "test", "lint"])
def test_without_a_python_there_is_one_sentence(machine, goal):
    """What was found, what is expected, what to do; before anything is installed."""
    done = machine({"python3.11": SHIM}, goal)
    assert done.returncode
    assert done.stderr.splitlines()[0] == (
        "Got no Python 3.11, 3.12 or 3.13 with venv on the PATH, expected one; install it, or name it: make "
        "PYTHON=/path/to/python"
    )
