"""Jobs at an allow list, from signed entries on main to a strict EC2: two holders, one end, then the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.commands import refresh
from actions.job import Job, executors
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.entries import Entry
from sallyport.outcomes import Result
from sallyport.problems import Problems
from sandbox.aws import AwsStandIn, sample_world
from sandbox.faults import Fault, Kind, Moment
from tests.actions.executors.support import KEYS, aws_on_loopback
from tests.actions.world import ALERTS, NOW, World

ROLE = "arn:aws:iam::111111111111:role/sallyport-apply-dev"
WEB, HOME = "sg-0de0a11000000a001", "198.51.100.10/32"


@dataclass
class AllowWorld(World):
    """The world of jobs, with the real executor at the sandbox's EC2."""

    ec2: Any = field(default=None)

    def job(self, run_id: str | None = None) -> Job:
        make = executors(lambda: self.now, self.pauses.append)
        return replace(super().job(run_id), make_executor=make)

    def address(self, entry_id: str, hours: int, address: str = HOME, who: str = "ana@example.com") -> Entry:
        return self.entry(
            entry_id,
            flow="infra-whitelist",
            environment="dev",
            requested_by=who,
            changes=(InfraWhitelist(address, "Home office"),),
            expires_at=self.now + timedelta(hours=hours),
            asked="",
        )

    def let_in(self, entry: Entry) -> int:
        return self.apply(entry, self.add(entry), environment="dev")

    def sweep(self) -> int:
        return self.expire(ROLE, "dev")

    def ours(self) -> set[tuple[str, int]]:
        return {(rule.source, rule.from_port) for rule in self.ec2.groups.rules(WEB) if rule.tags}


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsStandIn]:
    with aws_on_loopback(monkeypatch, lambda: NOW, sample_world()) as stand_in:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["non-prod"])
        yield stand_in


@pytest.fixture
def world(tmp_path: Path, stand_in: AwsStandIn) -> AllowWorld:
    return AllowWorld(tmp_path, ec2=stand_in.ec2)


def test_two_people_hold_one_address_until_the_second_of_them_ends(world: AllowWorld) -> None:
    ana, kim = world.address("iw-222222", 1), world.address("iw-333333", 3, who="kim@example.com")
    assert world.let_in(ana) == 0
    assert world.github.outcomes["iw-222222"].result is Result.APPLIED
    assert "198.51.100.10/32 (Home office) in dev is in force until" in world.slack.said("C0INFRA")
    assert world.let_in(kim) == 0
    assert world.github.outcomes["iw-333333"].result is Result.ALREADY
    assert world.ours() == {(HOME, 80), (HOME, 443)}

    world.now += timedelta(hours=1, seconds=1)
    assert world.sweep() == 0
    first = world.github.outcomes["iw-222222"]
    assert first.result is Result.REVERTED
    assert f"{HOME} stays let in for iw-333333" in first.evidence
    assert "nothing of it is in force but what others still ask for there." in first.detail
    assert world.ours() == {(HOME, 80), (HOME, 443)}
    assert world.files == {"requests/infra-whitelist/iw-333333.yaml"}

    world.now += timedelta(hours=2)
    assert world.sweep() == 0
    last = world.github.outcomes["iw-333333"]
    assert last.result is Result.REVERTED
    assert f"{HOME} is no longer let in" in last.evidence
    assert last.detail.endswith("nothing of it is in force.")
    assert world.ours() == set()
    assert world.files == set()
    assert [rule.description for rule in world.ec2.groups.rules(WEB)] == ["office"]
    assert world.slack.said(ALERTS) == ""


def test_a_full_group_refuses_the_request_with_its_numbers_and_changes_nothing(world: AllowWorld) -> None:
    for n in range(58):
        world.ec2.groups.add(WEB, f"203.0.113.{n}/32", 443)
    assert world.let_in(world.address("iw-222222", 1)) == 1
    outcome = world.github.outcomes["iw-222222"]
    assert outcome.result is Result.REFUSED
    assert "59 of 60 IPv4 rules are used, and this needs 2 more" in outcome.detail
    assert world.ours() == set()


def test_a_lost_answer_is_waited_out_and_the_next_look_tells_what_was_done(
    world: AllowWorld, stand_in: AwsStandIn
) -> None:
    reads = Fault(Kind.DELAY, times=3)  # the look that comes before the writes
    stand_in.faults.add(reads)
    stand_in.faults.add(Fault(Kind.DROP, Moment.AFTER))
    assert world.let_in(world.address("iw-222222", 1)) == 0
    assert world.github.outcomes["iw-222222"].result is Result.APPLIED
    assert world.ours() == {(HOME, 80), (HOME, 443)}


def test_an_address_that_policy_does_not_take_is_refused_by_the_job_too(world: AllowWorld) -> None:
    assert world.let_in(world.address("iw-222222", 1, "10.0.0.0/24")) == 1
    assert "is not an address of the internet" in world.github.outcomes["iw-222222"].detail
    assert world.ours() == set()


def test_applying_any_live_entry_again_refreshes_the_whole_list(world: AllowWorld) -> None:
    ana, kim = world.address("iw-222222", 1), world.address("iw-333333", 1, "198.51.100.11/32")
    world.let_in(ana)
    world.let_in(kim)
    for rule in world.ec2.groups.rules(WEB):
        if rule.source == HOME:
            world.ec2.groups.remove(rule.id)
    assert world.apply(kim, world.add(kim), environment="dev") == 0
    assert (HOME, 443) in world.ours()


