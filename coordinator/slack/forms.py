"""Forms made from a flow's fields, and the answers read back from them; the form for the reason of a denial.

The environment is asked first: what may be chosen below follows from it, and so do the ids of those blocks,
since Slack keeps what was chosen under an id even when its options have changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from coordinator.requests import Request
from sallyport.decisions import REASON_LONGEST
from sallyport.flows import APPROVER, DURATION, ENVIRONMENT, Field, FieldKind, Flow
from sallyport.policies import Policies
from sallyport.problems import Problem

ASK, DENIAL = "ask", "deny-reason"  # callback ids
ANSWER = "answer:"  # how the action id of every input begins; the field's name follows
REASON_BLOCK = "reason"
SLACK_INPUT_LONGEST = 3000
SLACK_OPTION_LONGEST = 75

Choice = tuple[str, str]  # value and label


@dataclass(frozen=True, slots=True)
class Offer:
    """What a form can offer for an environment, beyond the catalogue: who may decide, and for how long."""

    environment: str
    approvers: tuple[Choice, ...]
    durations: tuple[Choice, ...]
    notice: str = ""  # why nothing can be asked for here


def ask_form(flow: Flow, policies: Policies, offer: Offer, answers: Mapping[str, str]) -> View:
    """Return the flow's form for the environment of *offer*, filled with *answers*."""
    blocks: list[Block] = []
    for field in flow.fields:
        block = _block(field, policies, offer, answers)
        if block is not None:
            blocks.append(block)
    if offer.notice:
        blocks.insert(1, SectionBlock(text=PlainTextObject(text=offer.notice)))
    return View(
        type="modal",
        callback_id=ASK,
        title=PlainTextObject(text=flow.title),
        submit=PlainTextObject(text="Ask"),
        close=PlainTextObject(text="Cancel"),
        blocks=blocks,
        private_metadata=json.dumps({"flow": flow.id, ENVIRONMENT: offer.environment}),
    )


@lru_cache(maxsize=128)
def blank_form(flow_id: str, policies: Policies, offer: Offer) -> Mapping[str, Any]:
    """Return the flow's form as it opens; kept, since everybody who may ask for the same sees the same."""
    return ask_form(policies.flows[flow_id], policies, offer, {}).to_dict()


def denial_form(request: Request, title: str) -> View:
    """Return the form that asks an approver why not."""
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
            SectionBlock(text=PlainTextObject(text=f"{title} for {request.requester}")),
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
    """Return the answers of a submitted or changed form, by field name."""
    answers = {}
    for block_id, block in view["state"]["values"].items():
        element = next(iter(block.values()))
        chosen = element.get("selected_option")
        answers[block_id.split(":")[0]] = chosen["value"] if chosen else element.get("value") or ""
    return answers


def errors_for(view: Mapping[str, Any], problems: Iterable[Problem]) -> dict[str, str]:
    """Put each problem at its field's block; one that belongs to no field shown stands at the first."""
    shown = {block_id.split(":")[0]: block_id for block_id in view["state"]["values"]}
    first = next(iter(shown.values()))
    errors: dict[str, str] = {}
    for problem in problems:
        block_id = shown.get(problem.field, first)
        errors[block_id] = f"{errors[block_id]}. {problem.sentence}" if block_id in errors else problem.sentence
    return errors


def _block(field: Field, policies: Policies, offer: Offer, answers: Mapping[str, str]) -> Block | None:
    if field.kind is not FieldKind.CHOICE:
        return _input(field, _text(field, answers), field.name)
    choices = _choices(field, policies, offer)
    if not choices:
        return None
    if field.name == ENVIRONMENT:
        return _input(field, _select(field, choices, offer.environment), field.name, dispatch=True)
    chosen = answers.get(field.name, field.default)
    if chosen not in dict(choices) and (field.name == DURATION or len(choices) == 1):
        chosen = choices[0][0]
    return _input(field, _select(field, choices, chosen), f"{field.name}:{offer.environment}")


def _choices(field: Field, policies: Policies, offer: Offer) -> Sequence[Choice]:
    if field.name == APPROVER:
        return offer.approvers
    if field.name == DURATION:
        return offer.durations
    if field.source:
        options = policies.catalogue.options(field.source, offer.environment)
        return [(option.value, option.label) for option in options]
    return [(option, option) for option in field.options]


def _select(field: Field, choices: Sequence[Choice], chosen: str) -> StaticSelectElement:
    options = [
        Option(value=value, text=PlainTextObject(text=label[:SLACK_OPTION_LONGEST]))
        for value, label in choices[:100]
    ]
    return StaticSelectElement(
        action_id=ANSWER + field.name,
        options=options,
        initial_option=next((option for option in options if option.value == chosen), None),
        placeholder=PlainTextObject(text=field.placeholder) if field.placeholder else None,
    )


def _text(field: Field, answers: Mapping[str, str]) -> PlainTextInputElement:
    return PlainTextInputElement(
        action_id=ANSWER + field.name,
        multiline=field.kind is FieldKind.PARAGRAPH,
        initial_value=answers.get(field.name) or field.default or None,
        placeholder=PlainTextObject(text=field.placeholder) if field.placeholder else None,
        max_length=SLACK_INPUT_LONGEST,
    )


def _input(
    field: Field, element: StaticSelectElement | PlainTextInputElement, block_id: str, *, dispatch: bool = False
) -> InputBlock:
    return InputBlock(
        block_id=block_id,
        label=PlainTextObject(text=field.label),
        element=element,
        hint=PlainTextObject(text=field.hint) if field.hint else None,
        optional=field.optional,
        dispatch_action=dispatch or None,
    )
