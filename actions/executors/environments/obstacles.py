"""Which databases AWS never stops, and why: pure rules over what RDS describes.

Sources: RDS user guide, “Stopping an Amazon RDS DB instance temporarily”; Aurora user guide, “Stopping and
starting an Amazon Aurora DB cluster”.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Described = Mapping[str, Any]


def instance_obstacle(found: Described) -> str:
    """Say why the DB instance is never stopped; empty if it can be."""
    engine = str(found.get("Engine", ""))
    if cluster := found.get("DBClusterIdentifier"):
        return f"it is a member of the cluster {cluster}, which is stopped as a whole"
    if engine.startswith("custom-"):
        return "RDS Custom instances cannot be stopped"
    if found.get("ReadReplicaSourceDBInstanceIdentifier") or found.get("ReadReplicaSourceDBClusterIdentifier"):
        return "it is a read replica"
    if replicas := _replicas(found):
        return f"it has read replicas ({', '.join(replicas)})"
    if engine.startswith("sqlserver-") and found.get("MultiAZ"):
        return "SQL Server in several availability zones cannot be stopped"
    return ""


def cluster_obstacle(found: Described) -> str:
    """Say why the DB cluster is never stopped; empty if it can be."""
    mode = str(found.get("EngineMode", ""))
    if not str(found.get("Engine", "")).startswith("aurora"):
        return "it is no Aurora cluster"
    if mode == "serverless":
        return "Aurora Serverless v1 pauses by itself and cannot be stopped"
    if found.get("GlobalClusterIdentifier") or mode == "global":
        return "it is a member of a global database"
    if found.get("ReplicationSourceIdentifier"):
        return "it is a replica of another cluster"
    if replicas := found.get("ReadReplicaIdentifiers"):
        return f"it has replicas ({', '.join(map(str, replicas))})"
    return ""


def _replicas(found: Described) -> list[str]:
    names = ("ReadReplicaDBInstanceIdentifiers", "ReadReplicaDBClusterIdentifiers")
    return [str(replica) for name in names for replica in found.get(name, ())]
