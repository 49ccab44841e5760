"""The plan for one account: whom to grant, whom to revoke, whose sessions to end, and what to refuse. Pure.

A grant stays while any live entry asks for it, and is only ever removed if a record says that we made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from actions.executors.identity_center.state import (
    AccountState,
    Grant,
    Provisioning,
    Record,
    read_records,
    write_records,
)
from actions.executors.protocol import Before, Claims, Plan, Step, Target, Verb
from sallyport.catalogue import Catalogue
from sallyport.changes.prod_access import (
    ACCOUNTS,
    DIRECTORY,
    PERMISSION_SETS,
    Directory,
    PermissionSet,
    ProdAccess,
)
from sallyport.entries import Entry
from sallyport.people import People
from sallyport.policies import Policies
from sallyport.times import say_duration


@dataclass(frozen=True, slots=True)
class Ask:
    """One change of an entry: this person, by the identity store's user name, wants this permission set."""

    entry: Entry
    permission_set: PermissionSet
    user: str


@dataclass(frozen=True)
class Scene:
    """What the repository says about one account."""

    account: str
    claims: Claims
    live: tuple[Ask, ...]
    records: Mapping[str, tuple[Record, ...]]  # by entry id
    sets: Mapping[str, PermissionSet]  # by ARN
    management: bool  # the account is the organization's own, which a delegated administrator cannot change

    @property
    def lock(self) -> str:
        return lock_of(self.account)

    @cached_property
    def made(self) -> Mapping[Grant, tuple[Record, ...]]:
        """Every grant that we made, with its records."""
        found: dict[Grant, tuple[Record, ...]] = {}
        for record in (r for records in self.records.values() for r in records if not r.standing):
            found[record.grant] = (*found.get(record.grant, ()), record)
        return found

    @cached_property
    def ended(self) -> Mapping[Grant, tuple[Record, ...]]:
        """Those of `made` that no live entry asks for any more."""
        live = {ask.entry.id: set[str]() for ask in self.live}
        for ask in self.live:
            live[ask.entry.id].add(ask.permission_set.arn)
        asked = {
            record.grant
            for entry_id, records in self.records.items()
            for record in records
            if record.grant.permission_set in live.get(entry_id, ())
        }
        return {grant: records for grant, records in self.made.items() if grant not in asked}

    def known(self, ask: Ask, assigned: frozenset[Grant]) -> Grant | None:
        """Return the ask's grant if its own record names it and it is there, so that nobody need be looked up.

        A record is not signed: it may say that nothing is to be done, never to whom something is to be given.
        """
        arn = ask.permission_set.arn
        records = (r for r in self.records.get(ask.entry.id, ()) if r.user == ask.user)
        return next((r.grant for r in records if r.grant.permission_set == arn and r.grant in assigned), None)

    def record_of(self, entry_id: str, grant: Grant) -> Record | None:
        return next((r for r in self.records.get(entry_id, ()) if r.grant == grant), None)

    def ends_sessions(self, grant: Grant) -> bool:
        found = self.sets.get(grant.permission_set)
        return found is not None and found.ends_sessions

    def name_of(self, arn: str) -> str:
        return self.sets[arn].id if arn in self.sets else arn

    def user_of(self, grant: Grant) -> str:
        return next((record.user for record in self.made.get(grant, ())), grant.principal)


def lock_of(account: str) -> str:
    return f"sso/{account}"


def set_scene(account: str, claims: Claims, policies: Policies) -> Scene:
    """Bring together what concerns *account*."""
    catalogue, lock = policies.catalogue, lock_of(account)
    records = {entry_id: read_records(before, lock) for entry_id, before in claims.before.items()}
    return Scene(
        account,
        claims,
        tuple(_asks(lock, claims.live, catalogue, policies.people)),
        {entry_id: found for entry_id, found in records.items() if found},
        sets_of(catalogue),
        _is_management(account, catalogue),
    )


def make_plan(target: Target, scene: Scene, state: AccountState) -> Plan[AccountState]:
    """Return the difference to make at *target*."""
    refusals = dict(_refusals(scene, state))
    asks = [
        (ask, grant) for ask in scene.live if ask.entry.id not in refusals for grant in _grants(scene, state, ask)
    ]
    asked = {grant for _, grant in asks}
    ended = [grant for grant in sorted(scene.ended) if grant not in asked]
    create = sorted(asked - state.assigned)
    remove = [grant for grant in ended if grant in state.assigned]
    ending = [grant for grant in ended if _has_open_sessions(scene, state, grant)]
    wanted = replace(state, assigned=(state.assigned | set(create)) - set(remove), ending=frozenset(ending))
    changed = {ask.entry.id for ask, grant in asks if grant in create}
    return Plan(
        target,
        state,
        wanted,
        steps=(*_creations(scene, asks, create), *_removals(scene, remove, ending)),
        unchanged=frozenset(ask.entry.id for ask in scene.live) - refusals.keys() - changed,
        refusals=refusals,
        before=tuple(_records(scene, state, asks)),
        facts=tuple(_facts(scene, remove)),
    )


def _grants(scene: Scene, state: AccountState, ask: Ask) -> Iterator[Grant]:
    yield scene.known(ask, state.assigned) or Grant(ask.permission_set.arn, state.users[ask.user].id)


