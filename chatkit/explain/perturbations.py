"""Behavioural tests: edits that must not change a prediction, or must, and messages with a known category.

After M. T. Ribeiro, T. Wu, C. Guestrin and S. Singh, "Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList", ACL 2020. perturbations.yaml documents the format.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd

from chatkit.project import InputError, read_yaml
from chatkit.statistics import group_codes, wilson
from chatkit.text.mask import excerpt, mask
from chatkit.text.tokens import tokens
from chatkit.text.validation import as_texts

VERDICTS = ("does not hold", "not shown", "holds", "not run")
# In words, and which change of the category's probability goes against it: 1 for a rise, -1 for a fall.
_EXPECTATIONS = {
    "category": ("category is {}", -1),
    "not category": ("category is not {}", 1),
    "does not become": ("does not become {}", 1),
    "lower": ("P({}) falls", 1),
    "higher": ("P({}) rises", -1),
    "not lower": ("P({}) does not fall", -1),
    "not higher": ("P({}) does not rise", 1),
    "same category": ("same category", -1),
}
_OF_PROBABILITY = ("lower", "higher", "not lower", "not higher")
_WHERE = {"subject": (True, False), "body": (False, True), "both": (True, True)}
_FLIPS = ["name", "id", "before", "after", "category_before", "category_after", "category"]
_FLIPS += ["probability_before", "probability_after"]
_WORDS_BEFORE = 6  # shown of a long message before its first changed word
CONFIDENCE = 0.98  # of intervals: a low end above the tolerance is chance in one clean run of a hundred


@dataclass(frozen=True)
class Perturbation:
    """An entry of perturbations.yaml.

    Parameters
    ----------
    name : str
    kind : {"INV", "DIR", "MFT"}
        Invariance, directional expectation, minimum functionality.
    expectation : str
        "same category", or what `expect` has in the file: category, not category, does not become, lower, higher,
        not lower, not higher.
    category : str or None
        The category that the expectation names.
    margin : float
        How far a probability may go, or must, before it counts.
    edit : callable or None
        From a text and a ``numpy.random.Generator`` to a text; None leaves messages as they are.
    where : tuple of bool
        Whether the subject and the body are edited.
    of : tuple of str
        Only chats with one of these predicted categories before the edit; empty for all.
    messages : tuple of (str, str)
        Subjects and bodies written in the file; empty for test chats.
    tolerance : float or None
        Share of flips that is acceptable; None for the default.

    Examples
    --------
    >>> str(Perturbation("found", "DIR", "lower", "urgent", margin=0.1))
    'P(urgent) falls by more than 0.1'
    """

    name: str
    kind: str
    expectation: str = "same category"
    category: str | None = None
    margin: float = 0.0
    edit: Callable | None = None
    where: tuple = (True, True)
    of: tuple = ()
    messages: tuple = ()
    tolerance: float | None = None

    def __str__(self):
        text = _EXPECTATIONS[self.expectation][0].format(self.category)
        text += f" by more than {self.margin:g}" if self.margin else ""
        return text + (f", of {' or '.join(self.of)}" if self.of else "")

    @property
    def adverse(self):
        """Which change of the probability goes against the expectation: 1 for a rise, -1 for a fall."""
        return _EXPECTATIONS[self.expectation][1]

    def edited(self, message, rng):
        """Subject and body after the edit."""
        return tuple(
            self.edit(text, rng) if self.edit and is_edited else text
            for text, is_edited in zip(message, self.where, strict=True)
        )

    def concerns(self, category):
        """Whether it applies to chats with this predicted category before the edit."""
        already = self.expectation == "does not become" and category == self.category
        return not already and (not self.of or category in self.of)

    def broken(self, before, after, change):
        """Whether categories before and after, and the change of the probability, are against the expectation."""
        if self.expectation in _OF_PROBABILITY:
            against = self.adverse * change
            return against > self.margin if self.expectation.startswith("not ") else against >= -self.margin
        category = before if self.category is None else self.category
        return after == category if self.adverse > 0 else after != category


def read_perturbations(file):
    """Read perturbations from a YAML file.

    Parameters
    ----------
    file : pathlib.Path

    Returns
    -------
    list of Perturbation

    Raises
    ------
    InputError
        When an entry is wrong; the sentence names the entry and the key.
    """
    entries = read_yaml(file)
    if not isinstance(entries, list):
        raise InputError(
            f"{file.name} is a {type(entries).__name__}, expected a list; begin each entry with `- name:`."
        )
    perturbations = {}
    for number, entry in enumerate(entries, start=1):
        name = entry.get("name") if isinstance(entry, dict) else None
        try:
            perturbation = _perturbation(entry)
            _expect(name not in perturbations, "name", name, "a name that no other entry has")
        except ValueError as error:
            raise InputError(f"Entry {number} of {file.name}{f' ({name!r})' if name else ''}: {error}") from None
        perturbations[name] = perturbation
    return list(perturbations.values())


def run_perturbations(pipeline, test, perturbations, seed=0, tolerance=0.05, chats=1000):
    """Edit chats, and count the flips: predictions of a fitted model that contradict the expectation.

    Test chats are drawn at random among those that an edit changes, one at most of a conversation: follow-ups repeat
    words, and an interval needs independent chats. The Wilson interval of the share of flips (98 %) decides: "holds"
    when all of it is within the tolerance, "does not hold" when all of it is beyond, else "not shown". Messages
    written in the file are no sample. There the share itself decides, and no flip is accepted by default.

    Parameters
    ----------
    pipeline : estimator
        Fitted on subject and body, with ``classes_``; ``predict_proba`` is used where it has it.
    test : pandas.DataFrame
        With subject and body; id and conversation_id are used when they are there.
    perturbations : list of Perturbation
        From `read_perturbations`.
    seed : int, default=0
        Every entry goes through the test chats in the same order, so that entries can be compared.
    tolerance : float, default=0.05
        Acceptable share of flips among test chats for entries without a tolerance of their own.
    chats : int, default=1000
        Most test chats for an entry.

    Returns
    -------
    table : pandas.DataFrame
        A row an entry: name, kind, expectation, chats, flips, rate, low, high (NaN for messages of the file),
        tolerance, verdict, reason (why it is "not run").
    flips : pandas.DataFrame
        A row a flip, in the order of the entries, the largest change first: name, id, before, after (subject | body,
        masked and shortened, changed words in brackets), category_before, category_after, category (which the
        probabilities are of), probability_before, probability_after.
    """
    missing = [name for name in ("subject", "body") if name not in test]
    if missing:
        raise ValueError(f"Got chats without {' and '.join(missing)}, expected subject and body; add them.")
    texts = zip(as_texts(test["subject"]), as_texts(test["body"]), strict=True)
    test_chats = _pool(pipeline, texts, test.get("id", test.index), test.get("conversation_id"))
    rows, flips = [], []
    for entry in perturbations:
        pool, cases, reason = test_chats, {}, _unanswerable(entry, pipeline)
        if entry.messages and not reason:
            pool = _pool(pipeline, entry.messages, [f"message {n}" for n in range(1, len(entry.messages) + 1)])
        if not reason:
            # A generator of its own: all entries go through the chats in the same order, whatever the others drew.
            cases = _draw(entry, pool, len(entry.messages) or chats, np.random.default_rng(seed))
            reason = "" if cases else "There is no chat that it changes."
        broken = _flips(entry, pipeline, pool, cases) if cases else ()
        limit = entry.tolerance if entry.tolerance is not None else 0.0 if entry.messages else tolerance
        rows.append(_row(entry, len(cases), len(broken), limit, reason))
        flips += [broken] if len(broken) else []
    return pd.DataFrame(rows), pd.concat(flips, ignore_index=True) if flips else pd.DataFrame(columns=_FLIPS)


def verdicts(table):
    """Summarise the table of `run_perturbations` for a metrics file.

    Parameters
    ----------
    table : pandas.DataFrame

    Returns
    -------
    dict
        Entries by verdict, and the share of flips of each entry that was run, by name.
    """
    counts = {verdict: int((table["verdict"] == verdict).sum()) for verdict in VERDICTS}
    ran = table[table["verdict"] != "not run"]
    return {"verdicts": counts, "flips": dict(zip(ran["name"], ran["rate"].astype(float), strict=True))}


def _pool(pipeline, messages, ids, conversations=None):
    """Messages with the model's answers before any edit."""
    messages = list(messages)
    categories, probabilities = _answers(pipeline, messages)
    groups = group_codes(conversations, len(messages))
    return SimpleNamespace(
        messages=messages, ids=list(ids), groups=groups, categories=categories, probabilities=probabilities
    )


