"""When those who are waited for are reminded by themselves, and from when on again.

Pure. Automatic nudges come in working hours, and two nudges are never closer together than half an hour.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from coordinator.lifecycle import NUDGE, Armed, Lane, automatic_name
from coordinator.requests import Request
from sallyport.flows import Nudges
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


def automatic_in_github(
    nudges: Nudges | None, request: Request, approved_at: datetime, decide_by: datetime
) -> tuple[Armed, ...]:
    """Return the automatic nudges that *request* has not had yet, spread over the time to confirm it in GitHub."""
    if nudges is None:
        return ()
    names = (automatic_name(number) for number in range(1, nudges.automatic + 1))
    left = [name for name in names if not request.result(name)]
    moments = automatic(replace(nudges, automatic=len(left)), approved_at, decide_by)
    return tuple(Armed(name, NUDGE, Lane.CLOCK, due) for name, due in zip(left, moments, strict=False))


def next_nudge(request: Request) -> datetime | None:
    """Return from when on those who are asked may be reminded again; None if they never were."""
    results = (result for name, result in request.results.items() if name.split(":")[0] == NUDGE)
    moments = [parse_moment(result["at"]) for result in results if "at" in result]
    return max(moments) + PAUSE if moments else None
