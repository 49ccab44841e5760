"""The form of break-glass: a door of its own, so that nobody goes through it by accident.

It asks for the incident first, asks for no approver, and says in words what happens.
"""

from __future__ import annotations

from collections.abc import Mapping

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    MarkdownTextObject,
    PlainTextInputElement,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.views import View

from coordinator.slack.choices import Offer
from coordinator.slack.forms import Memo
from coordinator.slack.inputs import ANSWER, input_of
from sallyport.decisions import INCIDENT_LONGEST
from sallyport.flows import APPROVER, INCIDENT, Flow
from sallyport.platforms.slack_text import escape
from sallyport.policies import Policies

BREAK = "break-glass"  # the callback id
FEW = 20  # people who are named one by one


def emergency_form(
    flow: Flow, policies: Policies, offer: Offer, answers: Mapping[str, str], memo: Memo, alert_channel: str
) -> View:
    """Return the form with what *offer* has, filled with *answers*."""
    memo = Memo(flow.id, offer.environment, memo.filling, emergency=True, offered=offer.digest)
    fields = (field for field in flow.fields if field.name != APPROVER)
    inputs = [
        block for field in fields if (block := input_of(field, flow, policies, offer, answers, memo.filling))
    ]
    notice = [SectionBlock(text=PlainTextObject(text=offer.notice))] if offer.notice else []
    return View(
        type="modal",
        callback_id=BREAK,
        title=PlainTextObject(text="Break-glass"),
        submit=PlainTextObject(text="Break the glass"),
        close=PlainTextObject(text="Cancel"),
        blocks=[
            _incident(answers.get(INCIDENT, "")),
            SectionBlock(text=MarkdownTextObject(text=_what_happens(flow, offer, alert_channel))),
            *notice,
            *inputs,
        ],
        private_metadata=str(memo),
    )


def _incident(typed: str) -> Block:
    return InputBlock(
        block_id=INCIDENT,
        label=PlainTextObject(text="Incident reference"),
        hint=PlainTextObject(text="The review starts from it."),
        element=PlainTextInputElement(
            action_id=ANSWER + INCIDENT,
            placeholder=PlainTextObject(text="INC-4711"),
            initial_value=typed[:INCIDENT_LONGEST] or None,
            max_length=INCIDENT_LONGEST,
        ),
    )


def _what_happens(flow: Flow, offer: Offer, alert_channel: str) -> str:
    """Say what breaking the glass means, before it is done."""
    told = [f"<@{user}>" for user in offer.told[:FEW]]
    more = [f"{len(offer.told) - FEW} more"] if len(offer.told) > FEW else []
    channel = [f"the channel <#{alert_channel}>"] if alert_channel else []
    names = ", ".join([*channel, *told, *more, "the owners of what you choose"])
    return (
        f"*{escape(flow.title)} in an emergency.* Nobody is asked: it is applied at once, and for a short time. "
        f"Told at once: {names}. A review follows, which somebody else than you must close."
    )
