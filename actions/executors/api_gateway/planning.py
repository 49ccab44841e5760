"""The plan for one REST API: what to open, what to close, which stages to deploy, and what must be refused. Pure.

A refusal never takes anything away: what a refused entry already has stays until the entry ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from actions.executors.api_gateway.difference import (
    Difference,
    differ,
    is_in_place,
    is_recorded,
    is_stored,
    needed,
    serves_stored,
)
from actions.executors.api_gateway.marks import mark_of
from actions.executors.api_gateway.objections import objections, obstacle
from actions.executors.api_gateway.sizes import too_big
from actions.executors.api_gateway.state import ApiState, Ask, Record, Scene, Stage
from actions.executors.protocol import Before, Plan, Step, Target, Verb


@dataclass(frozen=True)
class _Choice:
    """Which live entries are made or kept, and which are not, and why."""

    accepted: tuple[Ask, ...]
    kept: tuple[Ask, ...]  # stored parts of refused entries, and of those that move
    refusals: Mapping[str, str]


def is_settled(scene: Scene) -> bool:
    """Tell whether nothing is to be written, which can be told without reading the API's methods."""
    if not scene.state.exists:
        return True
    difference = differ(scene, scene.live, scene.moving)
    stages = any(_is_due(scene, difference, scene.live, stage) for stage in scene.state.stages)
    return difference.is_empty and not stages and all(is_in_place(scene, ask) for ask in scene.live)


def make_plan(target: Target, scene: Scene, limit: int) -> Plan[ApiState]:
    """Return the difference to make at *target*."""
    state, live = scene.state, _by_entry(scene.live)
    if not state.exists:
        gone = (
            f"AWS has no REST API {state.arn.rest_api} in {state.arn.account}; mend policies/catalogue/apis.yaml."
        )
        return Plan(target, state, state, refusals=dict.fromkeys(live, gone))
    if is_settled(scene):
        return Plan(target, state, state, unchanged=frozenset(live), facts=_facts(scene, state, limit))
    choice = _choose(scene, live, limit)
    difference = differ(scene, choice.accepted, choice.kept)
    due = [s for s in state.stages if s.exists and _is_due(scene, difference, choice.accepted, s)]
    waiting = {s.name: why for s in due if (why := obstacle(scene, s))}
    deployed = [s for s in due if s.name not in waiting]
    wanted = _wanted(state, difference, deployed)
    return Plan(
        target,
        state,
        wanted,
        steps=(*_steps(scene, choice, difference), *_deployments(scene, choice, deployed)),
        unchanged=frozenset(
            e for e, asks in live.items() if e not in choice.refusals and _all_in_place(scene, asks)
        ),
        refusals={**choice.refusals, **_stuck(scene, waiting)},
        before=tuple(_records(scene, choice)),
        facts=(*_facts(scene, wanted, limit), *_notices(scene, difference, waiting)),
    )


def _choose(scene: Scene, live: Mapping[str, tuple[Ask, ...]], limit: int) -> _Choice:
    refusals = {
        entry_id: " ".join(found)
        for entry_id, asks in live.items()
        if not _all_in_place(scene, asks) and (found := objections(scene, asks))
    }
    fine = {entry_id: asks for entry_id, asks in live.items() if entry_id not in refusals}
    there = {entry_id: asks for entry_id, asks in fine.items() if all(is_stored(scene, ask) for ask in asks)}
    new = {entry_id: asks for entry_id, asks in fine.items() if entry_id not in there}
    kept = [*scene.moving, *(ask for entry_id in refusals for ask in live[entry_id])]
    refusals |= too_big(scene, _flat(there), kept, new, limit)
    accepted = _flat({entry_id: asks for entry_id, asks in live.items() if entry_id not in refusals})
    refused = (ask for entry_id in refusals for ask in live[entry_id])
    return _Choice(accepted, (*scene.moving, *refused), refusals)


def _is_due(scene: Scene, difference: Difference, asks: Sequence[Ask], stage: Stage) -> bool:
    """Tell whether *stage* must be deployed for the policy, old or new, to be in force there."""
    if not stage.exists:
        return False
    if difference.touches(stage.name):
        return True
    if serves_stored(scene, stage):
        return False
    ended = [ask for ask in scene.ended if ask.door.stage == stage.name]
    if any(ask.door.stage == stage.name for ask in asks):
        return True
    return bool(ended) and (stage.mark is not None or any(_needs_deployment(scene, ask) for ask in ended))


def _needs_deployment(scene: Scene, ask: Ask) -> bool:
    """Tell whether an ended ask stays in force until a deployment: its statement has no date, or is not alone."""
    return not ask.door.is_past(scene.claims.now) or ask.entry.id in scene.records


def _wanted(state: ApiState, difference: Difference, deployed: Sequence[Stage]) -> ApiState:
    names = {stage.name for stage in deployed}
    stages = tuple(
        replace(s, deployment="", mark=mark_of(difference.policy, s.name, difference.additions, state.arn))
        if s.name in names
        else s
        for s in state.stages
    )
    return replace(state, policy=difference.policy, stages=stages, additions=difference.additions)


