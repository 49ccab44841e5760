"""An executor whose work is done when the test says so, by the test itself: no thread, no waiting, one order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class Later(Executor):
    """Keeps what was submitted until `drain`."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], Any]] = deque()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._waiting.append(lambda: fn(*args, **kwargs))
        return Future()

    def drain(self) -> bool:
        """Do everything that was submitted; False if there was nothing."""
        found = bool(self)
        while self._waiting:
            self._waiting.popleft()()
        return found

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def forget(self) -> None:
        """Drop what was submitted, as a process that dies does."""
        self._waiting.clear()