def _answers(pipeline, messages):
    """Categories, and probabilities with as many digits as are the same on every machine; NaN without any."""
    chats = pd.DataFrame(messages, columns=["subject", "body"])
    categories = np.asarray(pipeline.predict(chats)).astype(str)
    if not hasattr(pipeline, "predict_proba"):
        return categories, np.full((len(chats), len(pipeline.classes_)), np.nan)
    return categories, np.asarray(pipeline.predict_proba(chats), dtype=float).round(6)


def _unanswerable(entry, pipeline):
    classes = [str(name) for name in pipeline.classes_]
    unknown = [name for name in (entry.category, *entry.of) if name is not None and name not in classes]
    if unknown:
        return f"The model does not know the category {unknown[0]!r}."
    if entry.expectation in _OF_PROBABILITY and not hasattr(pipeline, "predict_proba"):
        return "The model gives no probabilities."
    return ""


def _draw(entry, pool, most, rng):
    """Edited messages by row of the pool: only where something changes, and a conversation once."""
    cases, drawn = {}, set()
    for row in rng.permutation(len(pool.messages)).tolist():
        if len(cases) == most:
            break
        if pool.groups[row] not in drawn and entry.concerns(pool.categories[row]):
            edited = entry.edited(pool.messages[row], rng)
            if edited != pool.messages[row] or entry.edit is None:
                cases[row] = edited
                drawn.add(pool.groups[row])
    return cases


