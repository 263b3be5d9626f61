"""Kill `dvc repro` at random moments, let it run again, and compare dvc.lock with that of an undisturbed run.

    python benchmarks/kills.py [--kills 20] [--chats 1500] [--seed 0] [LAST STAGE]

Everything happens in a temporary clone of the current commit, with fewer baselines and a shorter learning curve, so that
the kills spread over all stages. Before each kill outputs, lock and cache are removed, so that the whole pipeline has to
run. SIGKILL goes to DVC and all that it started.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
OUTPUTS = ("models", "metrics", "reports", "dvc.lock", ".dvc/cache", "data/chats.parquet", "data/chats.json")


def shorten(project):
    """Make the two longest stages about as long as the others."""
    yaml = YAML()
    parameters = yaml.load(project / "params.yaml")
    parameters["evaluate"]["baselines"] = ["dummy", "rules"]
    parameters["overfitting"] |= {"fractions": [0.3, 1.0], "folds": 2}
    yaml.dump(parameters, project / "params.yaml")


def forget(project):
    """Remove everything that a run leaves."""
    for name in OUTPUTS:
        path = project / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def main():
    """Run the trials; exit code 1 when one does not recover."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", nargs="*", help="the last stage to run; by default all run")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--chats", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - moments, no secret
    with tempfile.TemporaryDirectory(prefix="chatkit-kills-") as folder:
        project = Path(folder) / "project"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(project)], check=True)
        programs = Path(sys.executable).parent
        environment = os.environ | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(project),
        }

        def run(*command):
            subprocess.run(command, cwd=project, env=environment, check=True, stdout=subprocess.DEVNULL)

        run("chatkit", "simulate", "--chats", str(options.chats))
        shorten(project)
        forget(project)
        start = time.monotonic()
        run("dvc", "repro", *options.stage)
        whole = time.monotonic() - start
        expected = (project / "dvc.lock").read_bytes()
        recovered = 0
        for kill in range(options.kills):
            forget(project)
            moment = rng.uniform(0, whole)
            process = subprocess.Popen(
                ["dvc", "repro", *options.stage],
                cwd=project,
                env=environment,
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(moment)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            run("dvc", "repro", *options.stage)
            same = (project / "dvc.lock").read_bytes() == expected
            left = [str(file.relative_to(project)) for file in project.rglob(".*.part")]
            recovered += same and not left
            print(
                f"kill {kill + 1:2} after {moment:5.1f} s: {'recovered' if same else 'ANOTHER dvc.lock'} {left or ''}",
                flush=True,
            )
        print(
            f"{recovered} of {options.kills} runs recovered to the same dvc.lock (an undisturbed run takes {whole:.0f} s)"
        )
    sys.exit(recovered != options.kills)


if __name__ == "__main__":
    main()
