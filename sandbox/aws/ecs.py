"""Elastic Container Service as far as services are counted: tasks come and go in their own time.

Automatic scaling that is not suspended raises a count below its minimum again, as the real one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
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
        self, services: Iterable[EcsService], clock: Callable[[], datetime], lock: threading.RLock
    ) -> None:
        self.protocol = JsonProtocol("ecs")
        self.protocol.invalid = "InvalidParameterException"
        self.turn_time = timedelta(seconds=2)
        self._clock = clock
        self._lock = lock
        self._services = {
            (spec.account, spec.cluster, spec.name): RunningService(
                spec, spec.desired, spec.desired, Limits(*spec.limits) if spec.limits else None
            )
            for spec in services
        }
        self.operations = {
            "ListServices": Operation(self._list, "cluster nextToken maxResults"),
            "DescribeServices": Operation(self._describe, "cluster services"),
            "UpdateService": Operation(self._update, "cluster service desiredCount"),
        }

    # What people and other services of AWS do

    def services(self) -> list[RunningService]:
        """Every service as it is now."""
        with self._lock:
            for service in self._services.values():
                self._settle(service)
            return list(self._services.values())

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
        if limits and not limits.scale_out_suspended and service.desired < limits.minimum:
            service.desired = limits.minimum
            service.settles_at = now + self.turn_time

    # The operations

    def _list(self, caller: Caller, parameters: Parameters) -> Result:
        size = parameters.get("maxResults", _LISTED_BY_DEFAULT)
        if not 1 <= size <= _LISTED_AT_ONCE:
            raise AwsError("InvalidParameterException", "maxResults must be between 1 and 100")
        arns = [service.arn for service in self._cluster(caller, parameters)]
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
        if service.spec.daemon:
            sentence = "The daemon scheduling strategy does not support a desired count for services."
            raise AwsError("InvalidParameterException", sentence)
        if parameters["desiredCount"] < 0:
            raise AwsError("InvalidParameterException", "desiredCount must not be negative.")
        self.scale(caller.account, service.spec.cluster, service.spec.name, parameters["desiredCount"])
        return {"service": _described(service)}

    def _cluster(self, caller: Caller, parameters: Parameters) -> list[RunningService]:
        name = parameters.get("cluster", "default").rpartition("/")[2]
        here = [s for s in self.services() if (s.spec.account, s.spec.cluster) == (caller.account, name)]
        if not here:
            raise AwsError("ClusterNotFoundException", "Cluster not found.")
        return here


def _name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


def _described(service: RunningService) -> dict[str, Any]:
    return {
        "serviceArn": service.arn,
        "serviceName": service.spec.name,
        "clusterArn": service.cluster_arn,
        "status": "ACTIVE",
        "desiredCount": service.desired,
        "runningCount": service.running,
        "pendingCount": max(0, service.desired - service.running),
        "schedulingStrategy": "DAEMON" if service.spec.daemon else "REPLICA",
    }
