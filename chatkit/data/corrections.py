"""What people said later of a chat's category, on its way into the chats."""

import re
from collections import Counter

import pyarrow as pa

_SHA256 = re.compile("[0-9a-f]{64}")
_FROM_LOG = ("conversation_id", "created_at", "subject", "body", "category")


class Corrections:
    """Puts relabels into the chats of a warehouse, chunk by chunk, and counts what becomes of them.

    A chat of the warehouse keeps its text and takes the relabel's category. A chat that the warehouse does not give is
    added with the text of the log, where the log keeps one; its time is that of the prediction.

    Parameters
    ----------
    relabels : pandas.DataFrame or None
        From `chatkit.data.relabels.read_relabels`: one row a message, in the order of message_id. None for none.
    """

    def __init__(self, relabels):
        rows = [] if relabels is None else list(relabels.itertuples(index=False))
        self._waiting = {row.message_id: row for row in rows if row.category.strip()}
        self._counts = Counter(messages=len(rows), empty=len(rows) - len(self._waiting))
        self._conversations = {row.conversation_id for row in rows if row.conversation_id.strip()}
        self._known, self._new = set(), set()

    def correct(self, table):
        """Give chats the category that people gave them last.

        Parameters
        ----------
        table : pyarrow.Table
            Chats of the warehouse, with id, category and relabelled.

        Returns
        -------
        pyarrow.Table
            The same rows; relabelled says which of them have a relabel, or are of a conversation in which a chat has
            one, even one that neither the warehouse nor the log has the text of.
        """
        before = table["category"].to_pylist()
        met = [self._waiting.pop(key, None) for key in table["id"].to_pylist()]
        after = [row.category if row else category for row, category in zip(met, before, strict=True)]
        self._known.update(before)
        self._new.update(row.category for row in met if row)
        self._counts["in_warehouse"] += sum(row is not None for row in met)
        self._counts["changed"] += sum(new != old for new, old in zip(after, before, strict=True))
        conversations = table["conversation_id"].to_pylist()
        touched = [row is not None or name in self._conversations for row, name in zip(met, conversations, strict=True)]
        return _with(_with(table, "category", after), "relabelled", touched)

    def added(self, schema):
        """Return the chats that the warehouse did not give; to be called once, after its last chunk.

        Parameters
        ----------
        schema : pyarrow.Schema

        Returns
        -------
        pyarrow.Table
            In the order of id; what the log does not know is null.
        """
        rows = [row for row in self._waiting.values() if _is_text(row.subject, row.body)]
        self._new.update(row.category for row in rows)
        self._counts.update(added=len(rows), without_text=len(self._waiting) - len(rows))
        chats = [{"id": row.message_id, "relabelled": True} | {n: getattr(row, n) for n in _FROM_LOG} for row in rows]
        return pa.Table.from_pylist(chats, schema)

    def facts(self):
        """Say what became of the relabels; to be called at the end.

        Returns
        -------
        dict
            messages (that have a relabel), in_warehouse (of these; changed: whose category is now another one), added
            (from the log), without_text (could not be added: the log keeps a hash, or nothing), empty (relabels that
            name no category), new_categories (names that the warehouse does not have).
        """
        names = ("messages", "in_warehouse", "changed", "added", "without_text", "empty")
        return {name: self._counts[name] for name in names} | {"new_categories": sorted(self._new - self._known)}


def _with(table, name, values):
    place = table.schema.get_field_index(name)
    field = table.schema.field(place)
    return table.set_column(place, field, pa.array(values, field.type))


def _is_text(subject, body):
    """Tell a text of the log from none, and from a hash: nobody writes 64 hexadecimal digits as subject and as body."""
    if not isinstance(subject, str) or not isinstance(body, str):
        return False
    return not (_SHA256.fullmatch(subject) and _SHA256.fullmatch(body))
