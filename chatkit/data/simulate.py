"""An invented bank's chats, with the truth that no warehouse has: what each customer meant, and which labels are wrong.

The phrases are in bank.yaml. Everything is drawn from one generator of Python's own, whose numbers are the same on
every machine.
"""

import datetime as dt
import functools
import random
import re
from dataclasses import dataclass
from itertools import accumulate
from math import exp
from pathlib import Path

import pandas as pd

from chatkit.project import InputError, read_yaml

START, END, LAUNCH = dt.date(2024, 1, 1), dt.date(2026, 1, 1), dt.date(2025, 1, 15)
DAYS = (END - START).days
# What people take for what when they sort in a hurry.
CONFUSED = {
    "urgent": ("incident", "customer education"),
    "incident": ("customer education", "urgent"),
    "customer education": ("other", "incident", "new product"),
    "new product": ("customer education", "other"),
    "other": ("customer education", "incident"),
}
LABEL_ERRORS, NEAR_DUPLICATES, FOLLOW_UPS = 0.04, 0.03, 0.08
HINTED = 0.82  # share of the chats that could be sorted either way in which the customer tells what decides
VAGUE, SECOND_TOPIC, SMALL_TALK = 0.05, 0.06, 0.55
EMPTY_SUBJECTS, USELESS_SUBJECTS = 0.15, 0.15
BURSTS = 8
BURST_SHARE = 0.4  # of the chats of a day with an outage
_WEEKDAYS = (1.2, 1.1, 1.05, 1.05, 1.1, 0.75, 0.65)
_HOURS = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7, 6, 4, 2)
_NEIGHBOURS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuiopisdfghjklkxcvbnmn", strict=True))


@dataclass
class Customer:
    """How somebody writes, in every chat."""

    name: str
    case: str
    punctuation: str
    greeting: float
    signature: float
    emoji: float
    typos: float
    length: str
    spanish: bool


@dataclass
class Chat:
    """A chat before it is a row."""

    customer: int
    conversation: int
    moment: dt.datetime
    intent: str
    category: str
    subject: str
    body: str
    core: str
    duplicate_of: int | None = None


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
    rng = random.Random(seed)  # noqa: S311 - a simulation, no secret
    chats = _Bank(n, rng).chats()
    ids = [f"c{number:07}" for number in range(1, n + 1)]
    labels = [rng.choice(CONFUSED[chat.category]) if rng.random() < LABEL_ERRORS else chat.category for chat in chats]
    frame = pd.DataFrame(
        {
            "id": ids,
            "conversation_id": [f"k{chat.conversation:07}" for chat in chats],
            "customer_id": [f"p{chat.customer:06}" for chat in chats],
            "created_at": pd.Series([chat.moment for chat in chats], dtype="datetime64[us]"),
            "subject": [chat.subject for chat in chats],
            "body": [chat.body for chat in chats],
            "category": labels,
        }
    )
    truth = pd.DataFrame(
        {
            "id": ids,
            "true_intent": [chat.intent for chat in chats],
            "true_category": [chat.category for chat in chats],
            "label_error": [label != chat.category for label, chat in zip(labels, chats, strict=True)],
            "near_duplicate_of": [None if chat.duplicate_of is None else ids[chat.duplicate_of] for chat in chats],
        }
    )
    return frame, truth


