"""Run the current commit in clones that differ in all that should not matter, and compare the outputs byte for byte.

    python -m benchmarks.reproducible

Prints a table: output, hash, same or the first difference; then whether the committed dvc.lock says the same. Exit code
1 when the runs gave other bytes. A difference from dvc.lock is printed and does not count: it may have been made elsewhere.
"""

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.processor import check, detect, imitations
from chatkit.project import InputError
from chatkit.provenance.difference import first_difference
from chatkit.provenance.git import run
from chatkit.provenance.reproduce import run_again
from chatkit.provenance.revision import Revision

ROOT = Path(__file__).resolve().parents[1]
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
        As `benchmarks.processor.imitations`.
    """
    processors = [None, *imitations()]
    return {
        name: (variables, imitation)
        for (name, variables), imitation in zip(VARIATIONS.items(), processors, strict=False)
    }


def run_varied(source, commit, folder, variables, imitation):
    """Run a commit again as `run_again`, with a variation; InputError when the processor cannot be imitated."""
    if imitation:
        variables = variables | imitation.environment
        check(imitation, os.environ | variables)
    return run_again(source, commit, folder, variables)


def compare_runs(first, *others):
    """Compare the outputs of runs with those of the first.

    Parameters
    ----------
    first, *others : chatkit.provenance.revision.Revision
        From `run_again`.

    Returns
    -------
    list of (str, str, str or None)
        Output, its MD5 in the first run, and which run differs where, the first such one; or None.
    """
    rows = []
    for path in sorted(set(first.outputs).union(*(other.outputs for other in others))):
        difference = None
        for number, other in enumerate(others, start=2):
            if other.outputs.get(path) != first.outputs.get(path):
                where = first_difference(first.folder / path, other.folder / path) or "other hash, same content"
                difference = f"run {number}: {where}"
                break
        rows.append((path, first.outputs.get(path, "-"), difference))
    return rows


def reproducible(project=ROOT):
    """Run the current commit with all variations and print what came out; returns whether all gave the same bytes."""
    varied, commit = variations(), run(["git", "rev-parse", "HEAD"], project).strip()
    if run(["git", "status", "--porcelain"], project):
        print(f"What is not committed is left out: the runs are of {commit[:12]}.")
    with tempfile.TemporaryDirectory(prefix="chatkit-") as folder:
        for number, (variables, imitation) in enumerate(varied.values(), start=1):
            environment = ", ".join(f"{name}={value}" for name, value in variables.items())
            used = imitation.name if imitation else "the processor as it is"
            print(f"run {number} of {len(varied)}: {environment}; {used}", flush=True)
        with ThreadPoolExecutor(min(len(varied), os.cpu_count() or 1)) as pool:
            futures = [
                pool.submit(run_varied, project, commit, Path(folder) / name, *variation)
                for name, variation in varied.items()
            ]
            rows = compare_runs(*(future.result() for future in futures))
    width = max(len(path) for path, *_ in rows)
    for path, md5, difference in rows:
        print(f"{path:{width}}  {md5[:12]:12}  {f'DIFFERENT: {difference}' if difference else 'same'}")
    different = sum(difference is not None for *_, difference in rows)
    same = f"{len(rows) - different} of {len(rows)} outputs are the same bytes"
    print(f"{same} in all {len(varied)} runs of {commit[:12]}.")
    committed = Revision(commit[:12], commit, project)
    before = {} if committed.tracked("dvc.lock") is None else committed.outputs
    not_as_committed = [path for path, md5, _ in rows if before.get(path) != md5]
    if not_as_committed:
        print(f"NOT AS COMMITTED: dvc.lock has another hash for {', '.join(not_as_committed)}.")
        units = detect()
        print(f"This machine: numpy with {units['numpy'] or 'no vector units'}, OpenBLAS for {units['OpenBLAS']}.")
    else:
        print("They are the bytes that the committed dvc.lock names.")
    return different == 0


def main():
    """Run them all; exit code 1 when they gave other bytes, or one sentence when a run failed."""
    try:
        sys.exit(not reproducible())
    except InputError as error:
        sys.exit(f"reproducible: {error}")


if __name__ == "__main__":
    main()
