"""The teardown of an environment as jobs do it, with a real repository: record, order, restore, killed jobs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from sallyport.changes.infra_teardown import InfraTeardown
from sallyport.entries import Approval, Entry
from sallyport.outcomes import Result
from sallyport.platforms.errors import Refused
from sandbox.aws import NONPROD
from sandbox.aws.clients import NONPROD_APPLY, client
from sandbox.faults import Fault, Kind
from tests.actions.estate import look
from tests.actions.place import DAY, HOUR, KilledError, Place, on_loopback
from tests.actions.world import ALERTS, NOW, POLICIES

FIRST, SECOND = "it-222222", "it-333333"
READS = ("Describe", "List", "Get")


@dataclass
class Ground(Place):
    """A place that can be torn down, as `look` shows it."""

    url: str = ""

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
        return look(self.stand_in)


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    ground = Ground(tmp_path)
    with on_loopback(ground, monkeypatch):
        ground.url = os.environ["AWS_ENDPOINT_URL"]
        yield ground


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Kills a job after so many writes (the list's one item), before it hears of the last one; 0 kills none."""
    left = [0]
    real = BaseClient._make_api_call

    def call(client: BaseClient, operation: str, parameters: Any) -> Any:
        answer = real(client, operation, parameters)
        if left[0] and not operation.startswith(READS):
            left[0] -= 1
            if not left[0]:
                raise KilledError
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return left


def until_it_lives(run: Callable[[], int], mortal: list[int], place: Ground) -> int:
    """Run jobs that each die after one write, until one has nothing left to write; return how many died."""
    for died in range(100):
        mortal[0] = 1
        try:
            assert run() == 0
        except KilledError:
            place.now += HOUR
        else:
            mortal[0] = 0
            return died
    raise AssertionError("it does not come to an end")


def test_everything_goes_in_order_and_comes_back_in_the_reverse_one(ground: Ground) -> None:
    before = ground.look()
    assert ground.stops(ground.teardown()) == 0
    assert list(dict.fromkeys(ground.made)) == [
        "CreateDBClusterSnapshot",
        "CreateDBSnapshot",
        "DeleteService",
        "DeregisterScalableTarget",
        "UpdateService",
        "DeleteLoadBalancer",
        "DeleteTargetGroup",
        "DeleteNatGateway",
        "DeleteDBInstance",
        "DeleteDBCluster",
    ]
    assert ground.outcome(FIRST).result is Result.APPLIED
    ground.stand_in.reset_calls()
    ground.now = NOW + 7 * DAY
    assert ground.sweeps() == 0
    assert list(dict.fromkeys(ground.made)) == [
        "RestoreDBInstanceFromDBSnapshot",
        "RestoreDBClusterFromSnapshot",
        "ModifyDBInstance",
        "ModifyDBCluster",
        "CreateDBInstance",
        "CreateNatGateway",
        "ReplaceRoute",
        "CreateTargetGroup",
        "ModifyTargetGroupAttributes",
        "RegisterTargets",
        "CreateLoadBalancer",
        "ModifyLoadBalancerAttributes",
        "CreateListener",
        "AddListenerCertificates",
        "CreateRule",
        "CreateService",
        "RegisterScalableTarget",
    ]
    assert ground.look() == before
    assert ground.outcome(FIRST).result is Result.REVERTED
    assert ground.files == set()


def test_people_are_told_of_every_part(ground: Ground) -> None:
    ground.stops(ground.teardown())
    said = ground.slack.said("C0INFRA").split("\n")
    assert said == [
        "✅ Applied. Full teardown in dev is in force until 2026-11-28 10:00 UTC, as read back from AWS.",
        "Deleted: 4 ECS services, 1 load balancer, 2 target groups, 1 NAT gateway, 1 Aurora cluster, "
        "1 RDS instance.",
        "ECS service acme-dev/agent is deleted, and comes back as it was.",
        "ECS service acme-dev/api is deleted, and comes back as it was.",
        "ECS service acme-dev/nightly is deleted, and comes back as it was.",
        "ECS service acme-dev/worker is deleted, and comes back as it was.",
        "Load balancer acme-dev is deleted, and comes back as it was.",
        "Target group acme-dev-api is deleted, and comes back as it was.",
        "Target group acme-dev-static is deleted, and comes back as it was.",
        "NAT gateway acme-dev-a is deleted; its address is kept.",
        "Aurora cluster acme-dev-orders is deleted; its data is in the snapshot "
        "sallyport-it-222222-acme-dev-orders, which is available.",
        "RDS instance acme-dev-db is deleted; its data is in the snapshot sallyport-it-222222-acme-dev-db, "
        "which is available.",
        "Kept: VPC and subnets, addresses of NAT gateways, S3, secrets, IAM, ECS clusters, every snapshot.",
    ]
    evidence = ground.outcome(FIRST).evidence
    ground.now = NOW + 7 * DAY
    ground.sweeps()
    detail = ground.outcome(FIRST).detail
    assert "Restored: 4 ECS services, 1 load balancer, 2 target groups, 1 NAT gateway, 1 Aurora" in detail
    assert "Load balancer acme-dev is active, as its record says; its DNS name is now acme-dev-" in detail
    assert any("DeleteDBInstance acme-dev-db with the final snapshot" in e for e in evidence)


