"""Words that give a category away: ids, macros, text written after the outcome."""

import numpy as np
import pandas as pd

from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import LEVEL, as_categories, require, rounded
from chatkit.statistics import wilson
from chatkit.text.messages import MESSAGE
from chatkit.text.tokens import Words, normalise, split

TITLE = "No word was put in that gives a category away"
SEVERITY, LEAKAGE = "fail", "features that would not be there at prediction time"
ADVICE = "Look where the word comes from; if it is not there when a new chat arrives, take it out in the query."
THRESHOLD = 0.65  # share of the chats with a word that are in one category, with the word at one end
SUPPORT, SHARE = 10, 0.04  # training chats with the word, and their share of a category's
LONG = 4  # words of a text that has ends; in a shorter one every word is near one
NEARLY = 0.95  # a machine writes always; what people write has exceptions
CANDIDATES = 3  # words shown, and whose removal is tried
COST = 0.05  # recall that a category loses without the word
_REPLACED = Words(None, "none", ())


def check(run, threshold=THRESHOLD):
    """Look for words that nearly always stand in one category, and first or last in the subject or the body.

    People's words tell categories too, and a single one may say more than all others: "passcode" among chats about
    passcodes. But people put a word here or there, and say it about other things at times. What a macro or a system
    writes into a chat stands in front or at the end, and only where the category was given. The statistic of a word is
    the smaller of two shares of the training chats that have it, those in its main category and those at its main end,
    each taken at the low end of its Wilson interval. Over the threshold it is an alarm, and a failure where the
    model also loses five points of the category's recall when the word is taken out of the test chats.

    A word in the midst of a text, or in one of fewer than four words, cannot be told from a word that people chose: it
    is not seen. Numbers, amounts and dates count as one word each.
    """
    codes, categories = pd.factorize(run.train_truth, sort=True)
    require(len(categories), 2, "categories among the training chats")
    counts, words = run.words
    present = counts[: len(run.train)].astype(bool).tocsc()
    chats = present.T @ np.eye(len(categories), dtype=int)[codes]  # with a word, in a category
    support, main, in_main = chats.sum(axis=1), chats.argmax(axis=1), chats.max(axis=1)
    is_frequent = (support >= SUPPORT) & (in_main >= SHARE * np.bincount(codes)[main])
    if not is_frequent.any():
        raise NotRunError(f"No word is in {SUPPORT} training chats and {SHARE:.0%} of a category's.")
    ends, suspects = _ends(run.train), []
    shares, lows, _ = wilson(in_main, support, LEVEL)
    for word in np.flatnonzero(is_frequent & (shares >= NEARLY)):
        rows = present[:, [word]].indices
        at_end, at_end_low, _ = wilson(int((ends[rows] == words[word]).sum(axis=0).max()), len(rows), LEVEL)
        if at_end >= NEARLY:
            low = rounded(min(lows[word], at_end_low))
            suspects.append((low, str(categories[main[word]]), str(words[word]), len(rows)))
    suspects = sorted(suspects, key=lambda row: (-row[0], row[1:]))[:CANDIDATES]
    if not suspects:
        explanation = (
            f"None of {is_frequent.sum():,} words is nearly always in one category and at one end of a text of {LONG} "
            "words or more. Elsewhere, a word that was put in is not told from one that people chose."
        )
        return Result("pass", explanation, 0.0, threshold=threshold)
    costs = [_lost_recall(run, category, word) if low > threshold else None for low, category, word, _ in suspects]
    evidence = [
        {"word": word, "category": category, "training chats": rows, "at least": round(low, 2),
         "recall lost without it": None if cost is None else round(cost, 3)}
        for (low, category, word, rows), cost in zip(suspects, costs, strict=True)
    ]  # fmt: skip
    low, category, _, rows = suspects[0]
    # Not the word itself, which may be a customer's name or number: the sentence ends in a file that is kept in git.
    explanation = (
        f"One word, the first of the evidence, is in {rows:,} training chats, nearly always in {category} and at one "
        f"end of the text; of all such chats at least {low:.0%} would be so, and more than {threshold:.0%} is an alarm."
    )
    status = "pass"
    if low > threshold:
        worst = max(cost for cost in costs if cost is not None)
        status = "fail" if worst >= COST else "warn"
        explanation += f" Without them a category loses up to {worst:.1%} of its recall; {COST:.0%} or more fails."
    return Result(status, explanation, low, threshold=threshold, evidence=evidence)


def _ends(chats):
    """Return the first and the last word of subject and body, a column each, "" where a text is short or empty."""
    words = [[_words(text) for text in chats[name]] for name in MESSAGE]
    ends = [[text[end] if len(text) >= LONG else "" for text in column] for column in words for end in (0, -1)]
    return np.array(ends, dtype=object).T


def _words(text):
    """Words of a text, as `run.words` counts them."""
    return [word for token in split(normalise(text)) for word in _REPLACED[token].split()]


def _lost_recall(run, category, word):
    """Recall of a category that goes when a word is taken out of its test chats."""
    chats = run.test[run.truth == category]
    if chats.empty:
        return 0.0

    def recall(dropped):
        return (as_categories(run.pipeline.predict(run.messages(_rewritten(chats, dropped)))) == category).mean()

    return float(recall(None) - recall(word))


def _rewritten(chats, dropped):
    """Write the texts anew from their tokens, without those that give a word: so both versions are written alike."""
    return chats.assign(**{
        name: [" ".join(token for token in split(normalise(text)) if dropped not in _REPLACED[token].split())
               for text in chats[name]]
        for name in MESSAGE
    })  # fmt: skip
