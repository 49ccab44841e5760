"""The message to those who work in an environment: what will be done to it, when, and who can keep it from that.

Its words are the change's own; it follows the request to its end, so that nobody has to ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from coordinator.requests import Request, State
from coordinator.slack.cards import SHOWN_REASON, kept, shown
from coordinator.wording import mention
from sallyport.changes.protocol import Announced, Announcement
from sallyport.offers import Offer, action_id
from sallyport.people import People
from sallyport.platforms.slack_text import date, escape
from sallyport.policies import Policies

SPARE = "spare:"  # how the action id of the button begins; the request's id follows


def announcement(request: Request, policies: Policies, begins: datetime) -> tuple[str, Sequence[Block]]:
    """Return the announcement of what begins at *begins*, as it stands now."""
    words = _words(request)
    place = policies.catalogue.environments[request.environment]
    text = f"*{escape(place.title)}* ({place.id}) {_sentence(request, words, begins, policies.people)}"
    reason = PlainTextObject(text=f"Reason: {request.reason}"[:SHOWN_REASON])
    blocks: list[Block] = [
        SectionBlock(text=MarkdownTextObject(text=text)),
        SectionBlock(text=reason),
        ContextBlock(elements=[MarkdownTextObject(text=f"Request {request.id}")]),
    ]
    if request.state in {State.ANNOUNCED, State.ACTIVE}:
        blocks.append(ActionsBlock(elements=list(_buttons(request, words))))
    return text.replace("*", ""), blocks


def _words(request: Request) -> Announcement:
    found = next((change for change in request.changes if isinstance(change, Announced)), None)
    if found is None:
        raise ValueError(f"{request.flow} has no words to give notice with")
    return found.announcement()


def _buttons(request: Request, words: Announcement) -> Iterator[ButtonElement]:
    yield ButtonElement(text=words.spare, action_id=SPARE + request.id, value=request.id)
    if words.spare_for_a_while:
        action = action_id(Offer.KEEP, request.environment)
        yield ButtonElement(text=words.spare_for_a_while, action_id=action, value=request.environment)


def _sentence(request: Request, words: Announcement, begins: datetime, people: People) -> str:
    who = f"asked by {mention(request)}"
    until = f" until {date(request.expires_at)}" if request.expires_at else ""
    match request.state:
        case State.ANNOUNCED | State.PENDING | State.CONFIRMING:
            return f"{words.will} {date(begins)}{until} ({who}).{kept(request, people)}"
        case State.APPLYING if request.unanswered:
            return f"{words.will} as soon as AWS answers{until} ({who}).{kept(request, people)}"
        case State.APPROVED | State.APPLYING:
            return f"{words.doing} now{until} ({who}).{kept(request, people)}"
        case State.ACTIVE:
            return f"{words.done}{until} ({who})."
        case State.ENDING:
            return f"{words.undoing} before its time.{kept(request, people)}"
        case State.ENDED:
            return f"{words.undone}.{kept(request, people)}"
        case State.CANCELLED if request.kept:
            return f"{words.spared}.{kept(request, people)}"
        case State.CANCELLED | State.DENIED | State.TIMED_OUT:
            return f"{words.spared}. {shown(request.closing)}"
        case State.FAILED:
            return f"is not as announced: the job could not do it. {shown(request.closing)}"
