"""How fast content is created on GitHub: counted in the journal, so that neither a restart nor a replica forgets.

GitHub takes 80 content-creating calls a minute and 500 an hour from one app, and refuses for a while whoever
makes more (docs.github.com, “Rate limits for the REST API”). Commits and dispatches are such calls. What waits
here is due and stays in its order; many entries make one commit, and many requests of one target one run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from coordinator.journal import Journal
from coordinator.journal.tables import calls
from coordinator.lifecycle import Lane

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many calls of all lanes may have been made in the last minute and hour when one more is made."""

    minute: int
    hour: int

    @property
    def gap(self) -> timedelta:
        """The pause after a lane's call once half of the hour's calls are spent.

        Two lanes that keep to it never spend the other half within the hour, so that nothing ever stands still.
        """
        return 2 * HOUR / (self.hour // 2)


_WORK = Allowance(60, 400)
ALLOWANCES: Mapping[Lane, Allowance] = {
    Lane.COMMIT: _WORK,
    Lane.DISPATCH: _WORK,
    Lane.EXPIRY: Allowance(75, 475),  # what takes access back finds room when all else has spent its own
}


@dataclass(frozen=True, slots=True)
class Call:
    """One content-creating call, and for which lane it was made."""

    at: datetime
    lane: str  # its name: it may be one that only another version knows


def pause(made: Sequence[Call], lane: Lane, now: datetime) -> timedelta:
    """Return how long *lane* has to wait, after the calls *made* in the last hour, oldest first."""
    allowance = ALLOWANCES.get(lane)
    if allowance is None:
        return timedelta()
    free_at = [now]
    if len(made) >= allowance.hour:
        free_at.append(made[-allowance.hour].at + HOUR)
    if len(made) >= allowance.minute:
        free_at.append(made[-allowance.minute].at + MINUTE)
    own = [call.at for call in made if call.lane == lane]
    if own and len(made) >= allowance.hour // 2:
        free_at.append(own[-1] + allowance.gap)
    return max(free_at) - now


@dataclass(frozen=True, slots=True)
class Pace:
    """The calls of all replicas."""

    journal: Journal

    def pause(self, lane: Lane, now: datetime) -> timedelta:
        """Return how long *lane* has to wait before its next call; nothing for one that creates no content."""
        if lane not in ALLOWANCES:
            return timedelta()
        recent = sa.select(calls.c.at, calls.c.lane).where(calls.c.at > now - HOUR).order_by(calls.c.at)
        with self.journal.reading() as connection:
            made = [Call(row.at, row.lane) for row in connection.execute(recent)]
        return pause(made, lane, now)

    def note(self, lane: Lane, now: datetime) -> None:
        """Count a call that is about to be made, and forget those of more than an hour ago."""
        if lane in ALLOWANCES:
            with self.journal.writing() as connection:
                connection.execute(sa.delete(calls).where(calls.c.at <= now - HOUR))
                connection.execute(sa.insert(calls).values(at=now, lane=lane.value))
