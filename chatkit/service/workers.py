"""What the workers of one service know of each other: each answers the others on a socket of its own."""

import contextlib
import json
import logging
import socket
import threading
import time

from pydantic_core import to_json

LOGGER = logging.getLogger("chatkit.service")
PATIENCE = 1.0  # seconds to wait for another worker


class Workers:
    """The workers of a service, made before they are: each has the sockets of all.

    A worker that takes the place of a dead one takes its number and its socket.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count):
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]

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
        deadline = time.monotonic() + PATIENCE
        asked = [None if place == number else _call(own, question) for place, own in enumerate(self._sockets)]
        return [other and _hear(other, deadline) for other in asked]


def _call(own, question):
    try:
        other = socket.create_connection(own.getsockname(), PATIENCE)
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
