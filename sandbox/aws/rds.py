"""Relational Database Service as far as databases stop and start: in their own time, and only where AWS allows it.

What was stopped starts by itself after seven days, as the real one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.wire import Operation, Parameters, QueryProtocol, Result
from sandbox.aws.world import RdsDatabase

RESTARTS_AFTER = timedelta(days=7)
_AFTERWARDS = {"stopping": "stopped", "starting": "available"}


@dataclass(slots=True)
class RunningDatabase:
    """A DB instance or cluster; what it is becoming it has become at `settles_at`."""

    spec: RdsDatabase
    status: str = "available"
    settles_at: datetime | None = None
    restarts_at: datetime | None = None


class Rds:
    """The databases of every account. `turn_time` is how long one takes to stop or start."""

    unsigned: frozenset[str] = frozenset()

    def __init__(
        self, databases: Iterable[RdsDatabase], clock: Callable[[], datetime], lock: threading.RLock
    ) -> None:
        self.protocol = QueryProtocol("rds")
        self.turn_time = timedelta(seconds=3)
        self._clock = clock
        self._lock = lock
        self._databases = {(spec.account, spec.name): RunningDatabase(spec) for spec in databases}
        self.operations = {
            "DescribeDBInstances": Operation(self._describe_instances, "DBInstanceIdentifier"),
            "StopDBInstance": Operation(self._stop_instance, "DBInstanceIdentifier"),
            "StartDBInstance": Operation(self._start_instance, "DBInstanceIdentifier"),
            "DescribeDBClusters": Operation(self._describe_clusters, "DBClusterIdentifier"),
            "StopDBCluster": Operation(self._stop_cluster, "DBClusterIdentifier"),
            "StartDBCluster": Operation(self._start_cluster, "DBClusterIdentifier"),
        }

    # What people and AWS itself do

    def databases(self) -> list[RunningDatabase]:
        """Every database as it is now."""
        with self._lock:
            for database in self._databases.values():
                self._settle(database)
            return list(self._databases.values())

    def find(self, account: str, name: str) -> RunningDatabase:
        """One database as it is now; KeyError if there is none."""
        with self._lock:
            database = self._databases[account, name]
            self._settle(database)
            return database

    def turn(self, account: str, name: str, status: str) -> None:
        """Begin to stop (`stopping`) or start (`starting`) a database, or let it be something else for good."""
        with self._lock:
            self._begin(self.find(account, name), status, self._clock())

    def delete(self, account: str, name: str) -> None:
        with self._lock:
            del self._databases[account, name]

    def _settle(self, database: RunningDatabase) -> None:
        self._become(database)
        if database.restarts_at and self._clock() >= database.restarts_at:
            self._begin(database, "starting", database.restarts_at)
            self._become(database)

    def _become(self, database: RunningDatabase) -> None:
        if database.settles_at is None or self._clock() < database.settles_at:
            return
        database.status = _AFTERWARDS[database.status]
        if database.status == "stopped":
            database.restarts_at = database.settles_at + RESTARTS_AFTER
        database.settles_at = None

    def _begin(self, database: RunningDatabase, status: str, at: datetime) -> None:
        database.status, database.restarts_at = status, None
        database.settles_at = at + self.turn_time if status in _AFTERWARDS else None

    # The operations

    def _describe_instances(self, caller: Caller, parameters: Parameters) -> Result:
        return {"DBInstances": [_instance(self._asked(caller, parameters, is_cluster=False))]}

    def _describe_clusters(self, caller: Caller, parameters: Parameters) -> Result:
        return {"DBClusters": [_cluster(self._asked(caller, parameters, is_cluster=True))]}

    def _stop_instance(self, caller: Caller, parameters: Parameters) -> Result:
        database = self._asked(caller, parameters, is_cluster=False)
        spec, name = database.spec, database.spec.name
        if spec.member_of or spec.replica_of or spec.replicas:
            raise _instance_state(f"Cannot stop DB instance {name}: it is part of a cluster or of replication.")
        if spec.engine.startswith("sqlserver") and spec.multi_az:
            raise _instance_state(f"Cannot stop DB instance {name}: Multi-AZ SQL Server.")
        if database.status != "available":
            raise _instance_state(f"Instance {name} is not in available state.")
        self.turn(caller.account, name, "stopping")
        return {"DBInstance": _instance(database)}

    def _start_instance(self, caller: Caller, parameters: Parameters) -> Result:
        database = self._asked(caller, parameters, is_cluster=False)
        if database.status != "stopped":
            raise _instance_state(f"Instance {database.spec.name} is not stopped or inaccessible.")
        self.turn(caller.account, database.spec.name, "starting")
        return {"DBInstance": _instance(database)}

    def _stop_cluster(self, caller: Caller, parameters: Parameters) -> Result:
        database = self._asked(caller, parameters, is_cluster=True)
        spec = database.spec
        if spec.global_cluster or spec.replicas or spec.replica_of or spec.engine_mode != "provisioned":
            raise _cluster_state(f"Cannot stop DB cluster {spec.name}.")
        if database.status != "available":
            raise _cluster_state(f"DbCluster {spec.name} is not in available state.")
        self.turn(caller.account, spec.name, "stopping")
        return {"DBCluster": _cluster(database)}

    def _start_cluster(self, caller: Caller, parameters: Parameters) -> Result:
        database = self._asked(caller, parameters, is_cluster=True)
        if database.status != "stopped":
            raise _cluster_state(f"DbCluster {database.spec.name} is not in stopped state.")
        self.turn(caller.account, database.spec.name, "starting")
        return {"DBCluster": _cluster(database)}

    def _asked(self, caller: Caller, parameters: Parameters, *, is_cluster: bool) -> RunningDatabase:
        kind = "DBCluster" if is_cluster else "DBInstance"
        name = parameters.get(f"{kind}Identifier")
        if name is None:
            raise AwsError("ValidationError", f"the sandbox wants a {kind}Identifier")
        found = self._databases.get((caller.account, name))
        if found is None or found.spec.is_cluster != is_cluster:
            code = "DBClusterNotFoundFault" if is_cluster else "DBInstanceNotFound"
            raise AwsError(code, f"{kind} {name} not found.")
        return self.find(caller.account, name)


def _instance_state(sentence: str) -> AwsError:
    return AwsError("InvalidDBInstanceState", sentence)


def _cluster_state(sentence: str) -> AwsError:
    return AwsError("InvalidDBClusterStateFault", sentence)


def _instance(database: RunningDatabase) -> dict[str, Any]:
    spec = database.spec
    facts = {
        "DBInstanceIdentifier": spec.name,
        "Engine": spec.engine,
        "DBInstanceStatus": database.status,
        "MultiAZ": spec.multi_az,
        "ReadReplicaDBInstanceIdentifiers": list(spec.replicas),
        "ReadReplicaSourceDBInstanceIdentifier": spec.replica_of,
        "DBClusterIdentifier": spec.member_of,
        "AutomaticRestartTime": database.restarts_at,
    }
    return _known(facts)


def _cluster(database: RunningDatabase) -> dict[str, Any]:
    spec = database.spec
    facts = {
        "DBClusterIdentifier": spec.name,
        "Engine": spec.engine,
        "EngineMode": spec.engine_mode,
        "Status": database.status,
        "GlobalClusterIdentifier": spec.global_cluster,
        "ReadReplicaIdentifiers": list(spec.replicas),
        "ReplicationSourceIdentifier": spec.replica_of,
        "AutomaticRestartTime": database.restarts_at,
    }
    return _known(facts)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    """Leave out what AWS leaves out: names and moments that do not exist."""
    return {name: value for name, value in facts.items() if value not in ("", None)}
