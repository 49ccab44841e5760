"""The requester's way back: cancelling what nobody has decided, and giving back what is live before its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from coordinator.deciding import NotYours, too_late
from coordinator.journal import Journal
from coordinator.lifecycle import Happening, Move, on_withdrawal
from coordinator.ownership import own
from coordinator.positions import rule_of
from coordinator.requests import Request, State
from coordinator.wording import state_words
from sallyport.audit import Deed
from sallyport.policies import Policies


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """Takes a requester's withdrawal; nobody needs anybody's approval to have less, but policy may keep it."""

    journal: Journal
    policies: Callable[[], Policies]
    now: Callable[[], datetime]

    def cancel(self, request_id: str, slack_id: str) -> Request:
        """End a request that waits for a decision, or for AWS; NotYours if it does not, or is somebody else's."""
        request, now = own(self.journal, request_id, slack_id), self.now()
        happening = Happening(Deed.CANCELLED, now, request.requester)
        move = Move(happening, State.CANCELLED, closing="Its requester has withdrawn it.")
        after = self.journal.move(request_id, lambda standing: _cancelling(standing, move, now))
        if after.state is not State.CANCELLED:
            raise NotYours(too_late(after, self.policies().people))
        return after

    def give_back(self, request_id: str, slack_id: str) -> Request:
        """End what is live now; NotYours if it is not live or somebody else's, or if policy keeps it."""
        request = own(self.journal, request_id, slack_id)
        rule = rule_of(request, self.policies())
        if rule is not None and not rule.early_return:
            raise NotYours(f"Policy keeps {request_id} until its end: it cannot be given back before.")
        happening = Happening(Deed.RETURNED, self.now(), request.requester)
        after = self.journal.move(request_id, Move(happening, State.ENDING))
        if after.state not in {State.ENDING, State.ENDED}:
            raise NotYours(f"{request_id} is not live. It stands at: {state_words(after)}.")
        return after


def _cancelling(standing: Request, cancelled: Move, now: datetime) -> Move | None:
    """Return *cancelled* with what it takes; None for what is being applied just now.

    The entry of what waits for AWS is ended too: a job may be at it at this moment.
    """
    if standing.state is not State.APPLYING:
        return cancelled
    return replace(cancelled, arm=tuple(on_withdrawal(now))) if standing.unanswered else None
