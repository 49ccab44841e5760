"""App Home: what I may start, what waits for my decision, what I have asked for and what I hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.views import View

from coordinator.requests import Request
from coordinator.slack import cards
from sallyport.flows import Flow
from sallyport.policies import Policies

START = "start:"  # how the action id of a start button begins; the flow's id follows
MOST = 10  # requests in one list: a view takes 100 blocks


@dataclass(frozen=True, slots=True)
class Desk:
    """What concerns one person now."""

    may_start: Sequence[Flow]
    to_decide: Sequence[Request]
    own: Sequence[Request]  # newest first


def home(desk: Desk, policies: Policies) -> View:
    """Return the home tab."""
    return View(
        type="home",
        blocks=[
            *_start(desk.may_start),
            *_list("Waiting for your decision", desk.to_decide, policies, decide=True),
            *_list("Your requests", desk.own, policies, decide=False),
        ],
    )


def _start(flows: Sequence[Flow]) -> Iterable[Block]:
    yield HeaderBlock(text=PlainTextObject(text="What do you need?"))
    if not flows:
        yield _words(
            "Policies let you ask for nothing here. Ask the operators to add you to policies/people.yaml."
        )
        return
    buttons = [ButtonElement(text=flow.title, action_id=START + flow.id, value=flow.id) for flow in flows[:20]]
    yield ActionsBlock(elements=buttons)


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
