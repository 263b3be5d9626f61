"""Whether the results in the working tree are those of the commit, as sentences."""

import json

from chatkit.provenance.hashes import locked_hashes, output_md5
from chatkit.provenance.revision import SCORES_FILE, Revision, changed_parameters
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
    before, now = Revision("HEAD", "HEAD", project), Revision("the working tree", None, project)
    if before.tracked("dvc.lock") is None:
        return "No dvc.lock is committed yet; commit it, and others can tell that they get the same results."
    if now.tracked("dvc.lock") is None:
        return "There is no dvc.lock here; make it with `dvc repro`."
    return _compare(project, before, now)


def _compare(project, before, now):
    """Compare the outputs that are there with both locks; see `lock_verdict`."""
    changed = [path for path, md5 in now.outputs.items() if output_md5(project / path) != md5]
    if changed:
        return (
            f"{len(changed)} of {len(now.outputs)} outputs are not what the last run made: {', '.join(changed)}; make "
            "them again with `dvc repro`."
        )
    if stale := now.out_of_date():
        return f"These are results of an earlier run: {stale[0]}; run `dvc repro`."
    different = sorted(_different(before.outputs, now.outputs))
    if not different:
        return "dvc.lock is as committed: these are, byte for byte, the results of this commit."
    if inputs := _different_inputs(before, now):
        more = f" and {len(inputs) - _NAMED} more" if len(inputs) > _NAMED else ""
        return (
            f"These are no results of the committed dvc.lock, which was made from other inputs: "
            f"{', '.join(inputs[:_NAMED])}{more}."
        )
    summary = (
        f"{len(different)} of {len(now.outputs)} outputs differ from the committed dvc.lock, though the same went in"
    )
    return "\n".join([f"{summary}: {', '.join(different)}.", *_scores(before, now), _ADVICE])


def _different(before, now):
    """Paths whose hash is not the same in both."""
    return {path for path, _ in before.items() ^ now.items()}


def _different_inputs(before, now):
    """Names of the files and parameters that stages read, no stage made, and are not the same in both."""
    files = _different(*(locked_hashes(side.stages.values(), "deps") for side in (before, now)))
    parameters = [name for name, *_ in changed_parameters(before.parameters, now.parameters)]
    return sorted(files - before.outputs.keys() - now.outputs.keys()) + parameters


def _scores(*revisions):
    """Say whether the scores are the commit's, as far as they are shown; nothing where git has none."""
    try:
        before, now = (score_lines(json.loads(side.tracked(SCORES_FILE) or b"")) for side in revisions)
    except (ValueError, KeyError):
        return []
    different = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if not different:
        return ["The scores are those of the commit, to the digits shown."]
    return [f"The scores are not those of the commit: {', '.join(different)}."]
