"""The kinds of effects that this version can do; the journal may hold others, which only another version knows."""

from __future__ import annotations

KINDS = frozenset(
    {
        *("ticket", "comment", "move"),
        *("thread", "reply", "card", "announce", "tell", "remind", "nudged", "restarted", "alarm"),
        *("review", "review-link", "watch-review", "review-comment", "review-reopen"),
        *("branch", "proposal", "pull", "confirm", "unpull", "unbranch"),
        *("commit", "withdraw", "dispatch", "expire", "watch", "watch-expiry"),
        *("aws", "aws-end", "give-up", "begin", "timeout", "reminder", "nudge"),
        "audit",
    }
)
TELL_A_FACT = frozenset({"comment", "reply"})  # one, whose number is in the effect's name
TELL_ALL_FACTS = frozenset({"audit"})
