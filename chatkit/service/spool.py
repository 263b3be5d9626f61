"""Rows on their way to the database, in files: an answered row outlives the process."""

import contextlib
import fcntl
import itertools
import json
import os
import time
from functools import partial

from pydantic_core import to_json

from chatkit.project import InputError

SEGMENT = 16 * 2**20  # bytes after which a new file is begun
MAX_SIZE = 2**30  # bytes of all files together, so that a long outage of the database does not fill the disk
_LOCK_TIMEOUT = 15  # seconds for a service that was killed to be gone


def retry(action, errors, seconds):
    """Call `action` again while it raises one of `errors`, for so many seconds; after that the error is raised."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except errors:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def lock_spool(folder):
    """Lock a spool folder for this process and those it forks.

    Parameters
    ----------
    folder : pathlib.Path
        Made when missing.

    Returns
    -------
    int
        A descriptor that is never closed: the lock lasts until the last process that has it is gone.

    Raises
    ------
    InputError
        When the folder cannot be made, or another service has locked it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
        retry(partial(fcntl.flock, lock, fcntl.LOCK_EX | fcntl.LOCK_NB), BlockingIOError, _LOCK_TIMEOUT)
    except BlockingIOError:
        raise InputError(
            f"Another service uses the spool {folder}; stop that one, or give this one a folder of its own."
        ) from None
    except OSError as error:
        raise InputError(
            f"The spool {folder} cannot be used ({error.strerror}); name another folder, or write `spool = false`."
        ) from None
    return lock


class Segment:
    """One file of the spool, with the number of its rows that only memory and this file hold."""

    def __init__(self, file):
        self.file, self.size, self.pending, self.overflowed = file, 0, 0, False
        self.stream = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600), "ab", 0)


class Spool:
    """Files of rows, one JSON line each, removed once their rows are in the database. The service holds the lock.

    Each worker has files of its own, and begins with those that an earlier worker of its number left; files without the
    number of a worker go to the first one.

    A row is handed to the operating system before it is answered, so a crash of the process does not lose it. It is not
    forced to the disk: a power cut can lose the last seconds.

    Parameters
    ----------
    folder : pathlib.Path
        Locked with `lock_spool`.
    number, workers : int
        Which worker this is, and how many there are.
    """

    def __init__(self, folder, number=0, workers=1):
        self.folder, self.works = folder, True
        self._number, self._max_size = number, MAX_SIZE // workers
        self._segment = None
        self.behind = [file for file in sorted(folder.glob("*.jsonl")) if _worker_of(file, workers) == number]
        self._size = sum(file.stat().st_size for file in self.behind)

    def append(self, rows):
        """Write rows.

        Returns
        -------
        Segment or None
            Where they are; None when the disk is full, or the worker's part of `MAX_SIZE` is.
        """
        data = b"".join(to_json(row) + b"\n" for row in rows)
        self.works = self._size + len(data) <= self._max_size and self._write(data)
        if not self.works:
            return None
        self._size += len(data)
        self._segment.pending += len(rows)
        return self._segment

    def _write(self, data):
        """Write all of it or nothing; returns whether it was written."""
        with contextlib.suppress(OSError):  # the disk is full, or broken
            if self._segment and self._segment.size > SEGMENT:
                self.close()
            if self._segment is None:
                self._segment = Segment(self.folder / f"{time.time_ns():020}-{self._number}.jsonl")
            if self._segment.stream.write(data) == len(data):
                self._segment.size += len(data)
                return True
        with contextlib.suppress(OSError):
            if self._segment:
                self._segment.stream.truncate(self._segment.size)
        return False

    def mark_written(self, segment, rows):
        """So many rows of a segment are in the database; with its last row its file is removed."""
        segment.pending -= rows
        if segment.pending or segment.overflowed:
            return
        self._size -= segment.size
        if segment is self._segment:
            segment.stream.truncate(0)
            segment.size = 0
        else:
            segment.file.unlink(missing_ok=True)

    def next_file(self):
        """Return a file with rows that memory does not hold, None when there is none."""
        if self._segment and self._segment.overflowed:
            self.close()
        return self.behind[0] if self.behind else None

    def read(self, file, size):
        """Yield a file's rows in batches; a line that a crash cut off was never answered, and is left out."""
        # Somebody may have deleted it.
        with contextlib.suppress(FileNotFoundError), file.open("rb") as lines:
            rows = filter(None, map(_parse, lines))
            while batch := list(itertools.islice(rows, size)):
                yield batch

    def remove(self, file):
        """Remove a file whose rows are all in the database."""
        self.behind.remove(file)
        with contextlib.suppress(FileNotFoundError):
            self._size -= file.stat().st_size
            file.unlink()

    def close(self):
        """Close the file that is written to; the next rows begin a new one."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        segment.stream.close()
        if segment.overflowed:
            self.behind.append(segment.file)
        elif not segment.size:
            segment.file.unlink(missing_ok=True)


def _parse(line):
    with contextlib.suppress(ValueError):
        return json.loads(line)


def _worker_of(file, workers):
    number = file.stem.partition("-")[2]
    return int(number) if number.isdecimal() and int(number) < workers else 0
