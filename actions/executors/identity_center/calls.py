"""The calls to IAM Identity Center and its identity store, each in one place. Decides nothing.

Grants, revokes and provisionings are promises: each is polled to its end, and FailureReason is what is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from actions.executors.aws import AwsFault, Clients, ask, insist, request_id
from actions.executors.identity_center.sessions import InlinePolicy, parse
from actions.executors.identity_center.state import Grant, Provisioning, User
from actions.executors.protocol import TargetFault
from actions.pacing import Backoff, Wait
from sallyport.changes.prod_access import Directory
from sallyport.changes.protocol import Access

if TYPE_CHECKING:
    from mypy_boto3_identitystore import IdentityStoreClient
    from mypy_boto3_sso_admin import SSOAdminClient
    from mypy_boto3_sso_admin.literals import ProvisioningStatusType

Answer = TypeVar("Answer")
Status = Mapping[str, Any]

_BUSY = frozenset({"ConflictException"})  # something else is going on there: nothing was done yet
_RETRY = Backoff(attempts=6, first=3.0)
_POLL = Backoff(attempts=20, first=1.0, factor=1.5, longest=10.0)  # about two and a half minutes


class DirectoryCalls:
    """The calls for one account through one Identity Center instance."""

    def __init__(self, clients: Clients, access: Access, directory: Directory, account: str, wait: Wait) -> None:
        self._read: SSOAdminClient = clients.reader("sso-admin", access)
        self._write: SSOAdminClient = clients.writer("sso-admin", access)
        self._people: IdentityStoreClient = clients.reader("identitystore", access)
        self._directory = directory
        self._account = account
        self._wait = wait

    def user(self, name: str) -> User:
        """Find a user by name, or else by an e-mail address that is confirmed to be theirs."""
        found = self._user_id("userName", name)
        if found:
            return User(found)
        found = self._user_id("emails.value", name) if "@" in name else ""
        if not found:
            return User(problem=f"IAM Identity Center knows no user “{name}”")
        return self._confirmed(found, name)

    def assigned(self, permission_set: str) -> Iterator[Grant]:
        """Yield the users who have *permission_set* in the account."""

        def pages() -> list[Grant]:
            found = self._read.get_paginator("list_account_assignments").paginate(
                InstanceArn=self._directory.instance,
                AccountId=self._account,
                PermissionSetArn=permission_set,
                PaginationConfig={"PageSize": 100},
            )
            rows = (row for page in found for row in page["AccountAssignments"])
            return [Grant(permission_set, row["PrincipalId"]) for row in rows if row["PrincipalType"] == "USER"]

        yield from ask("ListAccountAssignments", pages)

    def create(self, grant: Grant) -> str:
        """Make an assignment and wait for its end; return the request id."""
        answer = self._insist(
            "CreateAccountAssignment", lambda: self._write.create_account_assignment(**self._assignment(grant))
        )
        self._settle("CreateAccountAssignment", answer["AccountAssignmentCreationStatus"], self._creation)
        return request_id(answer)

    def delete(self, grant: Grant) -> str:
        """Remove an assignment, if it is still there, and wait for its end; return the request id."""
        try:
            answer = self._insist(
                "DeleteAccountAssignment", lambda: self._write.delete_account_assignment(**self._assignment(grant))
            )
        except AwsFault as fault:
            if fault.code == "ResourceNotFoundException":
                return "none needed, it was gone"
            raise
        self._settle("DeleteAccountAssignment", answer["AccountAssignmentDeletionStatus"], self._deletion)
        return request_id(answer)

    def inline_policy(self, permission_set: str) -> InlinePolicy:
        """Read the permission set's inline policy."""
        answer = ask(
            "GetInlinePolicyForPermissionSet",
            lambda: self._read.get_inline_policy_for_permission_set(**self._set(permission_set)),
        )
        try:
            return parse(answer.get("InlinePolicy", ""))
        except (KeyError, TypeError, ValueError) as error:
            raise TargetFault(f"The inline policy of {permission_set} cannot be read ({error}).") from error

    def put_inline_policy(self, permission_set: str, policy: InlinePolicy) -> str:
        """Replace the inline policy, or delete it when it has no statement left; return the request id."""
        here, text = self._set(permission_set), policy.text
        if text:
            put = partial(self._write.put_inline_policy_to_permission_set, **here, InlinePolicy=text)
            return request_id(self._insist("PutInlinePolicyToPermissionSet", put))
        delete = partial(self._write.delete_inline_policy_from_permission_set, **here)
        return request_id(self._insist("DeleteInlinePolicyFromPermissionSet", delete))

    def provisioning(self, permission_set: str) -> Provisioning:
        """Tell whether the account has the permission set's role, and with its present policies."""
        if self._account in self._provisioned(permission_set, "LATEST_PERMISSION_SET_PROVISIONED"):
            return Provisioning.CURRENT
        if self._account in self._provisioned(permission_set, "LATEST_PERMISSION_SET_NOT_PROVISIONED"):
            return Provisioning.OUTDATED
        return Provisioning.GONE

    def provision(self, permission_set: str) -> str:
        """Bring the permission set's policies to the account's role and wait; return the request id."""
        answer = self._insist(
            "ProvisionPermissionSet",
            lambda: self._write.provision_permission_set(
                **self._set(permission_set), TargetType="AWS_ACCOUNT", TargetId=self._account
            ),
        )
        self._settle("ProvisionPermissionSet", answer["PermissionSetProvisioningStatus"], self._provision_status)
        return request_id(answer)

    def _user_id(self, path: str, value: str) -> str:
        identifier: Any = {"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}}
        try:
            answer = ask(
                "GetUserId",
                lambda: self._people.get_user_id(
                    IdentityStoreId=self._directory.identity_store, AlternateIdentifier=identifier
                ),
            )
        except AwsFault as fault:
            if fault.code == "ResourceNotFoundException":
                return ""
            raise
        return answer["UserId"]

    def _confirmed(self, user_id: str, address: str) -> User:
        """An address may have changed hands or be one of several: it has to be the user's primary one."""
        found = ask(
            "DescribeUser",
            lambda: self._people.describe_user(IdentityStoreId=self._directory.identity_store, UserId=user_id),
        )
        primary = [e.get("Value", "").casefold() for e in found.get("Emails", []) if e.get("Primary", False)]
        if primary != [address.casefold()]:
            return User(
                problem=f"“{address}” is not the primary address of the user that IAM Identity Center found"
            )
        if found.get("UserStatus") == "DISABLED":
            return User(problem=f"“{address}” is disabled in IAM Identity Center")
        return User(user_id)

    def _provisioned(self, permission_set: str, status: ProvisioningStatusType) -> Iterable[str]:
        def pages() -> list[str]:
            found = self._read.get_paginator("list_accounts_for_provisioned_permission_set").paginate(
                **self._set(permission_set), ProvisioningStatus=status
            )
            return [account for page in found for account in page["AccountIds"]]

        return ask("ListAccountsForProvisionedPermissionSet", pages)

    def _creation(self, work: str) -> Status:
        return self._read.describe_account_assignment_creation_status(
            InstanceArn=self._directory.instance, AccountAssignmentCreationRequestId=work
        )["AccountAssignmentCreationStatus"]

    def _deletion(self, work: str) -> Status:
        return self._read.describe_account_assignment_deletion_status(
            InstanceArn=self._directory.instance, AccountAssignmentDeletionRequestId=work
        )["AccountAssignmentDeletionStatus"]

    def _provision_status(self, work: str) -> Status:
        return self._read.describe_permission_set_provisioning_status(
            InstanceArn=self._directory.instance, ProvisionPermissionSetRequestId=work
        )["PermissionSetProvisioningStatus"]

    def _settle(self, operation: str, status: Status, look: Callable[[str], Status]) -> None:
        """Poll until AWS says how the work ended; AwsFault if it failed or is still going on after the bound."""
        work, latest = str(status.get("RequestId", "")), status
        for pause in _POLL.pauses():
            if latest.get("Status") != "IN_PROGRESS":
                break
            self._wait(pause)
            latest = ask(f"the status of {operation}", lambda: look(work))
        if latest.get("Status") == "SUCCEEDED":
            return
        if latest.get("Status") == "IN_PROGRESS":
            raise AwsFault(f"AWS has not finished {operation} within the time we wait (work {work}).", "Pending")
        raise AwsFault(f"AWS failed {operation}: {latest.get('FailureReason', 'no reason given')}.", "Failed")

    def _insist(self, operation: str, call: Callable[[], Answer]) -> Answer:
        return insist(operation, call, _RETRY, self._wait, _BUSY)

    def _set(self, permission_set: str) -> Any:
        return {"InstanceArn": self._directory.instance, "PermissionSetArn": permission_set}

    def _assignment(self, grant: Grant) -> Any:
        return {
            **self._set(grant.permission_set),
            "TargetId": self._account,
            "TargetType": "AWS_ACCOUNT",
            "PrincipalType": "USER",
            "PrincipalId": grant.principal,
        }
