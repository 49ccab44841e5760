"""The part of RDS in which databases are deleted and come back: snapshots, deletes, restores, changes of settings.

What is restored has defaults wherever nothing was said, as the real one does, and takes its time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.rds import Rds, RunningDatabase, settings_of
from sandbox.aws.wire import Operation, Parameters, Result
from sandbox.aws.world import RdsDatabase

_STORAGE = frozenset({"AllocatedStorage", "StorageType", "Iops", "StorageThroughput"})
_RESTORE = (
    "DBInstanceClass Port DBSubnetGroupName MultiAZ PubliclyAccessible AutoMinorVersionUpgrade Iops "
    "StorageThroughput OptionGroupName Tags StorageType VpcSecurityGroupIds CopyTagsToSnapshot "
    "EnableIAMDatabaseAuthentication EnableCloudwatchLogsExports DBParameterGroupName DeletionProtection "
    "CACertificateIdentifier AllocatedStorage LicenseModel NetworkType"
)
_SETTINGS = (
    "BackupRetentionPeriod PreferredBackupWindow PreferredMaintenanceWindow MaxAllocatedStorage "
    "MonitoringInterval MonitoringRoleArn EnablePerformanceInsights DeletionProtection"
)
_CLUSTER = (
    "Engine EngineVersion Port DBSubnetGroupName VpcSecurityGroupIds Tags EnableIAMDatabaseAuthentication "
    "EnableCloudwatchLogsExports DBClusterParameterGroupName DeletionProtection CopyTagsToSnapshot StorageType "
    "ServerlessV2ScalingConfiguration NetworkType"
)
_MEMBER = (
    "DBInstanceIdentifier DBInstanceClass Engine DBClusterIdentifier PromotionTier PubliclyAccessible "
    "AutoMinorVersionUpgrade DBParameterGroupName Tags AvailabilityZone PreferredMaintenanceWindow "
    "MonitoringInterval MonitoringRoleArn EnablePerformanceInsights CACertificateIdentifier CopyTagsToSnapshot"
)


@dataclass(slots=True)
class Snapshot:
    """A manual or final snapshot, available from `settles_at` on."""

    database: str
    engine: str
    is_cluster: bool
    settles_at: datetime
    storage: dict[str, Any]  # what a restored database has unless something else is said


class RdsRestores:
    """Shares the databases of *rds*; `snapshots` is by account and id."""

    def __init__(self, rds: Rds, clock: Callable[[], datetime]) -> None:
        self._rds = rds
        self._clock = clock
        self.snapshots: dict[tuple[str, str], Snapshot] = {}
        one, many = "DBInstanceIdentifier", "DBClusterIdentifier"
        final = "SkipFinalSnapshot FinalDBSnapshotIdentifier"
        self.operations = {
            "CreateDBSnapshot": Operation(self._snapshot, f"{one} DBSnapshotIdentifier"),
            "DescribeDBSnapshots": Operation(self._describe, "DBSnapshotIdentifier"),
            "DeleteDBInstance": Operation(self._delete, f"{one} {final} DeleteAutomatedBackups"),
            "RestoreDBInstanceFromDBSnapshot": Operation(self._restore, f"{one} DBSnapshotIdentifier {_RESTORE}"),
            "ModifyDBInstance": Operation(self._modify, f"{one} ApplyImmediately {_SETTINGS}"),
            "CreateDBInstance": Operation(self._create_member, _MEMBER),
            "CreateDBClusterSnapshot": Operation(self._snapshot_cluster, f"{many} DBClusterSnapshotIdentifier"),
            "DescribeDBClusterSnapshots": Operation(self._describe_clusters, "DBClusterSnapshotIdentifier"),
            "DeleteDBCluster": Operation(self._delete_cluster, f"{many} {final}"),
            "RestoreDBClusterFromSnapshot": Operation(
                self._restore_cluster, f"{many} SnapshotIdentifier {_CLUSTER}"
            ),
            "ModifyDBCluster": Operation(self._modify_cluster, f"{many} ApplyImmediately {_SETTINGS}"),
        }

    def _snapshot(self, caller: Caller, parameters: Parameters) -> Result:
        database = self._available(caller, parameters["DBInstanceIdentifier"], is_cluster=False)
        made = self._take(caller, database, parameters["DBSnapshotIdentifier"])
        return {"DBSnapshot": self._described(parameters["DBSnapshotIdentifier"], made)}

    def _snapshot_cluster(self, caller: Caller, parameters: Parameters) -> Result:
        database = self._available(caller, parameters["DBClusterIdentifier"], is_cluster=True)
        name = parameters["DBClusterSnapshotIdentifier"]
        return {"DBClusterSnapshot": self._described(name, self._take(caller, database, name))}

    def _describe(self, caller: Caller, parameters: Parameters) -> Result:
        name = parameters.get("DBSnapshotIdentifier", "")
        return {"DBSnapshots": [self._described(name, self._known(caller, name, is_cluster=False))]}

    def _describe_clusters(self, caller: Caller, parameters: Parameters) -> Result:
        name = parameters.get("DBClusterSnapshotIdentifier", "")
        return {"DBClusterSnapshots": [self._described(name, self._known(caller, name, is_cluster=True))]}

    def _delete(self, caller: Caller, parameters: Parameters) -> Result:
        database = self._asked(caller, parameters["DBInstanceIdentifier"], is_cluster=False)
        if database.spec.member_of:
            if "FinalDBSnapshotIdentifier" in parameters:
                raise AwsError(
                    "InvalidParameterCombination", "FinalDBSnapshotIdentifier is not for cluster members"
                )
            self._rds.turn(caller.account, database.spec.name, "deleting")
        else:
            self._delete_with_snapshot(caller, database, parameters)
        return {"DBInstance": self._rds.described(database)}

    def _delete_cluster(self, caller: Caller, parameters: Parameters) -> Result:
        database = self._asked(caller, parameters["DBClusterIdentifier"], is_cluster=True)
        if database.members:
            raise AwsError(
                "InvalidDBClusterStateFault", "Cluster cannot be deleted, it still contains DB instances"
            )
        self._delete_with_snapshot(caller, database, parameters)
        return {"DBCluster": self._rds.described(database)}

    def _delete_with_snapshot(self, caller: Caller, database: RunningDatabase, parameters: Parameters) -> None:
        if database.status != "available":
            raise AwsError("InvalidDBInstanceState", f"{database.spec.name} is {database.status}.")
        if database.settings.get("DeletionProtection"):
            raise AwsError(
                "InvalidParameterCombination", "Cannot delete protected, please disable deletion protection"
            )
        if parameters.get("SkipFinalSnapshot"):
            raise AwsError("InvalidParameterCombination", "the sandbox keeps the data of every database")
        if "FinalDBSnapshotIdentifier" not in parameters:
            raise AwsError("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required")
        self._take(caller, database, parameters["FinalDBSnapshotIdentifier"])
        self._rds.turn(caller.account, database.spec.name, "deleting")

    def _restore(self, caller: Caller, parameters: Parameters) -> Result:
        name = parameters["DBInstanceIdentifier"]
        snapshot = self._usable(caller, parameters["DBSnapshotIdentifier"], is_cluster=False)
        spec = RdsDatabase(caller.account, name, snapshot.engine)
        return {"DBInstance": self._rds.described(self._create(spec, {**snapshot.storage, **parameters}))}

    def _restore_cluster(self, caller: Caller, parameters: Parameters) -> Result:
        name = parameters["DBClusterIdentifier"]
        snapshot = self._usable(caller, parameters["SnapshotIdentifier"], is_cluster=True)
        spec = RdsDatabase(caller.account, name, snapshot.engine, is_cluster=True)
        return {"DBCluster": self._rds.described(self._create(spec, parameters))}

    def _create_member(self, caller: Caller, parameters: Parameters) -> Result:
        cluster = self._available(caller, parameters["DBClusterIdentifier"], is_cluster=True)
        name, engine = parameters["DBInstanceIdentifier"], cluster.spec.engine
        spec = RdsDatabase(caller.account, name, engine, member_of=cluster.spec.name)
        return {"DBInstance": self._rds.described(self._create(spec, parameters))}

    def _create(self, spec: RdsDatabase, parameters: Parameters) -> RunningDatabase:
        if (spec.account, spec.name) in self._rds:
            code = "DBClusterAlreadyExistsFault" if spec.is_cluster else "DBInstanceAlreadyExists"
            raise AwsError(code, f"{spec.name} exists already")
        return self._rds.add(spec, settings_of(spec, parameters))

    def _modify(self, caller: Caller, parameters: Parameters) -> Result:
        return {"DBInstance": self._change(caller, parameters, "DBInstanceIdentifier", is_cluster=False)}

    def _modify_cluster(self, caller: Caller, parameters: Parameters) -> Result:
        return {"DBCluster": self._change(caller, parameters, "DBClusterIdentifier", is_cluster=True)}

    def _change(self, caller: Caller, parameters: Parameters, key: str, *, is_cluster: bool) -> dict[str, Any]:
        database = self._available(caller, parameters[key], is_cluster=is_cluster)
        if not parameters.get("ApplyImmediately"):
            raise AwsError("InvalidParameterCombination", "the sandbox has no maintenance windows to wait for")
        database.settings |= settings_of(database.spec, parameters, defaults=False)
        self._rds.turn(caller.account, database.spec.name, "modifying")
        return self._rds.described(database)

    def _take(self, caller: Caller, database: RunningDatabase, name: str) -> Snapshot:
        if (caller.account, name) in self.snapshots:
            code = "DBClusterSnapshotAlreadyExistsFault" if database.spec.is_cluster else "DBSnapshotAlreadyExists"
            raise AwsError(code, f"{name} exists already")
        settles_at = self._clock() + self._rds.turn_time
        storage = {name: value for name, value in database.settings.items() if name in _STORAGE}
        made = Snapshot(database.spec.name, database.spec.engine, database.spec.is_cluster, settles_at, storage)
        self.snapshots[caller.account, name] = made
        return made

    def _known(self, caller: Caller, name: str, *, is_cluster: bool) -> Snapshot:
        found = self.snapshots.get((caller.account, name))
        if found is None or found.is_cluster != is_cluster:
            code = "DBClusterSnapshotNotFoundFault" if is_cluster else "DBSnapshotNotFound"
            raise AwsError(code, f"{name} not found")
        return found

    def _usable(self, caller: Caller, name: str, *, is_cluster: bool) -> Snapshot:
        found = self._known(caller, name, is_cluster=is_cluster)
        if self._clock() < found.settles_at:
            code = "InvalidDBClusterSnapshotStateFault" if is_cluster else "InvalidDBSnapshotState"
            raise AwsError(code, f"{name} is not available")
        return found

    def _described(self, name: str, found: Snapshot) -> dict[str, Any]:
        status = "available" if self._clock() >= found.settles_at else "creating"
        kind = "DBCluster" if found.is_cluster else "DB"
        owner = "DBClusterIdentifier" if found.is_cluster else "DBInstanceIdentifier"
        return {f"{kind}SnapshotIdentifier": name, owner: found.database, "Engine": found.engine, "Status": status}

    def _asked(self, caller: Caller, name: str, *, is_cluster: bool) -> RunningDatabase:
        return self._rds.asked(caller, name, is_cluster=is_cluster)

    def _available(self, caller: Caller, name: str, *, is_cluster: bool) -> RunningDatabase:
        found = self._asked(caller, name, is_cluster=is_cluster)
        if found.status != "available":
            code = "InvalidDBClusterStateFault" if is_cluster else "InvalidDBInstanceState"
            raise AwsError(code, f"{name} is not in available state.")
        return found
