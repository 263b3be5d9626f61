"""Whether the results in the working tree are those of the commit, as sentences."""

import json

from chatkit.provenance.git import committed
from chatkit.provenance.lock import locked_hashes, locked_outputs, locked_stages, output_md5
from chatkit.provenance.revision import changed_parameters
from chatkit.scores.table import score_lines

_NAMED = 3  # changed inputs that are named
_ADVICE = (
    "Install what requirements.lock names (`make clean`, then `make repro`); if they differ still, `make reproducible` "
    "says whether this machine is the reason, and docs/reproducibility.md what is promised."
)


def lock_verdict(project):
    """Say whether the results are those of the commit.

    Parameters
    ----------
    project : pathlib.Path

    Returns
    -------
    str
        One line; where outputs differ although the same went in, another on the scores, where git has the commit's, and
        one on what to do.
    """
    committed_lock = committed(project, "dvc.lock")
    if committed_lock is None:
        return "No dvc.lock is committed yet; commit it, and others can tell that they get the same results."
    if not (project / "dvc.lock").is_file():
        return "There is no dvc.lock here; make it with `dvc repro`."
    lock = (project / "dvc.lock").read_text(encoding="utf-8")
    before, now = locked_outputs(committed_lock), locked_outputs(lock)
    changed = [path for path, md5 in now.items() if output_md5(project / path) != md5]
    if changed:
        return (
            f"{len(changed)} of {len(now)} outputs are not what the last run made: {', '.join(changed)}; make them "
            "again with `dvc repro`."
        )
    different = _different(before, now)
    if not different:
        return "dvc.lock is as committed: these are, byte for byte, the results of this commit."
    inputs = _different_inputs(locked_stages(committed_lock), locked_stages(lock), before | now)
    if inputs:
        more = f" and {len(inputs) - _NAMED} more" if len(inputs) > _NAMED else ""
        return (
            f"These are no results of the committed dvc.lock, which was made from other inputs: "
            f"{', '.join(inputs[:_NAMED])}{more}."
        )
    summary = f"{len(different)} of {len(now)} outputs differ from the committed dvc.lock, though the same went in"
    return "\n".join([f"{summary}: {', '.join(different)}.", *_scores(project), _ADVICE])


def _different(before, now):
    return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


def _different_inputs(before, now, made):
    """Names of the files and parameters that stages read, no stage made, and are not the same in both."""
    pair = (before, now)
    files = _different(*(locked_hashes(stages.values(), "deps") for stages in pair))
    parameters = ({name: stage.get("params", {}) for name, stage in stages.items()} for stages in pair)
    # The stage and params.yaml stand before a parameter's own name.
    names = [name.split("params.yaml.")[-1] for name, *_ in changed_parameters(*parameters)]
    return [path for path in files if path not in made] + names


def _scores(project):
    """Say whether the scores are the commit's, as far as they are shown; nothing where git has none."""
    try:
        before = score_lines(json.loads(committed(project, "metrics/evaluate.json") or ""))
        now = score_lines(json.loads((project / "metrics" / "evaluate.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError):
        return []
    different = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if not different:
        return ["The scores are those of the commit, to the digits shown."]
    return [f"The scores are not those of the commit: {', '.join(different)}."]
