"""The buttons under a picture of an environment: what they are called, and how their press is known again.

The coordinator decides who is offered what and answers the press; a job that draws the picture only shows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

PREFIX = "infra:"  # how the action id begins


class Offer(StrEnum):
    """What can be done from there."""

    STOP = "stop"
    START = "start"
    SPINUP = "spinup"
    KEEP = "keep"
    WHITELIST = "whitelist"
    LOOK = "look"


LABELS = {
    Offer.STOP: "Stop…",
    Offer.START: "Start again",
    Offer.SPINUP: "Restore",
    Offer.KEEP: "Keep it up until…",
    Offer.WHITELIST: "Let an address in…",
    Offer.LOOK: "Look again",
}
_PRESSED = re.compile(rf"{PREFIX}({'|'.join(Offer)}):([a-z0-9-]+)")


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press of one of these buttons."""

    offer: Offer
    environment: str


def action_id(offer: Offer, environment: str) -> str:
    return f"{PREFIX}{offer}:{environment}"


def read_press(action: str) -> Pressed:
    """Return which button an action id names; ValueError if it names none."""
    found = _PRESSED.fullmatch(action)
    if found is None:
        raise ValueError(f"{action} is no button of an environment")
    return Pressed(Offer(found[1]), found[2])


def read_offers(text: str) -> tuple[Offer, ...]:
    """Return the offers that *text* names, with spaces between; ValueError if there is none of a name."""
    return tuple(Offer(name) for name in text.split())


def buttons(offers: Iterable[Offer], environment: str) -> list[dict[str, Any]]:
    """Return the block with the buttons; none where nothing is offered."""
    elements = [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": LABELS[offer]},
            "action_id": action_id(offer, environment),
            "value": environment,
        }
        for offer in offers
    ]
    return [{"type": "actions", "elements": elements}] if elements else []
