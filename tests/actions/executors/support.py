"""The stage for the executors' tests: sample policies, entries, a clock that waiting moves, AWS on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from actions.executors import executor_for
from actions.executors.aws import Clients
from actions.executors.protocol import Before, Claims, Plan, Target
from sallyport.catalogue import Catalogue
from sallyport.changes import KINDS
from sallyport.entries import Approval, Entry
from sallyport.policies import Policies, load_policies, read_folder
from sandbox.aws import AwsStandIn, AwsWorld, PermissionSet, sample_world
from sandbox.serving import Server

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
KEYS = {"prod": "AKIASANDBOXPRODAPPLY", "non-prod": "AKIASANDBOXTESTAPPLY"}


@cache
def policies() -> Policies:
    """The policies that the repository ships."""
    return load_policies(read_folder(Path(__file__).parents[3] / "policies"))


def with_facts(name: str, item: str, **facts: Any) -> Policies:
    """The sample policies with other facts of one catalogue item, in every place."""
    found = policies()
    items = found.catalogue.lists[name]
    places = {place: {**known, **facts} for place, known in items[item].places.items()}
    lists = {**found.catalogue.lists, name: {**items, item: replace(items[item], places=places)}}
    return replace(found, catalogue=Catalogue(found.catalogue.environments, lists))


@dataclass
class Clock:
    """Time that stands still unless somebody waits."""

    now: datetime = START
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)


def entry(entry_id: str, flow: str, *changes: Mapping[str, Any], **facts: Any) -> Entry:
    """An approved entry that lives for four hours from `START`, unless *facts* say otherwise."""
    made = Entry(
        id=entry_id,
        flow=flow,
        environment="prod",
        requested_by="ana@example.com",
        reason="debugging",
        expires_at=START + timedelta(hours=4),
        changes=tuple(KINDS[flow].from_mapping(change) for change in changes),
        approvals=(Approval("lee@example.com", START, "slack"),),
    )
    return replace(made, **facts)


def charge(**facts: Any) -> dict[str, Any]:
    """A change of the Payments API."""
    change = {"api": "payments", "stage": "live", "method": "POST", "path": "/v1/charges"}
    return {**change, "source": {"cidr": ["198.51.100.10/32"]}, **facts}


def whitelisting(entry_id: str, *changes: Mapping[str, Any], **facts: Any) -> Entry:
    return entry(entry_id, "api-whitelisting", *(changes or (charge(),)), **facts)


def access(entry_id: str, permission_set: str = "ProdReadOnly", account: str = "prod-main", **facts: Any) -> Entry:
    return entry(entry_id, "prod-access", {"account": account, "permission_set": permission_set}, **facts)


def target_of(found: Entry, known: Policies) -> Target:
    """The target of an entry's first change."""
    change = found.changes[0]
    access = change.access(found.environment, known.catalogue)
    return Target(change.lock(found.environment, known.catalogue), found.environment, access)


def world() -> AwsWorld:
    """The sandbox's world, with the permission sets that the sample catalogue names."""
    items = policies().catalogue.lists["permission-sets"].values()
    arns = {item.id: str(facts["arn"]) for item in items for facts in item.places.values()}
    sets = tuple(PermissionSet(name, arn.rpartition("/")[2]) for name, arn in arns.items())
    found = sample_world()
    return replace(found, directory=replace(found.directory, permission_sets=sets))


@dataclass
class Job:
    """What a job does at one target, with a repository that is only claims."""

    aws: AwsStandIn
    clock: Clock
    policies: Policies
    live: list[Entry] = field(default_factory=list)
    ended: list[Entry] = field(default_factory=list)
    before: dict[str, Before] = field(default_factory=dict)
    clients: Clients = field(default_factory=Clients)  # making one takes a third of a second

    def claims(self) -> Claims:
        """What the repository says now: an entry past its deadline has ended."""
        live = tuple(e for e in self.live if e.is_live(self.clock()))
        ended = tuple(e for e in self.live if not e.is_live(self.clock()))
        return Claims(live, (*ended, *self.ended), dict(self.before), self.clock())

    @property
    def target(self) -> Target:
        return target_of((*self.live, *self.ended)[0], self.policies)

    def executor(self) -> Any:
        """A new executor, as every job has its own."""
        flow = (*self.live, *self.ended)[0].flow
        return executor_for(flow, self.policies, self.clients, now=self.clock, wait=self.clock.wait)

    def plan(self, executor: Any = None) -> Plan[Any]:
        executor, claims = executor or self.executor(), self.claims()
        return executor.plan(self.target, executor.observe(self.target, claims), claims)

    def record(self, plan: Plan[Any]) -> None:
        self.before |= {before.entry_id: before for before in plan.before}

    def settle(self, reference: str = "aw-test") -> list[Plan[Any]]:
        """Observe, plan, record and apply until nothing is left; return every plan, the empty one last."""
        executor, plans = self.executor(), []
        while not plans or not plans[-1].is_empty:
            assert len(plans) < 4, "the target does not settle"
            plans.append(self.plan(executor))
            self.record(plans[-1])
            if not plans[-1].is_empty:
                executor.apply(plans[-1], reference)
        return plans

    def end(self, *ids: str) -> None:
        """End entries before their deadline."""
        self.ended += [e for e in self.live if e.id in ids]
        self.live = [e for e in self.live if e.id not in ids]

    def forget(self, *ids: str) -> None:
        """Delete what the repository holds of entries that were taken back."""
        self.live = [e for e in self.live if e.id not in ids]
        self.ended = [e for e in self.ended if e.id not in ids]
        self.before = {i: b for i, b in self.before.items() if i not in ids}

    def operations(self) -> list[str]:
        """The calls that AWS got since the last time this was asked."""
        found = [call.operation for call in self.aws.calls]
        self.aws.reset_calls()
        return found


@contextmanager
def aws_on_loopback(
    monkeypatch: pytest.MonkeyPatch, clock: Callable[[], datetime], made: AwsWorld | None = None
) -> Iterator[AwsStandIn]:
    """AWS as the standard variables show it to boto3."""
    stand_in = AwsStandIn(made or world(), clock=clock)
    with Server(stand_in.app) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["prod"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield stand_in
