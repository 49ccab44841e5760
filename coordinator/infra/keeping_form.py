"""The form that keeps an environment up: until which time, on the clock of who fills it in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_sdk.models.views import View

from coordinator.infra.answers import head
from coordinator.slack.forms import read_answers
from coordinator.slack.inputs import ANSWER
from coordinator.slack.small_forms import carried, choice, small_form
from sallyport.catalogue import Environment
from sallyport.flows import ENVIRONMENT
from sallyport.platforms.slack_text import escape
from sallyport.times import format_moment, parse_moment

KEEP, UNTIL = "keep", "until"  # the callback id, and the one field
HOURS = (*range(1, 13), 24, 48, 72, 7 * 24)  # after the hour that is about to begin
_HOUR, _AHEAD = timedelta(hours=1), timedelta(minutes=30)


def keeping_form(place: Environment, local: datetime, longest: timedelta) -> View:
    """Return the form; *local* is now, in the time zone of who asks for it."""
    about = f"*{escape(head(place))}* stays up until the time you choose. What would stop it begins then."
    offered = [(format_moment(moment), _said(moment, local)) for moment in choices(local, longest)]
    return small_form(
        KEEP,
        "Keep it up",
        about,
        choice(UNTIL, ANSWER + UNTIL, "Until", "On your clock, as set in Slack.", offered),
        submit="Keep it up",
        carries={ENVIRONMENT: place.id},
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
    return carried(view, ENVIRONMENT), parse_moment(read_answers(view)[UNTIL])


def _said(moment: datetime, local: datetime) -> str:
    """Say a moment on the clock of *local*, with the day where that is another."""
    then = moment.astimezone(local.tzinfo)
    days = (then.date() - local.date()).days
    day = ("", " tomorrow")[days] if days < 2 else f" on {then:%A, %B} {then.day}"
    return f"{then:%H:%M}{day}"
