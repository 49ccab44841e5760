"""The plan for the IP sets of one API: which addresses to put in, which to take out, what must be refused. Pure.

An address stays while any live entry asks for it, and for ever if somebody else put it there. A refusal never
takes anything away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from actions.executors.api_gateway.deny_lists import blocks
from actions.executors.ip_sets.guards import guard_objections, policy_objections
from actions.executors.ip_sets.state import (
    Addition,
    Addresses,
    Ask,
    KeptSet,
    Scene,
    SetsState,
    joined,
    write_record,
)
from actions.executors.protocol import Before, Plan, Step, Target, Verb
from actions.executors.turns import in_turn
from sallyport.changes.ip_sets import CAPACITY
from sallyport.changes.sources import SourceKind
from sallyport.resource_policies.document import ApiArn
from sallyport.resource_policies.statements import Door

Thing = TypeVar("Thing")

_NOTHING: Addresses = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan puts into one set and takes out of it."""

    now: KeptSet
    coming: Addresses
    going: Addresses


def make_plan(target: Target, scene: Scene, arn: ApiArn, limit: int = CAPACITY) -> Plan[SetsState]:
    """Return the difference to make at *target*."""
    live = _by_entry(scene.live)
    refusals = _refusals(scene, live, arn)
    refusals |= _without_room(scene, live, refusals, limit)
    wanted = _wanted(scene, {one: asks for one, asks in live.items() if one not in refusals})
    sets = {
        a: replace(s, addresses=wanted.get(a, _NOTHING) | scene.others[a]) for a, s in scene.state.sets.items()
    }
    after = replace(scene.state, sets=sets)
    return Plan(
        target,
        scene.state,
        after,
        steps=tuple(step for change in changes(scene.state, after) for step in _steps(scene, change, refusals)),
        unchanged=frozenset(one for one, asks in live.items() if one not in refusals and _are_there(scene, asks)),
        refusals=refusals,
        before=tuple(_records(scene, live, refusals)),
        facts=tuple(_facts(scene, after, limit)),
    )


def changes(observed: SetsState, wanted: SetsState) -> Iterator[Change]:
    """Yield how the sets of two states differ."""
    for arn, now in observed.sets.items():
        after = wanted.sets[arn].addresses
        if after != now.addresses:
            yield Change(now, after - now.addresses, now.addresses - after)


def is_there(scene: Scene, ask: Ask) -> bool:
    """Tell whether the set has what *ask* needs, and its entry's record says so."""
    found = scene.state.sets[ask.spec.arn]
    needs = scene.needed(ask)
    recorded = joined(scene.records.get(ask.entry.id, ())).get(ask.spec.arn, _NOTHING)
    return found.exists and needs <= found.addresses and needs <= recorded


def _are_there(scene: Scene, asks: Iterable[Ask]) -> bool:
    return all(is_there(scene, ask) for ask in asks)


def _refusals(scene: Scene, live: Mapping[str, tuple[Ask, ...]], arn: ApiArn) -> dict[str, str]:
    """Say of each entry why its addresses would not be let in; what is there already is looked at too."""
    common = {(ask.spec.arn, ask.stage): tuple(_about_set(scene, ask, arn)) for ask in _one_of_each(scene.live)}
    found: dict[str, dict[str, None]] = {}
    for entry_id, asks in live.items():
        for ask in asks:
            reasons = (*common[ask.spec.arn, ask.stage], *_about_addresses(scene, ask, arn))
            found.setdefault(entry_id, {}).update(dict.fromkeys(reasons))
    return {entry_id: " ".join(reasons) for entry_id, reasons in found.items() if reasons}


def _about_set(scene: Scene, ask: Ask, arn: ApiArn) -> Iterator[str]:
    found, title = scene.state.sets[ask.spec.arn], ask.api.title
    if not found.exists:
        yield f"AWS has no IP set {ask.spec.name} here; mend policies/catalogue/apis.yaml."
    elif found.version != ask.version:
        yield f"The IP set {ask.spec.name} is one for IPv{found.version}; mend policies/catalogue/apis.yaml."
    yield from guard_objections(scene.state.guards[ask.stage], ask.spec, title, ask.stage)
    yield from policy_objections(scene.state.policy, arn, title, ask.stage)


def _about_addresses(scene: Scene, ask: Ask, arn: ApiArn) -> Iterator[str]:
    if scene.state.policy is None:
        return
    door = Door(ask.stage, "*", "/*", SourceKind.CIDR, ask.entry.expires_at)
    for block in blocks(scene.state.policy, door, ask.addresses, arn, private=False):
        name = f"{block.name[0].upper()}{block.name[1:]}"
        yield (
            f"{name} of {ask.api.title}'s policy shuts out these callers after the web ACL has let them in; ask "
            f"its owners to change it."
        )


