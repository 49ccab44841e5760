"""Our statements: how live entries become them, and how they are read back. Pure.

One Allow statement for each door (stage, method, path, kind of source, deadline), holding every source that
may pass it, so that hundreds of entries fit one policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.sources import SourceKind
from sallyport.documents import JSON
from sallyport.resource_policies.document import OURS, ApiArn, Statement, meaning, texts
from sallyport.resource_policies.patterns import as_pattern
from sallyport.resource_policies.ranges import Ranges, network_of
from sallyport.times import format_moment, parse_moment

Sources = frozenset[str]
Openings = Mapping["Door", Sources]

ANYWHERE = "anywhere"  # the one source of a door that asks for none
NOBODY_SID = OURS + "Nobody"
_PRINCIPALS = (SourceKind.ACCOUNT, SourceKind.ROLE)


@dataclass(frozen=True, slots=True)
class Door:
    """What calls go through, in the policy's own patterns, and until when (UTC; None is for ever)."""

    stage: str
    method: str
    path: str
    kind: SourceKind
    until: datetime | None

    @classmethod
    def of(cls, change: ApiWhitelisting, until: datetime | None) -> Door:
        method = "*" if change.method == "ANY" else change.method
        return cls(change.stage, method, as_pattern(change.path), change.source.kind, until)

    @property
    def resource(self) -> str:
        """The door as the end of an ARN."""
        return f"{self.stage}/{self.method}/{self.path.removeprefix('/')}"

    @property
    def deadline(self) -> str:
        return format_moment(self.until) if self.until else ""

    @property
    def sid(self) -> str:
        content = "\n".join((self.resource, self.kind, self.deadline))
        return OURS + hashlib.sha256(content.encode()).hexdigest()[:12]

    def is_past(self, now: datetime) -> bool:
        """Tell whether the door has closed by itself."""
        return self.until is not None and self.until <= now

    def __str__(self) -> str:
        method = "any method" if self.method == "*" else self.method
        until = f"until {self.deadline}" if self.until else "without a deadline"
        return f"{method} {self.path} of stage {self.stage} {until}"


def sources_of(change: ApiWhitelisting, partition: str) -> Sources:
    """Return the change's sources as the policy writes them."""
    match change.source.kind:
        case SourceKind.ANYWHERE:
            return frozenset({ANYWHERE})
        case SourceKind.ACCOUNT:
            return frozenset(f"arn:{partition}:iam::{account}:root" for account in change.source.values)
        case _:
            return frozenset(change.source.values)


def merge(asked: Iterable[tuple[Door, Sources]]) -> dict[Door, Sources]:
    """Join the sources of equal doors; a range inside another of the same door goes without saying."""
    joined: dict[Door, set[str]] = {}
    for door, sources in asked:
        joined.setdefault(door, set()).update(sources)
    return {door: _widest(door, sources) for door, sources in joined.items() if sources}


def uncovered(door: Door, sources: Sources, by: Sources) -> Sources:
    """Return those of *sources* which the sources *by* do not let through the same *door*."""
    if door.kind is not SourceKind.CIDR:
        return sources - by
    return not_inside(sources, by)


def not_inside(networks: Iterable[str], others: Iterable[str]) -> Sources:
    """Return those *networks* that lie in none of *others*."""
    wide = Ranges.of(others)
    return frozenset(text for text in networks if not wide.hold(text))


def to_statement(door: Door, sources: Sources, arn: ApiArn, *, private: bool) -> Statement:
    """Write the Allow statement of a door."""
    condition: dict[str, JSON] = {}
    ordered = cast(list[JSON], sorted(sources, key=_by_address))
    if door.until:
        condition["DateLessThan"] = {"aws:CurrentTime": door.deadline}
    if door.kind is SourceKind.CIDR:
        condition["IpAddress"] = {_address_key(private=private): ordered}
    if door.kind is SourceKind.VPC_ENDPOINT:
        condition["StringEquals"] = {"aws:SourceVpce": ordered}
    statement: dict[str, JSON] = {
        "Sid": door.sid,
        "Effect": "Allow",
        "Principal": {"AWS": ordered} if door.kind in _PRINCIPALS else "*",
        "Action": "execute-api:Invoke",
        "Resource": f"{arn}/{door.resource}",
    }
    return {**statement, "Condition": condition} if condition else statement


def read_statement(statement: Statement, arn: ApiArn, *, private: bool) -> tuple[Door, Sources] | None:
    """Read one of our statements back; None if it is not as we write them, so that its meaning is unsure."""
    try:
        door, sources = _read(statement, arn)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    written = to_statement(door, sources, arn, private=private)
    return (door, sources) if meaning(written, arn) == meaning(statement, arn) else None


def nobody(arn: ApiArn) -> Statement:
    """Write a statement that lets nobody in: it keeps the API closed when all other statements are gone."""
    return {
        "Sid": NOBODY_SID,
        "Effect": "Allow",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": f"{arn}/*",
        "Condition": {"DateLessThan": {"aws:CurrentTime": "2000-01-01T00:00:00Z"}},
    }


def _read(statement: Statement, arn: ApiArn) -> tuple[Door, Sources]:
    condition = cast(Mapping[str, Mapping[str, JSON]], statement.get("Condition", {}))
    stage, method, path = texts(statement["Resource"])[0].removeprefix(f"{arn}/").split("/", 2)
    deadline = condition.get("DateLessThan", {}).get("aws:CurrentTime")
    until = parse_moment(texts(deadline)[0]) if deadline is not None else None
    kind, sources = _read_sources(statement, condition)
    return Door(stage, method, f"/{path}", kind, until), frozenset(sources)


def _read_sources(
    statement: Statement, condition: Mapping[str, Mapping[str, JSON]]
) -> tuple[SourceKind, Iterable[str]]:
    if "IpAddress" in condition:
        return SourceKind.CIDR, texts(next(iter(condition["IpAddress"].values())))
    if "StringEquals" in condition:
        return SourceKind.VPC_ENDPOINT, texts(condition["StringEquals"]["aws:SourceVpce"])
    if statement["Principal"] == "*":
        return SourceKind.ANYWHERE, (ANYWHERE,)
    principals = texts(cast(Mapping[str, JSON], statement["Principal"])["AWS"])
    is_account = all(name.endswith(":root") for name in principals)
    return SourceKind.ACCOUNT if is_account else SourceKind.ROLE, principals


def _address_key(*, private: bool) -> str:
    """A private API sees the caller's address under another key, because its endpoint rewrites the source."""
    return "aws:VpcSourceIp" if private else "aws:SourceIp"


def _widest(door: Door, sources: Iterable[str]) -> Sources:
    found = frozenset(sources)
    if door.kind is not SourceKind.CIDR:
        return found
    ranges = Ranges.of(found)
    return frozenset(text for text in found if not ranges.hold(text, besides_itself=True))


def _by_address(source: str) -> tuple[int, int, int, str]:
    try:
        network = network_of(source)
    except ValueError:
        return (0, 0, 0, source)
    return (network.version, int(network.network_address), network.prefixlen, source)