def _flips(entry, pipeline, pool, cases):
    """The cases against the expectation, the largest change first."""
    rows = np.array(list(cases))
    before, (after, probabilities) = pool.categories[rows], _answers(pipeline, list(cases.values()))
    category = before if entry.category is None else np.full(len(rows), entry.category)
    columns = pd.Index(pipeline.classes_).astype(str).get_indexer(category)
    old, new = pool.probabilities[rows, columns], probabilities[np.arange(len(rows)), columns]
    change = (new - old).round(6)
    frame = pd.DataFrame({"name": entry.name, "row": rows, "category_before": before, "category_after": after})
    frame = frame.assign(category=category, probability_before=old, probability_after=new)
    frame = frame.assign(change=entry.adverse * change, end=entry.adverse * new)
    frame = frame[entry.broken(before, after, change)]
    frame = frame.sort_values(["change", "end", "row"], ascending=[False, False, True])
    frame["id"] = [pool.ids[row] for row in frame["row"]]
    pairs = [_marked(pool.messages[row], cases[row]) for row in frame["row"]]
    frame["before"], frame["after"] = zip(*pairs, strict=True) if pairs else ((), ())
    return frame[_FLIPS].round(4)


def _row(entry, chats, flips, limit, reason):
    rate, low, high = (round(float(value), 4) for value in wilson(flips, chats, CONFIDENCE))
    if entry.messages:
        low = high = np.nan
    least, most = (rate, rate) if entry.messages else (low, high)
    verdict = "not run" if reason else "holds" if most <= limit else "does not hold" if least > limit else "not shown"
    return {
        "name": entry.name, "kind": entry.kind, "expectation": str(entry), "chats": chats, "flips": flips, "rate": rate,
        "low": low, "high": high, "tolerance": limit, "verdict": verdict, "reason": reason,
    }  # fmt: skip


