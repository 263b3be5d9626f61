"""A git revision as its last run left it: parameters, hashes, outputs from DVC's cache, test chats."""

import hashlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from chatkit.project import InputError

SCORES_FILE = "metrics/evaluate.json"
FACTS = "data/chats.json"
CHATS = ("metrics/predictions.csv", "data/test.parquet")
_PREDICTIONS = ["id", "actual", "predicted", "probability", "probability_of_actual"]
_ABSENT = object()


@dataclass(frozen=True)
class Revision:
    """What a git revision, or the working tree, says of its last run.

    Parameters
    ----------
    project : pathlib.Path
    name : str
        As the reader calls it.
    commit : str or None
        Full hash; None for the working tree.
    cache : pathlib.Path
        DVC's cache.
    stages : dict
        Stages of dvc.lock.
    """

    project: Path
    name: str
    commit: str | None
    cache: Path
    stages: dict

    @property
    def outputs(self):
        """MD5 of all outputs by path."""
        return {out["path"]: out.get("md5") for stage in self.stages.values() for out in stage.get("outs", [])}

    def find(self, path):
        """Bytes of an output, from DVC's cache or from git; those that dvc.lock names, else None."""
        md5 = self.outputs.get(path)
        if md5 is None:
            raise InputError(f"dvc.lock of {self.name} names no {path}; run `dvc repro` there and commit dvc.lock.")
        cached = self.cache / "files" / "md5" / md5[:2] / md5[2:]
        content = cached.read_bytes() if cached.is_file() else _stored(self.project, self.commit, path)
        same = content is not None and hashlib.md5(content).hexdigest() == md5  # noqa: S324 - DVC's own
        return content if same else None

    def read(self, path):
        """Bytes of an output as `find`, or InputError."""
        content = self.find(path)
        if content is None:
            raise InputError(
                f"Neither git nor DVC's cache has the {path} that dvc.lock of {self.name} names; check that revision "
                "out, then `dvc pull` it, or make it again with `dvc repro` (`dvc exp run` for an experiment)."
            )
        return content

    def read_json(self, path):
        """Content of a JSON output."""
        return json.loads(self.read(path))

    def chats(self):
        """Test chats with their predictions, as `comparison.pair` takes them."""
        import pandas as pd

        gaps = {name: [""] for name in ("conversation_id", "probability", "probability_of_actual")}
        table = io.BytesIO(self.read("metrics/predictions.csv"))
        table = pd.read_csv(table, dtype={"id": str, "conversation_id": str}, keep_default_na=False, na_values=gaps)
        missing = [name for name in _PREDICTIONS if name not in table]
        if missing:
            raise InputError(
                f"metrics/predictions.csv of {self.name} is of an older form: it has no column {missing[0]}, expected "
                f"{', '.join(_PREDICTIONS)}; rerun `dvc repro evaluate` at that revision, with today's notebook."
            )
        test = pd.read_parquet(io.BytesIO(self.read("data/test.parquet")), columns=["id", "subject", "body"])
        if test["id"].duplicated().any() or sorted(test["id"]) != sorted(table["id"]):
            raise InputError(
                f"metrics/predictions.csv of {self.name} is not about the chats of its data/test.parquet; rerun "
                "`dvc repro evaluate` at that revision."
            )
        return test.fillna({"subject": "", "body": ""}).merge(table, on="id")

    @property
    def parameters(self):
        """Sections of params.yaml as the stages ran with them."""
        ran = [stage.get("params", {}).get("params.yaml", {}) for stage in self.stages.values()]
        return {section: values for sections in ran for section, values in sections.items()}

    def out_of_date(self):
        """List, in words, what dvc.lock or params.yaml says of a stage that has not run since."""
        said = [
            f"{stage} ran before {dep['path']} was made again"
            for stage, locked in self.stages.items()
            for dep in locked.get("deps", [])
            if self.outputs.get(dep["path"], dep.get("md5")) != dep.get("md5")
        ]
        now = _parsed(self.name, "params.yaml", _stored(self.project, self.commit, "params.yaml"))
        asked = {name: value for name in self.parameters if (value := _value(now, name)) is not _ABSENT}
        changes = changed_parameters(self.parameters, asked)
        return said + [f"params.yaml has {name} {new}, the run had {old}" for name, old, new in changes]


