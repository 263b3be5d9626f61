"""Words that give a category away: ids, macros, text written after the outcome."""

import re

import numpy as np

from chatkit.evaluation.checks.result import NotRunError, Result

TITLE = "No single word gives a category away"
SEVERITY, LEAKAGE = "fail", "features that would not be there at prediction time"
ADVICE = "Look where the word comes from; if it is not there when a new chat arrives, take it out in the query."
SUPPORT = 15  # training chats with the word
NEXT = 5
CANDIDATES = 3  # words with the highest ratio whose removal is tried
COST = 0.05  # recall that a category loses without the word


def check(run):
    """For each category, the word that says most about it against the mean of the next five.

    In natural text the mutual information of a category's words falls slowly; a word that was put in stands alone.
    It is an alarm where the ratio is over the threshold, and a failure where the model also loses more than five
    points of the category's recall when the word is taken out of the test chats.
    """
    counts, _, names = run.words
    present = counts.copy()
    present.data[:] = 1
    support = np.asarray(present.sum(axis=0)).ravel()
    frequent = np.flatnonzero(support >= SUPPORT)
    if len(frequent) <= NEXT:
        raise NotRunError(f"Fewer than {NEXT + 1} words are in {SUPPORT} training chats or more.")
    y, found = run.train_truth, []
    for category in np.unique(y):
        rows = y == category
        if rows.sum() < SUPPORT:
            continue
        within = np.asarray(present[rows].sum(axis=0)).ravel()[frequent]
        said = np.where(within / rows.sum() > support[frequent] / len(y), _information(
            within, support[frequent], rows.sum(), len(y)), 0)  # fmt: skip
        order = np.argsort(-said, kind="stable")[: NEXT + 1]
        rest = said[order[1:]].mean()
        if rest > 0:
            found.append((float(said[order[0]] / rest), str(category), str(names[frequent[order[0]]])))
    if not found:
        raise NotRunError(f"No category has {SUPPORT} training chats.")
    found = sorted(found, key=lambda row: (-row[0], row[1]))
    limit, evidence, worst = run.thresholds["leak_tokens"], [], 0.0
    for ratio, category, word in found[:CANDIDATES]:
        lost = _lost(run, category, word) if ratio > limit else None
        worst = max(worst, lost or 0.0)
        evidence.append({"word": word, "category": category, "ratio": round(ratio, 2),
                         "recall lost without it": None if lost is None else round(lost, 3)})  # fmt: skip
    ratio, category, word = found[0]
    said = (
        f"The word that stands out most is '{word}' for {category}: it says {ratio:.1f} times as much as the next "
        f"{NEXT} words; {limit:g} times is natural."
    )
    if ratio > limit:
        said += f" Without such words a category loses up to {worst:.1%} of its recall; {COST:.0%} or more fails."
    status = "pass" if ratio <= limit else "fail" if worst >= COST else "warn"
    return Result(status, ratio, limit, said, None, evidence)


def _information(both, word, category, total):
    """Mutual information of a word and a category in nats, from counts of chats."""
    information = np.zeros(len(both))
    for cell, row, column in (
        (both, word, category),
        (word - both, word, total - category),
        (category - both, total - word, category),
        (total - word - category + both, total - word, total - category),
    ):
        ratio = np.divide(cell * total, row * column, out=np.ones(len(both)), where=(cell > 0) & (row * column > 0))
        information += cell / total * np.log(ratio)
    return information


def _lost(run, category, word):
    """Recall of a category that goes when a word is taken out of its test chats."""
    rows = np.flatnonzero(run.truth == category)
    if not len(rows):
        return 0.0
    # Words that are typed tokens, such as _number_, stand for many strings and cannot be taken out.
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    chats = run.test.iloc[rows]
    cut = chats.assign(**{name: [pattern.sub(" ", text) for text in chats[name]] for name in ("subject", "body")})
    after = np.asarray(run.pipeline.predict(run.messages(cut)), dtype=str) == category
    return float(run.hits[rows].mean() - after.mean())
