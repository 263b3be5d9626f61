"""The service as processes: gunicorn and its workers, and a model that is reloaded while they run."""

import contextlib
import gc
import logging
import queue
import select
import signal
import socket
import struct
import sys
import time
from functools import partial

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.http import errors
from gunicorn.http.body import Body
from gunicorn.util import close_graceful
from gunicorn.workers.gthread import ThreadWorker
from werkzeug.http import HTTP_STATUS_CODES

from chatkit.project import InputError, path
from chatkit.service.app import create_app
from chatkit.service.loading import read_verified
from chatkit.service.problems import problem_json
from chatkit.service.service import RELOAD_SIGNAL, Service
from chatkit.service.spool import lock_spool, retry
from chatkit.service.workers import Workers

LOGGER = logging.getLogger("chatkit.service")
EXTRA_THREADS = 24  # for /health, /metrics and for requests that are refused
SOCKET_TIMEOUT = 5  # seconds without a byte in the middle of a request or an answer
REQUEST_TIMEOUT = 20  # seconds for a whole request to arrive
MAX_DISCARDED = 2**27  # bytes of a body that are read though nobody needs them, so that its client reads the answer
DISCARD_TIMEOUT = 2  # seconds without a byte of such a body
DISCARDED_AT_ONCE = 2**18  # bytes; in chunks of one byte each they take less than a second
LISTEN_TIMEOUT = 5  # seconds for a service that was just stopped to free the address
SWITCH_INTERVAL = 0.0005  # seconds; a tenth of Python's default, since answers are short
KEEP_ALIVE_POLL = 20  # milliseconds in which a thread waits for the next request of a client
GRACEFUL_TIMEOUT = 15  # seconds for the requests in progress; then the log has
FLUSH_TIMEOUT = 10
STATUS = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.UnsupportedTransferCoding: 501,
    errors.ExpectationFailed: 417,
    errors.ParseException: 400,
}


def serve(settings, read_settings):
    """Run the service until it is stopped; SIGHUP reloads the model.

    Parameters
    ----------
    settings : chatkit.service.settings.Settings
    read_settings : callable
        Returns the settings anew; a reload takes the model's folder and digest from it.

    Raises
    ------
    InputError
        When the model, the log, the spool, the token or the address cannot be used.
    """
    signals = queue.SimpleQueue()
    signal.signal(signal.SIGHUP, lambda number, _frame: signals.put(number))  # until gunicorn has a handler
    log_to_stderr()
    workers = Workers(settings, settings.workers)
    if settings.spool:
        lock_spool(path(settings.spool))
    listener = listen(settings.host, settings.port)
    files = read_verified(path(settings.model), settings.model_sha256)
    master = Master(Server(settings, files, read_settings, workers, listener))
    master.SIG_QUEUE = signals
    master.run()


def log_to_stderr():
    """Write the service's own log to standard error; it holds no word of a request."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s chatkit: %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)


def listen(host, port):
    """Listen on an address: connections wait until the workers accept them.

    Parameters
    ----------
    host : str
    port : int

    Returns
    -------
    socket.socket

    Raises
    ------
    InputError
        When the address cannot be used.
    """
    kind = {"family": socket.AF_INET6, "dualstack_ipv6": True} if ":" in host else {}
    create = partial(socket.create_server, (host, port), backlog=2048, **kind)
    try:
        return retry(create, OSError, LISTEN_TIMEOUT)
    except OSError as error:
        raise InputError(f"Cannot listen on {host}:{port} ({error.strerror}); choose another with --port.") from None


class Server(BaseApplication):
    """gunicorn's application: its configuration, and the service in a worker."""

    def __init__(self, settings, files, read_settings, workers, listener):
        self._settings, self._files, self._read_settings = settings, files, read_settings
        self._workers, self._listener = workers, listener
        self.service = self._number = None
        super().__init__()

    def load_config(self):
        """Configure gunicorn; its own configuration files and variables are not read."""
        settings = self._settings
        for name, value in {
            "bind": f"fd://{self._listener.detach()}",
            "workers": settings.workers,
            "worker_class": Worker,
            "threads": settings.in_work + EXTRA_THREADS,
            "worker_connections": 1000,
            "graceful_timeout": GRACEFUL_TIMEOUT + FLUSH_TIMEOUT + 2,
            "loglevel": "critical",  # its messages below that may hold what was sent
            "control_socket_disable": True,
            "pre_fork": self._number_worker,
            "post_worker_init": lambda worker: worker.start_service(self.service, settings),
            "worker_exit": lambda _master, _worker: self.service and self.service.close(FLUSH_TIMEOUT),
            "child_exit": lambda _master, worker: LOGGER.warning("worker %d (%s) has ended", worker.number, worker.pid),
        }.items():
            self.cfg.set(name, value)

    def _number_worker(self, master, worker):
        """Give a worker the lowest free number; called before it is forked."""
        taken = {other.number for other in master.WORKERS.values()}
        worker.number = self._number = min(set(range(self._settings.workers)) - taken)

    def load(self):
        """Make the service; called in a worker.

        A worker that replaces a dead one starts with the model that was loaded last, whatever is in the folder by now.
        """
        files = self._workers.stored_model() or self._files
        self.service = Service(self._settings, files, self._read_settings, self._workers, self._number)
        app = create_app(self.service)

        def answer(environ, start_response):
            # Before the first byte of the answer, whose head says whether the connection stays.
            parts = app(environ, start_response)
            environ["wsgi.input"].finish()
            return parts

        return answer


