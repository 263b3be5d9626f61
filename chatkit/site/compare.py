"""The page that says what changed from one revision to another: parameters, code, data, scores, messages, checks."""

import json

from chatkit.checks.result import worst_first
from chatkit.fingerprint import fingerprint_file
from chatkit.provenance.hashes import locked_hashes
from chatkit.provenance.revision import FACTS, SCORES_FILE, changed_parameters
from chatkit.scores.table import METRICS, with_interval
from chatkit.site.outputs import DATA_FACTS, navigation, read_stages, write_page

_SECTIONS = ("Scores", "Parameters", "Files", "Data", "Categories", "Confusions", "Messages", "Checks")
_OF_CHATS = _SECTIONS[4:7]
_CHECKS = "metrics/overfitting.json"


def write_comparison(project, a, b, lacking):
    """Write reports/compare.html: what changed from revision A to revision B.

    All numbers are of the test chats that both have, with the same text and the same label. Where these are not at
    hand, the page shows what git has: scores with their own intervals, parameters, code, facts about the data, checks.

    Parameters
    ----------
    project : pathlib.Path
        The project's root, inside a git repository.
    a, b : Revision
        From `chatkit.provenance.revision.read_revisions`.
    lacking : str or None
        From `chatkit.provenance.revision.without_chats`, which finds out without slow imports.

    Returns
    -------
    file : pathlib.Path
    verdict : str
        What the page says first.

    Raises
    ------
    InputError
        When no test chat is in both.
    """
    sides = {"A": a, "B": b}
    scores = {letter: side.read_json(SCORES_FILE) for letter, side in sides.items()}
    if lacking:
        comparison = {"verdict": _unpaired_verdict(*scores.values())}
    else:  # imported here: what computes and draws takes seconds, and without chats none of it is needed
        from chatkit.site.paired import paired

        comparison = paired(a, b)
    sections = [section for section in _SECTIONS if not lacking or section not in _OF_CHATS]
    stages, _ = read_stages(project)
    file = write_page(
        project,
        "compare",
        title=f"From {a.name} to {b.name}",
        eyebrow="Two revisions side by side",
        here="compare",
        pages=[*navigation(project, stages), ("compare", "compare.html")],
        contents=[{"level": 2, "id": section.lower(), "text": section} for section in sections],
        revisions=sides,
        own_scores=scores,
        measures=METRICS,
        lacking=lacking,
        out_of_date={letter: side.out_of_date() for letter, side in sides.items()},
        parameters=changed_parameters(a.parameters, b.parameters),
        files=_files(a, b),
        data=_data(a, b),
        checks=_checks(a, b),
        **comparison,
    )
    return file, comparison["verdict"]


def _unpaired_verdict(a, b):
    """Write both scores with their own intervals, for revisions whose test chats are not at hand."""
    texts = [with_interval(side["macro_f1"], *side.get("intervals", {}).get("macro_f1", ())) for side in (a, b)]
    return (
        f"macro-F1 {' → '.join(texts)}, each on its own test chats: whether the difference is significant cannot be "
        "told without the chats."
    )


def _files(a, b):
    """Files that a stage read and that differ: path, change, kind, stages; causes before consequences."""
    stages = [*a.stages.items(), *b.stages.items()]
    made_by = {out["path"]: name for name, stage in stages for out in stage.get("outs", [])}
    changes = {}
    for stage in [name for name in b.stages if name in a.stages and f"run {name}" in b.stages[name]["cmd"]]:
        old, new = (_files_read(side, stage) for side in (a, b))
        for path in old.keys() | new.keys():
            if old.get(path) != new.get(path):
                change = "only in A" if path not in new else "only in B" if path not in old else "changed"
                changes.setdefault((path in made_by, path, change), []).append(stage)
    rows = []
    for (made, path, change), readers in sorted(changes.items()):
        kind = f"made by {made_by[path]}" if made else "data" if path.startswith("data/") else "code"
        rows.append({"path": path, "change": change, "kind": kind, "stages": ", ".join(readers)})
    return rows


def _files_read(side, stage):
    """Digests of what a stage read, its code module by module where its fingerprint is at hand."""
    digests = locked_hashes([side.stages[stage]], "deps")
    code = fingerprint_file(stage)
    if code in digests and (content := side.find(code)) is not None:
        del digests[code]
        digests |= json.loads(content)
    return digests


def _data(a, b):
    """Facts about the data, each with both values."""
    old, new = (side.read_json(FACTS) for side in (a, b))
    return [(title, old.get(key), new.get(key)) for key, title in DATA_FACTS.items()]


def _checks(a, b):
    """Overfitting checks whose status changed, how many there are, and who has not run them."""
    missing = [side.name for side in (a, b) if _CHECKS not in side.outputs]
    if missing:
        return {"missing": missing, "count": 0, "changed": []}
    old, new = ({check["code"]: check for check in worst_first(side.read_json(_CHECKS)["checks"])} for side in (a, b))
    checks, absent = old | new, {"word": "absent"}
    words = {code: [side.get(code, absent)["word"] for side in (old, new)] for code in checks}
    changed = [checks[code] | {"word": " → ".join(pair)} for code, pair in words.items() if len({*pair}) > 1]
    return {"missing": [], "count": len(checks), "changed": changed}
