"""Reminding those whose turn it is: when it happens by itself, and how often a requester may ask for it.

A nudge mentions nobody but them, and two of them are never closer together than half an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.deciding import NotYours
from coordinator.journal import Journal
from coordinator.lifecycle import NUDGE, Armed, Lane
from coordinator.ownership import own
from coordinator.requests import Request, State
from coordinator.wording import STATE_WORDS
from sallyport.flows import Nudges
from sallyport.platforms.slack_text import date
from sallyport.times import parse_moment
from sallyport.working_hours import next_working_moment

PAUSE = timedelta(minutes=30)  # between two nudges, and between the question and the first automatic one


def automatic(nudges: Nudges | None, asked_at: datetime, decide_by: datetime) -> tuple[datetime, ...]:
    """Return when those who are asked are reminded by themselves: evenly spread, and in working hours only.

    Left out is what would come after the time to decide, or too soon after the question or another nudge.
    """
    if nudges is None:
        return ()
    step = (decide_by - asked_at) / (nudges.automatic + 1)
    moments: list[datetime] = []
    for number in range(1, nudges.automatic + 1):
        due = next_working_moment(nudges, asked_at + number * step)
        before = moments[-1] if moments else asked_at
        if before + PAUSE <= due < decide_by:
            moments.append(due)
    return tuple(moments)


def next_nudge(request: Request) -> datetime | None:
    """Return from when on those who are asked may be reminded again; None if they never were."""
    results = (result for name, result in request.results.items() if name.split(":")[0] == NUDGE)
    moments = [parse_moment(result["at"]) for result in results if "at" in result]
    return max(moments) + PAUSE if moments else None


@dataclass(frozen=True, slots=True)
class Nudging:
    """Takes a requester's wish to remind those whose turn it is."""

    journal: Journal
    now: Callable[[], datetime]

    def nudge(self, request_id: str, slack_id: str) -> Request:
        """Have them reminded; NotYours if nobody is waited for, or if they were reminded a moment ago.

        Two presses at once are one nudge: the effect looks again before it does anything.
        """
        request = own(self.journal, request_id, slack_id)
        if request.state is not State.PENDING:
            raise NotYours(f"Nobody is waited for. {request_id} stands at: {STATE_WORDS[request.state]}.")
        if not request.deciders:
            raise NotYours(f"Nobody can decide {request_id} at the moment, so there is nobody to remind.")
        again = next_nudge(request)
        if again is not None and self.now() < again:
            raise NotYours(f"They were reminded a short while ago. Nudge them again from {date(again)} on.")
        self.journal.arm(request_id, Armed(NUDGE, NUDGE, Lane.CLOCK, self.now()))
        return request
