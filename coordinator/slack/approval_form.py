"""The form by which an approver may give less time than was asked; it carries the digest of what is approved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from slack_sdk.models.blocks import PlainTextObject, SectionBlock
from slack_sdk.models.views import View

from coordinator.requests import Request
from coordinator.slack.cards import SHOWN_REASON, title, who
from coordinator.slack.decision_buttons import when_live
from coordinator.slack.inputs import ANSWER
from coordinator.slack.small_forms import choice, small_form
from sallyport.decisions import shorter_choices
from sallyport.flows import DURATION, Rule
from sallyport.policies import Policies
from sallyport.times import parse_duration

APPROVAL = "approve-for"  # the callback id
CHOICE = ANSWER + "approved-duration"
AS_ASKED = "as-asked"


def approval_form(request: Request, rule: Rule, policies: Policies) -> View:
    """Return the form: what, who and why in short, and for how long."""
    (_, longest), *shorter = shorter_choices(rule.lifetime, request.granted)
    first = "As asked" if request.granted == request.lifetime else "As approved so far"
    hint = f"Counted from the last approval. It becomes live {when_live(request, rule, policies)}."
    return small_form(
        APPROVAL,
        "Approve",
        f"*{title(request, policies)}* for {who(request)}",
        SectionBlock(text=PlainTextObject(text=f"Reason: {request.reason}"[:SHOWN_REASON])),
        choice(DURATION, CHOICE, "Duration", hint, [(AS_ASKED, f"{first}: {longest}"), *shorter]),
        submit="Approve",
        close="Not yet",
        carries={"request": request.id, "digest": request.digest},
    )


def shortened_to(view: Mapping[str, Any]) -> timedelta | None:
    """Return how long the approver gave it; None is as was asked. ValueError if it is no duration."""
    chosen = str(view["state"]["values"][DURATION][CHOICE]["selected_option"]["value"])
    return None if chosen == AS_ASKED else parse_duration(chosen)