def in_channel(world: AllowWorld) -> list[str]:
    """What stands in the flow's channel outside of threads."""
    return [post["text"] for post in world.slack.posts if post["channel"] == "C0INFRA" and not post["thread_ts"]]


def test_the_channel_is_told_in_one_message_of_all_that_has_ended(world: AllowWorld) -> None:
    for number in (2, 3, 4):
        entry = world.address(f"iw-{number * 111111}", number // 2, f"198.51.100.{number}/32", "kim@example.com")
        assert world.let_in(entry) == 0
    assert in_channel(world) == []
    world.now += timedelta(hours=1, seconds=1)
    assert world.sweep() == 0
    assert in_channel(world) == [
        "↩️ Address whitelisting has ended for 2 requests:\n"
        "• 198.51.100.2/32 (Home office) in dev, asked for by Kim Berg (iw-222222)\n"
        "• 198.51.100.3/32 (Home office) in dev, asked for by Kim Berg (iw-333333)"
    ]
    assert world.sweep() == 0
    world.now += timedelta(hours=1)
    assert world.sweep() == 0
    assert in_channel(world)[1:] == [
        "↩️ Address whitelisting has ended: 198.51.100.4/32 (Home office) in dev, "
        "asked for by Kim Berg (iw-444444)."
    ]


def test_the_channel_is_not_told_of_what_goes_on_as_another_request_of_the_same_person(world: AllowWorld) -> None:
    assert world.let_in(world.address("iw-222222", 1)) == 0
    assert world.let_in(world.address("iw-333333", 3)) == 0
    world.now += timedelta(hours=1, seconds=1)
    assert world.sweep() == 0
    assert world.github.outcomes["iw-222222"].continued_by == "iw-333333"
    assert in_channel(world) == []


class TestARefresh:
    LOCK = "allow-list/111111111111/eu-west-1/dev"

    def refreshed(self, world: AllowWorld, lock: str = LOCK) -> tuple[int, str]:
        """Refresh the list of dev, and return the exit code with what stands in Slack."""
        code = refresh.run(world.job(), "dev", lock, refresh.Answer("C0ASKED", "17.1"))
        [(channel, ts, text)] = world.slack.updates[-1:]
        assert (channel, ts) == ("C0ASKED", "17.1")
        return code, text

    def test_it_says_that_all_is_as_it_should_be_without_any_request_too(self, world: AllowWorld) -> None:
        code, text = self.refreshed(world)
        assert code == 0
        assert text.startswith(
            "The allow list of Development (dev) is as live requests ask for; nothing was changed."
        )
        assert world.slack.posts == []

    def test_it_mends_and_says_what_was_missing_and_what_nobody_asked_for(self, world: AllowWorld) -> None:
        assert world.let_in(world.address("iw-222222", 1)) == 0
        groups = world.ec2.groups
        for rule in [rule for rule in groups.rules(WEB) if rule.source == HOME and rule.from_port == 80]:
            groups.remove(rule.id)
        groups.add(WEB, "198.51.100.99/32", 443, sallyport=self.LOCK)
        code, text = self.refreshed(world)
        assert code == 0
        assert "was not as live requests ask for, and has been mended:" in text
        assert f"• Let {HOME} in at {WEB} (port 80)." in text
        assert f"• No longer let 198.51.100.99/32 in at {WEB} (port 443)." in text
        assert world.ours() == {(HOME, 80), (HOME, 443)}

    def test_it_takes_leftovers_away_where_nothing_is_live_and_leaves_what_is_not_ours(
        self, world: AllowWorld
    ) -> None:
        world.ec2.groups.add(WEB, "198.51.100.99/32", 443, sallyport=self.LOCK)
        before = [rule.description for rule in world.ec2.groups.rules(WEB) if not rule.tags]
        assert self.refreshed(world)[0] == 0
        assert world.ours() == set()
        assert [rule.description for rule in world.ec2.groups.rules(WEB)] == before

    def test_what_nobody_proves_is_not_let_in_by_it(self, world: AllowWorld) -> None:
        world.add(replace(world.address("iw-222222", 1), attestation=None))
        self.refreshed(world)
        assert world.ours() == set()

    def test_it_says_what_it_could_not_do(self, world: AllowWorld, stand_in: AwsStandIn) -> None:
        stand_in.faults.add(Fault(Kind.STATUS, status=403, times=99))
        code, text = self.refreshed(world)
        assert code == 1
        assert "could not be brought to what live requests ask for" in text

    def test_it_holds_the_lock_of_its_target_or_does_nothing(self, world: AllowWorld) -> None:
        with pytest.raises(Problems, match="its target is allow-list/111111111111/eu-west-1/dev"):
            refresh.run(world.job(), "dev", "allow-list/111111111111/eu-west-1/prod")

    def test_its_role_is_the_one_that_applies(self, world: AllowWorld) -> None:
        assert refresh.place(world.job(), "dev") == 0
        assert world.outputs == {"role": ROLE, "region": "eu-west-1"}
        with pytest.raises(Problems, match="moon has no allow list"):
            refresh.place(world.job(), "moon")
