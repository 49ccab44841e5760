"""From when on there is room for what somebody asks for, as the ends on record have it. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime

from sallyport.changes.protocol import Held
from sallyport.times import format_moment

FEW = 5  # addresses, or statements: where no more than these fit, it is told before nobody's does


def when_it_fits(wish: Held, beside: Sequence[Held], fits: Callable[[Sequence[Held]], bool]) -> str:
    """Say from when on there is room, if nobody is faster; what has no end stays."""
    ends = sorted({one.until for one in beside if one.until})

    def fits_after(end: datetime) -> bool:
        return fits([*(one for one in beside if one.until is None or one.until > end), wish])

    first = bisect_left(ends, 1, key=fits_after)
    if first == len(ends):
        return "give back some of those that have no end"
    return f"ask again after {format_moment(ends[first])}"


def nearly_full(part: str, left: int) -> str:
    """Say how few addresses are *left* of Sallyport's *part* of something, with its numbers; empty if many are."""
    if left > FEW:
        return ""
    fit = {0: "no further address fits", 1: "at most 1 more address fits"}
    fits = fit.get(left, f"at most {left} more addresses fit")
    return f"Nearly full: Sallyport's part of {part}, so that {fits}."
