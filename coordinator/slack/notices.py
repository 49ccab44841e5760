"""What the requester is told directly, made from the request as it stands."""

from __future__ import annotations

from slack_sdk.models.blocks import Block, MarkdownTextObject, PlainTextObject, SectionBlock

from coordinator.requests import Request
from coordinator.slack.cards import MARKS, SHOWN_REASON, Content, links, status
from coordinator.slack.own_buttons import own_buttons
from sallyport.policies import Policies


def notice(request: Request, policies: Policies) -> Content:
    """Return what the requester is told directly."""
    text = f"{MARKS.get(request.state, '')} {request.id}: {status(request, policies)}".strip()
    blocks: list[Block] = [SectionBlock(text=MarkdownTextObject(text=text))]
    denial = request.denial
    if denial is not None and denial.reason:
        blocks.append(SectionBlock(text=PlainTextObject(text=denial.reason[:SHOWN_REASON])))
    return text, [*blocks, *links(request), *own_buttons(request)]
