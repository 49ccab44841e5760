"""The button under an announcement: it keeps from beginning what was announced, and ends early what is live."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.deciding import NotYours
from coordinator.ending import Ending
from coordinator.slack.answering import Ack, Answering, Body, user_of


@dataclass(frozen=True, slots=True)
class Sparing:
    """Its listener; the announcement itself shows what became of a press."""

    answering: Answering
    ending: Ending

    def spares(self, ack: Ack, body: Body) -> None:
        """Record it, or say why this person cannot."""
        try:
            self.ending.spare(body["actions"][0]["value"], user_of(body))
            ack()
        except NotYours as error:
            ack()
            self.answering.answer(body, str(error))
