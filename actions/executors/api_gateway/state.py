"""What is observed of one REST API, what entries ask of it, and what is remembered for undoing. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from actions.executors.api_gateway.deny_lists import Addition
from actions.executors.api_gateway.marks import Mark, Method, mark_of
from actions.executors.protocol import Before, Claims, Target
from actions.executors.remembering import remembering
from sallyport.catalogue import Catalogue
from sallyport.changes.api_whitelisting import APIS, Api, ApiWhitelisting, access_in
from sallyport.documents import JSON
from sallyport.entries import Entry
from sallyport.resource_policies.document import ApiArn, Policy, Statement
from sallyport.resource_policies.statements import (
    NOBODY_SID,
    Door,
    Openings,
    Sources,
    read_statement,
    sources_of,
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage and the deployment it serves; no id in a plan's `wanted` means one that is still to be made."""

    name: str
    deployment: str
    mark: Mark | None = None  # None where somebody else made the deployment
    methods: frozenset[Method] = frozenset()
    exists: bool = True


@dataclass(frozen=True)
class ApiState:
    """One REST API. `methods` are read only when something is to be written."""

    arn: ApiArn
    private: bool
    policy: Policy | None
    stages: tuple[Stage, ...] = ()
    methods: frozenset[Method] | None = None
    exists: bool = True
    additions: tuple[Addition, ...] = ()  # of a plan's `wanted`: what we have put on deny lists, old and new

    @cached_property
    def ours(self) -> Openings:
        """What our statements let in."""
        read = (read_statement(s, self.arn, private=self.private) for s in self._ours)
        return dict(found for found in read if found)

    @cached_property
    def garbled(self) -> tuple[Statement, ...]:
        """Statements under our name that we did not write so."""
        return tuple(s for s in self._ours if read_statement(s, self.arn, private=self.private) is None)

    @property
    def others(self) -> tuple[Statement, ...]:
        return self.policy.others if self.policy else ()

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)

    @property
    def _ours(self) -> tuple[Statement, ...]:
        return tuple(s for s in self.policy.ours if s["Sid"] != NOBODY_SID) if self.policy else ()


@dataclass(frozen=True, slots=True)
class Ask:
    """One change of an entry, in the policy's terms."""

    entry: Entry
    api: Api
    door: Door
    sources: Sources


@dataclass(frozen=True, slots=True)
class Record:
    """What was before an entry came: whether there was no policy at all, and what it put on deny lists."""

    no_policy: bool = False
    additions: tuple[Addition, ...] = ()

    @classmethod
    def read(cls, before: Before, lock: str) -> Record:
        """Return what *before* says of the API with *lock*; TargetFault if it cannot be read."""
        with remembering(before):
            facts = cast(Mapping[str, JSON], before.facts.get(lock) or {})
            lists = cast(list[Mapping[str, JSON]], facts.get("deny_lists") or [])
            return cls(facts.get("no_policy") is True, tuple(_read_addition(item) for item in lists))

    def write(self, entry_id: str, lock: str, earlier: Before | None) -> Before:
        """Return the record to commit; what it says of other targets, and of IP sets, is kept."""
        lists: list[JSON] = [
            {"statement": a.sid, "stage": a.stage, "added": cast(JSON, sorted(a.addresses))}
            for a in self.additions
        ]
        facts: dict[str, JSON] = {"no_policy": self.no_policy, "deny_lists": lists}
        known = earlier.facts if earlier else {}
        here = cast(Mapping[str, JSON], known.get(lock) or {})
        return Before(entry_id, {**known, lock: {**here, **facts}})


@dataclass(frozen=True)
class Scene:
    """All that a plan is made from."""

    state: ApiState
    claims: Claims
    live: tuple[Ask, ...]
    ended: tuple[Ask, ...]
    records: Mapping[str, Record]  # by entry id, only those that say something of this target
    publishable: frozenset[str]  # stages that may be deployed with other people's changes
    moving: tuple[Ask, ...] = ()  # of live entries that do not stand elsewhere yet: what is there of them stays

    @cached_property
    def additions(self) -> tuple[Addition, ...]:
        """Everything that our entries put on deny lists."""
        return tuple(a for record in self.records.values() for a in record.additions)

    @cached_property
    def stored_marks(self) -> Mapping[str, Mark]:
        """By stage, the mark that a deployment of the stored policy would carry."""
        state = self.state
        return {s.name: mark_of(state.policy, s.name, self.additions, state.arn) for s in state.stages}

    @property
    def had_no_policy(self) -> bool:
        """Whether the API has no policy, or had none before we came."""
        remembered = any(record.no_policy for record in self.records.values())
        return self.state.policy is None or (not self.state.others and remembered)


def set_scene(state: ApiState, claims: Claims, catalogue: Catalogue, moving: Iterable[Entry] = ()) -> Scene:
    """Bring together what concerns the API of *state*."""
    records = {entry_id: Record.read(before, state.arn.lock) for entry_id, before in claims.before.items()}
    return Scene(
        state,
        claims,
        live=_asks(state.arn, claims.live, catalogue),
        ended=_asks(state.arn, claims.ended, catalogue),
        records={entry_id: record for entry_id, record in records.items() if record != Record()},
        publishable=_publishable(state.arn.rest_api, catalogue),
        moving=_asks(state.arn, moving, catalogue),
    )


def arn_of(target: Target) -> ApiArn:
    """Return the ARN under which the target's stages are named."""
    _, account, region, rest_api = target.lock.split("/")
    partition = target.access.role.split(":")[1]
    return ApiArn(partition, region, account, rest_api)


def targets_of(catalogue: Catalogue) -> tuple[Target, ...]:
    """Return every REST API that the catalogue names, as a target of each environment it is in."""
    places = [(item, place) for item in catalogue.lists.get(APIS, {}).values() for place in item.places]
    apis = [(Api.find(catalogue, item.id, place), place) for item, place in places]
    found = [Target(api.lock(place, catalogue), place, access_in(place, catalogue)) for api, place in apis]
    return tuple(dict.fromkeys(found))


def _asks(arn: ApiArn, entries: Iterable[Entry], catalogue: Catalogue) -> tuple[Ask, ...]:
    """Return what *entries* ask of the API; a change whose API the catalogue has lost asks for nothing."""
    return tuple(
        Ask(entry, api, Door.of(change, entry.expires_at), sources_of(change, arn.partition))
        for entry in entries
        for change in entry.changes
        if isinstance(change, ApiWhitelisting) and (api := _api_at(arn, entry, change, catalogue))
    )


def _api_at(arn: ApiArn, entry: Entry, change: ApiWhitelisting, catalogue: Catalogue) -> Api | None:
    try:
        here = change.lock(entry.environment, catalogue) == arn.lock
        return Api.find(catalogue, change.api, entry.environment) if here else None
    except LookupError:
        return None


def _publishable(rest_api: str, catalogue: Catalogue) -> frozenset[str]:
    places = (facts for item in catalogue.lists.get(APIS, {}).values() for facts in item.places.values())
    return frozenset(
        str(facts["stage"])
        for facts in places
        if facts.get("rest_api") == rest_api and facts.get("may_publish_others") is True
    )


def _read_addition(item: Mapping[str, JSON]) -> Addition:
    added = frozenset(map(str, cast(list[JSON], item["added"])))
    return Addition(str(item["statement"]), str(item["stage"]), added)
