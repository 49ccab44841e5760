"""ECS services with their automatic scaling: scaled to zero before they are deleted, created as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.executors.aws import AwsFault
from actions.executors.teardown.desk import Desk, chosen, own_tags
from actions.executors.teardown.groups import by_name, with_arns
from actions.executors.teardown.state import Definition, Goal, Kind, Part, lacking

_CREATED = (
    "taskDefinition",
    "availabilityZoneRebalancing",
    "loadBalancers",
    "serviceRegistries",
    "capacityProviderStrategy",
    "platformVersion",
    "deploymentConfiguration",
    "placementConstraints",
    "placementStrategy",
    "networkConfiguration",
    "schedulingStrategy",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
)
_OF_DEPLOYMENT = ("serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations")
_LIMITS, _POLICY, _SCHEDULE = "limits", "policy/", "schedule/"  # in this order they can be created
_SCALED = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}


@dataclass(frozen=True, slots=True)
class Services:
    """The services of the environment's clusters, named `<cluster>/<service>`."""

    desk: Desk

    def names(self, cluster: str) -> list[str] | None:
        """Return the names of the cluster's services; None if there is no such cluster."""
        try:
            arns = self.desk.all("ecs", "list_services", "serviceArns", cluster=cluster)
        except AwsFault as fault:
            if fault.code == "ClusterNotFoundException":
                return None
            raise
        return sorted(f"{cluster}/{arn.rpartition('/')[2]}" for arn in arns)

    def find(self, name: str, wanted: Definition | None = None) -> Part | None:  # noqa: ARG002
        facts = self._described(name)
        if facts is None:
            return None
        scaling = self._scaling(name)
        return Part(
            Kind.SERVICE,
            name,
            _status(facts),
            facts["status"] == "ACTIVE" and facts["runningCount"] == facts["desiredCount"],
            {"service": _creation(facts), "scaling": scaling},
            _obstacle(facts, scaling),
        )

    def down(self, goal: Goal) -> str:
        facts = self._described(goal.name)
        if facts is None:
            return ""
        if facts["status"] != "ACTIVE":
            return _status(facts)
        where, what = _where(goal.name), goal.name
        if _LIMITS in self._scaling(goal.name):
            self.desk.write("application-autoscaling", "deregister_scalable_target", what, **_scaled(goal.name))
        is_daemon = facts.get("schedulingStrategy") == "DAEMON"
        if facts["desiredCount"] and not is_daemon:
            self.desk.write("ecs", "update_service", f"{what} to 0 tasks", **where, desiredCount=0)
            return "stopping"
        if facts["runningCount"] and not is_daemon:
            return _status(facts)
        self.desk.write("ecs", "delete_service", what, **where, force=is_daemon)
        return "draining"

    def up(self, goal: Goal) -> str:
        facts = self._described(goal.name)
        if facts is None:
            creation = with_arns(self.desk, dict(goal.definition["service"]))
            cluster, _, service = goal.name.partition("/")
            self.desk.write("ecs", "create_service", goal.name, cluster=cluster, serviceName=service, **creation)
            return "starting"
        if facts["status"] != "ACTIVE":
            return _status(facts)
        found: Definition = {"scaling": self._scaling(goal.name)}
        for key, value in sorted(lacking(found, goal.definition, "scaling").items()):
            self._scale(goal.name, key, value)
        return "" if facts["runningCount"] == facts["desiredCount"] else _status(facts)

    def _scale(self, name: str, key: str, value: Any) -> None:
        method = "register_scalable_target"
        if key.startswith(_POLICY):
            method = "put_scaling_policy"
        elif key.startswith(_SCHEDULE):
            method = "put_scheduled_action"
        self.desk.write("application-autoscaling", method, f"{name} {key}", **_scaled(name), **value)

    def _described(self, name: str) -> Mapping[str, Any] | None:
        cluster, _, service = name.partition("/")
        found = self.desk.read("ecs", "describe_services", cluster=cluster, services=[service], include=["TAGS"])
        facts: Mapping[str, Any] | None = next(iter(found["services"]), None)
        return None if facts is None or facts["status"] == "INACTIVE" else facts

    def _scaling(self, name: str) -> dict[str, Any]:
        """Return limits, policies and scheduled actions under the parameters that create them."""
        scaler, one = "application-autoscaling", _scaled(name)
        many = {**_SCALED, "ResourceIds": [one["ResourceId"]]}
        limits = self.desk.all(scaler, "describe_scalable_targets", "ScalableTargets", **many)
        if not limits:
            return {}
        policies = self.desk.all(scaler, "describe_scaling_policies", "ScalingPolicies", **one)
        schedules = self.desk.all(scaler, "describe_scheduled_actions", "ScheduledActions", **one)
        return {
            _LIMITS: {key: limits[0][key] for key in ("MinCapacity", "MaxCapacity", "SuspendedState")},
            **{f"{_POLICY}{policy['PolicyName']}": _policy(policy) for policy in policies},
            **{f"{_SCHEDULE}{action['ScheduledActionName']}": _schedule(action) for action in schedules},
        }


def _creation(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of CreateService."""
    made = chosen(facts, *_CREATED)
    primary: Mapping[str, Any] = next(
        (one for one in facts.get("deployments", []) if one.get("status") == "PRIMARY"), {}
    )
    made |= chosen(primary, *_OF_DEPLOYMENT)
    if "capacityProviderStrategy" not in made:
        made |= chosen(facts, "launchType")
    if "loadBalancers" in made:
        made |= chosen(facts, "healthCheckGracePeriodSeconds")
    if "aws-service-role" not in facts.get("roleArn", "aws-service-role"):
        made["role"] = facts["roleArn"]
    if facts.get("schedulingStrategy") != "DAEMON":
        made["desiredCount"] = facts["desiredCount"]
    tags = own_tags(facts.get("tags", []), "key")
    made |= {"tags": tags} if tags else {}
    found: dict[str, Any] = by_name(made)
    return found


def _obstacle(facts: Mapping[str, Any], scaling: Mapping[str, Any]) -> str:
    controller = facts.get("deploymentController", {}).get("type", "ECS")
    if controller != "ECS":
        return f"its deployments are made by {controller}, which a restore cannot set up again"
    if any(value.get("PolicyType") == "StepScaling" for value in scaling.values()):
        return "its step scaling is started by alarms, which would point nowhere afterwards"
    limits = scaling.get(_LIMITS)
    if limits and not limits["MinCapacity"] and all(limits["SuspendedState"].values()):
        return "a stop holds its automatic scaling; end the stop first"
    return ""


def _policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    kinds = ("TargetTrackingScalingPolicyConfiguration", "PredictiveScalingPolicyConfiguration")
    return chosen(policy, "PolicyName", "PolicyType", *kinds)


def _schedule(action: Mapping[str, Any]) -> dict[str, Any]:
    names = ("ScheduledActionName", "Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction")
    return chosen(action, *names)


def _status(facts: Mapping[str, Any]) -> str:
    if facts["status"] != "ACTIVE":
        return str(facts["status"]).lower()
    return f"running {facts['runningCount']} of {facts['desiredCount']} tasks"


def _where(name: str) -> dict[str, str]:
    cluster, _, service = name.partition("/")
    return {"cluster": cluster, "service": service}


def _scaled(name: str) -> dict[str, str]:
    return {**_SCALED, "ResourceId": f"service/{name}"}
