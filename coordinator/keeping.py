"""Keeping an environment up for a while: what would stop it waits, what has stopped it is ended, all on record.

Whoever may ask for a stop may say so. What a schedule asks for is asked again when the time is over; a longer word
holds against a shorter one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.deciding import NotYours
from coordinator.ending import Ending
from coordinator.infra.lines import STOP
from coordinator.lifecycle import kept_up
from coordinator.requests import Kept, Request, State
from coordinator.sleeping import Sleeping
from coordinator.wording import mention
from sallyport.flows import ENVIRONMENT
from sallyport.platforms.slack_text import date, escape
from sallyport.policies import Policies
from sallyport.times import say_duration

LONGEST = timedelta(days=3)  # where no schedule says how long
_MAY_BE_SPARED = {State.ANNOUNCED, State.ACTIVE}


@dataclass(frozen=True, slots=True)
class Keeping:
    """Takes somebody's word that an environment stays up until a moment."""

    ending: Ending
    sleeping: Sleeping
    policies: Callable[[], Policies]

    def may_keep(self, environment: str, slack_id: str) -> bool:
        """Tell whether this person may keep *environment* up, and anything is to stop it."""
        if self.ending.may_ask(STOP, environment, slack_id) is None:
            return False
        stops = self.ending.journal.standing(STOP, environment)
        is_announced = any(stop.state is State.ANNOUNCED for stop in stops)
        return is_announced or self.policies().schedule_of(environment) is not None

    def longest(self, environment: str) -> timedelta:
        """Return how long *environment* can be kept up at most."""
        schedule = self.policies().schedule_of(environment)
        return schedule.longest_keep if schedule else LONGEST

    def keep(self, environment: str, slack_id: str, until: datetime) -> tuple[list[Request], list[str]]:
        """Keep *environment* up until then: return the stops that it concerns, and why others go on.

        NotYours if this person may not, or if it would change nothing.
        """
        by = self.ending.may_ask(STOP, environment, slack_id)
        if by is None:
            raise NotYours(f"Policy does not let you ask for a stop of {environment}, nor keep it up.")
        self._check(environment, until)
        kept, concerned, others = Kept(until, by), [], []
        for stop in self.ending.journal.standing(STOP, environment):
            if why := self._barred(stop, slack_id):
                others.append(why)
            elif after := self._keep_up(stop, kept):
                concerned.append(after)
        period = None if concerned else self.sleeping.coming(environment)
        if period and period.start < until:  # so that the word is on record with what it is about
            concerned += [
                after for after in [self._keep_up(self.sleeping.ask(environment, period), kept)] if after
            ]
        if not concerned and not others:
            raise NotYours(f"Nothing is to stop {environment} before {date(until)}, so it stays up anyway.")
        return concerned, others

    def _check(self, environment: str, until: datetime) -> None:
        now, longest, kept = self.ending.now(), self.longest(environment), self.sleeping.kept(environment)
        if until <= now:
            raise NotYours(f"{date(until)} is over already.")
        if until > now + longest:
            raise NotYours(f"Policy lets people keep {environment} up for {say_duration(longest)} at most.")
        if kept and kept.until >= until:
            person = self.policies().people.by_email(kept.by)
            who = escape(person.label if person else kept.by)
            raise NotYours(f"{who} keeps {environment} up until {date(kept.until)} already.")

    def _barred(self, stop: Request, slack_id: str) -> str:
        """Say why this person cannot keep *stop* from going on; empty if nothing is in the way."""
        if stop.state is State.ACTIVE and not self.ending.may_end(stop, slack_id):
            return f"Policy does not let you end {stop.id}, asked for by {mention(stop)}."
        if stop.state not in _MAY_BE_SPARED and stop.state is not State.ENDING and not stop.is_scheduled:
            return f"{stop.id} has begun. It can be ended once it is live."
        return ""

    def _keep_up(self, stop: Request, kept: Kept) -> Request | None:
        """Record it at *stop*; None if that is no concern of it."""
        policies, now = self.policies(), self.ending.now()
        flow = policies.flows[STOP]
        rule = policies.rule_for(flow, {ENVIRONMENT: stop.environment})
        shortest = rule.lifetime.minimum if rule else timedelta()
        after = self.ending.journal.move(
            stop.id, lambda standing: kept_up(standing, kept, now, flow.notice, shortest)
        )
        return after if after.kept == kept else None
