"""Invented messages for timing: as many words as asked for, distributed as in English, with typos and marks."""

import re

import numpy as np
from simplemma.strategies.dictionaries.dictionary_factory import DEFAULT_DICTIONARY_FACTORY

from chatkit.text.stopwords import ENGLISH

KNOWN = 35_000  # distinct words before typos; with them about 80,000 in 100,000 messages
TYPOS, CAPITALS, MARKS, NUMBERS = 0.015, 0.08, 0.10, 0.01  # shares of the words
OTHER_ALPHABET, ADDRESSES = 0.02, 0.01  # shares of the messages
SPECIAL = ("$20", "3/4", "12:30", "1,250.50", "don't", "can't", "I'm", "2026")


def vocabulary(rng):
    """English words, frequent ones first: stop words, then shorter before longer, roughly (Zipf's law of brevity)."""
    dictionary = DEFAULT_DICTIONARY_FACTORY.get_dictionary("en")
    words = sorted({word for word in dictionary if re.fullmatch("[a-z]{2,14}", word)} - set(ENGLISH))
    picked = [words[at] for at in rng.permutation(len(words))[: KNOWN - len(ENGLISH)]]
    order = np.argsort([len(word) for word in picked] + rng.normal(0, 2, len(picked)))
    return np.array([*ENGLISH, *(picked[at] for at in order)], dtype=object)


def messages(n, words=60, seed=0):
    """Make messages.

    Parameters
    ----------
    n : int
    words : int, default=60
        Words in a message.
    seed : int, default=0

    Returns
    -------
    list of str
    """
    rng = np.random.default_rng(seed)
    known = vocabulary(np.random.default_rng(0))
    shares = 1 / (np.arange(len(known)) + 2.7) ** 1.05
    said = known[rng.choice(len(known), size=n * words, p=shares / shares.sum())]

    def some(share):
        return np.flatnonzero(rng.random(len(said)) < share)

    for at in some(TYPOS):
        word, letter = said[at], int(rng.integers(len(said[at])))
        said[at] = word[:letter] + chr(97 + int(rng.integers(26))) + word[letter + 1 :]
    for at in some(CAPITALS):
        said[at] = said[at].capitalize()
    for at in some(MARKS):
        said[at] += ".,!?"[at % 4]
    for at in some(NUMBERS):
        said[at] = SPECIAL[at % len(SPECIAL)]
    made = [" ".join(said[start : start + words]) for start in range(0, len(said), words)]
    for share, more in (
        (OTHER_ALPHABET, " café ’tis"),
        (ADDRESSES, " see https://bank.example/a?b=1 or me@bank.example"),
    ):
        for at in np.flatnonzero(rng.random(n) < share):
            made[at] += more
    return made