def _marked(before, after):
    """Both messages from shortly before the first changed word on, changed words in brackets; masked."""
    one, other = (re.findall(r"\s*\S+", " | ".join(message)) for message in (before, after))
    if len(one) == len(other):
        # An edited address is none that one would know: what was one before is masked on both sides.
        for index, word in enumerate(one):
            if {"_url_", "_email_"} & {*tokens(word)}:
                one[index] = other[index] = mask(word)
    steps, sides = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes(), ["", ""]
    for number, (step, *ends) in enumerate(steps):
        for side, words in enumerate((one[slice(*ends[:2])], other[slice(*ends[2:])])):
            part = "".join(words)
            if step != "equal":
                sides[side] += f" [{part.strip()}]" if words else ""
            elif number == 0 and len(steps) > 1 and len(words) > _WORDS_BEFORE:
                sides[side] = "…" + "".join(words[-_WORDS_BEFORE:])
            else:
                sides[side] += part
    return [excerpt(side) for side in sides]


# Edits: from the value in an entry to a function of a text and a generator


def _replace(words):
    pattern, new = _whole_words(words), list(words.values())
    return lambda text, _rng: pattern.sub(lambda match: _in_case_of(match[0], new[match.lastindex - 1]), text)


def _swap(words):
    pattern = _whole_words(words)

    def edit(text, rng):
        shift = int(rng.integers(1, len(words)))  # the same for all of a text
        return pattern.sub(lambda match: _in_case_of(match[0], words[(match.lastindex - 1 + shift) % len(words)]), text)

    return edit


def _whole_words(words):
    groups = "|".join(f"({re.escape(word)})" for word in words)
    return re.compile(rf"(?<!\w)(?:{groups})(?!\w)", re.IGNORECASE)


def _in_case_of(old, new):
    if old.isupper() and len(old) > 1:
        return new.upper()
    return new.lower() if old.islower() else new[:1].upper() + new[1:]


def _regex(patterns):
    try:
        compiled = [(re.compile(pattern, re.IGNORECASE), new) for pattern, new in patterns.items()]
        for pattern, new in compiled:
            pattern.sub(new, "")  # raises when `new` is wrong
    except (re.error, IndexError) as error:
        raise InputError(f"regex is {patterns!r:.80}, which is no regular expression ({error}); mend it.") from None

    def edit(text, _rng):
        for pattern, new in compiled:
            text = pattern.sub(new, text)
        return text

    return edit


def _prefix(texts):
    texts = _listed(texts)
    return lambda text, rng: texts[rng.integers(len(texts))] + text


def _suffix(texts):
    texts = _listed(texts)
    return lambda text, rng: text + texts[rng.integers(len(texts))]


def _typos(count):
    def edit(text, rng):
        # One a word, and not in its first or last letter: people see those.
        words = list(re.finditer(r"[^\W\d_]{4,}", text))
        for index in sorted(rng.permutation(len(words))[:count].tolist(), reverse=True):
            at = int(rng.integers(words[index].start() + 1, words[index].end() - 2))
            one, two = text[at], text[at + 1]
            typos = [typo for typo in (two + one, one + one + two, two) if typo != one + two]
            text = text[:at] + typos[rng.integers(len(typos))] + text[at + 2 :]
        return text

    return edit


def _other_digits(text, rng):
    return re.sub(r"[0-9]", lambda digit: str((int(digit[0]) + rng.integers(1, 10)) % 10), text)


_NAMED = {
    "upper case": lambda text, _rng: text.upper(),
    "lower case": lambda text, _rng: text.lower(),
    "other digits": _other_digits,
    "remove": lambda _text, _rng: "",
}
_EDITS = {
    "replace": _replace, "swap": _swap, "regex": _regex, "prefix": _prefix, "suffix": _suffix, "typos": _typos,
    "edit": _NAMED.get,
}  # fmt: skip


# Entries of the file


