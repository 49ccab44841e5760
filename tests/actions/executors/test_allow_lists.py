"""Allow lists against a strict EC2: leases, others' rules, quotas, races, lost answers, and what is put back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actions.executors.allow_lists.drift import drift
from actions.executors.allow_lists.state import set_scene
from actions.executors.aws import Clients
from actions.executors.protocol import Plan, TargetFault
from sallyport.entries import Approval, Entry
from sandbox.aws import AwsStandIn, PrefixList, sample_world
from sandbox.aws.world import NONPROD
from sandbox.faults import Fault, Kind, Moment
from tests.actions.executors.support import (
    KEYS,
    START,
    Clock,
    Job,
    aws_on_loopback,
    entry,
    policies,
    with_facts,
)

HOUR = timedelta(hours=1)
WEB, TEMPORAL = "sg-0de0a11000000a001", "sg-0de0a11000000a002"
LIST, LIST6 = "pl-05a0a11000000b004", "pl-05a0a11000000b006"
HOME, HOME6, OFFICE = "198.51.100.10/32", "2001:db8::10/128", "192.0.2.0/24"
DEV = "allow-list/111111111111/eu-west-1/dev"
READS = ["DescribeSecurityGroupRules", "DescribeSecurityGroups", "DescribeSecurityGroupRules"]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[AwsStandIn]:
    with aws_on_loopback(monkeypatch, clock, sample_world()) as stand_in:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["non-prod"])
        yield stand_in


@pytest.fixture
def dev(aws: AwsStandIn, clock: Clock) -> Job:
    return Job(aws, clock, policies(), [allow("iw-222222")])


@pytest.fixture
def staging(aws: AwsStandIn, clock: Clock) -> Job:
    return Job(aws, clock, policies(), [allow("iw-222222", environment="staging")])


def allow(entry_id: str, address: str = HOME, **facts: Any) -> Entry:
    return entry(entry_id, "infra-whitelist", {"address": address}, **{"environment": "dev", **facts})


def sentences(plan: Plan[Any]) -> list[str]:
    return [f"{step.verb} {step.sentence}" for step in plan.steps]


def ours(aws: AwsStandIn, group: str = WEB) -> set[tuple[str, int]]:
    return {(rule.source, rule.from_port) for rule in aws.ec2.groups.rules(group) if rule.tags}


def proof(job: Job) -> list[str]:
    executor, claims = job.executor(), job.claims()
    return list(executor.evidence(executor.observe(job.target, claims), claims))


# Letting in and out


def test_an_address_is_let_in_at_every_port_of_every_group_until_its_end(
    dev: Job, aws: AwsStandIn, clock: Clock
) -> None:
    first, last = dev.settle()
    assert sentences(first) == [f"create Let {HOME} in at {WEB} (ports 80, 443), {TEMPORAL} (port 7233)."]
    assert first.steps[0].entries == ("iw-222222",)
    assert last.unchanged == {"iw-222222"}
    assert ours(aws) == {(HOME, 80), (HOME, 443)}
    assert ours(aws, TEMPORAL) == {(HOME, 7233)}
    clock.now += 5 * HOUR
    first, _ = dev.settle()
    assert sentences(first) == [
        f"remove No longer let {HOME} in at {WEB} (ports 80, 443), {TEMPORAL} (port 7233)."
    ]
    assert first.steps[0].entries == ("iw-222222",)
    assert ours(aws) | ours(aws, TEMPORAL) == set()


@pytest.mark.parametrize("count", [1, 12])
def test_any_number_of_entries_costs_one_call_a_group_each_way(dev: Job, count: int) -> None:
    dev.live = [allow(f"iw-22222{'23456789abcd'[n]}", f"198.51.100.{n}/32") for n in range(count)]
    dev.settle()
    assert dev.operations() == [*READS, *["AuthorizeSecurityGroupIngress"] * 2, *READS]
    dev.ended, dev.live = dev.live, []
    dev.settle()
    assert dev.operations() == [*READS, *["RevokeSecurityGroupIngress"] * 2, *READS]


def test_looking_again_only_reads(dev: Job) -> None:
    dev.settle()
    dev.operations()
    assert [plan.is_empty for plan in dev.settle()] == [True]
    assert dev.operations() == READS


def test_our_rules_carry_our_tag_and_name_the_request(dev: Job, aws: AwsStandIn) -> None:
    dev.settle("iw-222222 of <José>'s")
    rule = next(rule for rule in aws.ec2.groups.rules(WEB) if rule.tags)
    assert rule.tags == {"sallyport": DEV}
    assert rule.description == "Sallyport iw-222222 of Joss"


def test_both_ip_versions_go_into_one_group(dev: Job, aws: AwsStandIn) -> None:
    dev.live.append(allow("iw-333333", HOME6))
    dev.settle()
    assert ours(aws) == {(HOME, 80), (HOME, 443), (HOME6, 80), (HOME6, 443)}


def test_a_prefix_list_takes_the_addresses_of_its_ip_version(staging: Job, aws: AwsStandIn, clock: Clock) -> None:
    staging.live.append(allow("iw-333333", HOME6, environment="staging"))
    first, last = staging.settle()
    assert sentences(first) == [f"create Let {HOME} in at {LIST}.", f"create Let {HOME6} in at {LIST6}."]
    assert last.unchanged == {"iw-222222", "iw-333333"}
    assert aws.ec2.lists.entries(LIST) == {OFFICE: "office", HOME: "Sallyport aw-test"}
    assert aws.ec2.lists.entries(LIST6) == {HOME6: "Sallyport aw-test"}
    clock.now += 5 * HOUR
    staging.settle()
    assert aws.ec2.lists.entries(LIST) == {OFFICE: "office"}
    assert aws.ec2.lists.entries(LIST6) == {}


# Leases, and what is not ours


@pytest.mark.parametrize("environment", ["dev", "staging"])
def test_two_people_with_one_address_hold_it_until_the_last_lease_ends(
    aws: AwsStandIn, clock: Clock, environment: str
) -> None:
    job = Job(aws, clock, policies(), [allow("iw-222222", environment=environment)])
    job.settle()
    job.live.append(allow("iw-333333", environment=environment, expires_at=START + 9 * HOUR))
    assert [plan.is_empty for plan in job.settle()] == [True]
    clock.now += 5 * HOUR
    (only,) = job.settle()
    assert (only.is_empty, only.unchanged) == (True, {"iw-333333"})
    assert f"{HOME} stays let in for iw-333333" in proof(job)
    clock.now += 5 * HOUR
    first, _ = job.settle()
    assert {e for step in first.steps for e in step.entries} == {"iw-222222", "iw-333333"}
    assert f"{HOME} is no longer let in" in proof(job)


@pytest.mark.parametrize(("environment", "where"), [("dev", f"{WEB} (port 443)"), ("staging", LIST)])
def test_what_somebody_allowed_by_hand_is_told_and_stays(
    aws: AwsStandIn, clock: Clock, environment: str, where: str
) -> None:
    job = Job(aws, clock, policies(), [allow("iw-222222", OFFICE, environment=environment)])
    first = job.settle()[0]
    told = f"{OFFICE} is already allowed at {where} by a rule that is not ours; that rule stays as it is."
    assert told in first.facts
    assert any(f"at {where} it was already allowed by a rule that is not ours" in line for line in proof(job))
    clock.now += 5 * HOUR
    job.settle()
    assert f"{OFFICE} is still let in at {where}, by a rule that is not ours" in proof(job)
    assert aws.ec2.groups.lets_in(WEB, OFFICE, 443)
    assert aws.ec2.lists.entries(LIST) == {OFFICE: "office"}


def test_a_rule_by_hand_that_vanishes_meanwhile_is_made_and_is_then_ours(
    dev: Job, aws: AwsStandIn, clock: Clock
) -> None:
    by_hand = [aws.ec2.groups.add(WEB, HOME, port) for port in (80, 443)] + [
        aws.ec2.groups.add(TEMPORAL, HOME, 7233)
    ]
    (only,) = dev.settle()
    assert only.unchanged == {"iw-222222"}
    for rule in by_hand:
        aws.ec2.groups.remove(rule)
    dev.settle()
    assert ours(aws) == {(HOME, 80), (HOME, 443)}
    clock.now += 5 * HOUR
    dev.settle()
    assert ours(aws) == set()


def test_the_rules_of_another_allow_list_are_not_ours(dev: Job, aws: AwsStandIn) -> None:
    aws.ec2.groups.add(WEB, "203.0.113.5/32", 443, "Sallyport iw-999999", sallyport="allow-list/1/eu-west-1/other")
    dev.settle()
    assert aws.ec2.groups.lets_in(WEB, "203.0.113.5/32", 443)


# Refresh and drift


def test_a_refresh_mends_what_was_removed_added_or_edited_by_hand(dev: Job, aws: AwsStandIn) -> None:
    dev.settle()
    aws.ec2.groups.remove(next(r.id for r in aws.ec2.groups.rules(WEB) if r.source == HOME and r.from_port == 443))
    aws.ec2.groups.add(WEB, "203.0.113.5/32", 443, "Sallyport iw-999999", sallyport=DEV)
    edited = aws.ec2.groups.add(WEB, WEB, 443, "Sallyport iw-999999", sallyport=DEV)
    executor = dev.executor()
    state = executor.observe(dev.target, dev.claims())
    found = drift(set_scene(state.allow_list, dev.claims()).asked, state.rules)
    assert list(found.sentences()) == [
        f"{HOME} is missing at {WEB} (port 443), where it is asked for.",
        f"203.0.113.5/32 is let in at {WEB} (port 443) by rules of ours, and nobody asks for it.",
        f"The rule {edited} of {WEB} is ours, and is not as we wrote it.",
    ]
    first, _ = dev.settle()
    assert sentences(first) == [
        f"create Let {HOME} in at {WEB} (port 443).",
        f"remove No longer let 203.0.113.5/32 in at {WEB} (port 443).",
        f"remove Remove the rule {edited} of {WEB}, which is not as we wrote it.",
    ]
    assert ours(aws) == {(HOME, 80), (HOME, 443)}


def test_our_rules_leave_a_group_that_the_catalogue_has_lost(dev: Job, aws: AwsStandIn) -> None:
    dev.settle()
    dev.policies = with_facts("allow-lists", "main", security_groups={WEB: [443]}, prefix_lists={})
    dev.policies = only_in(dev, "dev")
    dev.settle()
    assert ours(aws) == {(HOME, 443)}
    assert ours(aws, TEMPORAL) == set()
    assert aws.ec2.groups.rules(TEMPORAL)


def only_in(job: Job, place: str) -> Any:
    """The job's policies with an allow list in one environment alone."""
    catalogue = job.policies.catalogue
    item = catalogue.lists["allow-lists"]["main"]
    lists = {**catalogue.lists, "allow-lists": {"main": replace(item, places={place: item.places[place]})}}
    return replace(job.policies, catalogue=replace(catalogue, lists=lists))


