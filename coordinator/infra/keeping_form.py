"""The form that keeps an environment up: until which time, on the clock of who fills it in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
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

from coordinator.infra.answers import head
from coordinator.slack.forms import read_answers
from coordinator.slack.inputs import ANSWER
from sallyport.catalogue import Environment
from sallyport.flows import ENVIRONMENT
from sallyport.platforms.slack_text import escape
from sallyport.times import format_moment, parse_moment

KEEP, UNTIL = "keep", "until"  # the callback id, and the one field
HOURS = (*range(1, 13), 24, 48, 72, 7 * 24)  # after the hour that is about to begin
_HOUR, _AHEAD = timedelta(hours=1), timedelta(minutes=30)


def keeping_form(place: Environment, local: datetime, longest: timedelta) -> View:
    """Return the form; *local* is now, in the time zone of who asks for it."""
    options = [_option(moment, local) for moment in choices(local, longest)]
    about = f"*{escape(head(place))}* stays up until the time you choose. What would stop it begins then."
    return View(
        type="modal",
        callback_id=KEEP,
        title=PlainTextObject(text="Keep it up"),
        submit=PlainTextObject(text="Keep it up"),
        close=PlainTextObject(text="Cancel"),
        blocks=[
            SectionBlock(text=MarkdownTextObject(text=about)),
            InputBlock(
                block_id=UNTIL,
                label=PlainTextObject(text="Until"),
                hint=PlainTextObject(text="On your clock, as set in Slack."),
                element=StaticSelectElement(action_id=ANSWER + UNTIL, options=options, initial_option=options[0]),
            ),
        ],
        private_metadata=json.dumps({ENVIRONMENT: place.id}),
    )


def choices(local: datetime, longest: timedelta) -> list[datetime]:
    """Return the moments (UTC) that are offered: whole hours of that clock, the first not too near.

    Where policy allows less than the first, the longest that it allows is offered.
    """
    first = (local + _AHEAD).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    now = local.astimezone(UTC)
    found = [moment for hours in HOURS if (moment := first + hours * _HOUR) <= now + longest]
    return found or [now.replace(microsecond=0) + longest]


def read_keep(view: Mapping[str, Any]) -> tuple[str, datetime]:
    """Return the environment and the moment of a submitted form."""
    environment = str(json.loads(view["private_metadata"])[ENVIRONMENT])
    return environment, parse_moment(read_answers(view)[UNTIL])


def _option(moment: datetime, local: datetime) -> Option:
    then = moment.astimezone(local.tzinfo)
    days = (then.date() - local.date()).days
    day = ("", " tomorrow")[days] if days < 2 else f" on {then:%A, %B} {then.day}"
    return Option(value=format_moment(moment), text=PlainTextObject(text=f"{then:%H:%M}{day}"))
