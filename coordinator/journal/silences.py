"""Platforms that give no answer: one call at a time sees whether they are back, and then nobody overruns them.

A row says that a platform was silent when it was asked last, or that it answers again and what had to wait is not
done yet. All replicas share it, and it outlives each of them. While all is well there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from coordinator.journal.tables import silences

LONGEST_PAUSE = timedelta(minutes=1)  # between two looks whether it is back
LONGEST_ASKED = timedelta(hours=1)  # that a platform's own Retry-After keeps everything else from it
LOOK = timedelta(seconds=30)  # that one call may take before another sees whether it is back
SPACING: Mapping[str, timedelta] = {  # between two calls, while it catches up with what had to wait
    "JIRA": timedelta(seconds=0.2),
    "Slack": timedelta(seconds=0.25),
    "GitHub": timedelta(seconds=0.5),
    "AWS": timedelta(seconds=10),
}
USUAL_SPACING = timedelta(seconds=0.1)


@dataclass(frozen=True, slots=True)
class Looking:
    """How it is seen whether a platform is back: the pauses between two looks, and how long one may take."""

    first: timedelta
    longest: timedelta
    takes: timedelta


_BY_CALL = Looking(timedelta(seconds=1), LONGEST_PAUSE, LOOK)
LOOKING: Mapping[str, Looking] = {  # a job looks at AWS: it costs minutes of a machine, and waits for its turn
    "AWS": Looking(timedelta(seconds=30), timedelta(minutes=5), timedelta(minutes=15))
}
ITS_OWN = 4  # failed attempts: one more, while others get answers, is not the platform's fault
_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class Silence:
    """How a platform stands that is silent, or catches up."""

    platform: str
    since: datetime | None  # None: it answers again
    until: datetime  # nobody asks it before


@dataclass(frozen=True, slots=True)
class Unheard:
    """A call that got no answer, or was told to come again *after* some time."""

    at: datetime
    jitter: float  # the part of a pause that is waited
    after: timedelta | None = None


def read(connection: sa.Connection, platform: str) -> Silence | None:
    """Return how *platform* stands; None if all is well. On PostgreSQL the row is locked."""
    same = silences.c.platform == platform
    row = connection.execute(sa.select(silences).where(same).with_for_update()).one_or_none()
    return Silence(row.platform, row.since, row.until) if row else None


def read_all(connection: sa.Connection) -> list[Silence]:
    """Return every platform with which not all is well."""
    rows = connection.execute(sa.select(silences).order_by(silences.c.platform))
    return [Silence(row.platform, row.since, row.until) for row in rows]


def take_turn(connection: sa.Connection, silence: Silence, lease: str, now: datetime) -> None:
    """Let one call be made, and no other before it had its time."""
    spacing = SPACING.get(silence.platform, USUAL_SPACING)
    pause = LOOKING.get(silence.platform, _BY_CALL).takes if silence.since else spacing
    _change(connection, silence.platform, until=now + pause, probe=lease)


def unheard(connection: sa.Connection, platform: str, lease: str, attempts: int, call: Unheard) -> bool:
    """Note a call without an answer, and tell whether the platform is silent.

    The first one begins a silence, unless only this effect has no luck.

    Of the calls that follow, the one that was to see whether it is back makes the pause longer; one that was
    under way before, or that nobody gave a turn (an empty *lease*), only where the platform says so.
    """
    row = connection.execute(sa.select(silences).where(silences.c.platform == platform)).one_or_none()
    asked = call.at + min(call.after, LONGEST_ASKED) if call.after is not None else None
    if attempts >= ITS_OWN and asked is None and (row is None or row.since is None):
        return False
    if row is None:
        _begin(connection, platform, call, asked)
    elif row.since is None or (row.probe == lease if row.probe else row.until <= call.at):
        failures = row.failures + 1
        until = asked or call.at + _pause(platform, failures, call.jitter)
        _change(connection, platform, since=row.since or call.at, until=until, failures=failures, probe="")
    elif asked is not None:
        _change(connection, platform, until=max(asked, row.until))
    return True


def answered(connection: sa.Connection, platform: str, now: datetime, *, waits: bool) -> bool:
    """Note an answer, and tell whether it ends a silence.

    With something that *waits*, the platform catches up, and otherwise all is well.
    """
    same = silences.c.platform == platform
    row = connection.execute(sa.select(silences).where(same)).one_or_none()
    if row is None:
        return False
    if not waits:
        connection.execute(sa.delete(silences).where(same))
    elif row.since is not None:
        pause = SPACING.get(platform, USUAL_SPACING)
        _change(connection, platform, since=None, until=now + pause, failures=0, probe="")
    return row.since is not None


def _begin(connection: sa.Connection, platform: str, call: Unheard, asked: datetime | None) -> None:
    """Begin a silence; another replica may begin it at the same moment."""
    until = asked or call.at + _pause(platform, 1, call.jitter)
    values = {"since": call.at, "until": until, "failures": 1, "probe": ""}
    fresh = _INSERT[connection.dialect.name](silences).values(platform=platform, **values)
    connection.execute(fresh.on_conflict_do_nothing(index_elements=["platform"]))


def pass_on(connection: sa.Connection, platform: str, lease: str, now: datetime, *, waits: bool) -> None:
    """Give back a turn that was not used; with nothing else that *waits*, nobody asks about the platform."""
    if waits:
        give_back(connection, platform, lease, now)
    else:
        connection.execute(sa.delete(silences).where(silences.c.platform == platform))


def give_back(connection: sa.Connection, platform: str, lease: str, now: datetime) -> None:
    """Give back a turn that was not used; how the platform stands nobody knows better than before."""
    same = sa.and_(silences.c.platform == platform, silences.c.probe == lease)
    connection.execute(sa.update(silences).where(same).values(until=now, probe=""))


def longest_pause(platform: str) -> timedelta:
    """Return how long it may take at most until it is seen that *platform* is back."""
    return LOOKING.get(platform, _BY_CALL).longest


def _pause(platform: str, failures: int, jitter: float) -> timedelta:
    """Return a pause that is twice as long each time, up to the longest."""
    looking = LOOKING.get(platform, _BY_CALL)
    return min(looking.first * 2.0 ** min(failures - 1, 10), looking.longest) * jitter


def _change(connection: sa.Connection, platform: str, **values: object) -> None:
    connection.execute(sa.update(silences).where(silences.c.platform == platform).values(**values))