# Quotas, foreseen


def test_a_full_group_is_a_refusal_with_its_numbers_before_anything_is_written(dev: Job, aws: AwsStandIn) -> None:
    for n in range(57):
        aws.ec2.groups.add(WEB, f"203.0.113.{n}/32", 443)
    dev.live += [
        allow("iw-333333", "198.51.100.11/32", approvals=(Approval("lee@example.com", START - HOUR, "slack"),)),
        allow("iw-444444", HOME6),
    ]
    first, last = dev.settle()
    assert first.refusals == {
        "iw-222222": (
            f"The security group {WEB} is full: 60 of 60 IPv4 rules are used, and this needs 2 more; wait until "
            "addresses end, or let the catalogue name a managed prefix list instead, or have AWS raise the quota "
            "and say so with rules_per_group."
        )
    }
    assert last.unchanged == {"iw-333333", "iw-444444"}
    assert ours(aws, TEMPORAL) == {("198.51.100.11/32", 7233), (HOME6, 7233)}


def test_a_prefix_list_in_a_rule_counts_with_all_the_entries_that_it_may_have(dev: Job, aws: AwsStandIn) -> None:
    for n in range(37):
        aws.ec2.groups.add(WEB, f"203.0.113.{n}/32", 443)
    aws.ec2.groups.add(WEB, LIST, 443)  # of at most 20 entries
    plan = dev.plan()
    assert f"{WEB}: 58 of 60 IPv4 rules, 0 of 60 IPv6 rules." in plan.facts
    assert plan.refusals == {}
    aws.ec2.groups.add(WEB, "203.0.113.99/32", 443)
    assert "59 of 60 IPv4 rules are used, and this needs 2 more" in dev.plan().refusals["iw-222222"]


