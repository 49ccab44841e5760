"""Two replicas on one PostgreSQL, killed at random: each request ends once, and nothing is lost or done twice."""

from __future__ import annotations

from pathlib import Path

from tests.coordinator.postgres import open_postgres
from tests.faults.replicas import KINDS, SHORT_LEASE, open_pair


def test_requests_end_once_while_replicas_are_killed_and_deployed_under_load(tmp_path: Path) -> None:
    """A short one; `python -m tests.faults.replicas` is a long one, with the leases that the product has."""
    with open_postgres() as fresh, open_pair(tmp_path, fresh(), seed=5, lease=SHORT_LEASE) as pair:
        pair.run(seconds=12, rate=0.8)
        assert pair.faults() == []
        assert len(pair.answers) >= 2
        assert set(pair.kills) == set(KINDS)
