"""The calls to ECS, Application Auto Scaling and RDS for one environment, each in one place. Decides nothing.

Writes are sent once; only a throttled one, of which nothing was done, is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from actions.executors.aws import AwsFault, Clients, ask, insist, request_id
from actions.executors.environments.obstacles import cluster_obstacle, instance_obstacle
from actions.executors.environments.state import Database, Kind, Scaling, Service
from actions.pacing import Backoff, Wait
from sallyport.changes.protocol import Access

_RETRY = Backoff(attempts=6, first=3.0)
_BUSY = frozenset({"ConcurrentUpdateException"})  # of scaling: somebody else is at the same target
_DESCRIBED_AT_ONCE = 10  # services in a call of DescribeServices
_TARGETS_AT_ONCE = 50  # resource ids in a call of DescribeScalableTargets
_ECS_SCALING: Mapping[str, str] = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}


class ServiceCalls:
    """ECS services and the limits of their automatic scaling."""

    def __init__(self, clients: Clients, access: Access, wait: Wait) -> None:
        self._clients = clients
        self._access = access
        self._read = clients.reader("ecs", access)
        self._read_scaling = clients.reader("application-autoscaling", access)
        self._wait = wait

    def services(self, cluster: str) -> list[Service] | None:
        """Return the cluster's active services; None if there is no such cluster."""
        try:
            arns = ask("ListServices", lambda: self._listed(cluster))
        except AwsFault as fault:
            if fault.code == "ClusterNotFoundException":
                return None
            raise
        found = self.tasks(cluster, arns)
        scaling = self._scaling([_scaled(cluster, service.name) for service in found])
        return [replace(service, scaling=scaling.get(_scaled(cluster, service.name))) for service in found]

    def tasks(self, cluster: str, services: Sequence[str]) -> list[Service]:
        """Return those of *services* (names or ARNs) that are active, without their scaling."""
        parts = _parts(services, _DESCRIBED_AT_ONCE)
        found = (facts for names in parts for facts in self._described(cluster, names))
        return [_service(cluster, facts) for facts in found if facts["status"] == "ACTIVE"]

    def set_count(self, service: Service, count: int) -> str:
        """Set the number of tasks that are wanted; return the request id."""
        ecs = self._clients.writer("ecs", self._access)
        answer = insist(
            "UpdateService",
            lambda: ecs.update_service(cluster=service.cluster, service=service.name, desiredCount=count),
            _RETRY,
            self._wait,
        )
        return request_id(answer)

    def set_scaling(self, service: Service, scaling: Scaling) -> str:
        """Set limits and suspensions; AWS moves the count between the limits at once. Return the request id."""
        scaler = self._clients.writer("application-autoscaling", self._access)
        answer = insist(
            "RegisterScalableTarget",
            lambda: scaler.register_scalable_target(
                **_ECS_SCALING,
                ResourceId=_scaled(service.cluster, service.name),
                MinCapacity=scaling.minimum,
                MaxCapacity=scaling.maximum,
                SuspendedState={
                    "DynamicScalingInSuspended": scaling.scale_in_suspended,
                    "DynamicScalingOutSuspended": scaling.scale_out_suspended,
                    "ScheduledScalingSuspended": scaling.scheduled_suspended,
                },
            ),
            _RETRY,
            self._wait,
            _BUSY,
        )
        return request_id(answer)

    def _listed(self, cluster: str) -> list[str]:
        pages = self._read.get_paginator("list_services").paginate(
            cluster=cluster, PaginationConfig={"PageSize": 100}
        )
        return [arn for page in pages for arn in page["serviceArns"]]

    def _described(self, cluster: str, names: Sequence[str]) -> list[Mapping[str, Any]]:
        """Describe services; those deleted since they were listed are left out."""
        answer = ask("DescribeServices", lambda: self._read.describe_services(cluster=cluster, services=names))
        found: list[Mapping[str, Any]] = answer["services"]
        return found

    def _scaling(self, resources: Sequence[str]) -> dict[str, Scaling]:
        return {
            target["ResourceId"]: _read_scaling(target)
            for ids in _parts(resources, _TARGETS_AT_ONCE)
            for target in ask("DescribeScalableTargets", partial(self._targets, ids))
        }

    def _targets(self, ids: Sequence[str]) -> list[Mapping[str, Any]]:
        pages = self._read_scaling.get_paginator("describe_scalable_targets").paginate(
            **_ECS_SCALING, ResourceIds=ids
        )
        return [target for page in pages for target in page["ScalableTargets"]]