def test_what_ends_makes_room_in_the_same_run(dev: Job, aws: AwsStandIn, clock: Clock) -> None:
    for n in range(57):
        aws.ec2.groups.add(WEB, f"203.0.113.{n}/32", 443)
    dev.settle()
    dev.end("iw-222222")
    dev.live.append(allow("iw-333333", "198.51.100.11/32"))
    first, _ = dev.settle()
    assert first.refusals == {}
    assert ours(aws) == {("198.51.100.11/32", 80), ("198.51.100.11/32", 443)}


def test_a_full_prefix_list_is_a_refusal_with_its_numbers(staging: Job, aws: AwsStandIn) -> None:
    aws.ec2.lists.edit(LIST, {f"203.0.113.{n}/32": "" for n in range(19)})
    first = staging.plan()
    assert "20 of 20 entries are used, and this needs 1 more" in first.refusals["iw-222222"]
    assert not first.steps


def test_a_refused_address_keeps_what_it_has(dev: Job, aws: AwsStandIn) -> None:
    dev.settle()
    aws.ec2.groups.remove(next(r.id for r in aws.ec2.groups.rules(WEB) if r.source == HOME and r.from_port == 443))
    for n in range(58):
        aws.ec2.groups.add(WEB, f"203.0.113.{n}/32", 443)
    (only,) = dev.settle()
    assert list(only.refusals) == ["iw-222222"]
    assert ours(aws) == {(HOME, 80)}


