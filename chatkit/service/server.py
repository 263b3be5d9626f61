"""The service as processes: gunicorn and its workers, a model that can be changed while they run."""

import contextlib
import gc
import json
import logging
import os
import select
import signal
import socket
import struct
import sys
import time

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from chatkit.project import InputError
from chatkit.service.app import create_app
from chatkit.service.loading import admit
from chatkit.service.service import Service
from chatkit.service.settings import place
from chatkit.service.spool import lock_spool
from chatkit.service.workers import Workers

LOGGER = logging.getLogger("chatkit.service")
SPARE = 24  # threads for /health, /metrics and for those who are told to come again
SILENCE = 5  # seconds that a client may be silent in the middle of a request
LONGEST = 20  # seconds that a request may take to come in, however little of it comes at a time
SWITCH = 0.0005  # seconds a thread may go on while others wait: ten times shorter than usual, since answers are short
STAY = 20  # milliseconds to wait for the next request of a client
GRACE = 15  # seconds to answer what is being worked on; then the log has some to be written
FLUSH = 10
STATUS = {
    errors.LimitRequestLine: (414, "URI Too Long"),
    errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    errors.UnsupportedTransferCoding: (501, "Not Implemented"),
    errors.ExpectationFailed: (417, "Expectation Failed"),
    errors.ParseException: (400, "Bad Request"),
}


def serve(settings, read_settings):
    """Run the service until it is told to stop; SIGHUP takes the model that then lies in the folder.

    Parameters
    ----------
    settings : chatkit.service.settings.Settings
    read_settings : callable
        Gives the settings anew; at SIGHUP the model's folder and digest are taken from it.

    Raises
    ------
    InputError
        When the model, the log, the spool, the token or the address cannot be used.
    """
    asked = []  # for a new model while this one is being read
    signal.signal(signal.SIGHUP, lambda *_: asked.append(True))
    show_log()
    workers = Workers(settings, settings.workers)
    if settings.spool:
        lock_spool(place(settings.spool))
    wait_for_address(settings.host, settings.port)
    files = admit(place(settings.model), settings.model_sha256)
    Server(settings, files, read_settings, workers, asked).run()


def show_log():
    """Write the service's own log to standard error: no word of a request stands in it."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s chatkit: %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)


def wait_for_address(host, port, seconds=5):
    """See that an address is free; a service that was just stopped may hold it for a moment."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(address)
        except OSError as error:
            if time.monotonic() > deadline:
                raise InputError(
                    f"{host}:{port} cannot be listened at ({error.strerror}); choose another with --port."
                ) from None
            time.sleep(0.2)
        else:
            return


class Server(BaseApplication):
    """gunicorn's application: the settings, and the service in a worker."""

    def __init__(self, settings, files, read_settings, workers, asked):
        self._settings, self._files, self._read_settings = settings, files, read_settings
        self._workers, self._asked = workers, asked
        self.service = self._number = None
        super().__init__()

    def load_config(self):
        """Set what gunicorn is to do; its own configuration files and variables are not looked at."""
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        for name, value in {
            "bind": f"{host}:{settings.port}",
            "workers": settings.workers,
            "worker_class": Worker,
            "threads": settings.in_work + SPARE,
            "worker_connections": 1000,
            "graceful_timeout": GRACE + FLUSH + 2,
            "loglevel": "critical",  # what else it says may hold what was sent
            "control_socket_disable": True,
            "pre_fork": self._give_number,
            "post_worker_init": lambda worker: worker.begin(self.service, settings),
            "worker_exit": lambda _manager, _worker: self.service and self.service.close(FLUSH),
            "child_exit": lambda _manager, worker: LOGGER.warning(
                "worker %d (%s) has ended", worker.number, worker.pid
            ),
        }.items():
            self.cfg.set(name, value)

    def _give_number(self, manager, worker):
        """Give a worker the lowest number that is free; called before it is forked."""
        taken = {other.number for other in manager.WORKERS.values()}
        worker.number = self._number = min(set(range(self._settings.workers)) - taken)

    def load(self):
        """Make the service; called in a worker.

        A worker that takes the place of one that died begins with the model that was taken last, whatever lies in the
        folder by now.
        """
        files = self._workers.kept() or self._files
        self.service = Service(self._settings, files, self._read_settings, self._workers, self._number)
        return create_app(self.service)

    def run(self):
        """Run."""
        try:
            Manager(self, self._asked).run()
        except SystemExit as end:
            if end.code == 1 and self._number is None:  # no worker was begun; gunicorn would say nothing
                host, port = self._settings.host, self._settings.port
                raise InputError(
                    f"{host}:{port} has just been taken by another process; choose another with --port."
                ) from None
            raise


