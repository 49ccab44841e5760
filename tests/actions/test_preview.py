"""The plan of a pull request, shown in it, and held against what its merge would do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from actions.commands import preview, validate
from actions.events import PullEvent
from sallyport.ids import ALPHABET
from sallyport.outcomes import Result
from sallyport.reviews import PullRequest
from tests.actions.world import ALERTS, NOW, ORDERS, PAYMENTS, World, whitelisting

READER = "arn:aws:iam::222222222222:role/sallyport-plan"


def event(pull: PullRequest, *, is_fork: bool = False) -> PullEvent:
    return PullEvent(pull.number, pull.url, pull.author, pull.head, "main", is_fork)


def show(world: World, pull: PullRequest) -> int:
    job = world.job(branch=f"pull-{pull.number}")
    return preview.run(job, event(pull), preview.View("origin/main", "prod", READER))


def comment(world: World, pull: PullRequest) -> str:
    [(where, body)] = world.pulls.comments.items()
    assert where == (pull.number, "sallyport-plan:prod")
    return body


def offered(world: World, pull: PullRequest, *, is_fork: bool = False) -> dict[str, str]:
    (world.folder / "output").unlink(missing_ok=True)
    job = replace(world.job(branch=f"pull-{pull.number}"), pull=event(pull, is_fork=is_fork))
    validate.run(job, (), "origin/main")
    return world.outputs


class TestTheComment:
    def test_says_what_each_target_gets_and_who_must_review(self, world: World) -> None:
        pull = world.pulls.open(world.written(changes=(whitelisting("payments"), whitelisting("orders"))))
        assert show(world, pull) == 0
        body = comment(world, pull)
        assert f"| {PAYMENTS} | 1 | 0 | 0 | 0 | 1 statements |" in body
        assert f"| {ORDERS} | 1 | 0 | 0 | 0 | 1 statements |" in body
        assert "Lee Wong" in body
        assert pull.head[:12] in body
        assert world.aws.writes == []

    def test_is_one_however_often_it_is_made(self, world: World) -> None:
        pull = world.pulls.open(world.written())
        show(world, pull)
        show(world, pull)
        assert len(world.pulls.comments) == 1

    def test_names_what_would_be_refused_and_why(self, world: World) -> None:
        pull = world.pulls.open(world.written("pa-222222", expires_in="30d") | world.written())
        show(world, pull)
        assert "it would live longer than 8h" in comment(world, pull)

    def test_shows_what_a_deletion_takes_back(self, world: World) -> None:
        entry = world.entry()
        world.apply(entry, world.add(entry))
        pull = world.pulls.open({"README.md": b"x"}, deletions=[entry.path])
        assert show(world, pull) == 0
        assert f"| {PAYMENTS} | 0 | 0 | 1 | 0 |" in comment(world, pull)

    def test_says_of_a_target_that_it_cannot_be_read(self, world: World) -> None:
        world.aws.observe_faults[PAYMENTS] = "AWS refused GetRestApi (AccessDenied)."
        pull = world.pulls.open(world.written())
        assert show(world, pull) == 1
        assert "🔴 AWS refused GetRestApi" in comment(world, pull)

    def test_of_500_entries_fits(self, world: World) -> None:
        letters = ALPHABET[:25]
        files = {}
        for number in range(500):
            files |= world.written(f"aw-2222{letters[number // 25]}{letters[number % 25]}")
        pull = world.pulls.open(files)
        assert show(world, pull) == 0
        assert f"| {PAYMENTS} | 500 |" in comment(world, pull)


class TestWhereNoPlanCanBeMade:
    def test_a_fork_is_told_why(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        pull = world.pulls.open(world.written())
        assert offered(world, pull, is_fork=True)["plans"] == "false"
        assert "it comes from a fork" in capsys.readouterr().out

    def test_an_environment_without_a_reader_is_told(self, world: World) -> None:
        text = world.read("policies/environments.yaml").replace(f"  reader: {READER}\n", "")
        world.commit("No reader", {"policies/environments.yaml": text.encode()})
        pull = world.pulls.open(world.written())
        assert offered(world, pull)["plans"] == "false"
        assert "has a `reader`" in world.summary.replace("&#96;", "`")

    def test_else_the_roles_are_output(self, world: World) -> None:
        outputs = offered(world, world.pulls.open(world.written()))
        assert outputs["plans"] == "true"
        assert READER in outputs["readers"]


class TestTheMerge:
    def reviewed(self, world: World, **facts: object) -> PullRequest:
        pull = world.pulls.open(world.written(**facts))
        show(world, pull)
        world.pulls.review(pull)
        return pull

    def test_of_what_was_shown_is_applied(self, world: World) -> None:
        before, pull = world.head, self.reviewed(world)
        assert world.push(before, world.pulls.merge(pull)) == 0
        assert world.live() == {"aw-7k3m9q"}

    def test_of_a_part_of_what_was_shown_is_applied(self, world: World) -> None:
        before, pull = world.head, self.reviewed(world)
        world.aws.live[PAYMENTS] = world.aws.drafted[PAYMENTS] = frozenset({"aw-7k3m9q"})
        assert world.push(before, world.pulls.merge(pull)) == 0

    def test_beside_what_others_got_meanwhile_is_applied(self, world: World) -> None:
        before, pull = world.head, self.reviewed(world)
        other = world.entry("aw-222222")
        world.apply(other, world.add(other))
        assert world.push(before, world.pulls.merge(pull)) == 0
        assert world.live() == {"aw-7k3m9q", "aw-222222"}

    def test_that_would_do_more_than_was_shown_is_refused_for_good(self, world: World) -> None:
        before, pull = world.head, self.reviewed(world)
        world.aws.words = "Open wide for"
        assert world.push(before, world.pulls.merge(pull)) == 1
        assert world.live() == frozenset()
        assert "does not cover “Open wide for aw-7k3m9q.”" in world.github.outcomes["aw-7k3m9q"].detail
        assert world.files == set()
        other = world.entry("aw-222222")
        world.apply(other, world.add(other))
        assert world.live() == {"aw-222222"}


class TestManyEntriesThatLoseTheirProofAtOnce:
    def doubt(self, world: World, count: int) -> None:
        """Put entries in force, and then take away the key that they are signed with."""
        entries = [world.entry(f"aw-2222{letter}2") for letter in ALPHABET[:count]]
        commit = world.add(*entries)
        world.apply(entries[0], commit)
        world.commit("A slip", {}, ["policies/keys/2026-11.pem"])

    def test_are_left_in_force_and_an_alarm_is_raised(self, world: World) -> None:
        self.doubt(world, 3)
        other = world.entry("aw-333333", asked="sam@example.com", approvals=())
        world.now += timedelta(minutes=1)
        assert world.expire("arn:aws:iam::222222222222:role/sallyport-apply", "prod", "aw-222222") == 1
        assert len(world.live()) == 3
        assert "3 of 3 entries" in world.slack.said(ALERTS)
        assert other.id not in world.live()

    def test_do_not_hold_up_what_has_reached_its_deadline(self, world: World) -> None:
        short = world.entry("aw-333333", expires_at=NOW + timedelta(minutes=1))
        world.apply(short, world.add(short))
        self.doubt(world, 3)
        world.now += timedelta(minutes=2)
        assert world.expire() == 1
        assert len(world.live()) == 3
        assert world.github.outcomes[short.id].result is Result.REVERTED

    def test_one_alone_is_taken_back(self, world: World) -> None:
        self.doubt(world, 1)
        world.expire("arn:aws:iam::222222222222:role/sallyport-apply", "prod", "aw-222222")
        assert world.live() == frozenset()

    @pytest.mark.parametrize("limit", ["{number: 0}", "{percent: 100}", "{number: 1000000}", "{percent: 0}"])
    def test_a_limit_that_limits_nothing_is_no_policy(self, world: World, limit: str) -> None:
        text = world.read("policies/flows/api-whitelisting.yaml") + f"removals: {limit}\n"
        world.commit("No limit", {"policies/flows/api-whitelisting.yaml": text.encode()})
        assert "is broken at" in world.job().books().ledger.snapshot.warning