# Catalogues that do not fit AWS


def test_a_group_that_aws_does_not_have_is_a_refusal_that_says_where_to_mend_it(dev: Job) -> None:
    dev.policies = with_facts(
        "allow-lists", "main", security_groups={"sg-0bad0bad0bad0bad0": [443]}, prefix_lists={}
    )
    dev.policies = only_in(dev, "dev")
    said = "AWS has no security group sg-0bad0bad0bad0bad0 here; mend policies/catalogue/allow-lists.yaml."
    assert dev.plan().refusals == {"iw-222222": said}


@pytest.mark.parametrize(
    ("prefix_list", "said"),
    [
        ("pl-0bad0bad0bad0bad0", "AWS has no prefix list pl-0bad0bad0bad0bad0 here"),
        (LIST6, f"The prefix list {LIST6} is one for IPv6"),
    ],
)
def test_a_prefix_list_that_does_not_fit_is_a_refusal(staging: Job, prefix_list: str, said: str) -> None:
    staging.policies = with_facts("allow-lists", "main", security_groups={}, prefix_lists={"ipv4": prefix_list})
    staging.policies = only_in(staging, "staging")
    assert said in staging.plan().refusals["iw-222222"]


def test_credentials_of_another_account_are_a_fault_and_never_an_end(
    dev: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.settle()
    dev.end("iw-222222")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["prod"])
    dev.clients = Clients()  # of another job
    with pytest.raises(
        TargetFault, match=f"credentials are of account 222222222222, and {WEB}, {TEMPORAL} is not"
    ):
        dev.settle()


# Races and faults


def test_a_rule_that_somebody_makes_between_the_look_and_the_call_is_no_fault(dev: Job, aws: AwsStandIn) -> None:
    executor = dev.executor()
    plan = dev.plan(executor)
    aws.ec2.groups.add(WEB, HOME, 443, "by hand")
    first, second = executor.apply(plan, "iw-222222")
    assert first == "Somebody was faster (InvalidPermission.Duplicate); AWS is read again"
    assert second.startswith(f"AuthorizeSecurityGroupIngress {TEMPORAL}, 1 rules: AWS request ")
    dev.settle()
    assert ours(aws) == {(HOME, 80)}


def test_a_rule_that_somebody_removes_before_us_is_no_fault(dev: Job, aws: AwsStandIn, clock: Clock) -> None:
    dev.settle()
    dev.end("iw-222222")
    executor = dev.executor()
    plan = dev.plan(executor)
    aws.ec2.groups.remove(next(r.id for r in aws.ec2.groups.rules(WEB) if r.source == HOME))
    assert "InvalidSecurityGroupRuleId.NotFound" in executor.apply(plan, "run 7")[0]
    dev.settle()
    assert ours(aws) == set()


def test_a_stale_version_is_never_written_over(staging: Job, aws: AwsStandIn) -> None:
    executor = staging.executor()
    plan = staging.plan(executor)
    aws.ec2.lists.edit(LIST, {"203.0.113.5/32": "by hand"})
    assert executor.apply(plan, "iw-222222") == (
        "Somebody was faster (PrefixListVersionMismatch); AWS is read again",
    )
    staging.settle()
    assert aws.ec2.lists.entries(LIST).keys() == {OFFICE, "203.0.113.5/32", HOME}


def test_a_list_in_the_middle_of_a_change_is_waited_for(staging: Job, aws: AwsStandIn, clock: Clock) -> None:
    aws.ec2.lists.settle_polls = 4
    staging.settle()
    assert HOME in aws.ec2.lists.entries(LIST)
    assert sum(clock.waits) < 10


def test_a_list_that_never_settles_is_a_fault(staging: Job, aws: AwsStandIn) -> None:
    aws.ec2.lists.settle_polls = 1000
    with pytest.raises(TargetFault, match=f"The prefix list {LIST} is modify-in-progress for longer than we wait"):
        staging.settle()


def test_a_change_that_aws_accepts_and_then_fails_is_a_fault_with_its_reason(
    staging: Job, aws: AwsStandIn
) -> None:
    aws.ec2.lists.fails_with = "a route table is full"
    with pytest.raises(TargetFault, match=f"AWS failed to change the prefix list {LIST}: a route table is full"):
        staging.settle()
    staging.settle()
    assert HOME in aws.ec2.lists.entries(LIST)


