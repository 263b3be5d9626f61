"""What a worker of the service holds: the model, the log, the metrics; and how it loads a new model."""

import datetime as dt
import hashlib
import hmac
import logging
import os
import signal
import threading
import time
import uuid

from chatkit.project import InputError, path
from chatkit.service.loading import Model, read_verified
from chatkit.service.log import PredictionLog, combine
from chatkit.service.metrics import Metrics
from chatkit.service.schema import messages_model
from chatkit.service.spool import Spool
from chatkit.service.tables import add_relabels
from chatkit.service.workers import Workers
from chatkit.text.mask import mask

LOGGER = logging.getLogger("chatkit.service")
RELOAD_SIGNAL = {signal.SIGHUP}  # blocked in all threads of a worker, so that it is pending until it is waited for
FLUSH_TIMEOUT = 0.8  # seconds that a relabel waits at most for its prediction; a worker has to answer in one


class PendingError(Exception):
    """A prediction may still be on its way into the log."""


class Service:
    """A model with its log.

    Parameters
    ----------
    settings : chatkit.service.settings.Settings
    files : dict of str to bytes
        Of the model, from `chatkit.service.loading.read_verified`.
    read_settings : callable, optional
        Returns the settings anew at a reload; by default they stay.
    workers : chatkit.service.workers.Workers, optional
        What all workers share; by default there is no other worker.
    number : int, default=0
        Of this worker.

    Attributes
    ----------
    model : chatkit.service.loading.Model
    log : chatkit.service.log.PredictionLog
    metrics : chatkit.service.metrics.Metrics
    reload_error : str or None
        Why the last reload failed.
    """

    def __init__(self, settings, files, read_settings=None, workers=None, number=0):
        self.settings, self._number = settings, number
        self._workers = workers or Workers(settings, 1)
        self._read_settings = read_settings or (lambda: settings)
        self.messages = messages_model(settings)
        self.slots = threading.BoundedSemaphore(settings.in_work)
        self.reload_error = None
        self.model, self.loaded_at = Model(files, settings.model), utc_timestamp()
        spool = Spool(path(settings.spool), number, self._workers.count) if settings.spool else None
        self.log = PredictionLog(self._workers.engine, settings.buffer, spool)
        self.metrics = Metrics(self)
        threading.Thread(target=self._reload_at_signal, name="reload", daemon=True).start()
        self._answers = {b"h": self.state, b"m": self.metrics.worker_text, b"f": lambda: self.log.flush(FLUSH_TIMEOUT)}
        self._workers.serve(number, self._answers)

    def classify(self, messages, words=False):
        """Predict the categories of messages and log the predictions.

        Parameters
        ----------
        messages : list of objects with message_id, conversation_id, subject, body
        words : bool, default=False
            Whether to return the words that contributed most, too.

        Returns
        -------
        list of dict
            See `chatkit.service.schema.Prediction`.
        """
        started, model = time.perf_counter(), self.model  # a reload may replace it meanwhile
        texts = [(message.subject, message.body) for message in messages]
        categories, probabilities = model.predict(texts)
        milliseconds = round(1000 * (time.perf_counter() - started), 3)
        at, store_text, answers, rows = utc_timestamp(), self.settings.store_text, [], []
        for message, category, shares in zip(messages, categories, probabilities, strict=True):
            prediction_id = new_id()
            shared = {
                "prediction_id": prediction_id,
                "message_id": message.message_id,
                "conversation_id": message.conversation_id,
                "category": category,
                "model": model.sha256,
                "audit": in_audit_sample(prediction_id, self.settings.audit_share),
            }
            answers.append(shared | {"probabilities": shares and dict(zip(model.classes, shares, strict=True))})
            logged = {name: text_to_log(getattr(message, name), store_text) for name in ("subject", "body")}
            logged |= {"at": at, "probability": shares and max(shares), "milliseconds": milliseconds}
            rows.append(shared | logged)
        if words:
            for answer, top_words in zip(answers, model.words(texts, categories), strict=True):
                answer["words"] = top_words and [{"word": word, "contribution": value} for word, value in top_words]
        self.log.put(rows)
        self.metrics.count_predictions(categories)
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
            Indices of those whose prediction is not in the log; when there are any, nothing was added.

        Raises
        ------
        PendingError
            When a prediction is not in the log, and may still be on its way there.
        """
        at = dt.datetime.now(dt.UTC)
        rows = [
            # A microsecond apart: of two for the same message the later one counts. A reason may quote the message.
            {"relabel_id": new_id(), "at": at + dt.timedelta(microseconds=index), **relabel.model_dump()}
            | {"reason": relabel.reason and text_to_log(relabel.reason, self.settings.store_text)}
            for index, relabel in enumerate(relabels)
        ]
        unknown = add_relabels(self._workers.engine, rows)
        if unknown:  # they may still be in the queue of a worker
            flushed = self.ask_all(b"f")
            unknown = add_relabels(self._workers.engine, rows)
            if unknown and flushed.count(True) < self._workers.count:
                raise PendingError
        return [row["relabel_id"] for row in rows], unknown

    def may_relabel(self, authorization):
        """Whether the header Authorization holds the token for relabels; None when they are switched off."""
        if self._workers.token is None:
            return None
        return hmac.compare_digest(authorization.encode(), f"Bearer {self._workers.token}".encode())

    def state(self):
        """Return the state of this worker, for `health`."""
        return {
            "model": self.model.sha256,
            "loaded_at": self.loaded_at,
            "reload_error": self.reload_error,
            "log": self.log.state(),
        }

    def health(self):
        """Return the state of all workers that answer, see `chatkit.service.schema.Health`."""
        states = [state for state in self.ask_all(b"h") if state]
        models = {state["model"] for state in states}
        return {
            "live": True,
            "ready": True,
            "workers": {"expected": self._workers.count, "answering": len(states)},
            "model": models.pop() if len(models) == 1 else None,
            "loaded_at": max(state["loaded_at"] for state in states),
            "reload_error": next(filter(None, (state["reload_error"] for state in states)), None),
            "log": combine([state["log"] for state in states]),
        }

    def ask_all(self, question):
        """Return the answers of all workers, this one included, by number; None for one that does not answer."""
        answers = self._workers.ask(self._number, question)
        answers[self._number] = self._answers[question]()
        return answers

    def _reload_at_signal(self):
        while True:
            signal.sigwait(RELOAD_SIGNAL)
            self.reload()

    def reload(self):
        """Load the model that is in the folder now; if that fails, the current model stays in use."""
        try:
            settings = self._read_settings()
            files = read_verified(path(settings.model), settings.model_sha256)
            self.model, self.loaded_at = Model(files, settings.model), utc_timestamp()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new model, the current one works
            known = isinstance(error, InputError)
            self.reload_error = str(error) if known else f"The new model cannot be loaded ({type(error).__name__})."
            LOGGER.error("the current model stays: %s", self.reload_error)  # noqa: TRY400 - the sentence says it all
            return
        self.reload_error = None
        LOGGER.warning("the model is now %s", self.model.sha256)
        try:
            self._workers.store_model(files)
        except OSError as error:
            LOGGER.error("a worker that starts later will have an older model (%s)", error.strerror)  # noqa: TRY400

    def close(self, seconds=10.0):
        """Write the log's queue; returns the number of rows that are lost."""
        lost = self.log.close(seconds)
        self._workers.close()
        return lost


