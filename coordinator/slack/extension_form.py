"""The form that puts off the end of what is live: for how long, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import (
    InputBlock,
    MarkdownTextObject,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from coordinator.requests import Request
from coordinator.slack.cards import title
from coordinator.slack.choices import Choice
from coordinator.slack.inputs import ANSWER
from sallyport.decisions import REASON_LONGEST
from sallyport.flows import DURATION, REASON
from sallyport.platforms.slack_text import date
from sallyport.policies import Policies

EXTENSION = "extension"  # the callback id


def extension_form(first: Request, lengths: Sequence[Choice], policies: Policies) -> View:
    """Return the form that asks for an extension of *first*, with the durations that put its end off."""
    until = f", live until {date(first.expires_at)}" if first.expires_at else ""
    about = f"*{title(first, policies)}* ({first.id}){until}. This asks anew: policy decides who approves it."
    options = [Option(value=value, text=PlainTextObject(text=label)) for value, label in lengths]
    usual = next((option for option in options if option.value == first.form.get(DURATION)), options[0])
    return View(
        type="modal",
        callback_id=EXTENSION,
        title=PlainTextObject(text="Extend"),
        submit=PlainTextObject(text="Ask"),
        close=PlainTextObject(text="Cancel"),
        blocks=[
            SectionBlock(text=MarkdownTextObject(text=about)),
            InputBlock(
                block_id=DURATION,
                label=PlainTextObject(text="Duration"),
                hint=PlainTextObject(text="It counts from the approval, not from the end of what you have."),
                element=StaticSelectElement(action_id=ANSWER + DURATION, options=options, initial_option=usual),
            ),
            InputBlock(
                block_id=REASON,
                label=PlainTextObject(text="Reason"),
                element=PlainTextInputElement(
                    action_id=ANSWER + REASON,
                    multiline=True,
                    initial_value=first.reason,
                    max_length=REASON_LONGEST,
                ),
            ),
        ],
        private_metadata=json.dumps({"request": first.id}),
    )


def extended_by(view: Mapping[str, Any]) -> str:
    """Return the id of the request that a submitted form extends."""
    return str(json.loads(view["private_metadata"])["request"])