class Master(Arbiter):
    """gunicorn's parent process; at a reload it keeps its workers."""

    def spawn_worker(self):
        """Fork a worker in which SIGHUP is pending until its service waits for it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, RELOAD_SIGNAL)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, RELOAD_SIGNAL)

    def handle_hup(self):
        """Forward SIGHUP to the workers; gunicorn would replace them, and none would start with a bad model."""
        self.kill_workers(signal.SIGHUP)

    def handle_ttin(self):
        """Keep the number of workers."""

    handle_ttou = handle_usr2 = handle_ttin
    handle_int = Arbiter.handle_term  # the requests in progress are answered


class RequestBody(Body):
    """The body of a request: asked for when it is first read; what the application leaves of it is discarded.

    Most clients write all of a request before they read the answer: from a service that closed the connection meanwhile
    they would get a broken pipe instead.

    Parameters
    ----------
    req : gunicorn.http.message.Request
    sock : socket.socket
    deadline : float
        When to stop discarding, by the monotonic clock.
    """

    def __init__(self, req, sock, deadline):
        super().__init__(req.body.reader)
        self._req, self._sock, self._deadline = req, sock, deadline
        self._missing = getattr(self.reader, "length", None)  # bytes; of chunks only their end tells
        self._awaited = req._expected_100_continue and self._missing != 0  # noqa: SLF001 - it has no other name
        req._expected_100_continue = False  # noqa: SLF001 - gunicorn would ask for every body, whatever the answer is

    def _read_reader(self, size):
        if self._awaited:
            self._awaited = False
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        data = super()._read_reader(size)
        if self._missing is not None:
            self._missing -= len(data)
        if not data and self._missing:
            self.failed = True
            raise errors.NoMoreData
        return data

    def finish(self):
        """Discard the rest, so that it is not read as the next request; where it stays, the connection is closed.

        A body that was not asked for, or is declared to be too large for this, is not waited for.
        """
        left, readable = MAX_DISCARDED, not (self._awaited or self.failed)
        with contextlib.suppress(Exception):  # it breaks off, or its client is silent
            _set_timeout(self._sock, socket.SO_RCVTIMEO, DISCARD_TIMEOUT)
            while readable and (self._missing or 0) <= left and time.monotonic() < self._deadline:
                data = self.read(DISCARDED_AT_ONCE)
                if not data:
                    _set_timeout(self._sock, socket.SO_RCVTIMEO, SOCKET_TIMEOUT)
                    return
                left -= len(data)
        self._req.force_close()


def _set_timeout(sock, option, seconds):
    sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))


class Worker(ThreadWorker):
    """gunicorn's worker with threads."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._request_starts = {}  # by connection

    def init_signals(self):
        """Install the handlers; Ctrl-C reaches the workers, too, and stops them as SIGTERM does."""
        super().init_signals()
        signal.signal(signal.SIGINT, self.handle_exit)

    def start_service(self, service, settings):
        """Finish the start; called when the application is loaded."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        # Rows in the log's queue make the garbage collector look through all objects, a tenth of a second each time;
        # those that exist by now stay, and are left out.
        gc.collect()
        gc.freeze()
        self.cfg.set("graceful_timeout", GRACEFUL_TIMEOUT)  # in this process only; the master waits for the log as well
        if self.age == 1:
            name = f"{settings.model} ({service.model.sha256[:12]})"
            LOGGER.info("%s is served on http://%s:%d; Ctrl-C stops it", name, settings.host, settings.port)

    def notify(self):
        """Tell the master every second that the worker is alive, and stop reading requests that take too long.

        What was read of such a request is answered all the same.
        """
        super().notify()
        latest = time.monotonic() - REQUEST_TIMEOUT
        for conn in [conn for conn, started in self._request_starts.copy().items() if started < latest]:
            with contextlib.suppress(OSError):  # it is closed already
                conn.sock.shutdown(socket.SHUT_RD)

    def enqueue_req(self, conn):
        """Set the timeouts of a connection: a silent client must not occupy a thread."""
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            _set_timeout(conn.sock, option, SOCKET_TIMEOUT)
        super().enqueue_req(conn)

    def handle(self, conn):
        """Answer the requests of a connection while they follow at once: to switch threads costs more than an answer.

        Only while there are threads for all connections, so that none has to wait for this one's end.
        """
        while (keep_alive := self._handle_one(conn)) is True and self.alive and self.nr_conns < self.cfg.threads:
            if conn.parser.unreader.buf.getvalue():  # the next request was pipelined
                continue
            poll = select.poll()
            poll.register(conn.sock, select.POLLIN)
            if not poll.poll(KEEP_ALIVE_POLL):
                break
        if keep_alive is False:
            # gunicorn would close it in its main loop, and wait there for a client that does not hang up.
            close_graceful(conn.sock, max_drain=MAX_DISCARDED)
            conn.close = lambda **_: None
        return keep_alive

    def _handle_one(self, conn):
        self._request_starts[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            del self._request_starts[conn]

    def handle_request(self, req, conn):
        """Answer a request."""
        req.body = RequestBody(req, conn.sock, self._request_starts[conn] + REQUEST_TIMEOUT)
        return super().handle_request(req, conn)

    def handle_error(self, req, client, addr, exc):
        """Answer a request that is no valid HTTP in the form of all errors, and without what was sent."""
        status = next((STATUS[kind] for kind in type(exc).__mro__ if kind in STATUS), 500)
        LOGGER.warning("%d: %s", status, type(exc).__name__)
        content = problem_json(status)
        head = (
            f"HTTP/1.1 {status} {HTTP_STATUS_CODES[status]}\r\nConnection: close\r\n"
            f"Content-Type: application/problem+json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        with contextlib.suppress(OSError):  # the client is gone
            client.sendall((head + content).encode())
