"""What `coordinator serve` tells its worker: lines on a pipe, and the end of it when the teller is gone.

Orders carry no facts. Whatever is lost here stands in the journal, where the worker looks by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from coordinator.lifecycle import Lane

STOP = "stop\n"


def wake(lanes: set[Lane]) -> str:
    """Return the order to look for work in *lanes*."""
    return " ".join(sorted(lanes)) + "\n"


def obey(orders: Iterable[str], awake: Callable[[set[Lane]], None]) -> bool:
    """Follow *orders* as they come; True if the last one was to stop, False if nobody is left to give any."""
    for order in orders:
        if order == STOP:
            return True
        words = order.split()
        awake({lane for lane in Lane if lane.value in words})
    return False
