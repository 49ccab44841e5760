"""Who is calling: the table from access keys to accounts, roles and session names.

A key that is not in the table has no rights at all. Signatures are not computed; secrets prove nothing here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.aws.errors import AwsError
from sandbox.aws.world import AccessKey, Role

_SCOPE = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9.-]+)/aws4_request,?\s.*Signature=.+"
)
_READS = re.compile(r"(Get|List|Describe|BatchGet|Head|Query|Scan|Search|Lookup)[A-Z].*")


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope of a SigV4 Authorization header."""

    key_id: str
    region: str
    service: str


@dataclass(frozen=True, slots=True)
class Caller:
    """An identity that may call. A `read_only` one gets AccessDenied for everything that changes something."""

    account: str
    session_name: str
    arn: str
    user_id: str
    read_only: bool = False

    def may(self, operation: str) -> bool:
        return not self.read_only or bool(_READS.fullmatch(operation))


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary keys of an assumed role, as STS hands them out."""

    key_id: str
    secret: str
    token: str
    expires: datetime
    caller: Caller


def scope_of(authorization: str) -> Scope | None:
    """The scope, or None when the header is missing or not SigV4."""
    found = _SCOPE.fullmatch(authorization)
    return Scope(*found.groups()) if found else None


class Callers:
    """Every key that is good at the moment."""

    def __init__(self, keys: Iterable[AccessKey]) -> None:
        self._fixed = {key.key_id: _fixed_caller(key) for key in keys}
        self._sessions: dict[str, Session] = {}

    def assume(self, role: Role, session_name: str, expires: datetime) -> Session:
        """New temporary keys. Times are the machine's, because botocore compares them with the machine's."""
        caller = Caller(
            role.account,
            session_name,
            f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session_name}",
            f"AROA{role.name.upper().replace('-', '')[:16]}:{session_name}",
            role.read_only,
        )
        key_id = f"ASIA{secrets.token_hex(8).upper()}"
        session = Session(key_id, secrets.token_hex(20), secrets.token_urlsafe(48), expires, caller)
        self._sessions[key_id] = session
        return session

    def find(self, scope: Scope, token: str | None) -> Caller:
        """The caller; raises `AwsError` for unknown keys, wrong session tokens and expired sessions."""
        if scope.key_id in self._fixed:
            return self._fixed[scope.key_id]
        session = self._sessions.get(scope.key_id)
        if session is None or session.token != token:
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.")
        if session.expires <= datetime.now(UTC):
            raise AwsError("ExpiredTokenException", "The security token included in the request is expired")
        return session.caller


def _fixed_caller(key: AccessKey) -> Caller:
    arn = f"arn:aws:iam::{key.account}:user/{key.session_name}"
    return Caller(key.account, key.session_name, arn, f"AIDA{key.key_id[4:]}", key.read_only)
