"""What is observed of the IP sets that keep an API's stages, and what entries ask of them. Values only.

Addresses carry no mark: what of a set is ours, the records beside the entries say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from actions.executors.ip_sets.guards import Guard
from actions.executors.protocol import Before, Claims
from actions.executors.remembering import remembering
from sallyport.catalogue import Catalogue
from sallyport.changes.api_whitelisting import APIS, Api, ApiWhitelisting
from sallyport.changes.ip_sets import IpSet
from sallyport.changes.sources import parse_network
from sallyport.documents import JSON
from sallyport.entries import Entry
from sallyport.resource_policies.document import Policy
from sallyport.resource_policies.ranges import Ranges

Addresses = frozenset[str]  # ranges in canonical form


@dataclass(frozen=True, slots=True)
class KeptSet:
    """One IP set as AWS has it; a plan's `wanted` has other addresses. `token` names the state it was read in."""

    spec: IpSet
    addresses: Addresses = frozenset()
    version: int = 0  # 0 where AWS has no such set
    token: str = ""
    description: str = ""

    @property
    def exists(self) -> bool:
        return self.version > 0


@dataclass(frozen=True, slots=True)
class SetsState:
    """The sets of one API by their ARNs, and what stands before and behind the stages that they keep."""

    lock: str
    sets: Mapping[str, KeptSet] = field(default_factory=dict)
    guards: Mapping[str, Guard] = field(
        default_factory=dict
    )  # by stage, of those that somebody is to be let in at
    policy: Policy | None = None  # the API's own, which calls have to pass too


@dataclass(frozen=True, slots=True)
class Addition:
    """Addresses that an entry put into a set which keeps *stage*."""

    arn: str
    stage: str
    addresses: Addresses


@dataclass(frozen=True, slots=True)
class Ask:
    """What one change asks of one set."""

    entry: Entry
    api: Api
    spec: IpSet
    addresses: Addresses

    @property
    def stage(self) -> str:
        return self.api.stage

    @property
    def version(self) -> int:
        """The IP version of its addresses."""
        return 6 if any(":" in address for address in self.addresses) else 4


@dataclass(frozen=True)
class Scene:
    """All that a plan is made from."""

    state: SetsState
    claims: Claims
    live: tuple[Ask, ...]
    records: Mapping[str, tuple[Addition, ...]]  # by entry id, only those that say something

    @cached_property
    def ours(self) -> Mapping[str, Addresses]:
        """What entries put into each set, by its ARN."""
        return joined(addition for additions in self.records.values() for addition in additions)

    @cached_property
    def others(self) -> Mapping[str, Addresses]:
        """What stands in each set, and not through us."""
        return {a: found.addresses - self.ours.get(a, frozenset()) for a, found in self.state.sets.items()}

    def needed(self, ask: Ask) -> Addresses:
        """Return what *ask* needs in its set beyond what others put there."""
        there = self._standing[ask.spec.arn]
        return frozenset(address for address in ask.addresses if not there.hold(address))

    @cached_property
    def _standing(self) -> Mapping[str, Ranges]:
        return {arn: Ranges.of(addresses) for arn, addresses in self.others.items()}


def set_scene(state: SetsState, claims: Claims, catalogue: Catalogue) -> Scene:
    """Bring together what concerns the sets of *state*."""
    return Scene(
        state, claims, tuple(asks_of(claims.live, catalogue)), read_records(claims.before.values(), state.lock)
    )


def joined(additions: Iterable[Addition]) -> dict[str, Addresses]:
    """Return all addresses of *additions*, by the ARN of their set."""
    found: dict[str, Addresses] = {}
    for addition in additions:
        found[addition.arn] = found.get(addition.arn, frozenset()) | addition.addresses
    return found


def asks_of(entries: Iterable[Entry], catalogue: Catalogue) -> Iterator[Ask]:
    """Yield what *entries* ask of each set."""
    for entry in entries:
        for change in entry.changes:
            if isinstance(change, ApiWhitelisting):
                api = Api.find(catalogue, change.api, entry.environment)
                networks = change.source.networks
                for version, spec in api.ip_sets.items():
                    here = frozenset(str(network) for network in networks if network.version == version)
                    if here:
                        yield Ask(entry, api, spec, here)


def stands_in_sets(change: object, environment: str, catalogue: Catalogue) -> bool:
    """Tell whether a change is made in IP sets; one whose API the catalogue has lost is not."""
    try:
        api = Api.find(catalogue, change.api, environment) if isinstance(change, ApiWhitelisting) else None
    except LookupError:
        return False
    return isinstance(change, ApiWhitelisting) and api is not None and change.is_kept_by_sets(api)


def sets_of(lock: str, catalogue: Catalogue) -> Iterator[IpSet]:
    """Yield the sets that the catalogue names for stages of the API with *lock*."""
    for item in catalogue.lists.get(APIS, {}).values():
        for place in item.places:
            api = Api.find(catalogue, item.id, place)
            if api.ip_sets and api.lock(place, catalogue) == lock:
                yield from api.ip_sets.values()


def read_records(befores: Iterable[Before], lock: str) -> dict[str, tuple[Addition, ...]]:
    """Return what was put into sets for the API with *lock*, by entry id; TargetFault if that cannot be read."""
    found = {before.entry_id: read_record(before, lock) for before in befores}
    return {entry_id: additions for entry_id, additions in found.items() if additions}


def read_record(before: Before, lock: str) -> tuple[Addition, ...]:
    """Return what one record says of sets; TargetFault if it cannot be read."""
    with remembering(before):
        facts = cast(Mapping[str, JSON], before.facts.get(lock) or {})
        return tuple(map(_addition, cast(list[Mapping[str, JSON]], facts.get("ip_sets") or [])))


def write_record(entry_id: str, additions: Iterable[Addition], lock: str, earlier: Before | None) -> Before:
    """Return the record to commit; what it says of other things is kept."""
    known = dict(earlier.facts) if earlier else {}
    sets: list[JSON] = [
        {"set": addition.arn, "stage": addition.stage, "added": cast(JSON, sorted(addition.addresses))}
        for addition in additions
    ]
    here = cast(Mapping[str, JSON], known.get(lock) or {})
    return Before(entry_id, {**known, lock: {**here, "ip_sets": sets}})


def _addition(item: Mapping[str, JSON]) -> Addition:
    added = frozenset(str(parse_network(str(one))) for one in cast(list[JSON], item["added"]))
    return Addition(IpSet.read(str(item["set"])).arn, str(item["stage"]), added)
