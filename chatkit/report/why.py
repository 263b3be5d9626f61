"""Why a stage would run again, one line for each cause."""

import hashlib
import json
import subprocess

from chatkit.project import InputError, path, read_yaml
from chatkit.report.stage import stages

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
        One line for each cause: the stage, then the parameter or file with its old and new value (the first eight
        digits of the MD5 for a file). Causes in the stages before come first, since these run again first. Empty when
        nothing would run.

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
    for name in known:
        if name in changed:
            causes = _causes(changed[name], locked.get(name), known[name]["cmd"])
            lines += [f"{name}: {cause}" for cause in causes]
    return lines


def _causes(found, locked, command):
    if locked is None:
        return ["it has never run, dvc.lock has no entry"]
    old = {entry["path"]: entry.get("md5") for kind in ("deps", "outs") for entry in locked.get(kind, [])}
    causes = []
    for kind in found:
        if kind == "changed command":
            causes.append(f"command {locked['cmd']} → {command}")
            continue
        for file, state in (kind.get("changed deps", {}) | kind.get("changed outs", {})).items():
            if file == "params.yaml":
                causes += _parameters(locked.get("params", {}).get(file, {}), state)
            else:
                what = "" if "changed deps" in kind else "output "
                causes.append(f"{what}{file} {_short(old.get(file))} → {_md5(file)}")
    return causes


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
    return _short(hashlib.md5(file.read_bytes()).hexdigest()) if file.is_file() else "missing"  # noqa: S324 - DVC's own


def _short(md5):
    return md5[:8] if md5 else _UNKNOWN
