"""Conversations and customers that stand on both sides of the split."""

import numpy as np
import pandas as pd

from chatkit.checks.result import NotRunError, Result
from chatkit.checks.run import ids, signed

TITLE = "Nothing is gained from knowing the conversation or the customer"
SEVERITY, LEAKAGE = "fail", "test data not independent of training data"
ADVICE = "Set split.strategy to 'group', with split.group 'conversation_id' or 'customer_id'."
THRESHOLD = 0.0  # share of test chats of a training conversation
HARM = 0.02  # balanced accuracy that chats of known customers may be ahead
CHATS = 30  # on each side of the comparison, at least


def check(run, threshold=THRESHOLD):
    """Share of test chats of a training conversation, and how far chats of known customers are ahead of others.

    A conversation must not be on both sides. A customer may write again, so that is a fault only where it helps:
    balanced accuracy of known customers' chats minus that of the others', with a bootstrap that draws customers.
    """
    compared = {name: _compared(run, name) for name in ("conversation_id", "customer_id")}
    conversations, customers = compared.values()
    if not any(compared.values()):
        raise NotRunError("Neither conversation_id nor customer_id is known on both sides; select them in the query.")
    share, sentences, failed = None, [], False
    if conversations:
        has_id, known, lack = conversations
        share = float(known.sum() / has_id.sum())
        failed = share > threshold
        count = f"{known.sum():,} of {has_id.sum():,} test chats ({share:.1%})"
        sentences.append(f"{count} are of a conversation with training chats; at most {threshold:.1%} may be.{lack}")
    if customers:
        has_id, known, lack = customers
        new, count = has_id & ~known, f"{known.sum():,} are of a customer with training chats"
        # Categories on one side only would be compared with nothing.
        both = np.isin(run.codes, np.intersect1d(run.codes[known], run.codes[new]))
        if min(known.sum(), new.sum()) >= CHATS and both.any():
            numbers = pd.factorize(run.test["customer_id"].where(has_id), sort=True)[0].clip(0)  # others have no weight
            gain = run.compare_accuracy(known & both, new & both, numbers)
            failed |= gain[1] > HARM
            comparison = f"their balanced accuracy is {signed(*gain)} from that of the others"
            sentences.append(f"{count}: {comparison}; a low end above {HARM:+.2f} fails.{lack}")
        elif share is None:
            raise NotRunError(f"{count}: fewer than {CHATS} chats on one side, too few to compare.{lack}")
        else:
            sentences.append(f"{count}, too few on one side to compare.{lack}")
    sentences += [f"No {name} was compared: one side has none." for name, sides in compared.items() if not sides]
    return Result("fail" if failed else "pass", " ".join(sentences), share, threshold=threshold)


def _compared(run, name):
    """Test chats that have an id, those of a training chat's, a sentence on others; None where a side has no ids."""
    train, test = ids(run.train, name), ids(run.test, name)
    has_id = test != ""
    if not has_id.any() or not (train != "").any():
        return None
    missing = (~has_id).sum(), (train == "").sum()
    lack = f" {missing[0]:,} test chats and {missing[1]:,} training chats have no {name}." if any(missing) else ""
    return has_id, has_id & np.isin(test, train), lack
