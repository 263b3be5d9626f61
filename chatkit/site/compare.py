"""The page that says what changed from one revision to another: parameters, code, data, scores, messages, checks."""

import json
import re

from chatkit.fingerprint import fingerprint_file
from chatkit.project import read_yaml, replacing
from chatkit.provenance.revision import FACTS, SCORES_FILE, changed_parameters, without_chats
from chatkit.site.outputs import SCORES, score_rows
from chatkit.site.page import fill

_FACTS = {
    "rows": "Chats", "first_created_at": "First chat", "last_created_at": "Last chat", "as_of": "Read as of",
    "rows_sha256": "SHA-256 of the rows",
}  # fmt: skip
_SECTIONS = ("Scores", "Parameters", "Files", "Data", "Categories", "Confusions", "Messages", "Checks")
_OF_CHATS = _SECTIONS[4:7]
_CODE = "chatkit/"
# What HTML does not allow, even written as a number: control characters, halves of pairs, noncharacters.
_NO_TEXT = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def write_comparison(project, a, b):
    """Write reports/compare.html: what changed from revision A to revision B.

    All numbers are of the test chats that both have, with the same text and the same label. Where these are not at
    hand, the page shows what git has: scores with their own intervals, parameters, code, facts about the data, checks.

    Parameters
    ----------
    project : pathlib.Path
        The project's root, inside a git repository.
    a, b : Revision
        From `chatkit.provenance.revision.read_revisions`.

    Returns
    -------
    file : pathlib.Path
    verdict : str
        What the page says first.

    Raises
    ------
    InputError
        When a revision has not run or has lost its scores, or when no test chat is in both.
    """
    lacking = without_chats(a, b)
    found = _scores_alone(a, b) if lacking else _paired(a, b)
    sections = [section for section in _SECTIONS if not lacking or section not in _OF_CHATS]
    page = fill(
        "compare.html.j2",
        title=f"From {a.name} to {b.name}",
        eyebrow="Two revisions side by side",
        here="compare",
        pages=[*_pages(project), ("compare", "compare.html")],
        contents=[{"level": 2, "id": section.lower(), "text": section} for section in sections],
        revisions={letter: _revision(side) for letter, side in (("A", a), ("B", b))},
        lacking=lacking,
        out_of_date={letter: side.out_of_date() for letter, side in (("A", a), ("B", b))},
        parameters=changed_parameters(a.parameters, b.parameters),
        files=_files(a, b),
        data=_data(a, b) + found.pop("test_chats"),
        checks=_checks(a, b),
        **found,
    )
    file = project / "reports" / "compare.html"
    with replacing(file) as beside:
        beside.write_text(_NO_TEXT.sub("\ufffd", page), encoding="utf-8")
    return file, found["verdict"]


def _paired(a, b):
    # Here, since what computes and draws takes seconds to import: without chats none of it is needed.
    from chatkit.site.paired import paired

    return paired(a, b)


def _scores_alone(a, b):
    """What the page shows without chats: the scores of each, with their own intervals."""
    one, other = (score_rows(side.read_json(SCORES_FILE), tuple(SCORES))[0] for side in (a, b))
    pairs = [zip(row["scores"], row["intervals"], strict=True) for row in (one, other)]
    rows = [{"name": name, "sides": sides} for name, *sides in zip(SCORES.values(), *pairs, strict=True)]
    old, new = (f"{score} ({interval})" if interval else score for score, interval in rows[0]["sides"])
    return {
        "verdict": f"macro-F1 {old} → {new}, each on its own test chats: whether the difference is more than chance "
        "cannot be told without the chats.",
        "scores": rows,
        "test_chats": [],
    }


def _pages(project):
    """Name and address of the other pages that are there."""
    names = {"Overview": "index", **{stage: stage for stage in read_yaml(project / "dvc.yaml").get("stages", {})}}
    reports = project / "reports"
    return [(name, f"{stem}.html") for name, stem in names.items() if (reports / f"{stem}.html").is_file()]


def _revision(side):
    """A revision in a few words."""
    scores = side.read_json(SCORES_FILE)
    own = {"classifier": scores["classifier"], "macro_f1": f"{scores['macro_f1']:.3f}"}
    return {"name": side.name, "commit": side.commit and side.commit[:12], **own}


def _files(a, b):
    """Files that a stage read and that differ: path, what happened, what it is, stages; causes before consequences."""
    stages = [*a.stages.items(), *b.stages.items()]
    made_by = {out["path"]: name for name, stage in stages for out in stage.get("outs", [])}
    found = {}
    for stage in [name for name in b.stages if name in a.stages and f"run {name}" in b.stages[name]["cmd"]]:
        old, new = (_read_by(side, stage) for side in (a, b))
        if len({len(digest) for read in (old, new) for path, digest in read.items() if path.startswith(_CODE)}) > 1:
            # One was made before there were fingerprints, and names the MD5 of whole files.
            old, new = ({path: read[path] for path in read if not path.startswith(_CODE)} for read in (old, new))
            found.setdefault((False, _CODE, "in another form"), []).append(stage)
        for path in old.keys() | new.keys():
            if old.get(path) != new.get(path):
                what = "only in A" if path not in new else "only in B" if path not in old else "changed"
                found.setdefault((path in made_by, path, what), []).append(stage)
    rows = []
    for (made, path, what), readers in sorted(found.items()):
        kind = f"made by {made_by[path]}" if made else "data" if path.startswith("data/") else "code"
        rows.append({"path": path, "what": what, "kind": kind, "stages": ", ".join(readers)})
    return rows


def _read_by(side, stage):
    """Digests of what a stage read, its code module by module where its fingerprint is at hand."""
    found = {dep["path"]: dep.get("md5") for dep in side.stages[stage].get("deps", [])}
    code = fingerprint_file(stage)
    if code in found and (content := side.find(code)) is not None:
        del found[code]
        found |= json.loads(content)
    return found


def _data(a, b):
    """Rows of the table of data."""
    facts = [side.read_json(FACTS) for side in (a, b)]
    return [(title, *(_fact(side.get(key)) for side in facts)) for key, title in _FACTS.items()]


def _fact(value):
    return f"{value:,}" if isinstance(value, int) else "not given" if value is None else str(value)


def _checks(a, b):
    """Overfitting checks whose status changed, how many there are, and who has not run them."""
    path = "metrics/overfitting.json"
    missing = [side.name for side in (a, b) if path not in side.outputs]
    if missing:
        return {"missing": missing, "count": 0, "changed": []}
    found = [{check["code"]: check for check in side.read_json(path)["checks"]} for side in (a, b)]
    codes = list(dict.fromkeys([*found[0], *found[1]]))
    pairs = [(code, *(side.get(code) for side in found)) for code in codes]
    changed = [
        {"code": code, **(new or old), "before": _status(old), "after": _status(new)}
        for code, old, new in pairs
        if _status(old) != _status(new)
    ]
    return {"missing": [], "count": len(codes), "changed": changed}


def _status(check):
    return check["status"].replace("_", " ") if check else "not there"
