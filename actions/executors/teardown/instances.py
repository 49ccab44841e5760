"""RDS instances that belong to no cluster: deleted with a final snapshot, restored from it with all settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.executors.protocol import TargetFault
from actions.executors.teardown import wording
from actions.executors.teardown.desk import Desk, chosen, own_tags
from actions.executors.teardown.snapshots import Snapshots
from actions.executors.teardown.state import Definition, Goal, Kind, Part, lacking

# Storage comes from the snapshot: AWS refuses to be told again what a small gp3 volume has anyway.
_RESTORED = (
    "DBInstanceClass",
    "MultiAZ",
    "PubliclyAccessible",
    "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot",
    "CACertificateIdentifier",
    "NetworkType",
)
_SETTINGS = (
    "BackupRetentionPeriod",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
    "MaxAllocatedStorage",
    "MonitoringInterval",
    "MonitoringRoleArn",
    "DeletionProtection",
)


@dataclass(frozen=True, slots=True)
class Instances:
    """DB instances by identifier, which gives a restored one the endpoint it had."""

    desk: Desk

    @property
    def snapshots(self) -> Snapshots:
        return Snapshots(self.desk, Kind.INSTANCE)

    def find(self, name: str, wanted: Definition | None = None) -> Part | None:  # noqa: ARG002
        facts = described_instance(self.desk, name)
        if facts is None:
            return None
        status = facts["DBInstanceStatus"]
        return Part(
            Kind.INSTANCE,
            name,
            status,
            status == "available",
            {"instance": _creation(facts), "settings": _settings(facts)},
            _obstacle(facts),
            is_protected=facts.get("DeletionProtection", False),
        )

    def secure(self, goal: Goal) -> str:
        """Do what is next for the snapshot that is taken before anything is deleted; empty when it is there."""
        facts = described_instance(self.desk, goal.name)
        return self.snapshots.secured(goal, facts["DBInstanceStatus"] if facts else "")

    def down(self, goal: Goal) -> str:
        facts, name = described_instance(self.desk, goal.name), goal.name
        if facts is None:
            return self.snapshots.finished(goal)
        if facts["DBInstanceStatus"] != "available":
            return str(facts["DBInstanceStatus"])
        if facts.get("DeletionProtection"):
            if not self.desk.override:
                raise TargetFault(wording.PROTECTED)
            return self._set(name, {"DeletionProtection": False})
        self.desk.write(
            "rds",
            "delete_db_instance",
            f"{name} with the final snapshot {goal.snapshot}",
            DBInstanceIdentifier=name,
            FinalDBSnapshotIdentifier=goal.snapshot,
            DeleteAutomatedBackups=False,
        )
        return "deleting"

    def up(self, goal: Goal) -> str:
        facts, name = described_instance(self.desk, goal.name), goal.name
        if facts is None:
            if status := self.snapshots.finished(goal):
                return status
            self.desk.write(
                "rds",
                "restore_db_instance_from_db_snapshot",
                f"{name} from {goal.snapshot}",
                DBInstanceIdentifier=name,
                DBSnapshotIdentifier=goal.snapshot,
                **goal.definition["instance"],
            )
            return "creating"
        if facts["DBInstanceStatus"] != "available":
            return str(facts["DBInstanceStatus"])
        found: Definition = {"settings": _settings(facts)}
        settings = lacking(found, goal.definition, "settings")
        return self._set(name, settings) if settings else ""

    def _set(self, name: str, settings: Mapping[str, Any]) -> str:
        what = f"{name}: {', '.join(settings)}"
        self.desk.write(
            "rds", "modify_db_instance", what, DBInstanceIdentifier=name, ApplyImmediately=True, **settings
        )
        return "modifying"


def described_instance(desk: Desk, name: str) -> Mapping[str, Any] | None:
    """Describe a DB instance; None if there is none."""
    found: Mapping[str, Any] | None = desk.find(
        "rds", "describe_db_instances", "DBInstances", "DBInstanceNotFound", DBInstanceIdentifier=name
    )
    return found


def network_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what instances and clusters are created with alike."""
    groups = [one["VpcSecurityGroupId"] for one in facts.get("VpcSecurityGroups", [])]
    tags = own_tags(facts.get("TagList", []))
    made = {
        "VpcSecurityGroupIds": groups,
        "EnableIAMDatabaseAuthentication": facts.get("IAMDatabaseAuthenticationEnabled", False),
        "EnableCloudwatchLogsExports": facts.get("EnabledCloudwatchLogsExports", []),
        "Tags": tags,
    }
    return chosen(made, *made)


def kept_elsewhere(facts: Mapping[str, Any]) -> str:
    """Say what belongs to a database and would not come back with it; empty if nothing does."""
    if facts.get("MasterUserSecret"):
        return "RDS keeps its password in a secret that would be deleted with it"
    if facts.get("AssociatedRoles"):
        return "it has IAM roles of its own, which a restore cannot give it again"
    if facts.get("DomainMemberships"):
        return "it is in a domain, which a restore cannot join again"
    return ""


def _creation(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of RestoreDBInstanceFromDBSnapshot."""
    made = {**chosen(facts, *_RESTORED), **network_of(facts)}
    made |= chosen(facts.get("Endpoint", {}), "Port")
    made |= chosen(facts.get("DBSubnetGroup", {}), "DBSubnetGroupName")
    for member, name in (
        ("DBParameterGroups", "DBParameterGroupName"),
        ("OptionGroupMemberships", "OptionGroupName"),
    ):
        made |= chosen(next(iter(facts.get(member, [])), {}), name)
    return made


def _settings(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of ModifyDBInstance that a restore does not take."""
    insights = {"EnablePerformanceInsights": facts.get("PerformanceInsightsEnabled", False)}
    return {**{name: facts[name] for name in _SETTINGS if name in facts}, **insights}


def _obstacle(facts: Mapping[str, Any]) -> str:
    if cluster := facts.get("DBClusterIdentifier"):
        return f"it is a member of the cluster {cluster}; name the cluster instead"
    if str(facts["Engine"]).startswith("custom-"):
        return "RDS Custom instances cannot be restored as they were"
    if facts.get("ReadReplicaSourceDBInstanceIdentifier") or facts.get("ReadReplicaSourceDBClusterIdentifier"):
        return "it is a read replica, of which AWS takes no final snapshot"
    if replicas := facts.get("ReadReplicaDBInstanceIdentifiers") or facts.get("ReadReplicaDBClusterIdentifiers"):
        return f"it has read replicas ({', '.join(replicas)}), which a restore cannot set up again"
    return kept_elsewhere(facts)
