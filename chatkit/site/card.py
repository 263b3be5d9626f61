"""The model card: what the model is for, what it was made from, how good it is, and what nobody has written down."""

import html
import re

from chatkit.checks.result import worst_first
from chatkit.project import InputError, read_yaml, replacing
from chatkit.provenance.reproduce import locked_outputs
from chatkit.site.outputs import SCORES, read_checks, read_output, revision, score_rows
from chatkit.site.page import as_written, fill
from chatkit.site.reforms import answers, tally
from chatkit.site.written import FIELDS, KEYS, name_of, read_card

_HEADING = re.compile(r'<h[2-6] id="([^"]+)">(.*?)</h[2-6]>', re.DOTALL)


def write_card(root, pages):
    """Write reports/card.html from what the stages have left behind and what card.yaml says.

    Whatever is missing or cannot be read is said on the page.

    Parameters
    ----------
    root : pathlib.Path
        The project's root.
    pages : list of (str, str or None)
        Names and addresses of the site's other pages, for the navigation.

    Returns
    -------
    str
        A sentence for the overview: how much is not known, or what is wrong with card.yaml.

    References
    ----------
    M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019: the sections and their order.
    """
    try:
        written, problem = read_card(root / "card.yaml"), None
    except InputError as error:
        written, problem = {}, f"Nothing of card.yaml is shown: {error}".replace(f"{root}/", "")
    scores, no_scores = read_output(root, "metrics/evaluate.json")
    found, no_checks = read_checks(root, scores)
    checks = worst_first(found.get("checks", []))
    facts = _facts(root, scores, checks)
    sections = [
        {
            "title": title,
            "id": _id(title),
            "facts": [(name, value or "not given") for name, value in facts.get(title, ({}, None))[0].items()],
            "absent": facts.get(title, ({}, None))[1],
            "fields": [
                {"key": key, "title": name_of(key), "text": written.get(key), "about": about}
                for key, about in FIELDS.get(title, {}).items()
            ],
        }
        for title in (*list(FIELDS)[:6], "Quantitative analyses", *list(FIELDS)[6:])
    ]
    modules = answers(_known(root, written, sections, scores, checks, pages))
    page = fill(
        "card.html.j2",
        title="Model card",
        eyebrow=f"Revision: {revision(root)}",
        here="Model card",
        pages=pages,
        contents=[
            *({"level": 2, "id": section["id"], "text": section["title"]} for section in sections),
            {"level": 2, "id": "reforms", "text": "REFORMS"},
        ],
        problem=problem,
        sections=sections,
        measures=list(SCORES.values()),
        scores=score_rows(scores, tuple(SCORES)),
        no_scores=no_scores,
        checks=checks,
        no_checks=no_checks,
        categories=_categories(root),
        modules=modules,
        titles={key: name_of(key) for key in KEYS},
        tally=tally(modules),
    )
    with replacing(root / "reports" / "card.html") as beside:
        beside.write_text(page, encoding="utf-8")
    return problem or f"card.yaml answers {len(written)} of {len(KEYS)} questions that no run can answer."


def _id(title):
    return title.lower().replace(" ", "-")


