"""The items of REFORMS, and where a report of chatkit answers them."""

# Each item: its number, what it asks for, and what answers it. An answer is a key of card.yaml, a section of the model
# card (#...), a section of a stage's page (stage#...), a check, or a file of the project; `answers` says which of them
# are there. Two things are nowhere yet: "missing texts by category" and "assumptions of the tests".
ITEMS = {
    "Goals": (
        ("1a", "For which chats the claims are meant to hold", ("population",)),
        ("1b", "Why for these", ("why_this_population",)),
        ("1c", "Why machine learning is used at all", ("why_a_model",)),
    ),
    "Reproducibility": (
        ("2a", "Which data, so that nobody can mistake them", ("#training-data", "#evaluation-data")),
        ("2b", "Which code, down to its version", ("#model-details",)),
        ("2c", "On what machine and with what software", ("#model-details", "machine")),
        ("2d", "Instructions for making the results again", ("README.md",)),
        ("2e", "A script that makes all of them", ("dvc.yaml",)),
    ),
    "Data": (
        (
            "3a",
            "Where chats and categories come from, and from when",
            ("#training-data", "#evaluation-data", "source", "annotators", "annotation_instructions"),
        ),
        ("3b", "From which stock of chats these were taken", ("sampling", "query#what-came-out-of-the-warehouse")),
        ("3c", "Why these data suit the task", ("why_these_data",)),
        ("3d", "What is predicted, and what it means", ("query#categories", "meaning_of_categories")),
        ("3e", "How many chats, in all and by category", ("#training-data", "#evaluation-data", "query#categories")),
        ("3f", "How much is missing, by category", ("query#how-long-the-chats-are", "missing texts by category")),
        ("3g", "Why these chats stand for those of 1a", ("representativeness",)),
    ),
    "Preparation": (
        ("4a", "Which chats were left out, and why", ("#training-data", "left_out")),
        ("4b", "What is done with damaged or impossible rows", ("damaged_rows",)),
        ("4c", "Every step from the raw text to the model's input", ("train#the-pipeline",)),
    ),
    "Model": (
        ("5a", "Every model that was fitted, in detail", ("#model-details", "train#the-pipeline")),
        ("5b", "Why these kinds of models", ("why_this_model",)),
        ("5c", "How they were tested: the split, the folds", ("#evaluation-data", "overfitting#would-more-chats-help")),
        ("5d", "How the reported model was chosen", ("how_it_was_chosen",)),
        ("5e", "How its settings were chosen", ("#model-details", "how_it_was_chosen")),
        ("5f", "That it is compared with fitting baselines", ("evaluate#scores-beside-the-baselines", "check simple")),
    ),
    "Leakage": (
        ("6a", "That nothing was learned from the test chats", ("train#fit", "check scrambled_labels")),
        (
            "6b",
            "What is done about copies and ties across the split",
            ("split#what-stands-on-both-sides", "check duplicates", "check groups", "check time_order"),
        ),
        (
            "6c",
            "That the input may be used: known in time, and no answer in disguise",
            ("known_in_time", "check leak_tokens", "explain#words-that-speak-for-a-category"),
        ),
    ),
    "Scores": (
        ("7a", "Which scores, and why the deciding one fits", ("#metrics", "why_this_metric")),
        ("7b", "How uncertain they are", ("intervals", "evaluate#category-by-category")),
        (
            "7c",
            "Which statistical tests, and what they assume",
            ("check signal", "overfitting#checks", "assumptions of the tests"),
        ),
    ),
    "Limits": (
        ("8a", "What speaks for it holding elsewhere", ("evidence_elsewhere", "check drift")),
        ("8b", "Where it is not expected to hold", ("out_of_scope", "limitations")),
    ),
}


def answers(known):
    """Say for each item of REFORMS where it is answered.

    Parameters
    ----------
    known : dict of str to dict
        What there is, by the names in `ITEMS`: the text of the link, and its address or None.

    Returns
    -------
    list of dict
        The eight modules: title, and items with code, asks, places (from `known`) and missing (names).

    References
    ----------
    S. Kapoor et al., "REFORMS: Consensus-based Recommendations for Machine-learning-based Science", Science Advances
    10, 2024. The wording of the items is ours.

    Examples
    --------
    >>> item = answers({"population": {"text": "Population", "address": "#population"}})[0]["items"][0]
    >>> item["places"], item["missing"]
    ([{'text': 'Population', 'address': '#population'}], [])
    """
    return [
        {
            "title": title,
            "items": [
                {
                    "code": code,
                    "asks": asks,
                    "places": [known[name] for name in names if name in known],
                    "missing": [name for name in names if name not in known],
                }
                for code, asks, names in items
            ],
        }
        for title, items in ITEMS.items()
    ]


def tally(modules):
    """Count in a sentence how many items are answered.

    Parameters
    ----------
    modules : list of dict
        From `answers`.

    Returns
    -------
    str

    Examples
    --------
    >>> tally(answers({}))
    'Of 32 items 0 are answered, 0 in part, 32 not.'
    """
    items = [item for module in modules for item in module["items"]]
    whole = sum(not item["missing"] for item in items)
    none = sum(not item["places"] for item in items)
    return f"Of {len(items)} items {whole} are answered, {len(items) - whole - none} in part, {none} not."
