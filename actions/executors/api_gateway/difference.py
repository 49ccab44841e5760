"""What has to change in a policy so that it lets in what a set of asks wants, and nothing else of ours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from actions.executors.api_gateway.deny_lists import Addition, blocks, edit, lists_over, present, standing
from actions.executors.api_gateway.state import Ask, Scene, Stage
from sallyport.changes.sources import SourceKind
from sallyport.resource_policies.document import Policy, Statement
from sallyport.resource_policies.statements import (
    Door,
    Openings,
    Sources,
    merge,
    nobody,
    not_inside,
    to_statement,
    uncovered,
)

Listed = frozenset[tuple[str, str, str]]  # (Sid, stage, address) on a deny list


@dataclass(frozen=True, slots=True)
class Difference:
    """The old policy and the new one, and what lies between them."""

    policy: Policy | None
    additions: tuple[Addition, ...] = ()  # ours on deny lists, old and new
    opened: Openings = field(default_factory=dict)
    closed: Openings = field(default_factory=dict)
    garbled: tuple[Statement, ...] = ()
    listed: Listed = frozenset()
    unlisted: Listed = frozenset()

    @property
    def is_empty(self) -> bool:
        return not (self.opened or self.closed or self.garbled or self.listed or self.unlisted)

    def touches(self, stage: str) -> bool:
        """Tell whether *stage* needs a deployment for the difference to come into force."""
        doors = any(door.stage == stage for door in (*self.opened, *self.closed))
        return doors or bool(self.garbled) or any(s == stage for _, s, _ in self.listed | self.unlisted)


def differ(scene: Scene, asks: Sequence[Ask], kept: Sequence[Ask] = ()) -> Difference:
    """Return what must change for *asks*; *kept* are refused ones, of which what is there stays as it is."""
    state = scene.state
    desired = merge([(ask.door, ask.sources) for ask in asks] + [_stored(scene, ask) for ask in kept])
    opened = {d: u for d, s in desired.items() if (u := uncovered(d, s, state.ours.get(d, frozenset())))}
    closed = {d: u for d, s in state.ours.items() if (u := uncovered(d, s, desired.get(d, frozenset())))}
    put = (*(a for ask in asks for a in needed(scene, ask)), *(a for ask in kept for a in _recorded(scene, ask)))
    additions = (*scene.additions, *put)
    before, others = state.policy or Policy(), Policy(state.others)
    after = edit(Policy(state.others, before.version, before.id), scene.additions, put)
    was, will = present(others, additions), present(after, additions)
    found = Difference(state.policy, additions, opened, closed, state.garbled, will - was, was - will)
    return found if found.is_empty else replace(found, policy=_rebuilt(scene, after, desired))


def needed(scene: Scene, ask: Ask) -> tuple[Addition, ...]:
    """Return what *ask* needs on deny lists beyond what others put there."""
    if scene.state.policy is None or not _has_addresses(ask):
        return ()
    policy, found = scene.state.policy, []
    for sid in lists_over(policy, ask.door, scene.state.arn, private=scene.state.private):
        missing = not_inside(ask.sources, standing(policy, sid, scene.additions))
        if missing:
            found.append(Addition(sid, ask.door.stage, missing))
    return tuple(found)


def is_recorded(scene: Scene, ask: Ask) -> bool:
    """Tell whether the record of the ask's entry explains all that it needs on deny lists."""
    own = scene.records.get(ask.entry.id)
    have = {(a.sid, a.stage, x) for a in own.additions for x in a.addresses} if own else set()
    return {(a.sid, a.stage, x) for a in needed(scene, ask) for x in a.addresses} <= have


def is_in_place(scene: Scene, ask: Ask) -> bool:
    """Tell whether calls from the ask's sources are let in today, as far as can be known."""
    state, stage = scene.state, scene.state.stage(ask.door.stage)
    if state.policy is None or stage is None or not is_stored(scene, ask) or not is_recorded(scene, ask):
        return False
    blocked = any(blocks(state.policy, ask.door, ask.sources, state.arn, private=state.private))
    return not blocked and serves_stored(scene, stage)


def is_stored(scene: Scene, ask: Ask) -> bool:
    """Tell whether the stored policy has the ask's Allow, deployed or not."""
    return not uncovered(ask.door, ask.sources, scene.state.ours.get(ask.door, frozenset()))


def serves_stored(scene: Scene, stage: Stage) -> bool:
    """Tell whether *stage* is known to serve our part of the stored policy."""
    return stage.mark is not None and stage.mark.ours == scene.stored_marks[stage.name].ours


def _rebuilt(scene: Scene, others: Policy, desired: Openings) -> Policy | None:
    """Write the policy anew: others' statements in their order, then ours."""
    state = scene.state
    doors = sorted(desired, key=lambda door: (door.resource, door.kind, door.deadline))
    mine = tuple(to_statement(door, desired[door], state.arn, private=state.private) for door in doors)
    statements = (*others.statements, *mine)
    if not statements and not scene.had_no_policy:
        statements = (nobody(state.arn),)
    return Policy(statements, others.version, others.id) if statements else None


def _stored(scene: Scene, ask: Ask) -> tuple[Door, Sources]:
    there = scene.state.ours.get(ask.door, frozenset())
    return ask.door, ask.sources - uncovered(ask.door, ask.sources, there)


def _recorded(scene: Scene, ask: Ask) -> tuple[Addition, ...]:
    own = scene.records.get(ask.entry.id)
    return tuple(a for a in own.additions if a.stage == ask.door.stage) if own else ()


def _has_addresses(ask: Ask) -> bool:
    return ask.door.kind is SourceKind.CIDR
