"""Keeping to a platform's published rates: turns at a fixed interval, and patience with throttled calls.

Nothing here sleeps by itself or reads a clock: both are passed in, so that tests do neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

Now = Callable[[], datetime]
Wait = Callable[[float], None]  # seconds


@dataclass(slots=True)
class Pacer:
    """Gives each key (an AWS account) one turn an interval, and makes the caller wait for it."""

    interval: timedelta
    now: Now
    wait: Wait
    _next: dict[str, datetime] = field(default_factory=dict)

    def turn(self, key: str) -> None:
        """Return when *key* may go, and reserve its next turn."""
        ahead = (self._next[key] - self.now()).total_seconds() if key in self._next else 0.0
        if ahead > 0:
            self.wait(ahead)
        self._next[key] = self.now() + self.interval


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
