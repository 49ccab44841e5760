"""The form by which an approver may give less time than was asked; it carries the digest of what is approved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from slack_sdk.models.blocks import (
    InputBlock,
    MarkdownTextObject,
    Option,
    PlainTextObject,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from coordinator.requests import Request
from coordinator.slack.cards import SHOWN_REASON, title, who
from coordinator.slack.inputs import ANSWER
from sallyport.decisions import shorter_choices
from sallyport.flows import DURATION, Rule
from sallyport.policies import Policies
from sallyport.times import parse_duration

APPROVAL = "approve-for"  # the callback id
CHOICE = ANSWER + "approved-duration"
AS_ASKED = "as-asked"


def approval_form(request: Request, rule: Rule, policies: Policies) -> View:
    """Return the form: what, who and why in short, and for how long."""
    (_, as_asked), *shorter = shorter_choices(rule.lifetime, request.lifetime)
    options = [_option(AS_ASKED, f"As asked: {as_asked}"), *(_option(*choice) for choice in shorter)]
    return View(
        type="modal",
        callback_id=APPROVAL,
        title=PlainTextObject(text="Approve"),
        submit=PlainTextObject(text="Approve"),
        close=PlainTextObject(text="Not yet"),
        blocks=[
            SectionBlock(text=MarkdownTextObject(text=f"*{title(request, policies)}* for {who(request)}")),
            SectionBlock(text=PlainTextObject(text=f"Reason: {request.reason}"[:SHOWN_REASON])),
            InputBlock(
                block_id=DURATION,
                label=PlainTextObject(text="Duration"),
                hint=PlainTextObject(text="Counted from the last approval. It becomes live within a minute."),
                element=StaticSelectElement(action_id=CHOICE, options=options, initial_option=options[0]),
            ),
        ],
        private_metadata=json.dumps({"request": request.id, "digest": request.digest}),
    )


def shortened_to(view: Mapping[str, Any]) -> timedelta | None:
    """Return how long the approver gave it; None is as was asked. ValueError if it is no duration."""
    chosen = str(view["state"]["values"][DURATION][CHOICE]["selected_option"]["value"])
    return None if chosen == AS_ASKED else parse_duration(chosen)


def _option(value: str, label: str) -> Option:
    return Option(value=value, text=PlainTextObject(text=label))
