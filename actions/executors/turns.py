"""Whose turn it is where not everything fits: the entry that was approved first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sallyport.entries import Entry

_NEVER = datetime.max.replace(tzinfo=UTC)


def in_turn(entries: Iterable[Entry]) -> list[Entry]:
    """Return *entries* in the order of their last approval, which nobody can move forward."""
    return sorted(entries, key=lambda e: (max((a.at for a in e.approvals), default=_NEVER), e.id))
