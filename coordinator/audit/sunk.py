"""What a sink holds, read record by record, with everything that is wrong with it by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from coordinator.audit.anchors import Anchor
from coordinator.audit.context import Context
from coordinator.audit.records import anchor_record, fact_record, parse
from coordinator.audit.sink import Found, Sink
from sallyport.audit import Fact, digest_of


@dataclass(slots=True)
class Sunk:
    """Digests of facts by request and number, anchors in order, and a sentence for each fault."""

    facts: dict[str, dict[int, str]] = field(default_factory=dict)
    anchors: list[tuple[Anchor, str]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    _texts: dict[tuple[str, int], str] = field(default_factory=dict)  # digests of records' lines
    _contexts: dict[str, Context] = field(default_factory=dict)  # after the last record, while in order

    def take(self, found: Found) -> None:
        """Put a record to those before it. The same record again is no harm."""
        self.findings += [f"{found.place}: {fault}" for fault in self._faults(found)]

    def _faults(self, found: Found) -> Iterator[str]:
        if found.fault:
            yield found.fault
            return
        try:
            parsed = parse(found.text)
        except ValueError as error:
            yield str(error)
            return
        if parsed.fact is not None:
            yield from self._fact(parsed.fact, parsed.digest, parsed.body)
        elif parsed.anchor is not None:
            if parsed.body != anchor_record(parsed.anchor, parsed.digest).body:
                yield f"the anchor of {parsed.anchor.day} is not what was recorded"
            if (parsed.anchor, parsed.digest) not in self.anchors:
                self.anchors.append((parsed.anchor, parsed.digest))

    def _fact(self, fact: Fact, digest: str, body: Mapping[str, Any]) -> Iterator[str]:
        one, chain = fact.request_id, self.facts.setdefault(fact.request_id, {})
        name, before = f"{one}: fact {fact.number} ({fact.deed})", max(chain, default=0)
        if fact.digest != digest:
            yield f"{name} is not what was recorded"
        elif fact.number in chain:
            if self._texts[one, fact.number] != digest_of(body):
                yield f"{name} is there twice, and not the same"
        else:
            chain[fact.number] = digest
            self._texts[one, fact.number] = digest_of(body)
            yield from self._in_order(fact, digest, body, before)

    def _in_order(self, fact: Fact, digest: str, body: Mapping[str, Any], before: int) -> Iterator[str]:
        one, chain = fact.request_id, self.facts[fact.request_id]
        name = f"{one}: fact {fact.number} ({fact.deed})"
        known = self._contexts.pop(one, Context() if not before else None)
        if fact.number < before:
            yield f"{name} stands after fact {before}"
        elif fact.number > before + 1:
            yield f"{one}: fact {before + 1} is missing before fact {fact.number}"
        elif before and chain[before] != fact.previous:
            yield f"{name} does not follow fact {before}"
        elif known is not None and fact.is_known:  # what a newer version gathers from others, that one compares
            self._contexts[one] = known.after(fact)
            if body != fact_record(fact, digest, self._contexts[one]).body:
                yield f"{name} tells something else of its request than the facts up to it"


def read_sink(sink: Sink) -> Sunk:
    """Read everything; raises what the sink raises when it cannot be read."""
    sunk = Sunk()
    for found in sink.read():
        sunk.take(found)
    return sunk
