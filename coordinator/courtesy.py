"""Background work gives way to a person who waits for an answer: one process has one interpreter lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 0.1  # seconds; background work goes on even under a steady stream of people


class Courtesy:
    """Counts the people who are being served."""

    def __init__(self) -> None:
        self._idle = threading.Condition()
        self._serving = 0

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Mark that somebody waits for an answer."""
        with self._idle:
            self._serving += 1
        try:
            yield
        finally:
            with self._idle:
                self._serving -= 1
                self._idle.notify_all()

    def give_way(self) -> None:
        """Wait until nobody is being served, for as long as PATIENCE says."""
        with self._idle:
            self._idle.wait_for(lambda: not self._serving, PATIENCE)
