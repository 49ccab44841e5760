"""Target groups with their attributes and registered targets, and their names in place of ARNs.

What ECS registers is for ECS to register again; `reading` leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actions.executors.aws import AwsFault
from actions.executors.teardown.desk import Desk, chosen, own_tags
from actions.executors.teardown.state import Definition, Goal, Kind, Part, lacking

_PREFIX = "target-group:"  # begins a reference to a target group by name
_NONE = "TargetGroupNotFound"
_CREATED = (
    "Protocol",
    "ProtocolVersion",
    "Port",
    "VpcId",
    "HealthCheckProtocol",
    "HealthCheckPort",
    "HealthCheckEnabled",
    "HealthCheckPath",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
    "Matcher",
    "TargetType",
    "IpAddressType",
)


@dataclass(frozen=True, slots=True)
class TargetGroups:
    """The target groups to which the environment's load balancers forward."""

    desk: Desk

    def find(self, name: str, wanted: Definition | None = None) -> Part | None:  # noqa: ARG002
        facts = self.desk.find("elbv2", "describe_target_groups", "TargetGroups", _NONE, Names=[name])
        if facts is None:
            return None
        arn = facts["TargetGroupArn"]
        tags = self.desk.read("elbv2", "describe_tags", ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
        creation = {**chosen(facts, *_CREATED), **({"Tags": own_tags(tags)} if own_tags(tags) else {})}
        found = {"group": creation, "attributes": self._attributes(arn), "targets": self._targets(arn)}
        return Part(Kind.GROUP, name, "there", is_ready=True, definition=found)

    def down(self, goal: Goal) -> str:
        facts = self.desk.find("elbv2", "describe_target_groups", "TargetGroups", _NONE, Names=[goal.name])
        if facts is None:
            return ""
        try:
            self.desk.write("elbv2", "delete_target_group", goal.name, TargetGroupArn=facts["TargetGroupArn"])
        except AwsFault as fault:
            if fault.code != "ResourceInUse":
                raise
            return "still in use"
        return "deleting"

    def up(self, goal: Goal) -> str:
        part, name = self.find(goal.name), goal.name
        if part is None:
            self.desk.write("elbv2", "create_target_group", name, Name=name, **goal.definition["group"])
            return "creating"
        arn = arn_of(self.desk, name)
        if attributes := lacking(part.definition, goal.definition, "attributes"):
            pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
            self.desk.write("elbv2", "modify_target_group_attributes", name, TargetGroupArn=arn, Attributes=pairs)
        if targets := lacking(part.definition, goal.definition, "targets"):
            self.desk.write("elbv2", "register_targets", name, TargetGroupArn=arn, Targets=list(targets.values()))
        return ""

    def used_by(self, balancer_arn: str) -> list[str]:
        """Return the names of the target groups to which a load balancer forwards."""
        found = self.desk.all("elbv2", "describe_target_groups", "TargetGroups", LoadBalancerArn=balancer_arn)
        return sorted(group["TargetGroupName"] for group in found)

    def _attributes(self, arn: str) -> dict[str, Any]:
        found = self.desk.read("elbv2", "describe_target_group_attributes", TargetGroupArn=arn)["Attributes"]
        return {pair["Key"]: pair["Value"] for pair in found}

    def _targets(self, arn: str) -> dict[str, Any]:
        found = self.desk.read("elbv2", "describe_target_health", TargetGroupArn=arn)["TargetHealthDescriptions"]
        targets = [one["Target"] for one in found]
        return {f"{target['Id']}:{target.get('Port', '')}": target for target in targets}


def arn_of(desk: Desk, name: str) -> str:
    """Return the ARN that a target group has now. AwsFault if there is none."""
    found = desk.read("elbv2", "describe_target_groups", Names=[name])["TargetGroups"]
    return str(found[0]["TargetGroupArn"])


def by_name(value: Any) -> Any:
    """Return *value* with target groups named in place of their ARNs."""
    if isinstance(value, dict):
        return {key: by_name(item) for key, item in value.items()}
    if isinstance(value, list):
        return [by_name(item) for item in value]
    if isinstance(value, str) and value.startswith("arn:") and ":targetgroup/" in value:
        return _PREFIX + value.partition(":targetgroup/")[2].partition("/")[0]
    return value


def with_arns(desk: Desk, value: Any) -> Any:
    """Return *value* with the ARNs that its target groups have now."""
    if isinstance(value, dict):
        return {key: with_arns(desk, item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_arns(desk, item) for item in value]
    if isinstance(value, str) and value.startswith(_PREFIX):
        return arn_of(desk, value.removeprefix(_PREFIX))
    return value


def referred(value: Any) -> set[str]:
    """Return the names of the target groups that *value* names."""
    if isinstance(value, dict):
        return {name for item in value.values() for name in referred(item)}
    if isinstance(value, list):
        return {name for item in value for name in referred(item)}
    if isinstance(value, str) and value.startswith(_PREFIX):
        return {value.removeprefix(_PREFIX)}
    return set()
