"""Relational Database Service as far as databases stop and start: in their own time, and only where AWS allows it.

How they are deleted and restored is in `rds_restores`.

What was stopped starts by itself after seven days, as the real one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.wire import Operation, Parameters, QueryProtocol, Result
from sandbox.aws.world import RdsDatabase

RESTARTS_AFTER = timedelta(days=7)
_AFTERWARDS = {
    "stopping": "stopped",
    "starting": "available",
    "creating": "available",
    "modifying": "available",
    "deleting": "deleted",
}
_DEFAULTS: dict[str, Any] = {
    "MultiAZ": False,
    "PubliclyAccessible": False,
    "AutoMinorVersionUpgrade": True,
    "CopyTagsToSnapshot": False,
    "DeletionProtection": False,
    "BackupRetentionPeriod": 1,
    "PreferredBackupWindow": "22:00-22:30",
    "PreferredMaintenanceWindow": "mon:03:00-mon:03:30",
    "MonitoringInterval": 0,
    "DBParameterGroupName": "default",
    "VpcSecurityGroupIds": ["sg-default"],
}


@dataclass(slots=True)
class RunningDatabase:
    """A DB instance or cluster; what it is becoming it has become at `settles_at`."""

    spec: RdsDatabase
    status: str = "available"
    settles_at: datetime | None = None
    restarts_at: datetime | None = None
    settings: dict[str, Any] = field(default_factory=dict)  # under the names by which they are set
    members: tuple[RunningDatabase, ...] = ()


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
        self._databases = {
            (spec.account, spec.name): RunningDatabase(spec, settings=settings_of(spec, dict(spec.settings)))
            for spec in databases
        }
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
            for database in list(self._databases.values()):
                self._settle(database)
            found = list(self._databases.values())
            for database in found:
                here = (database.spec.account, database.spec.name)
                database.members = tuple(one for one in found if (one.spec.account, one.spec.member_of) == here)
            return found

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in {(found.spec.account, found.spec.name) for found in self.databases()}

    def add(self, spec: RdsDatabase, settings: dict[str, Any]) -> RunningDatabase:
        """Begin to create a database."""
        with self._lock:
            made = RunningDatabase(spec, settings=settings)
            self._databases[spec.account, spec.name] = made
            self._begin(made, "creating", self._clock())
            return made

    def described(self, database: RunningDatabase) -> dict[str, Any]:
        return _cluster(database) if database.spec.is_cluster else _instance(database)

    def find(self, account: str, name: str) -> RunningDatabase:
        """One database as it is now; KeyError if there is none."""
        with self._lock:
            self.databases()
            return self._databases[account, name]

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
        if database.status == "deleted":
            del self._databases[database.spec.account, database.spec.name]
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
        return self.asked(caller, name, is_cluster=is_cluster)

    def asked(self, caller: Caller, name: str, *, is_cluster: bool) -> RunningDatabase:
        """One database as it is now; raises `AwsError` if the caller's account has none of that kind."""
        key = (caller.account, name)
        if key not in self or self._databases[key].spec.is_cluster != is_cluster:
            code = "DBClusterNotFoundFault" if is_cluster else "DBInstanceNotFound"
            raise AwsError(code, f"{'DBCluster' if is_cluster else 'DBInstance'} {name} not found.")
        return self.find(*key)


def settings_of(spec: RdsDatabase, given: Parameters, *, defaults: bool = True) -> dict[str, Any]:
    """What is said of a database under the names by which it is set, with AWS's defaults for the rest."""
    names = {"DBInstanceIdentifier", "DBClusterIdentifier", "DBSnapshotIdentifier", "SnapshotIdentifier"}
    said = {name: value for name, value in given.items() if name not in {*names, "Engine", "ApplyImmediately"}}
    return {**_DEFAULTS, "MultiAZ": spec.multi_az, **said} if defaults else said


def _instance_state(sentence: str) -> AwsError:
    return AwsError("InvalidDBInstanceState", sentence)


def _cluster_state(sentence: str) -> AwsError:
    return AwsError("InvalidDBClusterStateFault", sentence)


def _instance(database: RunningDatabase) -> dict[str, Any]:
    spec, settings = database.spec, database.settings
    facts = {
        "DBInstanceIdentifier": spec.name,
        "Engine": spec.engine,
        "DBInstanceStatus": database.status,
        "ReadReplicaDBInstanceIdentifiers": list(spec.replicas),
        "ReadReplicaSourceDBInstanceIdentifier": spec.replica_of,
        "DBClusterIdentifier": spec.member_of,
        "AutomaticRestartTime": database.restarts_at,
        "DBParameterGroups": [{"DBParameterGroupName": settings["DBParameterGroupName"]}],
        "OptionGroupMemberships": _listed("OptionGroupName", settings.get("OptionGroupName")),
        "PerformanceInsightsEnabled": settings.get("EnablePerformanceInsights", False),
        **_common(settings),
        **{name: settings[name] for name in _SAME if name in settings},
    }
    if "DBSubnetGroupName" in settings:
        facts["DBSubnetGroup"] = {"DBSubnetGroupName": settings["DBSubnetGroupName"]}
    if "Port" in settings:
        facts["Endpoint"] = {"Port": settings["Port"]}
    return _known(facts)


def _cluster(database: RunningDatabase) -> dict[str, Any]:
    spec, settings = database.spec, database.settings
    facts = {
        "DBClusterIdentifier": spec.name,
        "Engine": spec.engine,
        "EngineMode": spec.engine_mode,
        "Status": database.status,
        "GlobalClusterIdentifier": spec.global_cluster,
        "ReadReplicaIdentifiers": list(spec.replicas),
        "ReplicationSourceIdentifier": spec.replica_of,
        "AutomaticRestartTime": database.restarts_at,
        "DBClusterMembers": [{"DBInstanceIdentifier": member.spec.name} for member in database.members],
        "DBClusterParameterGroup": settings.get("DBClusterParameterGroupName", "default"),
        "DBSubnetGroup": settings.get("DBSubnetGroupName", ""),
        "Port": settings.get("Port"),
        **_common(settings),
        **{name: settings[name] for name in _CLUSTER_SAME if name in settings},
    }
    return _known(facts)


_BOTH_SAME = frozenset(
    {
        "BackupRetentionPeriod",
        "CopyTagsToSnapshot",
        "DeletionProtection",
        "EngineVersion",
        "NetworkType",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "StorageType",
    }
)
_SAME = _BOTH_SAME | {
    "AllocatedStorage",
    "AutoMinorVersionUpgrade",
    "CACertificateIdentifier",
    "DBInstanceClass",
    "Iops",
    "LicenseModel",
    "MaxAllocatedStorage",
    "MonitoringInterval",
    "MonitoringRoleArn",
    "MultiAZ",
    "PromotionTier",
    "PubliclyAccessible",
    "StorageThroughput",
}
_CLUSTER_SAME = _BOTH_SAME | {"ServerlessV2ScalingConfiguration"}


def _common(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "VpcSecurityGroups": [{"VpcSecurityGroupId": one} for one in settings["VpcSecurityGroupIds"]],
        "IAMDatabaseAuthenticationEnabled": settings.get("EnableIAMDatabaseAuthentication", False),
        "EnabledCloudwatchLogsExports": settings.get("EnableCloudwatchLogsExports", []),
        "TagList": settings.get("Tags", []),
    }


def _listed(name: str, value: str | None) -> list[dict[str, str]]:
    return [{name: value}] if value else []


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    """Leave out what AWS leaves out: names and moments that do not exist."""
    return {name: value for name, value in facts.items() if value not in ("", None)}
