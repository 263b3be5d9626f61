"""Conversations and customers that stand on both sides of the split."""

import numpy as np

from chatkit.evaluation.checks.result import NotRunError, Result
from chatkit.evaluation.checks.statistics import bootstrap
from chatkit.evaluation.intervals import balanced_accuracy

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
    same_conversation, same_customer = (_seen(run, name) for name in ("conversation_id", "customer_id"))
    if same_conversation is None and same_customer is None:
        raise NotRunError(
            "The chats have neither conversation_id nor customer_id, or some are empty; select them in the query."
        )
    limit, share, parts, failed = run.thresholds["groups"], None, [], False
    if same_conversation is not None:
        share = float(same_conversation.mean())
        failed = share > limit
        parts.append(
            f"{same_conversation.sum():,} of {len(run.test):,} test chats ({share:.1%}) belong to a conversation with "
            f"training chats; at most {limit:.1%} may."
        )
    if same_customer is not None:
        said = f"{same_customer.sum():,} are of a customer with training chats"
        if min(same_customer.sum(), (~same_customer).sum()) < FEWEST:
            if share is None:
                raise NotRunError(f"{said}: fewer than {FEWEST} chats on one side, too few to compare.")
            parts.append(f"{said}, too few on one side to compare.")
        else:
            ahead = _ahead(run, same_customer)
            customers = np.unique(run.test["customer_id"], return_inverse=True)[1]
            low, high = bootstrap(ahead, customers, run.seed)
            value = ahead(np.ones(len(run.test)))
            failed |= low > HARM
            parts.append(
                f"{said}: their balanced accuracy is {value:+.3f} from that of the others "
                f"({low:+.3f} to {high:+.3f}); a low end above {HARM:+.2f} fails."
            )
    return Result("fail" if failed else "pass", share, limit, " ".join(parts))


def _seen(run, name):
    """Whether each test chat shares a value with a training chat; None where some chats have no value."""
    if not all(name in chats.columns and chats[name].notna().all() for chats in (run.train, run.test)):
        return None
    return run.test[name].isin(set(run.train[name])).to_numpy()


def _ahead(run, seen):
    # Categories that only one side has would be compared with nothing.
    both = np.intersect1d(run.codes[seen], run.codes[~seen])
    kept = np.isin(run.codes, both)

    def ahead(weights):
        known, unknown = (balanced_accuracy(run.codes, run.hits, weights * kept * side) for side in (seen, ~seen))
        return known - unknown

    return ahead
