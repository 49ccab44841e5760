"""A requester's wish to have those reminded who are waited for, in Slack or in GitHub.

A nudge mentions nobody but them, and may be asked for once in half an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from coordinator.deciding import NotYours
from coordinator.journal import Journal
from coordinator.lifecycle import NUDGE, Armed, Lane
from coordinator.ownership import own
from coordinator.reminding import next_nudge
from coordinator.requests import WAITED_FOR, Request, State
from coordinator.wording import state_words
from sallyport.platforms.slack_text import date


@dataclass(frozen=True, slots=True)
class Nudging:
    """Takes a requester's wish to remind those who are waited for."""

    journal: Journal
    now: Callable[[], datetime]

    def nudge(self, request_id: str, slack_id: str) -> Request:
        """Have them reminded; NotYours if nobody is waited for, or if they were reminded a moment ago.

        Two presses at once are one nudge: the effect looks again before it does anything.
        """
        request = own(self.journal, request_id, slack_id)
        if request.state not in WAITED_FOR:
            raise NotYours(f"Nobody is waited for. {request_id} stands at: {state_words(request)}.")
        if not request.awaited:
            verb = "confirm" if request.state is State.CONFIRMING else "decide"
            raise NotYours(f"Nobody can {verb} {request_id} at the moment, so there is nobody to remind.")
        again = next_nudge(request)
        if again is not None and self.now() < again:
            raise NotYours(f"They were reminded a short while ago. Nudge them again from {date(again)} on.")
        self.journal.arm(request_id, Armed(NUDGE, NUDGE, Lane.CLOCK, self.now()))
        return request
