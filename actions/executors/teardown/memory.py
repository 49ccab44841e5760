"""What is remembered of each part while an environment is torn down: `<id>.before.yaml` of its entry.

It is committed before the first delete and is the only way back. A memory only ever advances.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from actions.executors.protocol import Before, TargetFault
from actions.executors.teardown.state import DATABASES, Definition, Goal, Part, kind_of
from sallyport.documents import JSON
from sallyport.times import format_moment, parse_moment


class Phase(StrEnum):
    """How far a teardown has come with one part."""

    PLANNED = "planned"  # nothing is known to have been done yet
    GONE = "gone"  # it was read back to be gone, and the final snapshot of a database to be available
    RELEASED = "released"  # somebody created it again since: it is left to them


@dataclass(frozen=True, slots=True)
class Memory:
    """One part as it was at the moment `at` (UTC), with the id of its final snapshot if it is a database."""

    phase: Phase
    at: datetime
    definition: Definition
    snapshot: str = ""

    @property
    def is_ours(self) -> bool:
        return self.phase is not Phase.RELEASED

    def goal(self, key: str) -> Goal:
        token = hashlib.sha256(f"{key} {format_moment(self.at)}".encode()).hexdigest()[:32]
        return Goal(key, self.definition, self.snapshot, token)


Memories = Mapping[str, Memory]  # by the part's key


def first_memory(part: Part, entry_id: str, now: datetime) -> Memory:
    """Return what to remember of a part before anything is done to it."""
    snapshot = f"sallyport-{entry_id}-{part.name}" if part.kind in DATABASES else ""
    return Memory(Phase.PLANNED, now, part.definition, snapshot)


def advanced(memory: Memory, part: Part | None, *, is_saved: bool) -> Memory:
    """Return the memory after a look; *is_saved*: a final snapshot is available, or none is needed."""
    if memory.phase is Phase.PLANNED and part is None and is_saved:
        return replace(memory, phase=Phase.GONE)
    if memory.phase is Phase.GONE and part is not None:
        return replace(memory, phase=Phase.RELEASED)
    return memory


def read_memories(before: Before, lock: str) -> Memories | None:
    """Return what the record of one entry says of the target; None if it says nothing of it.

    TargetFault if it cannot be read: then nobody knows what to restore, and nothing may be guessed or deleted.
    """
    facts = before.facts.get(lock)
    if facts is None:
        return None
    try:
        return {key: _read(key, item) for key, item in cast(Mapping[str, Mapping[str, Any]], facts).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        name = f"{before.entry_id}.before.yaml"
        raise TargetFault(f"The record {name} cannot be read ({error!r}); restore it from history.") from error


def write_memories(entry_id: str, memories: Memories, lock: str, earlier: Before | None) -> Before:
    """Return the record to commit; what it says of other targets is kept."""
    mine: dict[str, JSON] = {key: _written(memory) for key, memory in memories.items()}
    return Before(entry_id, {**(earlier.facts if earlier else {}), lock: mine})


def _written(memory: Memory) -> JSON:
    definition: dict[str, JSON] = {section: dict(items) for section, items in memory.definition.items()}
    facts: dict[str, JSON] = {
        "phase": memory.phase.value,
        "at": format_moment(memory.at),
        "definition": definition,
    }
    return {**facts, "snapshot": memory.snapshot} if memory.snapshot else facts


def _read(key: str, item: Mapping[str, Any]) -> Memory:
    kind_of(key)  # a key of no kind is a broken record
    definition = {str(section): dict(found) for section, found in item["definition"].items()}
    snapshot = str(item["snapshot"]) if kind_of(key) in DATABASES else ""
    return Memory(Phase(item["phase"]), parse_moment(item["at"]), definition, snapshot)
