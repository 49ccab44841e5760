"""Reminders as effects: the requester's before an end, and nudges to those who are waited for.

What is due is judged anew when it comes: nobody is reminded of what is over, or decided already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.directory import Directory
from coordinator.journal import Again, Done, Work
from coordinator.lifecycle import NUDGE, NUDGED, REMIND, Armed, Happening, Lane, Move
from coordinator.outside.confirmations import reached
from coordinator.positions import rule_of
from coordinator.reminding import next_nudge
from coordinator.requests import WAITED_FOR, Request, Route, State, is_channel
from sallyport.audit import Deed
from sallyport.policies import Policies
from sallyport.times import format_moment
from sallyport.working_hours import next_working_moment


@dataclass(frozen=True, slots=True)
class Reminders:
    """The effects `reminder` and `nudge`, which send nothing themselves: messages have a lane of their own."""

    directory: Directory
    policies: Callable[[], Policies]
    now: Callable[[], datetime]

    def reminder(self, _work: Work, request: Request) -> Done:
        """Have the requester told of the near end, if there is something to do about it."""
        now, rule = self.now(), rule_of(request, self.policies())
        is_ending = request.state is State.ACTIVE and request.expires_at is not None and now < request.expires_at
        helps = rule is not None and (rule.extension or rule.early_return)
        if not is_ending or not helps or request.is_extended:
            return Done()
        return Done(arm=(Armed(REMIND, REMIND, Lane.SLACK, now),))

    def nudge(self, work: Work, request: Request) -> Done | Again:
        """Have those reminded who are waited for; an automatic nudge waits for working hours.

        Who can confirm it in GitHub is looked up anew, and gets a card if policy has people asked directly.
        """
        now = self.now()
        if request.state not in WAITED_FOR:
            return Done(work.result)
        if work.name != NUDGE:
            flow = self.policies().flows.get(request.flow)
            if flow is None or flow.nudges is None:
                return Done()
            if (due := next_working_moment(flow.nudges, now)) > now:
                return Again(due)
        again = next_nudge(request)
        if again is not None and now < again:
            return Done(work.result)
        nudged = Happening(Deed.NUDGED, now, request.requester if work.name == NUDGE else "coordinator")
        asked = self._asked(request)
        return Done({"at": format_moment(now)}, then=lambda standing: _nudged(standing, work, nudged, asked))

    def _asked(self, request: Request) -> Route:
        """Return who can confirm it in GitHub now, and where policy has them asked; nobody while Slack decides."""
        if request.state is not State.CONFIRMING:
            return Route()
        policies = self.policies()
        confirmers, rule = reached(request, self.directory, policies), rule_of(request, policies)
        return Route(confirmers, confirmers if rule is not None and rule.cards.direct else ())


def _nudged(standing: Request, work: Work, nudged: Happening, asked: Route) -> Move | None:
    """Return the fact and its messages; None if it was decided meanwhile, or nobody is left to remind.

    None also where another nudge was recorded while this one was on its way. Who has no card yet gets one, and is
    reminded under it.
    """
    awaited = standing.deciders if standing.state is State.PENDING else asked.deciders
    notify = tuple(dict.fromkeys((*standing.notify, *asked.notify)))
    places = [place for place in notify if place in awaited or is_channel(place)]
    others = {name: result for name, result in standing.results.items() if name != work.name}
    again = next_nudge(replace(standing, results=others))
    if standing.state not in WAITED_FOR or not awaited or not places or (again is not None and nudged.at < again):
        return None
    messages = (
        Armed(
            f"{NUDGED}:{work.name}:{work.arming}:{place}",
            NUDGED,
            Lane.SLACK,
            nudged.at,
            f"card:{place}",
            {"place": place, "who": list(awaited)},
        )
        for place in places
    )
    route = Route(standing.deciders, notify) if notify != standing.notify else None
    return Move(nudged, arm=tuple(messages), route=route)