def read_revisions(project, *names):
    """Find revisions and what each says of its last run.

    Parameters
    ----------
    project : pathlib.Path
        The project's root, inside a git repository.
    *names : str or None
        Branch, tag, commit or DVC experiment; None for the working tree.

    Returns
    -------
    list of Revision

    Raises
    ------
    InputError
        When there is no such revision, or no dvc.lock in it.
    """
    commits = [None if name is None else _commit(project, name) for name in names]
    # By this Python: DVC need not be on the PATH. -P: no file of the project is taken for a module.
    cache = Path(_run(project, sys.executable, "-P", "-m", "dvc", "cache", "dir").stdout.decode().strip())
    revisions = []
    for commit, name in zip(commits, ("the working tree" if name is None else name for name in names), strict=True):
        lock = _stored(project, commit, "dvc.lock")
        if lock is None:
            raise InputError(f"There is no dvc.lock in {name}; run `dvc repro` there and commit what it writes.")
        stages = _parsed(name, "dvc.lock", lock).get("stages") or {}
        revisions.append(Revision(project, name, commit, cache, stages))
    return revisions


def without_chats(*revisions):
    """Say what a comparison cannot show where the test chats or what was said of them is not at hand.

    The first thing to do with two revisions: in a fresh clone it takes no time, what is to be done with the chats does.

    Parameters
    ----------
    *revisions : Revision

    Returns
    -------
    str or None
        The sentence; None where all is there.

    Raises
    ------
    InputError
        When not even the scores or the facts about the data are there.
    """
    for side in revisions:
        side.read(SCORES_FILE)
        side.read(FACTS)
    missing = {side.name: [path for path in CHATS if side.find(path) is None] for side in revisions}
    said = [f"{' and '.join(paths)} of {name}" for name, paths in missing.items() if paths]
    if not said:
        return None
    return (
        f"DVC's cache has not {', nor '.join(said)}: categories, confusions and messages are left out, and scores "
        "stand with their own intervals only; `dvc pull` them, or check that revision out and `dvc repro`."
    )


def _commit(project, name):
    """Full hash of a commit, also of a DVC experiment's."""
    found = _run(project, "git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", code=1)
    if found.returncode == 0:
        return found.stdout.decode().strip()
    listed = _run(project, "git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps").stdout.decode()
    # refs/exps/ab/cdef.../name: the commit that it started from, then its name
    named = [line.split()[0] for line in listed.splitlines() if line.split("/")[4:] == [name]]
    if len(named) == 1:
        return named[0]
    what = f"names {len(named)} DVC experiments" if named else "is no branch, tag, commit or DVC experiment here"
    raise InputError(f"Got {name!r}, which {what}; name a commit of `git log --all` or of `dvc exp show`.")


def _stored(project, commit, path):
    """Bytes of a file in a commit, of the working tree when it is None; None where it has no such file."""
    if commit is None:
        file = project / path
        return file.read_bytes() if file.is_file() else None
    found = _run(project, "git", "cat-file", "blob", f"{commit}:./{path}", code=128)
    return found.stdout if found.returncode == 0 else None


def _run(project, *command, code=0):
    """Run a command that may end with 0 or `code`."""
    done = subprocess.run(command, cwd=project, capture_output=True, check=False)
    if done.returncode not in {0, code}:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InputError(f"`{' '.join(command)}` failed in {project}: {said[-1] if said else 'no reason given'}")
    return done


def _parsed(name, path, content):
    try:
        return YAML(typ="safe", pure=True).load(content or b"") or {}
    except YAMLError:
        raise InputError(f"{path} of {name} is no valid YAML; mend it, or name another revision.") from None


def _value(sections, name):
    """Value of a parameter or a section, by its name with dots."""
    for key in name.split("."):
        sections = sections.get(key, _ABSENT) if isinstance(sections, dict) else _ABSENT
    return sections


def changed_parameters(one, other, name=""):
    """List the parameters that differ, each with both values as JSON, or "not there".

    Examples
    --------
    >>> changed_parameters({"train": {"min_df": 2, "seed": 0}}, {"train": {"min_df": 3, "seed": 0}})
    [('train.min_df', '2', '3')]
    """
    rows = []
    for key in dict.fromkeys([*one, *other]):
        pair, full = [side.get(key, _ABSENT) for side in (one, other)], f"{name}{key}"
        if all(isinstance(value, dict) and value for value in pair):
            rows += changed_parameters(*pair, f"{full}.")
        elif pair[0] != pair[1]:
            shown = (
                "not there" if value is _ABSENT else json.dumps(value, ensure_ascii=False, default=str)
                for value in pair
            )
            rows.append((full, *shown))
    return rows
