"""What jobs have ended before its time, whichever job it was, so that no card calls it live until its deadline.

An override ends by its use, what is not proven any more with the next job at its target, and what somebody deletes
by a pull request with its merge. Nobody has asked the coordinator for that, so none of its effects watches it; but
each job reports it. How far reports were read is in the journal: what ends while the coordinator is away is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from coordinator.journal import Journal, UnknownRequest
from coordinator.journal.tables import reports
from coordinator.outside.runs import CLOCKS, ended_early
from coordinator.outside.watching import HOUR, Watching
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import PlatformError, Unknown
from sallyport.platforms.github_answers import RunState
from sallyport.reports import APPLY, EXPIRE

WORKFLOWS = (APPLY, EXPIRE, "merged.yml", "refresh.yml")  # whose jobs may end something
REACH = timedelta(days=1)  # how far back reports are read at most
CROWDED = 2 * HOUR  # how far where that are more runs than GitHub lists: it lets nobody start so many in that time

_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class EarlyEnds:
    """Reads the reports of one repository's jobs for one replica."""

    journal: Journal
    watching: Watching
    now: Callable[[], datetime]

    def look(self) -> None:
        """Record what has ended since the last look; a workflow that GitHub does not list holds up no other."""
        for workflow in WORKFLOWS:
            try:
                self._read(workflow)
            except PlatformError:
                continue  # GitHub being away is told by what waits for it

    def _read(self, workflow: str) -> None:
        now = self.now()
        runs = self._runs(workflow, now)
        for run in reversed(runs):
            if run.status == "completed":
                self._record(run)
        self._remember(workflow, min((run.created_at for run in runs if _may_tell_more(run, now)), default=now))

    def _runs(self, workflow: str, now: datetime) -> Sequence[RunState]:
        """Return the runs that may have told something new, newest first."""
        try:
            return self.watching.since(workflow, max(self._read_until(workflow), now - REACH) - CLOCKS)
        except Unknown:
            return self.watching.since(workflow, now - CROWDED)

    def _record(self, run: RunState) -> None:
        for outcome in self.watching.outcomes(run):
            if outcome.result is Result.REVERTED:
                self._end(outcome, run)

    def _end(self, outcome: Outcome, run: RunState) -> None:
        """Record the end of what is live and was to live on; at a deadline, its own watch does."""
        try:
            request = self.journal.request(outcome.request_id)
        except UnknownRequest:
            return  # it came by a pull request
        if ended_early(request, outcome, run):
            self.journal.move(request.id, lambda standing: ended_early(standing, outcome, run))

    def _read_until(self, workflow: str) -> datetime:
        """Return the moment before which every run has told all that it tells."""
        query = sa.select(reports.c.read_until).where(reports.c.workflow == workflow)
        with self.journal.reading() as connection:
            return connection.scalar(query) or self.now() - REACH

    def _remember(self, workflow: str, moment: datetime) -> None:
        with self.journal.writing() as connection:
            fresh = _INSERT[connection.dialect.name](reports).values(workflow=workflow, read_until=moment)
            known = {"read_until": fresh.excluded.read_until}
            connection.execute(fresh.on_conflict_do_update(index_elements=["workflow"], set_=known))


def _may_tell_more(run: RunState, now: datetime) -> bool:
    """Tell whether a run is under way, or failed so lately that it may be started again."""
    return run.status != "completed" or (run.conclusion != "success" and now - run.created_at < HOUR)
