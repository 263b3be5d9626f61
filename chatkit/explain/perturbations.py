"""Behavioural tests: edits that must not change a prediction, or must, and messages with a known category.

After M. T. Ribeiro, T. Wu, C. Guestrin and S. Singh, "Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList", ACL 2020. perturbations.yaml documents the format.
"""

import difflib
import re
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, model_validator

from chatkit.project import InputError, read_yaml
from chatkit.statistics import group_codes, wilson
from chatkit.text.mask import excerpt, mask
from chatkit.text.tokens import ADDRESSES, tokens
from chatkit.text.validation import as_frame, as_texts

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
}
_NO_TEXT = {"subject": "", "body": ""}
_OF_PROBABILITY = ("lower", "higher", "not lower", "not higher")
_FLIPS = ["name", "id", "before", "after", "category_before", "category_after", "category"]
_FLIPS += ["probability_before", "probability_after"]
_WORDS_BEFORE = 6  # shown of a long message before its first changed word
CONFIDENCE = 0.98  # of intervals: a low end above the tolerance is chance in one clean run of a hundred


# Edits: from the value in an entry, a text and a generator to a text


def substitute(words, new, text):
    """Replace whole words, without regard to case, and keep it.

    Parameters
    ----------
    words, new : list of str
        What is replaced, and by what.
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> substitute(["lost"], ["found"], "LOST my card, not lostt")
    'FOUND my card, not lostt'
    """

    def in_case(match):
        old, word = match[0], new[match.lastindex - 1]
        if old.isupper() and len(old) > 1:
            return word.upper()
        return word.lower() if old.islower() else word[:1].upper() + word[1:]

    groups = "|".join(f"({re.escape(word)})" for word in words)
    return re.sub(rf"(?<!\w)(?:{groups})(?!\w)", in_case, text, flags=re.IGNORECASE)


def _swap(words, text, rng):
    shift = int(rng.integers(1, len(words)))  # the same for all of a text
    return substitute(words, words[shift:] + words[:shift], text)


def _regex(patterns, text, _rng=None):
    for pattern, new in patterns.items():
        text = re.sub(pattern, new, text, flags=re.IGNORECASE)
    return text


def _typos(count, text, rng):
    # One a word, and not in its first or last letter: people see those.
    words = list(re.finditer(r"[^\W\d_]{4,}", text))
    for index in sorted(rng.permutation(len(words))[:count].tolist(), reverse=True):
        at = int(rng.integers(words[index].start() + 1, words[index].end() - 2))
        one, two = text[at], text[at + 1]
        typos = [typo for typo in (two + one, one + one + two, two) if typo != one + two]
        text = text[:at] + typos[rng.integers(len(typos))] + text[at + 2 :]
    return text


def _other_digits(text, rng):
    return re.sub(r"[0-9]", lambda digit: str((int(digit[0]) + rng.integers(1, 10)) % 10), text)


_NAMED = {
    "upper case": lambda text, _rng: text.upper(),
    "lower case": lambda text, _rng: text.lower(),
    "other digits": _other_digits,
    "remove": lambda _text, _rng: "",
}
_EDITS = {
    "replace": lambda words, text, _rng: substitute(words, list(words.values()), text),
    "swap": _swap,
    "regex": _regex,
    "prefix": lambda texts, text, rng: texts[rng.integers(len(texts))] + text,
    "suffix": lambda texts, text, rng: text + texts[rng.integers(len(texts))],
    "typos": _typos,
    "edit": lambda name, text, rng: _NAMED[name](text, rng),
}


# Entries of the file


class Expectation(NamedTuple):
    """What must be so after an edit: a key of `_EXPECTATIONS`, its category (None: the one before the edit), a margin.

    The margin is how far a probability must go, or may.
    """

    name: str = "category"
    category: str | None = None
    margin: float = 0.0

    def __str__(self):
        text = _EXPECTATIONS[self.name][0].format(self.category) if self.category else "same category"
        return text + (f" by more than {self.margin:g}" if self.margin else "")

    @property
    def adverse(self):
        """Which change of the probability goes against it: 1 for a rise, -1 for a fall."""
        return _EXPECTATIONS[self.name][1]

    def is_broken(self, becomes, change):
        """Whether a chat breaks it: if it gets the category, or as far as its probability moves in the adverse way."""
        if self.name in _OF_PROBABILITY:
            return change > self.margin if self.name.startswith("not ") else change >= -self.margin
        return becomes if self.adverse > 0 else ~becomes


