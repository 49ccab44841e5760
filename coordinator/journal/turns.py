"""Whose transaction goes next on SQLite, which has one writer: a person who waits for an answer, before a worker.

Without it SQLite's own busy handler decides, which sleeps and tries again and may starve anybody.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A lock with two queues; the urgent one goes first."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._taken = False
        self._urgent = 0

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """Hold the lock for a person's transaction."""
        with self._free:
            self._urgent += 1
            self._free.wait_for(lambda: not self._taken)
            self._urgent -= 1
            self._taken = True
        yield from self._held()

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Hold the lock for a worker's transaction, when no person waits."""
        with self._free:
            self._free.wait_for(lambda: not self._taken and not self._urgent)
            self._taken = True
        yield from self._held()

    def _held(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._free:
                self._taken = False
                self._free.notify_all()
