"""App Home: what I may start or go on with, what waits for my decision, what I hold, have asked for, and had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
from coordinator.requests import Request, State
from coordinator.slack import cards
from coordinator.slack.chooser import glass_buttons, start_buttons
from coordinator.slack.forms import going_on
from coordinator.slack.health import WELL
from sallyport.flows import Flow
from sallyport.platforms.slack_text import date, escape
from sallyport.policies import Policies

# Requests in one list: one to decide takes six blocks, one's own four, one that is over two; a view takes 100.
MOST_TO_DECIDE, MOST_WAITING, MOST_LIVE, MOST_OVER = 5, 4, 4, 5
MOST_DRAFTS = 3
MOST_SLEEPING = 8


@dataclass(frozen=True, slots=True)
class Desk:
    """What concerns one person now; that person's own requests are newest first."""

    may_start: Sequence[Flow]
    to_decide: Sequence[Request] = ()
    to_confirm: Sequence[Request] = ()  # in GitHub, after it was approved in Slack
    waiting: Sequence[Request] = ()  # for a decision, or to be applied
    live: Sequence[Request] = ()
    over: Sequence[Request] = ()
    drafts: Sequence[Draft] = ()  # newest first
    health: str = WELL
    may_break_glass: Sequence[Flow] = ()
    sleeping: Sequence[str] = ()  # a sentence for each environment that sleeps by schedule, as mrkdwn


def home(desk: Desk, policies: Policies) -> View:
    """Return the home tab."""

    def one_s_own(request: Request) -> Iterable[Block]:
        return cards.line(request, policies, decide=False)

    def to_decide(request: Request) -> Iterable[Block]:
        if request.state is State.CONFIRMING:
            return cards.line_to_confirm(request, policies)
        return cards.line(request, policies, decide=True)

    def over(request: Request) -> Iterable[Block]:
        return cards.closed_line(request, policies)

    return View(
        type="home",
        blocks=[
            HeaderBlock(text=PlainTextObject(text="What do you need?")),
            *start_buttons(desk.may_start),
            *glass_buttons(desk.may_break_glass),
            *_drafts(desk.drafts, policies),
            *_sleeping(desk.sleeping),
            *_list("Waiting for your decision", _by_time_left(desk), to_decide, MOST_TO_DECIDE),
            *_list("Your live grants", desk.live, one_s_own, MOST_LIVE),
            *_list("Your open requests", desk.waiting, one_s_own, MOST_WAITING),
            *_list("Your past requests", desk.over, over, MOST_OVER),
            DividerBlock(),
            ContextBlock(elements=[MarkdownTextObject(text=desk.health)]),
        ],
    )


def _by_time_left(desk: Desk) -> Sequence[Request]:
    """Return what waits for the person's word, in Slack or in GitHub."""
    return sorted([*desk.to_decide, *desk.to_confirm], key=lambda request: request.decide_by)


def _drafts(drafts: Sequence[Draft], policies: Policies) -> Iterable[Block]:
    for draft in drafts[:MOST_DRAFTS]:
        flow = policies.flows.get(draft.flow)
        if flow is not None:
            yield going_on(draft, f"*{escape(flow.title)}*, filled in and not sent: {date(draft.kept_at)}.")


def _sleeping(told: Sequence[str]) -> Iterable[Block]:
    """Yield what comes for environments that sleep by schedule; nothing where none does."""
    if told:
        how = "`/infra keep` keeps one up for a while."
        yield ContextBlock(elements=[MarkdownTextObject(text="\n".join([*told[:MOST_SLEEPING], how]))])


def _list(
    title: str, requests: Sequence[Request], shown: Callable[[Request], Iterable[Block]], most: int
) -> Iterable[Block]:
    yield DividerBlock()
    yield HeaderBlock(text=PlainTextObject(text=title))
    if not requests:
        yield SectionBlock(text=MarkdownTextObject(text="Nothing."))
    for request in requests[:most]:
        yield from shown(request)
    if len(requests) > most:
        yield ContextBlock(elements=[PlainTextObject(text=f"and {len(requests) - most} more")])
