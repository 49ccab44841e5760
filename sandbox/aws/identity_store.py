"""The identity store: finds a person by user name or e-mail, and says whether the account is still enabled.

Read-only. Like the real one, it finds users only by the two unique attributes.
"""

from __future__ import annotations

from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.identity_center import IdentityCenter
from sandbox.aws.wire import JsonProtocol, Operation, Parameters, Result
from sandbox.aws.world import User


class IdentityStore:
    unsigned: frozenset[str] = frozenset()

    def __init__(self, center: IdentityCenter) -> None:
        self.protocol = JsonProtocol("identitystore")
        self._center = center
        self.operations = {
            "GetUserId": Operation(self._get_user_id, "IdentityStoreId AlternateIdentifier"),
            "DescribeUser": Operation(self._describe_user, "IdentityStoreId UserId"),
            "ListUsers": Operation(self._list_users, "IdentityStoreId"),
        }

    def _get_user_id(self, caller: Caller, parameters: Parameters) -> Result:
        self._enter(caller, parameters)
        wanted = _unique_attribute(parameters["AlternateIdentifier"]).casefold()
        for user in self._center.users():
            if user.email.casefold() == wanted:
                return {
                    "IdentityStoreId": self._center.directory.store_id,
                    "UserId": user.id,
                    "UserArn": _arn(user),
                }
        raise AwsError("ResourceNotFoundException", "USER not found.", members={"ResourceType": "USER"})

    def _describe_user(self, caller: Caller, parameters: Parameters) -> Result:
        self._enter(caller, parameters)
        for user in self._center.users():
            if user.id == parameters["UserId"]:
                return self._shown(user)
        raise AwsError("ResourceNotFoundException", "USER not found.", members={"ResourceType": "USER"})

    def _list_users(self, caller: Caller, parameters: Parameters) -> Result:
        self._enter(caller, parameters)
        return {"Users": [self._shown(user) for user in self._center.users()]}

    def _enter(self, caller: Caller, parameters: Parameters) -> None:
        directory = self._center.directory
        if caller.account not in directory.administered_from:
            raise AwsError("AccessDeniedException", f"{caller.arn} may not read this identity store")
        if parameters["IdentityStoreId"] != directory.store_id:
            raise AwsError(
                "ResourceNotFoundException",
                "IDENTITY_STORE not found.",
                members={"ResourceType": "IDENTITY_STORE"},
            )

    def _shown(self, user: User) -> dict[str, Any]:
        given, _, family = user.name.partition(" ")
        return {
            "IdentityStoreId": self._center.directory.store_id,
            "UserId": user.id,
            "UserArn": _arn(user),
            "Revision": "1",
            "UserName": user.email,
            "DisplayName": user.name,
            "Name": {"GivenName": given, "FamilyName": family},
            "Emails": [{"Value": user.email, "Type": "work", "Primary": True}],
            "UserStatus": "ENABLED" if user.enabled else "DISABLED",
        }


def _unique_attribute(identifier: Parameters) -> str:
    """The value looked for; the union has one member, and user names are e-mail addresses here."""
    attribute = identifier.get("UniqueAttribute", {})
    if len(identifier) != 1 or attribute.get("AttributePath") not in {"userName", "emails.value"}:
        raise AwsError("ValidationException", "The only unique attributes are userName and emails.value")
    if not isinstance(attribute["AttributeValue"], str):
        raise AwsError("ValidationException", "AttributeValue must be a string")
    return str(attribute["AttributeValue"])


def _arn(user: User) -> str:
    return f"arn:aws:identitystore:::user/{user.id}"
