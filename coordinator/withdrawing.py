"""The requester's way back: cancelling what nobody has decided, and giving back what is live before its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from coordinator.deciding import NotYours, too_late
from coordinator.journal import Journal
from coordinator.lifecycle import Happening, Move
from coordinator.ownership import own
from coordinator.positions import rule_of
from coordinator.requests import Request, State
from coordinator.wording import STATE_WORDS
from sallyport.audit import Deed
from sallyport.policies import Policies


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """Takes a requester's withdrawal; nobody needs anybody's approval to have less, but policy may keep it."""

    journal: Journal
    policies: Callable[[], Policies]
    now: Callable[[], datetime]

    def cancel(self, request_id: str, slack_id: str) -> Request:
        """End a request that waits for a decision; NotYours if it does not, or is somebody else's."""
        request = own(self.journal, request_id, slack_id)
        happening = Happening(Deed.CANCELLED, self.now(), request.requester)
        closing = "The requester has cancelled it."
        after = self.journal.move(request_id, Move(happening, State.CANCELLED, closing=closing))
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
            raise NotYours(f"{request_id} is not live. It stands at: {STATE_WORDS[after.state]}.")
        return after
