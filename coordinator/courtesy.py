"""Who goes first where several want the processor at once: one process has one interpreter lock."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH = 0.001  # seconds that one thread may keep those waiting for the interpreter that have little to do
QUIET = 0.01  # seconds without anybody served before background work goes on
PATIENCE = 0.25  # seconds after which it goes on all the same, under a steady stream of people
BOUT = 0.01  # seconds that long work goes on before it rests
REST = 2.0  # times as long as it has worked
AHEAD = 0.05  # seconds that a head start lasts: enough to take up an effect and to make its call
MANY = 20  # answers to people within CROWD are a rush
CROWD = 0.5  # seconds
APART = 0.05  # seconds between two pieces of work that nobody waits for, in a rush


class Courtesy:
    """What follows an answer gives way to people who still wait for theirs.

    It counts the people who are being served, and remembers when the last one was.
    """

    def __init__(self) -> None:
        self._idle = threading.Condition()
        self._serving = 0
        self._served = 0.0

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
                self._served = time.monotonic()
                self._idle.notify_all()

    def give_way(self) -> None:
        """Wait until nobody has been served for a moment, for as long as PATIENCE says."""
        deadline = time.monotonic() + PATIENCE
        with self._idle:
            while (now := time.monotonic()) < deadline:
                quiet_at = self._served + QUIET
                if not self._serving and now >= quiet_at:
                    return
                until = deadline if self._serving else min(quiet_at, deadline)
                self._idle.wait(max(until - now, 0.001))


class Bouts:
    """Long work of one thread that nobody waits for, in bouts: between them the others have the interpreter.

    A transaction of theirs would otherwise hold its turn for as long as they wait, and hold up people with it.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()

    def rest(self) -> None:
        """Rest, if it has worked for a bout."""
        worked = time.monotonic() - self._since
        if worked >= BOUT:
            time.sleep(worked * REST)
            self._since = time.monotonic()


class HeadStart:
    """What an approval waits for is taken up a moment before everything else."""

    def __init__(self) -> None:
        self._until = 0.0

    def give(self) -> None:
        """Begin a head start."""
        self._until = time.monotonic() + AHEAD

    def sit_out(self) -> None:
        """Let a head start pass, but not the next one too: a stream of approvals holds up nothing for long."""
        left = self._until - time.monotonic()
        if left > 0:
            time.sleep(left)


class Rush:
    """While very many people are served, what follows is done piece by piece, and the processor is theirs.

    The pieces are spaced, not locked: one that waits for a platform keeps no other from its turn.
    """

    def __init__(self) -> None:
        self._served: deque[float] = deque(maxlen=MANY)
        self._lock = threading.Lock()
        self._next = 0.0

    def note(self) -> None:
        """Note that somebody was served."""
        self._served.append(time.monotonic())

    def take_turn(self) -> None:
        """Wait for the next turn, if there is a rush."""
        with self._lock:
            now = time.monotonic()
            if not self._is_on(now):
                return
            turn = max(self._next, now)
            self._next = turn + APART
        time.sleep(turn - now)

    def _is_on(self, now: float) -> bool:
        return len(self._served) == MANY and now - self._served[0] < CROWD
