"""Whose turn it is: the panels of a rule as far as Slack reaches their members, and where those are asked.

Everything is derived anew each time it is asked for, from the policies and the directory of the moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from coordinator.directory import Directory
from coordinator.journal import Journal
from coordinator.lifecycle import Happening
from coordinator.positions import Position, position_of
from coordinator.requests import Request, Route
from sallyport.approval import Panel
from sallyport.audit import Deed
from sallyport.flows import Rule
from sallyport.policies import Policies

log = structlog.get_logger()

NOBODY = "Nobody is left who could decide it: those who could have left, or policy names others now."


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

    def _slack_ids(self, rule: Rule, panel: Panel) -> Mapping[str, str]:
        ids = ((email, self.directory.slack_id(email, bound=rule.bound_identity)) for email in panel.emails)
        return {email: slack_id for email, slack_id in ids if slack_id}


@dataclass(frozen=True, slots=True)
class Rerouting:
    """Asks others when those who were asked can decide no longer, and those who can decide only now."""

    journal: Journal
    routing: Routing
    now: Callable[[], datetime]

    def look(self) -> None:
        """Compare every waiting request with who is eligible now."""
        for request_id in self.journal.pending():
            request = self.journal.request(request_id)
            position = self.routing.position(request)
            decided = [decision.by for decision in request.decisions]
            route = self.routing.route(position, decided) if position else Route()
            if set(route.deciders) != set(request.deciders):
                self._reroute(request, route)

    def _reroute(self, request: Request, route: Route) -> None:
        detail = f"{len(route.deciders)} people can decide it now." if route.deciders else NOBODY
        log.info("request.rerouted", request_id=request.id, deciders=len(route.deciders))
        happening = Happening(Deed.ROUTED, self.now(), "coordinator", {"detail": detail})
        self.journal.reroute(request.id, happening, route)
