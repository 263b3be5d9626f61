"""The model card: what the model is for, what it was made from, how good it is, and what nobody has written down."""

from chatkit.checks.result import worst_first
from chatkit.project import InputError, read_yaml
from chatkit.provenance.hashes import locked_hashes, locked_parameters
from chatkit.scores.table import METRICS
from chatkit.site import outputs
from chatkit.site.questions import KEYS, QUESTIONS, answered_items, count_answers, read_card, title_of


def write_card(root, stages, pages):
    """Write reports/card.html from what the stages have left behind and what card.yaml says.

    Whatever is missing or cannot be read is said on the page.

    Parameters
    ----------
    root : pathlib.Path
        The project's root.
    stages : list of dict
        name, address of the page or None, and contents (see `chatkit.site.page.outline`) of each stage.
    pages : list of (str, str or None)
        Names and addresses of the site's other pages, for the navigation.

    Returns
    -------
    str
        A sentence for the overview: how many questions are answered, or what is wrong with card.yaml.

    References
    ----------
    M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019: the sections and their order.
    """
    try:
        answers, problem = read_card(root / "card.yaml"), None
    except InputError as error:
        answers, problem = {}, f"Nothing of card.yaml is shown: {error}".replace(f"{root}/", "")
    scores, no_scores = outputs.read_output(root, "metrics/evaluate.json")
    report, no_checks = outputs.read_checks(root, scores)
    checks = worst_first(report.get("checks", []))
    model, no_model = outputs.read_output(root, "models/chats/manifest.json")
    train, no_train = outputs.read_output(root, "data/train.parquet", _read_chats)
    test, no_test = outputs.read_output(root, "data/test.parquet", _read_chats)
    lock, _ = outputs.read_output(root, "dvc.lock", read_yaml)
    runs = (lock.get("stages") or {}).values()
    # What the run knows, by section of the card, and the sentence where that is missing.
    facts = {
        "Model details": (model, no_model and f"No model: {no_model}"),
        "Metrics": (scores, None),
        "Evaluation data": (test, no_test and f"No test chats: {no_test}"),
        "Training data": (train, no_train and f"No training chats: {no_train}"),
        "Caveats and recommendations": (checks, None),
    }
    sections = []
    for title, questions in QUESTIONS.items():
        known, absent = facts.get(title, (None, None))
        about = {"title": title, "id": title.lower().replace(" ", "-"), "questions": questions}
        sections.append(about | {"facts": known, "absent": absent})
    modules = answered_items(_links(root, answers, sections, scores, checks, stages))
    outputs.write_page(
        root,
        "card",
        title="Model card",
        eyebrow=f"Revision: {outputs.revision(root)}",
        here="Model card",
        pages=pages,
        contents=[
            *({"level": 2, "id": section["id"], "text": section["title"]} for section in sections),
            {"level": 2, "id": "reforms", "text": "REFORMS"},
        ],
        problem=problem,
        sections=sections,
        answers=answers,
        model=model,
        features=outputs.read_output(root, "models/chats/features.json")[0],
        data=outputs.read_output(root, "data/chats.json")[0],
        md5=locked_hashes(runs, "outs"),
        # Those that the stages ran with, whatever params.yaml says by now.
        params=locked_parameters(runs),
        measures=METRICS,
        scores=outputs.score_rows(scores),
        no_scores=no_scores,
        checks=checks,
        no_checks=no_checks,
        categories=_categories(train, test),
        modules=modules,
        titles={key: title_of(key) for key in KEYS},
        tally=count_answers(modules),
    )
    return problem or f"card.yaml answers {len(answers)} of {len(KEYS)} questions that no run can answer."


def _read_chats(file):
    """Number, dates and categories of the chats in a table."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(file, columns=["created_at", "category"])
    ends = [end.isoformat(timespec="seconds") for end in pc.min_max(table["created_at"]).as_py().values() if end]
    counts = table["category"].value_counts().to_pylist()
    return {
        "rows": table.num_rows,
        "dates": " to ".join(ends) or "the chats carry no dates",
        "categories": {count["values"]: count["counts"] for count in counts},
    }


def _categories(train, test):
    """Chats of each category on both sides of the split, the largest first."""
    train, test = (side.get("categories", {}) for side in (train, test))
    rows = [(category, train.get(category, 0), test.get(category, 0)) for category in train.keys() | test.keys()]
    return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))


def _links(root, answers, sections, scores, checks, stages):
    """Text and address of everything that can answer an item of REFORMS, by its name in reforms.yaml."""
    links = {key: (title_of(key), f"#{key}") for key in answers}
    links |= {f"#{section['id']}": (section["title"], f"#{section['id']}") for section in sections if section["facts"]}
    if scores.get("intervals"):
        links["intervals"] = ("intervals", "#quantitative-analyses")
    for check in checks:
        if check["status"] != "not_run":
            name = f"check {check['code']}"
            result = "" if check["status"] == "pass" else f" ({check['word']})"
            links[name] = (name + result, f"#check-{check['code']}")
    for stage in stages:
        for heading in stage["contents"] if stage["address"] else []:
            link = (f"{stage['name']}: {heading['text']}", f"{stage['address']}#{heading['id']}")
            links[f"{stage['name']}#{heading['id']}"] = link
    return links | {name: (name, None) for name in ("README.md", "dvc.yaml") if (root / name).is_file()}