def _as_expectation(expect):
    margin = expect.pop("margin", 0.0)
    ((name, category),) = expect.items()  # a ValueError unless there is exactly one
    if not isinstance(category, str) or isinstance(margin, str) or (margin and name not in _OF_PROBABILITY):
        raise ValueError
    return Expectation(name, category, margin)


def _check_patterns(patterns):
    try:
        _regex(patterns, "")  # raises also when a replacement is wrong
    except (re.error, IndexError) as error:
        raise InputError(f"regex is {patterns!r:.80}, which is no regular expression ({error}); mend it.") from None
    return patterns


def _as_list(value):
    return [value] if isinstance(value, str) else value


_Text = Annotated[str, Field(min_length=1)]
_Texts = Annotated[list[_Text], BeforeValidator(_as_list), Field(min_length=1)]
_Words = Annotated[dict[_Text, str], Field(min_length=1)]
_Message = Annotated[dict[Literal["subject", "body"], str], Field(min_length=1), AfterValidator(_NO_TEXT.__or__)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Expect = Annotated[dict[Literal[*_EXPECTATIONS, "margin"], _Text | _Share], AfterValidator(_as_expectation)]
# Keys that an entry of a kind must have beside name, kind and an edit, and those that it must not have.
_REQUIRED = {"INV": (), "DIR": ("expect",), "MFT": ("messages", "expect")}
_REFUSED = {"INV": ("expect",), "DIR": (), "MFT": ("where", "of", *_EDITS)}


class Perturbation(BaseModel, extra="allow", frozen=True, strict=True):
    """An entry of perturbations.yaml, whose head says what each key means; the descriptions are for error messages.

    Examples
    --------
    >>> expect = {"lower": "urgent", "margin": 0.1}
    >>> str(Perturbation(name="found", kind="DIR", replace={"lost": "found"}, expect=expect))
    'P(urgent) falls by more than 0.1'
    """

    # A default stands for a key that is not there: None as its value is refused.
    name: _Text = Field(description="a text")
    kind: Literal["INV", "DIR", "MFT"] = Field(description="one of INV, DIR, MFT")
    where: Literal["subject", "body", "both"] = Field("both", description="one of subject, body, both")
    of: _Texts = Field((), description="a category or a list of categories")
    messages: list[_Message] = Field((), min_length=1, description="a list such as `- {subject: Hi, body: Help}`")
    tolerance: _Share = Field(None, description="a share of flips from 0 to 1")
    expect: _Expect = Field(
        Expectation(),
        description=f"one of {', '.join(_EXPECTATIONS)} with a category, such as {{lower: urgent}}, and beside "
        f"{', '.join(_OF_PROBABILITY)} a margin from 0 to 1",
    )
    replace: _Words = Field(None, description="words and what they become, such as {lost: found}")
    swap: _Texts = Field(None, min_length=2, description="a list of words, such as [Dana, Chris]")
    regex: Annotated[_Words, AfterValidator(_check_patterns)] = Field(
        None, description="patterns and what they become, such as {'!+': '.'}"
    )
    prefix: _Texts = Field(None, description="a text, or a list of texts to draw from")
    suffix: _Texts = Field(None, description="a text, or a list of texts to draw from")
    typos: int = Field(None, ge=1, description="how many typos, such as 2")
    edit: Literal[*_NAMED] = Field(None, description=f"one of {', '.join(_NAMED)}")

    @model_validator(mode="after")
    def _check_keys(self):
        known = [key for key in Perturbation.model_fields if key not in _REFUSED[self.kind]]
        if unknown := self.model_fields_set.difference(known):
            raise InputError(f"a key is {min(unknown)!r}, expected for {self.kind} only {', '.join(known)}.")
        if self.kind != "MFT" and len(self._edits) != 1:
            raise InputError(f"the edit is {', '.join(self._edits)!r}, expected exactly one of {', '.join(_EDITS)}.")
        for key in _REQUIRED[self.kind]:
            if key not in self.model_fields_set:
                raise InputError(_unexpected(key, None))
        return self

    @property
    def _edits(self):
        return [key for key in _EDITS if key in self.model_fields_set]

    def __str__(self):
        return str(self.expect) + (f", of {' or '.join(self.of)}" if self.of else "")

    def edited(self, message, rng):
        """Subject and body after the edit."""
        for key in self._edits:
            fields = message if self.where == "both" else [self.where]
            message = message | {field: _EDITS[key](getattr(self, key), message[field], rng) for field in fields}
        return message

    def concerns(self, category):
        """Whether it applies to chats with this predicted category before the edit."""
        already = self.expect.name == "does not become" and category == self.expect.category
        return not already and (not self.of or category in self.of)


def _unexpected(key, value):
    return f"{key} is {value!r:.80}, expected {Perturbation.model_fields[key].description}."


def _sentence(error, entry):
    """What is wrong with an entry: pydantic itself does not say what may be written there."""
    first = error.errors()[0]
    if isinstance(cause := first.get("ctx", {}).get("error"), InputError):
        return cause
    key = first["loc"][0] if first["loc"] else None
    if key in Perturbation.model_fields:
        return _unexpected(key, entry.get(key))
    return f"the entry is {entry!r:.80}, expected keys with values, such as `name: a greeting in front`."


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
        where = f"Entry {number} of {file.name}{f' ({name!r})' if name else ''}"
        try:
            perturbation = Perturbation.model_validate(entry)
        except ValidationError as error:
            raise InputError(f"{where}: {_sentence(error, entry)}") from None
        if name in perturbations:
            raise InputError(f"{where}: name is {name!r}, expected a name that no other entry has.")
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
    test = as_frame(test)
    missing = [name for name in _NO_TEXT if name not in test]
    if missing:
        raise ValueError(f"Got chats without {' and '.join(missing)}, expected subject and body; add them.")
    messages = pd.DataFrame({field: as_texts(test[field]) for field in _NO_TEXT}).to_dict("records")
    test_chats = _answers(pipeline, messages).assign(
        id=list(test.get("id", test.index)), group=group_codes(test.get("conversation_id"), len(test))
    )
    rows, flips = [], []
    for entry in perturbations:
        own = [f"message {number}" for number, _ in enumerate(entry.messages, start=1)]
        pool = _answers(pipeline, entry.messages).assign(id=own, group=own) if own else test_chats
        reason = _unanswerable(entry, pipeline)
        # A generator of its own: all entries go through the chats in the same order, whatever the others drew.
        edited = {} if reason else _draw(entry, pool, len(own) or chats, np.random.default_rng(seed))
        against = _flips(entry, pipeline, pool, edited) if edited else ()
        flips += [against] if len(against) else []
        rows.append(_row(entry, len(edited), len(against), tolerance, reason))
    return pd.DataFrame(rows), pd.concat(flips or [pd.DataFrame(columns=_FLIPS)], ignore_index=True)


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
    counts = table["verdict"].value_counts().reindex(VERDICTS, fill_value=0)
    ran = table[table["verdict"] != "not run"].set_index("name")
    return {"verdicts": counts.to_dict(), "flips": ran["rate"].astype(float).to_dict()}


def _answers(pipeline, messages):
    """Messages with category and probabilities, which have as many digits as are the same everywhere; NaN without."""
    chats = pd.DataFrame(messages, columns=list(_NO_TEXT))
    probabilities = np.full((len(chats), len(pipeline.classes_)), np.nan)
    if hasattr(pipeline, "predict_proba"):
        probabilities = np.asarray(pipeline.predict_proba(chats), dtype=float).round(6)
    by_category = [dict(zip(map(str, pipeline.classes_), row, strict=True)) for row in probabilities]
    category = np.asarray(pipeline.predict(chats)).astype(str)
    return pd.DataFrame({"message": messages, "category": category, "probabilities": by_category})


def _unanswerable(entry, pipeline):
    """Why the model cannot be asked, if it cannot."""
    classes = [None, *map(str, pipeline.classes_)]
    for category in (entry.expect.category, *entry.of):
        if category not in classes:
            return f"The model does not know the category {category!r}."
    if entry.expect.name in _OF_PROBABILITY and not hasattr(pipeline, "predict_proba"):
        return "The model gives no probabilities."
    return ""


def _draw(entry, pool, limit, rng):
    """Edited messages by row of the pool: only where something changes, and a conversation once."""
    edited, groups = {}, set()
    for row in pool.iloc[rng.permutation(len(pool))].itertuples():
        if len(edited) == limit:
            break
        if row.group not in groups and entry.concerns(row.category):
            message = entry.edited(row.message, rng)
            if message != row.message or entry.kind == "MFT":
                edited[row.Index] = message
                groups.add(row.group)
    return edited


def _flips(entry, pipeline, pool, edited):
    """The edited messages that go against the expectation, the largest change first."""
    answers = _answers(pipeline, list(edited.values())).set_axis(list(edited))
    cases = pool.merge(answers, left_index=True, right_index=True, suffixes=("_before", "_after"))
    category = cases["category_before"] if entry.expect.category is None else entry.expect.category
    cases = cases.assign(name=entry.name, category=category)
    for side in ("before", "after"):
        pairs = zip(cases[f"probabilities_{side}"], cases["category"], strict=True)
        cases[f"probability_{side}"] = [probabilities[category] for probabilities, category in pairs]
    change = (cases["probability_after"] - cases["probability_before"]).round(6)
    cases = cases.assign(change=entry.expect.adverse * change, end=entry.expect.adverse * cases["probability_after"])
    flips = cases[entry.expect.is_broken(cases["category_after"] == cases["category"], cases["change"])]
    flips = flips.sort_values(["change", "end"], ascending=False, kind="stable")
    pairs = [_marked(*pair) for pair in zip(flips["message_before"], flips["message_after"], strict=True)]
    return flips.join(pd.DataFrame(pairs, flips.index, ["before", "after"]))[_FLIPS].round(4)


def _row(entry, chats, flips, tolerance, reason):
    rate, low, high = (round(float(value), 4) for value in wilson(flips, chats, CONFIDENCE))
    if entry.messages:  # no sample
        low, high, tolerance = rate, rate, 0.0
    tolerance = tolerance if entry.tolerance is None else entry.tolerance
    verdict = "holds" if high <= tolerance else "does not hold" if low > tolerance else "not shown"
    if not chats:
        verdict, reason = "not run", reason or "There is no chat that it changes."
    return {
        "name": entry.name, "kind": entry.kind, "expectation": str(entry), "chats": chats, "flips": flips, "rate": rate,
        "low": np.nan if entry.messages else low, "high": np.nan if entry.messages else high, "tolerance": tolerance,
        "verdict": verdict, "reason": reason,
    }  # fmt: skip


def _marked(before, after):
    """Both messages from shortly before the first changed word on, changed words in brackets; masked."""
    one, other = (re.findall(r"\s*\S+", " | ".join(message.values())) for message in (before, after))
    if len(one) == len(other):
        # An edited address is none that one would know: what was one before is masked on both sides.
        for index, word in enumerate(one):
            if ADDRESSES & {*tokens(word)}:
                one[index] = other[index] = mask(word)
    steps = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    begins_equal = steps[0][0] == "equal" and len(steps) > 1
    skipped = max(steps[0][2] - _WORDS_BEFORE, 0) if begins_equal else 0
    sides = ["…" if skipped else ""] * 2
    for step, *ends in steps:
        for side, words, (start, end) in ((0, one, ends[:2]), (1, other, ends[2:])):
            part = "".join(words[max(start, skipped) : end])
            sides[side] += f" [{part.strip()}]" if part and step != "equal" else part
    return [excerpt(side) for side in sides]
