"""What schedules ask for: one stop for each period of sleep, at its time, and none of what somebody keeps up.

Level-triggered: each look compares policies with the journal and asks for what is missing. A restart, another
replica or a look that comes late find the request that was made, or make the same one: no timer is kept anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from coordinator.infra.lines import STOP, TEARDOWN
from coordinator.journal import Journal
from coordinator.lifecycle import kept_up
from coordinator.requests import Ask, Kept, Request, Route, State
from sallyport.changes.infra_stop import InfraStop
from sallyport.entries import SCHEDULE, Grant
from sallyport.flows import ENVIRONMENT, Flow
from sallyport.policies import Policies
from sallyport.schedules import Period, Schedule
from sallyport.times import format_moment

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sleeping:
    """Asks as schedules do, under the policies of the moment."""

    journal: Journal
    policies: Callable[[], Policies]
    now: Callable[[], datetime]

    def look(self) -> None:
        """Ask for what is due and was not asked for; keep from sleeping what somebody keeps up."""
        for schedule in self.policies().schedules.values():
            for environment in schedule.environments:
                self._look_at(environment)

    def kept(self, environment: str) -> Kept | None:
        """Return until when somebody keeps *environment* up now; None if nobody does."""
        return self.journal.kept(STOP, environment, self.now())

    def coming(self, environment: str) -> Period | None:
        """Return what a schedule will ask for next: it is kept up by nobody, and no request is made for it yet."""
        known = self._known(environment)
        if known is None:
            return None
        schedule, flow = known
        kept = self.kept(environment)
        until = kept.until if kept else None
        period = schedule.coming(self._this_second() + flow.notice, until)
        while period and self.journal.was_submitted(key_of(environment, period)):
            period = schedule.coming(period.end, until)
        return period

    def ask(self, environment: str, period: Period) -> Request:
        """Ask for *period*, as far as the notice before it leaves of it; asking twice is asking once."""
        known = self._known(environment)
        if known is None:
            raise LookupError(f"no schedule is for {environment}")
        schedule, flow = known
        policies, now = self.policies(), self._this_second()
        rule = policies.rule_for(flow, {ENVIRONMENT: environment})
        if rule is None:
            raise LookupError(f"policy has no rule for a stop of {environment}")
        begins = max(period.start, now + flow.notice)
        request = self.journal.submit(
            Ask(
                key=key_of(environment, period),
                flow=flow.id,
                prefix=flow.prefix,
                environment=environment,
                requester=schedule.requester,
                requester_slack="",
                reason=f"It is up {schedule.words()}, and sleeps at other times.",
                changes=(InfraStop.from_answers({ENVIRONMENT: environment}, policies.catalogue),),
                asked="",
                route=Route(),
                lifetime=period.end - now,
                channel=flow.channel or policies.catalogue.environments[environment].channel,
                submitted_at=now,
                decide_by=now + rule.timeout,
                form={ENVIRONMENT: environment},
                grant=Grant(SCHEDULE, begins),
                notice=begins - now,
            )
        )
        log.info("schedule.asked", request_id=request.id, schedule=schedule.name, environment=environment)
        return request

    def _look_at(self, environment: str) -> None:
        if kept := self.kept(environment):
            self._keep_up(environment, kept)
        period, known = self.coming(environment), self._known(environment)
        if period is None or known is None or period.start > self._this_second() + known[1].notice:
            return
        if not self._is_down_anyway(environment, period):
            self.ask(environment, period)

    def _keep_up(self, environment: str, kept: Kept) -> None:
        """End what was under way when somebody kept the environment up."""
        for stop in self.journal.standing(STOP, environment):
            begun = (stop.begins_at or stop.submitted_at) < kept.until
            if stop.is_scheduled and begun and stop.state in {State.ANNOUNCED, State.ACTIVE}:
                self.journal.move(stop.id, lambda standing: kept_up(standing, kept, self.now()))

    def _is_down_anyway(self, environment: str, period: Period) -> bool:
        """Tell whether it is torn down, or a schedule that has changed since asked for the whole period."""
        if self.journal.standing(TEARDOWN, environment):
            return True
        stops = (stop for stop in self.journal.standing(STOP, environment) if stop.is_scheduled and not stop.kept)
        return any(stop.expires_at and stop.expires_at >= period.end for stop in stops)

    def _known(self, environment: str) -> tuple[Schedule, Flow] | None:
        schedule, flow = self.policies().schedule_of(environment), self.policies().flows.get(STOP)
        return (schedule, flow) if schedule and flow else None

    def _this_second(self) -> datetime:
        return self.now().replace(microsecond=0)


def key_of(environment: str, period: Period) -> str:
    """Name the submission for a period of sleep: there is one, whoever makes it."""
    return f"schedule:{environment}:{format_moment(period.start)}"
