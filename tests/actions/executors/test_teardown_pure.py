"""What is never torn down, and how definitions are read: pure rules over what AWS describes."""

from __future__ import annotations

from typing import Any

import pytest

from actions.executors.protocol import Before, TargetFault
from actions.executors.teardown import balancers, clusters, gateways, groups, instances, services
from actions.executors.teardown.memory import read_memories
from actions.executors.teardown.state import is_whole, lacking

ARN = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:targetgroup/web/0123456789abcdef"
SERVICE: dict[str, Any] = {"desiredCount": 2, "schedulingStrategy": "REPLICA", "taskDefinition": "web:7"}
HELD = {"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": True, "ScheduledScalingSuspended": True}


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"DBClusterIdentifier": "orders"}, "member of the cluster orders"),
        ({"Engine": "custom-oracle-ee"}, "RDS Custom"),
        ({"ReadReplicaSourceDBInstanceIdentifier": "source"}, "read replica"),
        ({"ReadReplicaDBInstanceIdentifiers": ["copy"]}, "it has read replicas (copy)"),
        ({"MasterUserSecret": {"SecretArn": "arn"}}, "password"),
        ({"AssociatedRoles": [{"RoleArn": "arn"}]}, "IAM roles"),
        ({"DomainMemberships": [{"Domain": "d-1"}]}, "domain"),
    ],
)
def test_an_instance_that_would_not_come_back_as_it_was_is_an_obstacle(facts: dict[str, Any], why: str) -> None:
    assert why in instances._obstacle({"Engine": "postgres", **facts})
    assert instances._obstacle({"Engine": "postgres"}) == ""


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"Engine": "mysql"}, "no Aurora"),
        ({"EngineMode": "serverless"}, "engine mode is serverless"),
        ({"GlobalClusterIdentifier": "world"}, "global"),
        ({"ReadReplicaIdentifiers": ["copy"]}, "replicated"),
        ({"MasterUserSecret": {"SecretArn": "arn"}}, "password"),
    ],
)
def test_a_cluster_that_would_not_come_back_as_it_was_is_an_obstacle(facts: dict[str, Any], why: str) -> None:
    assert why in clusters._obstacle({"Engine": "aurora-mysql", **facts})
    assert clusters._obstacle({"Engine": "aurora-mysql"}) == ""


@pytest.mark.parametrize(
    ("facts", "scaling", "why"),
    [
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, {}, "CODE_DEPLOY"),
        ({}, {"policy/steps": {"PolicyType": "StepScaling"}}, "alarms"),
        ({}, {"limits": {"MinCapacity": 0, "SuspendedState": HELD}}, "end the stop first"),
    ],
)
def test_a_service_that_would_not_come_back_as_it_was_is_an_obstacle(
    facts: dict[str, Any], scaling: dict[str, Any], why: str
) -> None:
    assert why in services._obstacle(facts, scaling)


def test_load_balancers_and_gateways_of_other_kinds_are_obstacles() -> None:
    empty: dict[str, dict[str, Any]] = {"listeners": {}, "rules": {}}
    assert "gateway load balancer" in balancers._obstacle({"Type": "gateway"}, empty)
    rule = {"1": {"Actions": [{"Type": "authenticate-oidc"}]}}
    assert "client secret" in balancers._obstacle({"Type": "application"}, {**empty, "rules": rule})
    assert "regional" in gateways._obstacle({"AvailabilityMode": "regional"})


def test_a_service_is_created_with_what_it_had_and_nothing_that_aws_would_refuse() -> None:
    made = services._creation(
        {
            **SERVICE,
            "launchType": "FARGATE",
            "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}],
            "healthCheckGracePeriodSeconds": 60,
            "roleArn": "arn:aws:iam::1:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            "tags": [{"key": "aws:cloudformation:stack-name", "value": "x"}, {"key": "team", "value": "web"}],
            "deployments": [{"status": "PRIMARY", "serviceConnectConfiguration": {"enabled": True}}],
        }
    )
    assert made == {
        "taskDefinition": "web:7",
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}],
        "schedulingStrategy": "REPLICA",
        "serviceConnectConfiguration": {"enabled": True},
        "desiredCount": 2,
        "tags": [{"key": "team", "value": "web"}],
    }


def test_target_groups_are_named_wherever_their_arns_stand() -> None:
    named = groups.by_name(
        {"Actions": [{"ForwardConfig": {"TargetGroups": [{"TargetGroupArn": ARN, "Weight": 1}]}}]}
    )
    assert named == {
        "Actions": [{"ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "target-group:web", "Weight": 1}]}}]
    }
    assert groups.referred(named) == {"web"}


def test_a_rule_is_recorded_as_it_can_be_created() -> None:
    rule = {
        "Conditions": [
            {"Field": "path-pattern", "Values": ["/x"], "PathPatternConfig": {"Values": ["/x"]}},
            {"Field": "host-header", "Values": ["example.com"]},
        ],
        "Actions": [{"Type": "forward", "TargetGroupArn": ARN, "ForwardConfig": {"TargetGroups": []}}],
    }
    assert balancers._rule(rule) == {
        "Conditions": [
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/x"]}},
            {"Field": "host-header", "Values": ["example.com"]},
        ],
        "Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": []}}],
    }


def test_addresses_of_load_balancers_and_gateways_are_kept() -> None:
    zone = {"SubnetId": "subnet-1", "LoadBalancerAddresses": [{"AllocationId": "eipalloc-1", "IpAddress": "x"}]}
    assert balancers._mapping(zone) == {"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"}
    addresses = [{"AllocationId": "eipalloc-2"}, {"AllocationId": "eipalloc-1", "IsPrimary": True}]
    made = gateways._creation({"SubnetId": "subnet-1", "NatGatewayAddresses": addresses, "Tags": []})
    assert (made["AllocationId"], made["SecondaryAllocationIds"]) == ("eipalloc-1", ["eipalloc-2"])


def test_what_is_lacking_is_by_value_for_settings_and_by_presence_for_things() -> None:
    wanted = {"settings": {"a": 1}, "rules": {"443/10": {"x": 1}}}
    assert lacking({"settings": {"a": 2}}, wanted, "settings") == {"a": 1}
    assert lacking({"rules": {"443/10": {"x": 2}}}, wanted, "rules") == {}
    assert is_whole({"settings": {"a": 1}, "rules": {"443/10": {}}}, wanted)
    assert not is_whole({"settings": {"a": 1}}, wanted)


@pytest.mark.parametrize("facts", [{"x/y": {}}, {"rds/db": {"phase": "gone"}}, {"rds/db": 1}, []])
def test_a_record_that_cannot_be_read_stops_everything(facts: Any) -> None:
    with pytest.raises(TargetFault, match=r"The record it-222222\.before\.yaml cannot be read"):
        read_memories(Before("it-222222", {"infra/x": facts}), "infra/x")
