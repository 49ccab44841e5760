"""What people are told directly: how it came out, that its end is near, and that a decision is waited for."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import Block, MarkdownTextObject, PlainTextObject, SectionBlock

from coordinator.requests import Request, State
from coordinator.slack.cards import SHOWN_REASON, Content, called, extended, links, mark, status, title
from coordinator.slack.own_buttons import own_buttons
from sallyport.platforms.slack_text import date
from sallyport.policies import Policies

MENTIONED = 10  # people that one nudge in a channel names


def notice(request: Request, policies: Policies) -> Content:
    """Return what the requester is told directly, with what it is about: a request's id says nothing to people."""
    about = f"{mark(request)} *{title(request, policies)}*".strip()
    stands = f"{request.id}: {status(request, policies)}"
    text = f"{about}, {stands}"
    blocks: list[Block] = [SectionBlock(text=MarkdownTextObject(text=part)) for part in (about, stands)]
    denial = request.denial
    if denial is not None and denial.reason:
        blocks.append(SectionBlock(text=PlainTextObject(text=f"Reason: {denial.reason}"[:SHOWN_REASON])))
    return text, [*blocks, *links(request), *own_buttons(request, policies)]


def reminder(request: Request, policies: Policies) -> Content:
    """Return the reminder of a near end; once that is over, what became of it."""
    if request.state is not State.ACTIVE or request.expires_at is None:
        return notice(request, policies)
    text = f":hourglass: *{title(request, policies)}* ends {date(request.expires_at)}.{extended(request)}"
    block = SectionBlock(text=MarkdownTextObject(text=text))
    return text, [block, *links(request), *own_buttons(request, policies)]


def nudge(request: Request, policies: Policies, asked: Sequence[str]) -> str:
    """Return the reminder under a card to those who are *asked*, by their Slack ids: it mentions nobody else."""
    names = " ".join(f"<@{user}>" for user in asked[:MENTIONED])
    more = f" and {len(asked) - MENTIONED} more" if len(asked) > MENTIONED else ""
    who, about = called(policies.people, request.requester), title(request, policies)
    what = f"{who} still waits for {_answer(request)} {about}"
    return f"{names}{more}: {what} ({request.id}), until {date(request.decide_by)}."


def _answer(request: Request) -> str:
    """Say what is waited for, with the way to where it is given."""
    if request.state is not State.CONFIRMING:
        return "a decision on"
    return f"<{request.result('pull')['url']}|the approval in GitHub> of"
