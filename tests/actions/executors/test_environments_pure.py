"""Which databases AWS never stops, and what is remembered of a resource from look to look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actions.executors.environments.memory import (
    Memory,
    Phase,
    advanced,
    first_memory,
    read_memories,
    write_memories,
)
from actions.executors.environments.obstacles import cluster_obstacle, instance_obstacle
from actions.executors.environments.state import Database, Kind, Scaling, Service
from actions.executors.protocol import Before, TargetFault
from tests.actions.executors.support import START

WEEK = timedelta(days=7)
LOCK = "infra/1/eu-west-1/dev"
API = Service("acme-dev", "api", 2, 2, scaling=Scaling(2, 6))
DB = Database(Kind.INSTANCE, "acme-dev-db", "available", "postgres")


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"Engine": "postgres"}, ""),
        ({"Engine": "postgres", "MultiAZ": True}, ""),
        ({"Engine": "sqlserver-se"}, ""),
        (
            {"Engine": "sqlserver-se", "MultiAZ": True},
            "SQL Server in several availability zones cannot be stopped",
        ),
        ({"Engine": "custom-oracle-ee"}, "RDS Custom instances cannot be stopped"),
        ({"Engine": "mysql", "ReadReplicaSourceDBInstanceIdentifier": "db"}, "it is a read replica"),
        ({"Engine": "mysql", "ReadReplicaSourceDBClusterIdentifier": "c"}, "it is a read replica"),
        ({"Engine": "mysql", "ReadReplicaDBInstanceIdentifiers": ["a", "b"]}, "it has read replicas (a, b)"),
        ({"Engine": "mysql", "ReadReplicaDBClusterIdentifiers": ["c"]}, "it has read replicas (c)"),
        (
            {"Engine": "aurora-mysql", "DBClusterIdentifier": "orders"},
            "it is a member of the cluster orders, which is stopped as a whole",
        ),
    ],
)
def test_an_instance_is_stopped_unless_aws_never_does(facts: dict[str, Any], why: str) -> None:
    assert instance_obstacle(facts) == why


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"Engine": "aurora-postgresql", "EngineMode": "provisioned"}, ""),
        ({"Engine": "aurora-mysql"}, ""),
        ({"Engine": "mysql"}, "it is no Aurora cluster"),
        (
            {"Engine": "aurora", "EngineMode": "serverless"},
            "Aurora Serverless v1 pauses by itself and cannot be stopped",
        ),
        ({"Engine": "aurora-mysql", "EngineMode": "global"}, "it is a member of a global database"),
        ({"Engine": "aurora-mysql", "GlobalClusterIdentifier": "g"}, "it is a member of a global database"),
        ({"Engine": "aurora-mysql", "ReplicationSourceIdentifier": "arn"}, "it is a replica of another cluster"),
        ({"Engine": "aurora-mysql", "ReadReplicaIdentifiers": ["r"]}, "it has replicas (r)"),
    ],
)
def test_a_cluster_is_stopped_unless_aws_never_does(facts: dict[str, Any], why: str) -> None:
    assert cluster_obstacle(facts) == why


class TestMemory:
    def test_of_a_daemon_and_of_what_is_never_stopped_there_is_none(self) -> None:
        assert first_memory(replace(API, is_daemon=True), START) is None
        assert first_memory(replace(DB, obstacle="it is a read replica"), START) is None

    def test_of_a_service_holds_its_count_and_its_limits(self) -> None:
        assert first_memory(API, START) == Memory(Phase.PLANNED, START, 2, Scaling(2, 6))

    @pytest.mark.parametrize(
        ("found", "phase"),
        [
            (API, Phase.PLANNED),
            (replace(API, desired=0, running=1, scaling=Scaling(2, 6).held()), Phase.PLANNED),
            (replace(API, desired=0, running=0), Phase.PLANNED),
            (API.stopped(), Phase.STOPPED),
        ],
    )
    def test_of_a_service_is_stopped_only_when_no_task_runs_and_scaling_is_held(
        self, found: Service, phase: Phase
    ) -> None:
        assert advanced(Memory(Phase.PLANNED, START, 2, Scaling(2, 6)), found, START).phase is phase

    def test_of_a_stopped_service_that_has_tasks_again_is_released_for_good(self) -> None:
        released = advanced(Memory(Phase.STOPPED, START, 2), replace(API, desired=1), START)
        assert released.phase is Phase.RELEASED
        assert advanced(released, API.stopped(), START) == released

    def test_of_a_stopped_database_tells_aws_from_a_person(self) -> None:
        stopped = advanced(Memory(Phase.PLANNED, START), replace(DB, status="stopped"), START)
        assert stopped == Memory(Phase.STOPPED, START, restarts_at=START + WEEK)
        assert advanced(stopped, DB, START + WEEK - timedelta(seconds=1)).phase is Phase.RELEASED
        assert advanced(stopped, DB, START + WEEK).phase is Phase.PLANNED
        assert advanced(stopped, replace(DB, status="stopped"), START) == stopped

    def test_survives_being_written_and_read(self) -> None:
        memories = {
            "ecs/acme-dev/api": Memory(Phase.STOPPED, START, 2, Scaling(2, 6, scheduled_suspended=True)),
            "rds/acme-dev-db": Memory(Phase.RELEASED, START, restarts_at=START + WEEK),
        }
        other = Before("is-222222", {"infra/2/eu-west-1/dev": {}})
        before = write_memories("is-222222", memories, LOCK, other)
        assert read_memories(before, LOCK) == memories
        assert before.facts.keys() == {LOCK, "infra/2/eu-west-1/dev"}
        assert read_memories(other, LOCK) is None

    @pytest.mark.parametrize("count", [-1, 5001, True, "2", None])
    def test_with_a_count_that_is_none_is_refused(self, count: object) -> None:
        facts: Any = {"ecs/acme-dev/api": {"phase": "stopped", "at": "2026-11-21T09:00:00Z", "desired": count}}
        with pytest.raises(TargetFault, match="is no number of tasks"):
            read_memories(Before("is-222222", {LOCK: facts}), LOCK)
