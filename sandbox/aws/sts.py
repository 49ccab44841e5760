"""Security Token Service: trades a GitHub token for temporary keys of a role, and says who is calling.

The token's claims are checked as a role's trust policy would; its signature is not.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from sandbox.aws.credentials import Caller, Callers
from sandbox.aws.errors import AwsError
from sandbox.aws.wire import Operation, Parameters, QueryProtocol, Result
from sandbox.aws.world import Role

_AUDIENCE = "sts.amazonaws.com"
NOBODY = Caller("", "", "", "")


class Sts:
    """`operations` and `protocol` as for every service; AssumeRoleWithWebIdentity needs no credentials."""

    unsigned = frozenset({"AssumeRoleWithWebIdentity"})

    def __init__(self, callers: Callers, roles: Iterable[Role]) -> None:
        self.protocol = QueryProtocol("sts")
        self.operations = {
            "AssumeRoleWithWebIdentity": Operation(
                self._assume, "RoleArn RoleSessionName WebIdentityToken DurationSeconds"
            ),
            "GetCallerIdentity": Operation(self._identity, ""),
        }
        self._callers = callers
        self._roles = {role.arn: role for role in roles}

    def _assume(self, _caller: Caller, parameters: Parameters) -> Result:
        claims = _claims(parameters["WebIdentityToken"])
        role = self._roles.get(parameters["RoleArn"])
        subject = str(claims.get("sub", ""))
        if role is None or not any(fnmatchcase(subject, pattern) for pattern in role.subjects):
            raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        expires = datetime.now(UTC) + timedelta(seconds=parameters.get("DurationSeconds", 3600))
        session = self._callers.assume(role, parameters["RoleSessionName"], expires)
        return {
            "Credentials": {
                "AccessKeyId": session.key_id,
                "SecretAccessKey": session.secret,
                "SessionToken": session.token,
                "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            "SubjectFromWebIdentityToken": subject,
            "AssumedRoleUser": {"AssumedRoleId": session.caller.user_id, "Arn": session.caller.arn},
            "Audience": _AUDIENCE,
        }

    @staticmethod
    def _identity(caller: Caller, _parameters: Parameters) -> Result:
        return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn}


def _claims(token: str) -> dict[str, Any]:
    """The claims of a JWT that is for AWS and not over; raises `AwsError` otherwise."""
    try:
        _head, body, _signature = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        expires = float(claims["exp"])
    except (ValueError, KeyError, TypeError) as problem:
        raise AwsError("InvalidIdentityToken", "The ID Token provided is not a valid JWT") from problem
    if expires <= datetime.now(UTC).timestamp():
        raise AwsError("ExpiredTokenException", "Token expired: current date/time must be before the expiration")
    if claims.get("aud") != _AUDIENCE:
        raise AwsError("InvalidIdentityToken", "Incorrect token audience")
    return dict(claims)
