"""The snapshots of a database that is torn down: one before anything is deleted, and the final one.

AWS takes the final one itself while it deletes the database, so that no write is lost. The first one is there in
case the final one fails. Neither is ever deleted here.
"""

from __future__ import annotations

from dataclasses import dataclass

from actions.executors.protocol import TargetFault
from actions.executors.teardown import wording
from actions.executors.teardown.desk import Desk
from actions.executors.teardown.state import Goal, Kind


@dataclass(frozen=True, slots=True)
class Calls:
    """How the snapshots of one kind of database are asked for."""

    describe: str
    create: str
    members: str
    missing: str
    snapshot_id: str
    database_id: str


CALLS = {
    Kind.INSTANCE: Calls(
        "describe_db_snapshots",
        "create_db_snapshot",
        "DBSnapshots",
        "DBSnapshotNotFound",
        "DBSnapshotIdentifier",
        "DBInstanceIdentifier",
    ),
    Kind.CLUSTER: Calls(
        "describe_db_cluster_snapshots",
        "create_db_cluster_snapshot",
        "DBClusterSnapshots",
        "DBClusterSnapshotNotFoundFault",
        "DBClusterSnapshotIdentifier",
        "DBClusterIdentifier",
    ),
}


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Snapshots of instances or of clusters."""

    desk: Desk
    kind: Kind

    def status(self, snapshot: str) -> str:
        """Return how a snapshot is; empty if there is none."""
        calls = CALLS[self.kind]
        wanted = {calls.snapshot_id: snapshot}
        found = self.desk.find("rds", calls.describe, calls.members, calls.missing, **wanted)
        return str(found["Status"]) if found else ""

    def secured(self, goal: Goal, database_status: str) -> str:
        """Do what is next for the first snapshot; return how it is, empty when it is available.

        A database that is being deleted needs none any more: AWS has begun the final one.
        """
        if database_status in {"", "deleting"}:
            return ""
        first, calls = f"{goal.snapshot}-first", CALLS[self.kind]
        status = self.status(first)
        if status == "available":
            return ""
        if not status:
            wanted = {calls.snapshot_id: first, calls.database_id: goal.name}
            self.desk.write("rds", calls.create, f"{first} of {goal.name}", **wanted)
            return "its first snapshot is begun"
        return f"its first snapshot is {status}"

    def finished(self, goal: Goal) -> str:
        """Return how the final snapshot is, empty when it is available. TargetFault if it will never be."""
        status = self.status(goal.snapshot)
        if status == "available":
            return ""
        if status in {"", "failed"}:
            raise TargetFault(wording.no_final_snapshot(goal.snapshot))
        return f"its final snapshot is {status}"
