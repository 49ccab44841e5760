"""App Home: what I may start or go on with, what waits for my decision, what I have asked for and what I hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.views import View

from coordinator.journal import Draft
from coordinator.requests import Request
from coordinator.slack import cards
from coordinator.slack.chooser import start_buttons
from coordinator.slack.forms import going_on
from sallyport.flows import Flow
from sallyport.platforms.slack_text import date, escape
from sallyport.policies import Policies

MOST = 8  # requests in one list, of up to five blocks each: a view takes 100
MOST_DRAFTS = 3


@dataclass(frozen=True, slots=True)
class Desk:
    """What concerns one person now."""

    may_start: Sequence[Flow]
    to_decide: Sequence[Request]
    own: Sequence[Request]  # newest first
    drafts: Sequence[Draft] = ()  # newest first


def home(desk: Desk, policies: Policies) -> View:
    """Return the home tab."""
    return View(
        type="home",
        blocks=[
            HeaderBlock(text=PlainTextObject(text="What do you need?")),
            *start_buttons(desk.may_start),
            *_drafts(desk.drafts, policies),
            *_list("Waiting for your decision", desk.to_decide, policies, decide=True),
            *_list("Your requests", desk.own, policies, decide=False),
        ],
    )


def _drafts(drafts: Sequence[Draft], policies: Policies) -> Iterable[Block]:
    for draft in drafts[:MOST_DRAFTS]:
        flow = policies.flows.get(draft.flow)
        if flow is not None:
            yield going_on(draft, f"*{escape(flow.title)}*, filled in and not sent: {date(draft.kept_at)}.")


def _list(title: str, requests: Sequence[Request], policies: Policies, *, decide: bool) -> Iterable[Block]:
    yield DividerBlock()
    yield HeaderBlock(text=PlainTextObject(text=title))
    if not requests:
        yield _words("Nothing.")
    for request in requests[:MOST]:
        yield from cards.line(request, policies, decide=decide)
    if len(requests) > MOST:
        yield ContextBlock(elements=[PlainTextObject(text=f"and {len(requests) - MOST} more")])


def _words(text: str) -> Block:
    return SectionBlock(text=MarkdownTextObject(text=text))
