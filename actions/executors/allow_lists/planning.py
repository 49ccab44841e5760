"""The plan for one allow list: which addresses to let in, which no longer, and what must be refused. Pure.

An address stays while any live entry asks for it. A refusal never takes away what is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from actions.executors.allow_lists.drift import Drift, by_range, drift
from actions.executors.allow_lists.room import forecasts, without_room
from actions.executors.allow_lists.state import ListState, Opening, Rule, Scene, say
from actions.executors.protocol import Plan, Step, Target, Verb


def make_plan(target: Target, scene: Scene, state: ListState) -> Plan[ListState]:
    """Return the difference to make at *target*."""
    found = drift(scene.asked, state.rules)
    new = {i: missing for i, asks in scene.asks.items() if (missing := asks & frozenset(found.missing))}
    refusals = dict(_unusable(scene, state))
    fine = {i: missing for i, missing in new.items() if i not in refusals}
    refusals |= without_room(fine, scene.live, state, found.extra)
    create = {opening for i, missing in fine.items() if i not in refusals for opening in missing}
    remove = (*found.extra, *found.changed)
    kept = tuple(rule for rule in state.rules if rule not in remove)
    made = tuple(Rule("", opening.holder, opening, ours=True) for opening in sorted(create))
    return Plan(
        target,
        state,
        replace(state, rules=(*kept, *made)),
        steps=(*_creations(scene, create, refusals), *_removals(scene, found)),
        unchanged=frozenset(scene.asks) - new.keys() - refusals.keys(),
        refusals=refusals,
        notes=dict(forecasts(scene, state)),
        facts=(*_notices(found), *(f"{holder.id}: {holder.counts}." for holder in state.holders.values())),
    )


def _unusable(scene: Scene, state: ListState) -> Iterator[tuple[str, str]]:
    """Refuse what asks for a group or list that cannot be used, and what has no place at all."""
    there = {rule.opening for rule in state.rules}
    for entry_id, asks in scene.asks.items():
        reasons = {state.unusable[o.holder] for o in asks if o.holder in state.unusable and o not in there}
        if reasons:
            yield entry_id, " ".join(sorted(reasons))
        elif not asks:
            yield entry_id, f"{scene.allow_list.title} has no place for the address; ask for another one."


def _creations(scene: Scene, create: Collection[Opening], refused: Collection[str]) -> Iterator[Step]:
    for cidr, found in by_range(create):
        entries = tuple(entry_id for entry_id in scene.holding(cidr) if entry_id not in refused)
        yield Step(Verb.CREATE, f"Let {cidr} in at {say(found)}.", entries)


def _removals(scene: Scene, found: Drift) -> Iterator[Step]:
    for cidr, gone in by_range(rule.opening for rule in found.extra if rule.opening):
        entries = tuple(entry_id for entry_id, cidrs in scene.ended.items() if cidr in cidrs)
        yield Step(Verb.REMOVE, f"No longer let {cidr} in at {say(gone)}.", entries)
    for rule in found.changed:
        sentence = f"Remove the rule {rule.id} of {rule.holder}, which is not as we wrote it."
        yield Step(Verb.REMOVE, sentence, (), altered=True)


def _notices(found: Drift) -> Iterator[str]:
    for cidr, there in by_range(rule.opening for rule in found.standing if rule.opening):
        yield f"{cidr} is already allowed at {say(there)} by a rule that is not ours; that rule stays as it is."


def additions(plan: Plan[ListState]) -> Mapping[str, tuple[Opening, ...]]:
    """Return what a plan makes, by group or list."""
    found: dict[str, tuple[Opening, ...]] = {}
    for rule in plan.wanted.rules:
        if not rule.id and rule.opening:
            found[rule.holder] = (*found.get(rule.holder, ()), rule.opening)
    return found


def removals(plan: Plan[ListState]) -> Mapping[str, tuple[Rule, ...]]:
    """Return what a plan takes away, by group or list."""
    kept = frozenset(plan.wanted.rules)
    found: dict[str, tuple[Rule, ...]] = {}
    for rule in plan.observed.rules:
        if rule not in kept:
            found[rule.holder] = (*found.get(rule.holder, ()), rule)
    return found
