"""A stage kept by IP sets, against a strict AWS: who is let in, what is left alone, what is refused, and races."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actions.executors.protocol import Plan, TargetFault, Verb
from actions.guards import sparing_the_doubted
from sallyport.entries import Approval, Entry
from sandbox.aws import AwsStandIn
from sandbox.faults import Fault, Kind, Moment
from tests.actions.executors.support import (
    KEYS,
    START,
    Clock,
    Job,
    aws_on_loopback,
    charge,
    policies,
    whitelisting,
    with_facts,
    world,
)

IP, OTHER, OFFICE = "198.51.100.10", "198.51.100.99", "192.0.2.0/24"
IPV6 = "2001:db8::10"
HOUR = timedelta(hours=1)
SETS = policies().catalogue.lists["apis"]["partners"].places["prod"]["ip_sets"]
IPV4_SET, IPV6_SET = SETS["ipv4"], SETS["ipv6"]  # type: ignore[index, call-overload]  # the sample catalogue has both
LOOK = ["GetRestApi", "GetIPSet", "GetIPSet", "GetStage", "GetWebACL", "ListResourcesForWebACL"]
WAF = "^/$"  # the path of its calls
Alter = Callable[[AwsStandIn], None]


def partner(entry_id: str, *ips: str, **facts: Any) -> Entry:
    """An entry for all of the stage that the sample sets keep."""
    addresses = [f"{ip}/128" if ":" in ip else f"{ip}/32" for ip in ips or (IP,)]
    change = charge(api="partners", method="ANY", path="/*", source={"cidr": addresses})
    return whitelisting(entry_id, change, **facts)


@pytest.fixture
def job(aws: AwsStandIn, clock: Clock) -> Job:
    return Job(aws, clock, policies(), [partner("aw-222222")])


def may_call(job: Job, ip: str = IP, path: str = "/v1/orders", method: str = "GET") -> bool:
    return job.aws.apigateway.allows("a1partners", "live", method, path, at=job.clock(), source_ip=ip)


def inside(job: Job, arn: str = IPV4_SET) -> set[str]:
    return job.aws.waf.addresses(arn)


def sentences(plan: Plan[Any]) -> list[str]:
    return [f"{step.verb} {step.sentence}" for step in plan.steps]


def writes(job: Job) -> list[str]:
    return [operation for operation in job.operations() if not operation.startswith(("Get", "List"))]


class TestLettingIn:
    def test_an_approved_address_may_use_all_of_the_stage_and_who_was_there_stays(self, job: Job) -> None:
        assert not may_call(job)
        first, last = job.settle()
        assert sentences(first) == [
            f"create Put {IP}/32 into the IP set partners-ipv4: it may use any method on every path of stage live."
        ]
        assert "IP set partners-ipv4: 2 of 10,000 addresses." in first.facts
        assert (
            "Addresses in an IP set do not expire by themselves; the end of the entry takes them out."
            in first.facts
        )
        assert last.unchanged == {"aw-222222"}
        assert may_call(job)
        assert may_call(job, method="POST")
        assert may_call(job, "192.0.2.7")
        assert not may_call(job, OTHER)

    def test_ipv6_goes_into_its_own_set(self, job: Job) -> None:
        job.live = [partner("aw-222222", IP, IPV6)]
        assert job.settle()[-1].unchanged == {"aw-222222"}
        assert (inside(job), inside(job, IPV6_SET)) == ({f"{IP}/32", OFFICE}, {f"{IPV6}/128"})
        assert may_call(job, IPV6)

    def test_a_set_keeps_the_description_that_somebody_gave_it(self, job: Job) -> None:
        job.settle()
        assert job.aws.waf.description(IPV4_SET) == "Who may call"

    def test_any_number_of_entries_takes_one_write_a_set(self, job: Job) -> None:
        job.live = [partner(f"aw-{n:06}", f"198.51.{100 + n // 200}.{n % 200}") for n in range(500)]
        assert len(job.settle()[-1].unchanged) == 500
        assert job.operations() == [*LOOK, "UpdateIPSet", *LOOK]

    def test_looking_at_what_is_as_it_should_be_takes_six_reads_and_no_write(self, job: Job) -> None:
        job.settle()
        job.operations()
        assert [plan.is_empty for plan in job.settle()] == [True]
        assert job.operations() == LOOK

    def test_the_policy_of_the_api_is_never_written_and_no_stage_deployed(self, job: Job) -> None:
        before = job.aws.apigateway.policy("a1partners")
        job.settle()
        job.end("aw-222222")
        job.settle()
        assert writes(job) == ["UpdateIPSet", "UpdateIPSet"]
        assert job.aws.apigateway.policy("a1partners") == before

    def test_the_evidence_names_the_address_the_set_and_who_ends_it(self, job: Job) -> None:
        job.settle()
        executor, claims = job.executor(), job.claims()
        seen = executor.evidence(executor.observe(job.target, claims), claims)
        assert "IP set partners-ipv4 has 2 of 10,000 addresses" in seen
        said = f"lets {IP}/32 use all of stage live, until a job takes it out at 2026-11-21T13:00:00Z"
        assert f"IP set partners-ipv4 {said}" in seen
        job.live = [partner("aw-222222", expires_at=None)]
        claims = job.claims()
        assert any(
            line.endswith("stage live, without a deadline")
            for line in executor.evidence(executor.observe(job.target, claims), claims)
        )


class TestTheEnd:
    def test_nothing_ends_by_itself_and_the_sweep_takes_out_what_is_ours_alone(
        self, job: Job, clock: Clock
    ) -> None:
        job.settle()
        clock.now += 5 * HOUR
        assert may_call(job)
        first, _ = job.settle()
        assert sentences(first) == [f"remove Take {IP}/32 out of the IP set partners-ipv4."]
        assert first.steps[0].entries == ("aw-222222",)
        assert inside(job) == {OFFICE}
        assert not may_call(job)

    def test_an_address_that_was_there_before_stays_for_ever(self, job: Job) -> None:
        job.aws.waf.edit(IPV4_SET, [OFFICE, f"{IP}/32"])
        (plan,) = job.settle()
        assert plan.unchanged == {"aw-222222"}
        job.end("aw-222222")
        job.settle()
        assert f"{IP}/32" in inside(job)
        assert writes(job) == []

    def test_an_address_inside_a_range_of_somebody_else_is_there_already(self, job: Job) -> None:
        job.live = [partner("aw-222222", "192.0.2.7")]
        (plan,) = job.settle()
        assert plan.unchanged == {"aw-222222"}
        assert inside(job) == {OFFICE}

    def test_an_address_stays_while_any_live_entry_asks_for_it(self, job: Job, clock: Clock) -> None:
        job.settle()
        job.live.append(partner("aw-333333", expires_at=START + 8 * HOUR))
        assert job.settle()[-1].unchanged == {"aw-222222", "aw-333333"}
        clock.now += 5 * HOUR
        executor, claims = job.executor(), job.claims()
        job.settle()
        assert f"{IP}/32 stays in the IP set partners-ipv4 for aw-333333" in executor.evidence(
            executor.observe(job.target, claims), claims
        )
        job.forget("aw-222222")
        assert may_call(job)
        clock.now += 4 * HOUR
        job.settle()
        assert inside(job) == {OFFICE}
        claims = job.claims()
        seen = executor.evidence(executor.observe(job.target, claims), claims)
        assert f"{IP}/32 is no longer in the IP set partners-ipv4" in seen

    def test_it_comes_whatever_the_web_acl_is_like_by_then(self, job: Job) -> None:
        job.settle()
        job.aws.waf.acls.clear()
        job.aws.apigateway.put_policy("a1partners", None)
        job.end("aw-222222")
        assert not job.settle()[-1].refusals
        assert inside(job) == {OFFICE}

    def test_a_set_that_the_catalogue_names_no_longer_is_emptied_of_what_ends(self, job: Job) -> None:
        job.settle()
        job.live = [partner("aw-333333", OTHER)]
        job.ended = [partner("aw-222222")]
        facts = {"rest_api": "a1partners", "stage": "live", "endpoint": "regional"}
        items = policies().catalogue.lists["apis"]
        moved = replace(items["partners"], places={"prod": facts})
        lists = {**policies().catalogue.lists, "apis": {**items, "partners": moved}}
        job.policies = replace(policies(), catalogue=replace(policies().catalogue, lists=lists))
        job.settle()
        assert inside(job) == {OFFICE}

    def test_a_set_that_is_gone_holds_nothing_up(self, job: Job) -> None:
        job.settle()
        job.aws.waf.delete(IPV4_SET)
        job.end("aw-222222")
        assert job.settle()[-1].is_empty


def acl(**facts: Any) -> Alter:
    def alter(aws: AwsStandIn) -> None:
        aws.waf.put_acl(replace(aws.waf.acls["partners"], **facts))

    return alter


def rule(statement: dict[str, Any], action: str = "Allow") -> Alter:
    return acl(rules=({"Name": "r", "Priority": 0, "Action": {action: {}}, "Statement": statement},))


def reference(**facts: Any) -> dict[str, Any]:
    return {"IPSetReferenceStatement": {"ARN": IPV4_SET, **facts}}


def policy(*statements: dict[str, Any]) -> Alter:
    usual = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}

    def alter(aws: AwsStandIn) -> None:
        document = {"Version": "2012-10-17", "Statement": [{**usual, **statement} for statement in statements]}
        aws.apigateway.put_policy("a1partners", document)

    return alter


HEADER = {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "NO_MATCH", "Position": "FIRST"}
ADDRESSES = {"IpAddress": {"aws:SourceIp": OFFICE}}
BUT_THOSE = {"Effect": "Deny", "Condition": {"NotIpAddress": {"aws:SourceIp": OFFICE}}}


def test_entries_in_doubt_may_be_spared_once_everything_was_looked_at(job: Job) -> None:
    job.settle()
    job.end("aw-222222")
    job.live = []
    executor, claims = job.executor(), replace(job.claims(), doubted=frozenset({"aw-222222"}))
    plan = executor.plan(job.target, executor.observe(job.target, claims), sparing_the_doubted(claims))
    assert plan.unchanged == {"aw-222222"}
    assert plan.is_empty


class TestWhereASetDoesNotDecide:
    @pytest.mark.parametrize(
        ("alter", "said"),
        [
            (lambda aws: aws.waf.acls.clear(), "has no WAFv2 web ACL, so that its IP sets decide nothing"),
            (acl(default={"Allow": {}}), "lets in everybody whom no rule blocks"),
            (acl(rules=()), "has no rule that allows whoever is in the IP set partners-ipv4"),
            (rule(reference(), "Block"), "has no rule that allows whoever is in the IP set partners-ipv4"),
            (rule(reference(IPSetForwardedIPConfig=HEADER)), "by the address that the call comes from"),
            (rule({"AndStatement": {"Statements": [reference(), reference()]}}), "has no rule that allows"),
            (rule({"NotStatement": {"Statement": reference()}}), "has no rule that allows"),
            (acl(stages=("a1partners/live", "a1orders/live")), "/restapis/a1orders/stages/live too"),
            (policy({"Condition": ADDRESSES}), "does not let everybody in at stage live"),
            (policy({"Resource": "execute-api:/live/GET/*"}), "does not let everybody in at stage live"),
            (policy({"Principal": {"AWS": "222222222222"}}), "does not let everybody in at stage live"),
            (
                policy({}, {"Sid": "butThose", **BUT_THOSE}),
                "The Deny statement “butThose” of Partners API's policy",
            ),
        ],
    )
    def test_a_new_address_is_refused_and_what_is_there_stays(self, job: Job, alter: Alter, said: str) -> None:
        job.settle()
        alter(job.aws)
        job.live.append(partner("aw-333333", OTHER))
        last = job.settle()[-1]
        assert said in last.refusals["aw-333333"]
        assert inside(job) == {f"{IP}/32", OFFICE}
        # and that it decides no longer is told of what is there, too
        assert said in last.refusals["aw-222222"]

    @pytest.mark.parametrize(
        "alter",
        [
            rule({"OrStatement": {"Statements": [reference(), {"GeoMatchStatement": {"CountryCodes": ["CH"]}}]}}),
            rule(reference()),
            policy({"Resource": "execute-api:/live/*"}, {"Effect": "Deny", "Resource": "execute-api:/test/*"}),
            policy({"Principal": {"AWS": "*"}, "Action": "execute-api:*"}),
            lambda aws: aws.apigateway.put_policy("a1partners", None),
        ],
    )
    def test_where_it_does_nothing_is_refused(self, job: Job, alter: Alter) -> None:
        alter(job.aws)
        assert job.settle()[-1].unchanged == {"aw-222222"}

    def test_what_aws_does_not_show_is_a_refusal_and_holds_up_no_end(self, job: Job) -> None:
        job.settle()
        job.end("aw-222222")
        job.live = [partner("aw-333333", OTHER)]
        job.aws.faults.add(Fault(Kind.DELAY, path=WAF, times=2))  # the looks into the sets
        job.aws.faults.add(Fault(Kind.STATUS, path=WAF, status=403))
        executor = job.executor()
        plan = job.plan(executor)
        assert "Nobody can tell whether the IP set partners-ipv4 decides" in plan.refusals["aw-333333"]
        assert "AWS refused GetWebACL" in plan.refusals["aw-333333"]
        executor.apply(plan, "aw-222222")
        assert inside(job) == {OFFICE}

    def test_a_stage_that_aws_does_not_have_is_told(self, job: Job) -> None:
        job.policies = with_facts("apis", "partners", stage="beta")
        job.live = [whitelisting("aw-222222", charge(api="partners", method="ANY", path="/*", stage="beta"))]
        assert "Invalid stage identifier" in job.settle()[-1].refusals["aw-222222"]


class TestMistakesOfTheCatalogue:
    def test_a_set_that_aws_does_not_have(self, job: Job) -> None:
        wrong = IPV4_SET.replace("-0000-4000-", "-0001-4000-")
        job.policies = with_facts("apis", "partners", ip_sets={"ipv4": wrong})
        assert "AWS has no IP set partners-ipv4 here" in job.settle()[-1].refusals["aw-222222"]

    def test_credentials_of_another_account_do_not_make_a_set_look_gone(
        self, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["non-prod"])
        with pytest.raises(TargetFault, match="credentials are of account 111111111111"):
            job.plan()

    def test_a_set_of_the_other_ip_version(self, job: Job) -> None:
        job.policies = with_facts("apis", "partners", ip_sets={"ipv4": IPV6_SET})
        assert "partners-ipv6 is one for IPv6; mend" in job.settle()[-1].refusals["aw-222222"]


class TestRoom:
    @pytest.fixture
    def crowd(self, job: Job) -> list[str]:
        return [f"81.{n // 65536}.{n // 256 % 256}.{n % 256}/32" for n in range(9_998)]

    def test_the_newest_entries_yield_when_a_set_is_full(self, job: Job, crowd: list[str]) -> None:
        job.aws.waf.edit(IPV4_SET, crowd)
        later = (Approval("lee@example.com", START + HOUR, "slack"),)
        job.live = [partner("aw-222222", IP, OTHER, approvals=later), partner("aw-333333", "203.0.113.1")]
        plans = job.settle()
        assert plans[0].refusals == {
            "aw-222222": "The IP set partners-ipv4 is full: 9,999 of 10,000 addresses are used, and this needs 2 "
            "more; wait until entries end, or join their address ranges."
        }
        assert plans[-1].unchanged == {"aw-333333"}
        assert len(inside(job)) == 9_999

    def test_what_ends_makes_room_in_the_same_write(self, job: Job, crowd: list[str]) -> None:
        job.settle()
        job.aws.waf.edit(IPV4_SET, [*crowd, "81.255.255.1/32", f"{IP}/32"])
        job.end("aw-222222")
        job.live = [partner("aw-333333", OTHER)]
        assert job.settle()[-1].unchanged == {"aw-333333"}
        assert len(inside(job)) == 10_000


class TestOthersAtTheSameTime:
    def test_what_somebody_changes_between_look_and_write_is_not_lost(self, job: Job) -> None:
        executor = job.executor()
        plan = job.plan(executor)
        job.record(plan)
        job.aws.waf.edit(IPV4_SET, [OFFICE, f"{OTHER}/32"])
        (done,) = executor.apply(plan, "aw-222222")
        assert "Somebody was faster at the IP set partners-ipv4 (WAFOptimisticLockException)" in done
        assert inside(job) == {OFFICE, f"{OTHER}/32"}
        assert job.settle()[-1].unchanged == {"aw-222222"}
        assert inside(job) == {OFFICE, f"{OTHER}/32", f"{IP}/32"}

    def test_a_lost_answer_to_a_write_is_never_followed_by_a_second_write(self, job: Job) -> None:
        executor = job.executor()
        plan = job.plan(executor)
        job.record(plan)
        job.operations()
        job.aws.faults.add(Fault(Kind.DROP, Moment.AFTER, path=WAF))
        with pytest.raises(TargetFault, match="did not answer UpdateIPSet"):
            executor.apply(plan, "aw-222222")
        (last,) = job.settle()
        assert last.unchanged == {"aw-222222"}
        assert writes(job) == ["UpdateIPSet"]

    def test_putting_back_takes_out_what_the_plan_put_in_and_nothing_else(self, job: Job) -> None:
        executor = job.executor()
        plan = job.plan(executor)
        job.record(plan)
        executor.apply(plan, "aw-222222")
        job.aws.waf.edit(IPV4_SET, [OFFICE, f"{OTHER}/32", f"{IP}/32"])
        (done,) = executor.restore(plan, "aw-222222")
        assert done.startswith("UpdateIPSet partners-ipv4, 0 in, 1 out: AWS request ")
        assert inside(job) == {OFFICE, f"{OTHER}/32"}
        assert executor.restore(plan, "aw-222222") == ("IP set partners-ipv4 has nothing of it any more",)

    def test_putting_back_brings_nothing_back_that_has_ended(self, job: Job) -> None:
        job.settle()
        job.end("aw-222222")
        job.live = [partner("aw-333333", OTHER)]
        executor = job.executor()
        plan = job.plan(executor)
        job.record(plan)
        executor.apply(plan, "aw-333333")
        executor.restore(plan, "aw-333333")
        assert inside(job) == {OFFICE}

    def test_what_somebody_takes_out_by_hand_is_missing_and_comes_back(self, job: Job) -> None:
        job.settle()
        job.aws.waf.edit(IPV4_SET, [OFFICE])
        first, last = job.settle()
        assert [(step.verb, step.entries) for step in first.steps] == [(Verb.CREATE, ("aw-222222",))]
        assert last.unchanged == {"aw-222222"}


class TestMovingFromThePolicy:
    @pytest.fixture
    def moved(self, job: Job) -> Job:
        """An entry that was made while the catalogue named no sets, which it does now."""
        facts = {"rest_api": "a1partners", "stage": "live", "endpoint": "regional"}
        items = policies().catalogue.lists["apis"]
        partners = replace(items["partners"], places={"prod": facts})
        lists = {**policies().catalogue.lists, "apis": {"partners": partners}}
        job.policies = replace(policies(), catalogue=replace(policies().catalogue, lists=lists))
        job.settle()
        assert self.statements(job) == ["everybody", "ours"]
        job.policies = policies()
        return job

    def statements(self, job: Job) -> list[str]:
        document = job.aws.apigateway.policy("a1partners") or {"Statement": []}
        return ["ours" if one["Sid"].startswith("Sallyport") else one["Sid"] for one in document["Statement"]]

    def test_it_leaves_the_policy_once_it_stands_in_the_set(self, moved: Job) -> None:
        first = moved.plan()
        assert sentences(first) == [
            f"create Put {IP}/32 into the IP set partners-ipv4: it may use any method on every path of stage live."
        ]
        moved.settle()
        assert self.statements(moved) == ["everybody"]
        assert inside(moved) == {OFFICE, f"{IP}/32"}
        assert moved.settle()[-1].unchanged == {"aw-222222"}

    def test_it_stays_in_the_policy_while_the_set_does_not_decide(self, moved: Job) -> None:
        moved.aws.waf.acls.clear()
        assert "has no WAFv2 web ACL" in moved.settle()[-1].refusals["aw-222222"]
        assert self.statements(moved) == ["everybody", "ours"]

    def test_what_asks_for_less_than_a_set_lets_in_is_never_widened(self, job: Job) -> None:
        narrow = charge(api="partners", method="GET", path="/v1/orders")
        job.live = [whitelisting("aw-222222", narrow)]
        job.settle()
        assert inside(job) == {OFFICE}
        assert self.statements(job) == ["everybody", "ours"]


class TestOneApiBothWays:
    @pytest.fixture
    def both(self, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Job]:
        """An API with a stage that sets keep and one that its policy does, and an entry for both."""
        made = world()
        apis = tuple(replace(a, stages=("live", "test")) if a.id == "a1partners" else a for a in made.apis)
        items = policies().catalogue.lists["apis"]
        facts = {"rest_api": "a1partners", "stage": "test", "endpoint": "regional", "may_edit_deny_list": True}
        test = replace(items["partners"], id="partners-test", places={"prod": facts})
        lists = {**policies().catalogue.lists, "apis": {**items, "partners-test": test}}
        known = replace(policies(), catalogue=replace(policies().catalogue, lists=lists))
        changes = (
            charge(api="partners", method="ANY", path="/*"),
            charge(api="partners-test", stage="test", method="GET", path="/v1/orders"),
        )
        with aws_on_loopback(monkeypatch, clock, replace(made, apis=apis)) as aws:
            policy({"Sid": "all"}, {"Sid": "butThose", "Resource": "execute-api:/test/*", **BUT_THOSE})(aws)
            aws.apigateway.deploy("a1partners", "test")
            yield Job(aws, clock, known, [whitelisting("aw-222222", *changes)])

    def may_call(self, job: Job, stage: str) -> bool:
        return job.aws.apigateway.allows("a1partners", stage, "GET", "/v1/orders", at=job.clock(), source_ip=IP)

    def test_an_entry_is_in_place_when_both_parts_are_and_one_record_undoes_both(self, both: Job) -> None:
        assert both.settle()[-1].unchanged == {"aw-222222"}
        assert [self.may_call(both, stage) for stage in ("live", "test")] == [True, True]
        (record,) = both.before.values()
        assert set(record.facts[both.target.lock]) == {"no_policy", "deny_lists", "ip_sets"}  # type: ignore[arg-type]
        both.end("aw-222222")
        both.settle()
        assert [self.may_call(both, stage) for stage in ("live", "test")] == [False, False]

    def test_an_entry_with_a_refused_part_is_not_in_place(self, both: Job) -> None:
        both.aws.waf.acls.clear()
        last = both.settle()[-1]
        assert not last.unchanged
        assert "has no WAFv2 web ACL" in last.refusals["aw-222222"]

    def test_a_fault_at_one_keeps_nothing_from_being_done_at_the_other(self, both: Job) -> None:
        executor = both.executor()
        plan = both.plan(executor)
        both.record(plan)
        both.aws.faults.add(Fault(Kind.STATUS, path=WAF, status=500))
        with pytest.raises(TargetFault, match=r"UpdateIPSet.*Done all the same: .*CreateDeployment"):
            executor.apply(plan, "aw-222222")
        assert self.may_call(both, "test")
        executor.restore(plan, "aw-222222")
        assert not self.may_call(both, "test")
