"""The card by which somebody decides: a person's own copy, or the one that a channel shares.

It shows all that is needed to decide, who is asked and why, and what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from slack_sdk.models.blocks import Block, PlainTextObject, SectionBlock

from coordinator.positions import Position, position_of, steps
from coordinator.requests import Request, State, is_channel
from coordinator.slack.cards import (
    SHOWN_REASON,
    Content,
    about,
    asked,
    context,
    decided,
    links,
    status,
    status_line,
    title,
    who,
)
from coordinator.slack.decision_buttons import decision_buttons
from coordinator.slack.emergency_messages import told
from sallyport.decisions import is_emergency
from sallyport.people import People
from sallyport.platforms.slack_text import escape
from sallyport.policies import Policies

ANYBODY = "Anybody here may press; it counts only from those whose turn it is."


def card(request: Request, policies: Policies, place: str) -> Content:
    """Return the card at *place*, a person's or a channel.

    There are buttons while the decision is open, and a person has them while it is that one's turn.
    """
    if is_emergency(request.grant):
        return told(request, policies)
    if request.state is not State.PENDING:
        return _decided(request, policies)
    if is_channel(place):
        text = f"{who(request)} asks {asked(request, policies.people)} to approve {title(request, policies)}."
        return text, list(_open(request, policies, ANYBODY))
    if place in request.deciders:
        return f"{who(request)} asks you to approve {title(request, policies)}.", list(_open(request, policies))
    return _waiting_for_others(request, policies, place)


def _decided(request: Request, policies: Policies) -> Content:
    text = f"{title(request, policies)} for {who(request)}: {status(request, policies)}"
    stands = [context(status_line(request, policies)), *decided(request, policies.people)]
    return text, [*about(request, policies), *stands, *links(request)]


def _open(request: Request, policies: Policies, note: str = "") -> Iterator[Block]:
    position = position_of(request, policies)
    yield from about(request, policies)
    effects = "\n".join(
        f"{change.effect(request.environment, policies.catalogue)} {change.undo()}" for change in request.changes
    )
    yield SectionBlock(text=PlainTextObject(text=effects))
    yield from _stages(request, position, policies.people)
    rule = f" Asked by the rule “{escape(position.rule.name)}”." if position else ""
    yield context(f"{status_line(request, policies)}{rule} Digest {request.digest}.")
    if note:
        yield context(note)
    yield from links(request)
    yield decision_buttons(request, policies)


def _waiting_for_others(request: Request, policies: Policies, place: str) -> Content:
    """Return the copy of somebody whose turn it is not: that one has approved, or is asked no longer."""
    person = policies.people.by_slack(place)
    own = person is not None and any(policies.people.is_same(d.by, person.email) for d in request.approvals)
    text = f"{title(request, policies)} for {who(request)}: {status(request, policies)}"
    if own:
        text = f"You have approved {title(request, policies)} for {who(request)}. {status(request, policies)}"
    return text, [
        *about(request, policies),
        *_stages(request, position_of(request, policies), policies.people),
        context(f"{'You have approved it. ' if own else ''}{status_line(request, policies)}"),
        *links(request),
    ]


def _stages(request: Request, position: Position | None, people: People) -> Iterator[Block]:
    """Yield, where one alone does not decide, each stage with who approved and what is missing."""
    if position is None or position.rule.seats <= 1:
        return
    lines = []
    for step in steps(position, [decision.by for decision in request.approvals]):
        names = (person.label if (person := people.by_email(email)) else email for email in step.approved_by)
        by = f", by {', '.join(names)}" if step.approved_by else ""
        lines.append(f"{step.name}: {len(step.approved_by)} of {step.needed}{by}")
    yield SectionBlock(text=PlainTextObject(text="\n".join(lines)[:SHOWN_REASON]))
