"""The log of predictions: a bounded queue, one thread that writes, and a database that may be unavailable."""

import datetime as dt
import itertools
import logging
import threading
import time
from collections import Counter, deque

import sqlalchemy as sa

from chatkit.service.tables import add_predictions, migrate

BATCH = 500  # rows in one transaction
MAX_DELAY = 0.2  # seconds in which rows gather: to write each by itself would slow down the answers
MAX_PAUSE = 5.0  # seconds between two tries while the database is unavailable
LOGGER = logging.getLogger("chatkit.service")


class PredictionLog:
    """Queues rows, and writes them to the database in a thread.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine
        From `chatkit.data.log.open_log`.
    buffer : int
        Rows to keep in memory while the database is unavailable. Beyond it the spool keeps them; without a spool, or
        where its disk is full, they are dropped and counted.
    spool : chatkit.service.spool.Spool, optional
        Where rows are written before they are answered.
    """

    def __init__(self, engine, buffer, spool=None):
        self._engine, self._buffer, self._spool = engine, buffer, spool
        self._min_batch = max(1, min(BATCH, buffer // 2))  # so many rows do not wait for more
        self._rows = deque()  # (row, its segment of the spool)
        self._changed = threading.Condition()
        self._queued = self._flush_to = 0  # rows put into the queue so far; how many of them `flush` waits for
        self._deadline = None  # when to give up, once the service stops
        self._migrated, self._dropped, self._last_write = False, 0, None
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, rows):
        """Queue rows; never waits for the database, never fails.

        Parameters
        ----------
        rows : list of dict
            Columns of `chatkit.data.log.PREDICTIONS`, ``at`` as an ISO string.
        """
        with self._changed:
            was_empty = not self._rows
            segment = self._spool.append(rows) if self._spool else None
            for row in rows:
                if len(self._rows) < self._buffer:
                    self._rows.append((row, segment))
                    self._queued += 1
                elif segment:
                    segment.overflowed = True
                else:
                    self._dropped += 1
            # To wake the writer for each row would cost more than the row.
            if was_empty or len(self._rows) >= self._min_batch:
                self._changed.notify_all()

    def state(self):
        """Return the state of the log, for /health and /metrics.

        Returns
        -------
        dict
            Fields of `chatkit.service.schema.LogState`.
        """
        with self._changed:
            oldest = dt.datetime.fromisoformat(self._rows[0][0]["at"]) if self._rows else None
            return {
                "queue": len(self._rows),
                "oldest_seconds": round((dt.datetime.now(dt.UTC) - oldest).total_seconds(), 1) if oldest else 0.0,
                "buffer": self._buffer,
                "dropped": self._dropped,
                "spool": {"works": self._spool.works, "files_behind": len(self._spool.behind)} if self._spool else None,
                "last_write": self._last_write,
            }

    def flush(self, seconds):
        """Wait for the rows that are queued now, but not longer; returns whether all earlier ones are written."""
        with self._changed:
            last = self._flush_to = self._queued
            self._changed.notify_all()
            written = self._changed.wait_for(lambda: self._written() >= last, seconds)
            return written and not self._spooled_file()

    def close(self, seconds):
        """Write what is queued, for so many seconds at most; returns the number of rows that are lost."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
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
                    self._record_write(None)
                self._write_queued()
                self._write_spooled()
            except Exception as error:  # noqa: BLE001 - whatever the database raises, the next try may work
                self._record_write(error)
                time.sleep(0.1)  # also while the service stops
                pause = min(MAX_PAUSE, 2 * pause or 0.1)
            else:
                pause = 0.0

    def _wait(self, pause):
        """Wait for `pause` seconds, then for rows, and for a batch of them; returns whether to go on."""

        def urgent():
            return self._deadline or self._spooled_file() or not self._migrated

        with self._changed:
            self._changed.wait_for(lambda: self._deadline, pause)
            self._changed.wait_for(lambda: self._rows or urgent())
            self._changed.wait_for(
                lambda: len(self._rows) >= self._min_batch or self._written() < self._flush_to or urgent(), MAX_DELAY
            )
            return not self._deadline or bool(self._rows and time.monotonic() < self._deadline)

    def _written(self):
        return self._queued - len(self._rows)

    def _spooled_file(self):
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
                self._spool.mark_written(segment, rows)
            self._dropped += refused
            self._changed.notify_all()

    def _write_spooled(self):
        """Write a file that memory does not hold: an earlier worker left it, or it overflowed.

        After an error from its start again: rows that are in the database stay as they are.
        """
        with self._changed:
            file = self._spooled_file()
        if not file:
            return
        for batch in self._spool.read(file, BATCH):
            if self._deadline:  # the next worker will write it
                return
            refused = self._add(batch)
            with self._changed:
                self._dropped += refused
            self._write_queued()
        with self._changed:
            self._spool.remove(file)

    def _add(self, rows):
        """Add rows; returns how many of them the database refuses, one by one: a bad row must not block the others."""
        refused = 0
        try:
            add_predictions(self._engine, [row | {"at": dt.datetime.fromisoformat(row["at"])} for row in rows])
        except Exception as error:
            if not _is_row_error(error):
                raise
            refused = sum(self._add([row]) for row in rows) if len(rows) > 1 else 1
        self._record_write(None)
        return refused

    def _record_write(self, error):
        """Keep the result of the last write, and log a change: the error's type, since its text may hold a chat."""
        failed_before = self._last_write and not self._last_write["worked"]
        self._last_write = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "worked": error is None,
            "error": type(error).__name__ if error else None,
        }
        if error and not failed_before:
            LOGGER.error("the log cannot be written (%s); trying again", type(error).__name__)
        elif failed_before and not error:
            LOGGER.warning("the log is written again")


def _is_row_error(error):
    """Whether a row is wrong, not the database; a file of the spool may come from anywhere."""
    if isinstance(error, sa.exc.DBAPIError):
        return isinstance(error, sa.exc.DataError | sa.exc.IntegrityError)
    return isinstance(error, sa.exc.StatementError | KeyError | TypeError | ValueError)


def combine(states):
    """Combine the states of several workers' logs into one: see `PredictionLog.state`."""
    spools = [state["spool"] for state in states if state["spool"]]
    writes = [state["last_write"] for state in states if state["last_write"]]
    files_behind = sum(spool["files_behind"] for spool in spools)
    return {
        **{name: sum(state[name] for state in states) for name in ("queue", "buffer", "dropped")},
        "oldest_seconds": max(state["oldest_seconds"] for state in states),
        "spool": {"works": all(spool["works"] for spool in spools), "files_behind": files_behind} if spools else None,
        # The last failure, if there is one.
        "last_write": max(writes, key=lambda write: (not write["worked"], write["at"]), default=None),
    }
