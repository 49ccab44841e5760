"""The listeners of the requester's own buttons. Whoever else presses one is told whose it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.deciding import NotYours
from coordinator.requests import Request
from coordinator.slack.answering import Ack, Answering, Body, user_of
from coordinator.slack.doors import Doors
from coordinator.withdrawing import Withdrawing


@dataclass(frozen=True, slots=True)
class OwnPresses:
    """What requesters do with what they have asked for."""

    answering: Answering
    withdrawing: Withdrawing
    doors: Doors

    def cancels(self, ack: Ack, body: Body) -> None:
        """Cancel the person's own request."""
        self._withdraw(ack, body, self.withdrawing.cancel)

    def gives_back(self, ack: Ack, body: Body) -> None:
        """End the person's own live entry before its time."""
        self._withdraw(ack, body, self.withdrawing.give_back)

    def _withdraw(self, ack: Ack, body: Body, withdraw: Callable[[str, str], Request]) -> None:
        try:
            withdraw(_request_of(body), user_of(body))
            ack()
            self.doors.refresh_home(body)
        except NotYours as error:
            ack()
            self.answering.answer(body, str(error))


def _request_of(body: Body) -> str:
    """Return the id of the request that a button is for."""
    return str(body["actions"][0]["value"]).partition(":")[0]
