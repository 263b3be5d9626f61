"""What the workers of one service have in common, and how they ask each other."""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import socket
import tempfile
import threading
import time

from pydantic_core import to_json

from chatkit.service.tables import open_log

LOGGER = logging.getLogger("chatkit.service")
PATIENCE = 1.0  # seconds to wait for another worker
CALL = 0.05  # seconds to reach it: on this machine that works at once, or not at all


class Workers:
    """The workers of a service, made before they are: each has all of it.

    A worker that takes the place of a dead one takes its number and its socket, and goes by what was read at the start.

    Parameters
    ----------
    settings : chatkit.service.settings.Settings
    count : int
        How many workers there are.

    Attributes
    ----------
    count : int
    token : str or None
        See `chatkit.service.settings.Settings.token`.
    engine : sqlalchemy.engine.Engine
        Of the log; nothing was asked of it yet.
    """

    def __init__(self, settings, count):
        self.count, self.token, self.engine = count, settings.token(), open_log(settings.database)
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        self._model = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the service

    def keep(self, files):
        """Keep a model that was taken, for a worker that begins later.

        Parameters
        ----------
        files : dict of str to bytes
        """
        sizes = {name: len(data) for name, data in files.items()}
        data = b"\n".join([json.dumps(sizes).encode(), *files.values()])
        fcntl.lockf(self._model, fcntl.LOCK_EX)
        try:
            os.ftruncate(self._model.fileno(), 0)
            os.pwrite(self._model.fileno(), hashlib.sha256(data).digest() + data, 0)
        finally:
            fcntl.lockf(self._model, fcntl.LOCK_UN)

    def kept(self):
        """Return the model that was taken last; None where none was, or where it was not written whole."""
        fcntl.lockf(self._model, fcntl.LOCK_EX)
        try:
            data = os.pread(self._model.fileno(), os.fstat(self._model.fileno()).st_size, 0)
        finally:
            fcntl.lockf(self._model, fcntl.LOCK_UN)
        digest, data = data[:32], data[32:]
        if hashlib.sha256(data).digest() != digest:
            return None
        head, _, rest = data.partition(b"\n")
        files, at = {}, 0
        for name, size in json.loads(head).items():
            files[name] = rest[at : at + size]
            at += size + 1
        return files

    def close(self):
        """Close what this process has of it."""
        for own in (*self._sockets, self._model):
            own.close()
        self.engine.dispose()

    def answer(self, number, answers):
        """Answer the others, in a thread.

        Parameters
        ----------
        number : int
            Of this worker.
        answers : dict of str to callable
            What can be asked, one letter each, and what gives the answer, something that JSON can hold.
        """
        threading.Thread(target=self._run, args=(number, answers), name="workers", daemon=True).start()

    def _run(self, number, answers):
        while True:
            try:
                asker, _ = self._sockets[number].accept()
                with asker:
                    asker.settimeout(PATIENCE)
                    answer = answers.get(asker.recv(1).decode("ascii", "replace"))
                    if answer:  # else it is a stranger
                        asker.sendall(to_json(answer()))
            except OSError:  # the asker is gone
                if self._sockets[number].fileno() < 0:
                    return
                time.sleep(0.01)
            except Exception as error:  # noqa: BLE001 - the next question may be answered
                LOGGER.error("a worker cannot say how it is (%s)", type(error).__name__)  # noqa: TRY400

    def ask(self, number, question):
        """Ask the others.

        Parameters
        ----------
        number : int
            Of this worker.
        question : str
            One letter.

        Returns
        -------
        list
            What each worker says, in their order; None where one does not answer in time, and for this one.
        """
        asked = [None if place == number else _call(own, question) for place, own in enumerate(self._sockets)]
        deadline = time.monotonic() + PATIENCE
        return [other and _hear(other, deadline) for other in asked]


def _call(own, question):
    try:
        other = socket.create_connection(own.getsockname(), CALL)
    except OSError:  # many have asked it already, and it has not answered
        return None
    with contextlib.suppress(OSError):  # nothing will be heard then
        other.sendall(question.encode())
    return other


def _hear(other, deadline):
    said = b""
    with other:
        try:
            while True:
                other.settimeout(max(deadline - time.monotonic(), 0.001))
                part = other.recv(2**16)
                if not part:
                    return json.loads(said)
                said += part
        except (OSError, ValueError):  # too late, or it died in the middle
            return None
