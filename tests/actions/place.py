"""A world whose jobs talk to a strict AWS about the environment dev, and whose clock goes on while they wait."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from actions.job import Job, executors
from sallyport.changes.infra_stop import InfraStop
from sallyport.entries import POLICY, Entry, Grant
from sandbox.aws import NONPROD, AwsStandIn, sample_world
from sandbox.serving import Server
from tests.actions.world import World

DEV_ROLE = "arn:aws:iam::111111111111:role/sallyport-apply-dev"
FIRST, SECOND = "is-222222", "is-333333"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class KilledError(BaseException):
    """A runner that vanishes: nothing of the job runs any more."""


@dataclass
class Place(World):
    """A world whose jobs talk to a strict AWS, and whose clock goes on while they wait."""

    stand_in: AwsStandIn = field(init=False)
    killed_at: int = 0  # the pause at which the next job is killed
    commit_of: dict[str, str] = field(default_factory=dict)
    at_pause: dict[int, Callable[[], None]] = field(default_factory=dict)  # what happens then

    def __post_init__(self) -> None:
        super().__post_init__()
        self.stand_in = AwsStandIn(sample_world(), clock=lambda: self.now)
        self.stand_in.ecs.turn_time, self.stand_in.rds.turn_time = timedelta(seconds=10), timedelta(seconds=40)

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)
        self.at_pause.pop(len(self.pauses), lambda: None)()
        if len(self.pauses) == self.killed_at:
            raise KilledError

    def job(self, run_id: str | None = None) -> Job:
        made = executors(lambda: self.now, self.wait)
        return replace(super().job(run_id), make_executor=made, pause=self.wait)

    def stop(self, entry_id: str = FIRST, lifetime: timedelta = 12 * HOUR) -> Entry:
        """Commit an approved stop of dev."""
        change = InfraStop("dev")
        made = self.entry(
            entry_id,
            flow="infra-stop",
            environment="dev",
            asked="",
            approvals=(),
            grant=Grant(POLICY, self.now),
            changes=(change,),
            expires_at=self.now + lifetime,
        )
        self.commit_of[entry_id] = self.add(made)
        return made

    def stops(self, entry: Entry) -> int:
        self.pauses.clear()
        return self.apply(entry, self.commit_of[entry.id], environment="dev")

    def sweeps(self, *ids: str) -> int:
        """Do what the workflow does: a job for each role that has something to do."""
        self.pauses.clear()
        accesses = json.loads(self.due(*ids)["accesses"])
        assert [access["role"] for access in accesses] in ([], [DEV_ROLE])
        return max([self.expire(DEV_ROLE, "dev", *ids) for _ in accesses], default=0)

    @property
    def tasks(self) -> dict[str, int]:
        here = [found for found in self.stand_in.ecs.services() if found.spec.cluster == "acme-dev"]
        return {found.spec.name: found.running for found in here}

    @property
    def database(self) -> str:
        return self.stand_in.rds.find(NONPROD, "acme-dev-db").status

    def outcome(self, entry_id: str = FIRST) -> Any:
        return self.github.outcomes[entry_id]


@contextmanager
def on_loopback(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve the place's AWS where the standard variables point to."""
    with Server(place.stand_in.app) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASANDBOXTESTAPPLY")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield
