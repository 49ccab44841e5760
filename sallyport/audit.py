"""The audit trail: facts about a request, numbered and chained, so that an edit or a gap can be detected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sallyport.documents import JSON
from sallyport.times import format_moment, parse_moment

FIRST = "0" * 64  # what the first fact of a request is chained to


class Deed(StrEnum):
    """What happened."""

    ASKED = "asked"
    APPROVED = "approved"
    CONFIRMED = "confirmed"  # in GitHub, after its approval in Slack
    DENIED = "denied"
    TIMED_OUT = "timed-out"
    COMMITTED = "committed"
    DISPATCHED = "dispatched"
    UNANSWERED = "unanswered"  # AWS gave the job no answer; it waits, and is tried again
    APPLIED = "applied"
    REFUSED = "refused"
    FAILED = "failed"
    REVERTED = "reverted"
    NOT_REVERTED = "not-reverted"  # a job that should have taken it back did not
    CANCELLED = "cancelled"
    RETURNED = "returned"
    NUDGED = "nudged"  # those whose turn it is were reminded
    BEGUN = "begun"  # the notice before it is over
    KEPT_UP = "kept-up"  # somebody had what it stops kept up for a while
    ROUTED = "routed"  # other people are asked than before
    RETRIED = "retried"  # an operator had a waiting effect tried at once
    PARKED = "parked"  # an operator had a waiting effect left alone
    BREAK_GLASS = "break-glass"  # the requester went ahead in an emergency, and nobody was asked
    REVIEWED = "reviewed"  # somebody else closed the review of an emergency
    REVIEW_REOPENED = "review-reopened"  # it was closed by whom policy does not accept


DEEDS = frozenset(deed.value for deed in Deed)


def deed_of(name: str) -> Deed | str:
    """Return the deed of that name, or the name: it may be one that only a newer version knows."""
    return Deed(name) if name in DEEDS else name


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened to one request. `by` is an e-mail address, or the part of Sallyport that acted."""

    request_id: str
    number: int  # counts from 1 within the request
    deed: Deed | str  # a name alone, where only a newer version knows what it means
    at: datetime
    by: str
    details: Mapping[str, JSON] = field(default_factory=dict)
    previous: str = FIRST

    @property
    def digest(self) -> str:
        """Return the SHA-256 over the fact and the digest before it."""
        return digest_of(self.to_mapping())

    @property
    def is_known(self) -> bool:
        """Whether this version knows what it says; what was recorded can be proved in either case."""
        return isinstance(self.deed, Deed)

    @property
    def is_unconfirmed(self) -> bool:
        """Whether time ran out in GitHub, after the approval in Slack."""
        return self.deed is Deed.TIMED_OUT and self.details.get("through") == "github"

    def to_mapping(self) -> dict[str, JSON]:
        """Return the fact as a record holds it, without its digest."""
        return {
            "request_id": self.request_id,
            "number": self.number,
            "deed": str(self.deed),
            "at": format_moment(self.at),
            "by": self.by,
            "details": dict(self.details),
            "previous": self.previous,
        }

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Fact:
        """Read what `to_mapping` wrote; KeyError, TypeError or ValueError if it is anything else."""
        return cls(
            request_id=str(data["request_id"]),
            number=int(data["number"]),
            deed=deed_of(str(data["deed"])),
            at=parse_moment(data["at"]),
            by=str(data["by"]),
            details=dict(data["details"]),
            previous=str(data["previous"]),
        )


def digest_of(content: Mapping[str, JSON]) -> str:
    """Return the SHA-256 over the canonical form of *content*."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def breaks(facts: Iterable[tuple[Fact, str]]) -> list[str]:
    """Return a sentence for the first edit or gap in a request's facts, given in order with their stored digests.

    After it the chain says nothing more. Facts dropped from its end leave no gap: the store must count them.
    """
    previous = FIRST
    for number, (fact, stored) in enumerate(facts, 1):
        if fact.number != number:
            return [f"{fact.request_id}: fact {number} is missing"]
        if fact.previous != previous or fact.digest != stored:
            return [f"{fact.request_id}: fact {number} ({fact.deed}) is not what was recorded"]
        previous = stored
    return []
