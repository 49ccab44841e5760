"""Records: what the sink holds of a fact or an anchor, as one line of JSON under a key that never changes.

The same fact always makes the same record, byte for byte, so that writing it twice is writing it once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.audit.anchors import Anchor
from coordinator.audit.context import Context
from sallyport.audit import Fact
from sallyport.documents import JSON

FACT, ANCHOR = "fact", "anchor"
ANCHORS = "anchors"  # the folder of anchors; no request's id is called that


@dataclass(frozen=True, slots=True)
class Record:
    """One record: `key` names it in the sink, `body` is what it says."""

    key: str
    body: Mapping[str, JSON]

    @property
    def line(self) -> str:
        """Return the record as it is written: one line of ASCII, without its end."""
        return json.dumps(self.body, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a line of the sink says: a fact or an anchor, with the digest it claims and all that it holds."""

    fact: Fact | None
    anchor: Anchor | None
    digest: str
    body: Mapping[str, Any]


def records_of(facts: Iterable[tuple[Fact, str]]) -> list[Record]:
    """Return the records of one request's facts, given from the first on with their digests."""
    context = Context()
    records = []
    for fact, digest in facts:
        context = context.after(fact)
        records.append(fact_record(fact, digest, context))
    return records


def fact_record(fact: Fact, digest: str, context: Context) -> Record:
    """Return the record of a fact; *context* is that after it."""
    body = {"kind": FACT, **fact.to_mapping(), "digest": digest, "request": context.to_mapping()}
    return Record(f"{fact.request_id}/{fact.number:05d}-{fact.deed}", body)


def anchor_record(anchor: Anchor, digest: str) -> Record:
    """Return the record of an anchor with its digest."""
    return Record(f"{ANCHORS}/{anchor.day}", {"kind": ANCHOR, **anchor.to_mapping(), "digest": digest})


def parse(text: str) -> Parsed:
    """Read a record; ValueError says why it is none."""
    try:
        body = json.loads(text)
        digest = str(body["digest"])
        if body["kind"] == FACT:
            return Parsed(Fact.from_mapping(body), None, digest, body)
        if body["kind"] == ANCHOR:
            return Parsed(None, Anchor.from_mapping(body), digest, body)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"it is no record ({error!r})") from None
    raise ValueError(f"it is a record of no known kind ({str(body['kind'])[:40]!r})")
