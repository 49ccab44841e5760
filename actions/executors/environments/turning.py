"""Stopping and starting in order, each step waited for: services down, databases down, databases up, services up.

What AWS refuses or does not finish in time is given up with its reason, and so is what has to come after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from actions.executors.aws import AwsFault
from actions.executors.environments import wording
from actions.executors.environments.calls import DatabaseCalls, ServiceCalls
from actions.executors.environments.state import STOPPED, STOPPING, Database, Resource, Service
from actions.executors.waiting import Patience
from actions.pacing import Backoff

TASKS = Backoff(attempts=30, first=3.0, factor=1.3, longest=20.0)  # about eight minutes
DATABASES = Backoff(attempts=51, first=5.0, factor=1.3, longest=20.0)  # about fifteen minutes
# A job that stops waits for tasks and databases; one that starts may wait for databases twice. Both stay within
# the time limits of their workflows, 30 and 60 minutes.


@dataclass(slots=True)
class Turning:
    """Makes one plan's difference. `given_up` is filled by key, `done` is the evidence."""

    services: ServiceCalls
    databases: DatabaseCalls
    patience: Patience
    given_up: dict[str, str]
    done: list[str] = field(default_factory=list)

    def turn(self, found: Mapping[str, Resource], goals: Mapping[str, Resource]) -> None:
        """Make of each resource in *found* what it is in *goals*. TargetFault if AWS cannot be read any more."""
        services = [goal for goal in goals.values() if isinstance(goal, Service)]
        databases = [goal for goal in goals.values() if isinstance(goal, Database)]
        down = [goal for goal in services if goal.desired == 0]
        self._services_down(found, down)
        self._databases_down(found, [goal for goal in databases if goal.is_down], self._left(down))
        up = [goal for goal in databases if not goal.is_down]
        self._databases_up(found, up)
        self._services_up(found, [goal for goal in services if goal.desired], self._left(up))

    def _services_down(self, found: Mapping[str, Resource], goals: Sequence[Service]) -> None:
        for goal in goals:
            self._attempt(goal, partial(self._scale_first, found[goal.key], goal))
        self._await_services(goals)

    def _services_up(self, found: Mapping[str, Resource], goals: Sequence[Service], left: Sequence[str]) -> None:
        if left:
            self._give_up_all(goals, wording.waits_for(left))
            return
        for goal in goals:
            self._attempt(goal, partial(self._count_first, found[goal.key], goal))
        self._await_services(goals)

    def _databases_down(
        self, found: Mapping[str, Resource], goals: Sequence[Database], left: Sequence[str]
    ) -> None:
        if left:
            self._give_up_all(goals, wording.waits_for(left))
            return
        for goal in goals:
            if not _is_down(found[goal.key]):
                self._attempt_on(goal, partial(self._stop_database, goal), lambda found: found.is_down)
        self._await_databases("stopped databases", goals, lambda database: database.status == STOPPED)

    def _databases_up(self, found: Mapping[str, Resource], goals: Sequence[Database]) -> None:
        """Start databases; one that is still stopping has to stop first."""
        down = [goal for goal in goals if _is_down(found[goal.key])]
        self._await_databases("stopped databases", down, lambda database: database.status != STOPPING)
        for goal in down:
            self._attempt_on(goal, partial(self._start_database, goal), lambda found: not found.is_down)
        self._await_databases("running databases", goals, lambda database: database.is_serving)

    def _scale_first(self, before: Resource, goal: Service) -> None:
        """Stop a service: its automatic scaling first, or that would raise the count again."""
        self._set_scaling(before, goal)
        self._set_count(before, goal)

    def _count_first(self, before: Resource, goal: Service) -> None:
        """Start a service: its count first, so that its automatic scaling finds it between the limits."""
        self._set_count(before, goal)
        self._set_scaling(before, goal)

    def _set_count(self, before: Resource, goal: Service) -> None:
        if isinstance(before, Service) and before.desired != goal.desired:
            request = self.services.set_count(goal, goal.desired)
            self.done.append(wording.counted(before, goal, request))

    def _set_scaling(self, before: Resource, goal: Service) -> None:
        if isinstance(before, Service) and goal.scaling and before.scaling != goal.scaling:
            request = self.services.set_scaling(goal, goal.scaling)
            self.done.append(wording.scaled(goal, goal.scaling, request))

    def _stop_database(self, goal: Database) -> None:
        self.done.append(wording.stop_begun(goal, self.databases.stop(goal)))

    def _start_database(self, goal: Database) -> None:
        self.done.append(wording.start_begun(goal, self.databases.start(goal)))

    def _attempt(self, goal: Resource, write: Callable[[], None]) -> None:
        if goal.key in self.given_up:
            return
        try:
            write()
        except AwsFault as fault:
            self.given_up[goal.key] = str(fault).rstrip(".")

    def _attempt_on(self, goal: Database, write: Callable[[], None], is_begun: Callable[[Database], bool]) -> None:
        """Write, unless it turns out that another job was faster or that only the answer was lost."""

        def look_after_a_fault() -> None:
            try:
                write()
            except AwsFault:
                found = self.databases.database(goal.kind, goal.name)
                if found is None or not is_begun(found):
                    raise

        self._attempt(goal, look_after_a_fault)

    def _await_services(self, goals: Sequence[Service]) -> None:
        awaited = [goal for goal in goals if goal.key not in self.given_up]
        if not awaited:
            return
        names = {goal.cluster: [g.name for g in awaited if g.cluster == goal.cluster] for goal in awaited}

        def look() -> dict[str, str]:
            read = (found for cluster in names for found in self.services.tasks(cluster, names[cluster]))
            return {found.key: wording.running(found) for found in read if found.running != found.desired}

        self._give_up(self.patience.until_none_is_left("ECS services", look, TASKS))

    def _await_databases(self, what: str, goals: Iterable[Database], is_done: Callable[[Database], bool]) -> None:
        awaited = [goal for goal in goals if goal.key not in self.given_up]
        if not awaited:
            return

        def look() -> dict[str, str]:
            read = (self.databases.database(goal.kind, goal.name) for goal in awaited)
            return {found.key: found.status for found in read if found and not is_done(found)}

        self._give_up(self.patience.until_none_is_left(what, look, DATABASES))

    def _give_up(self, left: Mapping[str, str]) -> None:
        self.given_up |= {key: wording.too_late(status) for key, status in left.items()}

    def _give_up_all(self, goals: Iterable[Resource], reason: str) -> None:
        self.given_up |= {goal.key: reason for goal in goals if goal.key not in self.given_up}

    def _left(self, goals: Iterable[Resource]) -> list[str]:
        return [goal.key for goal in goals if goal.key in self.given_up]


def _is_down(found: Resource) -> bool:
    return isinstance(found, Database) and found.is_down
