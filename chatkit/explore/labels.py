"""People's labels of chats, on disk as soon as they are given, in the tables of the service's log."""

import contextlib
import datetime as dt
import uuid

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from chatkit.data.database import database_error
from chatkit.data.log import METADATA, PREDICTIONS, RELABELS, open_log
from chatkit.project import InputError
from chatkit.text.mask import mask
from chatkit.text.messages import MESSAGE
from chatkit.text.validation import as_texts

URL = "sqlite:///data/labels/labels.sqlite"
SKIPPED, NOT_SURE = "skip", "not sure"
# A table of our own: what is no label is none of the service's relabels.
ASIDES = sa.Table(
    "asides",
    sa.MetaData(),
    sa.Column("prediction_id", sa.String(36), sa.ForeignKey(PREDICTIONS.c.prediction_id), primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)


class Labels:
    """Labels in a database that `query.relabels` can name: a chat that was shown is a prediction, its label a relabel.

    What somebody says is only ever added to: who takes a label back adds what was true before. Texts are masked, which
    changes nothing for a model (`chatkit.text.mask.mask`).

    Parameters
    ----------
    url : str, default="sqlite:///data/labels/labels.sqlite"
        As of the service's log, see `chatkit.data.log.log_url`; made when it is not there. Several people may use one
        at the same time.

    Raises
    ------
    InputError
        When the database cannot be used.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> labels = Labels(f"sqlite:///{mkdtemp()}/labels.sqlite")
    >>> chats = pd.DataFrame({"id": ["c1"], "subject": ["Lost card"], "body": ["Please block it"]})
    >>> keys = labels.add(chats, "anna", "urgent")
    >>> labels.given()[["id", "category", "by"]].to_numpy().tolist()
    [['c1', 'urgent', 'anna']]
    >>> labels.take_back(keys, "anna")
    >>> len(labels.given())
    0
    """

    def __init__(self, url=URL):
        self._engine = open_log(url, "the URL of the labels")
        if self._engine.dialect.name == "sqlite":
            # Not even a power cut takes a label away.
            sa.event.listen(self._engine, "connect", lambda one, _: one.execute("PRAGMA synchronous = FULL"))
        with self._begin() as connection:
            METADATA.create_all(connection)
            ASIDES.create(connection, checkfirst=True)

    def add(self, chats, by, category=None, aside=None):
        """Write what a person says of chats; when this returns, it is on disk.

        Parameters
        ----------
        chats : pandas.DataFrame
            With id, subject and body; conversation_id, created_at and guess where they are known.
        by : str
            Who.
        category : str, optional
            The label.
        aside : {"skip", "not sure"}, optional
            In place of a label.

        Returns
        -------
        list of str
            The ids of what was added, for `take_back`.

        Raises
        ------
        InputError
            When it cannot be written; then nothing is.
        """
        if chats.empty:
            return []
        with self._begin() as connection:
            at = self._now(connection)
            shown = [_shown(chat, at) for chat in chats.to_dict("records")]
            connection.execute(sa.insert(PREDICTIONS), shown)
            keys = [row["prediction_id"] for row in shown]
            if aside:
                rows = [{"prediction_id": key, "at": at, "said": aside, "by": by} for key in keys]
                connection.execute(sa.insert(ASIDES), rows)
            else:
                connection.execute(sa.insert(RELABELS), [_relabel(key, at, category, by) for key in keys])
        return keys

    def take_back(self, keys, by):
        """Take back what a person said: what was true of these chats before is true again.

        Parameters
        ----------
        keys : list of str
            From `add`.
        by : str
            Who.
        """
        with self._begin() as connection:
            connection.execute(sa.delete(ASIDES).where(ASIDES.c.prediction_id.in_(keys)))
            said, at, rows = self._relabels(connection), self._now(connection), []
            # What each chat that was shown was given in the end.
            said = said.drop_duplicates("prediction_id", keep="last")
            for key, chat in said.loc[said["prediction_id"].isin(keys), ["prediction_id", "id"]].to_numpy():
                stands = said[(said["id"] == chat) & ~said["prediction_id"].isin(keys) & (said["category"] != "")]
                rows += [(key, "", by), *stands[["prediction_id", "category", "by"]].to_numpy()]
            later = [_relabel(key, at + dt.timedelta(microseconds=number), category, who, "taken back")
                     for number, (key, category, who) in enumerate(rows)]  # fmt: skip
            if later:
                connection.execute(sa.insert(RELABELS), later)

    def given(self):
        """List the labels that stand: of each chat each person's last one.

        Returns
        -------
        pandas.DataFrame
            id, conversation_id, category, by, at (UTC), in the order in which they were given.
        """
        with self._begin() as connection:
            said = self._relabels(connection).drop_duplicates(["id", "by"], keep="last")
        said = said[said["category"] != ""]
        said = said.assign(at=pd.to_datetime(said["at"], utc=True))
        return said[["id", "conversation_id", "category", "by", "at"]].reset_index(drop=True)

    def asides(self):
        """List what was skipped and where somebody was not sure: id, said, by."""
        query = sa.select(PREDICTIONS.c.message_id.label("id"), ASIDES.c["said", "by"])
        with self._begin() as connection:
            return _frame(connection.execute(query.join_from(ASIDES, PREDICTIONS).order_by(ASIDES.c.at)))

    def counts(self):
        """Count the answers of each person: by, answer (a category, skip or not sure), chats."""
        given, asides = self.given().rename(columns={"category": "answer"}), self.asides()
        answers = pd.concat([given, asides.rename(columns={"said": "answer"})])
        return answers.groupby(["by", "answer"]).size().rename("chats").reset_index()

    @contextlib.contextmanager
    def _begin(self):
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise InputError(
                f"The labels cannot be read or written ({database_error(error, self._engine)}); see whether the disk "
                "is full or another program holds the file, and try again."
            ) from None

    @staticmethod
    def _now(connection):
        """The time, later than that of every label: a clock that was set back changes no order."""
        now, last = dt.datetime.now(dt.UTC), connection.scalar(sa.select(sa.func.max(RELABELS.c.at)))
        if last is None:
            return now
        last = last if last.tzinfo else last.replace(tzinfo=dt.UTC)  # SQLite knows no zones
        return max(now, last + dt.timedelta(milliseconds=1))

    @staticmethod
    def _relabels(connection):
        columns = (PREDICTIONS.c.message_id.label("id"), PREDICTIONS.c.conversation_id, RELABELS.c.prediction_id,
                   RELABELS.c.category, RELABELS.c.by, RELABELS.c.at)  # fmt: skip
        query = sa.select(*columns).join_from(RELABELS, PREDICTIONS).order_by(RELABELS.c.at, RELABELS.c.relabel_id)
        return _frame(connection.execute(query))


def _frame(result):
    return pd.DataFrame(result.all(), columns=list(result.keys()))


def _shown(chat, at):
    """The row of a chat that is shown to somebody; its time is the chat's, which the next extract gives it."""
    subject, body = (mask(text) for text in as_texts([chat[name] for name in MESSAGE]))
    conversation, created, guess = (chat.get(name) for name in ("conversation_id", "created_at", "guess"))
    return {
        "prediction_id": str(uuid.uuid4()),
        "at": at if pd.isna(created) else pd.Timestamp(created).to_pydatetime(),
        "message_id": str(chat["id"]),
        "conversation_id": "" if pd.isna(conversation) else str(conversation),
        "subject": subject,
        "body": body,
        "category": "" if pd.isna(guess) else guess,
        "model": "",
    }


def _relabel(key, at, category, by, reason=None):
    row = {"relabel_id": str(uuid.uuid4()), "at": at, "prediction_id": key}
    return row | {"category": category, "by": by, "reason": reason}
