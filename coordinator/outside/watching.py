"""How far runs of GitHub Actions have come: read once for everybody who waits for them, and never too often.

GitHub takes 5,000 reads an hour from one app (docs.github.com, “Rate limits for the REST API”). A replica spends a
part of them on runs, however many requests wait and for however many runs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.journal import Again
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.github import GitHub
from sallyport.platforms.github_answers import RunState
from sallyport.reports import outcomes_of

HOUR = timedelta(hours=1)
FREE = 600  # reads within an hour that need no pause
PAUSE = timedelta(seconds=3)  # after each one more: two replicas then leave half of GitHub's reads to all else
REST = timedelta(seconds=15)  # for which it is believed that a run is over: it may be started again
_PAGE = 100  # runs in one answer
_KEPT = 500  # runs of which outcomes are remembered


@dataclass(frozen=True, slots=True)
class _Seen:
    """A run as it was read; nobody reads it again before `until`."""

    run: RunState
    workflow: str
    until: datetime


@dataclass(frozen=True, slots=True)
class _Listed:
    """The runs of a workflow since a moment."""

    since: datetime
    runs: tuple[RunState, ...]
    until: datetime


class Watching:
    """What one replica knows of runs. It is in memory: after a restart each run is read once more."""

    def __init__(self, github: GitHub, now: Callable[[], datetime]) -> None:
        self._github = github
        self._now = now
        self._lock = threading.RLock()
        self._seen: dict[int, _Seen] = {}
        self._lists: dict[str, _Listed] = {}
        self._told: dict[tuple[int, int], tuple[RunState, list[Outcome]]] = {}
        self._reads: deque[datetime] = deque()
        self._open_at: datetime | None = None

    def look(self, workflow: str, run_id: int) -> RunState | Again:
        """Return a run that is over, or when to look again at one that is not.

        Everybody who waits for a run is told the same moment. A run that is under way beside others of its
        workflow is read with them.
        """
        with self._lock:
            now = self._now()
            seen = self._seen.get(run_id)
            if seen is None or now >= seen.until:
                if self._open_at is not None and now < self._open_at:
                    return Again(self._open_at)
                seen = self._read(workflow, run_id, now)
            return seen.run if seen.run.status == "completed" else Again(seen.until)

    def anew(self, run_id: int) -> RunState:
        """Read a run as it is now, before something is done about it."""
        with self._lock:
            run = self._github.run(run_id)
            self._note(1, self._now())
            self._seen.pop(run_id, None)
            return run

    def since(self, workflow: str, moment: datetime) -> tuple[RunState, ...]:
        """Return the runs of a workflow since then, newest first."""
        with self._lock:
            known, now = self._lists.get(workflow), self._now()
            if known is None or now >= known.until or known.since > moment:
                known = self._list(workflow, moment, now)
            return tuple(run for run in known.runs if run.created_at >= moment)

    def is_news(self, run: RunState) -> bool:
        """Tell whether nobody has asked yet what the jobs of a completed run have reported."""
        return (run.id, run.attempt) not in self._told

    def outcomes(self, run: RunState) -> list[Outcome]:
        """Return what the jobs of a completed run have reported."""
        with self._lock:
            key = (run.id, run.attempt)
            if key not in self._told:
                self._told[key] = run, outcomes_of(self._github, run)
                self._note(1, self._now())
                for old in list(self._told)[:-_KEPT]:
                    del self._told[old]
            return self._told[key][1]

    def applied_since(self, request_id: str, moment: datetime) -> RunState | None:
        """Return a run whose job was for others and says that it found this request in force, or put it there.

        Only what was read anyway is known.
        """
        with self._lock:
            for run, outcomes in self._told.values():
                ours = (one for one in outcomes if one.request_id == request_id and one.at > moment)
                if any(one.result in {Result.APPLIED, Result.ALREADY} for one in ours):
                    return run
        return None

    def _read(self, workflow: str, run_id: int, now: datetime) -> _Seen:
        self._forget(now)
        runs = [seen.run for seen in self._seen.values() if seen.workflow == workflow]
        young = {
            run.id: run.created_at for run in runs if run.status != "completed" and now - run.created_at < HOUR
        }
        if young.keys() - {run_id}:  # what waits for longer than that is read alone: the list would not end
            for run in self._list(workflow, min(young.values()), now).runs:
                self._see(run, workflow, now)
        seen = self._seen.get(run_id)
        if seen is None or now >= seen.until:  # alone, or too young to be in the list
            self._see(self._github.run(run_id), workflow, now)
            self._note(1, now)
        return self._seen[run_id]

    def _list(self, workflow: str, since: datetime, now: datetime) -> _Listed:
        runs = self._github.runs_of(workflow, since)
        self._note(len(runs) // _PAGE + 1, now)
        self._lists[workflow] = _Listed(since, runs, now + REST)
        return self._lists[workflow]

    def _see(self, run: RunState, workflow: str, now: datetime) -> None:
        pause = REST if run.status == "completed" else patience(now - run.created_at)
        self._seen[run.id] = _Seen(run, workflow, now + pause)

    def _forget(self, now: datetime) -> None:
        """Forget what nobody has asked for in a long time."""
        self._seen = {one: seen for one, seen in self._seen.items() if now - seen.until < HOUR}

    def _note(self, requests: int, now: datetime) -> None:
        """Count requests, and keep a distance after many."""
        self._reads.extend([now] * requests)
        while self._reads and self._reads[0] <= now - HOUR:
            self._reads.popleft()
        self._open_at = now + requests * PAUSE if len(self._reads) > FREE else None


def patience(age: timedelta) -> timedelta:
    """Return the pause before the next look: short while the job is young."""
    return timedelta(seconds=min(max(age.total_seconds() / 10, 0.5), 15))
