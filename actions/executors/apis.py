"""An API as one target: its resource policy, and the IP sets that keep stages of it instead.

Each change is made at one of the two. A live entry that moves from the policy into a set, because the catalogue
names one now, leaves the policy only once it stands in the set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from actions.executors.api_gateway.executor import ApiGateway
from actions.executors.api_gateway.state import ApiState, arn_of
from actions.executors.attempts import Attempts
from actions.executors.aws import Clients
from actions.executors.ip_sets.executor import IpSets
from actions.executors.ip_sets.state import SetsState, stands_in_sets
from actions.executors.protocol import Before, Claims, Plan, Target
from actions.pacing import Now, Wait
from sallyport.entries import Entry
from sallyport.policies import Policies


@dataclass(frozen=True, slots=True)
class ApiDoors:
    """What lets callers in to one API."""

    policy: ApiState
    sets: SetsState


class Apis:
    """The executor of the flow `api-whitelisting`; a target is one REST API with all its stages.

    One at a time: an account has one deployment every five seconds, which is what all of them wait for.
    """

    width = 1
    records = False  # a statement that needs nothing to be undone has none

    def __init__(self, policies: Policies, clients: Clients, *, now: Now, wait: Wait) -> None:
        self._catalogue = policies.catalogue
        self._policy = ApiGateway(policies, clients, now=now, wait=wait)
        self._sets = IpSets(policies.catalogue, clients, wait=wait)

    def managed_targets(self) -> Sequence[Target]:
        """Return every REST API of the catalogue in each of its environments."""
        return self._policy.managed_targets()

    def observe(self, target: Target, claims: Claims) -> ApiDoors:
        """Read the policy with its stages, and the sets with what stands before theirs."""
        policy = self._policy.observe(target, self._at_policy(claims))
        return ApiDoors(policy, self._sets.observe(target, self._in_sets(claims), arn_of(target), policy.policy))

    def plan(self, target: Target, state: ApiDoors, claims: Claims) -> Plan[ApiDoors]:
        """Return the difference to make; no calls."""
        inside, outside = self._in_sets(claims), self._at_policy(claims)
        sets = self._sets.plan(target, state.sets, inside, arn_of(target))
        moving = tuple(entry for entry in inside.live if entry.id not in sets.unchanged)
        outside = replace(outside, before={**claims.before, **_by_id(sets.before)})
        policy = self._policy.plan(target, state.policy, outside, moving)
        return Plan(
            target,
            state,
            ApiDoors(policy.wanted, sets.wanted),
            steps=(*sets.steps, *policy.steps),
            unchanged=frozenset(_settled((inside, sets.unchanged), (outside, policy.unchanged))),
            refusals={
                entry_id: " ".join(plan.refusals[entry_id] for plan in (sets, policy) if entry_id in plan.refusals)
                for entry_id in {**sets.refusals, **policy.refusals}
            },
            before=tuple((_by_id(sets.before) | _by_id(policy.before)).values()),
            facts=(*policy.facts, *sets.facts),
        )

    def apply(self, plan: Plan[ApiDoors], reference: str) -> tuple[str, ...]:
        """Write the sets and the policy; neither waits for the other to succeed."""
        sets, policy = _halves(plan)
        return _all_of(lambda: self._sets.apply(sets, reference), lambda: self._policy.apply(policy, reference))

    def restore(self, plan: Plan[ApiDoors], reference: str) -> tuple[str, ...]:
        """Take away again what the plan added, at both."""
        sets, policy = _halves(plan)
        return _all_of(
            lambda: self._sets.restore(sets, reference), lambda: self._policy.restore(policy, reference)
        )

    def evidence(self, state: ApiDoors, claims: Claims) -> Sequence[str]:
        """Say what was read back of both."""
        policy = self._policy.evidence(state.policy, self._at_policy(claims))
        return (*policy, *self._sets.evidence(state.sets, self._in_sets(claims)))

    def strangers(self, target: Target, claims: Claims) -> Sequence[str]:  # noqa: ARG002  # anybody may
        """Return nothing: others' statements and addresses are their owners' business."""
        return ()

    def housekeeping(self, target: Target, claims: Claims) -> tuple[str, ...]:  # noqa: ARG002  # nothing is left
        """Do nothing: what has ended leaves nothing behind."""
        return ()

    def _in_sets(self, claims: Claims) -> Claims:
        return self._with(claims, lambda change, place: stands_in_sets(change, place, self._catalogue))

    def _at_policy(self, claims: Claims) -> Claims:
        return self._with(claims, lambda change, place: not stands_in_sets(change, place, self._catalogue))

    def _with(self, claims: Claims, belongs: Callable[[object, str], bool]) -> Claims:
        return replace(claims, live=_parts(claims.live, belongs), ended=_parts(claims.ended, belongs))


def _parts(entries: Iterable[Entry], belongs: Callable[[object, str], bool]) -> tuple[Entry, ...]:
    """Return of *entries* what belongs to one of the two, without those of which nothing does."""
    found = []
    for entry in entries:
        changes = tuple(change for change in entry.changes if belongs(change, entry.environment))
        if changes:
            found.append(entry if len(changes) == len(entry.changes) else replace(entry, changes=changes))
    return tuple(found)


def _settled(*halves: tuple[Claims, frozenset[str]]) -> Iterator[str]:
    """Yield the entries that are in place wherever they ask for something."""
    asking = {entry.id for claims, _ in halves for entry in claims.live}
    waiting = {entry.id for claims, there in halves for entry in claims.live if entry.id not in there}
    yield from asking - waiting


def _halves(plan: Plan[ApiDoors]) -> tuple[Plan[SetsState], Plan[ApiState]]:
    sets = Plan(plan.target, plan.observed.sets, plan.wanted.sets)
    return sets, Plan(plan.target, plan.observed.policy, plan.wanted.policy)


def _all_of(*attempts: Callable[[], Sequence[str]]) -> tuple[str, ...]:
    made = Attempts()
    for attempt in attempts:
        made.make_all(attempt)
    return made.evidence()


def _by_id(befores: Iterable[Before]) -> dict[str, Before]:
    return {before.entry_id: before for before in befores}
