"""Group commit: what several people do at the same moment is written by one of them for all, in one transaction.

Nobody waits for company: whoever finds nobody writing writes at once, with all who came meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 32  # items in one group, so that a transaction stays short


@dataclass(slots=True)
class _Place(Generic[Item, Result]):
    item: Item
    turn: threading.Event = field(default_factory=threading.Event)  # set once it is done, or is to write
    is_done: bool = False
    result: Result | None = None
    error: BaseException | None = None


class Together(Generic[Item, Result]):
    """Writes items in groups by *write*, which returns a result for each, in order, or raises.

    An error of a kind in *shared* is the whole group's; after any other one each item is written by itself, so
    that nobody bears another's fault.
    """

    def __init__(
        self, write: Callable[[Sequence[Item]], Sequence[Result]], shared: tuple[type[Exception], ...]
    ) -> None:
        self._write = write
        self._shared = shared
        self._lock = threading.Lock()
        self._is_writing = False
        self._waiting: list[_Place[Item, Result]] = []

    def write(self, item: Item) -> Result:
        """Return what came of *item*, once that is certain, or raise what did."""
        place: _Place[Item, Result] = _Place(item)
        with self._lock:
            self._waiting.append(place)
            if not self._is_writing:
                self._is_writing = True
                place.turn.set()
        place.turn.wait()
        if not place.is_done:
            self._write_next()
        if place.error is not None:
            raise place.error
        return place.result  # type: ignore[return-value]  # where there is no error there is a result

    def _write_next(self) -> None:
        """Write the group of whoever waits longest, the caller; the next one begins before these are told."""
        with self._lock:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        try:
            self._write_group(group)
        finally:
            with self._lock:
                self._is_writing = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].turn.set()
            for place in group:
                place.turn.set()

    def _write_group(self, group: Sequence[_Place[Item, Result]]) -> None:
        try:
            for place, result in zip(group, self._write([one.item for one in group]), strict=True):
                place.result = result
        except BaseException as error:
            if len(group) > 1 and isinstance(error, Exception) and not isinstance(error, self._shared):
                for place in group:
                    self._write_group([place])
                return
            for place in group:
                place.error = error
        for place in group:
            place.is_done = True