class _Bank:
    """Draws one chat after the other in the order of time."""

    def __init__(self, n, rng):
        self.rng = rng
        self.words = _phrases()
        self.intents = self.words["intents"]
        self.bursts = self._bursts()
        self.moments = self._moments(n)
        self.people = [self._customer() for _ in range(max(1, n // 4))]
        # Few write often, many once.
        self.shares = list(accumulate((rank + 8) ** -0.7 for rank in range(len(self.people))))
        self.weights = functools.cache(self._weights)
        self.filled = {}

    def chats(self):
        """Return all chats, earliest first."""
        chats, conversations = [], 0
        for number, moment in enumerate(self.moments):
            draw = self.rng.random()
            earlier = None
            if draw < FOLLOW_UPS:
                earlier = self._recent(chats, moment)
            if earlier is not None:
                chats.append(self._follow_up(earlier, moment))
                continue
            conversations += 1
            if number and FOLLOW_UPS <= draw < FOLLOW_UPS + NEAR_DUPLICATES:
                chats.append(self._near_duplicate(chats, moment, conversations))
            else:
                chats.append(self._first(moment, conversations))
        return chats

    # Time

    def _bursts(self):
        kinds = [name for name, intent in self.intents.items() if intent.get("burst")]
        days = sorted(self.rng.sample(range(20, DAYS - 5), BURSTS))
        return {day + more: kinds[i % len(kinds)] for i, day in enumerate(days) for more in range(1 + i % 2)}

    def _moments(self, n):
        weights = [
            (1 + 0.6 * day / DAYS)
            * _WEEKDAYS[(START + dt.timedelta(days=day)).weekday()]
            * (1.8 if day in self.bursts else 1)
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
        weights = []
        for intent in self.intents.values():
            weight = intent["weight"]
            if intent.get("launch"):
                weight *= 0 if since < 0 else 1 + 5 * exp(-since / 25)
            elif intent.get("before_launch") and since >= 0:
                weight *= 0.1
            weights.append(weight)
        return list(accumulate(weights))

    # People

    def _customer(self):
        rng = self.rng
        return Customer(
            name=rng.choice(self.words["slots"]["name"]),
            case=rng.choices(["normal", "lower", "shout"], [62, 35, 3])[0],
            punctuation=rng.choices(["full", "none", "exclaiming", "dots"], [60, 22, 12, 6])[0],
            greeting=rng.choice([0, 0, 0.3, 0.9]),
            signature=rng.choice([0, 0, 0, 0.8]),
            emoji=rng.choice([0, 0, 0, 0, 0.5]),
            typos=rng.choice([0, 0, 0.004, 0.01, 0.03]),
            length=rng.choices(["short", "normal", "rambling"], [38, 50, 12])[0],
            spanish=rng.random() < 0.06,
        )

    # Chats

    def _first(self, moment, conversation):
        rng = self.rng
        day = (moment.date() - START).days
        if day in self.bursts and rng.random() < BURST_SHARE:
            name = self.bursts[day]
        else:
            name = rng.choices(list(self.intents), cum_weights=self.weights(day))[0]
        intent = self.intents[name]
        category = rng.choices(list(intent["categories"]), intent["categories"].values())[0]
        person = rng.choices(range(len(self.people)), cum_weights=self.shares)[0]
        subject, core = self._content(intent, category, self.people[person])
        return self._written(person, conversation, moment, name, category, subject, core)

    def _follow_up(self, earlier, moment):
        intent = self.intents[earlier.intent]
        core = self._say(self.words["followups"])
        if self.rng.random() < 0.85:
            core += ". " + self._content(intent, earlier.category, self.people[earlier.customer])[1]
        subject = earlier.subject if self.rng.random() < 0.5 else ""
        if subject and self.rng.random() < 0.5:
            subject = f"Re: {subject}"
        return self._written(
            earlier.customer, earlier.conversation, moment, earlier.intent, earlier.category, subject, core
        )

    def _near_duplicate(self, chats, moment, conversation):
        rng = self.rng
        number = rng.randrange(len(chats))
        original = chats[number]
        words = [word for word in original.core.split(" ") if rng.random() > 0.03]
        for _ in range(1 + len(words) // 25):
            place = rng.randrange(len(words) + 1)
            words.insert(place, rng.choice(["really", "also", "now", "again", "please", "just"]))
        person = rng.choices(range(len(self.people)), cum_weights=self.shares)[0]
        copy = self._written(
            person, conversation, moment, original.intent, original.category, original.subject, " ".join(words)
        )
        copy.duplicate_of = number
        return copy

    def _recent(self, chats, moment):
        """Find a chat of the last week to come back to; None if there is none."""
        for _ in range(5):
            if chats:
                chat = chats[-self.rng.randint(1, min(len(chats), 150))]
                if dt.timedelta(hours=1) < moment - chat.moment < dt.timedelta(days=7):
                    return chat
        return None

    def _content(self, intent, category, person):
        """Draw a subject and what the chat is about, before the customer's habits touch it."""
        rng = self.rng
        self.filled = {}
        if person.spanish and "es" in intent:
            parts = [self._say(intent["es"])]
            parts += [self._say(self.words["spanish_tails"]) for _ in range(rng.choice([0, 1, 1, 2]))]
            return rng.choice(["", "", "Ayuda", "Pregunta", "Tarjeta", "Mi cuenta"]), ". ".join(dict.fromkeys(parts))
        subject, parts = self._subject(intent), self._parts(intent, category)
        small_talk = SMALL_TALK
        if person.length == "short":
            parts, small_talk = parts[:2], SMALL_TALK / 2
        if rng.random() < small_talk:
            parts[0] = f"{self._say(self.words['openers'])} {parts[0]}"
        if rng.random() < small_talk:
            parts.append(self._say(self.words["tails"]))
        if person.length == "rambling":
            more = [self._say(self.words["fillers"]) for _ in range(rng.randint(4, 12))]
            place = rng.randrange(len(more) + 1)
            parts = [*more[:place], *parts, *more[place:]]
        return subject, ". ".join(dict.fromkeys(_asked(part.strip().rstrip(".,")) for part in parts))

    def _subject(self, intent):
        draw, subject = self.rng.random(), self._say(intent["subjects"])
        if draw < EMPTY_SUBJECTS:
            return ""
        return self.rng.choice(self.words["useless_subjects"]) if draw < EMPTY_SUBJECTS + USELESS_SUBJECTS else subject

    def _parts(self, intent, category):
        rng = self.rng
        if rng.random() < VAGUE:
            parts = [self._say(self.words["vague"])]
        else:
            parts = [self._say(intent["cores"])]
            if "hints" in intent and rng.random() < HINTED:
                parts.append(self._say(intent["hints"][category]))
            if "details" in intent:
                parts += [self._say(intent["details"]) for _ in range(rng.choice([0, 1, 1, 2]))]
        if rng.random() < SECOND_TOPIC:
            other = rng.choice(list(self.intents.values()))
            parts.append(rng.choice(["also ", "and by the way ", "one other thing, "]) + self._say(other["cores"]))
        if rng.random() < intent.get("pressure", 0.05):
            parts.insert(rng.choice([0, len(parts)]), self._say(self.words["pressure"]))
        return parts

    def _written(self, person, conversation, moment, intent, category, subject, core):
        customer = self.people[person]
        body = self._in_style(customer, core)
        if customer.case != "normal":
            subject = subject.lower() if customer.case == "lower" else subject.upper()
        return Chat(person, conversation, moment, intent, category, self._typos(customer, subject), body, core)

    def _in_style(self, customer, core):
        rng = self.rng
        language = "spanish_" if customer.spanish and not core.isascii() else ""
        body = ". ".join(part[:1].upper() + part[1:] for part in core.split(". "))
        body += "" if body.endswith(("?", "!")) else "."
        body = body.replace("?.", "?")
        if rng.random() < customer.greeting:
            body = f"{rng.choice(self.words[language + 'greetings'])}, {body}"
        if rng.random() < customer.emoji:
            body += " " + rng.choice(self.words["emoji"]) * rng.choice([1, 1, 2])
        if rng.random() < customer.signature:
            body += f"\n{rng.choice(self.words[language + 'closings'])}\n{customer.name}"
        if customer.punctuation == "none":
            body = re.sub(r"[.,?!'](?=\s|$)", "", body)
        elif customer.punctuation == "exclaiming":
            body = re.sub(r"[.](?=\s|$)", lambda _: rng.choice([".", "!", "!!!"]), body)
        elif customer.punctuation == "dots":
            body = re.sub(r"[.](?=\s|$)", "...", body)
        if customer.case != "normal":
            body = body.lower() if customer.case == "lower" else body.upper()
        return self._typos(customer, body)

    def _typos(self, customer, text):
        rng = self.rng
        if not customer.typos or not text:
            return text
        letters = list(text)
        for _ in range(round(len(letters) * customer.typos * rng.choice([0, 1, 2]))):
            place = rng.randrange(len(letters))
            letter = letters[place]
            if letter.lower() in _NEIGHBOURS:
                letters[place] = rng.choice(["", letter * 2, _NEIGHBOURS[letter.lower()]])
        return "".join(letters)

    def _say(self, templates):
        """Choose a phrase and fill it in."""
        rng = self.rng
        text = rng.choice(templates)
        while "[" in text:
            text = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)
        filled = set()

        def fill(match):
            # One chat speaks of one merchant, one amount; "from {city} to {city}" of two.
            name, value = match[1], rng.choice(self.words["slots"][match[1]])
            if name in filled:
                return value
            filled.add(name)
            return self.filled.setdefault(name, value)

        return " ".join(_SLOT.sub(fill, text).split())


def _asked(sentence):
    """Put the question mark behind a question."""
    return sentence + "?" if _QUESTION.match(sentence) and not sentence.endswith("?") else sentence


_QUESTION = re.compile(
    r"(how|what|when|where|who|which|why|can|could|do|does|is|are|am|will)\b(?! the )", re.IGNORECASE
)
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


@functools.cache
def _phrases():
    return read_yaml(Path(__file__).with_name("bank.yaml"))
