"""Identity Center in the sandbox: grants and revokes are promises that settle later, or fail with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import NONPROD, PROD, AwsStandIn, User, sample_world
from sandbox.aws.clients import PROD_PLAN, client
from sandbox.serving import Server

WORLD = sample_world()
INSTANCE = "arn:aws:sso:::instance/ssoins-7223aaaabbbbcccc"
ADMIN = "arn:aws:sso:::permissionSet/ssoins-7223aaaabbbbcccc/ps-2222aaaabbbbcccc"
READ_ONLY = "arn:aws:sso:::permissionSet/ssoins-7223aaaabbbbcccc/ps-1111aaaabbbbcccc"
STORE = "d-9367012345"
ANA, KIM = (u.id for u in WORLD.directory.users if u.email.split("@")[0] in {"ana", "kim"})
KIMS = (PROD, "ProdReadOnly", "kim@example.com")
ANAS = (PROD, "ProdAdmin", "ana@example.com")
DENY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ended",
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {"StringEquals": {"identitystore:UserId": [ANA]}},
            }
        ],
    }
)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(clock: Clock) -> AwsStandIn:
    return AwsStandIn(WORLD, clock=clock)


@pytest.fixture
def url(aws: AwsStandIn) -> Iterator[str]:
    with Server(aws.app) as server:
        yield server.url


@pytest.fixture
def sso(url: str) -> Any:
    return client(url, "sso-admin")


@pytest.fixture
def store(url: str) -> Any:
    return client(url, "identitystore")


def grant(user: str = ANA, permission_set: str = ADMIN, account: str = PROD, **other: str) -> dict[str, str]:
    return {
        "InstanceArn": INSTANCE,
        "TargetId": account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": permission_set,
        "PrincipalType": "USER",
        "PrincipalId": user,
        **other,
    }


def create(sso: Any, **changes: str) -> str:
    status = sso.create_account_assignment(**grant(**changes))["AccountAssignmentCreationStatus"]
    assert status["Status"] == "IN_PROGRESS"
    return str(status["RequestId"])


def delete(sso: Any, **changes: str) -> str:
    status = sso.delete_account_assignment(**grant(**changes))["AccountAssignmentDeletionStatus"]
    assert status["Status"] == "IN_PROGRESS"
    return str(status["RequestId"])


def created(sso: Any, request_id: str) -> Any:
    return sso.describe_account_assignment_creation_status(
        InstanceArn=INSTANCE, AccountAssignmentCreationRequestId=request_id
    )["AccountAssignmentCreationStatus"]


def deleted(sso: Any, request_id: str) -> Any:
    return sso.describe_account_assignment_deletion_status(
        InstanceArn=INSTANCE, AccountAssignmentDeletionRequestId=request_id
    )["AccountAssignmentDeletionStatus"]


def settled(describe: Callable[[Any, str], Any], sso: Any, request_id: str) -> Any:
    for _ in range(20):
        status = describe(sso, request_id)
        if status["Status"] != "IN_PROGRESS":
            return status
    raise AssertionError("never settled")


def listed(sso: Any, permission_set: str = ADMIN, **page: Any) -> Any:
    return sso.list_account_assignments(
        InstanceArn=INSTANCE, AccountId=PROD, PermissionSetArn=permission_set, **page
    )


def refused(code: str, call: Any, **parameters: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value


def test_the_world_begins_with_a_grant_that_a_person_made(aws: AwsStandIn, sso: Any) -> None:
    assert aws.identity_center.assignments() == {KIMS}
    assert [row["PrincipalId"] for row in listed(sso, READ_ONLY)["AccountAssignments"]] == [KIM]


def test_a_grant_is_in_progress_first_and_exists_only_when_settled(aws: AwsStandIn, sso: Any) -> None:
    request = create(sso)
    assert created(sso, request)["Status"] == "IN_PROGRESS"
    assert listed(sso)["AccountAssignments"] == []
    done = created(sso, request)
    assert (done["Status"], done["TargetId"], done["PrincipalId"]) == ("SUCCEEDED", PROD, ANA)
    assert aws.identity_center.assignments() == {KIMS, ANAS}
    assert len(listed(sso)["AccountAssignments"]) == 1


def test_a_test_decides_how_many_describes_settling_takes(aws: AwsStandIn, sso: Any) -> None:
    aws.identity_center.settle_polls = 3
    request = create(sso)
    assert [created(sso, request)["Status"] for _ in range(4)] == ["IN_PROGRESS"] * 3 + ["SUCCEEDED"]


def test_work_that_nobody_asks_about_settles_with_time(aws: AwsStandIn, sso: Any, clock: Clock) -> None:
    create(sso)
    assert listed(sso)["AccountAssignments"] == []
    clock.now += timedelta(minutes=1)
    assert len(listed(sso)["AccountAssignments"]) == 1
    assert ANAS in aws.identity_center.assignments()


def test_granting_twice_succeeds_and_leaves_one_row_that_one_revoke_removes(aws: AwsStandIn, sso: Any) -> None:
    for _ in range(2):
        assert settled(created, sso, create(sso))["Status"] == "SUCCEEDED"
    assert len(listed(sso)["AccountAssignments"]) == 1
    assert settled(deleted, sso, delete(sso))["Status"] == "SUCCEEDED"
    assert aws.identity_center.assignments() == {KIMS}


def test_a_revoke_of_nothing_is_not_found(sso: Any) -> None:
    error = refused("ResourceNotFoundException", sso.delete_account_assignment, **grant())
    assert isinstance(error, sso.exceptions.ResourceNotFoundException)


def test_a_change_during_unfinished_work_on_the_same_grant_is_a_conflict(sso: Any) -> None:
    request = create(sso)
    refused("ConflictException", sso.create_account_assignment, **grant())
    refused("ConflictException", sso.delete_account_assignment, **grant())
    create(sso, user=KIM)
    settled(created, sso, request)
    revoke = delete(sso)
    refused("ConflictException", sso.create_account_assignment, **grant())
    settled(deleted, sso, revoke)
    create(sso)


def test_a_failure_is_told_by_the_describe_with_its_reason_and_changes_nothing(aws: AwsStandIn, sso: Any) -> None:
    aws.identity_center.fail_next("The role could not be made")
    done = settled(created, sso, create(sso))
    assert (done["Status"], done["FailureReason"]) == ("FAILED", "The role could not be made")
    aws.identity_center.fail_next("Not today")
    assert settled(deleted, sso, delete(sso, user=KIM, permission_set=READ_ONLY))["FailureReason"] == "Not today"
    assert aws.identity_center.assignments() == {KIMS}


@pytest.mark.parametrize("kind", ["USER", "GROUP"])
def test_an_unknown_principal_fails_late(sso: Any, kind: str) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    done = settled(created, sso, create(sso, user=nobody, PrincipalType=kind))
    assert done["Status"] == "FAILED"
    assert nobody in done["FailureReason"]


def test_unknown_sets_accounts_instances_and_requests_are_not_found(sso: Any) -> None:
    not_found = "ResourceNotFoundException"
    create_one = sso.create_account_assignment
    refused(not_found, create_one, **grant(permission_set=ADMIN[:-1] + "0"))
    refused(not_found, create_one, **grant(account="999999999999"))
    refused(not_found, create_one, **grant(InstanceArn=INSTANCE[:-1] + "0"))
    request = create(sso)
    refused(
        not_found,
        sso.describe_account_assignment_deletion_status,
        InstanceArn=INSTANCE,
        AccountAssignmentDeletionRequestId=request,
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"TargetId": "1234567890-1"},
        {"TargetId": "12345678901x"},
        {"PrincipalId": "ana@example.com"},
        {"PermissionSetArn": "arn:aws:sso:::instance/ssoins-7223aaaabbbbcccc/ps-2222aaaabbbbcccc"},
        {"InstanceArn": "ssoins-7223aaaabbbbcccc"},
        {"PrincipalType": "ROLE"},
        {"TargetType": "OU"},
    ],
)
def test_malformed_ids_are_refused_by_the_server(sso: Any, bad: dict[str, str]) -> None:
    error = refused("ValidationException", sso.create_account_assignment, **grant(**bad))
    assert "failed to satisfy constraint" in str(error)


def test_at_most_ten_grants_may_be_outstanding() -> None:
    users = tuple(User(f"00000000-0000-4000-8000-{n:012}", f"u{n}@example.com", f"U {n}") for n in range(11))
    aws = AwsStandIn(replace(WORLD, directory=replace(WORLD.directory, users=users, assignments=())))
    with Server(aws.app) as server:
        sso = client(server.url, "sso-admin")
        requests = [create(sso, user=user.id) for user in users[:10]]
        refused("ThrottlingException", sso.create_account_assignment, **grant(user=users[10].id))
        settled(created, sso, requests[0])
        create(sso, user=users[10].id)


def test_assignments_come_in_pages(aws: AwsStandIn, sso: Any) -> None:
    for user in ("ana", "lee", "sam"):
        aws.identity_center.assign(PROD, "ProdAdmin", f"{user}@example.com")
    first = listed(sso, MaxResults=2)
    assert len(first["AccountAssignments"]) == 2
    rest = listed(sso, MaxResults=2, NextToken=first["NextToken"])
    assert len(rest["AccountAssignments"]) == 1
    assert "NextToken" not in rest
    refused("ValidationException", listed, sso=sso, NextToken="elsewhere")


def test_instances_and_permission_sets_are_listed_and_described(sso: Any) -> None:
    (instance,) = sso.list_instances()["Instances"]
    assert (instance["InstanceArn"], instance["IdentityStoreId"]) == (INSTANCE, STORE)
    arns = sso.list_permission_sets(InstanceArn=INSTANCE)["PermissionSets"]
    names = {
        sso.describe_permission_set(InstanceArn=INSTANCE, PermissionSetArn=arn)["PermissionSet"]["Name"]
        for arn in arns
    }
    assert names == {"ProdReadOnly", "ProdAdmin", "DevAdmin"}


def test_an_inline_policy_reaches_an_account_only_by_provisioning(aws: AwsStandIn, sso: Any) -> None:
    center, which = aws.identity_center, {"InstanceArn": INSTANCE, "PermissionSetArn": ADMIN}
    center.assign(PROD, "ProdAdmin", "ana@example.com")
    assert sso.get_inline_policy_for_permission_set(**which)["InlinePolicy"] == ""
    sso.put_inline_policy_to_permission_set(**which, InlinePolicy=DENY)
    assert sso.get_inline_policy_for_permission_set(**which)["InlinePolicy"] == DENY
    assert center.inline_policy("ProdAdmin") == json.loads(DENY)
    assert center.provisioned_inline_policy("ProdAdmin", PROD) is None
    stale = sso.list_accounts_for_provisioned_permission_set(
        **which, ProvisioningStatus="LATEST_PERMISSION_SET_NOT_PROVISIONED"
    )
    assert stale["AccountIds"] == [PROD]

    work = sso.provision_permission_set(**which, TargetType="AWS_ACCOUNT", TargetId=PROD)
    request = work["PermissionSetProvisioningStatus"]["RequestId"]
    refused("ConflictException", sso.put_inline_policy_to_permission_set, **which, InlinePolicy=DENY)
    refused("ConflictException", sso.provision_permission_set, **which, TargetType="ALL_PROVISIONED_ACCOUNTS")

    def status() -> Any:
        return sso.describe_permission_set_provisioning_status(
            InstanceArn=INSTANCE, ProvisionPermissionSetRequestId=request
        )["PermissionSetProvisioningStatus"]

    assert status()["Status"] == "IN_PROGRESS"
    assert center.provisioned_inline_policy("ProdAdmin", PROD) is None
    assert (status()["Status"], status()["AccountId"]) == ("SUCCEEDED", PROD)
    assert center.provisioned_inline_policy("ProdAdmin", PROD) == json.loads(DENY)


def test_a_role_comes_with_the_first_grant_and_goes_with_the_last(aws: AwsStandIn, sso: Any) -> None:
    which = {"InstanceArn": INSTANCE, "PermissionSetArn": ADMIN}
    aws.identity_center.put_inline_policy("ProdAdmin", DENY)
    refused(
        "ResourceNotFoundException",
        sso.provision_permission_set,
        **which,
        TargetType="AWS_ACCOUNT",
        TargetId=PROD,
    )
    aws.identity_center.assign(PROD, "ProdAdmin", "ana@example.com")
    assert aws.identity_center.provisioned_inline_policy("ProdAdmin", PROD) == json.loads(DENY)
    aws.identity_center.unassign(PROD, "ProdAdmin", "ana@example.com")
    assert sso.list_accounts_for_provisioned_permission_set(**which)["AccountIds"] == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ValidationException", "{bad"),
        ("ValidationException", json.dumps({"Statement": []})),
        ("ValidationException", DENY.replace('"Effect"', '"Principal": "*", "Effect"')),
        ("ServiceQuotaExceededException", DENY + " " * 10_240),
    ],
)
def test_a_bad_inline_policy_is_refused(aws: AwsStandIn, sso: Any, code: str, text: str) -> None:
    put = sso.put_inline_policy_to_permission_set
    refused(code, put, InstanceArn=INSTANCE, PermissionSetArn=ADMIN, InlinePolicy=text)
    assert aws.identity_center.inline_policy("ProdAdmin") is None


def test_an_inline_policy_can_be_deleted_once(aws: AwsStandIn, sso: Any) -> None:
    aws.identity_center.put_inline_policy("ProdAdmin", DENY)
    sso.delete_inline_policy_from_permission_set(InstanceArn=INSTANCE, PermissionSetArn=ADMIN)
    assert aws.identity_center.inline_policy("ProdAdmin") is None
    refused(
        "ResourceNotFoundException",
        sso.delete_inline_policy_from_permission_set,
        InstanceArn=INSTANCE,
        PermissionSetArn=ADMIN,
    )


@pytest.mark.parametrize("path", ["userName", "emails.value"])
def test_a_person_is_found_by_the_unique_attributes_in_any_case(store: Any, path: str) -> None:
    attribute = {"AttributePath": path, "AttributeValue": "Ana@Example.com"}
    found = store.get_user_id(IdentityStoreId=STORE, AlternateIdentifier={"UniqueAttribute": attribute})
    assert found["UserId"] == ANA
    shown = store.describe_user(IdentityStoreId=STORE, UserId=ANA)
    assert (shown["UserName"], shown["UserStatus"]) == ("ana@example.com", "ENABLED")


def test_disabled_people_are_still_found_and_say_so(store: Any) -> None:
    users = {user["UserName"]: user["UserStatus"] for user in store.list_users(IdentityStoreId=STORE)["Users"]}
    assert users["dee@example.com"] == "DISABLED"


def test_strangers_other_attributes_and_other_stores_are_refused(store: Any) -> None:
    def ask(path: str, value: str, store_id: str = STORE) -> dict[str, Any]:
        attribute = {"AttributePath": path, "AttributeValue": value}
        return {"IdentityStoreId": store_id, "AlternateIdentifier": {"UniqueAttribute": attribute}}

    error = refused("ResourceNotFoundException", store.get_user_id, **ask("userName", "eve@example.com"))
    assert error.response["ResourceType"] == "USER"  # type: ignore[typeddict-item]  # a modelled member
    refused("ValidationException", store.get_user_id, **ask("UserName", "ana@example.com"))
    refused("ResourceNotFoundException", store.get_user_id, **ask("userName", "ana@example.com", "d-0000000000"))
    refused("ValidationException", store.describe_user, IdentityStoreId=STORE, UserId="ana@example.com")
    refused(
        "ValidationException",
        store.list_users,
        IdentityStoreId=STORE,
        Filters=[{"AttributePath": "UserName", "AttributeValue": "ana@example.com"}],
    )


def test_only_the_owner_and_its_delegate_administer_the_instance() -> None:
    lonely = replace(WORLD, directory=replace(WORLD.directory, administered_from=frozenset({NONPROD})))
    with Server(AwsStandIn(lonely).app) as server:
        sso = client(server.url, "sso-admin")
        assert sso.list_instances()["Instances"] == []
        refused("AccessDeniedException", sso.list_permission_sets, InstanceArn=INSTANCE)


def test_a_plan_role_lists_but_does_not_grant(url: str) -> None:
    plan = client(url, "sso-admin", PROD_PLAN)
    assert plan.list_permission_sets(InstanceArn=INSTANCE)["PermissionSets"]
    refused("AccessDeniedException", plan.create_account_assignment, **grant())


def test_operations_beyond_the_product_are_unknown(sso: Any) -> None:
    refused("UnknownOperationException", sso.create_permission_set, InstanceArn=INSTANCE, Name="Mine")
