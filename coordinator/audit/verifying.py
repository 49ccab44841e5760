"""Proves the audit trail, or names what is wrong: in the journal, in the sink, and between the two.

Read-only. It finds what was edited, dropped (at the end too), reordered or forged in either. What it cannot find
is the same forgery in both: a sink belongs where the journal's keepers cannot write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.audit.anchors import Anchor, anchor_breaks, unkept
from coordinator.audit.sink import Sink
from coordinator.audit.sunk import Sunk, read_sink
from coordinator.audit.trail import Trail
from sallyport.audit import breaks

Digests = Mapping[str, Mapping[int, str]]  # of facts, by request and number


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and a sentence for everything that is wrong."""

    requests: int
    facts: int
    anchors: int
    pending: int  # facts that wait for the sink
    findings: tuple[str, ...]
    newer: int = 0  # facts whose meaning only a newer version knows


@dataclass(frozen=True, slots=True)
class _Book:
    """What the journal holds; `waiting` is how much the sink has taken of requests it has not taken whole."""

    facts: dict[str, dict[int, str]] = field(default_factory=dict)
    newer: int = 0
    findings: list[str] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)
    anchors: list[tuple[Anchor, str]] = field(default_factory=list)
    exported: frozenset[str] = frozenset()  # days of anchors that the sink has taken


def verify(trail: Trail, sink: Sink) -> Report:
    """Look at everything, while work goes on. Raises what the sink raises when it cannot be read."""
    book = _read_journal(trail)
    sunk = read_sink(sink)
    _catch_up(book, trail, sunk)
    findings = [
        *book.findings,
        *(f"journal: {found}" for found in anchor_breaks(book.anchors)),
        *(f"journal: {found}" for found in unkept((anchor for anchor, _ in book.anchors), book.facts)),
        *(f"sink: {found}" for found in sunk.findings),
        *(f"sink: {found}" for found in anchor_breaks(sunk.anchors)),
        *(f"sink: {found}" for found in unkept((anchor for anchor, _ in sunk.anchors), _either(book, sunk))),
        *_between(book, sunk),
        *_anchors_between(book, sunk),
    ]
    total = sum(map(len, book.facts.values()))
    pending = sum(len(chain.keys() - sunk.facts.get(one, {}).keys()) for one, chain in book.facts.items())
    seen = tuple(dict.fromkeys(findings))
    return Report(len(book.facts), total, len(book.anchors), pending, seen, book.newer)


def _read_journal(trail: Trail) -> _Book:
    """Read the chains before what waits: what was recorded then and waits no more must be in the sink."""
    facts: dict[str, dict[int, str]] = {}
    findings: list[str] = []
    newer = 0
    kept = trail.anchors()
    for request_id, chain in trail.chains():
        findings += breaks(chain)
        facts[request_id] = {fact.number: digest for fact, digest in chain}
        newer += sum(not fact.is_known for fact, _ in chain)
    exported = frozenset(one.anchor.day for one in kept if one.exported)
    return _Book(facts, newer, findings, trail.waiting(), [(one.anchor, one.digest) for one in kept], exported)


def _catch_up(book: _Book, trail: Trail, sunk: Sunk) -> None:
    """Add what was recorded while the sink was being read."""
    for one, chain in sunk.facts.items():
        if chain.keys() - book.facts.get(one, {}).keys() and (again := trail.journal.facts(one)):
            book.waiting.setdefault(one, len(book.facts.get(one, {})))
            book.facts[one] = {fact.number: digest for fact, digest in again}
    known = {anchor.day for anchor, _ in book.anchors}
    newer = [(one.anchor, one.digest) for one in trail.anchors() if one.anchor.day not in known]
    book.anchors.extend(newer)


def _either(book: _Book, sunk: Sunk) -> Digests:
    """Return the facts that the sink has, or the journal where it has none."""
    both = {one: {**book.facts.get(one, {}), **chain} for one, chain in sunk.facts.items()}
    return {**book.facts, **both}


def _between(book: _Book, sunk: Sunk) -> list[str]:
    findings = []
    for one in sorted(book.facts.keys() | sunk.facts.keys()):
        ours, theirs = book.facts.get(one, {}), sunk.facts.get(one, {})
        expected = book.waiting.get(one, len(ours))
        findings += [
            f"{one}: fact {number} is another one in the sink than in the journal"
            for number in sorted(ours.keys() & theirs.keys())
            if ours[number] != theirs[number]
        ]
        findings += [f"{one}: fact {number} is in the sink only" for number in sorted(theirs.keys() - ours.keys())]
        gone = sorted(number for number in ours.keys() - theirs.keys() if number <= expected)
        findings += [f"{one}: fact {number} is gone from the sink" for number in gone]
    return findings


def _anchors_between(book: _Book, sunk: Sunk) -> list[str]:
    ours, theirs = ({anchor.day: digest for anchor, digest in found} for found in (book.anchors, sunk.anchors))
    findings = [
        f"the anchor of {day} is another one in the sink than in the journal"
        for day in sorted(ours.keys() & theirs.keys())
        if ours[day] != theirs[day]
    ]
    findings += [f"the anchor of {day} is in the sink only" for day in sorted(theirs.keys() - ours.keys())]
    gone = sorted((ours.keys() - theirs.keys()) & book.exported)
    return [*findings, *(f"the anchor of {day} is gone from the sink" for day in gone)]
