"""The form that puts off the end of what is live: for how long, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import InputBlock, PlainTextInputElement, PlainTextObject
from slack_sdk.models.views import View

from coordinator.requests import Request
from coordinator.slack.cards import title
from coordinator.slack.choices import Choice
from coordinator.slack.inputs import ANSWER
from coordinator.slack.small_forms import carried, choice, small_form
from sallyport.decisions import REASON_LONGEST
from sallyport.flows import DURATION, REASON
from sallyport.platforms.slack_text import date
from sallyport.policies import Policies

EXTENSION = "extension"  # the callback id
_HINT = "It counts from the approval, not from the end of what you have."


def extension_form(first: Request, lengths: Sequence[Choice], policies: Policies) -> View:
    """Return the form that asks for an extension of *first*, with the durations that put its end off."""
    until = f", live until {date(first.expires_at)}" if first.expires_at else ""
    return small_form(
        EXTENSION,
        "Extend",
        f"*{title(first, policies)}* ({first.id}){until}. This asks anew: policy decides who approves it.",
        choice(DURATION, ANSWER + DURATION, "Duration", _HINT, lengths, first.form.get(DURATION)),
        _why(first),
        submit="Ask",
        carries={"request": first.id},
    )


def extended_by(view: Mapping[str, Any]) -> str:
    """Return the id of the request that a submitted form extends."""
    return carried(view, "request")


def _why(first: Request) -> InputBlock:
    typing = PlainTextInputElement(
        action_id=ANSWER + REASON, multiline=True, initial_value=first.reason, max_length=REASON_LONGEST
    )
    return InputBlock(block_id=REASON, label=PlainTextObject(text="Reason"), element=typing)
