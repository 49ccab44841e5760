"""Whether an IP set decides who may call a stage: what the web ACL before it and the policy behind it are. Pure.

A call passes the web ACL first and the API's resource policy then. So an address in a set is let in to the stage,
and to nothing else, only where the web ACL turns away everybody else, and the policy nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sallyport.changes.ip_sets import IpSet
from sallyport.changes.sources import SourceKind
from sallyport.resource_policies.document import ApiArn, Policy, Statement, conditions, texts
from sallyport.resource_policies.patterns import covers
from sallyport.resource_policies.statements import Door

_NEEDED = "see “A stage kept by IP sets” in docs/reference/api-whitelisting.md"


@dataclass(frozen=True, slots=True)
class Guard:
    """What stands before a stage, as far as it can be told."""

    acl: str = ""  # the name of its web ACL; empty where it has none
    turns_away: bool = False  # whoever no rule lets in
    lets_in: frozenset[str] = frozenset()  # ARNs of the sets whose members a rule lets in, whatever they call
    elsewhere: tuple[str, ...] = ()  # the other stages that it guards
    fault: str = ""  # why that cannot be told, a whole sentence


def read_guard(acl: Mapping[str, Any], resources: Iterable[str], stage: str) -> Guard:
    """Return what a web ACL, as GetWebACL shows it, does for *stage*, one of its *resources* (ARNs)."""
    allowing = (rule["Statement"] for rule in acl.get("Rules", ()) if "Allow" in rule.get("Action", {}))
    return Guard(
        acl=str(acl["Name"]),
        turns_away="Block" in acl["DefaultAction"],
        lets_in=frozenset(arn for statement in allowing for arn in _sets_in(statement)),
        elsewhere=tuple(sorted(set(resources) - {stage})),
    )


def guard_objections(guard: Guard, spec: IpSet, title: str, stage: str) -> Iterator[str]:
    """Yield why an address in a set would not be let in to *stage*, or not to that alone."""
    if guard.fault:
        yield f"Nobody can tell whether the IP set {spec.name} decides who calls {title}: {guard.fault}"
    elif not guard.acl:
        yield f"Stage {stage} of {title} has no WAFv2 web ACL, so that its IP sets decide nothing; {_NEEDED}."
    else:
        if not guard.turns_away:
            yield (
                f"The web ACL {guard.acl} of {title} lets in everybody whom no rule blocks, so that its IP sets "
                f"decide nothing; make Block its default action."
            )
        if spec.arn not in guard.lets_in:
            yield (
                f"The web ACL {guard.acl} of {title} has no rule that allows whoever is in the IP set "
                f"{spec.name}, by the address that the call comes from and by nothing else; {_NEEDED}."
            )
        if guard.elsewhere:
            yield (
                f"The web ACL {guard.acl} of {title} guards {', '.join(guard.elsewhere)} too, where the same "
                f"callers would be let in; give stage {stage} a web ACL of its own."
            )


def policy_objections(policy: Policy | None, arn: ApiArn, title: str, stage: str) -> Iterator[str]:
    """Yield why the API's own policy would turn away whom the web ACL of *stage* lets in."""
    if policy is None:
        return
    everything = f"{arn}/{Door(stage, '*', '/*', SourceKind.CIDR, None).resource}"
    if not any(_opens(statement, everything, arn) for statement in policy.statements):
        yield (
            f"The resource policy of {title} does not let everybody in at stage {stage}, and a call has to "
            f"pass it after the web ACL; {_NEEDED}."
        )


def _sets_in(statement: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sets of which every member matches: named alone or as one of several choices.

    One that is read from a header, which callers may write as they like, does not count.
    """
    for choice in statement.get("OrStatement", {}).get("Statements", ()):
        yield from _sets_in(choice)
    reference = statement.get("IPSetReferenceStatement", {})
    if "ARN" in reference and not reference.get("IPSetForwardedIPConfig"):
        yield str(reference["ARN"])


def _opens(statement: Statement, resource: str, arn: ApiArn) -> bool:
    """Tell whether a statement lets everybody call all of *resource*, always."""
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    return (
        statement.get("Effect") == "Allow"
        and not conditions(statement)
        and "*" in texts(named)
        and any(covers(action.lower(), "execute-api:invoke") for action in texts(statement.get("Action")))
        and any(covers(arn.full(pattern), resource) for pattern in texts(statement.get("Resource")))
    )
