"""ECS, Application Auto Scaling and RDS in the sandbox: slow transitions, push-back, and the real refusals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import NONPROD, AwsStandIn, EcsService, RdsDatabase, sample_world
from sandbox.aws.clients import NONPROD_APPLY, client
from sandbox.serving import Server

SCALED = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/acme-dev/api",
    "ScalableDimension": "ecs:service:DesiredCount",
}
ODD = (
    RdsDatabase(NONPROD, "member", member_of="acme-dev-orders"),
    RdsDatabase(NONPROD, "mssql", "sqlserver-se", multi_az=True),
    RdsDatabase(NONPROD, "replica", replica_of="source"),
    RdsDatabase(NONPROD, "source", replicas=("replica",)),
)
ODD_CLUSTERS = (
    RdsDatabase(NONPROD, "global", "aurora-mysql", is_cluster=True, global_cluster="world"),
    RdsDatabase(NONPROD, "v1", "aurora-mysql", is_cluster=True, engine_mode="serverless"),
    RdsDatabase(NONPROD, "primary", "aurora-mysql", is_cluster=True, replicas=("copy",)),
    RdsDatabase(NONPROD, "copy", "aurora-mysql", is_cluster=True, replica_of="primary"),
)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(clock: Clock) -> AwsStandIn:
    world = sample_world()
    many = tuple(EcsService(NONPROD, "many", f"s{n}", 1) for n in range(12))
    databases = (*world.databases, *ODD, *ODD_CLUSTERS)
    return AwsStandIn(replace(world, services=(*world.services, *many), databases=databases), clock=clock)


@pytest.fixture
def url(aws: AwsStandIn) -> Iterator[str]:
    with Server(aws.app) as server:
        yield server.url


@pytest.fixture
def ecs(url: str) -> Any:
    return client(url, "ecs", NONPROD_APPLY)


@pytest.fixture
def scaling(url: str) -> Any:
    return client(url, "application-autoscaling", NONPROD_APPLY)


@pytest.fixture
def rds(url: str) -> Any:
    return client(url, "rds", NONPROD_APPLY)


def refused(code: str, call: Any, **parameters: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == code


def tasks(ecs: Any, name: str = "api") -> tuple[int, int]:
    (found,) = ecs.describe_services(cluster="acme-dev", services=[name])["services"]
    return found["runningCount"], found["desiredCount"]


class TestServices:
    def test_are_listed_ten_at_a_time_unless_asked_and_described_ten_at_most(self, ecs: Any) -> None:
        first = ecs.list_services(cluster="many")
        rest = ecs.list_services(cluster="many", nextToken=first["nextToken"])
        assert [len(first["serviceArns"]), len(rest["serviceArns"])] == [10, 2]
        names = first["serviceArns"] + rest["serviceArns"]
        refused("InvalidParameterException", ecs.describe_services, cluster="many", services=names)
        refused("InvalidParameterException", ecs.list_services, cluster="many", maxResults=101)

    def test_that_are_missing_are_failures_of_a_good_answer(self, ecs: Any) -> None:
        answer = ecs.describe_services(cluster="acme-dev", services=["gone"])
        assert answer["failures"] == [{"arn": "gone", "reason": "MISSING"}]
        refused("ClusterNotFoundException", ecs.describe_services, cluster="gone", services=["api"])
        refused("ServiceNotFoundException", ecs.update_service, cluster="acme-dev", service="gone", desiredCount=1)

    def test_take_time_to_lose_their_tasks(self, ecs: Any, aws: AwsStandIn, clock: Clock) -> None:
        ecs.update_service(cluster="acme-dev", service="worker", desiredCount=0)
        assert tasks(ecs, "worker") == (1, 0)
        clock.now += aws.ecs.turn_time
        assert tasks(ecs, "worker") == (0, 0)

    def test_of_daemons_have_no_count(self, ecs: Any) -> None:
        call = ecs.update_service
        refused("InvalidParameterException", call, cluster="acme-dev", service="agent", desiredCount=0)

    def test_are_raised_again_by_scaling_that_is_not_suspended(
        self, ecs: Any, aws: AwsStandIn, clock: Clock
    ) -> None:
        ecs.update_service(cluster="acme-dev", service="api", desiredCount=0)
        for _ in range(2):
            clock.now += aws.ecs.turn_time
            tasks(ecs)
        assert tasks(ecs) == (2, 2)

    def test_stay_down_while_scaling_is_suspended(
        self, ecs: Any, scaling: Any, aws: AwsStandIn, clock: Clock
    ) -> None:
        suspended = {"DynamicScalingOutSuspended": True}
        scaling.register_scalable_target(**SCALED, MinCapacity=0, SuspendedState=suspended)
        ecs.update_service(cluster="acme-dev", service="api", desiredCount=0)
        for _ in range(3):
            clock.now += aws.ecs.turn_time
            assert tasks(ecs)[1] == 0


class TestScaling:
    def test_moves_the_count_between_the_limits_at_once(self, ecs: Any, scaling: Any) -> None:
        scaling.register_scalable_target(**SCALED, MinCapacity=4)
        assert tasks(ecs)[1] == 4

    def test_keeps_what_a_call_does_not_name(self, scaling: Any) -> None:
        scaling.register_scalable_target(**SCALED, SuspendedState={"ScheduledScalingSuspended": True})
        scope = {key: SCALED[key] for key in ("ServiceNamespace", "ScalableDimension")}
        answer = scaling.describe_scalable_targets(**scope, ResourceIds=[SCALED["ResourceId"]])
        (found,) = answer["ScalableTargets"]
        assert (found["MinCapacity"], found["MaxCapacity"]) == (2, 6)
        assert found["SuspendedState"] == {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": True,
        }

    def test_refuses_limits_out_of_order_and_services_that_do_not_exist(self, scaling: Any) -> None:
        call = scaling.register_scalable_target
        refused("ValidationException", call, **SCALED, MinCapacity=7)
        refused("ValidationException", call, **{**SCALED, "ResourceId": "service/acme-dev/gone"}, MinCapacity=1)
        refused("ValidationException", call, **{**SCALED, "ResourceId": "service/acme-dev/worker"}, MinCapacity=1)


class TestDatabases:
    def test_stop_and_start_in_their_own_time(self, rds: Any, aws: AwsStandIn, clock: Clock) -> None:
        def status() -> str:
            (found,) = rds.describe_db_instances(DBInstanceIdentifier="acme-dev-db")["DBInstances"]
            return str(found["DBInstanceStatus"])

        assert rds.stop_db_instance(DBInstanceIdentifier="acme-dev-db")["DBInstance"]["MultiAZ"] is True
        seen = [status()]
        clock.now += aws.rds.turn_time
        seen.append(status())
        rds.start_db_instance(DBInstanceIdentifier="acme-dev-db")
        seen.append(status())
        clock.now += aws.rds.turn_time
        assert [*seen, status()] == ["stopping", "stopped", "starting", "available"]

    def test_start_by_themselves_after_seven_days(self, rds: Any, aws: AwsStandIn, clock: Clock) -> None:
        rds.stop_db_cluster(DBClusterIdentifier="acme-dev-orders")
        clock.now += aws.rds.turn_time
        (found,) = rds.describe_db_clusters(DBClusterIdentifier="acme-dev-orders")["DBClusters"]
        assert found["AutomaticRestartTime"] == clock.now + timedelta(days=7)
        clock.now += timedelta(days=7)
        (found,) = rds.describe_db_clusters(DBClusterIdentifier="acme-dev-orders")["DBClusters"]
        assert found["Status"] == "starting"
        assert "AutomaticRestartTime" not in found

    def test_refuse_to_stop_or_start_twice(self, rds: Any) -> None:
        refused("InvalidDBInstanceState", rds.start_db_instance, DBInstanceIdentifier="acme-dev-db")
        rds.stop_db_instance(DBInstanceIdentifier="acme-dev-db")
        refused("InvalidDBInstanceState", rds.stop_db_instance, DBInstanceIdentifier="acme-dev-db")
        refused("InvalidDBClusterStateFault", rds.start_db_cluster, DBClusterIdentifier="acme-dev-orders")
        rds.stop_db_cluster(DBClusterIdentifier="acme-dev-orders")
        refused("InvalidDBClusterStateFault", rds.stop_db_cluster, DBClusterIdentifier="acme-dev-orders")

    @pytest.mark.parametrize("name", [found.name for found in ODD])
    def test_that_aws_never_stops_are_refused(self, rds: Any, name: str) -> None:
        refused("InvalidDBInstanceState", rds.stop_db_instance, DBInstanceIdentifier=name)

    @pytest.mark.parametrize("name", [found.name for found in ODD_CLUSTERS])
    def test_clusters_that_aws_never_stops_are_refused(self, rds: Any, name: str) -> None:
        refused("InvalidDBClusterStateFault", rds.stop_db_cluster, DBClusterIdentifier=name)

    def test_of_other_names_kinds_or_accounts_do_not_exist(self, rds: Any) -> None:
        for name in ("gone", "acme-dev-orders", "acme-prod-db"):
            refused("DBInstanceNotFound", rds.describe_db_instances, DBInstanceIdentifier=name)
        refused("DBClusterNotFoundFault", rds.describe_db_clusters, DBClusterIdentifier="acme-dev-db")

    def test_are_not_read_in_ways_that_nobody_needs(self, rds: Any) -> None:
        refused("ValidationError", rds.describe_db_instances)
        refused("ValidationError", rds.describe_db_instances, DBInstanceIdentifier="acme-dev-db", MaxRecords=20)
        refused("InvalidAction", rds.describe_db_engine_versions)


def test_the_page_shows_what_runs(url: str) -> None:
    import urllib.request

    with urllib.request.urlopen(f"{url}/sandbox/aws") as answer:
        page = answer.read().decode()
    assert "<td>acme-dev</td><td>api</td><td>2</td><td>2</td>" in page
    assert "<td>acme-dev-db</td><td>available</td>" in page
