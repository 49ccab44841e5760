"""Teardown and spin-up of one environment: observe, plan, delete or restore in order, and read everything back.

A teardown that has begun only goes forward: whatever interrupts it, the next sweep goes on, and its end restores
everything from the record that was committed before the first delete.
"""

from __future__ import annotations

from collections.abc import Sequence

from actions.executors.aws import Clients
from actions.executors.environments.reading import managed_environments
from actions.executors.protocol import Claims, Plan, Target, TargetFault
from actions.executors.teardown import wording
from actions.executors.teardown.clusters import Clusters
from actions.executors.teardown.desk import Desk
from actions.executors.teardown.instances import Instances
from actions.executors.teardown.planning import make_plan, recorded_in, set_scene
from actions.executors.teardown.reading import Everything
from actions.executors.teardown.state import EstateState
from actions.executors.teardown.turning import Turning
from actions.executors.waiting import Patience
from actions.pacing import Wait
from sallyport.changes.infra_teardown import Estate
from sallyport.policies import Policies


class Teardown:
    """The executor of the flow `infra-teardown`; a target is one environment of an account and region."""

    width = 1  # a job is for one environment
    records = True

    def __init__(self, policies: Policies, clients: Clients, wait: Wait) -> None:
        self._catalogue = policies.catalogue
        self._clients = clients
        self._wait = wait
        self._given_up: dict[str, dict[str, str]] = {}  # by lock, then by the part's key

    def managed_targets(self) -> Sequence[Target]:
        """Return each environment whose infrastructure the catalogue names."""
        return managed_environments(self._catalogue)

    def observe(self, target: Target, claims: Claims) -> EstateState:
        """Read all that the catalogue gives to the environment, and all that records remember of it."""
        recorded = recorded_in(claims, target.lock).values()
        return Everything(self._desk(target)).read(self._estate(target), recorded, self._reasons(target))

    def plan(self, target: Target, state: EstateState, claims: Claims) -> Plan[EstateState]:
        """Return the difference to make; no calls."""
        estate = self._estate(target)
        production, override = estate.infrastructure.production, estate.override_deletion_protection
        return make_plan(target, set_scene(target, claims, state, production=production, override=override))

    def apply(self, plan: Plan[EstateState], reference: str) -> tuple[str, ...]:  # noqa: ARG002  # AWS keeps none
        """Delete and restore what the plan says; what AWS refuses is given up, and the next plan tells it."""
        desk = self._desk(plan.target)
        turning = Turning(
            Everything(desk).parts,
            Clusters(desk),
            Instances(desk),
            Patience(plan.target.lock, self._wait),
            self._reasons(plan.target),
        )
        turning.down(plan.wanted.down)
        turning.up(plan.wanted.up)
        return tuple(desk.done)

    def restore(self, plan: Plan[EstateState], reference: str) -> tuple[str, ...]:  # noqa: ARG002  # it only refuses
        """Never turn back by itself: creating everything anew because of one fault would do more harm."""
        raise TargetFault(wording.FORWARD)

    def evidence(self, state: EstateState, claims: Claims) -> Sequence[str]:  # noqa: ARG002  # all of it matters
        """Say how each part was read back, and each final snapshot."""
        snapshots = (f"snapshot {name} is {status or 'not there'}" for name, status in state.snapshots.items())
        return (*(wording.read_back(part) for part in state.parts.values()), *snapshots)

    def strangers(self, target: Target, claims: Claims) -> Sequence[str]:  # noqa: ARG002  # anybody may
        """Return nothing: what runs in an environment is its owners' business."""
        return ()

    def housekeeping(self, target: Target, claims: Claims) -> tuple[str, ...]:  # noqa: ARG002  # snapshots are kept
        """Do nothing: snapshots are data, and whoever needs them no more deletes them."""
        return ()

    def _desk(self, target: Target) -> Desk:
        override = self._estate(target).override_deletion_protection
        return Desk(self._clients, target.access, self._wait, override)

    def _reasons(self, target: Target) -> dict[str, str]:
        """Return why this job does no more about a part, by key."""
        return self._given_up.setdefault(target.lock, {})

    def _estate(self, target: Target) -> Estate:
        try:
            return Estate.find(self._catalogue, target.environment)
        except LookupError as error:
            raise TargetFault(f"Nobody can tell what belongs to {target.environment}: {error}.") from error
