"""IAM Identity Center's administration API (sso-admin): assignments, inline policies, provisioning.

Answers IN_PROGRESS first, as the real one does; a caller that believes the first answer is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sandbox.aws.credentials import Caller
from sandbox.aws.errors import AwsError
from sandbox.aws.identity_center import Grant, IdentityCenter, Kind, KnownSet, Work
from sandbox.aws.policies import PolicyError, parse_inline_policy
from sandbox.aws.wire import JsonProtocol, Operation, Parameters, Result

MAX_INLINE_POLICY = 10_240
_GRANT = "InstanceArn TargetId TargetType PermissionSetArn PrincipalType PrincipalId"
_SET = "InstanceArn PermissionSetArn"
_PAGE = "MaxResults NextToken"


class SsoAdmin:
    """The operations over `IdentityCenter`; callable only from the instance's owner and its delegate."""

    unsigned: frozenset[str] = frozenset()

    def __init__(self, center: IdentityCenter) -> None:
        self.protocol = JsonProtocol("sso-admin")
        self._center = center
        served = {
            "ListInstances": (self._list_instances, f"{_PAGE} RegionScope"),
            "ListPermissionSets": (self._list_permission_sets, f"InstanceArn {_PAGE}"),
            "DescribePermissionSet": (self._describe_permission_set, _SET),
            "CreateAccountAssignment": (self._create_assignment, _GRANT),
            "DeleteAccountAssignment": (self._delete_assignment, _GRANT),
            "DescribeAccountAssignmentCreationStatus": (
                self._creation_status,
                "InstanceArn AccountAssignmentCreationRequestId",
            ),
            "DescribeAccountAssignmentDeletionStatus": (
                self._deletion_status,
                "InstanceArn AccountAssignmentDeletionRequestId",
            ),
            "ListAccountAssignments": (self._list_assignments, f"{_SET} AccountId {_PAGE}"),
            "GetInlinePolicyForPermissionSet": (self._get_inline_policy, _SET),
            "PutInlinePolicyToPermissionSet": (self._put_inline_policy, f"{_SET} InlinePolicy"),
            "DeleteInlinePolicyFromPermissionSet": (self._delete_inline_policy, _SET),
            "ProvisionPermissionSet": (self._provision, f"{_SET} TargetId TargetType"),
            "DescribePermissionSetProvisioningStatus": (
                self._provisioning_status,
                "InstanceArn ProvisionPermissionSetRequestId",
            ),
            "ListAccountsForProvisionedPermissionSet": (
                self._list_provisioned_accounts,
                f"{_SET} ProvisioningStatus {_PAGE}",
            ),
        }
        self.operations = {name: Operation(serve, accepts) for name, (serve, accepts) in served.items()}

    # Instances and permission sets

    def _list_instances(self, caller: Caller, parameters: Parameters) -> Result:
        directory = self._center.directory
        instance = {
            "InstanceArn": directory.instance_arn,
            "IdentityStoreId": directory.store_id,
            "OwnerAccountId": directory.owner,
            "CreatedDate": self._center.born,
            "Status": "ACTIVE",
        }
        return _page("Instances", [instance] if caller.account in directory.administered_from else [], parameters)

    def _list_permission_sets(self, caller: Caller, parameters: Parameters) -> Result:
        self._enter(caller, parameters)
        return _page("PermissionSets", sorted(self._center.sets), parameters)

    def _describe_permission_set(self, caller: Caller, parameters: Parameters) -> Result:
        found = self._set(caller, parameters)
        shown = {
            "Name": found.spec.name,
            "PermissionSetArn": found.arn,
            "CreatedDate": found.created,
            "SessionDuration": found.spec.session_duration,
        }
        return {"PermissionSet": shown}

    # Assignments

    def _create_assignment(self, caller: Caller, parameters: Parameters) -> Result:
        grant = self._grant(caller, parameters)
        work = self._center.start(Kind.CREATION, grant.permission_set_arn, grant, ())
        return {"AccountAssignmentCreationStatus": _grant_status(work)}

    def _delete_assignment(self, caller: Caller, parameters: Parameters) -> Result:
        grant = self._grant(caller, parameters)
        work = self._center.start(Kind.DELETION, grant.permission_set_arn, grant, ())
        return {"AccountAssignmentDeletionStatus": _grant_status(work)}

    def _creation_status(self, caller: Caller, parameters: Parameters) -> Result:
        self._enter(caller, parameters)
        work = self._center.look_at(Kind.CREATION, parameters["AccountAssignmentCreationRequestId"])
        return {"AccountAssignmentCreationStatus": _grant_status(work)}

    def _deletion_status(self, caller: Caller, parameters: Parameters) -> Result:
        self._enter(caller, parameters)
        work = self._center.look_at(Kind.DELETION, parameters["AccountAssignmentDeletionRequestId"])
        return {"AccountAssignmentDeletionStatus": _grant_status(work)}

    def _list_assignments(self, caller: Caller, parameters: Parameters) -> Result:
        known = self._set(caller, parameters)
        account = self._account(parameters["AccountId"])
        rows = [
            {
                "AccountId": grant.account,
                "PermissionSetArn": grant.permission_set_arn,
                "PrincipalType": grant.principal_type,
                "PrincipalId": grant.principal_id,
            }
            for grant in self._center.grants()
            if (grant.account, grant.permission_set_arn) == (account, known.arn)
        ]
        return _page("AccountAssignments", rows, parameters)

    # Inline policies and provisioning

    def _get_inline_policy(self, caller: Caller, parameters: Parameters) -> Result:
        return {"InlinePolicy": self._set(caller, parameters).inline or ""}

    def _put_inline_policy(self, caller: Caller, parameters: Parameters) -> Result:
        known = self._idle_set(caller, parameters)
        text = parameters["InlinePolicy"]
        try:
            parse_inline_policy(text)
        except PolicyError as problem:
            raise AwsError("ValidationException", f"The inline policy is not valid: {problem}") from problem
        if (size := len(text.encode())) > MAX_INLINE_POLICY:
            sentence = f"The inline policy has {size} bytes; the limit is {MAX_INLINE_POLICY}"
            raise AwsError("ServiceQuotaExceededException", sentence)
        known.inline = text
        return {}

    def _delete_inline_policy(self, caller: Caller, parameters: Parameters) -> Result:
        known = self._idle_set(caller, parameters)
        if known.inline is None:
            raise AwsError("ResourceNotFoundException", "The permission set has no inline policy")
        known.inline = None
        return {}

    def _provision(self, caller: Caller, parameters: Parameters) -> Result:
        known = self._set(caller, parameters)
        accounts = self._provisioning_targets(known, parameters)
        work = self._center.start(Kind.PROVISIONING, known.arn, None, accounts)
        return {"PermissionSetProvisioningStatus": _provisioning_status(work)}

    def _provisioning_status(self, caller: Caller, parameters: Parameters) -> Result:
        self._enter(caller, parameters)
        work = self._center.look_at(Kind.PROVISIONING, parameters["ProvisionPermissionSetRequestId"])
        return {"PermissionSetProvisioningStatus": _provisioning_status(work)}

    def _list_provisioned_accounts(self, caller: Caller, parameters: Parameters) -> Result:
        known = self._set(caller, parameters)
        wanted = parameters.get("ProvisioningStatus")
        latest = {None: {True, False}, "LATEST_PERMISSION_SET_PROVISIONED": {True}}.get(wanted, {False})
        accounts = [account for account, had in known.provisioned.items() if (had == known.inline) in latest]
        return _page("AccountIds", sorted(accounts), parameters)

    def _provisioning_targets(self, known: KnownSet, parameters: Parameters) -> tuple[str, ...]:
        target = parameters.get("TargetId")
        if parameters["TargetType"] == "ALL_PROVISIONED_ACCOUNTS":
            if target is not None:
                raise AwsError("ValidationException", "TargetId does not go with ALL_PROVISIONED_ACCOUNTS")
            return tuple(known.provisioned)
        if target is None:
            raise AwsError("ValidationException", "TargetId is required for AWS_ACCOUNT")
        if self._account(target) not in known.provisioned:
            raise AwsError("ResourceNotFoundException", f"{known.spec.name} is not provisioned in {target}")
        return (target,)

    # Look-ups

    def _enter(self, caller: Caller, parameters: Parameters) -> None:
        directory = self._center.directory
        if caller.account not in directory.administered_from:
            raise AwsError("AccessDeniedException", f"{caller.arn} may not administer this instance")
        if parameters["InstanceArn"] != directory.instance_arn:
            raise AwsError("ResourceNotFoundException", f"There is no instance {parameters['InstanceArn']}")
        self._center.settle_old()

    def _set(self, caller: Caller, parameters: Parameters) -> KnownSet:
        self._enter(caller, parameters)
        arn = parameters["PermissionSetArn"]
        if arn not in self._center.sets:
            raise AwsError("ResourceNotFoundException", f"There is no permission set {arn}")
        return self._center.sets[arn]

    def _idle_set(self, caller: Caller, parameters: Parameters) -> KnownSet:
        known = self._set(caller, parameters)
        if self._center.busy(known.arn):
            raise AwsError("ConflictException", "The permission set is being provisioned")
        return known

    def _account(self, account: str) -> str:
        if account not in self._center.directory.accounts:
            raise AwsError("ResourceNotFoundException", f"There is no account {account} in the organization")
        return account

    def _grant(self, caller: Caller, parameters: Parameters) -> Grant:
        known = self._set(caller, parameters)
        account = self._account(parameters["TargetId"])
        return Grant(account, known.arn, parameters["PrincipalType"], parameters["PrincipalId"])


