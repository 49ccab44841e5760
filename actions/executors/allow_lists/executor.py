"""Addresses in the security groups or prefix lists of an environment: observe, plan, write, put back.

One revoke and one authorize call a group, and one change a prefix list, for any number of entries. Where somebody
was faster, nothing is insisted on: the next look tells what is left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from actions.executors.allow_lists.calls import ListCalls
from actions.executors.allow_lists.evidence import proof
from actions.executors.allow_lists.observing import observe
from actions.executors.allow_lists.planning import additions, make_plan, removals
from actions.executors.allow_lists.state import Holder, ListState, Opening, Rule, set_scene
from actions.executors.attempts import Attempts
from actions.executors.aws import AwsFault, Clients, confirm_account
from actions.executors.protocol import Claims, Plan, Target
from actions.pacing import Wait
from sallyport.changes.allow_list import ALLOW_LISTS, MAIN, AllowList
from sallyport.changes.infra_whitelist import access_of, lock_of
from sallyport.policies import Policies

OVERTAKEN = frozenset(
    {
        "InvalidPermission.Duplicate",
        "InvalidPermission.NotFound",
        "InvalidSecurityGroupRuleId.NotFound",
        "PrefixListVersionMismatch",
        "IncorrectState",
    }
)
_LAG = 1.0  # seconds until a read may be expected to show what overtook us


class AllowLists:
    """The executor of the flow `infra-whitelist`; a target is the allow list of one environment."""

    width = 1  # a job is for one environment
    records = False  # a rule bears its entry's id, and needs nothing else to be undone

    def __init__(self, policies: Policies, clients: Clients, *, wait: Wait) -> None:
        self._catalogue = policies.catalogue
        self._clients = clients
        self._wait = wait

    def managed_targets(self) -> Sequence[Target]:
        """Return the allow list of each environment that has one."""
        item = self._catalogue.lists.get(ALLOW_LISTS, {}).get(MAIN)
        accesses = {place: access_of(place, self._catalogue) for place in (item.places if item else ())}
        return tuple(Target(lock_of(place, access), place, access) for place, access in accesses.items())

    def observe(self, target: Target, claims: Claims) -> ListState:  # noqa: ARG002  # all that is ours matters
        """Read every rule of the allow list, with how full its groups and lists are."""
        allow_list = AllowList.find(self._catalogue, target.environment)
        state = observe(self._calls(target), allow_list, target.lock)
        if state.unusable:
            confirm_account(self._clients, target.access, target.access.account, ", ".join(state.unusable))
        return state

    def plan(self, target: Target, state: ListState, claims: Claims) -> Plan[ListState]:
        """Return the difference to make; no calls."""
        return make_plan(target, set_scene(state.allow_list, claims), state)

    def apply(self, plan: Plan[ListState], reference: str) -> tuple[str, ...]:
        """Take away and let in, group by group. TargetFault tells every failure after all else was done."""
        calls, coming, going, attempts = self._calls(plan.target), additions(plan), removals(plan), Attempts()
        for holder in sorted({*coming, *going}):
            work = Work(holder, coming.get(holder, ()), going.get(holder, ()))
            for write in _writes(calls, plan.observed, work, plan.target.lock, reference):
                attempts.make(partial(self._unless_overtaken, write))
        return attempts.evidence()

    def restore(self, plan: Plan[ListState], reference: str) -> tuple[str, ...]:
        """Take away again what the plan let in and is ours. What it took away stays so: it has ended."""
        calls, attempts = self._calls(plan.target), Attempts()
        now = observe(calls, plan.observed.allow_list, plan.target.lock)
        for holder, openings in additions(plan).items():
            made = tuple(rule for rule in now.rules if rule.ours and rule.opening in openings)
            for write in _writes(calls, now, Work(holder, (), made), plan.target.lock, reference):
                attempts.make(write)
        return attempts.evidence()

    def evidence(self, state: ListState, claims: Claims) -> Sequence[str]:
        """Say what was read back: who is let in where and by whose rule, and how full everything is."""
        return tuple(proof(set_scene(state.allow_list, claims), state))

    def strangers(self, target: Target, claims: Claims) -> Sequence[str]:  # noqa: ARG002  # anybody may
        """Return nothing: rules that are not ours are their owners' business."""
        return ()

    def housekeeping(self, target: Target, claims: Claims) -> tuple[str, ...]:  # noqa: ARG002  # nothing is left
        """Do nothing: an ended rule leaves nothing behind."""
        return ()

    def _unless_overtaken(self, write: Callable[[], str]) -> str:
        """Let the next look decide where somebody else changed the same thing meanwhile."""
        try:
            return write()
        except AwsFault as fault:
            if fault.code not in OVERTAKEN:
                raise
            self._wait(_LAG)
            return f"Somebody was faster ({fault.code}); AWS is read again"

    def _calls(self, target: Target) -> ListCalls:
        return ListCalls(self._clients, target.access, self._wait)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done at one group or list."""

    holder: str
    coming: tuple[Opening, ...]
    going: tuple[Rule, ...]


def _writes(calls: ListCalls, seen: ListState, work: Work, lock: str, why: str) -> Iterator[Callable[[], str]]:
    """Yield the calls that do *work*; removals come first, since they make room."""
    known = seen.holders.get(work.holder)  # none for a group that the catalogue has lost
    if known and known.revision:
        if work.coming or work.going:
            yield partial(_modify, calls, known, work, why)
        return
    if work.going:
        yield partial(_revoke, calls, work)
    if work.coming:
        yield partial(_authorize, calls, work, lock, why)


def _modify(calls: ListCalls, known: Holder, work: Work, why: str) -> str:
    add, remove = [opening.cidr for opening in work.coming], [rule.id for rule in work.going]
    request = calls.modify(known.id, known.revision, add, remove, why)
    return f"ModifyManagedPrefixList {known.id}, {len(add)} in, {len(remove)} out: AWS request {request}"


def _revoke(calls: ListCalls, work: Work) -> str:
    request = calls.revoke(work.holder, [rule.id for rule in work.going])
    return f"RevokeSecurityGroupIngress {work.holder}, {len(work.going)} rules: AWS request {request}"


def _authorize(calls: ListCalls, work: Work, lock: str, why: str) -> str:
    request = calls.authorize(work.holder, work.coming, lock, why)
    return f"AuthorizeSecurityGroupIngress {work.holder}, {len(work.coming)} rules: AWS request {request}"
