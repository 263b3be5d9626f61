"""Conversations and customers that stand on both sides of the split."""

import numpy as np
import pandas as pd

from chatkit.checks.result import NotRunError, Result, ids, interval
from chatkit.scores.metrics import balanced_accuracy

TITLE = "Nothing is gained from knowing the conversation or the customer"
SEVERITY, LEAKAGE = "fail", "test data not independent of training data"
ADVICE = "Set split.strategy to 'group', with split.group 'conversation_id' or 'customer_id'."
HARM = 0.02  # balanced accuracy that chats of known customers may be ahead
FEWEST = 30  # chats on each side of the comparison


def check(run):
    """Share of test chats of a training conversation, and how far chats of known customers are ahead of others.

    A conversation must not be on both sides. A customer may write again, so that is a fault only where it helps:
    balanced accuracy of known customers' chats minus that of the others', with a bootstrap that draws customers.
    """
    conversations, customers = (_seen(run, name) for name in ("conversation_id", "customer_id"))
    if conversations is None and customers is None:
        raise NotRunError(
            "The chats have neither conversation_id nor customer_id, or one side has none; select them in the query."
        )
    limit, share, parts, failed = run.thresholds["groups"], None, [], False
    if conversations is not None:
        rows, same, lack = conversations
        share = float(same.mean())
        failed = share > limit
        parts.append(
            f"{same.sum():,} of {len(rows):,} test chats ({share:.1%}) belong to a conversation with "
            f"training chats; at most {limit:.1%} may.{lack}"
        )
    if customers is not None:
        rows, same, lack = customers
        said = f"{same.sum():,} are of a customer with training chats"
        ahead = _ahead(run.codes[rows], run.hits[rows], same)
        if min(same.sum(), (~same).sum()) < FEWEST or ahead is None:
            if share is None:
                raise NotRunError(f"{said}: fewer than {FEWEST} chats on one side, too few to compare.{lack}")
            parts.append(f"{said}, too few on one side to compare.{lack}")
        else:
            numbers = pd.factorize(run.test["customer_id"].iloc[rows], sort=True)[0]
            value, low, high = interval(ahead, numbers, run.seed)
            failed |= low > HARM
            parts.append(
                f"{said}: their balanced accuracy is {value:+.3f} from that of the others "
                f"({low:+.3f} to {high:+.3f}); a low end above {HARM:+.2f} fails.{lack}"
            )
    for name, found in (("conversation_id", conversations), ("customer_id", customers)):
        if found is None:
            parts.append(f"No {name} was compared: one side has none.")
    return Result("fail" if failed else "pass", share, limit, " ".join(parts))


def _seen(run, name):
    """Compare the chats that have a value; None where a side has none.

    Returns
    -------
    rows : ndarray of int of shape (n,)
        Test chats with a value.
    same : ndarray of bool of shape (n,)
        Whether a training chat has the same one.
    lack : str
        A sentence on the chats without a value, after a space; "" where all have one.
    """
    if name not in run.train.columns or name not in run.test.columns:
        return None
    values = [ids(chats, name) for chats in (run.train, run.test)]
    known, new = (np.flatnonzero(side != "") for side in values)
    if not len(known) or not len(new):
        return None
    without = [len(side) - len(rows) for side, rows in zip(values, (known, new), strict=True)]
    lack = f" {without[1]:,} test chats and {without[0]:,} training chats have no {name}." if any(without) else ""
    return new, np.isin(values[1][new], values[0][known]), lack


def _ahead(codes, hits, seen):
    """How far chats that were seen are ahead, by weight; None where no category is on both sides."""
    both = np.intersect1d(codes[seen], codes[~seen])
    if not len(both):
        return None
    kept = np.isin(codes, both)  # others would be compared with nothing

    def ahead(weights):
        known, unknown = (balanced_accuracy(codes, hits, weights * kept * side) for side in (seen, ~seen))
        return known - unknown

    return ahead
