"""Rows on their way to the database, in files: what was answered outlives the process."""

import contextlib
import fcntl
import json
import os
import time

from pydantic_core import to_json

from chatkit.project import InputError

SEGMENT = 16 * 2**20  # bytes after which a new file is begun
LARGEST = 2**30  # bytes of all files together, so that a database that is away for long does not fill the disk
_PATIENCE = 15  # seconds for a service that was killed to be gone


def lock_spool(folder):
    """Take a spool folder for this process and those it forks.

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
        When the folder cannot be made, or another service has it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(
            f"The spool {folder} cannot be used ({error.strerror}); name another folder, or write `spool = false`."
        ) from None
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            os.close(lock)
            raise InputError(
                f"Another service uses the spool {folder}; stop that one, or give this one a folder of its own."
            ) from None
        return lock


class Segment:
    """One file of the spool: how many of its rows are not yet in the database, as far as memory knows them all."""

    def __init__(self, file):
        self.file, self.size, self.waiting, self.overflowed = file, 0, 0, False
        self.descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def append(self, data):
        """Write all of it or nothing; returns whether it is there."""
        written = 0
        with contextlib.suppress(OSError):  # the disk is full, or does not work
            written = os.write(self.descriptor, data)
        if written < len(data):
            os.ftruncate(self.descriptor, self.size)
            return False
        self.size += len(data)
        return True

    def close(self):
        """No more rows come."""
        os.close(self.descriptor)


class Spool:
    """Files of rows, one JSON line each, gone once their rows are in the database. Their service holds the lock.

    Each worker has files of its own, and begins with those that a worker of its number left; those that are nobody's go
    to the first.

    A row is in the system's hands before it is answered, so that no death of the process loses it. It is not forced to
    the disk: a power cut can lose the last seconds.

    Parameters
    ----------
    folder : pathlib.Path
        Taken with `lock_spool`.
    number, workers : int
        Which worker this is, and how many there are.
    """

    def __init__(self, folder, number=0, workers=1):
        self.folder, self.works = folder, True
        self._number, self._largest = number, LARGEST // workers
        self._segment = None
        self.behind = [file for file in sorted(folder.glob("*.jsonl")) if _worker_of(file, workers) == number]
        self._size = sum(file.stat().st_size for file in self.behind)

    def append(self, rows):
        """Write rows down.

        Returns
        -------
        Segment or None
            Where they are; None when the disk is full, or the worker's part of `LARGEST` is.
        """
        data = b"".join(to_json(row) + b"\n" for row in rows)
        self.works = self._size + len(data) <= self._largest and self._write(data)
        if not self.works:
            return None
        self._size += len(data)
        self._segment.waiting += len(rows)
        return self._segment

    def _write(self, data):
        try:
            if self._segment and self._segment.size > SEGMENT:
                self._leave()
            if self._segment is None:
                self._segment = Segment(self.folder / f"{time.time_ns():020}-{self._number}.jsonl")
            return self._segment.append(data)
        except OSError:
            return False

    def _leave(self):
        segment, self._segment = self._segment, None
        segment.close()
        if segment.overflowed:
            self.behind.append(segment.file)

    def arrived(self, segment, rows):
        """Rows of a segment are in the database; with its last one its file goes."""
        segment.waiting -= rows
        if segment.waiting or segment.overflowed:
            return
        self._size -= segment.size
        if segment is self._segment:
            os.ftruncate(segment.descriptor, 0)
            segment.size = 0
        else:
            segment.file.unlink(missing_ok=True)

    def next_file(self):
        """Return a file whose rows memory does not hold, None when there is none."""
        if self._segment and self._segment.overflowed:
            self._leave()
        return self.behind[0] if self.behind else None

    def read(self, file, size):
        """Yield a file's rows in batches; what a crash cut off was never answered, and is left out."""
        with file.open("rb") as lines:
            batch = []
            for line in lines:
                try:
                    row = json.loads(line)
                except ValueError:
                    continue
                batch += [row] * (isinstance(row, dict) and "prediction_id" in row)
                if len(batch) == size:
                    yield batch
                    batch = []
            if batch:
                yield batch

    def remove(self, file):
        """Remove a file whose rows are all in the database."""
        self.behind.remove(file)
        with contextlib.suppress(FileNotFoundError):  # somebody took it away
            self._size -= file.stat().st_size
            file.unlink()

    def close(self):
        """Close the file; an empty one goes."""
        if self._segment:
            self._segment.close()
            if not self._segment.size:
                self._segment.file.unlink(missing_ok=True)
            self._segment = None


def _worker_of(file, workers):
    number = file.stem.partition("-")[2]
    return int(number) if number.isdecimal() and int(number) < workers else 0
