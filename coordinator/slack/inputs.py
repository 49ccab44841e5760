"""One field of a flow as a block of its form.

The environment is asked first: what may be chosen below follows from it, and who decides and for how long from
all that is answered. So do the ids of those blocks, since Slack keeps what was chosen under an id even when its
options have changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import (
    Block,
    ExternalDataSelectElement,
    InputBlock,
    InputInteractiveElement,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    StaticSelectElement,
)
from slack_sdk.models.blocks.basic_components import DispatchActionConfig

from coordinator.slack.choices import LONGEST, MOST, Choice, Offer, choices, digest_of
from sallyport.flows import APPROVER, DURATION, ENVIRONMENT, Field, FieldKind, Flow
from sallyport.policies import Policies

ANSWER = "answer:"  # how the action id of every input begins; the field's name follows
SLACK_INPUT_LONGEST = 3000


def input_of(
    field: Field, flow: Flow, policies: Policies, offer: Offer, answers: Mapping[str, str], filling: int
) -> Block | None:
    """Return the block that asks for *field*, filled with its answer; None where there is nothing to choose."""
    if field.kind is not FieldKind.CHOICE:
        return _input(field, _text(field, answers), _block_id(field.name, "", filling))
    offered = choices(field, flow, policies, offer)
    if not offered:
        return None
    if field.name == ENVIRONMENT:
        return _input(field, _select(field, offered, offer.environment), _block_id(field.name, "", filling))
    chosen = answers.get(field.name, field.default)
    if len(offered) == 1 or (field.name == DURATION and chosen not in dict(offered)):
        chosen = offered[0][0]
    shown = offer.environment
    if field.name in {DURATION, APPROVER}:
        shown = f"{shown}:{digest_of(tuple(offered))}"
    return _input(field, _select(field, offered, chosen), _block_id(field.name, shown, filling))


def field_of(block_id: str) -> str:
    """Return the name of the field that a block asks for."""
    return block_id.split(":")[0]


def _block_id(field: str, shown: str, filling: int) -> str:
    """Return an id that changes with whatever must not outlive a change: Slack keeps a block's value under it."""
    if filling:
        return f"{field}:{shown}:{filling}"
    return f"{field}:{shown}" if shown else field


def _select(
    field: Field, offered: Sequence[Choice], chosen: str
) -> StaticSelectElement | ExternalDataSelectElement:
    """Return a menu, or a field with typeahead where Slack's menu has no room for all of it."""
    initial = next((_option(*choice) for choice in offered if choice[0] == chosen), None)
    placeholder = PlainTextObject(text=field.placeholder) if field.placeholder else None
    if len(offered) > MOST:
        return ExternalDataSelectElement(
            action_id=ANSWER + field.name,
            min_query_length=0,
            initial_option=initial,
            placeholder=placeholder or PlainTextObject(text="Type to search"),
        )
    return StaticSelectElement(
        action_id=ANSWER + field.name,
        options=[_option(*choice) for choice in offered],
        initial_option=initial,
        placeholder=placeholder,
    )


def _option(value: str, label: str) -> Option:
    return Option(value=value, text=PlainTextObject(text=label[:LONGEST]))


def _text(field: Field, answers: Mapping[str, str]) -> PlainTextInputElement:
    return PlainTextInputElement(
        action_id=ANSWER + field.name,
        multiline=field.kind is FieldKind.PARAGRAPH,
        initial_value=answers.get(field.name) or field.default or None,
        placeholder=PlainTextObject(text=field.placeholder) if field.placeholder else None,
        max_length=SLACK_INPUT_LONGEST,
        dispatch_action_config=DispatchActionConfig(trigger_actions_on=["on_character_entered"]),
    )


def _input(field: Field, element: InputInteractiveElement, block_id: str) -> InputBlock:
    """Return a field that tells us of every change: Slack sends no answers when a form is closed."""
    return InputBlock(
        block_id=block_id,
        label=PlainTextObject(text=field.label),
        element=element,
        hint=PlainTextObject(text=field.hint) if field.hint else None,
        optional=field.optional,
        dispatch_action=True,
    )
