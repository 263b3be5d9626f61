"""What the last run of a git revision recorded: parameters, hashes, outputs from DVC's cache, test chats."""

import contextlib
import functools
import io
import json
import operator
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from chatkit.project import InputError
from chatkit.provenance.git import dvc_repository, find_commit
from chatkit.provenance.hashes import locked_hashes, locked_parameters, md5

SCORES_FILE = "metrics/evaluate.json"
FACTS = "data/chats.json"
CHATS = ("metrics/predictions.csv", "data/test.parquet")
_ABSENT = object()


@dataclass(frozen=True)
class Revision:
    """What the last run of a git revision, or of the working tree, recorded.

    Parameters
    ----------
    name : str
        For errors and pages.
    commit : str or None
        Full hash, or another name that git knows; None for the working tree.
    folder : pathlib.Path
        The project's root, inside a git repository.
    cache : dvc_data.hashfile.db.HashFileDB, optional
        DVC's cache on this machine; `find`, `read` and `chats` look there first.
    """

    name: str
    commit: str | None
    folder: Path
    cache: object = None

    @cached_property
    def stages(self):
        """Stages of dvc.lock."""
        lock = self.tracked("dvc.lock")
        if lock is None:
            raise InputError(f"There is no dvc.lock in {self.name}; run `dvc repro` there and commit what it writes.")
        return self._yaml("dvc.lock", lock).get("stages") or {}

    @cached_property
    def outputs(self):
        """MD5 of all outputs by path."""
        return locked_hashes(self.stages.values(), "outs")

    def tracked(self, path):
        """Bytes of a file of the commit or the working tree, None where it has none."""
        if self.commit is None:
            file = self.folder / path
            return file.read_bytes() if file.is_file() else None
        command = ["git", "show", f"{self.commit}:./{path}"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, check=False)
        return None if done.returncode else done.stdout

    def _yaml(self, path, content):
        """Parse a YAML mapping as DVC does."""
        try:
            sections = YAML(typ="safe", pure=True).load(content) or {}
        except YAMLError:
            sections = None
        if not isinstance(sections, dict):
            raise InputError(
                f"{path} of {self.name} is no valid YAML; mend it, restore it with `git checkout`, or name another "
                "revision."
            )
        return sections

    def find(self, path):
        """Bytes of an output, from DVC's cache or from git; those that dvc.lock names, else None."""
        digest = self.outputs.get(path)
        if digest is None:
            raise InputError(f"dvc.lock of {self.name} names no {path}; run `dvc repro` there and commit dvc.lock.")
        # Not dvc.api.read: it downloads from a remote what the cache lacks, and verifies no hash.
        cached = self.cache and Path(self.cache.oid_to_path(digest))
        content = cached.read_bytes() if cached and cached.is_file() else self.tracked(path)
        return content if content is not None and md5(content) == digest else None

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
        test = pd.read_parquet(io.BytesIO(self.read("data/test.parquet")), columns=["id", "subject", "body"])
        if "id" not in table or test["id"].duplicated().any() or sorted(test["id"]) != sorted(table["id"]):
            raise InputError(
                f"metrics/predictions.csv of {self.name} is not about the chats of its data/test.parquet; rerun "
                "`dvc repro evaluate` at that revision."
            )
        return test.fillna({"subject": "", "body": ""}).merge(table, on="id")

    @property
    def parameters(self):
        """Sections of params.yaml as the stages ran with them."""
        return locked_parameters(self.stages.values())

    def out_of_date(self):
        """List, as sentences, the stages whose inputs or parameters have changed since they ran."""
        stale = [
            f"{stage} ran before {path} was made again"
            for stage, locked in self.stages.items()
            for path, digest in locked_hashes([locked], "deps").items()
            if self.outputs.get(path, digest) != digest
        ]
        current = self._yaml("params.yaml", self.tracked("params.yaml") or b"")
        changes = changed_parameters(self.parameters, select_parameters(current, self.parameters))
        return stale + [f"params.yaml has {name} {new}, the run had {old}" for name, old, new in changes]


def read_revisions(project, *names):
    """Find revisions and what the last run of each recorded.

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
        When there is no such revision.
    """
    with dvc_repository(project) as repository:
        cache = repository.cache.local
        commits = {name: find_commit(repository, name) for name in names if name is not None}
    return [Revision(name or "the working tree", commits.get(name), project, cache) for name in names]


def without_chats(*revisions):
    """Say what a comparison must leave out because test chats or their predictions are missing.

    Call it first: it answers at once, before the libraries for a paired comparison are imported.

    Parameters
    ----------
    *revisions : Revision

    Returns
    -------
    str or None
        The sentence; None when nothing is missing.

    Raises
    ------
    InputError
        When there is no dvc.lock, or not even the scores or the facts about the data.
    """
    missing = []
    for side in revisions:
        side.read(SCORES_FILE)
        side.read(FACTS)
        if files := [path for path in CHATS if side.find(path) is None]:
            missing.append(f"{' and '.join(files)} of {side.name}")
    if not missing:
        return None
    return (
        f"DVC's cache has not {', nor '.join(missing)}: categories, confusions and messages are left out, and scores "
        "stand with their own intervals only; `dvc pull` them, or check that revision out and `dvc repro`."
    )


def select_parameters(sections, names):
    """Look up sections or dotted parameter names; those that do not exist are left out."""
    selected = {}
    for name in names:
        with contextlib.suppress(KeyError, TypeError):
            selected[name] = functools.reduce(operator.getitem, name.split("."), sections)
    return selected


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
