"""What the worker processes of one service share, and how they query each other."""

import contextlib
import fcntl
import json
import logging
import socket
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

from pydantic_core import to_json

from chatkit.service.loading import pack, unpack
from chatkit.service.tables import open_log

LOGGER = logging.getLogger("chatkit.service")
TIMEOUT = 1.0  # seconds to wait for the answer of another worker
CONNECT_TIMEOUT = 0.05  # seconds: on this machine a connection is made at once, or not at all


class Workers:
    """What the workers of a service share; made before they are forked.

    A worker that replaces a dead one takes its number and its socket, and the settings that were read at the start.

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
        Of the log; no connection is open yet.
    """

    def __init__(self, settings, count):
        self.count, self.token, self.engine = count, settings.token(), open_log(settings.database)
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        self._model = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - open as long as the service

    @contextlib.contextmanager
    def _locked_model(self):
        fcntl.lockf(self._model, fcntl.LOCK_EX)
        try:
            self._model.seek(0)
            yield self._model
        finally:
            fcntl.lockf(self._model, fcntl.LOCK_UN)

    def store_model(self, files):
        """Store a model that was loaded, a dict of str to bytes, for workers that start later."""
        with self._locked_model() as file:
            file.truncate()
            pack(files, file)

    def stored_model(self):
        """Return the model that was stored last; None where there is none, or it was not written whole."""
        with self._locked_model() as file, contextlib.suppress(zipfile.BadZipFile):
            return unpack(file)

    def close(self):
        """Close this process's files, sockets and connections."""
        for resource in (*self._listeners, self._model):
            resource.close()
        self.engine.dispose()

    def serve(self, number, answers):
        """Answer the other workers, in a thread.

        Parameters
        ----------
        number : int
            Of this worker.
        answers : dict of bytes to callable
            For each question, one byte, a function that returns the answer, something that JSON can hold.
        """
        threading.Thread(target=self._run, args=(self._listeners[number], answers), name="workers", daemon=True).start()

    def _run(self, listener, answers):
        while listener.fileno() >= 0:
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(TIMEOUT)
                    answer = answers.get(connection.recv(1))
                    if answer:  # else it is not one of the workers
                        connection.sendall(to_json(answer()))
            except OSError:  # the other side is gone, or this listener is closed
                time.sleep(0.01)
            except Exception as error:  # noqa: BLE001 - the next question may be answered
                LOGGER.error("a worker cannot answer another one (%s)", type(error).__name__)  # noqa: TRY400

    def ask(self, number, question):
        """Ask all other workers at once.

        Parameters
        ----------
        number : int
            Of this worker.
        question : bytes
            One byte.

        Returns
        -------
        list
            The answer of each worker, by number; None for one that does not answer in time, and for this one.
        """

        def ask_one(other):
            if other == number:
                return None
            try:
                with socket.create_connection(self._listeners[other].getsockname(), CONNECT_TIMEOUT) as connection:
                    connection.settimeout(TIMEOUT)
                    connection.sendall(question)
                    return json.load(connection.makefile("rb"))
            except (OSError, ValueError):  # too late, or it died while it answered
                return None

        with ThreadPoolExecutor(self.count) as pool:
            return list(pool.map(ask_one, range(self.count)))
