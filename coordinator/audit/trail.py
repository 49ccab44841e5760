"""The journal's side of the audit trail: all chains at once, their heads, and the anchors made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from coordinator.audit.anchors import Anchor, Chain, Head, heads_mapping, next_anchor, parse_heads
from coordinator.journal import Journal
from coordinator.journal.rows import to_fact
from coordinator.journal.tables import anchors, effects, facts

EXPORT = "audit"  # the effect that writes a request's records to the sink
TICKET = "ticket"  # the one that opens its ticket


@dataclass(frozen=True, slots=True)
class Kept:
    """An anchor as the journal keeps it; `exported` once the sink has it."""

    anchor: Anchor
    digest: str
    exported: bool


@dataclass(frozen=True, slots=True)
class Trail:
    """Reads a journal's chains and keeps its anchors."""

    journal: Journal

    def chains(self) -> Iterator[tuple[str, Chain]]:
        """Yield every request's id and chain, by id; it holds one chain in memory at a time."""
        query = sa.select(facts).order_by(facts.c.request_id, facts.c.number).execution_options(yield_per=1000)
        with self.journal.reading() as connection:
            for request_id, rows in groupby(connection.execute(query), key=lambda row: str(row.request_id)):
                yield request_id, [(to_fact(row), row.digest) for row in rows]

    def tickets(self, *ids: str) -> dict[str, str]:
        """Return the keys of all requests' tickets, or of those named; the facts may tell none of them."""
        query = sa.select(effects.c.request_id, effects.c.result).where(effects.c.name == TICKET)
        query = query.where(effects.c.request_id.in_(ids)) if ids else query
        with self.journal.reading() as connection:
            keys = {row.request_id: str(row.result.get("key", "")) for row in connection.execute(query)}
        return {request_id: key for request_id, key in keys.items() if key}

    def heads(self) -> dict[str, Head]:
        """Return the last fact of every chain."""
        with self.journal.reading() as connection:
            return _heads(connection)

    def anchors(self) -> list[Kept]:
        """Return every anchor, oldest first."""
        with self.journal.reading() as connection:
            return _anchors(connection)

    def anchor(self, now: datetime) -> Anchor | None:
        """Make the anchor of today unless there is one; None if there is nothing new to hold."""
        with self.journal.reading() as connection:
            known = [(kept.anchor, kept.digest) for kept in _anchors(connection)]
            made = next_anchor(known, _heads(connection), now)
        if made is None:
            return None
        try:
            with self.journal.writing() as connection:
                connection.execute(sa.insert(anchors).values(_values(made)))
        except IntegrityError:
            return None  # another replica was faster
        return made

    def mark_exported(self, anchor: Anchor) -> None:
        """Remember that the sink has *anchor*."""
        with self.journal.writing() as connection:
            row = sa.update(anchors).where(anchors.c.day == anchor.day)
            connection.execute(row.values(exported=True))

    def waiting(self) -> dict[str, int]:
        """Return the requests that have something for the sink, with how many facts it has taken already."""
        query = sa.select(effects.c.request_id, effects.c.result)
        unfinished = query.where(effects.c.name == EXPORT, effects.c.done < effects.c.wanted)
        with self.journal.reading() as connection:
            return {row.request_id: int(row.result.get("facts", 0)) for row in connection.execute(unfinished)}


def _heads(connection: sa.Connection) -> dict[str, Head]:
    last = sa.select(facts.c.request_id, sa.func.max(facts.c.number).label("number")).group_by(facts.c.request_id)
    ends = last.subquery()
    same = sa.and_(facts.c.request_id == ends.c.request_id, facts.c.number == ends.c.number)
    rows = connection.execute(sa.select(facts.c.request_id, facts.c.number, facts.c.digest).join(ends, same))
    return {row.request_id: Head(row.number, row.digest) for row in rows}


def _anchors(connection: sa.Connection) -> list[Kept]:
    rows = connection.execute(sa.select(anchors).order_by(anchors.c.day))
    return [Kept(_anchor(row), row.digest, row.exported) for row in rows]


def _anchor(row: sa.Row[Any]) -> Anchor:
    return Anchor(row.day, row.at, row.requests, row.facts, parse_heads(row.heads), row.previous)


def _values(anchor: Anchor) -> dict[str, Any]:
    return {
        "day": anchor.day,
        "at": anchor.at,
        "requests": anchor.requests,
        "facts": anchor.facts,
        "heads": heads_mapping(anchor.heads),
        "previous": anchor.previous,
        "digest": anchor.digest,
        "exported": False,
    }
