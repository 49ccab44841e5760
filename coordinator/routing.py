"""Whose turn it is: the panels of a rule as far as Slack reaches their members, and where those are asked.

Everything is derived anew each time it is asked for, from the policies and the directory of the moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from coordinator.courtesy import Bouts
from coordinator.directory import Circumstances, Directory
from coordinator.journal import Journal
from coordinator.lifecycle import Happening, shown_in_github
from coordinator.positions import Position, position_of
from coordinator.requests import Request, Route
from sallyport.approval import Panel
from sallyport.audit import Deed
from sallyport.flows import Rule
from sallyport.policies import Policies

log = structlog.get_logger()

NOBODY = "Nobody is left who could decide it: those who could have left, or policy names others now."
ENOUGH = "Policy has changed and needs no further approval for it; cancel it and ask again, under the new policy."


@dataclass(frozen=True, slots=True)
class Routing:
    """Finds who is to decide."""

    policies: Callable[[], Policies]
    directory: Directory

    def reachable(self, rule: Rule, found: Sequence[Panel]) -> tuple[Panel, ...]:
        """Return the panels with those who are active in Slack and whose decision would count."""
        return tuple(panel.only(self._slack_ids(rule, panel)) for panel in found)

    def position(self, request: Request) -> Position | None:
        """Tell where *request* stands; None if policy has no rule for it any more."""
        return position_of(request, self.policies(), self.reachable)

    def route(self, position: Position, decided: Sequence[str] = ()) -> Route:
        """Return who is asked next; whoever has decided is not asked again."""
        panel = position.standing.panel
        if panel is None:
            return Route()
        ids = self._slack_ids(position.rule, panel.only(panel.emails - frozenset(decided)))
        deciders = tuple(sorted(ids.values()))
        cards = position.rule.cards
        return Route(deciders, (*(deciders if cards.direct else ()), *([cards.channel] if cards.channel else [])))

    def passed_over(self, found: Sequence[Panel], owners: Iterable[str], requester: str) -> tuple[str, ...]:
        """Return the Slack ids of those who are told of an emergency: who could have been asked, and owners."""
        people = self.policies().people
        emails = frozenset().union(*(panel.emails for panel in found)) | frozenset(map(people.canonical, owners))
        ids = (self.directory.slack_id(email, bound=False) for email in emails - {people.canonical(requester)})
        return tuple(sorted(slack_id for slack_id in ids if slack_id))

    def _slack_ids(self, rule: Rule, panel: Panel) -> Mapping[str, str]:
        ids = ((email, self.directory.slack_id(email, bound=rule.bound_identity)) for email in panel.emails)
        return {email: slack_id for email, slack_id in ids if slack_id}


class Rerouting:
    """Asks others when those who were asked can decide no longer, and those who can decide only now.

    A request is looked at when something happened to it, or to people or policies, since it was looked at last.
    What waits for its approval in GitHub is shown there anew, and nothing happens where that changes nothing.
    """

    def __init__(self, journal: Journal, routing: Routing, now: Callable[[], datetime]) -> None:
        self._journal = journal
        self._routing = routing
        self._now = now
        self._one_at_a_time = threading.Lock()  # what was looked at belongs to the circumstances of that look
        self._circumstances: Circumstances | None = None
        self._looked_at: dict[str, int] = {}  # in those circumstances, by request: its newest fact then

    def look(self) -> None:
        """Compare waiting requests with who is eligible now."""
        with self._one_at_a_time:
            self._look()

    def _look(self) -> None:
        circumstances = self._routing.directory.circumstances()
        if circumstances != self._circumstances:
            self._circumstances, self._looked_at = circumstances, {}
            self._journal.arm_confirming(shown_in_github(self._now()))
        waiting = self._journal.pending()
        self._looked_at = {one: fact for one, fact in self._looked_at.items() if one in waiting}
        unseen = [one for one, fact in waiting.items() if self._looked_at.get(one) != fact]
        bouts = Bouts()
        for request in self._journal.requests(unseen):
            self._look_at(request)
            self._looked_at[request.id] = waiting[request.id]
            bouts.rest()

    def _look_at(self, request: Request) -> None:
        position = self._routing.position(request)
        decided = [decision.by for decision in request.decisions]
        route = self._routing.route(position, decided) if position else Route()
        if set(route.deciders) != set(request.deciders):
            nobody = ENOUGH if position and position.standing.approved else NOBODY
            self._reroute(request, route, nobody)

    def _reroute(self, request: Request, route: Route, nobody: str) -> None:
        detail = _those_now(route) if route.deciders else nobody
        log.info("request.rerouted", request_id=request.id, deciders=len(route.deciders))
        happening = Happening(Deed.ROUTED, self._now(), "coordinator", {"detail": detail})
        self._journal.reroute(request.id, happening, route)


def _those_now(route: Route) -> str:
    count = len(route.deciders)
    return "One person can decide it now." if count == 1 else f"{count} people can decide it now."
