"""Every kind of effect with the method that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.audit.exporting import Exporting
from coordinator.outside.awaiting import Awaiting
from coordinator.outside.clock import begin, time_out
from coordinator.outside.commits import Commits
from coordinator.outside.confirmations import Confirmations
from coordinator.outside.messages import Messages
from coordinator.outside.reminders import Reminders
from coordinator.outside.reviews import Reviews
from coordinator.outside.runs import Runs
from coordinator.outside.tickets import Tickets
from coordinator.reconciler import Hands


@dataclass(frozen=True, slots=True)
class Handlers:
    """What works at each platform for one replica."""

    tickets: Tickets
    messages: Messages
    reviews: Reviews
    commits: Commits
    runs: Runs
    awaiting: Awaiting
    confirmations: Confirmations
    reminders: Reminders
    exporting: Exporting

    def hands(self, alert: Callable[[str, str], None]) -> Hands:
        """Return what the reconciler calls, by kind of effect."""
        return Hands(
            single={
                "ticket": self.tickets.open,
                "comment": self.tickets.comment,
                "move": self.tickets.move,
                "thread": self.messages.thread,
                "reply": self.messages.reply,
                "card": self.messages.card,
                "announce": self.messages.announce,
                "tell": self.messages.tell,
                "remind": self.messages.remind,
                "nudged": self.messages.nudged,
                "restarted": self.messages.restarted,
                "alarm": self.messages.alarm,
                "review": self.reviews.open,
                "review-link": self.reviews.link,
                "watch-review": self.reviews.watch,
                "review-comment": self.reviews.comment,
                "review-reopen": self.reviews.reopen,
                "branch": self.confirmations.branch,
                "proposal": self.confirmations.propose,
                "pull": self.confirmations.ask,
                "confirm": self.confirmations.watch,
                "unpull": self.confirmations.close,
                "unbranch": self.confirmations.clear,
                "watch": self.runs.watch,
                "watch-expiry": self.runs.watch_expiry,
                "begin": begin,
                "give-up": self.awaiting.give_up,
                "timeout": time_out,
                "audit": self.exporting.export,
                "reminder": self.reminders.reminder,
                "nudge": self.reminders.nudge,
            },
            batch={
                "commit": self.commits.commit,
                "withdraw": self.commits.withdraw,
                "dispatch": self.runs.dispatch,
                "expire": self.runs.expire,
                "aws": self.awaiting.turns,
                "aws-end": self.awaiting.ends,
            },
            alert=alert,
            place={"dispatch": self.runs.place},
        )
