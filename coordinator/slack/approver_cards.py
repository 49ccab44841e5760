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
    effects,
    links,
    status,
    status_line,
    title,
    who,
)
from coordinator.slack.decision_buttons import decision_buttons
from coordinator.slack.emergency_messages import told
from coordinator.wording import granted, together
from sallyport.decisions import is_emergency
from sallyport.people import People
from sallyport.platforms.slack_text import date, escape
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
        return _asks(request, policies, asked(request, policies.people)), list(_open(request, policies, ANYBODY))
    if place in request.deciders:
        return _asks(request, policies, "you"), list(_open(request, policies))
    return _waiting_for_others(request, policies, place)


def _asks(request: Request, policies: Policies, whom: str) -> str:
    """Return the sentence that a phone or a screen reader gives: who asks whom for what, and until when."""
    what = f"{'an extension of ' if request.extends else ''}{title(request, policies)}"
    until = f"It is closed {date(request.decide_by)} if nobody decides."
    return f"{who(request)} asks {whom} to approve {what}, {granted(request)}. {until}"


def _decided(request: Request, policies: Policies) -> Content:
    text = f"{title(request, policies)} for {who(request)}: {status(request, policies)}"
    stands = [context(status_line(request, policies)), *decided(request, policies.people)]
    return text, [*about(request, policies), *stands, *links(request)]


def _open(request: Request, policies: Policies, note: str = "") -> Iterator[Block]:
    position = position_of(request, policies)
    yield from about(request, policies)
    yield effects(request, policies)
    yield from _stages(request, position, policies.people)
    rule = f" Routed by the rule “{escape(position.rule.name)}”." if position else ""
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
        names = [person.label if (person := people.by_email(email)) else email for email in step.approved_by]
        by = f", by {together(names)}" if names else ""
        lines.append(f"{step.name}: {len(names)} of {step.needed} approvals{by}")
    yield SectionBlock(text=PlainTextObject(text="\n".join(lines)[:SHOWN_REASON]))
