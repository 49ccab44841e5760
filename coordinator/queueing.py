"""What waits to be done outside and why, and an operator's hand on one effect of it.

What takes access back, closes what nobody decided, or writes the audit trail can be tried again, never left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from coordinator.journal import Journal, Silence
from coordinator.lifecycle import LAPSES, PLATFORMS, Happening
from coordinator.pace import ALLOWANCES, Pace
from sallyport.audit import Deed
from sallyport.problems import nearest
from sallyport.times import format_moment

NEVER_PARKED = frozenset(  # kinds of effects
    {"expire", "watch-expiry", "aws-end", "withdraw", "timeout", "give-up", "begin", "audit"}
)


class NotInQueue(Exception):
    """The sentence says why this effect cannot be retried or parked."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One effect that is not done, and why."""

    name: str  # `<request>:<effect>`
    kind: str
    due: datetime  # or when it is tried next
    why: str
    unknown: str = ""  # what of it only a newer version knows


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of one journal."""

    journal: Journal
    now: Callable[[], datetime]

    def waiting(self) -> Iterator[Waiting]:
        """Yield what is not done, soonest first; not what will do nothing, such as the timeout of the decided."""
        rows = [row for row in self.journal.waiting() if not _has_lapsed(row)]
        undone = {(row.request_id, row.name) for row in rows}
        pace = {lane: Pace(self.journal).pause(lane, self.now()) for lane in ALLOWANCES}
        silent = {silence.platform: silence for silence in self.journal.silences()}
        for row in rows:
            behind = row.after if (row.request_id, row.after) in undone else ""
            if row.due <= self.now():
                behind = behind or _of_platform(silent.get(PLATFORMS.get(row.lane, "")))
                behind = behind or _of_pace(pace.get(row.lane), self.now())
            next_try = row.due if row.lease else max(row.due, row.leased_until)
            why = _why(row, behind, self.now())
            yield Waiting(f"{row.request_id}:{row.name}", row.kind, next_try, why, row.unknown or "")

    def retry(self, name: str, by: str, reason: str) -> None:
        """Have one effect tried at once; NotInQueue says why that cannot be."""
        self._override(name, Deed.RETRIED, by, reason)

    def park(self, name: str, by: str, reason: str) -> None:
        """Have one effect left alone until it is retried; NotInQueue says why that cannot be."""
        if self._find(name).kind in NEVER_PARKED:
            why = "it takes back access, closes what nobody decided, or writes the audit trail"
            raise NotInQueue(f"{name} cannot be parked: {why}. Mend what keeps it from being done, and retry it.")
        self._override(name, Deed.PARKED, by, reason)

    def _override(self, name: str, deed: Deed, by: str, reason: str) -> None:
        self._find(name)
        request_id, _, effect = name.partition(":")
        details = {"effect": effect, "reason": reason, "through": "command-line"}
        happening = Happening(deed, self.now(), by, details)
        if not self.journal.override(request_id, effect, happening, parked=deed is Deed.PARKED):
            raise NotInQueue(f"{name} is being done right now; look at the queue again in a moment.")

    def _find(self, name: str) -> Waiting:
        waiting = {one.name: one for one in self.waiting()}
        if name in waiting and waiting[name].unknown:
            raise NotInQueue(f"{name} is {_left(waiting[name].unknown)}; retry or park it there.")
        if name in waiting:
            return waiting[name]
        request_id = name.partition(":")[0]
        if not self.journal.has(request_id):
            raise NotInQueue(f"There is no request “{request_id}”; write <request>:<effect>.")
        ours = [one for one in waiting if one.startswith(f"{request_id}:")]
        raise NotInQueue(f"{name} does not wait for anything; {nearest(name, ours)}")


def _has_lapsed(row: sa.Row[Any]) -> bool:
    return row.kind in LAPSES and row.state not in LAPSES[row.kind]


def _of_platform(silence: Silence | None) -> str:
    """Say what a platform keeps waiting; nothing if all is well with it."""
    if silence is None:
        return ""
    if silence.since is None:
        return f"its turn: {silence.platform} answers again, and one after the other is done"
    return f"{silence.platform}, which has not answered since {format_moment(silence.since)}"


def _of_pace(pause: timedelta | None, now: datetime) -> str:
    """Say until when a lane's next call waits, lest GitHub refuses more than it takes in a minute or an hour."""
    return f"the pace that GitHub allows, until {format_moment(now + pause)}" if pause else ""


def _left(unknown: str) -> str:
    what, _, name = unknown.partition(" ")
    return f"left to a newer version of Sallyport, for this one knows no {what} “{name}”"


def _why(row: sa.Row[Any], behind: str, now: datetime) -> str:
    tried = f"; {row.attempts} attempts: {row.error}" if row.error else ""
    if row.parked:
        return f"parked by an operator{tried}"
    if row.lease and row.leased_until > now:
        return f"being done{tried}"
    if row.unknown:
        return f"{_left(row.unknown)}{tried}"
    if behind:
        return f"waits for {behind}{tried}"
    return f"{'due' if max(row.due, row.leased_until) <= now else 'due then'}{tried}"


def line(one: Waiting) -> str:
    """Say one waiting effect: when it is due, what it is, and why it waits."""
    return f"{format_moment(one.due)}  {one.name}  {one.why}"
