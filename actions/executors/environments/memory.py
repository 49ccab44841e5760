"""What is remembered of each resource while an environment is stopped: `<id>.before.yaml` of its entry.

A memory is made before anything is changed and only ever advances: planned, stopped, and perhaps released.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from actions.executors.environments.state import Database, Resource, Scaling, Service
from actions.executors.protocol import Before
from actions.executors.remembering import remembering
from sallyport.documents import JSON
from sallyport.times import format_moment, parse_moment

RESTARTS_AFTER = timedelta(days=7)  # RDS starts what was stopped that long ago
MOST_TASKS = 5_000  # ECS's quota for a service: a larger count in a record is none of ours


class Phase(StrEnum):
    """How far a stop has come with one resource."""

    PLANNED = "planned"  # nothing is known to have been done yet
    STOPPED = "stopped"  # it was read back to be stopped
    RELEASED = "released"  # it was stopped before us, or somebody started it since: it is left to them


@dataclass(frozen=True, slots=True)
class Memory:
    """One resource as it was at the moment `at` (UTC). `desired` and `scaling` are of services only."""

    phase: Phase
    at: datetime
    desired: int = 0
    scaling: Scaling | None = None
    restarts_at: datetime | None = None

    @property
    def is_ours(self) -> bool:
        return self.phase is not Phase.RELEASED


Memories = Mapping[str, Memory]  # by the resource's key


def first_memory(resource: Resource, now: datetime) -> Memory | None:
    """Return what to remember of a resource that a stop meets; None if a stop never touches one like it."""
    if isinstance(resource, Service):
        if resource.is_daemon:
            return None
        phase = Phase.PLANNED if resource.desired else Phase.STOPPED
        return Memory(phase, now, resource.desired, resource.scaling)
    if resource.obstacle:
        return None
    return Memory(Phase.RELEASED if resource.is_down else Phase.PLANNED, now)


def advanced(memory: Memory, resource: Resource, now: datetime) -> Memory:
    """Return the memory after the resource was looked at: AWS's own restart is told from a person's."""
    if isinstance(resource, Service):
        return _advanced_service(memory, resource)
    return _advanced_database(memory, resource, now)


def _advanced_service(memory: Memory, service: Service) -> Memory:
    if memory.phase is Phase.PLANNED and service.is_down and _is_held(service):
        return replace(memory, phase=Phase.STOPPED)
    if memory.phase is Phase.STOPPED and service.desired:
        return replace(memory, phase=Phase.RELEASED)
    return memory


def _advanced_database(memory: Memory, database: Database, now: datetime) -> Memory:
    if memory.phase is Phase.PLANNED and database.status == "stopped":
        return replace(memory, phase=Phase.STOPPED, restarts_at=database.restarts_at or now + RESTARTS_AFTER)
    if memory.phase is Phase.STOPPED and not database.is_down:
        by_aws = memory.restarts_at is not None and now >= memory.restarts_at
        return replace(memory, phase=Phase.PLANNED if by_aws else Phase.RELEASED, restarts_at=None)
    return memory


def _is_held(service: Service) -> bool:
    return service.scaling is None or service.scaling.is_held


def newest(memories: Iterator[Memory]) -> Memory | None:
    """Return the memory of the last stop."""
    return max(memories, key=lambda memory: memory.at, default=None)


def read_memories(before: Before, lock: str) -> Memories | None:
    """Return what the record of one entry says of the target; None if it says nothing of it.

    TargetFault if it cannot be read: then nobody knows the true counts, and nothing may be guessed.
    """
    facts = before.facts.get(lock)
    if facts is None:
        return None
    with remembering(before):
        return {key: _read(item) for key, item in cast(Mapping[str, Mapping[str, Any]], facts).items()}


def write_memories(entry_id: str, memories: Memories, lock: str, earlier: Before | None) -> Before:
    """Return the record to commit; what it says of other targets is kept."""
    mine: dict[str, JSON] = {key: _written(memory) for key, memory in memories.items()}
    return Before(entry_id, {**(earlier.facts if earlier else {}), lock: mine})


def _written(memory: Memory) -> JSON:
    facts: dict[str, JSON] = {
        "phase": memory.phase.value,
        "at": format_moment(memory.at),
        "desired": memory.desired,
    }
    if memory.restarts_at:
        facts["restarts_at"] = format_moment(memory.restarts_at)
    if memory.scaling:
        facts["scaling"] = {
            "minimum": memory.scaling.minimum,
            "maximum": memory.scaling.maximum,
            "scale_in_suspended": memory.scaling.scale_in_suspended,
            "scale_out_suspended": memory.scaling.scale_out_suspended,
            "scheduled_suspended": memory.scaling.scheduled_suspended,
        }
    return facts


def _read(item: Mapping[str, Any]) -> Memory:
    scaling, restarts_at = item.get("scaling"), item.get("restarts_at")
    return Memory(
        Phase(item["phase"]),
        parse_moment(item["at"]),
        _count(item["desired"]),
        _read_scaling(scaling) if scaling else None,
        parse_moment(restarts_at) if restarts_at else None,
    )


def _read_scaling(item: Mapping[str, Any]) -> Scaling:
    flags = {name: item[name] is True for name in Scaling.__slots__ if name.endswith("_suspended")}
    return Scaling(_count(item["minimum"]), _count(item["maximum"]), **flags)


def _count(found: object) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= MOST_TASKS:
        raise ValueError(f"{found!r} is no number of tasks")
    return found