def _status(work: Work) -> dict[str, Any]:
    shown = {
        "Status": str(work.status),
        "RequestId": work.id,
        "PermissionSetArn": work.permission_set_arn,
        "CreatedDate": work.created,
    }
    return shown | ({"FailureReason": work.fails_with} if work.status == "FAILED" else {})


def _grant_status(work: Work) -> dict[str, Any]:
    if work.grant is None:
        raise LookupError("creations and deletions have a grant")
    return _status(work) | {
        "TargetId": work.grant.account,
        "TargetType": "AWS_ACCOUNT",
        "PrincipalType": work.grant.principal_type,
        "PrincipalId": work.grant.principal_id,
    }


def _provisioning_status(work: Work) -> dict[str, Any]:
    one = {"AccountId": work.accounts[0]} if len(work.accounts) == 1 else {}
    return _status(work) | one


def _page(name: str, items: Sequence[Any], parameters: Parameters) -> Result:
    token = parameters.get("NextToken", "from-0")
    if not re.fullmatch(r"from-[0-9]+", token):
        raise AwsError("ValidationException", "NextToken is not one that was given out")
    start = int(token.removeprefix("from-"))
    end = start + parameters.get("MaxResults", 100)
    return {name: list(items[start:end]), **({"NextToken": f"from-{end}"} if end < len(items) else {})}