def test_the_record_is_on_main_before_aws_is_changed(ground: Ground) -> None:
    entry, seen = ground.teardown(), []
    ground.github.before_commit.append(lambda: seen.append(list(ground.made)))
    ground.stops(entry)
    assert seen == [[]]
    assert ground.github.commits[0] == "Record what was there before it-222222"


def test_nothing_is_deleted_if_the_record_cannot_be_committed(ground: Ground) -> None:
    ground.github.faults.append(Refused("GitHub", "commit", "the branch is protected"))
    assert ground.stops(ground.teardown()) == 1
    assert ground.made == []


def test_jobs_that_die_after_every_single_write_come_to_the_same_end(ground: Ground, mortal: list[int]) -> None:
    before, entry = ground.look(), ground.teardown()
    assert until_it_lives(lambda: ground.stops(entry), mortal, ground) == 16
    assert ground.outcome(FIRST).result is Result.APPLIED
    assert ground.look()["services"] == ground.look()["databases"] == {}
    assert ground.look()["balancers"] == ground.look()["groups"] == ground.look()["gateways"] == []
    ground.now = NOW + 8 * DAY
    assert until_it_lives(ground.sweeps, mortal, ground) == 23
    assert ground.look() == before
    assert ground.files == set()


def test_a_job_that_dies_after_its_record_was_committed_is_gone_on_with(ground: Ground) -> None:
    entry, commit = ground.teardown(), ground.github.commit

    def committed_and_died(*facts: Any, **named: Any) -> str:
        commit(*facts, **named)
        raise KilledError

    ground.github.commit = committed_and_died  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        ground.stops(entry)
    assert ground.made == []
    ground.github.commit = commit  # type: ignore[method-assign]
    ground.now += HOUR
    assert ground.sweeps() == 0
    assert ground.look()["services"] == {}


def test_a_sweep_goes_on_with_what_a_job_could_not_end(ground: Ground) -> None:
    ground.stand_in.rds.turn_time = timedelta(minutes=12)
    assert ground.stops(ground.teardown()) == 1
    assert "has begun, but it is not complete: not everything is deleted yet" in ground.outcome(FIRST).detail
    for _ in range(4):
        ground.now += HOUR
        ground.sweeps()
    assert ground.look()["databases"] == {}
    assert ground.outcome(FIRST).result is Result.APPLIED


def test_a_teardown_that_was_refused_is_never_begun_by_a_sweep(ground: Ground) -> None:
    ground.stand_in.rds.turn(NONPROD, "acme-dev-db", "upgrading")
    assert ground.stops(ground.teardown()) == 1
    assert (
        "RDS instance acme-dev-db: it is upgrading, and has to be available first." in ground.outcome(FIRST).detail
    )
    ground.stand_in.rds.turn(NONPROD, "acme-dev-db", "available")
    ground.now += HOUR
    assert ground.due()["any"] == "false"
    assert ground.made == []


def test_what_is_protected_from_deletion_keeps_everything(ground: Ground) -> None:
    (balancer,) = ground.stand_in.elbv2.balancers.values()
    balancer.attributes["deletion_protection.enabled"] = "true"
    before = ground.look()
    assert ground.stops(ground.teardown()) == 1
    assert ground.outcome(FIRST).result is Result.REFUSED
    assert (
        "Load balancer acme-dev: it is protected from deletion; take the protection off"
        in ground.outcome(FIRST).detail
    )
    assert (ground.look(), ground.made) == (before, [])


def test_the_catalogue_may_let_what_is_protected_be_deleted_and_it_comes_back_protected(ground: Ground) -> None:
    path = "policies/catalogue/infrastructure.yaml"
    text = (POLICIES.parent / path).read_text().replace("protection: false", "protection: true", 1)
    ground.commit("Let dev be deleted", {path: text.encode()})
    (balancer,) = ground.stand_in.elbv2.balancers.values()
    balancer.attributes["deletion_protection.enabled"] = "true"
    for name in ("acme-dev-db", "acme-dev-orders"):
        ground.stand_in.rds.find(NONPROD, name).settings["DeletionProtection"] = True
    before = ground.look()
    assert ground.stops(ground.teardown()) == 0
    ground.now = NOW + 7 * DAY
    assert ground.sweeps() == 0
    assert ground.look() == before