def _steps(scene: Scene, choice: _Choice, difference: Difference) -> Iterator[Step]:
    for door, sources in difference.opened.items():
        entries = [a.entry.id for a in choice.accepted if a.door == door and not is_stored(scene, a)]
        yield Step(Verb.CREATE, f"Let {_list(sources)} call {door}.", _ids(entries))
    for sid, stage, address in sorted(difference.listed):
        entries = [a.entry.id for a in choice.accepted if a.door.stage == stage and address in a.sources]
        yield Step(Verb.CREATE, f"Put {address} on the list of the Deny statement “{sid}”.", _ids(entries))
    for door, sources in difference.closed.items():
        entries = [a.entry.id for a in scene.ended if a.door == door]
        yield Step(Verb.REMOVE, f"No longer let {_list(sources)} call {door}.", _ids(entries))
    for statement in difference.garbled:
        sentence = f"Remove the statement {statement['Sid']}, which is not as we wrote it."
        yield Step(Verb.REMOVE, sentence, (), altered=True)
    for sid, stage, address in sorted(difference.unlisted):
        entries = [e for e, r in scene.records.items() if any(address in a.addresses for a in r.additions)]
        sentence = f"Take {address} off the list of the Deny statement “{sid}” for stage {stage}."
        yield Step(Verb.REMOVE, sentence, _ids(entries))


def _deployments(scene: Scene, choice: _Choice, stages: Sequence[Stage]) -> Iterator[Step]:
    for stage in stages:
        new = [a.entry.id for a in choice.accepted if a.door.stage == stage.name and not is_in_place(scene, a)]
        old = [a.entry.id for a in scene.ended if a.door.stage == stage.name]
        verb = Verb.CREATE if new else Verb.REMOVE
        sentence = f"Deploy stage {stage.name}, so that the policy is in force."
        yield Step(verb, sentence, _ids([*new, *old]), completes=True)


def _stuck(scene: Scene, waiting: Mapping[str, str]) -> dict[str, str]:
    """Refuse to call ended what still lets somebody in because its stage cannot be deployed."""
    return {
        ask.entry.id: (
            f"The policy no longer holds {ask.door}, but until stage {ask.door.stage} is deployed AWS goes by "
            f"the old one, and {waiting[ask.door.stage]}. Deploy the stage, or say may_publish_others in the "
            f"catalogue; every sweep tries again."
        )
        for ask in scene.ended
        if ask.door.stage in waiting and _needs_deployment(scene, ask)
    }


def _records(scene: Scene, choice: _Choice) -> Iterator[Before]:
    """Yield what must be remembered before the new entries' first write."""
    for entry_id, asks in _by_entry(choice.accepted).items():
        own = scene.records.get(entry_id, Record())
        first = scene.had_no_policy and not all(is_stored(scene, ask) for ask in asks)
        missing = tuple(a for ask in asks if not is_recorded(scene, ask) for a in needed(scene, ask))
        record = Record(own.no_policy or first, (*own.additions, *(a for a in missing if a not in own.additions)))
        if record != own:
            yield record.write(entry_id, scene.state.arn.lock, scene.claims.before.get(entry_id))


def _facts(scene: Scene, state: ApiState, limit: int) -> tuple[str, ...]:
    size = state.policy.size(scene.state.arn) if state.policy else 0
    return (f"Resource policy: {size:,} of {limit:,} characters.",)


def _notices(scene: Scene, difference: Difference, waiting: Mapping[str, str]) -> Iterator[str]:
    if difference.listed:
        names = ", ".join(sorted({f"“{sid}”" for sid, _, _ in difference.listed}))
        yield f"Addresses on the list of {names} do not expire by themselves; the end of the entry takes them off."
    if scene.state.policy is None and difference.policy is not None:
        yield "This is the API's first policy: methods without authorization are closed to everybody else."
    if scene.state.policy is not None and difference.policy is None:
        yield "The API had no resource policy before, and has none again: it is open as it was."
    for stage, why in waiting.items():
        yield (
            f"Stage {stage} is NOT deployed: {why}. Statements with a deadline have ended by themselves; the "
            f"deployment that clears them away waits for that."
        )


def _by_entry(asks: Iterable[Ask]) -> dict[str, tuple[Ask, ...]]:
    found: dict[str, tuple[Ask, ...]] = {}
    for ask in asks:
        found[ask.entry.id] = (*found.get(ask.entry.id, ()), ask)
    return found


def _flat(asks: Mapping[str, Sequence[Ask]]) -> tuple[Ask, ...]:
    return tuple(ask for group in asks.values() for ask in group)


def _all_in_place(scene: Scene, asks: Iterable[Ask]) -> bool:
    return all(is_in_place(scene, ask) for ask in asks)


def _ids(entries: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entries))


def _list(sources: Iterable[str]) -> str:
    found = sorted(sources)
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
