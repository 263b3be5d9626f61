"""Why a stage would run again, one line for each cause."""

import hashlib
import json
import subprocess

from chatkit.fingerprint import fingerprint_file, fingerprint_text
from chatkit.project import InputError, outputs, path, read_yaml, stages

_UNKNOWN = "(nothing)"


def why(stage=None):
    """Say why a stage would run again.

    Parameters
    ----------
    stage : str, optional
        Name of a stage; by default all of them.

    Returns
    -------
    list of str
        One line for each cause: the stage, then the parameter, the module or the file with its old and new value (the
        first eight digits of its digest). Causes in the stages before come first, since these run again first. Empty
        when nothing would run. Code counts as it is now, whether the stage fingerprint has seen it or not.

    Raises
    ------
    InputError
        When the stage does not exist or DVC cannot tell.
    """
    known = stages()
    if stage is not None and stage not in known:
        raise InputError(f"There is no stage {stage!r} in dvc.yaml (it has: {', '.join(known)}); name one of these.")
    command = ["dvc", "status", "--json", *(["--with-deps", stage] if stage else [])]
    done = subprocess.run(command, cwd=path(), capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        raise InputError(
            f"`{' '.join(command)}` failed: {said[0] if said else done.stderr.strip() or 'no reason given'}"
        )
    changed = json.loads(done.stdout or "{}")
    lock_file = path("dvc.lock")
    locked = read_yaml(lock_file).get("stages", {}) if lock_file.is_file() else {}
    lines = []
    for name in _with_those_before(stage, known) if stage else known:
        causes = _causes(changed.get(name, []), locked.get(name), known[name]["cmd"], fingerprint_file(name))
        if name in locked and fingerprint_file(name) in known[name].get("deps", []):
            causes += _code(name, locked[name])
        lines += [f"{name}: {cause}" for cause in causes]
    if not lines and set(changed) - set(known):
        lines.append(
            f"{', '.join(sorted(set(changed) - set(known)))}: only comments, docstrings or code that no stage uses "
            "changed; no other stage runs"
        )
    return lines


def _with_those_before(stage, known):
    """List a stage and the stages that it depends on, in the order of dvc.yaml."""
    made_by = {file: name for name, defined in known.items() for file in outputs(defined)}
    found, open_ends = set(), [stage]
    while open_ends:
        name = open_ends.pop()
        if name not in found:
            found.add(name)
            open_ends += [made_by[dep] for dep in known[name].get("deps", []) if dep in made_by]
    return [name for name in known if name in found]


def _causes(found, locked, command, code):
    if locked is None:
        return ["it has never run, dvc.lock has no entry"] if found else []
    old = _hashes(locked)
    causes = []
    for kind in found:
        if kind == "changed command":
            causes.append(f"command {locked['cmd']} → {command}")
            continue
        for file, state in (kind.get("changed deps", {}) | kind.get("changed outs", {})).items():
            if file == "params.yaml":
                causes += _parameters(locked.get("params", {}).get(file, {}), state)
            elif file != code:  # what lies there may be of before the last edit
                what = "" if "changed deps" in kind else "output "
                causes.append(f"{what}{file} {_short(old.get(file))} → {_md5(file)}")
    return causes


def _hashes(locked):
    return {entry["path"]: entry.get("md5") for kind in ("deps", "outs") for entry in locked.get(kind, [])}


def _code(stage, locked):
    """Name the modules whose code is not that of the last run."""
    file = fingerprint_file(stage)
    ran_with, text = _hashes(locked).get(file), fingerprint_text(stage)
    if ran_with == _md5_of(text.encode()):
        return []
    # The last run's is on disk until the stage fingerprint runs, and from then on in git if it was committed.
    at_hand = path(file).read_bytes() if path(file).is_file() else b""
    committed = subprocess.run(["git", "show", f"HEAD:./{file}"], cwd=path(), capture_output=True, check=False).stdout
    before = next((content for content in (at_hand, committed) if _md5_of(content) == ran_with), None)
    if before is None:
        return [f"code, see {file} {_short(ran_with)} → {_short(_md5_of(text.encode()))}"]
    old, new = json.loads(before), json.loads(text)
    return [
        f"code {name} {_short(old.get(name))} → {_short(new.get(name))}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _parameters(old, sections):
    """Name the single parameters behind the sections that DVC calls changed."""
    current = read_yaml(path("params.yaml"))
    causes = []
    for section in sections:
        before, now = old.get(section, {}), current.get(section, {})
        if not isinstance(before, dict) or not isinstance(now, dict):
            before, now = {"": before}, {"": now}
        for name in dict.fromkeys([*before, *now]):
            if before.get(name, _UNKNOWN) != now.get(name, _UNKNOWN):
                pair = " → ".join(_shown(side[name]) if name in side else _UNKNOWN for side in (before, now))
                causes.append(f"parameter {'.'.join(filter(None, (section, name)))} {pair}")
    return causes


def _shown(value):
    """Return a value as params.yaml would have it, so that "1" and 1 differ."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _md5(file):
    file = path(file)
    if file.is_dir():
        return "changed"
    return _short(_md5_of(file.read_bytes())) if file.is_file() else "missing"


def _md5_of(content):
    return hashlib.md5(content).hexdigest()  # noqa: S324 - DVC's own


def _short(digest):
    return digest[:8] if digest else _UNKNOWN
