"""Aurora clusters: members are deleted before their cluster, and created again after it was restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.executors.protocol import TargetFault
from actions.executors.teardown import wording
from actions.executors.teardown.desk import Desk, chosen, own_tags
from actions.executors.teardown.instances import described_instance, kept_elsewhere, network_of
from actions.executors.teardown.snapshots import Snapshots
from actions.executors.teardown.state import Definition, Goal, Kind, Part, lacking

_RESTORED = (
    "Engine",
    "EngineVersion",
    "Port",
    "CopyTagsToSnapshot",
    "StorageType",
    "ServerlessV2ScalingConfiguration",
    "NetworkType",
)
_SETTINGS = ("BackupRetentionPeriod", "PreferredBackupWindow", "PreferredMaintenanceWindow", "DeletionProtection")
_MEMBER = (
    "DBInstanceClass",
    "Engine",
    "PromotionTier",
    "PubliclyAccessible",
    "AutoMinorVersionUpgrade",
    "AvailabilityZone",
    "PreferredMaintenanceWindow",
    "MonitoringInterval",
    "MonitoringRoleArn",
    "CACertificateIdentifier",
    "CopyTagsToSnapshot",
)


@dataclass(frozen=True, slots=True)
class Clusters:
    """Aurora clusters by identifier, with their members."""

    desk: Desk

    @property
    def snapshots(self) -> Snapshots:
        return Snapshots(self.desk, Kind.CLUSTER)

    def find(self, name: str, wanted: Definition | None = None) -> Part | None:  # noqa: ARG002
        facts = self._described(name)
        if facts is None:
            return None
        members = self._members(facts)
        busy = [one for one, member in members.items() if member["DBInstanceStatus"] != "available"]
        definition = {
            "cluster": _creation(facts),
            "settings": {key: facts[key] for key in _SETTINGS if key in facts},
            "members": {one: _member(member) for one, member in members.items()},
        }
        return Part(
            Kind.CLUSTER,
            name,
            facts["Status"],
            facts["Status"] == "available" and not busy,
            definition,
            _obstacle(facts),
            is_protected=facts.get("DeletionProtection", False),
        )

    def secure(self, goal: Goal) -> str:
        """Do what is next for the snapshot that is taken before anything is deleted; empty when it is there."""
        facts = self._described(goal.name)
        if facts is None or not facts.get("DBClusterMembers"):
            return ""  # its members are gone: the first snapshot was there before the first of them went
        return self.snapshots.secured(goal, facts["Status"])

    def down(self, goal: Goal) -> str:
        facts, name = self._described(goal.name), goal.name
        if facts is None:
            return self.snapshots.finished(goal)
        if facts["Status"] != "available":
            return str(facts["Status"])
        if facts.get("DeletionProtection"):
            if not self.desk.override:
                raise TargetFault(wording.PROTECTED)
            return self._set(name, {"DeletionProtection": False})
        if members := self._members(facts):
            return self._delete_members(members)
        self.desk.write(
            "rds",
            "delete_db_cluster",
            f"{name} with the final snapshot {goal.snapshot}",
            DBClusterIdentifier=name,
            FinalDBSnapshotIdentifier=goal.snapshot,
        )
        return "deleting"

    def up(self, goal: Goal) -> str:
        facts, name = self._described(goal.name), goal.name
        if facts is None:
            return self.snapshots.finished(goal) or self._restore(goal)
        if facts["Status"] != "available":
            return str(facts["Status"])
        members: dict[str, Any] = dict(self._members(facts))
        found: Definition = {"settings": facts, "members": members}
        if settings := lacking(found, goal.definition, "settings"):
            return self._set(name, settings)
        for member, creation in lacking(found, goal.definition, "members").items():
            self._create_member(name, member, creation)
        part = self.find(name)
        return "" if part and part.is_ready else "its members start"

    def _restore(self, goal: Goal) -> str:
        self.desk.write(
            "rds",
            "restore_db_cluster_from_snapshot",
            f"{goal.name} from {goal.snapshot}",
            DBClusterIdentifier=goal.name,
            SnapshotIdentifier=goal.snapshot,
            **goal.definition["cluster"],
        )
        return "creating"

    def _create_member(self, cluster: str, member: str, creation: Any) -> None:
        ids = {"DBInstanceIdentifier": member, "DBClusterIdentifier": cluster}
        self.desk.write("rds", "create_db_instance", f"{member} of {cluster}", **ids, **creation)

    def _delete_members(self, members: Mapping[str, Mapping[str, Any]]) -> str:
        for name, facts in members.items():
            if facts["DBInstanceStatus"] == "available":
                self.desk.write(
                    "rds", "delete_db_instance", name, DBInstanceIdentifier=name, SkipFinalSnapshot=True
                )
        return "its members are being deleted"

    def _set(self, name: str, settings: Mapping[str, Any]) -> str:
        what = f"{name}: {', '.join(settings)}"
        self.desk.write(
            "rds", "modify_db_cluster", what, DBClusterIdentifier=name, ApplyImmediately=True, **settings
        )
        return "modifying"

    def _members(self, facts: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        names = [one["DBInstanceIdentifier"] for one in facts.get("DBClusterMembers", [])]
        found = {name: described_instance(self.desk, name) for name in names}
        return {name: member for name, member in found.items() if member is not None}

    def _described(self, name: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.desk.find(
            "rds", "describe_db_clusters", "DBClusters", "DBClusterNotFoundFault", DBClusterIdentifier=name
        )
        return found


def _creation(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of RestoreDBClusterFromSnapshot."""
    made = {**chosen(facts, *_RESTORED), **network_of(facts)}
    names = {"DBClusterParameterGroupName": "DBClusterParameterGroup", "DBSubnetGroupName": "DBSubnetGroup"}
    return {**made, **{name: facts[member] for name, member in names.items() if member in facts}}


def _member(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of CreateDBInstance for a member."""
    groups = [one["DBParameterGroupName"] for one in facts.get("DBParameterGroups", [])[:1]]
    insights = {"EnablePerformanceInsights": True} if facts.get("PerformanceInsightsEnabled") else {}
    tags = own_tags(facts.get("TagList", []))
    made = {**chosen(facts, *_MEMBER), **insights, **({"Tags": tags} if tags else {})}
    return {**made, **({"DBParameterGroupName": groups[0]} if groups else {})}


def _obstacle(facts: Mapping[str, Any]) -> str:
    if not str(facts["Engine"]).startswith("aurora"):
        return "it is no Aurora cluster"
    if facts.get("EngineMode", "provisioned") != "provisioned":
        return f"its engine mode is {facts['EngineMode']}, which a restore cannot set up again"
    if facts.get("GlobalClusterIdentifier"):
        return "it is a member of a global database"
    if facts.get("ReplicationSourceIdentifier") or facts.get("ReadReplicaIdentifiers"):
        return "it is replicated, which a restore cannot set up again"
    return kept_elsewhere(facts)