def _without_room(
    scene: Scene, live: Mapping[str, tuple[Ask, ...]], refused: Mapping[str, str], limit: int
) -> dict[str, str]:
    """Say which new entries do not fit into their sets; the newest yield."""
    fine = {one: asks for one, asks in live.items() if one not in refused}
    there = {one: asks for one, asks in fine.items() if _are_there(scene, asks)}
    used = {a: set(_wanted(scene, there).get(a, _NOTHING) | scene.others[a]) for a in scene.state.sets}
    found = {}
    for entry in in_turn(asks[0].entry for one, asks in fine.items() if one not in there):
        needs = {a: addresses - used[a] for a, addresses in _needs(scene, fine[entry.id]).items()}
        full = next(
            (a for a, addresses in needs.items() if addresses and len(used[a]) + len(addresses) > limit), ""
        )
        if full:
            name = scene.state.sets[full].spec.name
            found[entry.id] = _full(name, len(used[full]), len(needs[full]), limit)
            continue
        for a, addresses in needs.items():
            used[a] |= addresses
    return found


def _full(name: str, used: int, needs: int, limit: int) -> str:
    return (
        f"The IP set {name} is full: {used:,} of {limit:,} addresses are used, and this needs {needs:,} more; "
        f"wait until entries end, or join their address ranges."
    )


def _needs(scene: Scene, asks: Iterable[Ask]) -> dict[str, Addresses]:
    return joined(Addition(ask.spec.arn, ask.stage, scene.needed(ask)) for ask in asks)


def _wanted(scene: Scene, accepted: Mapping[str, tuple[Ask, ...]]) -> dict[str, Addresses]:
    """Return what of ours is to be in each set: what accepted entries need, and what any live one put there."""
    found = {a: set(addresses) for a, addresses in _needs(scene, _flat(accepted)).items()}
    for entry in scene.claims.live:
        for arn, addresses in joined(scene.records.get(entry.id, ())).items():
            found.setdefault(arn, set()).update(addresses & scene.state.sets[arn].addresses)
    return {arn: frozenset(addresses) for arn, addresses in found.items()}


def _steps(scene: Scene, change: Change, refusals: Mapping[str, str]) -> Iterator[Step]:
    spec = change.now.spec
    asking = _index((a, ask) for ask in scene.live if ask.spec == spec for a in ask.addresses)
    for address in sorted(change.coming):
        asks = [ask for ask in asking[address] if ask.entry.id not in refusals]
        stage = asks[0].stage
        sentence = (
            f"Put {address} into the IP set {spec.name}: it may use any method on every path of stage {stage}."
        )
        yield Step(Verb.CREATE, sentence, _ids(ask.entry.id for ask in asks))
    holding = _index((a, one) for one, own in scene.records.items() for a in joined(own).get(spec.arn, _NOTHING))
    for address in sorted(change.going):
        yield Step(Verb.REMOVE, f"Take {address} out of the IP set {spec.name}.", _ids(holding[address]))


def _records(scene: Scene, live: Mapping[str, tuple[Ask, ...]], refusals: Mapping[str, str]) -> Iterator[Before]:
    """Yield what must be remembered before new addresses are put in: that they are ours."""
    for entry_id, asks in live.items():
        if entry_id in refusals:
            continue
        own = scene.records.get(entry_id, ())
        have = joined(own)
        missing = [
            Addition(ask.spec.arn, ask.stage, lacking)
            for ask in asks
            if (lacking := scene.needed(ask) - have.get(ask.spec.arn, _NOTHING))
        ]
        if missing:
            earlier = scene.claims.before.get(entry_id)
            yield write_record(entry_id, (*own, *missing), scene.state.lock, earlier)


def _facts(scene: Scene, wanted: SetsState, limit: int) -> Iterator[str]:
    for found in wanted.sets.values():
        if found.exists:
            yield f"IP set {found.spec.name}: {len(found.addresses):,} of {limit:,} addresses."
    if any(change.coming for change in changes(scene.state, wanted)):
        yield "Addresses in an IP set do not expire by themselves; the end of the entry takes them out."


def _by_entry(asks: Iterable[Ask]) -> dict[str, tuple[Ask, ...]]:
    found: dict[str, tuple[Ask, ...]] = {}
    for ask in asks:
        found[ask.entry.id] = (*found.get(ask.entry.id, ()), ask)
    return found


def _one_of_each(asks: Iterable[Ask]) -> Iterable[Ask]:
    return {(ask.spec.arn, ask.stage): ask for ask in asks}.values()


def _flat(asks: Mapping[str, Iterable[Ask]]) -> Iterator[Ask]:
    return (ask for those in asks.values() for ask in those)


def _index(pairs: Iterable[tuple[str, Thing]]) -> dict[str, list[Thing]]:
    found: dict[str, list[Thing]] = {}
    for address, thing in pairs:
        found.setdefault(address, []).append(thing)
    return found


def _ids(entries: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entries))
