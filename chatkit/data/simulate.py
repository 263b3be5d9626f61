"""An invented bank's chats, with the truth that no warehouse has: what each customer meant, and which labels are wrong.

The phrases and habits are in bank.yaml. Everything is drawn from one generator of Python's own, and computed without
functions that differ between machines.
"""

import datetime as dt
import functools
import random
import re
from bisect import bisect_left, bisect_right
from itertools import accumulate
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from chatkit.project import InputError, read_yaml

START, END, LAUNCH = dt.date(2024, 1, 1), dt.date(2026, 1, 1), dt.date(2025, 1, 15)
DAYS = (END - START).days
LABEL_ERRORS, NEAR_DUPLICATES, FOLLOW_UPS = 0.04, 0.03, 0.084
HINTED = 0.83  # share of the chats that could be sorted either way in which the customer tells what decides
VAGUE, SECOND_TOPIC, SMALL_TALK = 0.05, 0.05, 0.5
OUTAGE_SHARE = 0.5  # of the chats of a day with an outage
_WEEKDAYS = (1.2, 1.1, 1.05, 1.05, 1.1, 0.75, 0.65)
_HOURS = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7, 6, 4, 2)
_NEIGHBOURS = {
    letter: row[index - 1 : index] + row[index + 1 : index + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for index, letter in enumerate(row)
}
_CHOICE, _SLOT, _WORD = re.compile(r"\[([^\[\]]*)\]"), re.compile(r"\{(\w+)\}"), re.compile(r"\b[a-z]+\b")
_CHATS = ["id", "conversation_id", "customer_id", "created_at", "subject", "body", "category"]
_TRUTH = ["id", "true_intent", "true_category", "label_error", "near_duplicate_of"]


def simulate(n=20_000, seed=0):
    """Invent the chats of a bank's customers over two years, and how people sorted them.

    Five categories and several dozen intents; an intent may belong to several categories, decided by a detail that is
    not always told. With typos, shouting, emoji, empty and useless subjects, rambling and one-line chats, some Spanish,
    follow-ups in the same conversation, canned texts sent by many, label errors, outages that come in bursts, and a
    product launch.

    Parameters
    ----------
    n : int, default=20_000
        Number of chats.
    seed : int, default=0
        The same seed gives the same chats, on every machine.

    Returns
    -------
    chats : pandas.DataFrame of shape (n, 7)
        id, conversation_id, customer_id, created_at, subject, body, category (what a person gave it); in the order
        of created_at.
    truth : pandas.DataFrame of shape (n, 5)
        id, true_intent, true_category, label_error, near_duplicate_of (id of an earlier chat, or None).

    Raises
    ------
    InputError
        When `n` or `seed` is no whole number in range.

    Examples
    --------
    >>> chats, truth = simulate(100)
    >>> chats["created_at"].is_monotonic_increasing, len(truth)
    (True, 100)
    """
    for name, value, least in (("n", n, 1), ("seed", seed, 0)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InputError(f"Got {name}={value!r}, expected a whole number from {least} up; 20000 chats are usual.")
    bank = _Bank(n, random.Random(seed))  # noqa: S311 - a simulation, no secret
    chats = bank.chats()
    table = pd.DataFrame(chats).assign(category=[bank.label(chat) for chat in chats])
    table["label_error"] = table["category"] != table["true_category"]
    return table[_CHATS], table[_TRUTH]


class _Bank:
    """Draws one chat after the other in the order of time."""

    def __init__(self, n, rng):
        self.rng = rng
        self.words = _phrases()
        self.intents = self.words["intents"]
        self.outages = self._outages()
        self.moments = self._moments(n)
        habits = self.words["habits"].items()
        self.people = [
            SimpleNamespace(id=f"p{number:06}", **{habit: self._draw(options) for habit, options in habits})
            for number in range(max(1, n // 4))
        ]
        # Few write often, many once.
        self.shares = list(accumulate(1 / (rank + 60) for rank in range(len(self.people))))
        self.weights = functools.cache(self._weights)
        self.facts = {}

    def chats(self):
        """Return all chats, earliest first."""
        chats, conversations = [], 0
        for moment in self.moments:
            share = self.rng.random()
            earlier = self._recent(chats, moment) if share < FOLLOW_UPS else None
            original = self._canned(chats) if FOLLOW_UPS <= share < FOLLOW_UPS + NEAR_DUPLICATES else None
            conversations += earlier is None
            if earlier:
                chat = self._follow_up(earlier)
            elif original:
                chat = self._near_duplicate(original)
            else:
                chat = self._first((moment.date() - START).days)
            known = {"id": f"c{len(chats) + 1:07}", "created_at": moment}
            chats.append({"conversation_id": f"k{conversations:07}"} | chat | known)
        return chats

    def label(self, chat):
        """Return the category that a person gives: mostly the true one, else one that is easily taken for it."""
        category = chat["true_category"]
        if self.rng.random() >= LABEL_ERRORS:
            return category
        near = [other for other in self.intents[chat["true_intent"]]["categories"] if other != category]
        return self.rng.choice(near or self.words["confused"][category])

    def _draw(self, options):
        """Draw one of a list, or one of a dict by its weights; for a number tell whether a draw is below it."""
        if isinstance(options, dict):
            return self.rng.choices(list(options), options.values())[0]
        return self.rng.choice(options) if isinstance(options, list) else self.rng.random() < options

    # Time

    def _outages(self):
        outages = self.rng.sample(self.words["outages"], len(self.words["outages"]))
        span = DAYS // len(outages)
        days = [span * number + self.rng.randrange(5, span - 5) for number in range(len(outages))]
        return {day + more: outage for day, outage in zip(days, outages, strict=True) for more in range(1 + day % 2)}

    def _moments(self, n):
        weights = [
            (1 + 0.6 * day / DAYS)
            * _WEEKDAYS[(START + dt.timedelta(days=day)).weekday()]
            * (2 if day in self.outages else 1)
            for day in range(DAYS)
        ]
        days = self.rng.choices(range(DAYS), weights, k=n)
        hours = self.rng.choices(range(24), _HOURS, k=n)
        midnight = dt.datetime.combine(START, dt.time())
        return sorted(
            midnight + dt.timedelta(days=day, hours=hour, seconds=self.rng.randrange(3600))
            for day, hour in zip(days, hours, strict=True)
        )

    def _weights(self, day):
        since = day - (LAUNCH - START).days
        factors = {
            None: 1,
            "before": 1 if since < 0 else 0.1,
            "after": 0 if since < 0 else 1 + 5 / (1 + (since / 30) ** 2),
        }
        return list(accumulate(intent["weight"] * factors[intent.get("launch")] for intent in self.intents.values()))

    # Chats

    def _somebody(self):
        return self.rng.choices(self.people, cum_weights=self.shares)[0]

    def _first(self, day):
        outage = self.outages.get(day)
        if outage and self.rng.random() < OUTAGE_SHARE:
            name, category = outage["intent"], "incident"
            # Some have words for this outage; others write as always, and only the day tells that it is one.
            own_words = outage if self.rng.random() < 0.6 else {}
        else:
            name = self.rng.choices(list(self.intents), cum_weights=self.weights(day))[0]
            category, own_words = self._draw(self.intents[name]["categories"]), {}
        person = self._somebody()
        self.facts = {}
        subject, sentences = self._content({**self.intents[name], **own_words}, category, person)
        return self._written(person, name, category, subject, sentences)

    def _follow_up(self, earlier):
        name, category, person = earlier["true_intent"], earlier["true_category"], earlier["person"]
        if self.rng.random() < 0.15:
            name = self.intents[name].get("later", name)
        if name != earlier["true_intent"] or self.rng.random() >= 0.9:
            category = self._draw(self.intents[name]["categories"])
        self.facts = dict(earlier["facts"])
        _, sentences = self._content(self.intents[name], category, person)
        phrases = self.words["spanish"] if person.spanish else self.words
        sentences = [self._say(phrases["followups"]), *(sentences if self.rng.random() < 0.8 else [])]
        subject = earlier["subject"]
        subject = self.rng.choice(["", subject, subject and f"Re: {subject.removeprefix('Re: ')}"])
        chat = self._written(person, name, category, subject, sentences)
        return chat | {"conversation_id": earlier["conversation_id"]}

    def _recent(self, chats, moment):
        """Find a chat of the last week to come back to; None if there is none."""
        first = bisect_left(self.moments, moment - dt.timedelta(days=7))
        last = bisect_right(self.moments, moment - dt.timedelta(hours=2))
        return chats[self.rng.randrange(first, last)] if first < last else None

    def _canned(self, chats):
        """Find a chat whose text others may have copied; None if there is none."""
        for _ in range(10 if chats else 0):
            chat = chats[-self.rng.randint(1, min(len(chats), 2000))]
            if chat["near_duplicate_of"] is None and len(chat["core"].split()) > 9:
                return chat
        return None

    def _near_duplicate(self, original):
        """Send the same text again: another sender and greeting, some facts exchanged, some words missing."""
        core, facts = original["core"], original["facts"]
        case = str.lower if core.islower() else str.upper if core.isupper() else str
        for slot in ("amount", "merchant", "ending", "weekday", "city", "date"):
            if slot in facts and self.rng.random() < 0.4:
                core = re.sub(re.escape(facts[slot]), case(self._fact(slot)), core, flags=re.IGNORECASE)
        words = [word for word in core.split(" ") if self.rng.random() > 0.02]
        if " ".join(words) == original["core"]:  # near, not the same
            del words[self.rng.randrange(len(words))]
        self.facts = {}
        chat = self._chat(
            self._somebody(), original["true_intent"], original["true_category"], original["subject"], " ".join(words)
        )
        return chat | {"near_duplicate_of": original["id"]}

    def _content(self, intent, category, person):
        """Draw a subject and sentences, before the customer's habits touch them."""
        spanish = person.spanish and "es" in intent
        phrases = self.words["spanish"] if spanish else self.words
        vague = self.rng.random() < VAGUE
        if vague:
            sentences = [self._say(phrases["vague"][intent["topic"]])]
        else:
            sentences = [self._say(intent["es" if spanish else "cores"])]
            if len(intent["categories"]) > 1 and self.rng.random() < HINTED:
                own = not spanish and self.rng.random() < 0.65
                sentences.append(self._say((intent if own else phrases)["hints"][category]))
            if "details" in intent and not spanish:
                sentences += [self._say(intent["details"]) for _ in range(self.rng.choice([0, 1, 1, 2]))]
        subject = self._subject(intent, sentences[0], spanish, vague)
        if not spanish:
            self._add_small_talk(sentences, intent, person)
        elif self.rng.random() < SMALL_TALK:
            sentences.append(self._say(phrases["tails"]))
        return subject, list(dict.fromkeys(sentences))

    def _add_small_talk(self, sentences, intent, person):
        rng, tone = self.rng, intent["tone"]
        small_talk = SMALL_TALK * (0.4 if person.length == "short" else 1)
        if rng.random() < small_talk:
            sentences[0] = f"{self._say(self.words['openers'][tone])} {sentences[0]}"
        if rng.random() < SECOND_TOPIC:
            other = rng.choice(list(self.intents.values()))
            sentences.append(f"{self._say(self.words['joints'])} {self._say(other['cores'])}")
        if rng.random() < small_talk:
            sentences.append(self._say(self.words["tails"][tone]))
        if rng.random() < intent.get("pressure", 0.05 if tone == "problem" else 0.01):
            sentences.insert(rng.choice([0, len(sentences)]), self._say(self.words["pressure"]))
        if person.length in {"long", "rambling"}:
            count = rng.randint(2, 5) if person.length == "long" else rng.randint(8, 20)
            for filler in rng.sample(self.words["fillers"], count):
                sentences.insert(rng.randint(0, len(sentences)), self._say([filler]))

    def _subject(self, intent, sentence, spanish, vague):
        rng, phrases = self.rng, self.words["spanish"] if spanish else self.words
        # A vague body mostly comes with a subject that names the matter.
        kind = "own" if vague and rng.random() < 0.6 else self._draw(self.words["subject_kinds"])
        if kind == "none":
            return ""
        if kind == "useless":
            return rng.choice(phrases["useless_subjects"])
        if kind == "body":
            return " ".join(sentence.split()[: rng.randint(3, 8)]).rstrip(",.:?")
        return self._say(phrases["subjects"][intent["topic"]] if spanish else intent["subjects"])

    def _written(self, person, intent, category, subject, sentences):
        subject = subject if subject.startswith("Re: ") else self._in_style(person, subject)
        core = self._in_style(person, " ".join(s if s[-1] in "?!" else f"{s}." for s in sentences))
        return self._chat(person, intent, category, subject, core)

    def _chat(self, person, intent, category, subject, core):
        """Make a chat; `core` is the body without greeting and signature, `facts` are the slots that were filled in."""
        return {
            "person": person, "customer_id": person.id, "true_intent": intent, "true_category": category,
            "subject": subject, "core": core, "body": self._enveloped(person, core, self.intents[intent]["tone"]),
            "facts": self.facts, "near_duplicate_of": None,
        }  # fmt: skip

    def _in_style(self, person, text):
        if person.case == "normal":
            text = re.sub(r"(^|[.?!] )(¿?[a-zñ])", lambda match: match[1] + match[2].upper(), text)
        if person.abbreviations:
            text = _WORD.sub(lambda match: self.words["abbreviations"].get(match[0], match[0]), text)
        if not person.apostrophes:
            text = text.replace("'", "")
        if person.punctuation == "none":
            text = re.sub(r"[.,?!](?=\s|$)", "", text)
        elif person.punctuation == "exclaiming":
            text = re.sub(r"[.](?=\s|$)", lambda _: self.rng.choice([".", "!", "!!!"]), text)
        elif person.punctuation == "dots":
            text = re.sub(r"[.](?=\s|$)", "...", text)
        return self._typos(person, _cased(person, text))

    def _enveloped(self, person, core, tone):
        """Put greeting, emoji and signature around a text."""
        rng = self.rng
        phrases = self.words["spanish"] if person.spanish else self.words
        before, after = "", ""
        if rng.random() < person.greeting:
            before = rng.choice(phrases["greetings"]) + rng.choice([", ", ", ", "! ", " ", "\n"])
        if rng.random() < person.emoji:
            after += " " + rng.choice(self.words["emoji"][tone]) * rng.choice([1, 1, 2])
        if rng.random() < person.signature:
            after += f"\n{rng.choice(phrases['closings'])}\n{person.name}"
        return _cased(person, before) + core + _cased(person, after)

    def _typos(self, person, text):
        rng = self.rng
        letters = list(text)
        for _ in range(round(len(letters) * person.typos * rng.choice([0, 1, 2]))):
            index = rng.randrange(len(letters))
            letter, follower = letters[index], "".join(letters[index + 1 : index + 2])
            if letter in _NEIGHBOURS and follower in _NEIGHBOURS:
                pair = [letter + rng.choice(_NEIGHBOURS[follower]), letter * 2 + follower, follower, follower + letter]
                letters[index : index + 2] = [rng.choice(pair), ""]
        return "".join(letters)

    # Phrases

    def _say(self, templates):
        """Choose a phrase and fill it in: a chat speaks of one merchant, but "from {city} to {city}" of two."""
        rng, filled = self.rng, set()
        text = rng.choice(templates)
        while "[" in text:
            text = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)

        def fill(match):
            slot = match[1]
            value = self._fact(slot)
            if slot in filled:
                while value == self.facts[slot]:
                    value = self._fact(slot)
                return value
            filled.add(slot)
            return self.facts.setdefault(slot, value)

        while "{" in text:
            text = _SLOT.sub(fill, text)
        return re.sub(r" ([?.,])", r"\1", " ".join(text.split()))

    def _fact(self, slot):
        template = self.rng.choice(self.words["slots"][slot])
        value = re.sub("#", lambda _: self.rng.choice("123456789"), template)
        return _SLOT.sub(lambda match: self._fact(match[1]), value)


def _cased(person, text):
    return {"normal": str, "lower": str.lower, "shout": str.upper}[person.case](text)


@functools.cache
def _phrases():
    return read_yaml(Path(__file__).with_name("bank.yaml"))
