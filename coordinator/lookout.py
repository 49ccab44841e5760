"""Looks for what nobody else would tell: what is overdue, what does not get done, and a safety net that is gone.

Level-triggered: each look says what is so now, and ends the alerts whose cause is gone. It also has recorded what
any job has ended before its time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from coordinator.alerts import Alerts, Kind
from coordinator.early_ends import EarlyEnds
from coordinator.journal import Journal, Silence, UnknownRequest
from coordinator.journal.tables import effects, requests
from coordinator.lifecycle import PLATFORMS
from coordinator.outside.runs import end_of, not_reverted
from coordinator.outside.watching import Watching
from coordinator.policy_source import POLICIES, PolicySource
from coordinator.reconciler import ALERT_AFTER, NOT_LET_IN
from coordinator.requests import State
from coordinator.standing import Standing
from sallyport.outcomes import Result
from sallyport.platforms.errors import PlatformError, Refused
from sallyport.platforms.github import GitHub
from sallyport.platforms.github_answers import RunState
from sallyport.reports import EXPIRE
from sallyport.times import format_moment, say_duration

GRACE = timedelta(minutes=10)  # that a revert may take: a job waits for its turn, and has to start
SWEEP_WITHIN = timedelta(minutes=45)  # the schedule is every 15 minutes, and GitHub may be late
AWAY_AFTER = timedelta(minutes=5)  # a platform that is back before that is no news for the night shift
_WITHDRAWN = (State.ENDING.value, State.FAILED.value)

Said = dict[str, str]  # sentences by subject


@dataclass(frozen=True, slots=True)
class Lookout:
    """One replica's; `since` is when it began to look."""

    journal: Journal
    github: GitHub
    alerts: Alerts
    policies: PolicySource
    now: Callable[[], datetime]
    since: datetime
    drift: Callable[[], Sequence[str]]  # the tickets of what stands; it raises PlatformErrors
    watching: Watching
    early_ends: EarlyEnds

    def look(self) -> None:
        """Tell what is so now, and what is so no more."""
        self.alerts.retell()
        before = self._standing()  # what is raised from now on, this look knows nothing of
        ends = self._ends()
        self._say(Kind.OVERDUE, dict(_overdue(ends, self.now())), before)
        silences = self.journal.silences()
        self._say(Kind.AWAY, dict(_away(silences, self.now())), before)
        failing = self.journal.failing()
        self._say(Kind.CREDENTIALS, dict(_turned_away(failing)), before)
        self._say_stuck(failing, {silence.platform for silence in silences if silence.since}, before)
        self._say(Kind.WORKER, {}, before)  # whoever looks is the worker
        self._say(Kind.POLICIES, {POLICIES: self.policies.fault} if self.policies.fault else {}, before)
        try:
            unproven, failed = self._sweeps(before)
        except PlatformError as error:
            self._say_hidden(error)
            return
        self._say(Kind.NOT_REVERTED, failed | dict(_not_reverted(ends)), before)
        self._say(Kind.UNPROVEN, unproven, before)
        self.early_ends.look()

    def look_for_drift(self) -> None:
        """Keep in mind, and in the metrics, that AWS is not what the live entries ask for, and tell when it is."""
        subject = Kind.DRIFT.about("aws")
        if found := self.drift():
            self.alerts.note(subject, f"AWS differs from what the live entries ask for: {', '.join(found)}.")
        else:
            self.alerts.over(subject)

    def _standing(self) -> list[Standing]:
        return [alert for alert in self.alerts.board.all() if not alert.over]

    def _say(self, kind: Kind, found: Mapping[str, str], before: Iterable[Standing]) -> None:
        """Tell what is so of a kind, and what is so no more of that which stood *before*."""
        for subject, sentence in found.items():
            self.alerts(subject, sentence)
        for standing in before:
            if standing.subject.startswith(kind.about("")) and standing.subject not in found:
                self.alerts.over(standing.subject, standing.since)

    def _say_hidden(self, error: PlatformError) -> None:
        """Tell that GitHub does not show us the sweeps; that it is away, what waits for it tells."""
        if isinstance(error, Refused) and not error.is_of_credentials:
            hidden = f"Nobody can tell whether the scheduled sweep ({EXPIRE}) runs: {error}"
            self.alerts(Kind.SWEEP.about(EXPIRE), hidden)

    def _say_stuck(
        self, failing: Iterable[sa.Row[Any]], silent: Collection[str], before: Collection[Standing]
    ) -> None:
        """Tell what is tried in vain, unless it was told when it began, and end what gets done again.

        What waits for a *silent* platform is told by one alert about that.
        """
        rows = {Kind.STUCK.about(f"{row.request_id}:{row.name}"): row for row in failing}
        standing = {alert.subject for alert in self._standing()}
        for subject, row in rows.items():
            is_told = (
                subject in standing
                or (row.away_since and PLATFORMS.get(row.lane) in silent)
                or row.error.endswith(NOT_LET_IN)
            )
            if row.attempts >= ALERT_AFTER and not row.parked and not is_told:
                self.alerts(subject, f"“{row.name}” of {row.request_id} does not get done: {row.error}")
        for alert in before:
            if alert.subject.startswith(Kind.STUCK.about("")) and alert.subject not in rows:
                self.alerts.over(alert.subject, alert.since)

    def _ends(self) -> list[tuple[str, datetime, Mapping[str, Any]]]:
        """Return the requests whose end is past and not seen, with that end and what the last look brought.

        One that only a newer version can read is that one's to watch.
        """
        watch = sa.and_(effects.c.request_id == requests.c.id, effects.c.name == "watch-expiry")
        begun = sa.or_(requests.c.expires_at < self.now(), requests.c.state.in_(_WITHDRAWN))
        query = sa.select(requests.c.id, effects.c.result).join(effects, watch)
        unseen = query.where(effects.c.done < effects.c.wanted, begun)
        with self.journal.reading() as connection:
            results = {row.id: row.result for row in connection.execute(unseen)}
        found = self.journal.requests(list(results))
        return [(request.id, end_of(request), results[request.id]) for request in found]

    def _sweeps(self, before: Collection[Standing]) -> tuple[Said, Said]:
        """Tell whether the schedule works, and return what its last sweep could not prove or take back.

        While no sweep comes to its end, nobody knows better than the one before: what it told stands.
        """
        now = self.now()
        runs = self.github.runs_of(EXPIRE, now - SWEEP_WITHIN, event="schedule")
        over = [run for run in runs if run.status == "completed" and run.conclusion in {"success", "failure"}]
        within = say_duration(SWEEP_WITHIN)
        missed = f"No scheduled sweep ({EXPIRE}) has come to its end within {within}: the safety net is gone."
        if over or now - self.since >= SWEEP_WITHIN:
            self._say(Kind.SWEEP, {} if over else {Kind.SWEEP.about(EXPIRE): missed}, before)
        if not over:
            return self._still(Kind.UNPROVEN, before), self._still(Kind.NOT_REVERTED, before)
        return self._told_by(over[0])

    def _still(self, kind: Kind, before: Iterable[Standing]) -> Said:
        """Return what stands of a kind, but for requests of ours: their own watch knows how they stand."""
        about = ((alert, alert.subject.removeprefix(kind.about(""))) for alert in before)
        return {a.subject: a.sentence for a, what in about if what != a.subject and not self._is_ours(what)}

    def _told_by(self, sweep: RunState) -> tuple[Said, Said]:
        unproven: Said = {}
        failed: Said = {}
        for outcome in self.watching.outcomes(sweep):
            if outcome.result is Result.REFUSED:
                unproven[Kind.UNPROVEN.about(outcome.request_id)] = outcome.detail
            elif outcome.result is Result.FAILED and not (outcome.held or self._is_ours(outcome.request_id)):
                failed[Kind.NOT_REVERTED.about(outcome.request_id)] = not_reverted(
                    outcome.request_id, outcome.detail
                )
        return unproven, failed

    def _is_ours(self, request_id: str) -> bool:
        """Tell whether the request is in the journal: then its own watch knows how it stands.

        Not of one that only a newer version can read: after an upgrade that was taken back, nobody watches it.
        """
        try:
            self.journal.request(request_id)
        except UnknownRequest:
            return False
        return True