class DatabaseCalls:
    """RDS instances and Aurora clusters."""

    def __init__(self, clients: Clients, access: Access, wait: Wait) -> None:
        self._clients = clients
        self._access = access
        self._read = clients.reader("rds", access)
        self._wait = wait

    def database(self, kind: Kind, name: str) -> Database | None:
        """Describe a database; None if there is none."""
        return self._cluster(name) if kind is Kind.CLUSTER else self._instance(name)

    def stop(self, database: Database) -> str:
        """Begin to stop a database; return the request id."""
        rds, name = self._clients.writer("rds", self._access), database.name
        if database.kind is Kind.CLUSTER:
            return self._insist("StopDBCluster", lambda: rds.stop_db_cluster(DBClusterIdentifier=name))
        return self._insist("StopDBInstance", lambda: rds.stop_db_instance(DBInstanceIdentifier=name))

    def start(self, database: Database) -> str:
        """Begin to start a database; return the request id."""
        rds, name = self._clients.writer("rds", self._access), database.name
        if database.kind is Kind.CLUSTER:
            return self._insist("StartDBCluster", lambda: rds.start_db_cluster(DBClusterIdentifier=name))
        return self._insist("StartDBInstance", lambda: rds.start_db_instance(DBInstanceIdentifier=name))

    def _instance(self, name: str) -> Database | None:
        found = self._described(
            "DescribeDBInstances",
            lambda: self._read.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0],
            "DBInstanceNotFound",
        )
        if found is None:
            return None
        return Database(
            Kind.INSTANCE,
            name,
            found["DBInstanceStatus"],
            found["Engine"],
            instance_obstacle(found),
            found.get("AutomaticRestartTime"),
        )

    def _cluster(self, name: str) -> Database | None:
        found = self._described(
            "DescribeDBClusters",
            lambda: self._read.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0],
            "DBClusterNotFoundFault",
        )
        if found is None:
            return None
        return Database(
            Kind.CLUSTER,
            name,
            found["Status"],
            found["Engine"],
            cluster_obstacle(found),
            found.get("AutomaticRestartTime"),
        )

    def _described(
        self, operation: str, call: Callable[[], Mapping[str, Any]], missing: str
    ) -> Mapping[str, Any] | None:
        try:
            return ask(operation, call)
        except AwsFault as fault:
            if fault.code == missing:
                return None
            raise

    def _insist(self, operation: str, call: Callable[[], Mapping[str, Any]]) -> str:
        return request_id(insist(operation, call, _RETRY, self._wait))


def _service(cluster: str, facts: Mapping[str, Any]) -> Service:
    is_daemon = facts.get("schedulingStrategy") == "DAEMON"
    return Service(cluster, facts["serviceName"], facts["desiredCount"], facts["runningCount"], is_daemon)


def _read_scaling(target: Mapping[str, Any]) -> Scaling:
    suspended = target.get("SuspendedState", {})
    return Scaling(
        target["MinCapacity"],
        target["MaxCapacity"],
        suspended.get("DynamicScalingInSuspended", False),
        suspended.get("DynamicScalingOutSuspended", False),
        suspended.get("ScheduledScalingSuspended", False),
    )


def _scaled(cluster: str, name: str) -> str:
    """Name a service as Application Auto Scaling does."""
    return f"service/{cluster}/{name}"


def _parts(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))
