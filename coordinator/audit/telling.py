"""What an auditor reads on the terminal: a request's story, and who had what. Whole sentences, one place.

What a person typed cannot move the cursor, colour the screen or begin a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from coordinator.audit.context import Context, aws_requests, context_of
from coordinator.audit.holding import Holding
from coordinator.audit.verifying import Report
from sallyport.audit import Deed, Fact
from sallyport.documents import JSON
from sallyport.times import format_moment

SENTENCES = {
    Deed.ASKED: "{by} asked.",
    Deed.APPROVED: "{by} approved it through {through}.",
    Deed.CONFIRMED: "{by} confirmed it in GitHub.",
    Deed.DENIED: "{by} denied it through {through}: {reason}",
    Deed.TIMED_OUT: "Nobody decided in time.",
    Deed.COMMITTED: "The entry was committed as {commit}.",
    Deed.DISPATCHED: "Run {run} was started at {resource}.",
    Deed.UNANSWERED: "AWS gave the job no answer, and it waits: {fault}",
    Deed.APPLIED: "It was applied and read back: {detail}",
    Deed.REFUSED: "The job refused it: {detail}",
    Deed.FAILED: "It failed: {detail}",
    Deed.REVERTED: "It ended: {detail}",
    Deed.NOT_REVERTED: "It was not taken back: {detail}",
    Deed.BEGUN: "The notice before it was over.",
    Deed.KEPT_UP: "{by} has kept up until {kept_until} what it stops.",
    Deed.CANCELLED: "{by} cancelled it.",
    Deed.RETURNED: "{by} gave it back before its time.",
    Deed.ROUTED: "Other people were asked than before.",
    Deed.NUDGED: "Those who are waited for were reminded.",
    Deed.BREAK_GLASS: "{by} went ahead in an emergency without anybody's approval, for {incident}.",
    Deed.REVIEWED: "{by} closed its review, {review}.",
    Deed.REVIEW_REOPENED: "Its review, {review}, was opened again: {detail}",
    Deed.RETRIED: "{by} had “{effect}” tried again: {reason}",
    Deed.PARKED: "{by} had “{effect}” left alone: {reason}",
}


NEWER = "{by}: “{deed}”, which a newer version of Sallyport can put into words."
NEWER_FACTS = (
    "facts are such as only a newer version of Sallyport knows: they are as they were recorded; what the sink's "
    "records tell of their requests beside them, from the first such fact on, that version has to look at."
)
UNCONFIRMED = "It was approved in Slack, and nobody confirmed it in GitHub in time."


class _Told(dict[str, str]):
    """What a fact tells; a detail that it does not have is said to be unknown."""

    def __missing__(self, name: str) -> str:
        return f"(no {name} on record)"


def story(facts: Sequence[tuple[Fact, str]], ticket: str = "") -> Iterator[str]:
    """Yield the lines that tell a request from its asking to its end; *ticket* is its, if no fact tells it."""
    known = [fact for fact, _ in facts]
    context = context_of(known)
    context = replace(context, ticket=context.ticket or ticket)
    yield f"{known[0].request_id}: {what(context)}"
    for label, value in _heading(context):
        if value:
            yield f"  {label:<12} {inert(value)}"
    for fact, digest in facts:
        yield f"{format_moment(fact.at)}  {sentence(fact)}"
        if url := str(fact.details.get("url", "")):
            yield f"    {inert(url)}"
        if found := aws_requests(fact):
            yield f"    AWS requests {', '.join(found)}"
        yield f"    fact {fact.number}, digest {digest}"


def sentence(fact: Fact) -> str:
    """Say one fact."""
    told = _Told({name: inert(str(value)) for name, value in fact.details.items()}, by=inert(fact.by))
    if not isinstance(fact.deed, Deed):
        return NEWER.format(by=told["by"], deed=inert(fact.deed))
    said = UNCONFIRMED if fact.is_unconfirmed else SENTENCES[fact.deed]
    return said.format_map(told)


def holding(found: Holding, ticket: str = "") -> str:
    """Say who had something: since when, until when, by whose approval, under which ticket.

    *ticket* is the one if no fact tells it.
    """
    context = found.context
    parts = [
        f"{context.requester} {found.certainty} {what(context)}",
        f"from {format_moment(found.span.start)}{_end(found)}",
        f"approved by {_approvers(context)}",
        f"ticket {context.ticket or ticket or 'unknown'}",
        f"request {found.request_id}",
    ]
    return inert("; ".join(parts))


def _end(found: Holding) -> str:
    if found.until is None:
        return ", until it is given back"
    return f"{' until' if found.span.end else ', to end at'} {format_moment(found.until)}"


def _approvers(context: Context) -> str:
    named = ", ".join(context.approvers) or "nobody"
    return f"{named}, in an emergency ({context.incident})" if context.incident else named


def what(context: Context) -> str:
    """Name what was asked for, with where."""
    changes = " and ".join(_change(change) for change in context.changes) or "an unrecorded change"
    return inert(f"{context.flow or 'an unrecorded flow'}: {changes} in {context.environment}")


def report(found: Report) -> str:
    """Say that a trail is proved."""
    waiting = f" {found.pending} facts wait for the sink." if found.pending else ""
    waiting += f" {found.newer} {NEWER_FACTS}" if found.newer else ""
    return (
        f"{found.requests} requests, {found.facts} facts, {found.anchors} anchors: nothing was changed, moved or "
        f"dropped, in the journal, in the sink, or between them.{waiting}"
    )


def inert(text: str) -> str:
    """Return *text* as one line without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def doubt(ids: Sequence[str]) -> str:
    """Say of which requests a newer version may know more than was told."""
    return f"Facts of {', '.join(ids)} are such as only a newer version of Sallyport knows: ask that one too."


def _heading(context: Context) -> Iterator[tuple[str, str]]:
    yield "asked by", context.requester
    yield "reason", context.reason
    yield "emergency", context.incident
    yield "approved by", ", ".join(context.approvers)
    yield "denied by", context.denied_by
    yield "duration", context.duration
    yield "ends", context.expires_at
    yield "ticket", context.ticket
    yield "changes", context.digest
    yield "entry", context.entry
    yield "outcome", context.outcome


def _change(change: Mapping[str, JSON]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in change.items())


def _value(value: JSON) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {_value(inner)}" for name, inner in value.items())
    return ", ".join(map(_value, value)) if isinstance(value, list) else str(value)
