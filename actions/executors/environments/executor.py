"""Stop and start of one environment: observe, plan, write in order, wait, put back.

Services go down before databases and come up after them. One resource that AWS refuses keeps no other from being
done: it is given up for this job, and told. Nothing is written that `planning` did not plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actions.executors.aws import Clients
from actions.executors.environments import wording
from actions.executors.environments.calls import DatabaseCalls, ServiceCalls
from actions.executors.environments.planning import brought_back, make_plan, set_scene
from actions.executors.environments.reading import managed_environments, read_environment
from actions.executors.environments.state import EnvironmentState, Resource
from actions.executors.environments.turning import Turning
from actions.executors.protocol import Claims, Plan, Target, TargetFault
from actions.executors.waiting import Patience
from actions.pacing import Wait
from sallyport.changes.infra_stop import Infrastructure
from sallyport.policies import Policies


class Environments:
    """The executor of the flow `infra-stop`; a target is one environment of an account and region."""

    width = 1  # a job is for one environment
    records = True

    def __init__(self, policies: Policies, clients: Clients, wait: Wait) -> None:
        self._catalogue = policies.catalogue
        self._clients = clients
        self._wait = wait
        self._given_up: dict[str, dict[str, str]] = {}  # by lock, then by the resource's key

    def managed_targets(self) -> Sequence[Target]:
        """Return each environment whose services and databases the catalogue names."""
        return managed_environments(self._catalogue)

    def observe(self, target: Target, claims: Claims) -> EnvironmentState:  # noqa: ARG002  # all of it is read
        """Read every service and database that the catalogue gives to the environment."""
        return self._read(target)

    def plan(self, target: Target, state: EnvironmentState, claims: Claims) -> Plan[EnvironmentState]:
        """Return the difference to make; no calls."""
        production = self._infrastructure(target).production
        return make_plan(target, set_scene(target, claims, state, production=production))

    def apply(self, plan: Plan[EnvironmentState], reference: str) -> tuple[str, ...]:  # noqa: ARG002  # AWS keeps none
        """Stop and start what the plan says; what AWS refuses is given up, and the next plan tells it."""
        found, wanted = plan.observed.resources, plan.wanted.resources
        goals = {key: wanted[key] for key in wanted if wanted[key] != found[key]}
        return self._turn(plan.target, found, goals, self._reasons(plan.target))

    def restore(self, plan: Plan[EnvironmentState], reference: str) -> tuple[str, ...]:  # noqa: ARG002  # AWS keeps none
        """Bring back what the plan stopped; what it started stays. TargetFault names what did not come back."""
        now = self._read(plan.target).resources
        left: dict[str, str] = {}
        done = self._turn(plan.target, now, brought_back(plan, now), left)
        if left:
            raise TargetFault(wording.not_started(left.items()))
        return done

    def evidence(self, state: EnvironmentState, claims: Claims) -> Sequence[str]:  # noqa: ARG002  # all of it matters
        """Say how each resource was read back."""
        return tuple(wording.read_back(found) for found in state.resources.values())

    def strangers(self, target: Target, claims: Claims) -> Sequence[str]:  # noqa: ARG002  # anybody may
        """Return nothing: what runs in an environment is its owners' business."""
        return ()

    def housekeeping(self, target: Target, claims: Claims) -> tuple[str, ...]:  # noqa: ARG002  # nothing is left behind
        """Do nothing: an end leaves nothing behind."""
        return ()

    def _turn(
        self,
        target: Target,
        found: Mapping[str, Resource],
        goals: Mapping[str, Resource],
        given_up: dict[str, str],
    ) -> tuple[str, ...]:
        patience = Patience(target.lock, self._wait)
        turning = Turning(self._services(target), self._databases(target), patience, given_up)
        turning.turn(found, goals)
        return tuple(turning.done)

    def _read(self, target: Target) -> EnvironmentState:
        calls = self._services(target), self._databases(target)
        return read_environment(self._infrastructure(target), *calls, self._reasons(target))

    def _services(self, target: Target) -> ServiceCalls:
        return ServiceCalls(self._clients, target.access, self._wait)

    def _databases(self, target: Target) -> DatabaseCalls:
        return DatabaseCalls(self._clients, target.access, self._wait)

    def _reasons(self, target: Target) -> dict[str, str]:
        """Return why this job does no more about a resource, by key."""
        return self._given_up.setdefault(target.lock, {})

    def _infrastructure(self, target: Target) -> Infrastructure:
        try:
            return Infrastructure.find(self._catalogue, target.environment)
        except LookupError as error:
            raise TargetFault(f"Nobody can tell what belongs to {target.environment}: {error}.") from error
