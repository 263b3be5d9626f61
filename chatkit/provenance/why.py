"""Why a stage would run again, one line for each cause."""

import contextlib
import json

from chatkit.fingerprint import fingerprint_file, fingerprint_text
from chatkit.project import InputError, did_you_mean, path, read_yaml, root, stages
from chatkit.provenance.git import dvc_repository
from chatkit.provenance.hashes import locked_hashes, md5, output_md5
from chatkit.provenance.revision import Revision, changed_parameters, select_parameters


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
    defined = stages()
    if stage is not None and stage not in defined:
        hint = did_you_mean(stage, defined) or "; name one of these."
        raise InputError(f"There is no stage {stage!r} in dvc.yaml (it has: {', '.join(defined)}){hint}")
    # In the project's folder: DVC takes names of stages from there.
    with contextlib.chdir(root()), dvc_repository(root()) as repository:
        changed = repository.status(stage, with_deps=stage is not None)
        concerned = {each.name for each in repository.stage.collect(stage, with_deps=True)}
    locked = Revision("the working tree", None, root()).stages if path("dvc.lock").is_file() else {}
    lines = []
    for name in defined:
        if name in concerned:
            causes = _causes(changed.get(name, []), locked.get(name), defined[name]["cmd"], fingerprint_file(name))
            if name in locked and fingerprint_file(name) in defined[name].get("deps", []):
                causes += _code(name, locked[name])
            lines += [f"{name}: {cause}" for cause in causes]
    if not lines and set(changed) - set(defined):
        lines.append(
            f"{', '.join(sorted(set(changed) - set(defined)))}: only comments, docstrings or code that no stage uses "
            "changed; no other stage runs"
        )
    return lines


def _causes(changes, locked, command, code):
    if locked is None:
        return ["it has never run, dvc.lock has no entry"] if changes else []
    ran_with, causes = locked_hashes([locked], "deps", "outs"), []
    for change in changes:
        if change == "changed command":
            causes.append(f"command {locked['cmd']} → {command}")
            continue
        for kind, files in change.items():
            for file in files:
                if file == "params.yaml":
                    causes += _parameters(locked.get("params", {}).get(file, {}), files[file])
                elif file != code:  # what lies there may be of before the last edit
                    what = "output " if kind == "changed outs" else ""
                    # Of a folder DVC leaves out what .dvcignore names: its new digest is not to be had by hand.
                    digest = "changed" if path(file).is_dir() else _short(output_md5(path(file)))
                    causes.append(f"{what}{file} {_short(ran_with.get(file))} → {digest}")
    return causes


def _code(stage, locked):
    """Name the modules whose code is not that of the last run."""
    file, text = fingerprint_file(stage), fingerprint_text(stage)
    ran_with = locked_hashes([locked], "deps").get(file)
    if ran_with == md5(text.encode()):
        return []
    # The last run's is on disk until the stage fingerprint runs, and from then on in git if it was committed.
    candidates = [Revision(str(commit), commit, root()).tracked(file) or b"" for commit in (None, "HEAD")]
    before = next((content for content in candidates if md5(content) == ran_with), None)
    if before is None:
        return [f"code, see {file} {_short(ran_with)} → {_short(md5(text.encode()))}"]
    old, new = json.loads(before), json.loads(text)
    return [
        f"code {name} {_short(old.get(name))} → {_short(new.get(name))}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _parameters(ran_with, sections):
    """Name the single parameters behind the sections that DVC calls changed."""
    # Not DVC's own params diff: that compares files of git, and the last run need not be committed.
    ran_with = {name: value for name, value in ran_with.items() if name in sections}
    current = select_parameters(read_yaml(path("params.yaml")), sections)
    return [f"parameter {name} {old} → {new}" for name, old, new in changed_parameters(ran_with, current)]


def _short(digest):
    return digest[:8] if digest else "not there"
