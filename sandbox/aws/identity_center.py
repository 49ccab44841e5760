"""IAM Identity Center as it is kept: assignments, provisioned policies, and the slow work that changes them.

A grant, a revoke or a provisioning is only a promise until it has settled; until then nothing has changed.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sandbox.aws.errors import AwsError
from sandbox.aws.policies import Document, parse_inline_policy
from sandbox.aws.world import Assignment, AwsWorld, PermissionSet, User


class Status(StrEnum):
    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class Kind(StrEnum):
    CREATION = "creation"
    DELETION = "deletion"
    PROVISIONING = "provisioning"


@dataclass(frozen=True, slots=True)
class Grant:
    """The identity of an account assignment; there is never more than one row of it."""

    account: str
    permission_set_arn: str
    principal_type: str
    principal_id: str


@dataclass(slots=True)
class Work:
    """One asynchronous request. `grant` is None for a provisioning, which has `accounts` instead."""

    id: str
    kind: Kind
    permission_set_arn: str
    created: datetime
    polls_left: int
    grant: Grant | None = None
    accounts: tuple[str, ...] = ()
    fails_with: str | None = None
    status: Status = Status.IN_PROGRESS


@dataclass(slots=True)
class KnownSet:
    """A permission set: its inline policy as last put, and as provisioned in each account."""

    spec: PermissionSet
    arn: str
    created: datetime
    inline: str | None
    provisioned: dict[str, str | None]


class IdentityCenter:
    """The state, with what tests ask and what people do by hand. Permission sets go by name, users by e-mail.

    Work settles after `settle_polls` describes that still say IN_PROGRESS, or by itself after `settle_after`.
    """

    max_outstanding = 10

    def __init__(self, world: AwsWorld, clock: Callable[[], datetime], lock: threading.RLock) -> None:
        self.directory = world.directory
        self.region = world.region
        self.settle_polls = 1
        self.settle_after = timedelta(seconds=60)
        self.born = clock()
        self.clock = clock
        self._lock = lock
        self._failures: list[str] = []
        self._work: dict[str, Work] = {}
        self._grants: dict[Grant, None] = {}
        self.sets = {
            arn: KnownSet(spec, arn, clock(), None, {})
            for spec in self.directory.permission_sets
            if (arn := self.directory.permission_set_arn(spec))
        }
        for standing in self.directory.assignments:
            self.assign(standing.account, standing.permission_set, standing.user)

    # What a test or the page may ask, past the API

    def assignments(self) -> set[tuple[str, str, str]]:
        """Every settled assignment as (account, permission set name, user name)."""
        with self._lock:
            return {
                (g.account, self.sets[g.permission_set_arn].spec.name, self._user_name(g.principal_id))
                for g in self._grants
            }

    def inline_policy(self, permission_set: str) -> Document | None:
        """The policy as last put, provisioned or not."""
        return _document(self._set_named(permission_set).inline)

    def provisioned_inline_policy(self, permission_set: str, account: str) -> Document | None:
        """The policy that the role in `account` really has; None without role or policy."""
        return _document(self._set_named(permission_set).provisioned.get(account))

    def fail_next(self, reason: str) -> None:
        """Let the next creation, deletion or provisioning end as FAILED with this FailureReason."""
        self._failures.append(reason)

    # What a person does by hand in the console, settled at once

    def assign(self, account: str, permission_set: str, user: str) -> None:
        with self._lock:
            self._grant(self._grant_named(Assignment(account, permission_set, user)))

    def unassign(self, account: str, permission_set: str, user: str) -> None:
        with self._lock:
            self._revoke(self._grant_named(Assignment(account, permission_set, user)))

    def put_inline_policy(self, permission_set: str, text: str | None) -> None:
        """Put a policy without provisioning it; None removes it."""
        if text is not None:
            parse_inline_policy(text)
        with self._lock:
            self._set_named(permission_set).inline = text

    # What the API's operations build on

    def grants(self) -> Iterable[Grant]:
        return tuple(self._grants)

    def users(self) -> Iterable[User]:
        return self.directory.users

    def start(self, kind: Kind, permission_set_arn: str, grant: Grant | None, accounts: tuple[str, ...]) -> Work:
        """Accept a request; raises `AwsError` for collisions, a missing assignment, or too much at once."""
        unfinished = [work for work in self._work.values() if work.status is Status.IN_PROGRESS]
        if any(_collide(work, permission_set_arn, grant, accounts) for work in unfinished):
            raise AwsError("ConflictException", "There is a conflicting operation in progress for this resource.")
        if kind is Kind.DELETION and grant not in self._grants:
            raise AwsError("ResourceNotFoundException", "There is no such account assignment")
        if kind is Kind.CREATION and sum(w.kind is kind for w in unfinished) >= self.max_outstanding:
            raise AwsError("ThrottlingException", "Too many outstanding account assignment creations")
        reason = self._failures.pop(0) if self._failures else self._doubt(kind, grant)
        work = Work(
            str(uuid.uuid4()),
            kind,
            permission_set_arn,
            self.clock(),
            self.settle_polls,
            grant,
            accounts,
            reason,
        )
        self._work[work.id] = work
        return work

    def look_at(self, kind: Kind, request_id: str) -> Work:
        """The work as a describe finds it, which brings it one poll nearer to its end."""
        work = self._work.get(request_id)
        if work is None or work.kind is not kind:
            raise AwsError("ResourceNotFoundException", f"There is no {kind} request {request_id}")
        if work.polls_left == 0:
            self._settle(work)
        work.polls_left = max(0, work.polls_left - 1)
        return work

    def settle_old(self) -> None:
        """Let work settle that has had its time, whether anybody asked about it or not."""
        now = self.clock()
        for work in self._work.values():
            if now - work.created >= self.settle_after:
                self._settle(work)

    def busy(self, permission_set_arn: str) -> bool:
        """Whether the permission set is being provisioned somewhere."""
        return any(
            work.status is Status.IN_PROGRESS
            and work.kind is Kind.PROVISIONING
            and work.permission_set_arn == permission_set_arn
            for work in self._work.values()
        )

    def _doubt(self, kind: Kind, grant: Grant | None) -> str | None:
        """An unknown principal is found out late, when the work is done."""
        known = {user.id for user in self.directory.users}
        if (
            kind is Kind.CREATION
            and grant
            and (grant.principal_type, grant.principal_id) not in {("USER", user) for user in known}
        ):
            return f"Received a 404 status error: {grant.principal_type} {grant.principal_id} not found"
        return None

    def _settle(self, work: Work) -> None:
        if work.status is not Status.IN_PROGRESS:
            return
        if work.fails_with is not None:
            work.status = Status.FAILED
            return
        work.status = Status.SUCCEEDED
        if work.kind is Kind.CREATION and work.grant:
            self._grant(work.grant)
        elif work.kind is Kind.DELETION and work.grant:
            self._revoke(work.grant)
        for account in work.accounts:
            known = self.sets[work.permission_set_arn]
            known.provisioned[account] = known.inline

    def _grant(self, grant: Grant) -> None:
        """The first assignment of a permission set in an account provisions its role there."""
        self._grants[grant] = None
        known = self.sets[grant.permission_set_arn]
        known.provisioned.setdefault(grant.account, known.inline)

    def _revoke(self, grant: Grant) -> None:
        """The last assignment takes the role away with it."""
        self._grants.pop(grant, None)
        place = (grant.account, grant.permission_set_arn)
        if all((g.account, g.permission_set_arn) != place for g in self._grants):
            self.sets[grant.permission_set_arn].provisioned.pop(grant.account, None)

    def _grant_named(self, named: Assignment) -> Grant:
        users = {user.email: user.id for user in self.directory.users}
        return Grant(named.account, self._set_named(named.permission_set).arn, "USER", users[named.user])

    def _set_named(self, name: str) -> KnownSet:
        return next(known for known in self.sets.values() if known.spec.name == name)

    def _user_name(self, user_id: str) -> str:
        return next(user.email for user in self.directory.users if user.id == user_id)


def _collide(work: Work, permission_set_arn: str, grant: Grant | None, accounts: tuple[str, ...]) -> bool:
    if grant is not None:
        return work.grant == grant
    return work.permission_set_arn == permission_set_arn and bool(set(work.accounts) & set(accounts))


def _document(text: str | None) -> Document | None:
    return None if text is None else parse_inline_policy(text)
