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
        self.operations = {
            "DescribeScalableTargets": Operation(self._describe, "ServiceNamespace ResourceIds ScalableDimension"),
            "RegisterScalableTarget": Operation(
                self._register,
                "ServiceNamespace ResourceId ScalableDimension MinCapacity MaxCapacity SuspendedState",
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
