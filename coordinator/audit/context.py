"""What an auditor wants to see beside each fact, gathered from the facts up to it and from nothing else.

So a record can be checked by whoever has the records before it; nothing here reads the journal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sallyport.audit import Deed, Fact
from sallyport.documents import JSON

_AWS_REQUEST = re.compile(r"\bAWS request ([\w.-]+)")  # as executors write them into their evidence


@dataclass(frozen=True, slots=True)
class Context:
    """A request as its facts tell it. Texts are empty, and moments too, while they are not known."""

    requester: str = ""
    flow: str = ""
    environment: str = ""
    reason: str = ""
    changes: tuple[Mapping[str, JSON], ...] = ()
    digest: str = ""  # of the changes: what the card showed and the approval is for
    duration: str = ""
    approvers: tuple[str, ...] = ()
    denied_by: str = ""
    expires_at: str = ""
    ticket: str = ""
    commit: str = ""
    entry: str = ""  # SHA-256 over what the coordinator signed
    resource: str = ""  # the AWS target
    run: str = ""
    aws_requests: tuple[str, ...] = ()
    outcome: str = ""  # the last deed
    incident: str = ""  # of an emergency; a record has it among its fact's details

    def to_mapping(self) -> dict[str, JSON]:
        """Return it as a record holds it."""
        return {
            "requester": self.requester,
            "flow": self.flow,
            "environment": self.environment,
            "reason": self.reason,
            "changes": [dict(change) for change in self.changes],
            "digest": self.digest,
            "duration": self.duration,
            "approvers": list(self.approvers),
            "denied_by": self.denied_by,
            "expires_at": self.expires_at,
            "ticket": self.ticket,
            "commit": self.commit,
            "entry": self.entry,
            "resource": self.resource,
            "run": self.run,
            "aws_requests": list(self.aws_requests),
            "outcome": self.outcome,
        }

    def after(self, fact: Fact) -> Context:
        """Return the context with what *fact* adds: nothing, where only a newer version knows what it means."""
        if not isinstance(fact.deed, Deed):
            return self
        told = fact.details
        context = replace(self, outcome=fact.deed.value, aws_requests=(*self.aws_requests, *aws_requests(fact)))
        match fact.deed:
            case Deed.ASKED:
                return _asked(context, fact)
            case Deed.APPROVED | Deed.CONFIRMED:
                until = str(told.get("expires_at", context.expires_at))
                approvers = tuple(dict.fromkeys((*context.approvers, fact.by)))
                return replace(context, approvers=approvers, expires_at=until)
            case Deed.BREAK_GLASS:
                incident = str(told.get("incident", ""))
                return replace(context, expires_at=str(told.get("expires_at", "")), incident=incident)
            case Deed.NUDGED | Deed.REVIEWED | Deed.REVIEW_REOPENED:
                return replace(context, outcome=self.outcome)
            case Deed.DENIED:
                return replace(context, denied_by=fact.by)
            case Deed.COMMITTED:
                ticket, entry = str(told.get("ticket", "")), str(told.get("entry", ""))
                return replace(context, commit=str(told.get("commit", "")), entry=entry, ticket=ticket)
            case Deed.DISPATCHED:
                resource = str(told.get("resource", ""))
                return replace(context, run=str(told.get("run", "")), resource=resource)
            case Deed.ROUTED | Deed.RETRIED | Deed.PARKED | Deed.KEPT_UP:
                return replace(context, outcome=self.outcome)
            case _:
                return replace(context, run=str(told.get("run", context.run)))


def context_of(facts: Iterable[Fact]) -> Context:
    """Gather what *facts* of one request, in order, tell."""
    context = Context()
    for fact in facts:
        context = context.after(fact)
    return context


def aws_requests(fact: Fact) -> tuple[str, ...]:
    """Return AWS's ids of the calls that a fact gives as evidence: CloudTrail and AWS support know them."""
    evidence = fact.details.get("evidence")
    lines = evidence if isinstance(evidence, list) else []
    return tuple(found for line in lines for found in _AWS_REQUEST.findall(str(line)))


def _asked(context: Context, fact: Fact) -> Context:
    told = fact.details
    changes = told.get("changes")
    return replace(
        context,
        requester=fact.by,
        flow=str(told.get("flow", "")),
        environment=str(told.get("environment", "")),
        reason=str(told.get("reason", "")),
        changes=tuple(one for one in changes if isinstance(one, dict)) if isinstance(changes, list) else (),
        digest=str(told.get("digest", "")),
        duration=str(told.get("duration", "")),
    )
