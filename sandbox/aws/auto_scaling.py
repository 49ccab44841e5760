"""Application Auto Scaling as far as ECS services have limits: registering moves a count between them at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.ecs import Ecs, Limits, RunningService
from sandbox.aws.errors import AwsError
from sandbox.aws.wire import JsonProtocol, Operation, Parameters, Result

_DIMENSION = "ecs:service:DesiredCount"
_IDS_AT_ONCE = 50
_BORN = datetime(2026, 1, 1, tzinfo=UTC)


class AutoScaling:
    """The scalable targets of ECS services."""

    unsigned: frozenset[str] = frozenset()

    def __init__(self, ecs: Ecs) -> None:
        self.protocol = JsonProtocol("application-autoscaling")
        self._ecs = ecs
        self.policies: dict[tuple[str, str], dict[str, Any]] = {}  # by resource and name
        self.schedules: dict[tuple[str, str], dict[str, Any]] = {}
        what = "ServiceNamespace ResourceId ScalableDimension"
        self.operations = {
            "DescribeScalableTargets": Operation(self._describe, "ServiceNamespace ResourceIds ScalableDimension"),
            "RegisterScalableTarget": Operation(
                self._register,
                "ServiceNamespace ResourceId ScalableDimension MinCapacity MaxCapacity SuspendedState",
            ),
            "DeregisterScalableTarget": Operation(self._deregister, what),
            "DescribeScalingPolicies": Operation(self._describe_policies, what),
            "PutScalingPolicy": Operation(
                self._put_policy, f"{what} PolicyName PolicyType TargetTrackingScalingPolicyConfiguration"
            ),
            "DescribeScheduledActions": Operation(self._describe_schedules, what),
            "PutScheduledAction": Operation(
                self._put_schedule, f"{what} ScheduledActionName Schedule Timezone ScalableTargetAction"
            ),
        }

    def _describe(self, caller: Caller, parameters: Parameters) -> Result:
        _insist_on_ecs(parameters)
        wanted: list[str] = parameters.get("ResourceIds", [])
        if not 1 <= len(wanted) <= _IDS_AT_ONCE:
            raise AwsError("ValidationException", "ResourceIds must have 1 to 50 elements here")
        here = [s for s in self._ecs.services() if s.spec.account == caller.account and _id(s) in wanted]
        return {"ScalableTargets": [_described(service, s) for service in here if (s := service.limits)]}

    def _register(self, caller: Caller, parameters: Parameters) -> Result:
        _insist_on_ecs(parameters)
        service = self._service(caller, parameters["ResourceId"])
        known = service.limits or _new_limits(parameters)
        suspended = parameters.get("SuspendedState", {})
        limits = replace(
            known,
            minimum=parameters.get("MinCapacity", known.minimum),
            maximum=parameters.get("MaxCapacity", known.maximum),
            scale_in_suspended=suspended.get("DynamicScalingInSuspended", known.scale_in_suspended),
            scale_out_suspended=suspended.get("DynamicScalingOutSuspended", known.scale_out_suspended),
            scheduled_suspended=suspended.get("ScheduledScalingSuspended", known.scheduled_suspended),
        )
        if not 0 <= limits.minimum <= limits.maximum:
            raise AwsError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
        service.limits = limits
        within = min(max(service.desired, limits.minimum), limits.maximum)
        if within != service.desired:
            self._ecs.scale(caller.account, service.spec.cluster, service.spec.name, within)
        return {"ScalableTargetARN": _arn(service)}

    def _deregister(self, caller: Caller, parameters: Parameters) -> Result:
        service = self._registered(caller, parameters)
        service.limits = None
        resource = parameters["ResourceId"]
        self.policies = {key: one for key, one in self.policies.items() if key[0] != resource}
        self.schedules = {key: one for key, one in self.schedules.items() if key[0] != resource}
        return {}

    def _describe_policies(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        return {"ScalingPolicies": [o for k, o in self.policies.items() if k[0] == parameters["ResourceId"]]}

    def _describe_schedules(self, caller: Caller, parameters: Parameters) -> Result:  # noqa: ARG002
        return {"ScheduledActions": [o for k, o in self.schedules.items() if k[0] == parameters["ResourceId"]]}

    def _put_policy(self, caller: Caller, parameters: Parameters) -> Result:
        self._registered(caller, parameters)
        resource, name = parameters["ResourceId"], parameters["PolicyName"]
        arn = f"arn:aws:autoscaling:eu-west-1:{caller.account}:scalingPolicy:1:policyName/{name}"
        self.policies[resource, name] = {**parameters, "PolicyARN": arn, "CreationTime": _BORN}
        return {"PolicyARN": arn}

    def _put_schedule(self, caller: Caller, parameters: Parameters) -> Result:
        self._registered(caller, parameters)
        resource, name = parameters["ResourceId"], parameters["ScheduledActionName"]
        arn = f"arn:aws:autoscaling:eu-west-1:{caller.account}:scheduledAction:1:scheduledActionName/{name}"
        self.schedules[resource, name] = {**parameters, "ScheduledActionARN": arn, "CreationTime": _BORN}
        return {}

    def _registered(self, caller: Caller, parameters: Parameters) -> RunningService:
        _insist_on_ecs(parameters)
        for service in self._ecs.services():
            if (service.spec.account, _id(service)) == (
                caller.account,
                parameters["ResourceId"],
            ) and service.limits:
                return service
        raise AwsError("ObjectNotFoundException", f"No scalable target found for {parameters['ResourceId']}")

    def _service(self, caller: Caller, resource: str) -> RunningService:
        for service in self._ecs.services():
            if (service.spec.account, _id(service)) == (caller.account, resource):
                return service
        raise AwsError("ValidationException", f"ECS service doesn't exist: {resource}")


def _insist_on_ecs(parameters: Parameters) -> None:
    if (parameters["ServiceNamespace"], parameters.get("ScalableDimension")) != ("ecs", _DIMENSION):
        raise AwsError("ValidationException", f"the sandbox knows only {_DIMENSION} of ecs")


def _new_limits(parameters: Parameters) -> Limits:
    if not {"MinCapacity", "MaxCapacity"} <= parameters.keys():
        raise AwsError("ValidationException", "MinCapacity and MaxCapacity are required for a new target")
    return Limits(parameters["MinCapacity"], parameters["MaxCapacity"])


def _id(service: RunningService) -> str:
    return f"service/{service.spec.cluster}/{service.spec.name}"


def _arn(service: RunningService) -> str:
    return (
        f"{service.arn.replace(':ecs:', ':application-autoscaling:').partition(':service/')[0]}:scalable-target/1"
    )


def _described(service: RunningService, limits: Limits) -> dict[str, Any]:
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": _id(service),
        "ScalableDimension": _DIMENSION,
        "MinCapacity": limits.minimum,
        "MaxCapacity": limits.maximum,
        "RoleARN": f"arn:aws:iam::{service.spec.account}:role/aws-service-role/ecs.application-autoscaling",
        "CreationTime": _BORN,
        "SuspendedState": {
            "DynamicScalingInSuspended": limits.scale_in_suspended,
            "DynamicScalingOutSuspended": limits.scale_out_suspended,
            "ScheduledScalingSuspended": limits.scheduled_suspended,
        },
    }