class Manager(Arbiter):
    """gunicorn's parent process; it leaves the workers where they are when a new model comes."""

    def __init__(self, app, asked):
        super().__init__(app)
        self._asked = asked

    def init_signals(self):
        """Hear signals, and that of before."""
        super().init_signals()
        if self._asked:
            os.kill(os.getpid(), signal.SIGHUP)

    def spawn_worker(self):
        """Fork a worker, which hears no SIGHUP until it knows what to do with it; then it hears one of before."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def handle_hup(self):
        """Tell the workers: gunicorn would put others in their place, which a bad model would keep from starting."""
        self.kill_workers(signal.SIGHUP)

    def handle_int(self):
        """Stop as at SIGTERM: what is being worked on is answered; a second Ctrl-C does not wait."""
        self.handle_term()

    def handle_ttin(self):
        """There are as many workers as the settings say."""

    handle_ttou = handle_usr2 = handle_ttin


class Worker(ThreadWorker):
    """gunicorn's worker with threads."""

    service = number = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._begun = {}  # when the request began that a connection is at
        self._asked = False  # for a new model

    def notify(self):
        """Say that the worker is alive, every second, and hear no more of requests that do not come to an end.

        What was read of a request is worked on and answered all the same.
        """
        super().notify()
        late = time.monotonic() - LONGEST
        for conn in [conn for conn, begun in self._begun.copy().items() if begun < late]:
            with contextlib.suppress(OSError):  # it is closed already
                conn.sock.shutdown(socket.SHUT_RD)

    def begin(self, service, settings):
        """Called when the application is there."""
        self.service = service
        sys.setswitchinterval(SWITCH)
        # Rows that wait for the log make the garbage collector look through everything, for a tenth of a second each
        # time; what is there by now stays, and is left out.
        gc.collect()
        gc.freeze()
        self.cfg.set("graceful_timeout", GRACE)  # in this process only; its parent waits for the log as well
        if self._asked:
            service.ask_for_reload()
        if self.age == 1:
            name = f"{settings.model} ({service.model.sha256[:12]})"
            LOGGER.info("%s is at work on http://%s:%d; Ctrl-C stops it", name, settings.host, settings.port)

    def init_signals(self):
        """Take SIGHUP as the wish for the model that lies in the folder now."""
        super().init_signals()
        signal.signal(signal.SIGINT, self.handle_exit)  # Ctrl-C reaches the worker, too
        signal.signal(signal.SIGHUP, self._ask)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def _ask(self, *_):
        self._asked = True
        if self.service:
            self.service.ask_for_reload()

    def enqueue_req(self, conn):
        """Let no client keep a thread by being silent, or by not reading."""
        for limit in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, limit, struct.pack("ll", SILENCE, 0))
        super().enqueue_req(conn)

    def handle(self, conn):
        """Answer a client, and stay with one who goes on at once: to change threads costs more than an answer.

        Only while there are threads for all who are connected, so that nobody has to wait for this one's end.
        """
        while (kept := self._handle_one(conn)) is True and self.alive and self.nr_conns < self.cfg.threads:
            if conn.parser.unreader.buf.getvalue():  # the next request came along with the last one
                continue
            poll = select.poll()
            poll.register(conn.sock, select.POLLIN)
            if not poll.poll(STAY):
                break
        if kept is False:
            # gunicorn would do this in its only loop, and wait there for a client that does not hang up.
            with contextlib.suppress(OSError):  # it is closed already
                conn.close(graceful=True)
            conn.close = lambda **_: None
        return kept

    def _handle_one(self, conn):
        self._begun[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            del self._begun[conn]

    def handle_error(self, req, client, addr, exc):
        """Answer what is no HTTP in the form of all errors, and without what was sent."""
        status, title = next((STATUS[kind] for kind in type(exc).__mro__ if kind in STATUS), (500, "Server Error"))
        LOGGER.warning("%d: %s", status, type(exc).__name__)
        content = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": f"{title}."})
        head = (
            f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        with contextlib.suppress(OSError):  # the client is gone
            client.sendall((head + content).encode())
