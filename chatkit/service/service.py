"""What a worker of the service holds: the model, the log, the metrics; and how a new model is taken."""

import datetime as dt
import hashlib
import hmac
import logging
import os
import queue
import threading
import time
import uuid

from chatkit.project import InputError
from chatkit.service.loading import Model, admit
from chatkit.service.log import PredictionLog, together
from chatkit.service.metrics import Metrics
from chatkit.service.schema import messages_model
from chatkit.service.settings import place
from chatkit.service.spool import Spool
from chatkit.service.tables import add_relabels, storable
from chatkit.service.workers import Workers
from chatkit.text.mask import mask

LOGGER = logging.getLogger("chatkit.service")
SETTLE = 0.8  # seconds that a relabel waits at most for its prediction; a worker has to answer in one


class BehindError(Exception):
    """What is asked for may still be on its way into the log."""


class Service:
    """A model at work, with its log.

    Parameters
    ----------
    settings : chatkit.service.settings.Settings
    files : dict of str to bytes
        Of the model, from `chatkit.service.loading.admit`.
    read_settings : callable, optional
        Gives the settings anew when a new model is asked for; by default they stay.
    workers : chatkit.service.workers.Workers, optional
        What all workers have in common; by default there is no other.
    number : int, default=0
        Which of them this is.

    Attributes
    ----------
    model : chatkit.service.loading.Model
    log : chatkit.service.log.PredictionLog
    metrics : chatkit.service.metrics.Metrics
    reload_error : str or None
        Why the last model that was to be taken was not.
    """

    def __init__(self, settings, files, read_settings=None, workers=None, number=0):
        self.settings, self._number = settings, number
        self._workers = workers = workers or Workers(settings, 1)
        self._read_settings = read_settings or (lambda: settings)
        self._engine = workers.engine
        self.messages = messages_model(settings)
        self.slots = threading.BoundedSemaphore(settings.in_work)
        self.reload_error, self._wishes = None, queue.SimpleQueue()
        self._take(Model(files, settings.model))
        spool = Spool(place(settings.spool), number, workers.count) if settings.spool else None
        self.log = PredictionLog(self._engine, settings.buffer, spool)
        self.metrics = Metrics(self)
        threading.Thread(target=self._reload_when_asked, name="reload", daemon=True).start()
        workers.answer(number, {"h": self.state, "m": self.metrics.families, "s": self._settle})

    def _take(self, model):
        self.model, self.loaded_at = model, now()

    def sort(self, messages, words=False):
        """Sort messages and log what was said of them.

        Parameters
        ----------
        messages : list of objects with message_id, conversation_id, subject, body
        words : bool, default=False
            Whether to say which words spoke for it, too.

        Returns
        -------
        list of dict
            See `chatkit.service.schema.Prediction`.
        """
        begun, model = time.perf_counter(), self.model  # another may take its place meanwhile
        texts = [(message.subject, message.body) for message in messages]
        categories, probabilities = model.predict(texts)
        took = round(1000 * (time.perf_counter() - begun), 3)
        at, answers, rows = now(), [], []
        for message, category, shares in zip(messages, categories, probabilities, strict=True):
            ids = {
                "prediction_id": new_id(),
                "message_id": message.message_id,
                "conversation_id": message.conversation_id,
            }
            said = {
                "category": category,
                "model": model.sha256,
                "audit": drawn(ids["prediction_id"], self.settings.audit_share),
            }
            answers.append(ids | said | {"probabilities": shares and dict(zip(model.classes, shares, strict=True))})
            stored = {name: kept(getattr(message, name), self.settings.store_text) for name in ("subject", "body")}
            rows.append(ids | stored | said | {"at": at, "probability": shares and max(shares), "milliseconds": took})
        if words:
            for answer, found in zip(answers, model.words(texts, categories), strict=True):
                answer["words"] = found and [{"word": word, "contribution": value} for word, value in found]
        self.log.put(rows)
        self.metrics.sorted(categories)
        return answers

    def relabel(self, relabels):
        """Add relabels to the log, all or none.

        Parameters
        ----------
        relabels : list of objects with prediction_id, category, by, reason

        Returns
        -------
        ids : list of str
        unknown : list of int
            Places of those whose prediction is not in the log; when there are any, nothing was added.

        Raises
        ------
        BehindError
            When a prediction is not in the log, and may still be on its way there.
        """
        at = dt.datetime.now(dt.UTC)
        rows = [
            # A microsecond apart: of two for the same message the later one counts.
            storable({"relabel_id": new_id(), "at": at + dt.timedelta(microseconds=place), **one.model_dump()})
            for place, one in enumerate(relabels)
        ]
        unknown = add_relabels(self._engine, rows)
        if unknown:  # they may still be on their way into the database
            settled = [self._settle(), *self._ask("s")]
            unknown = add_relabels(self._engine, rows)
            if unknown and settled.count(True) < self._workers.count:
                raise BehindError
        return [row["relabel_id"] for row in rows], unknown

    def _settle(self):
        return self.log.settle(SETTLE)

    def _ask(self, question):
        """What the other workers say; None in the place of this one, and of one that does not answer."""
        return self._workers.ask(self._number, question)

    def may_relabel(self, authorization):
        """Whether a header opens the relabels; None when they are switched off."""
        if self._workers.token is None:
            return None
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._workers.token}".encode())

    def state(self):
        """Say how this worker is: what `health` puts together."""
        return {
            "model": self.model.sha256,
            "loaded_at": self.loaded_at,
            "reload_error": self.reload_error,
            "log": self.log.state(),
        }

    def health(self):
        """Return what `chatkit.service.schema.Health` says."""
        others = self._ask("h")
        states = [self.state(), *filter(None, others)]
        models = {state["model"] for state in states}
        return {
            "live": True,
            "ready": True,
            "workers": {"expected": self._workers.count, "answering": len(states)},
            "model": models.pop() if len(models) == 1 else None,
            "loaded_at": max(state["loaded_at"] for state in states),
            "reload_error": next(filter(None, (state["reload_error"] for state in states)), None),
            "log": together([state["log"] for state in states]),
        }

    def families(self):
        """Return the metrics of all workers that answer: for each its number, and what `Metrics.families` gives."""
        found = self._ask("m")
        found[self._number] = self.metrics.families()
        return {number: families for number, families in enumerate(found) if families}

    def ask_for_reload(self):
        """Take the model that lies in the folder now, in a moment; may be called by a signal's handler."""
        self._wishes.put(None)

    def _reload_when_asked(self):
        while True:
            self._wishes.get()
            self.reload()

    def reload(self):
        """Take the model that lies in the folder now; a bad one leaves the old one at work."""
        try:
            settings = self._read_settings()
            files = admit(place(settings.model), settings.model_sha256)
            self._take(Model(files, settings.model))
            self.reload_error = None
            LOGGER.warning("the model is now %s", self.model.sha256)
            self._keep(files)
        except InputError as error:
            self.reload_error = str(error)
            LOGGER.error("the old model stays: %s", error)  # noqa: TRY400 - the sentence says it all
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new one, the old one works
            self.reload_error = f"The new model cannot be taken ({type(error).__name__})."
            LOGGER.error("the old model stays: %s", self.reload_error)  # noqa: TRY400

    def _keep(self, files):
        try:
            self._workers.keep(files)
        except OSError as error:
            LOGGER.error("a worker that begins later will have an older model (%s)", error.strerror)  # noqa: TRY400

    def close(self, seconds=10.0):
        """Write the log's queue out; returns the number of rows that are lost."""
        lost = self.log.close(seconds)
        self._workers.close()
        return lost


