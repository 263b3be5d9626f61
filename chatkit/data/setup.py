"""Make the project's files fit the chats of the warehouse: what cannot work with them is changed, and said."""

import hashlib
import json
import re
import tempfile
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter
from sklearn.feature_extraction.text import CountVectorizer

from chatkit.data.categories import Renames, doubtful_names
from chatkit.data.database import read_moment
from chatkit.data.files import read_table
from chatkit.data.log import latest_relabels
from chatkit.data.split import cautions, split_chats
from chatkit.data.warehouse import extract
from chatkit.project import InputError, parameters, path, read_yaml, replacing

_URGENT = re.compile(
    r"(?i)(?<!not )(?<!non.)(?<!\w)"
    r"(?:urgent|urgency|urgente|dringend|critical|emergency|blocker|highest|p[01]|sev\w*.?[01])(?!\w)"
)
_SEAL = "# As chatkit wrote it, "
_OF_THE_BANK = "# For the simulated bank\n"  # in perturbations.yaml: what stands before names no category
_WORDS, _SAMPLE = 6, 20_000


class _Representer(RoundTripRepresenter):
    """Writes null as the file has it, ruamel.yaml leaves it out."""


_Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))


def set_up():
    """Make params.yaml, rules.yaml and perturbations.yaml fit the chats that the query gives.

    A parameter gets another value only where its own cannot work with the chats. The other two files are written anew
    only where they name categories that no chat has, and nobody has edited them since chatkit wrote them: their last
    line tells.

    Returns
    -------
    list of str
        What was changed and why, and what a person has to decide: a line each.

    Raises
    ------
    InputError
        When the query fails or gives no chats.
    """
    lines, changes = [], {}
    chats = _chats(parameters("query"), lines, changes)
    categories = chats["category"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    lines += doubtful_names(categories)
    train = _trained_on(chats, parameters("split"), lines, changes)
    urgent = parameters("categories")["urgent"]
    if urgent is not None and urgent not in categories:
        changes["categories", "urgent"] = _urgent(categories)
    rules = {parameters(section)["rules"] for section in ("train", "evaluate")}
    # First what does not hang on files that a person may have edited.
    changed = _change(changes)
    lines += [line for name in sorted(rules) for line in _renew(path(name), categories, _with_rules, train)]
    lines += _renew(path(parameters("explain")["perturbations"]), categories, _with_perturbations, train)
    return changed + lines


def _chats(query, lines, changes):
    """Read the chats that the stage query will give; a parameter with which it would fail is changed or named."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "chats.parquet")
        extract(query["warehouse"], path(query["sql"]), None, file, query["chunk_size"])
        chats = read_table(file)
    if query["as_of"] is not None:
        late = chats["created_at"] >= read_moment(query["as_of"], "query.as_of").replace(tzinfo=None)
        if late.all() and query["relabels"]:
            lines.append("query.as_of in params.yaml is before all chats; name a later date, relabels need one")
        elif late.all():
            changes["query", "as_of"] = (None, "no chat was written before it")
        else:
            chats = chats[~late]
    try:
        renames = Renames(query["category_map"])
        chats = chats.assign(category=renames.apply({"category": chats["category"]})["category"])
        renames.facts()
    except InputError as error:
        lines.append(str(error))
    try:
        people = query["relabels"] and latest_relabels(query["relabels"], query["as_of"])["category"]
        if query["relabels"] and not {*people} & {*chats["category"]}:
            lines.append("query.relabels in params.yaml names a log without any of these categories; is it theirs?")
    except InputError as error:
        lines.append(str(error))
    return chats.dropna(subset="category")


def _trained_on(chats, split, lines, changes):
    """Return the training side of the split, by another strategy where that of params.yaml cannot work."""
    failed = None
    for other in ({}, {"strategy": "group", "group": "conversation_id"}, {"strategy": "random"}):
        try:
            sides = split_chats(chats, **split | other)
        except InputError as error:
            failed = failed or str(error)
            continue
        changes |= {("split", name): (new, failed) for name, new in other.items() if new != split[name]}
        test_size = None if split["strategy"] == "column" and not other else split["test_size"]
        lines += [f"split: {line}" for line in cautions(chats, *sides, test_size)]
        return sides[0]
    lines.append(failed)
    return chats


def _urgent(categories):
    """Choose the category that cannot wait by its name, with the reason."""
    found = [name for name in categories.index if _URGENT.search(name)]
    if len(found) == 1:
        return found[0], "by its name; if another one cannot wait, name that one"
    if found:
        return None, f"{' or '.join(map(repr, found))} could be it; name the one that cannot wait"
    return None, "no category looks like one that cannot wait; if there is one, name it"


def _change(changes):
    """Change values in params.yaml and keep all else, comments too."""
    file, yaml = path("params.yaml"), YAML()
    yaml.Representer, yaml.preserve_quotes, yaml.width = _Representer, True, 1000
    content, lines = yaml.load(file.read_text(encoding="utf-8")), []
    for (section, name), (new, why) in changes.items():
        old, content[section][name] = content[section][name], new
        was, now = (json.dumps(value, ensure_ascii=False, default=str) for value in (old, new))
        lines.append(f"params.yaml: {section}.{name} is {now} now, it was {was}: {why}")
    if changes:
        with replacing(file) as beside:
            yaml.dump(content, beside)
    return lines


def _renew(file, categories, written, train):
    """Write a file for these categories in place of one for others, unless somebody has edited that."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    entries = read_yaml(file)
    unknown = sorted({*_named(entries)} - {*categories.index})
    body, _, _ = text.rpartition(f"\n{_SEAL}")
    if not unknown and entries:
        return []
    if text == sealed(body):
        anew = sealed(written(body, categories, train))
        with replacing(file) as beside:
            beside.write_text(anew, encoding="utf-8")
        return [f"{file.name}: written anew for your categories; complete it"] if anew != text else []
    names = ", ".join(map(repr, unknown[:3])) + " ..." * (len(unknown) > 3)
    return [f"{file.name}: names {names}, which no chat has, and is left as it was edited; correct it"] * bool(unknown)


def sealed(body):
    """Return the text of a file with a last line that tells whether the text before it was edited.

    Examples
    --------
    >>> print(sealed("- {category: other, pattern: thank}"))
    - {category: other, pattern: thank}
    # As chatkit wrote it, ...: `chatkit init` writes it anew only as long as nobody edits it.
    """
    digest = hashlib.sha256(body.encode()).hexdigest()[:8]
    return f"{body}\n{_SEAL}{digest}: `chatkit init` writes it anew only as long as nobody edits it.\n"


def _named(entries):
    """Names of categories in rules, or in perturbations."""
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            of, expect = entry.get("of"), entry.get("expect")
            names = [entry.get("category"), *(of if isinstance(of, list) else [of])]
            names += [value for value in expect.values() if isinstance(value, str)] if isinstance(expect, dict) else []
            yield from (str(name) for name in names if isinstance(name, str | int))


def _with_perturbations(body, _categories, _train):
    """Keep the edits that hold for any chats, and how to write others."""
    return body.partition(_OF_THE_BANK)[0].rstrip() + "\n"


def _with_rules(body, categories, train):
    """Suggest, as comments, the words of each category that stand in more of its chats than in all others together."""
    some = train.sample(min(len(train), _SAMPLE), random_state=0)
    counter = CountVectorizer(binary=True, token_pattern=r"[^\W\d_]{3,}")
    counts = counter.fit_transform([*(some["subject"] + " " + some["body"]), "nothing"])[:-1]
    words, lines = counter.get_feature_names_out(), [body.partition("\n\n")[0], ""]
    for name in reversed(categories.index[1:]):  # the most frequent one needs no rule
        ahead = 2 * counts[(some["category"] == name).to_numpy()].sum(axis=0).A1 - counts.sum(axis=0).A1
        best = [words[place] for place in np.argsort(-ahead, kind="stable")[:_WORDS] if ahead[place] > 1]
        said, words_of = json.dumps(name, ensure_ascii=False), "|".join(best)
        rule = f"- {{category: {said}, pattern: '{words_of}'}}" if best else f"no word tells {said} from the others"
        lines.append(f"# {rule}")
    return "\n".join(lines) + "\n"
