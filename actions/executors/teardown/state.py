"""What is observed of an environment that can be torn down: its parts, with all that restores them. Values only.

A definition names target groups instead of their ARNs, so that it holds for the ones that are created again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sallyport.documents import JSON

Definition = Mapping[str, Mapping[str, JSON]]  # by section, then by a key that no new id changes


class Kind(StrEnum):
    """What a part is; the value begins its key. They are deleted in this order, and restored in reverse."""

    SERVICE = "ecs"
    BALANCER = "elb"
    GROUP = "tg"
    GATEWAY = "nat"
    CLUSTER = "aurora"
    INSTANCE = "rds"


KIND_NAMES = {
    Kind.SERVICE: "ECS service",
    Kind.BALANCER: "load balancer",
    Kind.GROUP: "target group",
    Kind.GATEWAY: "NAT gateway",
    Kind.CLUSTER: "Aurora cluster",
    Kind.INSTANCE: "RDS instance",
}
DATABASES = (Kind.CLUSTER, Kind.INSTANCE)

_BY_VALUE = frozenset({"scaling", "attributes", "settings"})
_BY_PRESENCE = frozenset({"listeners", "certificates", "rules", "targets", "routes", "members"})


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that AWS has. `obstacle` says why it is never torn down; `address` is its DNS name, if any."""

    kind: Kind
    name: str
    status: str
    is_ready: bool
    definition: Definition
    obstacle: str = ""
    is_protected: bool = False
    address: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be deleted or restored. `snapshot` is the final one of a database; `token` names one creation."""

    key: str
    definition: Definition
    snapshot: str = ""
    token: str = ""

    @property
    def kind(self) -> Kind:
        return kind_of(self.key)

    @property
    def name(self) -> str:
        return self.key.partition("/")[2]


@dataclass(frozen=True, slots=True)
class EstateState:
    """Everything of an environment, by key, with the status of each final snapshot by its id.

    `missing` says what is in the catalogue and not in AWS, `given_up` why this job does no more about a part.
    """

    parts: Mapping[str, Part] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # whole sentences
    snapshots: Mapping[str, str] = field(default_factory=dict)
    given_up: Mapping[str, str] = field(default_factory=dict)
    down: tuple[Goal, ...] = ()  # of a state that is wanted: what differs from the one observed
    up: tuple[Goal, ...] = ()


def kind_of(key: str) -> Kind:
    return Kind(key.partition("/")[0])


def named(key: str) -> str:
    """Name the part with *key* for people, such as `ECS service acme-dev/api`."""
    return f"{KIND_NAMES[kind_of(key)]} {key.partition('/')[2]}"


def lacking(found: Definition, wanted: Definition, section: str) -> dict[str, JSON]:
    """Return what of a section of *wanted* is not so in *found*, by key."""
    here = found.get(section, {})
    by_value = section in _BY_VALUE
    return {
        key: value
        for key, value in wanted.get(section, {}).items()
        if key not in here or (by_value and here[key] != value)
    }


def is_whole(found: Definition, wanted: Definition) -> bool:
    """Tell whether nothing is lacking that a restore would mend."""
    return not any(lacking(found, wanted, section) for section in _BY_VALUE | _BY_PRESENCE)
