"""Ending sessions that outlive their access: Deny statements in a permission set's inline policy. Pure.

An assignment that is removed stops no running session. A Deny for the person's tokens issued until now does,
and lets a later access through. Others' statements are carried as they came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sallyport.documents import JSON
from sallyport.times import format_moment, parse_moment

Statement = Mapping[str, JSON]

LIMIT = 10_240  # bytes of a permission set's inline policy
OURS = "Sallyport"


class TooLong(ValueError):
    """The inline policy would exceed AWS's limit."""


@dataclass(frozen=True, slots=True)
class Denial:
    """Sessions of *principals* in *account* with tokens issued before *moment* (UTC) may do nothing."""

    account: str
    principals: frozenset[str]
    moment: datetime

    def to_statement(self) -> Statement:
        return {
            "Sid": self.sid,
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {
                "StringEquals": {"identitystore:UserId": cast(JSON, sorted(self.principals))},
                "DateLessThan": {"aws:TokenIssueTime": format_moment(self.moment)},
            },
        }

    @property
    def sid(self) -> str:
        content = "\n".join((*sorted(self.principals), format_moment(self.moment)))
        return f"{OURS}{self.account}x{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def replaces(self, other: Denial) -> bool:
        """Tell whether *other* denies nothing that this does not deny too."""
        return (
            self.account == other.account and other.principals <= self.principals and other.moment <= self.moment
        )

    def is_past(self, now: datetime, session: timedelta) -> bool:
        """Tell whether every session that it denies has ended by itself."""
        return self.moment + session <= now


@dataclass(frozen=True, slots=True)
class InlinePolicy:
    """An inline policy with our denials told apart."""

    others: tuple[Statement, ...] = ()
    denials: tuple[Denial, ...] = ()
    head: Mapping[str, JSON] | None = None  # Version and Id, as they came

    @property
    def text(self) -> str:
        """Return the policy as AWS takes it; empty if it has no statement left."""
        statements = [*self.others, *(denial.to_statement() for denial in self.denials)]
        if not statements:
            return ""
        return json.dumps(
            {**(self.head or {"Version": "2012-10-17"}), "Statement": statements}, separators=(",", ":")
        )

    def denies(self, account: str, principal: str, since: datetime) -> bool:
        """Tell whether the person's sessions in *account* that began after *since* were ended already."""
        return any(d.account == account and principal in d.principals and d.moment >= since for d in self.denials)

    def without_past(self, account: str, now: datetime, session: timedelta) -> InlinePolicy:
        """Return the policy without denials of *account* that have nothing left to deny."""
        return self._keeping(d for d in self.denials if d.account != account or not d.is_past(now, session))

    def ending(
        self, account: str, principals: Iterable[str], moment: datetime, session: timedelta
    ) -> InlinePolicy:
        """Return the policy that also ends the sessions of *principals*; TooLong if it exceeds AWS's limit.

        Denials of other accounts that have nothing left to deny go only when their room is needed.
        """
        new = Denial(account, frozenset(principals), moment)
        kept = [d for d in self.without_past(account, moment, session).denials if not new.replaces(d)]
        policy = self._keeping((*kept, new))
        if policy.size > LIMIT:
            policy = self._keeping((*(d for d in kept if not d.is_past(moment, session)), new))
        if policy.size > LIMIT:
            raise TooLong(f"its inline policy would have {policy.size:,} bytes and may have {LIMIT:,}")
        return policy

    @property
    def size(self) -> int:
        return len(self.text.encode())

    def _keeping(self, denials: Iterable[Denial]) -> InlinePolicy:
        return InlinePolicy(self.others, tuple(denials), self.head)


def parse(text: str) -> InlinePolicy:
    """Read an inline policy; ValueError if it is no policy."""
    if not text:
        return InlinePolicy()
    data = json.loads(text)
    found = data["Statement"]
    statements = found if isinstance(found, list) else [found]
    read = [(statement, _read(statement)) for statement in statements]
    head = {name: value for name, value in data.items() if name != "Statement"}
    return InlinePolicy(tuple(s for s, d in read if d is None), tuple(d for _, d in read if d), head)


def _read(statement: Statement) -> Denial | None:
    """Read one of our denials; anything that is not exactly as we write it counts as somebody else's."""
    sid = str(statement.get("Sid", ""))
    try:
        condition = cast(Mapping[str, Mapping[str, JSON]], statement["Condition"])
        ids = condition["StringEquals"]["identitystore:UserId"]
        principals = frozenset(map(str, ids if isinstance(ids, list) else [ids]))
        moment = parse_moment(str(condition["DateLessThan"]["aws:TokenIssueTime"]))
    except (KeyError, TypeError, ValueError):
        return None
    denial = Denial(sid.removeprefix(OURS)[:12], principals, moment)
    return denial if denial.sid == sid else None
