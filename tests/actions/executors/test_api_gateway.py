"""Whitelisting against a strict AWS: what is let in, what is left alone, what is refused, how much is asked."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from actions.events import PullEvent
from actions.executors.protocol import Plan, TargetFault, Verb
from actions.previewing import Preview, comment
from sallyport.entries import Approval
from sandbox.aws import AwsStandIn
from sandbox.faults import Fault, Kind, Moment
from tests.actions.executors.support import KEYS, START, Clock, Job, charge, policies, whitelisting, with_facts

IP = "198.51.100.10"
HOUR = timedelta(hours=1)
OFFICE = {
    "Sid": "office",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "execute-api:Invoke",
    "Resource": "execute-api:/*",
    "Condition": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}},
}
READS = ["GetRestApi", "GetStage", "GetDeployment"]


@pytest.fixture
def job(aws: AwsStandIn, clock: Clock) -> Job:
    return Job(aws, clock, policies(), [whitelisting("aw-222222")])


def order(api: str, **facts: Any) -> dict[str, Any]:
    return charge(api=api, method="GET", path="/v1/orders", **facts)


def may_call(aws: AwsStandIn, clock: Clock, ip: str = IP, api: str = "a1payments", **facts: Any) -> bool:
    method, path = ("POST", "/v1/charges") if api == "a1payments" else ("GET", "/v1/orders")
    return aws.apigateway.allows(api, "live", method, path, at=clock(), source_ip=ip, **facts)


def sids(aws: AwsStandIn, api: str = "a1payments") -> list[str]:
    return [statement["Sid"] for statement in (aws.apigateway.policy(api) or {"Statement": []})["Statement"]]


def sentences(plan: Plan[Any]) -> list[str]:
    return [f"{step.verb} {step.sentence}" for step in plan.steps]


def test_an_approved_source_is_let_in_until_its_deadline_and_others_keep_their_access(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    assert not may_call(aws, clock)
    first, last = job.settle()
    assert sentences(first) == [
        f"create Let {IP}/32 call POST /v1/charges of stage live until 2026-11-21T13:00:00Z.",
        "create Deploy stage live, so that the policy is in force.",
    ]
    assert last.unchanged == {"aw-222222"}
    assert may_call(aws, clock)
    assert may_call(aws, clock, "192.0.2.7")
    clock.now += 4 * HOUR
    assert not may_call(aws, clock)
    assert may_call(aws, clock, "192.0.2.7")


def test_a_grant_costs_four_reads_two_writes_and_three_reads_to_verify(job: Job) -> None:
    job.settle()
    writes = ["UpdateRestApi", "CreateDeployment"]
    assert job.operations() == [*READS, "GetResources", *writes, *READS]


def test_looking_at_a_target_that_is_as_it_should_be_takes_three_reads_and_no_write(job: Job) -> None:
    job.settle()
    job.operations()
    assert [plan.is_empty for plan in job.settle()] == [True]
    assert job.operations() == READS


def test_fifty_entries_take_one_update_and_one_deployment(job: Job) -> None:
    job.live = [whitelisting(f"aw-{n:06}", charge(source={"cidr": [f"198.51.100.{n}/32"]})) for n in range(50)]
    job.settle()
    assert [o for o in job.operations() if not o.startswith("Get")] == ["UpdateRestApi", "CreateDeployment"]


def test_the_deployments_description_names_the_request_and_tells_what_it_carries(
    job: Job, aws: AwsStandIn
) -> None:
    job.settle("aw-222222")
    (api,) = [api for api in aws.apigateway.apis() if api.spec.id == "a1payments"]
    description = api.in_force("live").description
    assert description is not None
    assert description.startswith("sallyport aw-222222 [ours ")


def test_an_expired_entry_is_taken_out_and_what_stood_there_before_stays(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    clock.now += 5 * HOUR
    first, _ = job.settle()
    assert {step.verb for step in first.steps} == {Verb.REMOVE}
    assert all(step.entries == ("aw-222222",) for step in first.steps)
    assert sids(aws) == ["office"]
    assert aws.apigateway.policy_in_force("a1payments", "live") == aws.apigateway.policy("a1payments")


def test_a_shorter_entry_never_ends_a_longer_one(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    job.live.append(whitelisting("aw-333333", expires_at=START + 8 * HOUR))
    job.settle()
    clock.now += 5 * HOUR
    job.settle()
    assert may_call(aws, clock)
    clock.now += 4 * HOUR
    assert not may_call(aws, clock)


def test_an_entry_that_is_ended_early_stops_at_once(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    job.settle()
    job.end("aw-222222")
    job.settle()
    assert not may_call(aws, clock)


def test_a_statement_under_our_name_that_nobody_asked_for_is_removed(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    forged = OFFICE | {"Sid": "Sallyport000000000000", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}
    policy = aws.apigateway.policy("a1payments") or {}
    aws.apigateway.put_policy("a1payments", {**policy, "Statement": [*policy["Statement"], forged]})
    aws.apigateway.deploy("a1payments", "live")
    assert may_call(aws, clock, "203.0.113.99")
    job.settle()
    assert not may_call(aws, clock, "203.0.113.99")
    assert may_call(aws, clock)


def test_a_private_api_is_asked_about_addresses_and_endpoints_in_its_own_keys(
    aws: AwsStandIn, clock: Clock
) -> None:
    by_address = whitelisting("aw-222222", order("internal", source={"cidr": ["10.1.2.0/24"]}))
    by_endpoint = whitelisting("aw-333333", order("internal", source={"vpce": "vpce-0ffffffffffffffff"}))
    job = Job(aws, clock, policies(), [by_address, by_endpoint])
    first, last = job.settle()
    assert not first.refusals
    assert last.unchanged == {"aw-222222", "aw-333333"}
    assert may_call(aws, clock, "10.1.2.3", "a1internal", vpce="vpce-0123456789abcdef0")
    assert may_call(aws, clock, "10.9.9.9", "a1internal", vpce="vpce-0ffffffffffffffff")
    assert not may_call(aws, clock, "10.9.9.9", "a1internal", vpce="vpce-0123456789abcdef0")


def test_a_crash_between_update_and_deployment_is_mended_by_the_next_look(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    aws.faults.add(Fault(Kind.STATUS, Moment.BEFORE, "POST", "/deployments", status=500))
    with pytest.raises(TargetFault, match="CreateDeployment"):
        job.settle()
    assert not may_call(aws, clock)
    first, _ = job.settle()
    assert sentences(first) == ["create Deploy stage live, so that the policy is in force."]
    assert may_call(aws, clock)


def test_a_lost_answer_to_a_write_is_never_followed_by_a_second_write(job: Job, aws: AwsStandIn) -> None:
    aws.faults.add(Fault(Kind.DROP, Moment.AFTER, "PATCH"))
    with pytest.raises(TargetFault, match="AWS did not answer UpdateRestApi"):
        job.settle()
    assert job.operations().count("UpdateRestApi") == 1
    job.settle()
    assert job.operations().count("UpdateRestApi") == 0


def test_a_crash_after_a_removal_is_mended_too(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    job.settle()
    job.end("aw-222222")
    aws.faults.add(Fault(Kind.STATUS, Moment.BEFORE, "POST", "/deployments", status=500))
    with pytest.raises(TargetFault):
        job.settle()
    assert may_call(aws, clock)
    job.settle()
    assert not may_call(aws, clock)


def test_somebody_elses_deployment_is_followed_by_one_that_proves_our_part(job: Job, aws: AwsStandIn) -> None:
    job.settle()
    aws.apigateway.deploy("a1payments", "live", "by hand")
    first, _ = job.settle()
    assert sentences(first) == ["create Deploy stage live, so that the policy is in force."]


def test_deployments_keep_to_one_in_five_seconds_of_an_account(job: Job, clock: Clock, aws: AwsStandIn) -> None:
    executor = job.executor()
    for n in range(3):
        job.live.append(whitelisting(f"aw-33333{n}", charge(source={"cidr": [f"203.0.113.{n}/32"]})))
        executor.apply(job.plan(executor), "aw-test")
    assert clock.waits == [5.0, 5.0]
    assert not [call for call in aws.calls if call.error]


def test_a_throttled_deployment_waits_as_long_as_aws_says(job: Job, clock: Clock, aws: AwsStandIn) -> None:
    job.settle()
    job.live.append(whitelisting("aw-333333", charge(source={"cidr": ["203.0.113.1/32"]})))
    job.settle()  # another job, which knows nothing of the first one's deployment
    assert clock.waits == [5.0]
    assert [call.error for call in aws.calls if call.error] == ["TooManyRequestsException"]
    assert may_call(aws, clock, "203.0.113.1")


# An API without a policy


def test_the_first_statement_on_an_open_api_is_refused_because_it_would_close_it(
    aws: AwsStandIn, clock: Clock
) -> None:
    job = Job(aws, clock, policies(), [whitelisting("aw-222222", order("orders"))])
    (plan,) = job.settle()
    assert "open to everybody" in plan.refusals["aw-222222"]
    assert "may_close" in plan.refusals["aw-222222"]
    assert aws.apigateway.policy("a1orders") is None


def test_an_api_that_had_no_policy_has_none_again_afterwards(aws: AwsStandIn, clock: Clock) -> None:
    known = with_facts("apis", "orders", may_close=True)
    first, second = (
        whitelisting("aw-222222", order("orders")),
        whitelisting("aw-333333", order("orders"), expires_at=START + 8 * HOUR),
    )
    job = Job(aws, clock, known, [first])
    job.settle()
    assert may_call(aws, clock, api="a1orders")
    assert not may_call(aws, clock, "203.0.113.99", api="a1orders")
    job.live.append(second)
    job.settle()
    clock.now += 5 * HOUR
    job.settle()
    job.forget("aw-222222")
    clock.now += 5 * HOUR
    job.settle()
    assert aws.apigateway.policy("a1orders") is None
    assert may_call(aws, clock, "203.0.113.99", api="a1orders")


def test_an_api_whose_own_statements_vanished_is_not_opened_to_everybody(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    policy = aws.apigateway.policy("a1payments") or {}
    ours = [s for s in policy["Statement"] if s["Sid"] != "office"]
    aws.apigateway.put_policy("a1payments", {**policy, "Statement": ours})
    aws.apigateway.deploy("a1payments", "live")
    clock.now += 5 * HOUR
    job.settle()
    assert sids(aws) == ["SallyportNobody"]
    assert not may_call(aws, clock, "203.0.113.99")
    job.forget("aw-222222")
    job.live = [whitelisting("aw-333333", expires_at=clock() + HOUR)]
    job.settle()
    assert "SallyportNobody" not in sids(aws)
    assert may_call(aws, clock)


# A Deny statement with a list


def test_an_allow_that_a_deny_list_would_make_void_is_refused(aws: AwsStandIn, clock: Clock) -> None:
    job = Job(aws, clock, policies(), [whitelisting("aw-222222", order("legacy"))])
    (plan,) = job.settle()
    assert "“butOnlyThese”" in plan.refusals["aw-222222"]
    assert "may_edit_deny_list" in plan.refusals["aw-222222"]


def test_an_address_that_stands_on_the_deny_list_is_let_in_and_stays_there(aws: AwsStandIn, clock: Clock) -> None:
    job = Job(
        aws, clock, policies(), [whitelisting("aw-222222", order("legacy", source={"cidr": ["192.0.2.9/32"]}))]
    )
    job.settle()
    assert not job.before
    clock.now += 5 * HOUR
    job.settle()
    assert may_call(aws, clock, "192.0.2.9", "a1legacy")


def test_only_the_addresses_we_added_to_a_deny_list_are_taken_off_it(aws: AwsStandIn, clock: Clock) -> None:
    known = with_facts("apis", "legacy", may_edit_deny_list=True)
    ranges = {"cidr": ["192.0.2.0/24", "198.51.100.10/32"]}
    job = Job(aws, clock, known, [whitelisting("aw-222222", order("legacy", source=ranges))])
    before = aws.apigateway.policy("a1legacy")
    first, _ = job.settle()
    assert f"create Put {IP}/32 on the list of the Deny statement “butOnlyThese”." in sentences(first)
    assert any("do not expire by themselves" in fact for fact in first.facts)
    assert may_call(aws, clock, api="a1legacy")
    clock.now += 5 * HOUR
    job.settle()
    assert not may_call(aws, clock, api="a1legacy")
    assert aws.apigateway.policy("a1legacy") == before


def test_an_address_two_entries_put_on_a_deny_list_stays_until_the_last_ends(
    aws: AwsStandIn, clock: Clock
) -> None:
    known = with_facts("apis", "legacy", may_edit_deny_list=True)
    job = Job(aws, clock, known, [whitelisting("aw-222222", order("legacy"))])
    job.settle()
    job.live.append(whitelisting("aw-333333", order("legacy"), expires_at=START + 8 * HOUR))
    job.settle()
    clock.now += 5 * HOUR
    job.settle()
    job.forget("aw-222222")
    assert may_call(aws, clock, api="a1legacy")
    clock.now += 5 * HOUR
    job.settle()
    assert not may_call(aws, clock, api="a1legacy")


# Principals


def test_an_account_is_refused_where_methods_do_not_authenticate_their_callers(job: Job) -> None:
    job.live = [whitelisting("aw-222222", charge(source={"account": "333333333333"}))]
    (plan,) = job.settle()
    assert "POST /v1/charges (NONE)" in plan.refusals["aw-222222"]
    assert "address ranges" in plan.refusals["aw-222222"]


@pytest.mark.parametrize(
    "source", [{"account": "333333333333"}, {"role": "arn:aws:iam::333333333333:role/caller"}]
)
def test_an_account_or_role_is_let_in_where_methods_ask_for_iam(
    aws: AwsStandIn, clock: Clock, source: dict[str, str]
) -> None:
    known = with_facts("apis", "orders", rest_api="a1signed")
    job = Job(aws, clock, known, [whitelisting("aw-222222", order("orders", source=source))])
    assert not job.settle()[0].refusals
    caller = "arn:aws:sts::333333333333:assumed-role/caller/session"
    assert may_call(aws, clock, api="a1signed", principal=caller, iam_allows=True)
    stranger = "arn:aws:sts::444444444444:assumed-role/caller/session"
    assert not may_call(aws, clock, api="a1signed", principal=stranger, iam_allows=True)


# Other people's undeployed work


def test_a_deployment_that_would_publish_somebodys_methods_is_refused(job: Job, aws: AwsStandIn) -> None:
    aws.apigateway.add_resource("a1payments", "/v1/secret", "GET")
    (plan,) = job.settle()
    assert "GET /v1/secret" in plan.refusals["aw-222222"]
    assert "may_publish_others" in plan.refusals["aw-222222"]
    assert sids(aws) == ["office"]


def test_the_owners_may_let_it_publish_them(aws: AwsStandIn, clock: Clock) -> None:
    known = with_facts("apis", "payments", may_publish_others=True)
    job = Job(aws, clock, known, [whitelisting("aw-222222")])
    aws.apigateway.add_resource("a1payments", "/v1/secret", "GET")
    job.settle()
    assert may_call(aws, clock)


def test_an_undeployed_edit_of_the_policy_is_noticed_by_the_digest_of_the_last_deployment(
    job: Job, aws: AwsStandIn
) -> None:
    job.settle()
    policy = aws.apigateway.policy("a1payments") or {}
    extra = OFFICE | {"Sid": "unfinished"}
    aws.apigateway.put_policy("a1payments", {**policy, "Statement": [*policy["Statement"], extra]})
    job.live.append(whitelisting("aw-333333", charge(source={"cidr": ["203.0.113.1/32"]})))
    (plan,) = job.settle()
    assert "edited the resource policy" in plan.refusals["aw-333333"]
    assert plan.unchanged == {"aw-222222"}


def test_an_expired_entry_leaves_the_policy_but_its_deployment_waits_for_others(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    aws.apigateway.add_resource("a1payments", "/v1/secret", "GET")
    clock.now += 5 * HOUR
    job.operations()
    first, last = job.settle()
    assert "CreateDeployment" not in job.operations()
    assert not first.refusals
    assert any("NOT deployed" in fact for fact in (*first.facts, *last.facts))
    assert sids(aws) == ["office"]
    assert not may_call(aws, clock)


def test_an_entry_that_ends_early_is_not_called_ended_while_its_deployment_waits(
    job: Job, aws: AwsStandIn, clock: Clock
) -> None:
    job.settle()
    aws.apigateway.add_resource("a1payments", "/v1/secret", "GET")
    job.end("aw-222222")
    *_, last = job.settle()
    assert "until stage live is deployed" in last.refusals["aw-222222"]
    assert may_call(aws, clock)
    aws.apigateway.deploy("a1payments", "live", "the owners are done")
    assert not job.settle()[-1].refusals
    assert not may_call(aws, clock)


# Limits and mistakes


def test_the_newest_entries_yield_when_the_policy_is_full(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    ranges = [f"198.51.{n // 200}.{n % 200}/32" for n in range(360)]
    parts = [ranges[n : n + 40] for n in range(0, 360, 40)]
    later = (Approval("lee@example.com", START + HOUR, "slack"),)
    job.live = [whitelisting("aw-444444", *(charge(source={"cidr": part}) for part in parts))]
    job.settle()
    job.live.append(
        whitelisting("aw-222222", *(charge(path="/v1/x", source={"cidr": p}) for p in parts), approvals=later)
    )
    job.live.append(whitelisting("aw-333333", charge(source={"cidr": ["203.0.113.1/32"]})))
    plans = job.settle()
    assert list(plans[0].refusals) == ["aw-222222"]
    assert "of 8,192 characters are used" in plans[0].refusals["aw-222222"]
    assert "or keep the stage by WAF IP sets, which the catalogue names" in plans[0].refusals["aw-222222"]
    assert plans[-1].unchanged == {"aw-333333", "aw-444444"}
    assert may_call(aws, clock, "203.0.113.1")


def test_the_comment_of_a_plan_says_how_many_characters_of_the_policy_it_takes(job: Job, aws: AwsStandIn) -> None:
    first, last = job.settle()
    written = len(json.dumps(aws.apigateway.policy("a1payments"), separators=(",", ":")))
    assert last.facts == (f"Resource policy: {written:,} of 8,192 characters.",)
    pull = PullEvent(7, "https://github.example/pull/7", "ana", "a" * 40, "main", is_fork=False)
    body = comment(Preview((), (first,), {}, policies()), pull, "prod", "")
    [row] = [line for line in body.splitlines() if line.startswith(f"| {first.target.lock} ")]
    assert row.endswith(f" {written:,} of 8,192 characters. |")


def test_two_hundred_and_eighty_entries_fit_one_policy(job: Job) -> None:
    job.live = [
        whitelisting(
            f"aw-{n:06}",
            charge(path=f"/v1/path{n % 2}", source={"cidr": [f"198.51.{100 + n % 100}.{100 + n // 3}/32"]}),
            expires_at=START + timedelta(days=1 + n % 4),
        )
        for n in range(280)
    ]
    plans = job.settle()
    assert not plans[0].refusals
    assert len(plans[-1].unchanged) == 280


def test_an_api_or_stage_that_aws_does_not_have_is_a_mistake_of_the_catalogue(
    aws: AwsStandIn, clock: Clock
) -> None:
    for facts, word in (({"rest_api": "a1nothing"}, "REST API"), ({"stage": "live2"}, "stage")):
        known = with_facts("apis", "payments", **facts)
        job = Job(aws, clock, known, [whitelisting("aw-222222", charge(stage=facts.get("stage", "live")))])
        (plan,) = job.settle()
        assert word in plan.refusals["aw-222222"]


def test_credentials_of_another_account_are_not_taken_for_an_api_that_is_gone(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["non-prod"])
    with pytest.raises(TargetFault, match="credentials are of account 111111111111"):
        job.plan()


def test_entries_of_an_api_that_is_gone_have_ended(aws: AwsStandIn, clock: Clock) -> None:
    known = with_facts("apis", "payments", rest_api="a1nothing")
    job = Job(aws, clock, known, ended=[whitelisting("aw-222222")])
    assert [plan.is_empty for plan in job.settle()] == [True]


def test_a_catalogue_that_takes_a_private_api_for_a_public_one_is_refused(aws: AwsStandIn, clock: Clock) -> None:
    known = with_facts("apis", "internal", endpoint="regional")
    job = Job(aws, clock, known, [whitelisting("aw-222222", order("internal"))])
    assert "AWS says that Internal API is private" in job.settle()[0].refusals["aw-222222"]


# Putting back


def test_restoring_puts_back_the_policy_and_the_old_deployment(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    executor = job.executor()
    before, plan = aws.apigateway.policy("a1payments"), job.plan(executor)
    executor.apply(plan, "aw-test")
    assert len(executor.restore(plan, "aw-test")) == 2
    assert aws.apigateway.policy("a1payments") == before
    assert aws.apigateway.policy_in_force("a1payments", "live") == before


def test_restoring_never_brings_back_what_has_ended(job: Job, aws: AwsStandIn, clock: Clock) -> None:
    job.settle()
    job.end("aw-222222")
    job.live = [whitelisting("aw-333333", charge(source={"cidr": ["203.0.113.1/32"]}))]
    executor = job.executor()
    plan = job.plan(executor)
    executor.apply(plan, "aw-test")
    executor.restore(plan, "aw-test")
    assert not may_call(aws, clock)
    assert not may_call(aws, clock, "203.0.113.1")
    assert may_call(aws, clock, "192.0.2.7")


def test_restoring_leaves_alone_what_somebody_changed_meanwhile(job: Job, aws: AwsStandIn) -> None:
    executor = job.executor()
    plan = job.plan(executor)
    executor.apply(plan, "aw-test")
    aws.apigateway.put_policy("a1payments", {"Version": "2012-10-17", "Statement": [OFFICE | {"Sid": "new"}]})
    with pytest.raises(TargetFault, match="changed by somebody else"):
        executor.restore(plan, "aw-test")


def test_evidence_names_the_statement_the_sources_and_the_deployment(job: Job) -> None:
    job.settle()
    executor = job.executor()
    state = executor.observe(job.target, job.claims())
    text = json.dumps(executor.evidence(state, job.claims()), ensure_ascii=False)
    assert f"lets {IP}/32 call POST /v1/charges of stage live" in text
    assert "serves deployment d" in text


def test_restoring_a_first_policy_leaves_none(aws: AwsStandIn, clock: Clock) -> None:
    known = with_facts("apis", "orders", may_close=True)
    job = Job(aws, clock, known, [whitelisting("aw-222222", order("orders"))])
    executor = job.executor()
    plan = job.plan(executor)
    executor.apply(plan, "aw-test")
    executor.restore(plan, "aw-test")
    assert aws.apigateway.policy("a1orders") is None
    assert aws.apigateway.policy_in_force("a1orders", "live") is None


def test_restoring_takes_added_addresses_off_a_deny_list(aws: AwsStandIn, clock: Clock) -> None:
    known = with_facts("apis", "legacy", may_edit_deny_list=True)
    job = Job(aws, clock, known, [whitelisting("aw-222222", order("legacy"))])
    before, executor = aws.apigateway.policy("a1legacy"), job.executor()
    plan = job.plan(executor)
    executor.apply(plan, "aw-test")
    executor.restore(plan, "aw-test")
    assert aws.apigateway.policy("a1legacy") == before


def test_every_api_of_the_catalogue_is_managed_whether_an_entry_is_at_it_or_not(job: Job) -> None:
    targets = job.executor().managed_targets()
    assert job.target in targets
    assert {target.lock.rpartition("/")[2] for target in targets if target.environment == "prod"} == {
        "a1payments",
        "a1orders",
        "a1legacy",
        "a1internal",
        "a1partners",
    }
    assert job.operations() == []
    assert job.executor().strangers(job.target, job.claims()) == ()
    assert job.operations() == []


def test_a_statement_of_ours_that_somebody_changed_is_told_from_one_that_nobody_asked_for(
    job: Job, aws: AwsStandIn
) -> None:
    job.settle()
    policy = aws.apigateway.policy("a1payments")
    assert policy
    mine = next(statement for statement in policy["Statement"] if statement["Sid"].startswith("Sallyport"))
    mine["Action"] = "*"
    aws.apigateway.put_policy("a1payments", policy)
    plan = job.plan()
    [altered] = [step for step in plan.steps if step.altered]
    assert mine["Sid"] in altered.sentence
    assert [step.sentence for step in plan.steps if step.completes] == [
        "Deploy stage live, so that the policy is in force."
    ]
