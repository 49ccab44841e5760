"""The plan for one environment: what to stop, what to start, what to remember first, what to refuse. Pure.

A resource stays stopped while any live entry holds it. It is started only if a record says that we stopped it, and
what somebody started meanwhile is left to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from actions.executors.environments import wording
from actions.executors.environments.memory import (
    Memories,
    Memory,
    Phase,
    advanced,
    first_memory,
    newest,
    read_memories,
    write_memories,
)
from actions.executors.environments.state import (
    AVAILABLE,
    STARTING,
    STOPPED,
    Database,
    EnvironmentState,
    Kind,
    Resource,
    Service,
)
from actions.executors.protocol import Before, Claims, Plan, Step, Target, Verb
from sallyport.entries import Entry


@dataclass(frozen=True)
class Scene:
    """What the repository says about one environment, held against what AWS has."""

    lock: str
    claims: Claims
    production: bool
    state: EnvironmentState
    recorded: Mapping[str, Memories]  # by entry id

    @cached_property
    def live(self) -> tuple[Entry, ...]:
        """The entries that may hold something: none in production."""
        return () if self.production else self.claims.live

    @cached_property
    def over(self) -> tuple[Entry, ...]:
        return (*self.claims.live, *self.claims.ended) if self.production else self.claims.ended

    @cached_property
    def memories(self) -> Mapping[str, Memories]:
        """What is to be remembered for each entry from now on."""
        return {**self.recorded, **{entry.id: self._memories_of(entry.id) for entry in self.live}}

    @cached_property
    def held(self) -> frozenset[str]:
        """The keys of what a live entry keeps stopped."""
        return frozenset(key for entry in self.live for key in self.ours(entry.id))

    def ours(self, entry_id: str) -> list[str]:
        """Return the keys of what the entry stops, or stopped and has not released."""
        return [key for key, memory in self.memories.get(entry_id, {}).items() if memory.is_ours]

    def last(self, key: str) -> Memory | None:
        """Return what the last stop remembered of a resource."""
        return newest(found[key] for found in self.memories.values() if key in found)

    def is_stopped(self, key: str) -> bool:
        """Tell whether a resource is down, or on its way there."""
        found = self.state.resources.get(key)
        return found.is_down if isinstance(found, Database) else found is not None and found.desired == 0

    def _memories_of(self, entry_id: str) -> Memories:
        known, resources, now = self.recorded.get(entry_id), self.state.resources, self.claims.now
        if known is None:
            found = {key: self._first(key, resource) for key, resource in resources.items()}
            return {key: memory for key, memory in found.items() if memory}
        return {key: advanced(m, resources[key], now) if key in resources else m for key, m in known.items()}

    def _first(self, key: str, resource: Resource) -> Memory | None:
        """Remember a resource for a new entry: if an earlier stop has it down, what that one remembers is true."""
        fresh = first_memory(resource, self.claims.now)
        earlier = newest(found[key] for found in self.recorded.values() if key in found)
        if fresh is None or earlier is None:
            return fresh
        if earlier.is_ours and self.is_stopped(key):
            return earlier
        if isinstance(resource, Service) and resource.scaling and resource.scaling.is_held:
            return replace(fresh, scaling=earlier.scaling)
        return fresh


def set_scene(target: Target, claims: Claims, state: EnvironmentState, *, production: bool) -> Scene:
    """Read the records. TargetFault if one cannot be read."""
    read = {entry_id: read_memories(before, target.lock) for entry_id, before in claims.before.items()}
    recorded = {entry_id: memories for entry_id, memories in read.items() if memories is not None}
    return Scene(target.lock, claims, production, state, recorded)


def make_plan(target: Target, scene: Scene) -> Plan[EnvironmentState]:
    """Return the difference between what AWS has and what the live entries hold."""
    goals = dict(_goals(scene))
    refusals = dict(_refusals(scene, goals))
    steps = tuple(_steps(scene, goals))
    begun = {entry for step in steps for entry in step.entries}
    return Plan(
        target,
        scene.state,
        scene.state.having(goals),
        steps=steps,
        unchanged=frozenset(entry.id for entry in scene.live) - refusals.keys() - begun,
        refusals=refusals,
        before=tuple(_records(scene, refusals)),
        notes=dict(_notes(scene)),
    )


def brought_back(plan: Plan[EnvironmentState], now: Mapping[str, Resource]) -> dict[str, Resource]:
    """Return what to make of the resources as they are *now*, so that nothing stays stopped by the plan."""
    found, wanted = plan.observed.resources, plan.wanted.resources
    goals: dict[str, Resource] = {}
    for key, before in found.items():
        present = now.get(key)
        if wanted[key] == before or present is None:
            continue
        if isinstance(before, Service) and isinstance(present, Service):
            count = present.desired or before.desired
            goals[key] = present.started(count, before.scaling)
        elif isinstance(before, Database) and isinstance(present, Database) and before.status == AVAILABLE:
            goals[key] = replace(present, status=AVAILABLE)
    return {key: goal for key, goal in goals.items() if goal != now[key]}


def _goals(scene: Scene) -> Iterator[tuple[str, Resource]]:
    """Yield what is to be different, by key."""
    for key, resource in scene.state.resources.items():
        if key in scene.state.given_up:
            continue
        goal = resource
        if key in scene.held:
            goal = _stopped(resource)
        elif memory := scene.last(key):
            goal = _started(resource, memory)
        if goal != resource:
            yield key, goal


def _stopped(resource: Resource) -> Resource:
    if isinstance(resource, Service):
        return resource.stopped()
    if resource.status == AVAILABLE or resource.is_down:
        return replace(resource, status=STOPPED)
    return resource


def _started(resource: Resource, memory: Memory) -> Resource:
    if isinstance(resource, Service):
        return _started_service(resource, memory)
    waits = resource.is_down or resource.status == STARTING or memory.phase is Phase.STOPPED
    return (
        replace(resource, status=AVAILABLE) if memory.is_ours and waits and not resource.is_serving else resource
    )


def _started_service(service: Service, memory: Memory) -> Service:
    held = service.scaling is not None and service.scaling.is_held
    scaling = memory.scaling if held and memory.scaling else service.scaling
    if memory.is_ours and memory.desired and service.desired in {0, memory.desired}:
        return service.started(memory.desired, scaling)
    return replace(service, scaling=scaling)


def _refusals(scene: Scene, goals: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    """Yield why an entry cannot begin at all, or has not ended yet."""
    for entry in scene.claims.live if scene.production else ():
        yield entry.id, wording.PRODUCTION
    reasons = list(_blocked(scene))
    for entry in scene.live if reasons else ():
        ours = scene.ours(entry.id)
        all_released = not ours and scene.memories[entry.id]
        if not all_released and not any(key in goals or scene.is_stopped(key) for key in ours):
            yield entry.id, wording.nothing_stopped(reasons)
    for entry in scene.claims.ended:
        awaited = set(scene.ours(entry.id)) - scene.held
        if left := [(key, reason) for key, reason in scene.state.given_up.items() if key in awaited]:
            yield entry.id, wording.not_started(left)


def _blocked(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield what a stop leaves running, with the reason."""
    yield from scene.state.given_up.items()
    for key, database in scene.state.databases.items():
        if key in scene.state.given_up:
            continue
        if database.obstacle:
            yield key, database.obstacle
        elif key in scene.held and _stopped(database) == database and not database.is_down:
            yield key, wording.BUSY