def test_a_second_teardown_keeps_everything_deleted_and_knows_how_it_was(ground: Ground) -> None:
    before = ground.look()
    ground.stops(ground.teardown(lifetime=DAY))
    ground.now += HOUR
    assert ground.stops(ground.teardown(SECOND)) == 0
    assert ground.outcome(SECOND).result is Result.ALREADY
    ground.now = NOW + DAY
    assert ground.sweeps() == 0
    assert "stays deleted for another request" in ground.outcome(FIRST).detail
    assert ground.look()["services"] == {}
    ground.now = NOW + 8 * DAY
    assert ground.sweeps() == 0
    assert ground.look() == before


def test_what_somebody_created_again_is_left_to_them(ground: Ground) -> None:
    ground.stops(ground.teardown())
    made = client(ground.url, "elbv2", NONPROD_APPLY)
    made.create_target_group(Name="acme-dev-static", Protocol="HTTP", Port=81, VpcId="vpc-1")
    ground.now += HOUR
    assert ground.sweeps() == 0
    assert [g["TargetGroupName"] for g in made.describe_target_groups(Names=["acme-dev-static"])["TargetGroups"]]
    ground.now = NOW + 7 * DAY
    assert ground.sweeps() == 0
    assert "Target group acme-dev-static is there, as somebody else left it." in ground.outcome(FIRST).detail
    assert made.describe_target_groups(Names=["acme-dev-static"])["TargetGroups"][0]["Port"] == 81


def test_a_route_that_somebody_pointed_elsewhere_is_left_to_them(ground: Ground) -> None:
    ground.stops(ground.teardown())
    ec2 = client(ground.url, "ec2", NONPROD_APPLY)
    other = ec2.create_nat_gateway(SubnetId="subnet-1", AllocationId="eipalloc-1")["NatGateway"]["NatGatewayId"]
    ground.now += HOUR
    table = {"RouteTableId": "rtb-0de0a110000000001", "DestinationCidrBlock": "0.0.0.0/0"}
    ec2.replace_route(**table, NatGatewayId=other)
    ground.now = NOW + 7 * DAY
    assert ground.sweeps() == 0
    routes = ground.stand_in.ec2.gateways.routes
    assert routes[NONPROD, "rtb-0de0a110000000001", "0.0.0.0/0"] == other
    assert routes[NONPROD, "rtb-0de0a110000000002", "0.0.0.0/0"] != other


def test_policies_and_schedules_of_automatic_scaling_come_back(ground: Ground) -> None:
    scaler = client(ground.url, "application-autoscaling", NONPROD_APPLY)
    one = {"ServiceNamespace": "ecs", "ResourceId": "service/acme-dev/api"}
    one |= {"ScalableDimension": "ecs:service:DesiredCount"}
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}
    tracking = {"TargetValue": 60.0, **metric}
    kind = {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": tracking}
    scaler.put_scaling_policy(PolicyName="cpu", **one, **kind)
    action = {"Schedule": "cron(0 6 * * ? *)", "ScalableTargetAction": {"MinCapacity": 3}}
    scaler.put_scheduled_action(ScheduledActionName="morning", **one, **action)
    ground.stops(ground.teardown())
    assert scaler.describe_scaling_policies(**one)["ScalingPolicies"] == []
    ground.now = NOW + 7 * DAY
    assert ground.sweeps() == 0
    (policy,) = scaler.describe_scaling_policies(**one)["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == tracking
    (morning,) = scaler.describe_scheduled_actions(**one)["ScheduledActions"]
    assert morning["ScalableTargetAction"] == {"MinCapacity": 3}


def test_an_end_that_aws_does_not_finish_is_loud_and_gone_on_with(ground: Ground) -> None:
    before = ground.look()
    ground.stops(ground.teardown())
    ground.now = NOW + 7 * DAY
    ground.stand_in.rds.turn_time = HOUR
    assert ground.sweeps() == 1
    assert "not everything is restored yet" in ground.slack.said(ALERTS)
    ground.stand_in.rds.turn_time = timedelta(minutes=1)
    ground.now += 2 * HOUR
    assert ground.sweeps() == 0
    assert ground.look() == before


def test_a_fault_in_the_middle_is_never_answered_by_half_a_way_back(ground: Ground) -> None:
    ground.at_pause[9] = lambda: ground.stand_in.faults.add(Fault(Kind.STATUS, status=503, times=12))
    entry = ground.teardown()
    assert ground.stops(entry) == 1
    assert not [name for name in ground.made if name.startswith("Restore")]
    ground.stand_in.faults.clear()
    ground.now += HOUR
    assert ground.sweeps() == 0
    assert ground.look()["services"] == {}


def test_production_is_refused_whatever_an_entry_says(ground: Ground) -> None:
    path = "policies/catalogue/infrastructure.yaml"
    entry = ground.teardown()
    text = (POLICIES.parent / path).read_text().replace("production: false", "production: true", 1)
    ground.commit("Call dev production", {path: text.encode()})
    assert ground.stops(entry) == 1
    assert ground.outcome(FIRST).result is Result.REFUSED
    assert ground.made == []