def _asks(lock: str, entries: Iterable[Entry], catalogue: Catalogue, people: People) -> Iterator[Ask]:
    """Yield what *entries* ask of the account; a change that the catalogue has lost asks for nothing."""
    for entry in entries:
        person = people.by_email(entry.requested_by)
        user = person.identity_store_name if person else entry.requested_by
        for change in entry.changes:
            found = _find(lock, entry, change, catalogue) if isinstance(change, ProdAccess) else None
            if found:
                yield Ask(entry, found, user)


def _find(lock: str, entry: Entry, change: ProdAccess, catalogue: Catalogue) -> PermissionSet | None:
    try:
        if change.lock(entry.environment, catalogue) != lock:
            return None
        return PermissionSet.find(catalogue, change.permission_set, entry.environment)
    except LookupError:
        return None


def sets_of(catalogue: Catalogue) -> Mapping[str, PermissionSet]:
    """Return every permission set of the catalogue by its ARN."""
    items = catalogue.lists.get(PERMISSION_SETS, {})
    found = [PermissionSet.find(catalogue, name, place) for name, item in items.items() for place in item.places]
    return {permission_set.arn: permission_set for permission_set in found}


def sets_in(catalogue: Catalogue, environment: str) -> frozenset[str]:
    """Return the ARNs of the permission sets that can be asked for in *environment*."""
    items = catalogue.lists.get(PERMISSION_SETS, {}).values()
    return frozenset(
        PermissionSet.find(catalogue, item.id, environment).arn for item in items if environment in item.places
    )


def targets_of(catalogue: Catalogue) -> tuple[Target, ...]:
    """Return every account that the catalogue names, as a target of each environment it is in."""
    items = catalogue.lists.get(ACCOUNTS, {}).values()
    found = [
        Target(lock_of(str(facts["account"])), place, Directory.find(catalogue, place).access)
        for item in items
        for place, facts in item.places.items()
    ]
    return tuple(dict.fromkeys(found))


def _is_management(account: str, catalogue: Catalogue) -> bool:
    places = (place for item in catalogue.lists.get(DIRECTORY, {}).values() for place in item.places.values())
    return any(place.get("management_account") == account for place in places)


def _refusals(scene: Scene, state: AccountState) -> Iterator[tuple[str, str]]:
    for ask in scene.live:
        if scene.known(ask, state.assigned):
            continue
        if scene.management:
            yield (
                ask.entry.id,
                f"Account {scene.account} is the organization's management account, whose access only it can "
                f"change; ask for another account.",
            )
        elif problem := state.users[ask.user].problem:
            mend = f"mend identity_center of {ask.entry.requested_by} in policies/people.yaml"
            yield ask.entry.id, f"{problem}; {mend}."


def _has_open_sessions(scene: Scene, state: AccountState, grant: Grant) -> bool:
    """Tell whether sessions of an ended access may still run that policy wants ended."""
    if not scene.ends_sessions(grant):
        return False
    if grant in state.assigned:
        return True
    found = state.sets[grant.permission_set]
    since = max(record.at for record in scene.made[grant])
    done = (
        found.inline.denies(scene.account, grant.principal, since) and found.provisioning is Provisioning.CURRENT
    )
    return not (done or found.provisioning is Provisioning.GONE)


def _records(scene: Scene, state: AccountState, asks: Iterable[tuple[Ask, Grant]]) -> Iterator[Before]:
    """Yield what must be remembered before the first write: for each entry, whether the grant was there."""
    fresh: dict[str, list[Record]] = {}
    for ask, grant in asks:
        own = scene.record_of(ask.entry.id, grant)
        standing = grant in state.assigned and grant not in scene.made
        if own is None or (own.standing and grant not in state.assigned):
            fresh.setdefault(ask.entry.id, []).append(Record(grant, ask.user, standing, scene.claims.now))
    for entry_id, records in fresh.items():
        grants = {record.grant for record in records}
        old = tuple(r for r in scene.records.get(entry_id, ()) if r.grant not in grants)
        earlier = scene.claims.before.get(entry_id)
        yield write_records(entry_id, (*old, *dict.fromkeys(records)), scene.lock, earlier)


def _creations(scene: Scene, asks: list[tuple[Ask, Grant]], create: list[Grant]) -> Iterator[Step]:
    for grant in create:
        here = [ask for ask, asked in asks if asked == grant]
        sentence = f"Give {here[0].user} {scene.name_of(grant.permission_set)} in account {scene.account}."
        yield Step(Verb.CREATE, sentence, tuple(dict.fromkeys(ask.entry.id for ask in here)))


def _removals(scene: Scene, remove: list[Grant], ending: list[Grant]) -> Iterator[Step]:
    for grant in remove:
        name = scene.name_of(grant.permission_set)
        sentence = f"Take {name} in account {scene.account} from {scene.user_of(grant)}."
        yield Step(Verb.REMOVE, sentence, _entries(scene, grant))
    for grant in ending:
        name = scene.name_of(grant.permission_set)
        sentence = f"End the running sessions of {scene.user_of(grant)} with {name} in account {scene.account}."
        yield Step(Verb.REMOVE, sentence, _entries(scene, grant), completes=True)


def _facts(scene: Scene, remove: list[Grant]) -> Iterator[str]:
    for arn in sorted({grant.permission_set for grant in remove}):
        found = scene.sets.get(arn)
        if found is None or not found.ends_sessions:
            length = f"{say_duration(found.session)} more" if found else "up to 12 hours more"
            yield f"Running sessions with {scene.name_of(arn)} are not ended; they can live {length}."


def _entries(scene: Scene, grant: Grant) -> tuple[str, ...]:
    return tuple(
        e for e, records in scene.records.items() if any(r.grant == grant and not r.standing for r in records)
    )