def now():
    """Return the time in UTC as an ISO string."""
    return dt.datetime.now(dt.UTC).isoformat()


def new_id():
    """Return a UUID of version 7: the millisecond, then 74 random bits.

    A large log's index of them grows at its end. Random ones would come in between anywhere, each with a page of the
    file to be read and written.

    References
    ----------
    RFC 9562, section 5.7.
    """
    value = time.time_ns() // 10**6 << 80 | int.from_bytes(os.urandom(10))
    return str(uuid.UUID(int=value & ~(0xF << 76 | 0b11 << 62) | 7 << 76 | 0b10 << 62))


def drawn(prediction_id, share):
    """Tell whether a prediction is in the random sample that people are asked to look at.

    Parameters
    ----------
    prediction_id : str
        A UUID: its last 32 bits, which are random, are the lot.
    share : float
        Of all predictions.

    Returns
    -------
    bool

    Examples
    --------
    >>> drawn("019abc00-9a3b-7c1d-8e2f-0123028f5c28", 0.01)
    True
    >>> drawn("019abc00-9a3b-7c1d-8e2f-0123028f5c29", 0.01)
    False
    """
    return int(prediction_id[-8:], 16) < share * 2**32


def kept(text, store):
    """Return what the log keeps of a text.

    Parameters
    ----------
    text : str
    store : {"full", "masked", "hash", "none"}
        ``masked``: numbers and addresses, not names, as `chatkit.text.mask.mask` does. ``hash``: SHA-256, which shows
        equal texts, and hides no text that somebody can guess.

    Returns
    -------
    str or None

    Examples
    --------
    >>> kept("Card 4921, write to me@bank.example", "masked")
    'Card _number_, write to _email_'
    """
    if store == "none":
        return None
    if store == "hash":
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return mask(text) if store == "masked" else text