def utc_timestamp():
    """Return the time in UTC as an ISO string."""
    return dt.datetime.now(dt.UTC).isoformat()


def new_id():
    """Return a UUID of version 7: the millisecond, then 74 random bits.

    The index of a large log grows at its end; random ids would be inserted anywhere, each with a page of the file to
    be read and written.

    References
    ----------
    RFC 9562, section 5.7.
    """
    value = time.time_ns() // 10**6 << 80 | int.from_bytes(os.urandom(10))
    return str(uuid.UUID(int=value & ~(0xF << 76 | 0b11 << 62) | 7 << 76 | 0b10 << 62))


def in_audit_sample(prediction_id, share):
    """Whether a prediction is in the random sample that people are asked to look at.

    Parameters
    ----------
    prediction_id : str
        A UUID: its last 32 bits, which are random, decide.
    share : float
        Of all predictions.

    Returns
    -------
    bool

    Examples
    --------
    >>> in_audit_sample("019abc00-9a3b-7c1d-8e2f-0123028f5c28", 0.01)
    True
    >>> in_audit_sample("019abc00-9a3b-7c1d-8e2f-0123028f5c29", 0.01)
    False
    """
    return int(prediction_id[-8:], 16) < share * 2**32


def text_to_log(text, store):
    """Return what the log stores of a text: of a subject, a body or the reason of a relabel.

    Parameters
    ----------
    text : str
    store : {"full", "masked", "hash", "none"}
        ``masked``: numbers, ids and addresses, not names, as `chatkit.text.mask.mask` does. ``hash``: SHA-256, which is
        equal for equal texts, and hides no text that somebody can guess.

    Returns
    -------
    str or None

    Examples
    --------
    >>> text_to_log("Card 4921, write to me@bank.example", "masked")
    'Card _number_, write to _email_'
    """
    if store == "none":
        return None
    if store == "hash":
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return mask(text) if store == "masked" else text
