"""Anchors: once a day, how long every request's chain was and how it ended, chained from day to day.

A chain shows an edit or a gap but not that its end is missing; an anchor that was kept elsewhere does. Each lists
only the chains that grew since the one before; its digest covers that one's, and so all of them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sallyport.audit import FIRST, Fact, digest_of
from sallyport.documents import JSON
from sallyport.times import format_moment, parse_moment

Chain = Sequence[tuple[Fact, str]]  # a request's facts with their stored digests, in order


@dataclass(frozen=True, slots=True)
class Head:
    """The last fact of a chain."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was recorded when the anchor was made. `day` is in UTC, `YYYY-MM-DD`; `heads` are by request."""

    day: str
    at: datetime
    requests: int  # in all, as `facts`
    facts: int
    heads: Mapping[str, Head]
    previous: str = FIRST

    @property
    def digest(self) -> str:
        """Return the SHA-256 over the anchor and the digest before it."""
        return digest_of(self.to_mapping())

    def to_mapping(self) -> dict[str, JSON]:
        """Return the anchor as a record holds it, without its digest."""
        return {
            "day": self.day,
            "at": format_moment(self.at),
            "requests": self.requests,
            "facts": self.facts,
            "heads": heads_mapping(self.heads),
            "previous": self.previous,
        }

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Anchor:
        """Read what `to_mapping` wrote; KeyError, TypeError or ValueError if it is anything else."""
        return cls(
            day=str(data["day"]),
            at=parse_moment(data["at"]),
            requests=int(data["requests"]),
            facts=int(data["facts"]),
            heads=parse_heads(data["heads"]),
            previous=str(data["previous"]),
        )


def heads_mapping(heads: Mapping[str, Head]) -> dict[str, JSON]:
    """Return heads as JSON."""
    return {one: {"number": head.number, "digest": head.digest} for one, head in sorted(heads.items())}


def parse_heads(data: Mapping[str, Any]) -> dict[str, Head]:
    """Read what `heads_mapping` wrote."""
    return {str(one): Head(int(head["number"]), str(head["digest"])) for one, head in data.items()}


def next_anchor(anchors: Sequence[tuple[Anchor, str]], heads: Mapping[str, Head], now: datetime) -> Anchor | None:
    """Return the anchor of today over *heads*; None if today has one, or there is nothing to hold yet."""
    today = now.date().isoformat()
    if not heads or (anchors and anchors[-1][0].day >= today):
        return None
    known = anchored(anchor for anchor, _ in anchors)
    grown = {one: head for one, head in heads.items() if known.get(one) != head}
    previous = anchors[-1][1] if anchors else FIRST
    return Anchor(today, now, len(heads), sum(head.number for head in heads.values()), grown, previous)


def anchored(anchors: Iterable[Anchor]) -> dict[str, Head]:
    """Return the last head of every chain that *anchors*, in order, hold."""
    heads: dict[str, Head] = {}
    for anchor in anchors:
        heads.update(anchor.heads)
    return heads


def anchor_breaks(anchors: Iterable[tuple[Anchor, str]]) -> list[str]:
    """Return a sentence for the first edit or gap among *anchors*, given in order with their stored digests."""
    previous = FIRST
    for anchor, stored in anchors:
        if anchor.digest != stored:
            return [f"the anchor of {anchor.day} is not what was recorded"]
        if anchor.previous != previous:
            return [f"before the anchor of {anchor.day} an anchor is missing"]
        previous = stored
    return []


def unkept(anchors: Iterable[Anchor], chains: Mapping[str, Mapping[int, str]]) -> list[str]:
    """Return a sentence for each request of which *chains* no longer hold what an anchor saw.

    *chains* give the digest of each fact by request and number.
    """
    found: dict[str, str] = {}
    for anchor in anchors:
        for one, head in anchor.heads.items():
            chain = chains.get(one, {})
            if one not in found and chain.get(head.number) != head.digest:
                found[one] = _lost(one, head, chain, anchor.day)
    return [found[one] for one in sorted(found)]


def _lost(request_id: str, head: Head, chain: Mapping[int, str], day: str) -> str:
    if not chain:
        return f"{request_id}: it is gone; the anchor of {day} saw {head.number} facts of it"
    if head.number not in chain:
        longest = max(chain)
        return f"{request_id}: it ends with fact {longest}, but the anchor of {day} saw {head.number} facts of it"
    return f"{request_id}: fact {head.number} is not the one that the anchor of {day} saw"
