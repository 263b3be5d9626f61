"""Whether the results here are those of the commit, in words."""

import json

from chatkit.project import InputError
from chatkit.provenance.reproduce import locked_outputs, locked_stages, output_md5, run
from chatkit.provenance.revision import changed_parameters
from chatkit.scores.table import score_lines

_NAMED = 3  # inputs that are named where others went in
_ADVICE = (
    "Install what requirements.lock names (`make clean`, then `make repro`); if they differ still, `make reproducible` "
    "says whether this machine is the reason, and docs/reproducibility.md what is promised."
)


def lock_verdict(project):
    """Say in words whether the results are those of the commit.

    Parameters
    ----------
    project : pathlib.Path

    Returns
    -------
    str
        One line; where outputs differ although the same went in, another on the scores, where git has the commit's, and
        one on what to do.
    """
    committed = _committed(project, "dvc.lock")
    if committed is None:
        return "No dvc.lock is committed yet; commit it, and others can tell that they get the same results."
    if not (project / "dvc.lock").is_file():
        return "There is no dvc.lock here; make it with `dvc repro`."
    lock = (project / "dvc.lock").read_text(encoding="utf-8")
    before, now = locked_outputs(committed), locked_outputs(lock)
    changed = [path for path, md5 in now.items() if output_md5(project / path) != md5]
    if changed:
        return (
            f"{len(changed)} of {len(now)} outputs are not what the last run made: {', '.join(changed)}; make them "
            "again with `dvc repro`."
        )
    other = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
    if not other:
        return "dvc.lock is as committed: these are, byte for byte, the results of this commit."
    inputs = _other_inputs(locked_stages(committed), locked_stages(lock))
    if inputs:
        more = f" and {len(inputs) - _NAMED} more" if len(inputs) > _NAMED else ""
        return (
            f"These are no results of the committed dvc.lock, which was made from other inputs: "
            f"{', '.join(inputs[:_NAMED])}{more}."
        )
    differ = f"{len(other)} of {len(now)} outputs differ from the committed dvc.lock, though the same went in"
    return "\n".join([f"{differ}: {', '.join(other)}.", *_scores(project), _ADVICE])


def _other_inputs(before, now):
    """Names of the files and parameters that stages read, no stage makes, and are not the same in both."""
    made = {out["path"] for stages in (before, now) for stage in stages.values() for out in stage.get("outs", [])}
    files, parameters = [], []
    for stages in (before, now):
        deps = [dep for stage in stages.values() for dep in stage.get("deps", []) if dep["path"] not in made]
        files.append({dep["path"]: dep["md5"] for dep in deps})
        parameters.append({name: stage.get("params", {}) for name, stage in stages.items()})
    paths = sorted(path for path in files[0].keys() | files[1].keys() if files[0].get(path) != files[1].get(path))
    # The stage and params.yaml stand before a parameter's own name.
    return paths + [name.split("params.yaml.")[-1] for name, *_ in changed_parameters(*parameters)]


def _scores(project):
    """Say whether the scores are the commit's, as far as they are shown; nothing where git has none."""
    try:
        committed = score_lines(json.loads(_committed(project, "metrics/evaluate.json") or ""))
        now = score_lines(json.loads((project / "metrics" / "evaluate.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError):
        return []
    other = [name for name in {**committed, **now} if committed.get(name) != now.get(name)]
    if not other:
        return ["The scores are those of the commit, to the digits shown."]
    return [f"The scores are not those of the commit: {', '.join(other)}."]


def _committed(project, path):
    """Text of a file in the last commit, None where it has none."""
    try:
        return run(["git", "show", f"HEAD:./{path}"], project)
    except InputError:
        return None
