"""What is observed of one account's assignments, and what is remembered for undoing. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import cast

from actions.executors.identity_center.sessions import InlinePolicy
from actions.executors.protocol import Before
from actions.executors.remembering import remembering
from sallyport.documents import JSON
from sallyport.times import format_moment, parse_moment


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One assignment in the target's account: the permission set's ARN and the user's id."""

    permission_set: str
    principal: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody as the identity store knows them; `problem` says why no access can be given."""

    id: str = ""
    problem: str = ""


class Provisioning(StrEnum):
    """Whether the account has the permission set's role, and with its present policies."""

    CURRENT = "current"
    OUTDATED = "outdated"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class SetState:
    """A permission set as far as ending sessions needs it."""

    inline: InlinePolicy
    provisioning: Provisioning


@dataclass(frozen=True, slots=True)
class AccountState:
    """The assignments of the permission sets that matter. `sets` are read only for accesses that have ended."""

    account: str
    users: Mapping[str, User] = field(default_factory=dict)  # by user name
    assigned: frozenset[Grant] = frozenset()
    sets: Mapping[str, SetState] = field(default_factory=dict)  # by ARN
    ending: frozenset[Grant] = frozenset()  # of a plan's `wanted`: whose running sessions are to be ended


@dataclass(frozen=True, slots=True)
class Record:
    """What was there when an entry came: a `standing` grant was, and stays; any other one is ours."""

    grant: Grant
    user: str
    standing: bool
    at: datetime  # UTC; sessions that began earlier were none of this entry's

    def to_mapping(self) -> dict[str, JSON]:
        return {
            "permission_set": self.grant.permission_set,
            "principal": self.grant.principal,
            "user": self.user,
            "standing": self.standing,
            "at": format_moment(self.at),
        }


def read_records(before: Before, lock: str) -> tuple[Record, ...]:
    """Return what the record of one entry says of the account with *lock*; TargetFault if it cannot be read."""
    with remembering(before):
        return tuple(map(_read, cast(list[Mapping[str, JSON]], before.facts.get(lock) or [])))


def _read(item: Mapping[str, JSON]) -> Record:
    grant = Grant(str(item["permission_set"]), str(item["principal"]))
    return Record(grant, str(item["user"]), item["standing"] is True, parse_moment(str(item["at"])))


def write_records(entry_id: str, records: tuple[Record, ...], lock: str, earlier: Before | None) -> Before:
    """Return the record to commit; what it says of other accounts is kept."""
    mine: list[JSON] = [record.to_mapping() for record in records]
    return Before(entry_id, {**(earlier.facts if earlier else {}), lock: mine})
