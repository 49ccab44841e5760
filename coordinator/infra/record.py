"""What is on record of an environment: what keeps it down, and which addresses are let in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from coordinator.infra.lines import STOP, TEARDOWN, WHITELIST
from coordinator.journal import Journal
from coordinator.requests import Request, State
from coordinator.sleeping import Sleeping
from sallyport.catalogue import Environment
from sallyport.changes.allow_list import ALLOW_LISTS
from sallyport.changes.infra_stop import INFRASTRUCTURE, MAIN
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.coming import Coming
from sallyport.flows import ENVIRONMENT
from sallyport.policies import Policies
from sallyport.problems import Problem, Problems, nearest, quoted


@dataclass(frozen=True, slots=True)
class Record:
    """Looks into the journal; it asks nobody outside."""

    journal: Journal
    policies: Callable[[], Policies]
    sleeping: Sleeping

    def environments(self) -> tuple[Environment, ...]:
        """Return the environments that have infrastructure or an allow list, as operators order them."""
        catalogue = self.policies().catalogue
        items = (catalogue.lists.get(name, {}).get(MAIN) for name in (INFRASTRUCTURE, ALLOW_LISTS))
        named = frozenset().union(*(item.places for item in items if item))
        return tuple(place for name, place in catalogue.environments.items() if name in named)

    @property
    def usual(self) -> str:
        """The environment that is meant where none is named."""
        flow = self.policies().flows.get(STOP) or self.policies().flows.get(WHITELIST)
        field = flow.field(ENVIRONMENT) if flow else None
        return field.default if field and field.default else next((one.id for one in self.environments()), "")

    def place(self, name: str) -> Environment:
        """Return the environment called *name*, or the usual one; Problems offers the nearest."""
        known = {one.id: one for one in self.environments()}
        found = known.get(name or self.usual)
        if found is None:
            raise Problems(
                [Problem(f"{quoted(name)} is no environment here", nearest(name, known), field=ENVIRONMENT)]
            )
        return found

    def stops(self, environment: str) -> Sequence[Request]:
        return self.journal.standing(STOP, environment)

    def coming(self, environment: str) -> Coming:
        """Return the stop that comes next, and who keeps the environment up until when."""
        kept = self.sleeping.kept(environment)
        stops = [stop for stop in self.stops(environment) if stop.state is State.ANNOUNCED and stop.begins_at]
        announced = min(stops, key=lambda stop: stop.begins_at or stop.submitted_at, default=None)
        period, schedule = self.sleeping.coming(environment), self.policies().schedule_of(environment)
        found = Coming(kept_until=kept.until, kept_by=kept.by) if kept else Coming()
        if announced and (period is None or (announced.begins_at or period.start) <= period.start):
            return replace(found, begins=announced.begins_at, ends=announced.expires_at, by=announced.requester)
        if period and schedule:
            return replace(found, begins=period.start, ends=period.end, by=schedule.requester)
        return found

    def teardowns(self, environment: str) -> Sequence[Request]:
        return self.journal.standing(TEARDOWN, environment)

    def addresses(self, environment: str) -> Sequence[Request]:
        return self.journal.standing(WHITELIST, environment)

    def holders(self, environment: str, address: str) -> Sequence[Request]:
        """Return the requests that hold *address*, in canonical form."""
        return [request for request in self.addresses(environment) if _has(request, address)]


def _has(request: Request, address: str) -> bool:
    return any(isinstance(change, InfraWhitelist) and change.address == address for change in request.changes)
