"""Relabels on their way into the chats of the warehouse."""

import re
from collections import Counter

_SHA256 = re.compile("[0-9a-f]{64}")


class Corrections:
    """Puts relabels into the chats of a warehouse, chunk by chunk, and counts what becomes of them.

    A chat of the warehouse keeps its text and takes the relabel's category. A chat that the warehouse does not give is
    added with the text of the log, where the log keeps one; its time is that of the prediction.

    Parameters
    ----------
    relabels : pandas.DataFrame or None
        From `chatkit.data.log.latest_relabels`: one row a message, in the order of message_id. None for none.
    """

    def __init__(self, relabels):
        rows = [] if relabels is None else relabels.to_dict("records")
        self._pending = {row["message_id"]: row for row in rows if row["category"].strip()}
        self._counts = Counter(messages=len(rows), empty=len(rows) - len(self._pending))
        self._conversations = {row["conversation_id"] for row in rows if row["conversation_id"].strip()}
        self._old_categories, self._new_categories = set(), set()

    def correct(self, chats):
        """Give chats the category of their latest relabel.

        Parameters
        ----------
        chats : dict of str to list
            Columns of chats of the warehouse, with id, conversation_id, category and relabelled.

        Returns
        -------
        dict of str to list
            The same chats; relabelled says which of them have a relabel, or are of a conversation in which a chat has
            one, even one that neither the warehouse nor the log has the text of.
        """
        before = chats["category"]
        relabels = [self._pending.pop(key, None) for key in chats["id"]]
        after = [old if row is None else row["category"] for row, old in zip(relabels, before, strict=True)]
        conversations = zip(relabels, chats["conversation_id"], strict=True)
        touched = [row is not None or conversation in self._conversations for row, conversation in conversations]
        self._old_categories.update(before)
        self._new_categories.update(after)
        self._counts["in_warehouse"] += len(relabels) - relabels.count(None)
        self._counts["changed"] += sum(new != old for new, old in zip(after, before, strict=True))
        return chats | {"category": after, "relabelled": touched}

    def added(self, names):
        """Return the chats that the warehouse did not give; to be called once, after its last chunk.

        Parameters
        ----------
        names : list of str
            Columns of the chats.

        Returns
        -------
        dict of str to list
            In the order of id; what the log does not know is None.
        """
        rows = [row for row in self._pending.values() if _is_text(row["subject"], row["body"])]
        self._new_categories.update(row["category"] for row in rows)
        self._counts.update(added=len(rows), without_text=len(self._pending) - len(rows))
        known = ("conversation_id", "created_at", "subject", "body", "category")
        columns = {name: [row[name] for row in rows] for name in known}
        columns |= {"id": [row["message_id"] for row in rows], "relabelled": [True] * len(rows)}
        return {name: columns.get(name, [None] * len(rows)) for name in names}

    def facts(self):
        """Count what became of the relabels; to be called at the end.

        Returns
        -------
        dict
            messages (that have a relabel), in_warehouse (of these; changed: whose category is now another one), added
            (from the log), without_text (could not be added: the log keeps a hash, or nothing), empty (relabels that
            name no category), new_categories (names that the warehouse does not have).
        """
        names = ("messages", "in_warehouse", "changed", "added", "without_text", "empty")
        new = sorted(self._new_categories - self._old_categories)
        return {name: self._counts[name] for name in names} | {"new_categories": new}


def _is_text(subject, body):
    """Tell a text of the log from none, and from a hash: nobody writes 64 hexadecimal digits as subject and as body."""
    texts = [subject, body]
    return all(isinstance(text, str) for text in texts) and not all(map(_SHA256.fullmatch, texts))
