"""Keeping to a platform's published rates: turns at a fixed interval, and patience with throttled calls.

Nothing here sleeps by itself or reads a clock: both are passed in, so that tests do neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

Now = Callable[[], datetime]
Wait = Callable[[float], None]  # seconds


@dataclass(slots=True)
class Pacer:
    """Gives each key (an AWS account) one turn an interval, and makes the caller wait for it.

    Threads may share it: each reserves a turn of its own, and all wait at the same time.
    """

    interval: timedelta
    now: Now
    wait: Wait
    _next: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def turn(self, key: str) -> None:
        """Return when *key* may go, and reserve its next turn."""
        with self._lock:
            now = self.now()
            mine = max(now, self._next.get(key, now))
            self._next[key] = mine + self.interval
        if mine > now:
            self.wait((mine - now).total_seconds())
            self._put_off(key)

    def _put_off(self, key: str) -> None:
        """Let no turn begin sooner than an interval after this one, which a long wait may have made late."""
        with self._lock:
            self._next[key] = max(self._next[key], self.now() + self.interval)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Growing pauses, at most *attempts* − 1 of them and none above *longest* seconds."""

    attempts: int
    first: float
    factor: float = 2.0
    longest: float = 30.0

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait between one attempt and the next."""
        pause = self.first
        for _ in range(self.attempts - 1):
            yield min(pause, self.longest)
            pause *= self.factor
