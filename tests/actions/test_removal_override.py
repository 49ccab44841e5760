"""Many entries that lose their proof at once end only where an approved request, for exactly that, lets them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.executors.protocol import Target
from actions.executors.removal_override import RemovalOverrides
from actions.job import Job
from sallyport.attestations import new_key_pair, read_public_key, read_signer
from sallyport.changes.protocol import Access
from sallyport.changes.removal_override import FLOW, RemovalOverride
from sallyport.entries import Approval, Entry
from sallyport.ids import ALPHABET
from sallyport.outcomes import Result
from tests.actions.fakes import FakeExecutor
from tests.actions.world import ALERTS, ORDERS, PAYMENTS, PROD_ROLE, World

OVERRIDE = "ro-222222"
OLD_KEY = "2026-10"
ROLE = Access("222222222222", "eu-west-1", PROD_ROLE)
TARGETS = {"api-whitelisting": tuple(Target(lock, "prod", ROLE) for lock in (PAYMENTS, ORDERS))}


@dataclass
class Threshold(World):
    """A world in which entries were signed by a key of their own, so that their proof can be lost alone."""

    def job(self, run_id: str | None = None, branch: str = "main") -> Job:
        def make(flow: str, _policies: Any) -> Any:
            return RemovalOverrides(TARGETS.__getitem__) if flow == FLOW else FakeExecutor(self.aws)

        return replace(super().job(run_id, branch), make_executor=make)

    def doubt(self, count: int, group: str = "2") -> None:
        """Put entries in force, and then take away the key that they are signed with."""
        private, public = new_key_pair()
        self.commit("A second key", {f"policies/keys/{OLD_KEY}.pem": public.encode()})
        signer = read_signer(private, {OLD_KEY: read_public_key(public.encode())})
        later = self.now + timedelta(hours=6)
        entries = [self.entry(f"aw-2222{one}{group}", signer, expires_at=later) for one in ALPHABET[:count]]
        self.apply(entries[0], self.add(*entries))
        assert len(self.live()) == count
        self.commit("Retire the key", {}, [f"policies/keys/{OLD_KEY}.pem"])

    def override(self, entry_id: str = OVERRIDE, *, add: bool = True, **facts: Any) -> Entry:
        """Commit an override as the coordinator does: kim asks, and lee approves."""
        change = {"of": "api-whitelisting", "target": PAYMENTS, "most": 3}
        change |= {name: facts.pop(name) for name in tuple(change) if name in facts}
        given: dict[str, Any] = {"flow": FLOW, "requested_by": "kim@example.com", "asked": ""}
        made = self.entry(entry_id, **(given | {"changes": (RemovalOverride.from_mapping(change),)} | facts))
        if add:
            self.add(made)
        return made

    def sweep(self) -> int:
        """Do what the workflow does: a job for each role that has something to do."""
        accesses = json.loads(self.due()["accesses"])
        return max([self.expire(access["role"], access["environment"]) for access in accesses], default=0)

    def detail(self, entry_id: str) -> str:
        return self.github.outcomes[entry_id].detail


@pytest.fixture
def world(tmp_path: Path) -> Threshold:
    return Threshold(tmp_path)


class TestAnApprovedOverride:
    def test_is_in_force_by_its_entry_alone_and_says_what_comes_next(self, world: Threshold) -> None:
        override = world.override(add=False)
        assert world.apply(override, world.add(override)) == 0
        assert world.github.outcomes[OVERRIDE].result is Result.APPLIED
        assert "The next sweep takes back what is not proven any more there" in world.detail(OVERRIDE)
        assert world.aws.writes == []

    def test_lets_the_next_sweep_end_what_the_threshold_held(self, world: Threshold) -> None:
        world.doubt(3)
        world.override()
        assert world.sweep() == 0
        assert world.live() == frozenset()
        assert world.github.outcomes["aw-222222"].result is Result.REVERTED

    def test_is_named_in_every_outcome_with_who_asked_for_and_approved_it(self, world: Threshold) -> None:
        world.doubt(3)
        world.override()
        world.sweep()
        for letter in ALPHABET[:3]:
            said = world.detail(f"aw-2222{letter}2")
            assert f"{OVERRIDE} let them, asked for by kim@example.com and approved by lee@example.com." in said

    def test_is_used_up_by_that_and_ends(self, world: Threshold) -> None:
        world.doubt(3)
        world.override()
        world.sweep()
        assert world.github.outcomes[OVERRIDE].result is Result.REVERTED
        assert f"{OVERRIDE} is used up: it let 3 entries end at {PAYMENTS}" in world.slack.said("C0INFRA")
        assert world.files == set()
        world.doubt(3, "3")
        assert world.sweep() == 1, "the next ones are held again, and loudly"
        assert len(world.live()) == 3

    @pytest.mark.parametrize("by", ["dispatch", "pull request"])
    def test_is_used_up_by_whichever_job_comes_first_and_ends_by_that(self, world: Threshold, by: str) -> None:
        world.doubt(3)
        override = world.override()
        other = world.entry("aw-333333", expires_at=world.now + timedelta(hours=6))
        if by == "dispatch":
            assert world.apply(other, world.add(other)) == 0
        else:
            before = world.head
            assert world.push(before, world.land(world.written(other.id))) == 0
        assert world.live() == {other.id}
        assert world.github.outcomes[OVERRIDE].result is Result.REVERTED
        assert f"{OVERRIDE} is used up: it let 3 entries end at {PAYMENTS}" in world.slack.said("C0INFRA")
        assert override.path not in world.files

    def test_stays_where_a_fault_kept_it_from_being_used(self, world: Threshold) -> None:
        world.doubt(3)
        override = world.override()
        world.aws.mute = True
        assert world.sweep() == 1
        assert override.path in world.files
        world.aws.mute = False
        assert world.sweep() == 0
        assert world.live() == frozenset()

    def test_ends_at_its_deadline_like_any_other_and_nothing_ends_with_it(self, world: Threshold) -> None:
        world.doubt(5)
        override = world.override(most=2)
        world.now = override.expires_at or world.now
        assert world.sweep() == 1, "those that the threshold holds are told at every sweep"
        assert world.github.outcomes[OVERRIDE].result is Result.REVERTED
        assert "no more entries of api-whitelisting may end at once than policy says" in world.detail(OVERRIDE)
        assert override.path not in world.files
        assert len(world.live()) == 5

    def test_by_a_reviewed_pull_request_is_one_too(self, world: Threshold) -> None:
        world.doubt(3)
        files = world.written(
            OVERRIDE,
            flow=FLOW,
            requested_by="kim@example.com",
            changes=(RemovalOverride("api-whitelisting", PAYMENTS, 3),),
        )
        before, after = world.head, world.land(files, author="kimberg")
        assert world.push(before, after) == 0
        assert world.sweep() == 0
        assert world.live() == frozenset()


class TestWhatIsHeld:
    """A key was retired by mistake."""

    def alarms(self, world: Threshold) -> list[str]:
        return [post["text"] for post in world.slack.posts if post["channel"] == ALERTS]

    def test_is_one_alarm_for_its_target_that_lists_some_of_them_however_many_there_are(
        self, world: Threshold
    ) -> None:
        world.doubt(20)
        assert world.sweep() == 1
        [alarm] = self.alarms(world)
        assert "20 of 20 entries of api-whitelisting" in alarm
        assert "aw-222222, aw-222232, aw-222242, aw-222252, aw-222262, …" in alarm

    def test_is_told_once_until_it_changes_and_every_job_fails_all_the_same(self, world: Threshold) -> None:
        world.doubt(3)
        for _ in range(4):
            assert world.sweep() == 1
            world.now += timedelta(minutes=15)
        assert len(self.alarms(world)) == 1
        for letter in ALPHABET[:3]:
            threads = [post for post in world.slack.posts if post["marker"].startswith(f"aw-2222{letter}2:failed")]
            assert len(threads) == 1
        assert sum("was left in force" in comment for comment in world.jira.by_ticket["OPS-142"]) == 3
        world.override(most=2)
        assert world.sweep() == 1
        assert len(self.alarms(world)) == 2
        assert "lets no more than 2 of them end" in self.alarms(world)[1]

    def test_is_told_again_each_day(self, world: Threshold) -> None:
        world.now = world.now.replace(hour=21)
        world.doubt(3)
        world.sweep()
        world.now += timedelta(hours=4)
        assert world.sweep() == 1
        assert len(self.alarms(world)) == 2


class TestNothingEndsBy:
    def held(self, world: Threshold, count: int = 3) -> None:
        """Sweep, and look from another job at the target too: none of them ends anything in doubt."""
        world.sweep()
        other = world.entry("aw-333333")
        world.apply(other, world.add(other))
        assert len(world.live() - {other.id}) == count
        assert "are not proven any more and would be taken back" in world.slack.said(ALERTS)

    def test_an_override_whose_time_is_over(self, world: Threshold) -> None:
        world.doubt(3)
        override = world.override()
        world.now = override.expires_at or world.now
        self.held(world)

    def test_one_for_another_target(self, world: Threshold) -> None:
        world.doubt(3)
        world.override(target=ORDERS)
        self.held(world)

    def test_one_for_another_flow(self, world: Threshold) -> None:
        world.doubt(3)
        world.override(of="prod-access")
        self.held(world)

    def test_one_for_another_environment_whose_approvers_are_others(self, world: Threshold) -> None:
        world.doubt(3)
        world.override(environment="dev")
        self.held(world)

    def test_one_for_fewer_entries_which_the_alarm_says(self, world: Threshold) -> None:
        world.doubt(4)
        world.override(most=3)
        self.held(world, 4)
        assert f"{OVERRIDE} lets no more than 3 of them end" in world.slack.said(ALERTS)

    def test_a_forged_one(self, world: Threshold) -> None:
        world.doubt(3)
        signed = world.override(most=2)
        forged = replace(signed, changes=(RemovalOverride("api-whitelisting", PAYMENTS, 3),))
        world.commit("Forge", {forged.path: forged.to_yaml().encode()})
        self.held(world)

    def test_one_that_its_requester_approved_alone(self, world: Threshold) -> None:
        world.doubt(3)
        own = (Approval("lee@example.com", world.now, "slack"),)
        world.override(requested_by="lee@example.com", approvals=own)
        self.held(world)

    def test_one_that_was_pushed_past_its_reviewers(self, world: Threshold) -> None:
        world.doubt(3)
        unsigned = replace(world.override(add=False), attestation=None)
        world.commit("Sneak", {unsigned.path: unsigned.to_yaml().encode()})
        self.held(world)

    def test_one_that_lives_longer_than_policy_lets_it(self, world: Threshold) -> None:
        world.doubt(3)
        world.override(expires_at=world.now + timedelta(days=2))
        self.held(world)


class TestWhatNoJobWouldEverLookFor:
    @pytest.mark.parametrize(
        ("facts", "said"),
        [
            ({"target": PAYMENTS[:-1]}, f"did you mean “{PAYMENTS}”?"),
            ({"environment": "dev"}, "api-whitelisting has no target"),
            ({"of": "api-whitelist"}, "api-whitelist"),
        ],
    )
    def test_is_refused_with_the_nearest_that_is(
        self, world: Threshold, facts: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tests.actions.test_removal_override.TARGETS", _Targets(TARGETS))
        override = world.override(add=False, **facts)
        assert world.apply(override, world.add(override), environment=override.environment) == 1
        assert world.github.outcomes[OVERRIDE].result is Result.REFUSED
        assert said in world.detail(OVERRIDE)


class _Targets(dict[str, Any]):
    """Answers as `executor_for` does where a flow has no executor."""

    def __missing__(self, flow: str) -> Any:
        raise LookupError(f"the flow “{flow}” has no executor")


def test_a_sweep_without_an_override_opens_no_books_for_one(world: Threshold) -> None:
    world.apply(world.entry(), world.add(world.entry()))
    assert world.due()["any"] == "false"
