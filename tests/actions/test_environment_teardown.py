"""The teardown of an environment as jobs do it, with a real repository: record first, order, restore, killed jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sallyport.changes.infra_teardown import InfraTeardown
from sallyport.entries import Approval, Entry
from sallyport.outcomes import Result
from sandbox.aws import NONPROD
from tests.actions.place import DAY, HOUR, KilledError, Place, on_loopback
from tests.actions.world import NOW

FIRST, SECOND = "it-222222", "it-333333"
READS = ("Describe", "List", "Get")


@dataclass
class Ground(Place):
    """A place that can be torn down, and whose jobs can be killed after any write, before they hear of it."""

    writes: int = 0
    killed_after: int = 0  # the write after which the job is killed

    def __post_init__(self) -> None:
        super().__post_init__()
        self.stand_in.elbv2.turn_time = timedelta(seconds=10)
        self.stand_in.ec2.gateways.turn_time = timedelta(seconds=20)

    def teardown(self, entry_id: str = FIRST, lifetime: timedelta = 7 * DAY) -> Entry:
        """Commit an approved teardown of dev."""
        made = self.entry(
            entry_id,
            flow="infra-teardown",
            environment="dev",
            asked="",
            approvals=(Approval("lee@example.com", self.now, "slack"),),
            changes=(InfraTeardown("dev", "dev"),),
            expires_at=self.now + lifetime,
        )
        self.commit_of[entry_id] = self.add(made)
        return made

    @property
    def made(self) -> list[str]:
        """The operations that changed something, in order."""
        return [call.operation for call in self.stand_in.calls if not call.operation.startswith(READS)]

    def look(self) -> dict[str, Any]:
        """What AWS has of dev, without the ids that change."""
        aws = self.stand_in
        names = {arn: thing.facts["TargetGroupName"] for arn, thing in aws.elbv2.groups.items()}
        gateways = {one.id: one.tags[0]["Value"] for one in aws.ec2.gateways.gateways()}
        return {
            "services": {s.spec.name: service_facts(s, names) for s in aws.ecs.services() if is_of_dev(s)},
            "databases": {
                d.spec.name: (d.status, d.settings)
                for d in aws.rds.databases()
                if d.spec.name.startswith("acme-dev")
            },
            "balancers": [known(t, names) for t in aws.elbv2.balancers.values()],
            "listeners": [known(t, names) for t in aws.elbv2.listeners.values()],
            "rules": [known(t, names) for t in aws.elbv2.rules.values()],
            "groups": sorted((known(t, names) for t in aws.elbv2.groups.values()), key=str),
            "gateways": [
                (g.subnet, g.allocation, g.state, g.tags)
                for g in aws.ec2.gateways.gateways()
                if g.state != "deleted"
            ],
            "routes": {route: gateways[to] for route, to in aws.ec2.gateways.routes.items()},
            "scaling": aws.ecs.find(NONPROD, "acme-dev", "api").limits,
        }


def is_of_dev(service: Any) -> bool:
    return service.spec.cluster == "acme-dev"


def service_facts(service: Any, names: dict[str, str]) -> tuple[Any, ...]:
    definition = {key: value for key, value in service.definition.items() if value not in ([], None)}
    return service.status, service.running, service.desired, spelled(definition, names)


def known(thing: Any, names: dict[str, str]) -> Any:
    """A thing of ELB without its own ids, with target groups by name."""
    volatile = {"LoadBalancerArn", "ListenerArn", "RuleArn", "TargetGroupArn", "DNSName", "State"}
    facts = {key: value for key, value in thing.facts.items() if key not in volatile}
    return spelled(facts, names), thing.attributes, thing.tags, thing.extra


def spelled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: spelled(item, names) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [spelled(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    ground = Ground(tmp_path)
    with on_loopback(ground, monkeypatch):
        yield ground


def test_everything_goes_and_comes_back(ground: Ground) -> None:
    before = ground.look()
    entry = ground.teardown()
    assert ground.stops(entry) == 0, ground.outcome(FIRST).detail
    print(ground.outcome(FIRST).detail)
    print(ground.made)
    ground.stand_in.reset_calls()
    ground.now = NOW + 8 * DAY
    assert ground.sweeps() == 0, ground.outcome(FIRST).detail
    print(ground.outcome(FIRST).detail)
    print(ground.made)
    assert ground.look() == before
