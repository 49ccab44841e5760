"""Overrides of the threshold on early ends: there is nothing to make in AWS, so that an entry stands for itself.

It only refuses what no job would ever look for: a target that its flow does not have in the entry's environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

from actions import messages
from actions.executors.protocol import Claims, Plan, Target
from sallyport.changes.removal_override import RemovalOverride
from sallyport.entries import Entry
from sallyport.problems import nearest

TargetsOf = Callable[[str], Sequence[Target]]  # of a flow; LookupError if it has no executor


class RemovalOverrides:
    """The executor of the flow `removal-override`; a target is one of another flow, by its lock."""

    width = 1  # there is nothing to wait for
    records = False  # nothing is made

    def __init__(self, targets_of: TargetsOf) -> None:
        self._targets_of = targets_of

    def managed_targets(self) -> Sequence[Target]:
        """Return none: AWS has nothing that could drift."""
        return ()

    def observe(self, target: Target, claims: Claims) -> None:
        """See nothing, for there is nothing in AWS."""

    def plan(self, target: Target, state: None, claims: Claims) -> Plan[None]:
        """Return a plan without steps, which says of each entry what it means."""
        refusals = {entry.id: reason for entry in claims.live if (reason := self._refusal(target, entry))}
        live = {entry.id: _in_force(entry) for entry in claims.live if entry.id not in refusals}
        over = {entry.id: _over(entry) for entry in claims.ended}
        return Plan(target, state, None, unchanged=frozenset(live), refusals=refusals, declared={**live, **over})

    def apply(self, plan: Plan[None], reference: str) -> tuple[str, ...]:  # noqa: ARG002  # there are no steps
        return ()

    def restore(self, plan: Plan[None], reference: str) -> tuple[str, ...]:  # noqa: ARG002  # nothing was changed
        return ()

    def evidence(self, state: None, claims: Claims) -> Sequence[str]:  # noqa: ARG002  # AWS shows nothing of it
        return ()

    def strangers(self, target: Target, claims: Claims) -> Sequence[str]:  # noqa: ARG002  # nor of anybody else's
        return ()

    def housekeeping(self, target: Target, claims: Claims) -> tuple[str, ...]:  # noqa: ARG002  # it leaves nothing
        return ()

    def _refusal(self, target: Target, entry: Entry) -> str:
        """Say why no job would ever look for the override; empty if one may."""
        for change in _changes(entry):
            try:
                known = self._targets_of(change.of)
            except LookupError as error:
                return f"{error}."
            locks = {one.lock for one in known if one.environment == target.environment}
            if change.target not in locks:
                where = f"{change.of} has no target “{change.target}” in {target.environment}"
                return f"{where}; {nearest(change.target, locks)}."
        return ""


def _changes(entry: Entry) -> Iterator[RemovalOverride]:
    return (cast(RemovalOverride, change) for change in entry.changes)


def _in_force(entry: Entry) -> str:
    [change] = _changes(entry)
    until = messages.until(entry.expires_at)
    return (
        f"Up to {change.most} entries of {change.of} at {change.target} may end together before their time, "
        f"{until}. The next sweep takes back what is not proven any more there, or whichever job comes before; "
        f"that uses {entry.id} up."
    )


def _over(entry: Entry) -> str:
    [change] = _changes(entry)
    return (
        f"{entry.id} is over: at {change.target}, no more entries of {change.of} may end at once than policy says."
    )
