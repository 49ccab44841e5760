"""Waiting for what AWS does in its own time, with a deadline and a line in the log for each change.

The deadline is the sum of the pauses, so that a job which waits always ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from actions.log import logger
from actions.pacing import Backoff, Wait

Look = Callable[[], Mapping[str, str]]  # what is still awaited, by key, with how it is now


@dataclass(frozen=True, slots=True)
class Patience:
    """Waits for the resources of one target."""

    lock: str
    wait: Wait

    def until_none_is_left(self, what: str, look: Look, pauses: Backoff) -> Mapping[str, str]:
        """Look until nothing is awaited or the time is over; return what is still awaited."""
        log, left = logger(target=self.lock, awaited=what), look()
        told: Mapping[str, str] = {}
        for pause in pauses.pauses():
            if left != told:
                log.info("waiting", left=dict(left))
                told = left
            if not left:
                return left
            self.wait(pause)
            left = look()
        if left:
            log.warning("waited in vain", left=dict(left))
        return left
