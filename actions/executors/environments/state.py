"""What is observed of one environment: its ECS services and databases. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a resource is; the value begins its key."""

    SERVICE = "ecs"
    INSTANCE = "rds"
    CLUSTER = "aurora"


KIND_NAMES = {Kind.SERVICE: "ECS service", Kind.INSTANCE: "RDS instance", Kind.CLUSTER: "Aurora cluster"}


@dataclass(frozen=True, slots=True)
class Scaling:
    """The limits of Application Auto Scaling for a service, and which of its activities are suspended."""

    minimum: int
    maximum: int
    scale_in_suspended: bool = False
    scale_out_suspended: bool = False
    scheduled_suspended: bool = False

    @property
    def is_held(self) -> bool:
        """Whether it leaves a service at zero: otherwise it would raise the count to the minimum again."""
        suspended = self.scale_in_suspended and self.scale_out_suspended and self.scheduled_suspended
        return self.minimum == 0 and suspended

    def held(self) -> Scaling:
        return Scaling(
            0, self.maximum, scale_in_suspended=True, scale_out_suspended=True, scheduled_suspended=True
        )


@dataclass(frozen=True, slots=True)
class Service:
    """One active ECS service; `is_daemon` means that ECS itself decides how many tasks it has."""

    cluster: str
    name: str
    desired: int
    running: int
    is_daemon: bool = False
    scaling: Scaling | None = None

    @property
    def key(self) -> str:
        return f"{Kind.SERVICE}/{self.cluster}/{self.name}"

    @property
    def is_down(self) -> bool:
        return self.desired == 0 and self.running == 0

    def stopped(self) -> Service:
        """Return it as a stop leaves it."""
        return replace(self, desired=0, running=0, scaling=self.scaling.held() if self.scaling else None)

    def started(self, count: int, scaling: Scaling | None) -> Service:
        return replace(self, desired=count, running=count, scaling=scaling)


AVAILABLE, STOPPING, STOPPED, STARTING = "available", "stopping", "stopped", "starting"
_SERVING = frozenset({AVAILABLE, "backing-up", "storage-optimization"})


@dataclass(frozen=True, slots=True)
class Database:
    """One DB instance or Aurora cluster. `obstacle` says why AWS never stops one like it; empty if it does."""

    kind: Kind
    name: str
    status: str
    engine: str
    obstacle: str = ""
    restarts_at: datetime | None = None  # when AWS starts it by itself, seven days after it was stopped

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def is_down(self) -> bool:
        return self.status in {STOPPING, STOPPED}

    @property
    def is_serving(self) -> bool:
        return self.status in _SERVING or self.status.startswith("configuring-")


Resource = Service | Database


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """Everything that belongs to an environment, by key; `missing` is in the catalogue and not in AWS.

    `given_up` says of a resource why this job does no more about it, so that the rest can go on.
    """

    services: Mapping[str, Service] = field(default_factory=dict)
    databases: Mapping[str, Database] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # keys
    given_up: Mapping[str, str] = field(default_factory=dict)

    @property
    def resources(self) -> dict[str, Resource]:
        return {**self.services, **self.databases}

    def having(self, resources: Mapping[str, Resource]) -> EnvironmentState:
        """Return the state with *resources* in place of those of the same keys."""
        services = {key: r for key, r in resources.items() if isinstance(r, Service)}
        databases = {key: r for key, r in resources.items() if isinstance(r, Database)}
        return replace(self, services={**self.services, **services}, databases={**self.databases, **databases})


def named(key: str) -> str:
    """Name the resource with *key* for people, such as `ECS service acme-dev/api`."""
    kind, _, name = key.partition("/")
    return f"{KIND_NAMES[Kind(kind)]} {name}"
