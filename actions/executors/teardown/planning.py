"""The plan for one environment: what to delete, what to restore, what to remember first, what to refuse. Pure.

Nothing is deleted for an entry whose record does not hold it. A teardown begins whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from actions.executors.protocol import Before, Claims, Plan, Step, Target, Verb
from actions.executors.teardown import wording
from actions.executors.teardown.memory import (
    Memories,
    Memory,
    Phase,
    advanced,
    first_memory,
    read_memories,
    write_memories,
)
from actions.executors.teardown.state import EstateState, Kind, Part, is_whole, kind_of
from sallyport.entries import Entry


@dataclass(frozen=True)
class Scene:
    """What the repository says about one environment, held against what AWS has."""

    lock: str
    claims: Claims
    production: bool
    override: bool
    state: EstateState
    recorded: Mapping[str, Memories]  # by entry id

    @cached_property
    def live(self) -> tuple[Entry, ...]:
        """The entries that may delete something: none in production."""
        return () if self.production else self.claims.live

    @cached_property
    def over(self) -> tuple[Entry, ...]:
        return (*self.claims.live, *self.claims.ended) if self.production else self.claims.ended

    @cached_property
    def refused(self) -> Mapping[str, str]:
        """Why a teardown that has not begun cannot begin, by entry id."""
        new = [entry for entry in self.live if entry.id not in self.recorded]
        if not new:
            return {}
        if not self.state.parts and not self.recorded:
            return {entry.id: wording.NOTHING for entry in new}
        reasons = list(self._objections())
        return {entry.id: wording.cannot_begin(reasons) for entry in new} if reasons else {}

    @cached_property
    def holders(self) -> tuple[Entry, ...]:
        """The live entries that are not refused."""
        return tuple(entry for entry in self.live if entry.id not in self.refused)

    @cached_property
    def memories(self) -> Mapping[str, Memories]:
        """What is to be remembered for each entry from now on."""
        return {**self.recorded, **{entry.id: self._memories_of(entry.id) for entry in self.holders}}

    @cached_property
    def held(self) -> Mapping[str, Memory]:
        """What live entries keep deleted, by key, with the newest memory of it."""
        return {key: memory for e in self.holders for key, memory in self.memories[e.id].items() if memory.is_ours}

    @cached_property
    def latest(self) -> Mapping[str, Memory]:
        """The newest memory of each key, whoever's it is."""
        found = [
            (memory.at, key, memory) for memories in self.memories.values() for key, memory in memories.items()
        ]
        return {key: memory for _, key, memory in sorted(found, key=lambda item: item[0])}

    def is_saved(self, memory: Memory) -> bool:
        return not memory.snapshot or self.state.snapshots.get(memory.snapshot) == "available"

    def _memories_of(self, entry_id: str) -> Memories:
        known, parts = self.recorded.get(entry_id), self.state.parts
        if known is not None:
            return {key: advanced(m, parts.get(key), is_saved=self.is_saved(m)) for key, m in known.items()}
        found = {key: self._first(part, entry_id) for key, part in parts.items()}
        return {**{key: m for key, m in self._earlier.items() if key not in parts}, **found}

    def _first(self, part: Part, entry_id: str) -> Memory:
        """Remember a part for a new entry: what was not restored whole yet is known from its earlier record."""
        fresh, earlier = first_memory(part, entry_id, self.claims.now), self._earlier.get(part.key)
        if earlier is None:
            return fresh
        if part.key in {key for e in self.live for key in self.recorded.get(e.id, {})}:
            return earlier
        return replace(fresh, definition=earlier.definition)

    @cached_property
    def _earlier(self) -> Mapping[str, Memory]:
        """What earlier entries remember and have not released."""
        found = sorted((m for one in self.recorded.values() for m in one.items()), key=lambda item: item[1].at)
        return {key: memory for key, memory in dict(found).items() if memory.is_ours}

    def _objections(self) -> Iterator[tuple[str, str]]:
        for key, part in self.state.parts.items():
            if key in self._earlier:
                continue
            if part.obstacle:
                yield key, part.obstacle
            elif part.is_protected and not self.override:
                yield key, wording.PROTECTED
            elif part.kind is not Kind.SERVICE and not part.is_ready:
                yield key, wording.busy(part)


def set_scene(target: Target, claims: Claims, state: EstateState, *, production: bool, override: bool) -> Scene:
    """Read the records. TargetFault if one cannot be read."""
    recorded = recorded_in(claims, target.lock)
    return Scene(target.lock, claims, production, override, state, recorded)


def recorded_in(claims: Claims, lock: str) -> dict[str, Memories]:
    """Return what the records of all entries say of the target, by entry id. TargetFault if one cannot be read."""
    read = {entry_id: read_memories(before, lock) for entry_id, before in claims.before.items()}
    return {entry_id: memories for entry_id, memories in read.items() if memories is not None}


def make_plan(target: Target, scene: Scene) -> Plan[EstateState]:
    """Return the difference between what AWS has and what the live entries hold."""
    given_up = scene.state.given_up
    down = {key: memory for key, memory in _to_delete(scene) if key not in given_up}
    up = {key: memory for key, memory in _to_restore(scene) if key not in given_up}
    left = {key: reason for key, reason in given_up.items() if key in dict(_to_delete(scene))}
    unfinished = {entry.id: wording.unfinished(left.items()) for entry in scene.holders if left}
    done = {entry.id for entry in scene.holders} - unfinished.keys()
    return Plan(
        target,
        scene.state,
        replace(
            scene.state,
            down=tuple(memory.goal(key) for key, memory in down.items()),
            up=tuple(memory.goal(key) for key, memory in up.items()),
        ),
        steps=(*_deletes(scene, down), *_restores(scene, up)),
        unchanged=frozenset() if down else frozenset(done),
        refusals=dict(_refusals(scene)),
        unfinished=unfinished,
        before=tuple(_records(scene)),
        notes=dict(_notes(scene)),
    )


def _to_delete(scene: Scene) -> Iterator[tuple[str, Memory]]:
    """Yield what is held and was not on record as gone: it is deleted, or read back once more."""
    for key, memory in _in_order(scene.held).items():
        known = [scene.recorded.get(entry.id, {}).get(key) for entry in scene.holders]
        if memory.phase is Phase.PLANNED or any(one and one.phase is Phase.PLANNED for one in known):
            yield key, memory


def _to_restore(scene: Scene) -> Iterator[tuple[str, Memory]]:
    """Yield what an ended entry deleted and is not whole again."""
    ended = {key for entry in scene.over for key in scene.recorded.get(entry.id, {})}
    for key, memory in reversed(list(_in_order(scene.latest).items())):
        part = scene.state.parts.get(key)
        if key not in ended or key in scene.held or not memory.is_ours:
            continue
        if part is None or not part.is_ready or not is_whole(part.definition, memory.definition):
            yield key, memory


def _deletes(scene: Scene, down: Mapping[str, Memory]) -> Iterator[Step]:
    for key, memory in down.items():
        part = scene.state.parts.get(key)
        entries = tuple(entry.id for entry in scene.holders if key in scene.memories[entry.id])
        sentence = wording.delete(part, memory) if part else wording.confirm(key, memory)
        yield Step(Verb.CREATE, sentence, entries)


def _restores(scene: Scene, up: Mapping[str, Memory]) -> Iterator[Step]:
    for key, memory in up.items():
        part = scene.state.parts.get(key)
        entries = tuple(entry.id for entry in scene.over if key in scene.recorded.get(entry.id, {}))
        sentence = wording.complete(part) if part else wording.restore(key, memory)
        yield Step(Verb.REMOVE, sentence, entries)


def _refusals(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield why an entry cannot begin, or has not ended yet."""
    yield from ((entry.id, wording.PRODUCTION) for entry in (scene.claims.live if scene.production else ()))
    yield from scene.refused.items()
    awaited = dict(_to_restore(scene))
    left = [(key, reason) for key, reason in scene.state.given_up.items() if key in awaited]
    for entry in scene.claims.ended:
        mine = [(key, reason) for key, reason in left if key in scene.recorded.get(entry.id, {})]
        if mine:
            yield entry.id, wording.not_restored(mine)


def _records(scene: Scene) -> Iterator[Before]:
    for entry in scene.holders:
        memories = scene.memories[entry.id]
        if memories != scene.recorded.get(entry.id):
            yield write_memories(entry.id, memories, scene.lock, scene.claims.before.get(entry.id))


def _notes(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield, for each entry, how every part is now."""
    parts, why_not = scene.state.parts, scene.state.given_up
    for entry in scene.holders:
        memories = _in_order(scene.memories[entry.id])
        gone = [key for key, memory in memories.items() if memory.phase is Phase.GONE]
        lines = [
            wording.while_torn_down(key, parts.get(key), memories.get(key), why_not.get(key, ""))
            for key in dict.fromkeys([*memories, *parts])
        ]
        said = [wording.counted_gone(gone), *lines, *scene.state.missing, wording.STAYS]
        yield entry.id, "\n".join(said)
    for entry in scene.over:
        memories = _in_order(scene.recorded.get(entry.id, {}))
        back = [key for key in memories if key in parts and key not in scene.held]
        lines = [
            wording.after_restore(key, parts.get(key), memory, held=key in scene.held)
            for key, memory in memories.items()
        ]
        if memories:
            yield entry.id, "\n".join([wording.counted_restored(back), *lines])


def _in_order(memories: Memories) -> Memories:
    """Return memories in the order in which parts are deleted; a record is ordered by name."""
    order = list(Kind)
    return {key: memories[key] for key in sorted(memories, key=lambda key: (order.index(kind_of(key)), key))}
