"""What only people know of a model, and card.yaml, where they write it down."""

import difflib

from chatkit.project import InputError, read_yaml
from chatkit.site.page import as_written

# What no run can know. card.yaml has the same keys, and the same words beside them.
FIELDS = {
    "Model details": {
        "owner": "who made the model and answers for it",
        "contact": "where questions and complaints go",
        "licence": "under which terms the model may be used",
        "machine": "on what machine it was trained",
        "why_a_model": "why a model sorts the chats, and not people or rules alone",
        "why_this_model": "why this kind of classifier",
        "how_it_was_chosen": "how model and settings were chosen, among how many, on which chats",
    },
    "Intended use": {
        "intended_use": "what is done with its answers",
        "intended_users": "who works with its answers",
        "out_of_scope": "what it must not be used for",
    },
    "Factors": {
        "groups": "groups of customers, languages or channels for which it may do worse",
    },
    "Metrics": {
        "why_this_metric": "why the score that decides fits the task: which mistakes cost most",
    },
    "Evaluation data": {
        "known_in_time": "whether subject and body are there, unchanged, when a new chat has to be sorted",
        "representativeness": "why these chats stand for those that it will sort",
    },
    "Training data": {
        "population": "for which chats the results are meant to hold",
        "why_this_population": "why for these",
        "source": "how the chats came into the warehouse",
        "sampling": "from which stock of chats they were taken, and how",
        "left_out": "which chats are left out, and why",
        "damaged_rows": "what is done with damaged or impossible rows",
        "why_these_data": "why these data suit the task",
        "meaning_of_categories": "what each category means",
        "annotators": "who gave the chats their categories",
        "annotation_instructions": "what they were told, and how disagreement was settled",
        "licence_of_data": "under which terms the chats may be used",
    },
    "Ethical considerations": {
        "personal_data": "what personal data the chats hold, and how they are protected",
        "consent": "whether the customers know and agree",
        "risks": "whom a wrong answer harms, and how",
        "human_oversight": "who can see and change what the model decides",
    },
    "Caveats and recommendations": {
        "evidence_elsewhere": "how it did on chats of other times, teams or banks",
        "limitations": "where it is not expected to hold",
        "monitoring": "what is watched in use, by whom, and when it is trained again",
    },
}
KEYS = [key for fields in FIELDS.values() for key in fields]


def read_card(file):
    """Read what a team has written about its model.

    Parameters
    ----------
    file : pathlib.Path
        card.yaml.

    Returns
    -------
    dict of str to str
        Texts by the keys of `FIELDS`, without the empty ones.

    Raises
    ------
    InputError
        When the file is missing or no YAML, a key is unknown or a value is no text.
    """
    content = read_yaml(file)
    if not isinstance(content, dict):
        raise InputError(f'{file.name} holds a {type(content).__name__}, expected lines such as `owner: "..."`.')
    for key, value in content.items():
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1, cutoff=0.5) or KEYS
            raise InputError(
                f"{file.name} has the key {key!r}, expected {' or '.join(near)}; rename it, or take it out."
            )
        if value is not None and not isinstance(value, str):
            raise InputError(
                f"{file.name} gives {key} a {type(value).__name__}, {as_written(value)}, expected text; put it between "
                "quotes."
            )
    return {key: value.strip() for key, value in content.items() if value and value.strip()}


def name_of(key):
    """Name a key of card.yaml in words.

    Examples
    --------
    >>> name_of("intended_use")
    'Intended use'
    """
    return key.replace("_", " ").capitalize()
