"""Words that give a category away: ids, macros, text written after the outcome."""

import numpy as np
import pandas as pd

from chatkit.checks.result import LEVEL, NotRunError, Result, as_categories, settled
from chatkit.statistics import wilson
from chatkit.text.tokens import Words, normalise, split

TITLE = "No word was put in that gives a category away"
SEVERITY, LEAKAGE = "fail", "features that would not be there at prediction time"
ADVICE = "Look where the word comes from; if it is not there when a new chat arrives, take it out in the query."
SUPPORT, SHARE = 10, 0.04  # training chats with the word, and their share of a category's
LONG = 4  # words of a text that has ends; in a shorter one every word is near one
NEARLY = 0.95  # a machine writes always; what people write has exceptions
CANDIDATES = 3  # words shown, and whose removal is tried
COST = 0.05  # recall that a category loses without the word
_REPLACED = Words(None, "none", ())


def check(run):
    """Look for words that nearly always stand in one category, and first or last in the subject or the body.

    People's words tell categories too, and a single one may say more than all others: "passcode" among chats about
    passcodes. But people put a word here or there, and say it about other things at times. What a macro or a system
    writes into a chat stands in front or at the end, and only where the category was given. The statistic of a word is
    the smaller of two shares of the training chats that have it, those in its main category and those at its main end,
    each taken at the low end of its Wilson interval. Over the threshold it is an alarm, and a failure where the
    model also loses five points of the category's recall when the word is taken out of the test chats.

    A word in the midst of a text, or in one of fewer than four words, cannot be told from a telling word: it is not
    seen. Numbers, amounts and dates count as one word each.
    """
    codes, categories = pd.factorize(run.train_truth, sort=True)
    if len(categories) < 2:
        raise NotRunError("The training chats have one category only: there is nothing to give away.")
    counts, _, names = run.words
    present = counts.copy()
    present.data[:] = 1
    within = np.vstack([np.asarray(present[codes == code].sum(axis=0)).ravel() for code in range(len(categories))])
    support, main = within.sum(axis=0), within.argmax(axis=0)
    most = within[main, np.arange(len(main))]
    some = np.flatnonzero((support >= SUPPORT) & (most >= SHARE * np.bincount(codes)[main]))
    if not len(some):
        raise NotRunError(f"No word is in {SUPPORT} training chats and {SHARE:.0%} of a category's.")
    limit, ends, found = run.thresholds["leak_tokens"], _ends(run.train), []
    pure = wilson(most[some], support[some], LEVEL)
    columns = present.tocsc()
    for word, share, low in zip(some, pure[0], pure[1], strict=True):
        if share < NEARLY:
            continue
        rows = columns.indices[columns.indptr[word] : columns.indptr[word + 1]]
        placed, placed_low, _ = wilson(int((ends[rows] == names[word]).sum(axis=0).max()), len(rows), LEVEL)
        if placed >= NEARLY:
            found.append((settled(min(low, placed_low)), str(categories[main[word]]), str(names[word]), len(rows)))
    found = sorted(found, key=lambda row: (-row[0], row[1:]))[:CANDIDATES]
    if not found:
        said = (
            f"None of {len(some):,} words stands nearly always in one category and at one end of a text of {LONG} "
            "words or more. Elsewhere, a word that was put in is not told from one that people chose."
        )
        return Result("pass", 0.0, limit, said)
    lost = [_lost(run, category, word) if low > limit else None for low, category, word, _ in found]
    evidence = [
        {"word": word, "category": category, "training chats": rows, "at least": round(low, 2),
         "recall lost without it": None if cost is None else round(cost, 3)}
        for (low, category, word, rows), cost in zip(found, lost, strict=True)
    ]  # fmt: skip
    low, category, _, rows = found[0]
    # Not the word itself, which may be a customer's name or number: the sentence ends in a file that is kept in git.
    said = (
        f"One word, the first of the evidence, stands in {rows:,} training chats, nearly always in {category} and at "
        f"one end of the text; of all such chats at least {low:.0%} would be so, and more than {limit:.0%} is an alarm."
    )
    if low <= limit:
        return Result("pass", low, limit, said, None, evidence)
    worst = max(cost for cost in lost if cost is not None)
    said += f" Without such words a category loses up to {worst:.1%} of its recall; {COST:.0%} or more fails."
    return Result("fail" if worst >= COST else "warn", low, limit, said, None, evidence)


def _ends(chats):
    """Return the first and the last word of subject and body, a column each, "" where a text is short or empty."""
    found = []
    for texts in zip(chats["subject"], chats["body"], strict=True):
        words = [_words(text)[1] for text in texts]
        found.append([word for some in words for word in ((some[0], some[-1]) if len(some) >= LONG else ("", ""))])
    return np.array(found, dtype=object)


def _words(text):
    """Tokens of a text, and the words that stand in their place, as `run.words` counts them."""
    tokens = split(normalise(text))
    return tokens, [word for token in tokens for word in _REPLACED[token].split()]


def _lost(run, category, word):
    """Recall of a category that goes when a word is taken out of its test chats."""
    rows = np.flatnonzero(run.truth == category)
    if not len(rows):
        return 0.0
    chats = run.test.iloc[rows]
    hits = [
        as_categories(run.pipeline.predict(run.messages(_rewritten(chats, dropped)))) == category
        for dropped in (None, word)
    ]
    return float(hits[0].mean() - hits[1].mean())


def _rewritten(chats, dropped):
    """Write the texts anew from their tokens, without those that give a word: so both versions are written alike."""
    return chats.assign(**{
        name: [" ".join(token for token in _words(text)[0] if dropped not in _REPLACED[token].split())
               for text in chats[name]]
        for name in ("subject", "body")
    })  # fmt: skip
