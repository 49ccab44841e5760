"""Forms made from a flow's fields, and the answers read back from them; the form for the reason of a denial.

What somebody typed is never in what a form carries with it, only in its fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    InputBlock,
    MarkdownTextObject,
    PlainTextInputElement,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.views import View

from coordinator.journal import Draft
from coordinator.requests import Request
from coordinator.slack.choices import Offer
from coordinator.slack.inputs import ANSWER, field_of, input_of
from coordinator.slack.text import tidy
from coordinator.wording import name_of, subject
from sallyport.changes import KINDS
from sallyport.changes.protocol import Foretold
from sallyport.decisions import REASON_LONGEST
from sallyport.flows import Flow
from sallyport.platforms.slack_text import date
from sallyport.policies import Policies
from sallyport.problems import Problem

ASK, DENIAL = "ask", "deny-reason"  # callback ids
CONTINUE = "continue:"  # how the action id of a button that brings a draft back begins; the draft's form follows
REASON_BLOCK = "reason"
SECTION = 2900  # characters; Slack takes 3000
URL_LONGEST = 1000  # an address that is longer is left out: Slack keeps 3000 characters with a form


@dataclass(frozen=True, slots=True)
class Memo:
    """What a form carries through Slack: never what somebody typed.

    `filling` counts how often it was filled anew; `url` is where its person can be answered, if anywhere.
    `emergency` tells the form of break-glass, which asks nobody; `offered` names the offer that it shows.
    """

    flow: str
    environment: str
    filling: int = 0
    url: str = ""
    emergency: bool = False
    offered: str = ""

    def __str__(self) -> str:
        return json.dumps(asdict(self))


def memo_of(view: Mapping[str, Any]) -> Memo:
    """Read back what the form carries."""
    return Memo(**json.loads(view["private_metadata"]))


def key_of(view: Mapping[str, Any]) -> str:
    """Name the form, for its submission and its draft."""
    return f"view:{view['id']}"


def ask_form(
    flow: Flow,
    policies: Policies,
    offer: Offer,
    answers: Mapping[str, str],
    *,
    memo: Memo | None = None,
    draft: Draft | None = None,
) -> View:
    """Return the flow's form with what *offer* has, filled with *answers*.

    With a *draft*, the form begins with the button that brings it back.
    """
    memo = memo or Memo(flow.id, offer.environment)
    memo = Memo(flow.id, offer.environment, memo.filling, memo.url, offered=offer.digest)
    blocks = [
        block for field in flow.fields if (block := input_of(field, flow, policies, offer, answers, memo.filling))
    ]
    told = [text for text in (offer.notice, _foretold(flow, policies, offer.environment)) if text]
    blocks[1:1] = [SectionBlock(text=PlainTextObject(text=text[:SECTION])) for text in told]
    if draft:
        blocks.insert(0, going_on(draft, f"Filled in and not sent: {date(draft.kept_at)}."))
    return View(
        type="modal",
        callback_id=ASK,
        title=PlainTextObject(text=flow.title),
        submit=PlainTextObject(text="Ask"),
        close=PlainTextObject(text="Cancel"),
        blocks=blocks,
        private_metadata=str(memo),
        notify_on_close=True,
    )


def _foretold(flow: Flow, policies: Policies, environment: str) -> str:
    """Return what the flow's change will do there, where its kind says so; empty otherwise."""
    kind = KINDS[flow.id]
    if not issubclass(kind, Foretold):
        return ""
    try:
        return kind.foretell(environment, policies.catalogue)
    except LookupError:
        return ""


def fresh_form(flow: Flow, policies: Policies, offer: Offer, url: str) -> Mapping[str, Any]:
    """Return the flow's form as it opens, with nothing filled in."""
    kept = url if len(url) <= URL_LONGEST else ""
    memo = Memo(flow.id, offer.environment, url=kept, offered=offer.digest)
    return {**_blank_form(flow.id, policies, offer), "private_metadata": str(memo)}


@lru_cache(maxsize=128)
def _blank_form(flow_id: str, policies: Policies, offer: Offer) -> Mapping[str, Any]:
    """Everybody who may ask for the same sees the same, so it is made once."""
    return ask_form(policies.flows[flow_id], policies, offer, {}).to_dict()


def opening_form(flow: Flow) -> View:
    """Return what stands in for a form while what it offers is looked up."""
    return View(
        type="modal",
        title=PlainTextObject(text=flow.title),
        close=PlainTextObject(text="Cancel"),
        blocks=[SectionBlock(text=PlainTextObject(text="One moment: looking up what you can ask for."))],
    )


def going_on(draft: Draft, what: str) -> Block:
    """Return the offer to go on where the person was; *what* is a sentence of ours, as mrkdwn."""
    button = ButtonElement(text="Continue where you were", action_id=CONTINUE + draft.form, value=draft.form)
    return SectionBlock(text=MarkdownTextObject(text=what), accessory=button)


def denial_form(request: Request, policies: Policies) -> View:
    """Return the form that asks an approver why not."""
    about = f"{subject(request, policies.catalogue)} for {name_of(policies.people, request.requester)}"
    reason = PlainTextInputElement(
        action_id=ANSWER + REASON_BLOCK, multiline=True, max_length=REASON_LONGEST, min_length=1
    )
    return View(
        type="modal",
        callback_id=DENIAL,
        title=PlainTextObject(text="Deny"),
        submit=PlainTextObject(text="Deny"),
        close=PlainTextObject(text="Back"),
        blocks=[
            SectionBlock(text=PlainTextObject(text=about)),
            InputBlock(
                block_id=REASON_BLOCK,
                label=PlainTextObject(text="Reason"),
                hint=PlainTextObject(text="The requester and the ticket get it word for word."),
                element=reason,
            ),
        ],
        private_metadata=json.dumps({"request": request.id, "digest": request.digest}),
    )


def read_answers(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the answers of a submitted or changed form, by field name, as they were meant."""
    answers = {}
    for block_id, block in view["state"]["values"].items():
        element = next(iter(block.values()))
        chosen = element.get("selected_option")
        answers[field_of(block_id)] = chosen["value"] if chosen else tidy(element.get("value") or "")
    return answers


def errors_for(view: Mapping[str, Any], problems: Iterable[Problem]) -> dict[str, str]:
    """Put each problem at its field's block; one that belongs to no field shown stands at the first."""
    shown = {field_of(block_id): block_id for block_id in view["state"]["values"]}
    first = next(iter(shown.values()))
    errors: dict[str, str] = {}
    for problem in problems:
        block_id = shown.get(problem.field, first)
        errors[block_id] = f"{errors[block_id]}. {problem.sentence}" if block_id in errors else problem.sentence
    return errors
