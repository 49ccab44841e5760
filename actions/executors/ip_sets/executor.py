"""Addresses in the IP sets that keep stages of one API: observe, plan, write, put back.

One change a set, for any number of entries, and only of the state that was looked at: where somebody was faster,
the next look tells what is left to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from actions.executors.attempts import Attempts
from actions.executors.aws import AwsFault, Clients, confirm_account
from actions.executors.ip_sets.calls import SetCalls
from actions.executors.ip_sets.evidence import proof
from actions.executors.ip_sets.planning import Change, changes, make_plan
from actions.executors.ip_sets.state import SetsState, asks_of, read_records, set_scene, sets_of
from actions.executors.protocol import Claims, Plan, Target, TargetFault
from actions.pacing import Wait
from sallyport.catalogue import Catalogue
from sallyport.changes.ip_sets import CAPACITY, IpSet
from sallyport.resource_policies.document import ApiArn, Policy

OVERTAKEN = frozenset({"WAFOptimisticLockException"})
_CONTESTED = 4  # attempts to take out again what could not be verified
_LAG = 1.0  # seconds until a read may be expected to show what overtook us


class IpSets:
    """The part of the flow `api-whitelisting` that stands in IP sets; entries name nothing else to it."""

    def __init__(self, catalogue: Catalogue, clients: Clients, *, wait: Wait, limit: int = CAPACITY) -> None:
        self._catalogue = catalogue
        self._clients = clients
        self._wait = wait
        self._limit = limit

    def observe(self, target: Target, claims: Claims, arn: ApiArn, policy: Policy | None) -> SetsState:
        """Read the sets of the catalogue and of records, and what stands before the stages of live entries.

        *policy* is the API's own. Where no set keeps anything, nothing is read.
        """
        calls = self._calls(target)
        records = read_records(claims.before.values(), target.lock)
        noted = (addition.arn for additions in records.values() for addition in additions)
        specs = {spec.arn: spec for spec in (*sets_of(target.lock, self._catalogue), *map(IpSet.read, noted))}
        sets = {spec.arn: calls.ip_set(spec) for spec in specs.values()}
        if missing := [found.spec.name for found in sets.values() if not found.exists]:
            confirm_account(self._clients, target.access, target.access.account, ", ".join(missing))
        may_live = (*claims.live, *(entry for entry in claims.ended if entry.id in claims.doubted))
        stages = sorted({ask.stage for ask in asks_of(may_live, self._catalogue)})
        return SetsState(target.lock, sets, {stage: calls.guard(arn, stage) for stage in stages}, policy)

    def plan(self, target: Target, state: SetsState, claims: Claims, arn: ApiArn) -> Plan[SetsState]:
        """Return the difference to make; no calls."""
        return make_plan(target, set_scene(state, claims, self._catalogue), arn, self._limit)

    def apply(self, plan: Plan[SetsState], reference: str) -> tuple[str, ...]:  # noqa: ARG002  # sets have no room for it
        """Replace what is in each set that changes. TargetFault tells every failure after all else was done."""
        attempts = Attempts()
        for change in changes(plan.observed, plan.wanted):
            attempts.make(partial(self._write, plan.target, change))
        return attempts.evidence()

    def restore(self, plan: Plan[SetsState], reference: str) -> tuple[str, ...]:  # noqa: ARG002
        """Take out again what the plan put in, and leave all else as it is now: what was taken out has ended."""
        attempts = Attempts()
        for change in changes(plan.observed, plan.wanted):
            if change.coming:
                attempts.make(partial(self._take_out, plan.target, change))
        return attempts.evidence()

    def evidence(self, state: SetsState, claims: Claims) -> Sequence[str]:
        """Say what was read back: who is in which set, until when, and who no longer is."""
        return tuple(proof(set_scene(state, claims, self._catalogue)))

    def _write(self, target: Target, change: Change) -> str:
        """Replace a set; the next look decides where somebody else changed it meanwhile."""
        try:
            return self._replace(target, change)
        except AwsFault as fault:
            if fault.code not in OVERTAKEN:
                raise
            self._wait(_LAG)
            name = change.now.spec.name
            return f"Somebody was faster at the IP set {name} ({fault.code}); AWS is read again"

    def _take_out(self, target: Target, made: Change) -> str:
        """Take out what *made* put in, of what the set has now; no other look comes after this one."""
        calls, spec = self._calls(target), made.now.spec
        for _ in range(_CONTESTED):
            now = calls.ip_set(spec)
            added = made.coming & now.addresses
            if not added:
                return f"IP set {spec.name} has nothing of it any more"
            try:
                return self._replace(target, Change(now, frozenset(), added))
            except AwsFault as fault:
                if fault.code not in OVERTAKEN:
                    raise
                self._wait(_LAG)
        raise TargetFault(f"The IP set {spec.name} was changed by somebody else at each of {_CONTESTED} attempts.")

    def _replace(self, target: Target, change: Change) -> str:
        addresses = change.now.addresses - change.going | change.coming
        request = self._calls(target).replace(change.now, addresses)
        counts = f"{len(change.coming)} in, {len(change.going)} out"
        return f"UpdateIPSet {change.now.spec.name}, {counts}: AWS request {request}"

    def _calls(self, target: Target) -> SetCalls:
        return SetCalls(self._clients, target.access, self._wait)
