"""Writes the audit trail to its sink: each request's records in the order of its facts, and the daily anchors.

It waits for nothing else, and nothing waits for it. A chain that does not hold together is not exported: the sink
must never confirm a tampered journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from coordinator.audit.anchors import Anchor
from coordinator.audit.records import anchor_record, records_of
from coordinator.audit.sink import Sink
from coordinator.audit.trail import Trail
from coordinator.journal import Again, Done, Journal, Work
from coordinator.requests import Request
from sallyport.audit import breaks
from sallyport.platforms.errors import Refused

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Exporting:
    """The effect `audit`, and the look that makes an anchor a day."""

    journal: Journal
    sink: Sink
    now: Callable[[], datetime]

    def export(self, work: Work, request: Request) -> Done | Again:
        """Write the records of the facts that the sink has not been seen to take.

        What a fact means that has come meanwhile from a newer version, that one writes: it takes the effect up.
        """
        facts = self.journal.facts(request.id)
        if not all(fact.is_known for fact, _ in facts):
            return Again(self.now())
        if found := breaks(facts):
            raise Refused("The journal", f"give the records of {request.id}", found[0])
        known = int(work.result.get("facts", 0))
        self.sink.put(records_of(facts)[known:])
        return Done({"facts": len(facts)})

    def anchor(self) -> None:
        """Make today's anchor if there is none, and write those that the sink has not taken yet, in order."""
        trail = Trail(self.journal)
        made = trail.anchor(self.now())
        if made is not None:
            log.info("audit.anchored", day=made.day, requests=made.requests, facts=made.facts)
        for kept in trail.anchors():
            if not kept.exported:
                self.sink.put([anchor_record(kept.anchor, kept.digest)])
                trail.mark_exported(kept.anchor)

    def oldest_unkept(self) -> Anchor | None:
        """Return the oldest anchor that the sink has not been seen to take."""
        return next((kept.anchor for kept in Trail(self.journal).anchors() if not kept.exported), None)
