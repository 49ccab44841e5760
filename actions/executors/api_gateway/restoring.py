"""What to put back when a change of one REST API could not be verified. Pure.

Only what the plan added is taken away again. What it removed stays removed: an ended access never comes back.
"""

from __future__ import annotations

from actions.executors.api_gateway.deny_lists import Addition, edit, present
from actions.executors.api_gateway.state import ApiState
from sallyport.resource_policies.document import Policy
from sallyport.resource_policies.statements import merge, nobody, to_statement, uncovered


def restored(observed: ApiState, wanted: ApiState, additions: tuple[Addition, ...]) -> Policy | None:
    """Return the policy that lets in only what both *observed* and *wanted* do; others' statements as observed.

    *additions* are all addresses that we may have put on deny lists.
    """
    if observed.policy is None:
        return None
    both = merge(
        (door, sources - uncovered(door, sources, wanted.ours[door]))
        for door, sources in observed.ours.items()
        if door in wanted.ours
    )
    others = _lists_as_in(wanted, Policy(observed.others, observed.policy.version, observed.policy.id), additions)
    mine = [to_statement(d, s, observed.arn, private=observed.private) for d, s in both.items() if s]
    statements = (*others.statements, *mine)
    if not statements:
        return Policy((nobody(observed.arn),)) if wanted.policy else None
    return Policy(statements, others.version, others.id)


def _lists_as_in(wanted: ApiState, others: Policy, additions: tuple[Addition, ...]) -> Policy:
    still = present(wanted.policy or Policy(), additions)
    gone = tuple(
        Addition(a.sid, a.stage, frozenset(x for x in a.addresses if (a.sid, a.stage, x) not in still))
        for a in additions
    )
    return edit(others, gone, ())
