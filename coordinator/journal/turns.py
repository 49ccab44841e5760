"""Whose transaction goes next on SQLite, which has one writer: a person who waits for an answer, before a worker.

Without it SQLite's own busy handler decides, which sleeps and tries again and may starve anybody. The turns
are locks on files beside the database: they hold between processes, and end with the process that has one.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """A lock with two queues; the urgent one goes first."""

    def __init__(self, database: Path) -> None:
        self._turn = database.with_name(f"{database.name}-turn")
        self._urgent = database.with_name(f"{database.name}-urgent")
        self._patient = threading.Lock()

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """Hold the lock for a person's transaction."""
        with _locked(self._urgent, fcntl.LOCK_SH), _locked(self._turn, fcntl.LOCK_EX):
            yield

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Hold the lock for a worker's transaction, when no person waits.

        Workers line up one behind the other, so that no more than one of them can be ahead of a person.
        """
        with self._patient:
            with _locked(self._urgent, fcntl.LOCK_EX):
                pass
            with _locked(self._turn, fcntl.LOCK_EX):
                yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    """Lock a file of its own opening, so that threads exclude one another as processes do."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, how)
        yield
    finally:
        os.close(file)
