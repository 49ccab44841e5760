"""Production access against a strict Identity Center: grants, leases, standing access, ended sessions, faults."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from actions.executors.identity_center.calls import DirectoryCalls
from actions.executors.protocol import Plan, TargetFault, Verb
from sallyport.changes.prod_access import Directory
from sallyport.people import People, Person
from sandbox.aws import PROD, AwsStandIn, PermissionSet, User
from sandbox.faults import Fault, Kind, Moment
from tests.actions.executors.support import (
    START,
    Clock,
    Job,
    access,
    aws_on_loopback,
    policies,
    with_facts,
    world,
)

HOUR = timedelta(hours=1)
ANAS = (PROD, "ProdReadOnly", "ana@example.com")
KIMS = (PROD, "ProdReadOnly", "kim@example.com")
FOREIGN = {"Sid": "region", "Effect": "Deny", "Action": "ec2:*", "Resource": "*"}


@pytest.fixture
def job(aws: AwsStandIn, clock: Clock) -> Job:
    aws.identity_center.settle_polls = 0
    return Job(aws, clock, policies(), [access("pa-222222")])


def denials(aws: AwsStandIn, name: str = "ProdReadOnly", account: str = PROD) -> list[dict[str, Any]]:
    policy = aws.identity_center.provisioned_inline_policy(name, account) or {"Statement": []}
    return [s for s in policy["Statement"] if s["Sid"].startswith("Sallyport")]


def sentences(plan: Plan[Any]) -> list[str]:
    return [f"{step.verb} {step.sentence}" for step in plan.steps]


def test_an_approved_person_has_the_permission_set_until_the_entry_ends(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    first, last = job.settle()
    assert sentences(first) == ["create Give ana@example.com ProdReadOnly in account 222222222222."]
    assert last.unchanged == {"pa-222222"}
    assert ANAS in aws.identity_center.assignments()
    clock.now += 5 * HOUR
    job.settle()
    assert aws.identity_center.assignments() == {KIMS}


def test_a_verified_grant_takes_five_calls_however_many_people_and_permission_sets_there_are(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    small = world()
    people = tuple(User(f"9067a0e1-20d1-70aa-8f06-{n:012x}", f"p{n}@example.com", f"P {n}") for n in range(300))
    sets = tuple(PermissionSet(f"Set{n}", f"ps-{n:016x}") for n in range(40))
    directory = small.directory
    big = replace(
        directory, users=(*people, *directory.users), permission_sets=(*sets, *directory.permission_sets)
    )
    for found in (directory, big):
        with aws_on_loopback(monkeypatch, clock, replace(small, directory=found)) as aws:
            aws.identity_center.settle_polls = 0
            job = Job(aws, clock, policies(), [access("pa-222222")])
            job.settle()
            assert job.operations() == [
                "ListAccountAssignments",
                "GetUserId",
                "CreateAccountAssignment",
                "DescribeAccountAssignmentCreationStatus",
                "ListAccountAssignments",
            ]


def test_looking_again_costs_one_call(job: Job) -> None:
    job.settle()
    job.operations()
    assert [plan.is_empty for plan in job.settle()] == [True]
    assert job.operations() == ["ListAccountAssignments"]


def test_a_grant_that_stood_before_is_recorded_and_never_taken_away(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.live = [access("pa-222222", requested_by="kim@example.com")]
    first, last = job.settle()
    assert not first.steps
    assert last.unchanged == {"pa-222222"}
    assert "'standing': True" in str(job.before["pa-222222"].facts)
    clock.now += 5 * HOUR
    job.settle()
    assert KIMS in aws.identity_center.assignments()


def test_a_standing_grant_that_vanishes_meanwhile_is_given_and_is_then_ours(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.live = [access("pa-222222", requested_by="kim@example.com")]
    job.settle()
    aws.identity_center.unassign(*KIMS)
    job.settle()
    assert KIMS in aws.identity_center.assignments()
    clock.now += 5 * HOUR
    job.settle()
    assert KIMS not in aws.identity_center.assignments()


def test_a_shorter_entry_never_ends_a_longer_one_even_when_its_record_is_gone(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    job.live.append(access("pa-333333", expires_at=START + 8 * HOUR))
    job.settle()
    clock.now += 5 * HOUR
    job.settle()
    job.forget("pa-222222")
    assert ANAS in aws.identity_center.assignments()
    assert not denials(aws)
    clock.now += 5 * HOUR
    job.settle()
    assert ANAS not in aws.identity_center.assignments()


def test_an_entry_over_two_accounts_keeps_one_record_for_both(job: Job, aws: AwsStandIn) -> None:
    job.settle()
    earlier = job.before["pa-222222"]
    other = {"sso/111111111111": [{"permission_set": "x"}]}
    job.before["pa-222222"] = replace(earlier, facts={**other})
    plan = job.plan()
    assert set(plan.before[0].facts) == {"sso/111111111111", "sso/222222222222"}


# Who and where


def test_a_person_whom_the_directory_does_not_know_is_refused(job: Job) -> None:
    job.live = [access("pa-222222", requested_by="rob@example.com")]
    (plan,) = job.settle()
    assert "knows no user “rob@example.com”" in plan.refusals["pa-222222"]
    assert "people.yaml" in plan.refusals["pa-222222"]


def test_the_bound_user_name_counts_and_not_the_address(job: Job, aws: AwsStandIn) -> None:
    found = job.policies
    persons = (Person("ana@example.com", identity_center="sam@example.com"),)
    job.policies = replace(found, people=People(persons, found.people.groups))
    job.settle()
    assert (PROD, "ProdReadOnly", "sam@example.com") in aws.identity_center.assignments()
    assert ANAS not in aws.identity_center.assignments()


def test_the_management_account_is_refused(job: Job) -> None:
    job.policies = with_facts("identity-center", "main", management_account=PROD)
    (plan,) = job.settle()
    assert "management account" in plan.refusals["pa-222222"]


def test_a_person_is_looked_up_once_a_job(job: Job) -> None:
    job.live.append(access("pa-333333", "ProdAdmin"))
    job.settle()
    assert job.operations().count("GetUserId") == 1


# Slow, busy and failing


def test_work_in_progress_is_polled_to_its_end(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    aws.identity_center.settle_polls = 3
    job.settle()
    assert ANAS in aws.identity_center.assignments()
    assert clock.waits == [1.0, 1.5, 2.25, 3.375]


def test_work_that_never_ends_is_a_fault_after_a_bound(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    aws.identity_center.settle_polls = 10_000
    aws.identity_center.settle_after = timedelta(days=1)
    with pytest.raises(TargetFault, match="has not finished CreateAccountAssignment"):
        job.settle()
    assert sum(clock.waits) < 200


def test_the_reason_of_a_failure_is_told(job: Job, aws: AwsStandIn) -> None:
    aws.identity_center.fail_next("The role could not be made")
    with pytest.raises(TargetFault, match="The role could not be made"):
        job.settle()


def test_a_conflict_is_waited_out(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    aws.identity_center.settle_polls = 10_000
    aws.identity_center.settle_after = timedelta(seconds=5)
    executor = job.executor()
    plan = job.plan(executor)
    calls = executor._calls(job.target)
    (grant,) = plan.wanted.assigned - plan.observed.assigned
    calls._write.create_account_assignment(**calls._assignment(grant))
    job.record(plan)
    executor.apply(plan, "pa-222222")
    assert ANAS in aws.identity_center.assignments()
    assert [call.error for call in aws.calls if call.error] == ["ConflictException", "ConflictException"]


def test_a_grant_whose_answer_was_lost_is_found_and_ended_as_ours(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    executor = job.executor()
    plan = job.plan(executor)
    job.record(plan)
    aws.faults.add(Fault(Kind.DROP, Moment.AFTER, "POST"))
    with pytest.raises(TargetFault, match="AWS did not answer CreateAccountAssignment"):
        executor.apply(plan, "pa-222222")
    clock.now += timedelta(minutes=2)
    assert [p.is_empty for p in job.settle()] == [True]
    assert ANAS in aws.identity_center.assignments()
    clock.now += 5 * HOUR
    job.settle()
    assert ANAS not in aws.identity_center.assignments()


def test_one_failing_removal_keeps_nothing_else_from_being_done(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    job.settle()
    job.live = [access("pa-333333", "ProdAdmin", expires_at=START + 9 * HOUR)]
    job.ended = [access("pa-222222")]
    aws.identity_center.fail_next("Not now")
    with pytest.raises(TargetFault, match=r"Not now.*Done all the same: CreateAccountAssignment"):
        job.settle()
    assert (PROD, "ProdAdmin", "ana@example.com") in aws.identity_center.assignments()
    assert not denials(aws)
    job.settle()
    assert ANAS not in aws.identity_center.assignments()


# Running sessions


def test_a_removal_denies_the_sessions_begun_until_then_and_keeps_other_statements(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    policy = {"Version": "2012-10-17", "Statement": [FOREIGN]}
    aws.identity_center.put_inline_policy("ProdReadOnly", json.dumps(policy))
    job.settle()
    clock.now += 5 * HOUR
    first, last = job.settle()
    assert {step.verb for step in first.steps} == {Verb.REMOVE}
    assert last.is_empty
    (denial,) = denials(aws)
    issued = denial["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    assert issued >= "2026-11-21T14:00:00Z"
    assert denial["Condition"]["StringEquals"]["identitystore:UserId"][0].endswith("000000000a0a")
    provisioned = aws.identity_center.provisioned_inline_policy("ProdReadOnly", PROD) or {}
    assert FOREIGN in provisioned["Statement"]


def test_the_grant_path_never_reads_the_inline_policy(job: Job) -> None:
    job.settle()
    assert not [operation for operation in job.operations() if "Inline" in operation]


def test_nobody_is_denied_when_the_last_assignment_took_the_role_away(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.live = [access("pa-222222", "ProdAdmin")]
    job.settle()
    clock.now += 5 * HOUR
    *_, last = job.settle()
    assert last.is_empty
    assert aws.identity_center.inline_policy("ProdAdmin") is None


def test_a_crash_after_the_removal_still_ends_the_sessions(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    job.settle()
    aws.identity_center.unassign(*ANAS)
    clock.now += 5 * HOUR
    first, _ = job.settle()
    assert [sentence.split(" of ")[0] for sentence in sentences(first)] == ["remove End the running sessions"]
    assert len(denials(aws)) == 1


def test_a_denial_that_was_put_but_never_provisioned_is_provisioned(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    clock.now += 5 * HOUR
    job.settle()
    text = json.dumps(aws.identity_center.inline_policy("ProdReadOnly"))
    aws.identity_center.put_inline_policy("ProdReadOnly", text + " ")
    assert sentences(job.settle()[0])[0].startswith("remove End the running sessions")
    assert len(denials(aws)) == 1


def test_a_later_access_is_not_denied_by_an_earlier_end(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    job.settle()
    clock.now += 5 * HOUR
    job.settle()
    job.forget("pa-222222")
    job.live = [access("pa-333333", expires_at=clock() + HOUR)]
    clock.now += timedelta(minutes=5)
    job.settle()
    issued = denials(aws)[0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    assert issued < clock().isoformat()
    clock.now += 2 * HOUR
    job.settle()
    assert denials(aws)[0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"] > issued


def test_housekeeping_takes_out_denials_that_have_nothing_left_to_deny(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    clock.now += 5 * HOUR
    job.settle()
    executor = job.executor()
    assert executor.housekeeping(job.target, job.claims()) == ()
    clock.now += 2 * HOUR
    (evidence,) = executor.housekeeping(job.target, job.claims())
    assert evidence.startswith("1 past denials of ProdReadOnly taken out")
    assert not denials(aws)
    assert aws.identity_center.inline_policy("ProdReadOnly") is None


def test_a_full_inline_policy_is_a_loud_fault_after_the_assignment_is_gone(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    filler = {**FOREIGN, "Action": [f"service:Action{n:04}" for n in range(480)]}
    text = json.dumps({"Version": "2012-10-17", "Statement": [filler]}, separators=(",", ":"))
    aws.identity_center.put_inline_policy("ProdReadOnly", text)
    job.settle()
    clock.now += 5 * HOUR
    with pytest.raises(TargetFault, match=r"would have 10,\d{3} bytes and may have 10,240"):
        job.settle()
    assert ANAS not in aws.identity_center.assignments()


def test_a_permission_set_without_ending_tells_how_long_sessions_live(aws: AwsStandIn, clock: Clock) -> None:
    known = with_facts("permission-sets", "ProdReadOnly", ends_sessions=False)
    aws.identity_center.settle_polls = 0
    job = Job(aws, clock, known, [access("pa-222222")])
    job.settle()
    clock.now += 5 * HOUR
    first, _ = job.settle()
    assert first.facts == ("Running sessions with ProdReadOnly are not ended; they can live 1 hour more.",)
    assert not denials(aws)


# Putting back and proving


def test_restoring_takes_back_what_was_given_and_gives_back_nothing(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    job.live = [access("pa-333333", "ProdAdmin", expires_at=START + 9 * HOUR)]
    job.ended = [access("pa-222222")]
    executor = job.executor()
    plan = job.plan(executor)
    job.record(plan)
    executor.apply(plan, "pa-333333")
    (evidence,) = executor.restore(plan, "pa-333333")
    assert evidence.startswith("DeleteAccountAssignment")
    assert aws.identity_center.assignments() == {KIMS}


def test_evidence_carries_request_ids_and_what_was_read_back(job: Job, clock: Clock) -> None:
    executor = job.executor()
    plan = job.plan(executor)
    job.record(plan)
    (written,) = executor.apply(plan, "pa-222222")
    asked = {call.request_id for call in job.aws.calls}
    assert written.rpartition(" ")[2] in asked
    state = executor.observe(job.target, job.claims())
    (read,) = executor.evidence(state, job.claims())
    assert read.startswith("ana@example.com (9067a0e1")
    assert read.endswith("has ProdReadOnly in 222222222222")


# The edges


class ByAddress:
    """An identity store that knows ana only by an e-mail address."""

    def __init__(self, *, primary: bool = True, status: str = "ENABLED") -> None:
        self.found = {"Emails": [{"Value": "Ana@example.com", "Primary": primary}], "UserStatus": status}

    def reader(self, service: str, access: object) -> ByAddress:
        return self

    writer = reader

    def get_user_id(self, IdentityStoreId: str, AlternateIdentifier: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        if AlternateIdentifier["UniqueAttribute"]["AttributePath"] == "userName":
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetUserId")
        return {"UserId": "9067a0e1"}

    def describe_user(self, IdentityStoreId: str, UserId: str) -> dict[str, Any]:  # noqa: N803
        return self.found


@pytest.mark.parametrize(
    ("directory", "problem"),
    [
        (ByAddress(), ""),
        (ByAddress(primary=False), "is not the primary address"),
        (ByAddress(status="DISABLED"), "is disabled"),
    ],
)
def test_an_address_counts_only_if_it_is_the_primary_one_of_an_enabled_user(
    directory: ByAddress, problem: str
) -> None:
    place = Directory.find(policies().catalogue, "prod")
    calls = DirectoryCalls(cast(Any, directory), place.access, place, PROD, Clock().wait)
    assert problem in calls.user("ana@example.com").problem


def test_an_assignment_that_somebody_removed_meanwhile_is_no_fault(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    clock.now += 5 * HOUR
    executor = job.executor()
    plan = job.plan(executor)
    aws.identity_center.unassign(*ANAS)
    evidence = executor.apply(plan, "pa-222222")
    assert evidence[0].endswith("none needed, it was gone")


def test_a_change_that_the_catalogue_has_lost_asks_for_nothing_and_its_grant_is_taken_back(
    job: Job, aws: AwsStandIn
) -> None:
    job.settle()
    target, catalogue = job.target, job.policies.catalogue
    lists = {**catalogue.lists, "accounts": {}}
    job.policies = replace(job.policies, catalogue=replace(catalogue, lists=lists))
    executor = job.executor()
    plan = executor.plan(target, executor.observe(target, job.claims()), job.claims())
    assert [step.verb for step in plan.steps] == [Verb.REMOVE, Verb.REMOVE]


def test_every_account_of_the_catalogue_is_managed_whether_somebody_has_access_or_not(job: Job) -> None:
    targets = job.executor().managed_targets()
    assert {(target.lock, target.environment) for target in targets} == {
        ("sso/222222222222", "prod"),
        ("sso/111111111111", "non-prod"),
    }
    assert job.target in targets
    assert job.operations() == []


def test_an_assignment_that_no_entry_explains_is_named_and_never_taken_away(job: Job, aws: AwsStandIn) -> None:
    job.settle()
    kim = next(user.id for user in world().directory.users if user.email == "kim@example.com")
    [sentence] = job.executor().strangers(job.target, job.claims())
    assert sentence == f"User {kim} has ProdReadOnly in account 222222222222, and no entry says why."
    job.live.append(access("pa-333333", requested_by="kim@example.com"))
    job.settle()
    assert job.executor().strangers(job.target, job.claims()) == (), "an entry explains what stood there before"
    assert KIMS in aws.identity_center.assignments()