def _away(silences: Iterable[Silence], now: datetime) -> Iterator[tuple[str, str]]:
    for silence in silences:
        if silence.since is not None and now - silence.since >= AWAY_AFTER:
            since = format_moment(silence.since)
            rest = "What needs it waits in order, and nothing of it is lost; everything else goes on."
            yield Kind.AWAY.about(silence.platform), f"{silence.platform} has not answered since {since}. {rest}"


def _turned_away(rows: Iterable[sa.Row[Any]]) -> Iterator[tuple[str, str]]:
    """One sentence for each platform, however much waits for it."""
    turned_away = (row for row in rows if row.error.endswith(NOT_LET_IN))
    for platform in {PLATFORMS[row.lane] for row in turned_away if row.lane in PLATFORMS}:
        sentence = f"{platform} refuses the coordinator's credentials, whatever it asks. What needs it waits."
        yield Kind.CREDENTIALS.about(platform), sentence


def _overdue(ends: list[tuple[str, datetime, Mapping[str, Any]]], now: datetime) -> Iterator[tuple[str, str]]:
    for request_id, end, result in ends:
        if now >= end + GRACE and "unanswered_since" not in result:
            sentence = f"{request_id} was to end at {format_moment(end)}, and nobody has seen it taken back."
            yield Kind.OVERDUE.about(request_id), sentence


def _not_reverted(ends: list[tuple[str, datetime, Mapping[str, Any]]]) -> Iterator[tuple[str, str]]:
    for request_id, _, result in ends:
        if result.get("fault"):
            yield Kind.NOT_REVERTED.about(request_id), not_reverted(request_id, str(result["fault"]))