def _perturbation(entry):
    """Check an entry and make a Perturbation of it."""
    _expect(isinstance(entry, dict), "the entry", entry, "keys with values, such as `name: a greeting in front`")
    for key in ("name", "kind"):
        _check(key, entry.get(key))
    kind = entry["kind"]
    known = [key for key in _KEYS if key not in _REFUSED[kind]]
    for key in entry:
        _expect(key in known, "a key", key, f"for {kind} only {', '.join(known)}")
    edits = [key for key in entry if key in _EDITS]
    _expect(kind == "MFT" or len(edits) == 1, "the edit", ", ".join(edits), f"exactly one of {', '.join(_EDITS)}")
    for key in dict.fromkeys([*entry, *_REQUIRED[kind]]):
        _check(key, entry.get(key))
    expect, messages = entry.get("expect", {}), entry.get("messages", [])
    expectation = next((key for key in expect if key != "margin"), "same category")
    margin = expect.get("margin", 0.0)
    fits = _is_share(margin) and (margin == 0 or expectation in _OF_PROBABILITY)
    _expect(fits, "margin", margin, f"a number from 0 to 1 beside {', '.join(_OF_PROBABILITY)}")
    return Perturbation(
        entry["name"],
        kind,
        expectation,
        expect.get(expectation),
        float(margin),
        edit=_EDITS[edits[0]](entry[edits[0]]) if edits else None,
        where=_WHERE[entry.get("where", "both")],
        of=tuple(_listed(entry.get("of", []))),
        messages=tuple((message.get("subject", ""), message.get("body", "")) for message in messages),
        tolerance=entry.get("tolerance"),
    )


def _check(key, value):
    is_valid, expected = _KEYS[key]
    _expect(is_valid(value), key, value, expected)


def _expect(holds, key, got, expected):
    if not holds:
        raise InputError(f"{key} is {got!r:.80}, expected {expected}.")


def _listed(value):
    return [value] if isinstance(value, str) else value


def _is_text(value):
    return isinstance(value, str) and value != ""


def _list_of(is_valid):
    return lambda value: isinstance(value, list) and value != [] and all(map(is_valid, value))


def _is_text_or_list(value):
    return _list_of(_is_text)(_listed(value))


def _is_mapping(value):
    """Whether it is a mapping from texts, none of them empty, to texts."""
    return (
        isinstance(value, dict) and value != {} and all(_is_text(key) and isinstance(value[key], str) for key in value)
    )


def _is_message(value):
    return _is_mapping(value) and set(value) <= {"subject", "body"}


def _is_expectation(value):
    keys = set(value) - {"margin"} if isinstance(value, dict) else set()
    return len(keys) == 1 and keys <= set(_EXPECTED) and all(_is_text(value[key]) for key in keys)


def _is_share(value):
    return type(value) in {int, float} and 0 <= value <= 1


def _one_of(names):
    return lambda value: _is_text(value) and value in names, f"one of {', '.join(names)}"


# Keys that an entry of a kind must have beside name, kind and an edit, and those that it must not have.
_REQUIRED = {"INV": (), "DIR": ("expect",), "MFT": ("messages", "expect")}
_REFUSED = {"INV": ("expect",), "DIR": (), "MFT": ("where", "of", *_EDITS)}
_EXPECTED = [name for name in _EXPECTATIONS if name != "same category"]
# By key: whether a value is valid, and what is expected.
_KEYS = {
    "name": (_is_text, "a text"),
    "kind": _one_of(_REQUIRED),
    "where": _one_of(_WHERE),
    "of": (_is_text_or_list, "a category or a list of categories"),
    "messages": (_list_of(_is_message), "a list such as `- {subject: Hi, body: Help}`"),
    "tolerance": (_is_share, "a share of flips from 0 to 1"),
    "expect": (_is_expectation, f"one of {', '.join(_EXPECTED)} with a category, such as {{lower: urgent}}"),
    "replace": (_is_mapping, "words and what they become, such as {lost: found}"),
    "swap": (lambda words: _list_of(_is_text)(words) and len(words) > 1, "a list of words, such as [Dana, Chris]"),
    "regex": (_is_mapping, "patterns and what they become, such as {'!+': '.'}"),
    "prefix": (_is_text_or_list, "a text, or a list of texts to draw from"),
    "suffix": (_is_text_or_list, "a text, or a list of texts to draw from"),
    "typos": (lambda count: type(count) is int and count > 0, "how many typos, such as 2"),
    "edit": _one_of(_NAMED),
}
