"""What is told, loudly, of an emergency in which somebody went ahead without anybody's approval.

Its words never call it approved.
"""

from __future__ import annotations

from slack_sdk.models.blocks import Block, HeaderBlock, MarkdownTextObject, PlainTextObject, SectionBlock

from coordinator.requests import Request
from coordinator.slack.cards import (
    HEADER_LONGEST,
    SHOWN_REASON,
    Content,
    about,
    called,
    context,
    links,
    status,
    status_line,
    title,
    who,
)
from coordinator.wording import lasts
from sallyport.platforms.slack_text import date, escape
from sallyport.policies import Policies

FEW = 20  # people who are named one by one


def alarm(request: Request, policies: Policies) -> Content:
    """Return the message for the alert channel: who, what, why, for which incident, until when, and who knows.

    It is the only one there, and shows what becomes of it: until it has ended, and somebody has reviewed it.
    """
    until = f", until {date(request.expires_at)}" if request.expires_at else ""
    what = f"{who(request)} took {title(request, policies)} {lasts(request)}{until}"
    text = f":rotating_light: Break-glass: {what}. Nobody was asked. Incident: {_incident(request)}."
    names = [f"<@{user}>" for user in request.notify[:FEW]]
    more = [f"{len(request.notify) - FEW} more"] if len(request.notify) > FEW else []
    told_too = f"Told directly: {', '.join([*names, *more]) or 'nobody, for policy names nobody else'}."
    header = f"Break-glass: {policies.flows[request.flow].title}"[:HEADER_LONGEST]
    return text, [
        HeaderBlock(text=PlainTextObject(text=header)),
        SectionBlock(text=MarkdownTextObject(text=text)),
        SectionBlock(text=PlainTextObject(text=f"Reason: {request.reason}"[:SHOWN_REASON])),
        context(status_line(request, policies)),
        context(f"{told_too} {_review(request, policies)}"),
        *links(request),
    ]


def told(request: Request, policies: Policies) -> Content:
    """Return the copy of somebody who could have been asked, or who owns what it touches."""
    text = (
        f"Break-glass: {who(request)} took {title(request, policies)} {lasts(request)} and asked nobody. "
        f"{status(request, policies)}"
    )
    blocks: list[Block] = [
        *about(request, policies),
        context(status_line(request, policies)),
        context(
            f"You are told because you could have decided it, or own what it touches. {_review(request, policies)}"
        ),
        *links(request),
    ]
    return text, blocks


def _incident(request: Request) -> str:
    return escape(request.grant.incident) if request.grant else ""


def _review(request: Request, policies: Policies) -> str:
    if by := request.result("watch-review").get("by"):
        return f"It was reviewed by {called(policies.people, by)}."
    return f"A review follows, which somebody else than {who(request)} must close."
