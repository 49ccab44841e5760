"""Elastic Container Service as far as services are counted, deleted and created: tasks take their own time.

Automatic scaling that is not suspended raises a count below its minimum again, as the real one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.load_balancing import LoadBalancing
from sandbox.aws.wire import JsonProtocol, Operation, Parameters, Result
from sandbox.aws.world import REGION, EcsService

_DESCRIBED_AT_ONCE, _LISTED_BY_DEFAULT, _LISTED_AT_ONCE = 10, 10, 100


@dataclass(slots=True)
class Limits:
    """A scalable target: the limits, and what is suspended."""

    minimum: int
    maximum: int
    scale_in_suspended: bool = False
    scale_out_suspended: bool = False
    scheduled_suspended: bool = False


@dataclass(slots=True)
class RunningService:
    """A service with its tasks; those that are to come or go have done so at `settles_at`."""

    spec: EcsService
    desired: int
    running: int
    limits: Limits | None
    settles_at: datetime | None = None
    definition: dict[str, Any] = field(default_factory=dict)  # as it was created
    status: str = "ACTIVE"

    @property
    def cluster_arn(self) -> str:
        return f"arn:aws:ecs:{REGION}:{self.spec.account}:cluster/{self.spec.cluster}"

    @property
    def arn(self) -> str:
        return f"arn:aws:ecs:{REGION}:{self.spec.account}:service/{self.spec.cluster}/{self.spec.name}"


class Ecs:
    """The services of every account. `turn_time` is how long tasks take to start or stop."""

    unsigned: frozenset[str] = frozenset()

    def __init__(
        self,
        services: Iterable[EcsService],
        clock: Callable[[], datetime],
        lock: threading.RLock,
        balancing: LoadBalancing,
    ) -> None:
        self.protocol = JsonProtocol("ecs")
        self.protocol.invalid = "InvalidParameterException"
        self.turn_time = timedelta(seconds=2)
        self._clock = clock
        self._lock = lock
        self._balancing = balancing
        self._services = {
            (spec.account, spec.cluster, spec.name): RunningService(
                spec,
                spec.desired,
                spec.desired,
                Limits(*spec.limits) if spec.limits else None,
                definition=_definition(spec, balancing),
            )
            for spec in services
        }
        self._clusters = {(account, cluster) for account, cluster, _ in self._services}
        self.operations = {
            "ListServices": Operation(self._list, "cluster nextToken maxResults"),
            "DescribeServices": Operation(self._describe, "cluster services include"),
            "UpdateService": Operation(self._update, "cluster service desiredCount"),
            "DeleteService": Operation(self._delete, "cluster service force"),
            "CreateService": Operation(
                self._create,
                "cluster serviceName taskDefinition loadBalancers desiredCount launchType platformVersion "
                "deploymentConfiguration networkConfiguration healthCheckGracePeriodSeconds schedulingStrategy "
                "deploymentController tags enableECSManagedTags propagateTags enableExecuteCommand "
                "placementConstraints placementStrategy serviceRegistries capacityProviderStrategy "
                "availabilityZoneRebalancing",
            ),
        }

    # What people and other services of AWS do

    def services(self) -> list[RunningService]:
        """Every service as it is now, without those that were deleted."""
        with self._lock:
            for service in self._services.values():
                self._settle(service)
            return [service for service in self._services.values() if service.status != "INACTIVE"]

    def find(self, account: str, cluster: str, name: str) -> RunningService:
        """One service as it is now; KeyError if there is none."""
        with self._lock:
            service = self._services[account, cluster, name]
            self._settle(service)
            return service

    def scale(self, account: str, cluster: str, name: str, count: int) -> None:
        """Set a count, as somebody in the console or automatic scaling does."""
        with self._lock:
            service = self.find(account, cluster, name)
            service.desired = count
            service.settles_at = self._clock() + self.turn_time

    def _settle(self, service: RunningService) -> None:
        now, limits = self._clock(), service.limits
        if service.settles_at is None or now < service.settles_at:
            return
        service.running, service.settles_at = service.desired, None
        if service.status == "DRAINING":
            service.status = "INACTIVE"
            return
        if limits and not limits.scale_out_suspended and service.desired < limits.minimum:
            service.desired = limits.minimum
            service.settles_at = now + self.turn_time

    # The operations

    def _list(self, caller: Caller, parameters: Parameters) -> Result:
        size = parameters.get("maxResults", _LISTED_BY_DEFAULT)
        if not 1 <= size <= _LISTED_AT_ONCE:
            raise AwsError("InvalidParameterException", "maxResults must be between 1 and 100")
        arns = [found.arn for found in self._cluster(caller, parameters) if found.status == "ACTIVE"]
        start = int(parameters.get("nextToken", 0))
        page: dict[str, Any] = {"serviceArns": arns[start : start + size]}
        return {**page, "nextToken": str(start + size)} if start + size < len(arns) else page

    def _describe(self, caller: Caller, parameters: Parameters) -> Result:
        wanted: list[str] = parameters["services"]
        if not 1 <= len(wanted) <= _DESCRIBED_AT_ONCE:
            raise AwsError("InvalidParameterException", "Services cannot be empty or have more than 10 elements.")
        here = {service.spec.name: service for service in self._cluster(caller, parameters)}
        known = [here[name] for name in map(_name, wanted) if name in here]
        failures = [{"arn": name, "reason": "MISSING"} for name in wanted if _name(name) not in here]
        return {"services": [_described(service) for service in known], "failures": failures}

    def _update(self, caller: Caller, parameters: Parameters) -> Result:
        here = {service.spec.name: service for service in self._cluster(caller, parameters)}
        service = here.get(_name(parameters["service"]))
        if service is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        if service.status != "ACTIVE":
            raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
        if service.spec.daemon:
            sentence = "The daemon scheduling strategy does not support a desired count for services."
            raise AwsError("InvalidParameterException", sentence)
        if parameters["desiredCount"] < 0:
            raise AwsError("InvalidParameterException", "desiredCount must not be negative.")
        self.scale(caller.account, service.spec.cluster, service.spec.name, parameters["desiredCount"])
        return {"service": _described(service)}

    def _cluster(self, caller: Caller, parameters: Parameters) -> list[RunningService]:
        name = parameters.get("cluster", "default").rpartition("/")[2]
        if (caller.account, name) not in self._clusters:
            raise AwsError("ClusterNotFoundException", "Cluster not found.")
        return [s for s in self.services() if (s.spec.account, s.spec.cluster) == (caller.account, name)]

    def _delete(self, caller: Caller, parameters: Parameters) -> Result:
        here = {service.spec.name: service for service in self._cluster(caller, parameters)}
        service = here.get(_name(parameters["service"]))
        if service is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        if service.desired and not parameters.get("force"):
            raise AwsError(
                "InvalidParameterException", "The service cannot be stopped while it is scaled above 0."
            )
        service.status, service.limits, service.desired = "DRAINING", None, 0
        service.settles_at = self._clock() + self.turn_time
        return {"service": _described(service)}

    def _create(self, caller: Caller, parameters: Parameters) -> Result:
        cluster, name = parameters["cluster"], parameters["serviceName"]
        here = {service.spec.name: service for service in self._cluster(caller, parameters)}
        if name in here:
            sentence = "Creation of service was not idempotent."
            if here[name].status == "DRAINING":
                sentence = "Unable to Start a service that is still Draining."
            raise AwsError("InvalidParameterException", sentence)
        for one in parameters.get("loadBalancers", []):
            if not self._balancing.serves(one["targetGroupArn"]):
                arn = one["targetGroupArn"]
                sentence = f"The target group {arn} does not have an associated load balancer."
                raise AwsError("InvalidParameterException", sentence)
        is_daemon = parameters.get("schedulingStrategy") == "DAEMON"
        if is_daemon == ("desiredCount" in parameters):
            raise AwsError("InvalidParameterException", "desiredCount is for REPLICA services, and required there")
        gone = self._services.get((caller.account, cluster, name))
        count = gone.spec.desired if is_daemon and gone else parameters.get("desiredCount", 0)
        definition = {key: value for key, value in parameters.items() if key not in {"cluster", "desiredCount"}}
        spec = EcsService(caller.account, cluster, name, count, daemon=is_daemon)
        made = RunningService(spec, count, 0, None, self._clock() + self.turn_time, definition)
        self._services[caller.account, cluster, name] = made
        return {"service": _described(made)}


def _name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


def _definition(spec: EcsService, balancing: LoadBalancing) -> dict[str, Any]:
    """What somebody created the service with."""
    group = {
        "targetGroupArn": balancing.group_arn(spec.account, spec.target_group) if spec.target_group else "",
        "containerName": spec.name,
        "containerPort": 8080,
    }
    network = {"subnets": ["subnet-0de0a110000000001"], "securityGroups": ["sg-0de0a11000000a001"]}
    return {
        "serviceName": spec.name,
        "taskDefinition": f"arn:aws:ecs:{REGION}:{spec.account}:task-definition/{spec.cluster}-{spec.name}:7",
        "launchType": "EC2" if spec.daemon else "FARGATE",
        "schedulingStrategy": "DAEMON" if spec.daemon else "REPLICA",
        "loadBalancers": [group] if spec.target_group else [],
        "networkConfiguration": {"awsvpcConfiguration": {**network, "assignPublicIp": "DISABLED"}},
        "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100},
        "propagateTags": "SERVICE",
        "enableExecuteCommand": True,
        "tags": [{"key": "team", "value": "web"}],
    }


def _described(service: RunningService) -> dict[str, Any]:
    return {
        **service.definition,
        "serviceArn": service.arn,
        "serviceName": service.spec.name,
        "clusterArn": service.cluster_arn,
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": service.running,
        "pendingCount": max(0, service.desired - service.running),
        "schedulingStrategy": "DAEMON" if service.spec.daemon else "REPLICA",
    }