def _records(scene: Scene, refusals: Iterable[str]) -> Iterator[Before]:
    for entry in scene.live:
        memories = scene.memories[entry.id]
        if entry.id not in refusals and memories != scene.recorded.get(entry.id):
            yield write_memories(entry.id, memories, scene.lock, scene.claims.before.get(entry.id))


def _steps(scene: Scene, goals: Mapping[str, Resource]) -> Iterator[Step]:
    for key, goal in goals.items():
        found, is_stop = scene.state.resources[key], key in scene.held
        if is_stop:
            entries = tuple(entry.id for entry in scene.live if key in scene.ours(entry.id))
        else:
            entries = tuple(entry.id for entry in scene.over if key in scene.memories.get(entry.id, {}))
        sentence = wording.stop(found) if is_stop else wording.start(found, goal)
        yield Step(Verb.CREATE if is_stop else Verb.REMOVE, sentence, entries)


def _notes(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield, for each entry, how every resource is now."""
    blocked = dict(_blocked(scene))
    for entry in scene.live:
        memories = scene.memories[entry.id]
        down = [key for key in _turned(memories) if scene.is_stopped(key)]
        lines = [
            wording.while_stopped(resource, memories.get(key), blocked.get(key, ""))
            for key, resource in scene.state.resources.items()
        ]
        yield entry.id, "\n".join([wording.counted_stopped(down), *lines, *_missing(scene)])
    for entry in scene.over:
        memories = scene.memories.get(entry.id, {})
        if turned := _turned(memories):
            up = [key for key in turned if key in scene.state.resources and not scene.is_stopped(key)]
            lines = [
                wording.after_start(key, scene.state.resources.get(key), memories[key], held=key in scene.held)
                for key in turned
            ]
            yield entry.id, "\n".join([wording.counted_running(up), *lines])


def _turned(memories: Memories) -> list[str]:
    """Return the keys of what a stop turns off: not of services that had no task anyway."""
    return [key for key, memory in memories.items() if memory.desired or not key.startswith(f"{Kind.SERVICE}/")]


def _missing(scene: Scene) -> Iterator[str]:
    return (wording.missing(name) for name in scene.state.missing)