def _facts(root, scores, checks):
    """What the run knows, by section: names with values, and the sentence where there is nothing."""
    manifest, no_manifest = read_output(root, "models/chats/manifest.json")
    features, _ = read_output(root, "models/chats/features.json")
    data, _ = read_output(root, "data/chats.json")
    params, _ = read_output(root, "dvc.lock", _parameters)  # those that were run with, whatever params.yaml says by now
    lock, _ = read_output(root, "dvc.lock", lambda file: locked_outputs(file.read_text(encoding="utf-8")))
    train, no_train = read_output(root, "data/train.parquet", _table)
    test, no_test = read_output(root, "data/test.parquet", _table)
    made_from = manifest.get("made_from", {})
    model = {
        "Classifier": features.get("classifier"),
        "Its settings": _listed(features.get("options") or manifest.get("fit", {}).get("classifier_options")),
        "Parameters of the stage": _listed(made_from.get("parameters")),
        "Categories": ", ".join(features.get("classes", [])),
        "Terms": f"{len(features['terms']):,}" if features.get("terms") else None,
        "Software": ", ".join(f"{name} {version}" for name, version in manifest.get("libraries", {}).items()),
        "SHA-256 of the code": made_from.get("code_sha256"),
        "MD5 in dvc.lock": lock.get("models/chats"),
    }
    sides = {
        name: {
            "Chats": table.get("chats"),
            "First and last": table.get("dates"),
            "Split": _listed(params.get("split")),
            "MD5 in dvc.lock": lock.get(f"data/{name}.parquet"),
        }
        for name, table in (("train", train), ("test", test))
    }
    warehouse = {
        "Warehouse": data.get("warehouse"),
        "Query": (params.get("query") or {}).get("sql"),
        "Read as of": data.get("as_of"),
        "SHA-256 of all chats": data.get("rows_sha256"),
        "SHA-256 of the query": data.get("sql_sha256"),
        "SHA-256 of the training file": made_from.get("train_sha256"),
    }
    compared = {
        "Baselines": ", ".join(scores.get("baselines") or {}),
        "Confidence of intervals": (params.get("evaluate") or {}).get("confidence"),
    }
    doubtful = [f"{check['title']} ({check['word']})" for check in checks if check["status"] != "pass"]
    return {
        "Model details": ({}, f"No model: {no_manifest}") if no_manifest else (model, None),
        "Metrics": (compared if scores else {}, None),
        "Evaluation data": ({}, f"No test chats: {no_test}") if no_test else (sides["test"], None),
        "Training data": ({}, f"No training chats: {no_train}") if no_train else (sides["train"] | warehouse, None),
        "Caveats and recommendations": (
            {"Checks that did not pass": "; ".join(doubtful) or "none"} if checks else {},
            None,
        ),
    }


def _listed(values):
    return ", ".join(f"{name}: {as_written(value)}" for name, value in (values or {}).items())


def _table(file):
    """Size and dates of a table, from the file's end: no chat is read."""
    import pyarrow.parquet as pq

    about = pq.read_metadata(file)
    column = about.schema.names.index("created_at")
    groups = [about.row_group(number).column(column).statistics for number in range(about.num_row_groups)]
    dated = [group for group in groups if group is not None and group.has_min_max]
    ends = [min(group.min for group in dated), max(group.max for group in dated)] if dated else None
    return {
        "chats": f"{about.num_rows:,}",
        "dates": " to ".join(end.isoformat(timespec="seconds") for end in ends) if ends else "the chats carry no dates",
    }


def _categories(root):
    """Chats of each category on both sides of the split, the largest first."""
    sides = [read_output(root, f"data/{name}.parquet", _counts)[0] for name in ("train", "test")]
    rows = [(category, *(side.get(category, 0) for side in sides)) for category in sides[0].keys() | sides[1].keys()]
    return [
        (name, f"{train:,}", f"{test:,}") for name, train, test in sorted(rows, key=lambda row: (-row[1], -row[2], row))
    ]


def _counts(file):
    import pyarrow.parquet as pq

    counts = pq.read_table(file, columns=["category"])["category"].value_counts().to_pylist()
    return {count["values"]: count["counts"] for count in counts}


def _parameters(file):
    """The parameters that the stages ran with, by section."""
    found = {}
    for stage in (read_yaml(file).get("stages") or {}).values():
        found |= (stage.get("params") or {}).get("params.yaml") or {}
    return found


def _known(root, written, sections, scores, checks, pages):
    """Everything that can answer an item of REFORMS, with the place where it stands."""
    known = {key: {"text": name_of(key), "address": f"#{key}"} for key in written}
    for section in sections:
        if section["facts"]:
            known[f"#{section['id']}"] = {"text": section["title"], "address": f"#{section['id']}"}
    for check in checks:
        if check["status"] != "not_run":
            said = "" if check["status"] == "pass" else f" ({check['status']})"
            text = f"check {check['code']}{said}"
            known[f"check {check['code']}"] = {"text": text, "address": f"#check-{check['code']}"}
    if scores.get("intervals"):
        known["intervals"] = {"text": "intervals", "address": "#quantitative-analyses"}
    known |= _headings(root, pages)
    for name in ("README.md", "dvc.yaml"):
        if (root / name).is_file():
            known[name] = {"text": name, "address": None}
    return known


def _headings(root, pages):
    """The sections of the stages' pages."""
    found = {}
    for stage, address in pages[1:]:
        if address:
            page = (root / "reports" / address).read_text(encoding="utf-8")
            for identifier, heading in _HEADING.findall(page):
                text = f"{stage}: {html.unescape(re.sub('<.*?>', '', heading))}"
                found[f"{stage}#{identifier}"] = {"text": text, "address": f"{address}#{identifier}"}
    return found
