"""What the model card asks of people: the questions that card.yaml answers, and the items of REFORMS."""

import difflib
from pathlib import Path

from chatkit.project import InputError, read_yaml
from chatkit.site.page import parameter_text

QUESTIONS = read_yaml(Path(__file__).with_name("questions.yaml"))  # by section of the card, then by key of card.yaml
REFORMS = read_yaml(Path(__file__).with_name("reforms.yaml"))  # items by module
KEYS = [key for questions in QUESTIONS.values() for key in questions]


def read_card(file):
    """Read a team's answers to `QUESTIONS`.

    Parameters
    ----------
    file : pathlib.Path
        card.yaml.

    Returns
    -------
    dict of str to str
        Answers by key, without the empty ones.

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
            raise InputError(f"{file.name} has the key {key!r}, expected {' or '.join(near)}; rename or remove it.")
        if value is not None and not isinstance(value, str):
            raise InputError(
                f"{file.name} gives {key} a {type(value).__name__}, {parameter_text(value)}, expected text; put it "
                "between quotes."
            )
    return {key: value.strip() for key, value in content.items() if value and value.strip()}


def title_of(key):
    """Write a key of card.yaml in words.

    Examples
    --------
    >>> title_of("intended_use")
    'Intended use'
    """
    return key.replace("_", " ").capitalize()


def answered_items(links):
    """Say for each item of REFORMS where it is answered, and what is missing.

    Parameters
    ----------
    links : dict of str to (str, str or None)
        Text and address of every answer that there is, by its name in reforms.yaml.

    Returns
    -------
    dict of str to list of dict
        Items by module, each with item, asks, found (of `links`) and missing (names).

    References
    ----------
    S. Kapoor et al., "REFORMS: Consensus-based Recommendations for Machine-learning-based Science", Science Advances
    10, 2024. The wording of the items is ours.

    Examples
    --------
    >>> item = answered_items({"population": ("Population", "#population")})["Study goals"][0]
    >>> item["found"], item["missing"]
    ([('Population', '#population')], [])
    """
    return {
        module: [
            item
            | {
                "found": [links[name] for name in item["answers"] if name in links],
                "missing": [name for name in item["answers"] if name not in links],
            }
            for item in items
        ]
        for module, items in REFORMS.items()
    }


def count_answers(modules):
    """Say in a sentence how many items are answered.

    Examples
    --------
    >>> count_answers(answered_items({}))
    'Of 32 items 0 are answered, 0 in part, 32 not.'
    """
    items = [item for module in modules.values() for item in module]
    whole = sum(not item["missing"] for item in items)
    none = sum(not item["found"] for item in items)
    return f"Of {len(items)} items {whole} are answered, {len(items) - whole - none} in part, {none} not."
