"""Whitelisting in the resource policies of REST APIs: observe, plan, write, put back.

The policy is written as a whole, with others' statements as they were, and each affected stage is deployed once
for any number of entries. Nothing is written that `planning` did not plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from actions.executors.api_gateway.calls import BETWEEN_DEPLOYMENTS, ApiCalls
from actions.executors.api_gateway.difference import is_in_place
from actions.executors.api_gateway.marks import Mark, mark_of
from actions.executors.api_gateway.planning import is_settled, make_plan
from actions.executors.api_gateway.restoring import restored
from actions.executors.api_gateway.state import ApiState, Scene, Stage, arn_of, set_scene, targets_of
from actions.executors.aws import Clients
from actions.executors.protocol import Claims, Plan, Target, TargetFault
from actions.pacing import Now, Pacer, Wait
from sallyport.entries import Entry
from sallyport.policies import Policies
from sallyport.resource_policies.document import LIMIT, same


class ApiGateway:
    """The part of the flow `api-whitelisting` that stands in the API's policy; entries name nothing else to it."""

    def __init__(self, policies: Policies, clients: Clients, *, now: Now, wait: Wait, limit: int = LIMIT) -> None:
        self._catalogue = policies.catalogue
        self._clients = clients
        self._wait = wait
        self._limit = limit
        self._pacer = Pacer(BETWEEN_DEPLOYMENTS, now, wait)
        self._calls_by_lock: dict[str, ApiCalls] = {}

    def managed_targets(self) -> Sequence[Target]:
        """Return every REST API of the catalogue in each of its environments."""
        return targets_of(self._catalogue)

    def observe(self, target: Target, claims: Claims) -> ApiState:
        """Read the policy, the stages that matter with their deployments, and the methods if there is work."""
        calls, arn = self._calls(target), arn_of(target)
        api = calls.rest_api()
        if api is None:
            return ApiState(arn, private=False, policy=None, exists=False)
        state = ApiState(arn, api.private, api.policy)
        scene = set_scene(state, claims, self._catalogue)
        names = {ask.door.stage for ask in (*scene.live, *scene.ended)} | {door.stage for door in state.ours}
        state = replace(state, stages=tuple(calls.stage(name) for name in sorted(names)))
        if is_settled(set_scene(state, claims, self._catalogue)):
            return state
        return replace(state, methods=calls.methods())

    def plan(
        self, target: Target, state: ApiState, claims: Claims, moving: Sequence[Entry] = ()
    ) -> Plan[ApiState]:
        """Return the difference to make; no calls.

        *moving* are live entries that are on their way to stand elsewhere: what the policy has of them stays.
        """
        return make_plan(target, set_scene(state, claims, self._catalogue, moving), self._limit)

    def apply(self, plan: Plan[ApiState], reference: str) -> tuple[str, ...]:
        """Write the policy once if it changes, and deploy each stage that the plan deploys."""
        return tuple(self._apply(plan, reference))

    def restore(self, plan: Plan[ApiState], reference: str) -> tuple[str, ...]:
        """Take away again what the plan added, unless somebody else has changed the policy since."""
        return tuple(self._restore(plan, reference))

    def evidence(self, state: ApiState, claims: Claims) -> Sequence[str]:
        """Say what was read back: the entries that the policy lets in, and what each stage serves."""
        return tuple(self._evidence(set_scene(state, claims, self._catalogue)))

    def _apply(self, plan: Plan[ApiState], reference: str) -> Iterator[str]:
        calls, observed, wanted = self._calls(plan.target), plan.observed, plan.wanted
        if not same(observed.policy, wanted.policy, wanted.arn):
            request = calls.put_policy(wanted.policy)
            yield f"UpdateRestApi {wanted.arn.rest_api}: AWS request {request}"
        for stage in wanted.stages:
            if not stage.deployment and stage.mark:
                yield self._deploy(calls, stage.name, stage.mark, reference)

    def _deploy(self, calls: ApiCalls, stage: str, mark: Mark, reference: str) -> str:
        deployment, request = calls.deploy(stage, mark.description(reference))
        return f"CreateDeployment {deployment} on stage {stage}: AWS request {request}"

    def _restore(self, plan: Plan[ApiState], reference: str) -> Iterator[str]:
        calls, observed, wanted = self._calls(plan.target), plan.observed, plan.wanted
        now = calls.rest_api()
        if now is None or not any(same(now.policy, p.policy, observed.arn) for p in (observed, wanted)):
            raise TargetFault(
                f"The policy of {observed.arn.rest_api} was changed by somebody else meanwhile; it was left alone."
            )
        back = restored(observed, wanted, wanted.additions)
        if not same(now.policy, back, observed.arn):
            request = calls.put_policy(back)
            yield f"UpdateRestApi {observed.arn.rest_api}, put back: AWS request {request}"
        as_it_was = same(back, observed.policy, observed.arn)
        for stage in wanted.stages:
            old = observed.stage(stage.name)
            if old and not stage.deployment and calls.stage(stage.name).mark == stage.mark != old.mark:
                if as_it_was:
                    request = calls.serve(stage.name, old.deployment)
                    yield f"UpdateStage {stage.name} to deployment {old.deployment}: AWS request {request}"
                else:
                    mark = mark_of(back, stage.name, wanted.additions, observed.arn)
                    yield self._deploy(calls, stage.name, mark, reference)

    def _evidence(self, scene: Scene) -> Iterator[str]:
        state = scene.state
        size = state.policy.size(state.arn) if state.policy else 0
        yield f"The resource policy of {state.arn.rest_api} has {size:,} of {self._limit:,} characters"
        for ask in scene.live:
            if is_in_place(scene, ask):
                yield f"Statement {ask.door.sid} lets {', '.join(sorted(ask.sources))} call {ask.door}"
        yield from (_serves(stage) for stage in state.stages if stage.exists)

    def _calls(self, target: Target) -> ApiCalls:
        if target.lock not in self._calls_by_lock:
            arn = arn_of(target)
            self._calls_by_lock[target.lock] = ApiCalls(self._clients, target.access, arn, self._pacer, self._wait)
        return self._calls_by_lock[target.lock]


def _serves(stage: Stage) -> str:
    whose = f"ours, with digest {stage.mark.ours}" if stage.mark else "not made by us"
    return f"Stage {stage.name} serves deployment {stage.deployment}, {whose}"