def test_more_entries_than_a_call_takes_are_several_calls(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    big = PrefixList(LIST, NONPROD, "staging-ipv4", max_entries=500)
    world = sample_world()
    world = replace(world, prefix_lists=(big, *world.prefix_lists[1:]))
    with aws_on_loopback(monkeypatch, clock, world) as aws:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["non-prod"])
        many = entry(
            "iw-222222", "infra-whitelist", *({"address": f"198.51.{n // 200}.{n % 200}/32"} for n in range(250))
        )
        job = Job(aws, clock, policies(), [replace(many, environment="staging")])
        job.settle()
        assert len(aws.ec2.lists.entries(LIST)) == 250
        assert job.operations().count("ModifyManagedPrefixList") == 3
        job.end("iw-222222")
        job.settle()
        assert aws.ec2.lists.entries(LIST) == {}


def test_one_failing_group_keeps_no_other_from_its_change(dev: Job, aws: AwsStandIn) -> None:
    executor = dev.executor()
    plan = dev.plan(executor)
    aws.faults.add(Fault(Kind.STATUS, status=500))
    with pytest.raises(TargetFault, match=r"AuthorizeSecurityGroupIngress.*Done all the same: Authorize"):
        executor.apply(plan, "iw-222222")
    assert ours(aws) == set()
    assert ours(aws, TEMPORAL) == {(HOME, 7233)}


def test_a_write_whose_answer_is_lost_is_not_sent_again(dev: Job, aws: AwsStandIn) -> None:
    executor = dev.executor()
    plan = dev.plan(executor)
    dev.operations()
    aws.faults.add(Fault(Kind.DROP, Moment.AFTER))
    with pytest.raises(TargetFault, match="AWS did not answer AuthorizeSecurityGroupIngress"):
        executor.apply(plan, "iw-222222")
    assert dev.operations() == ["AuthorizeSecurityGroupIngress"] * 2
    assert ours(aws) == {(HOME, 80), (HOME, 443)}


@pytest.mark.parametrize("environment", ["dev", "staging"])
def test_restoring_takes_away_what_was_let_in_and_brings_nothing_back(
    aws: AwsStandIn, clock: Clock, environment: str
) -> None:
    job = Job(aws, clock, policies(), [allow("iw-222222", environment=environment)])
    job.settle()
    job.end("iw-222222")
    job.live.append(allow("iw-333333", "198.51.100.11/32", environment=environment))
    executor = job.executor()
    plan = job.plan(executor)
    executor.apply(plan, "iw-333333")
    assert executor.restore(plan, "iw-333333")
    assert executor.restore(plan, "iw-333333") == ()
    assert ours(aws) | ours(aws, TEMPORAL) == set()
    assert aws.ec2.lists.entries(LIST) == {OFFICE: "office"}


def test_restoring_leaves_what_somebody_else_made_meanwhile(dev: Job, aws: AwsStandIn) -> None:
    executor = dev.executor()
    plan = dev.plan(executor)
    aws.ec2.groups.add(WEB, HOME, 443, "by hand")
    executor.apply(plan, "iw-222222")
    executor.restore(plan, "iw-222222")
    assert ours(aws, TEMPORAL) == set()
    assert aws.ec2.groups.lets_in(WEB, HOME, 443)


def test_evidence_carries_request_ids_and_how_full_everything_is(dev: Job, aws: AwsStandIn) -> None:
    executor = dev.executor()
    plan = dev.plan(executor)
    written = executor.apply(plan, "iw-222222")
    asked = {call.request_id for call in aws.calls}
    assert all(line.rpartition(" ")[2] in asked for line in written)
    assert proof(dev) == [
        f"{HOME} is let in at {WEB} (ports 80, 443), {TEMPORAL} (port 7233)",
        f"{WEB} has 3 of 60 IPv4 rules, 0 of 60 IPv6 rules",
        f"{TEMPORAL} has 2 of 60 IPv4 rules, 1 of 60 IPv6 rules",
    ]
    assert executor.housekeeping(dev.target, dev.claims()) == ()


def test_every_allow_list_of_the_catalogue_is_managed_whether_an_entry_is_at_it_or_not(dev: Job) -> None:
    targets = dev.executor().managed_targets()
    assert {target.environment for target in targets} == {"dev", "prod", "staging"}
    assert dev.target in targets
    assert dev.executor().strangers(dev.target, dev.claims()) == ()
    assert dev.operations() == []
