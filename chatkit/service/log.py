"""The log of predictions: a bounded queue, one thread that writes, and a database that may be away."""

import datetime as dt
import itertools
import logging
import threading
import time
from collections import Counter, deque

import sqlalchemy as sa

from chatkit.service.tables import add_predictions, migrate, storable

BATCH = 500  # rows in one transaction
GATHER = 0.2  # seconds in which rows gather: to write each by itself would slow down the answers
LONGEST_PAUSE = 5.0  # seconds between two tries while the database is away
LOGGER = logging.getLogger("chatkit.service")


class PredictionLog:
    """Takes rows at once, and sees that they get into the database.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
        From `chatkit.service.tables.open_log`.
    buffer : int
        Rows to keep in memory while the database is away. Beyond it the spool keeps them; without a spool, or where
        its disk is full, they are dropped and counted.
    spool : chatkit.service.spool.Spool, optional
        Where rows are written down before they are answered.
    """

    def __init__(self, engine, buffer, spool=None):
        self._engine, self._buffer = engine, buffer
        self._enough = max(1, min(BATCH, buffer // 2))  # rows not to wait any longer for others
        self._spool = spool
        self._rows = deque()  # (row, its segment of the spool)
        self._changed = threading.Condition()
        self._taken = self._hurried = 0  # rows put in so far; who waits for rows to be written
        self._closing = None  # the moment to give up, once the service stops
        self._migrated, self._batches = False, None
        self.dropped, self.last_write = 0, None
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, rows):
        """Take rows; never waits for the database, never fails.

        Parameters
        ----------
        rows : list of dict
            Columns of `chatkit.data.log.PREDICTIONS`, ``at`` as an ISO string.
        """
        rows = [storable(row) for row in rows]
        with self._changed:
            before = len(self._rows)
            segment = self._spool.append(rows) if self._spool else None
            for row in rows:
                if len(self._rows) < self._buffer:
                    self._rows.append((row, segment))
                    self._taken += 1
                elif segment:
                    segment.overflowed = True
                else:
                    self.dropped += 1
            # To wake the writer for each row would cost more than the row.
            if not before or len(self._rows) >= self._enough:
                self._changed.notify_all()

    def state(self):
        """Say how the log is, for /health and /metrics.

        Returns
        -------
        dict
            queue (rows in memory), oldest_seconds (how long the first of them has waited), buffer, dropped, spool
            (whether it works; None where there is none), spool_files (that memory does not hold), last_write (when, and
            whether it worked).
        """
        with self._changed:
            oldest = dt.datetime.fromisoformat(self._rows[0][0]["at"]) if self._rows else None
            return {
                "queue": len(self._rows),
                "oldest_seconds": round((dt.datetime.now(dt.UTC) - oldest).total_seconds(), 1) if oldest else 0.0,
                "buffer": self._buffer,
                "dropped": self.dropped,
                "spool": {"works": self._spool.works, "files_behind": len(self._spool.behind)} if self._spool else None,
                "last_write": self.last_write,
            }

    def settle(self, seconds):
        """Wait until what is queued now is in the database, but not longer; returns whether all that came before is."""
        with self._changed:
            last = self._taken
            self._hurried += 1
            self._changed.notify_all()
            try:
                done = self._changed.wait_for(lambda: self._taken - len(self._rows) >= last, seconds)
                return done and not self._behind()
            finally:
                self._hurried -= 1

    def close(self, seconds):
        """Write what is queued, for so many seconds at most; returns the number of rows that are lost."""
        with self._changed:
            self._closing = time.monotonic() + seconds
            self._changed.notify_all()
        self._thread.join(seconds + 1)
        with self._changed:
            if self._spool:
                self._spool.close()
            lost = sum(segment is None for _, segment in self._rows)
        if lost:
            LOGGER.error("%d rows of the log are lost: the database could not be reached", lost)
        return lost

    def _run(self):
        pause = 0.0
        while self._wait(pause):
            try:
                if not self._migrated:
                    migrate(self._engine)
                    self._migrated = True
                    self._note(None)
                self._write_queued()
                self._write_spooled()
            except Exception as error:  # noqa: BLE001 - whatever the database says, the next try may work
                self._note(error)
                pause = min(LONGEST_PAUSE, 2 * pause or 0.1)
            else:
                pause = 0.0

    def _wait(self, pause):
        """Wait for `pause` seconds, then for something to do, and for more of it; returns whether to go on."""
        with self._changed:
            if self._closing:
                self._changed.wait(min(pause, 0.2))
            else:
                self._changed.wait_for(lambda: self._closing, pause)
            self._changed.wait_for(lambda: self._closing or self._rows or self._behind() or not self._migrated)
            self._changed.wait_for(
                lambda: (
                    self._closing
                    or self._hurried
                    or len(self._rows) >= self._enough
                    or self._behind()
                    or not self._migrated
                ),
                GATHER,
            )
            return not self._closing or bool(self._rows and time.monotonic() < self._closing)

    def _behind(self):
        return self._spool and self._spool.next_file()

    def _write_queued(self):
        with self._changed:
            batch = list(itertools.islice(self._rows, BATCH))
        if not batch:
            return
        refused = self._add([row for row, _ in batch])
        with self._changed:
            for _ in batch:
                self._rows.popleft()
            for segment, rows in Counter(segment for _, segment in batch if segment).items():
                self._spool.arrived(segment, rows)
            self.dropped += refused
            self._changed.notify_all()

    def _write_spooled(self):
        """Write one batch of what memory does not hold: of a file that was left behind, or that overflowed."""
        with self._changed:
            file = self._behind()
        if not file:
            return
        self._batches = self._batches or self._spool.read(file, BATCH)
        try:
            batch = next(self._batches, None)
            refused = self._add(batch) if batch else 0
        except FileNotFoundError:  # somebody took it away
            batch, refused = None, 0
        except Exception:
            self._batches = None  # from the start again: rows that are there already stay as they are
            raise
        with self._changed:
            self.dropped += refused
            if batch is None:
                self._batches = None
                self._spool.remove(file)

    def _add(self, rows):
        """Add rows; returns how many of them the database refuses for what they are."""
        refused = 0
        try:
            self._add_all(rows)
        except Exception as error:
            if not _is_the_rows(error):
                raise
            # One bad row must not keep the others out for ever.
            for row in rows:
                try:
                    self._add_all([row])
                except Exception as error:
                    if not _is_the_rows(error):
                        raise
                    refused += 1
        self._note(None)
        return refused

    def _add_all(self, rows):
        add_predictions(self._engine, [row | {"at": dt.datetime.fromisoformat(row["at"])} for row in rows])

    def _note(self, error):
        """Keep what the last write came to; say so where that has changed: its kind, since its text may hold a chat."""
        before = self.last_write
        self.last_write = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "worked": error is None,
            "error": type(error).__name__ if error else None,
        }
        if error and (before is None or before["worked"]):
            LOGGER.error("the log cannot be written (%s); trying again", type(error).__name__)
        elif not error and before and not before["worked"]:
            LOGGER.warning("the log is written again")


def _is_the_rows(error):
    """Whether a row is wrong, not the database; a file of the spool may come from anywhere."""
    if isinstance(error, sa.exc.DBAPIError):
        return isinstance(error, sa.exc.DataError | sa.exc.IntegrityError)
    return isinstance(error, sa.exc.StatementError | KeyError | TypeError | ValueError)


def together(states):
    """Say how the logs of several workers are, as if they were one: see `PredictionLog.state`."""
    writes = sorted(filter(None, (state["last_write"] for state in states)), key=lambda write: write["at"])
    failed = [write for write in writes if not write["worked"]]
    spools = [state["spool"] for state in states if state["spool"]]
    return {
        **{name: sum(state[name] for state in states) for name in ("queue", "buffer", "dropped")},
        "oldest_seconds": max(state["oldest_seconds"] for state in states),
        "spool": {
            "works": all(spool["works"] for spool in spools),
            "files_behind": sum(spool["files_behind"] for spool in spools),
        }
        if spools
        else None,
        "last_write": (failed or writes or [None])[-1],
    }
