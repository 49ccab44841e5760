"""Load balancers, NAT gateways and restores in the sandbox: the refusals that a careless teardown would meet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import AwsStandIn, sample_world
from sandbox.aws.clients import NONPROD_APPLY, client
from sandbox.serving import Server


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(clock: Clock) -> Iterator[str]:
    with Server(AwsStandIn(sample_world(), clock=clock).app) as server:
        yield server.url


def refused(code: str, call: Any, **parameters: Any) -> None:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    assert error.value.response["Error"]["Code"] == code


def balancer_of(elb: Any) -> str:
    return str(elb.describe_load_balancers(Names=["acme-dev"])["LoadBalancers"][0]["LoadBalancerArn"])


def group_of(elb: Any, name: str = "acme-dev-api") -> str:
    return str(elb.describe_target_groups(Names=[name])["TargetGroups"][0]["TargetGroupArn"])


def test_a_target_group_in_use_and_a_protected_balancer_are_not_deleted(url: str, clock: Clock) -> None:
    elb = client(url, "elbv2", NONPROD_APPLY)
    arn, group = balancer_of(elb), group_of(elb)
    refused("ResourceInUse", elb.delete_target_group, TargetGroupArn=group)
    protect = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protect)
    refused("OperationNotPermitted", elb.delete_load_balancer, LoadBalancerArn=arn)
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{**protect[0], "Value": "false"}])
    elb.delete_load_balancer(LoadBalancerArn=arn)
    refused("ResourceInUse", elb.delete_target_group, TargetGroupArn=group)
    clock.now += timedelta(seconds=2)
    elb.delete_target_group(TargetGroupArn=group)
    refused("TargetGroupNotFound", elb.describe_target_groups, Names=["acme-dev-api"])


def test_a_listener_and_a_rule_want_a_free_place_and_a_target_group(url: str) -> None:
    elb = client(url, "elbv2", NONPROD_APPLY)
    arn, forward = balancer_of(elb), [{"Type": "forward", "TargetGroupArn": group_of(elb)}]
    listener = {"LoadBalancerArn": arn, "Protocol": "HTTP", "DefaultActions": forward}
    refused("DuplicateListener", elb.create_listener, Port=443, **listener)
    gone = [{"Type": "forward", "TargetGroupArn": f"{group_of(elb)}0"}]
    refused("TargetGroupNotFound", elb.create_listener, Port=80, **{**listener, "DefaultActions": gone})
    refused("ValidationError", elb.create_listener, Port=80, **{**listener, "Protocol": "HTTPS"})
    (there,) = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    rule = elb.describe_rules(ListenerArn=there["ListenerArn"])["Rules"][0]
    both = {"ListenerArn": there["ListenerArn"], "Actions": forward, "Conditions": rule["Conditions"]}
    refused("ValidationError", elb.create_rule, Priority=11, **both)
    path = [{"Field": "path-pattern", "Values": ["/x"]}]
    refused("PriorityInUse", elb.create_rule, Priority=10, **{**both, "Conditions": path})


def test_a_service_wants_a_target_group_that_a_balancer_serves_and_no_tasks_when_it_goes(url: str) -> None:
    ecs = client(url, "ecs", NONPROD_APPLY)
    elb = client(url, "elbv2", NONPROD_APPLY)
    where = {"cluster": "acme-dev", "service": "worker"}
    refused("InvalidParameterException", ecs.delete_service, **where)
    ecs.update_service(**where, desiredCount=0)
    ecs.delete_service(**where)
    new = {"cluster": "acme-dev", "serviceName": "worker", "taskDefinition": "worker:1", "desiredCount": 1}
    refused("InvalidParameterException", ecs.create_service, **new)
    alone = elb.create_target_group(Name="alone", Protocol="HTTP", Port=80, VpcId="vpc-1")["TargetGroups"][0]
    group = [{"targetGroupArn": alone["TargetGroupArn"], "containerName": "x", "containerPort": 80}]
    refused("InvalidParameterException", ecs.create_service, **{**new, "serviceName": "x"}, loadBalancers=group)


def test_an_address_serves_one_gateway_and_a_deleted_one_leaves_a_blackhole(url: str, clock: Clock) -> None:
    ec2 = client(url, "ec2", NONPROD_APPLY)
    named = [{"Name": "tag:Name", "Values": ["acme-dev-a"]}]
    (gateway,) = ec2.describe_nat_gateways(Filter=named)["NatGateways"]
    address = gateway["NatGatewayAddresses"][0]["AllocationId"]
    refused("Resource.AlreadyAssociated", ec2.create_nat_gateway, SubnetId="subnet-1", AllocationId=address)
    ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    refused("Resource.AlreadyAssociated", ec2.create_nat_gateway, SubnetId="subnet-1", AllocationId=address)
    clock.now += timedelta(seconds=2)
    (table,) = ec2.describe_route_tables(RouteTableIds=["rtb-0de0a110000000001"])["RouteTables"]
    assert [route["State"] for route in table["Routes"]] == ["active", "blackhole"]
    new = {"SubnetId": "subnet-1", "AllocationId": address, "ClientToken": "once"}
    made = ec2.create_nat_gateway(**new)["NatGateway"]["NatGatewayId"]
    assert ec2.create_nat_gateway(**new)["NatGateway"]["NatGatewayId"] == made
    route = {"RouteTableId": "rtb-0de0a110000000001", "DestinationCidrBlock": "0.0.0.0/0"}
    refused("InvalidNatGatewayID.NotFound", ec2.replace_route, **route, NatGatewayId=made)
    clock.now += timedelta(seconds=2)
    ec2.replace_route(**route, NatGatewayId=made)


def test_a_database_goes_with_a_snapshot_and_comes_back_with_defaults(url: str, clock: Clock) -> None:
    rds = client(url, "rds", NONPROD_APPLY)
    one, final = {"DBInstanceIdentifier": "acme-dev-db"}, {"FinalDBSnapshotIdentifier": "last"}
    refused("InvalidParameterCombination", rds.delete_db_instance, **one)
    rds.modify_db_instance(**one, DeletionProtection=True, ApplyImmediately=True)
    clock.now += timedelta(seconds=3)
    refused("InvalidParameterCombination", rds.delete_db_instance, **one, **final)
    rds.modify_db_instance(**one, DeletionProtection=False, ApplyImmediately=True)
    clock.now += timedelta(seconds=3)
    rds.delete_db_instance(**one, **final)
    restore = {**one, "DBSnapshotIdentifier": "last"}
    refused("InvalidDBSnapshotState", rds.restore_db_instance_from_db_snapshot, **restore)
    clock.now += timedelta(seconds=3)
    found = rds.restore_db_instance_from_db_snapshot(**restore)["DBInstance"]
    assert (found["DBInstanceStatus"], found["MultiAZ"], found["AllocatedStorage"]) == ("creating", False, 100)
    refused("DBInstanceAlreadyExists", rds.restore_db_instance_from_db_snapshot, **restore)


def test_a_cluster_with_members_is_not_deleted(url: str) -> None:
    rds = client(url, "rds", NONPROD_APPLY)
    cluster = {"DBClusterIdentifier": "acme-dev-orders", "FinalDBSnapshotIdentifier": "last"}
    refused("InvalidDBClusterStateFault", rds.delete_db_cluster, **cluster)
    member = {"DBInstanceIdentifier": "acme-dev-orders-1"}
    refused("InvalidParameterCombination", rds.delete_db_instance, **member, FinalDBSnapshotIdentifier="x")
