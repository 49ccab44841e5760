"""What a job says that AWS gave no answer to: whether nothing was made, and who has it tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from actions.ledger import Ledger
from actions.results import News, gathered
from sallyport.entries import Entry
from sallyport.outcomes import Outcome, Result, dump_outcomes, load_outcomes
from sallyport.platforms.errors import TryLater
from tests.actions.world import ALERTS, NOW, World

HOUR = timedelta(hours=1)


def outcome(world: World, entry_id: str = "aw-7k3m9q") -> Outcome:
    return world.github.outcomes[entry_id]


@pytest.fixture
def entry(world: World) -> Entry:
    """An approved request, and an AWS that is away."""
    world.aws.away = True
    return world.entry()


class TestARequestOfTheCoordinator:
    def test_is_left_to_it_and_nobody_hears_of_it_from_the_job(self, world: World, entry: Entry) -> None:
        assert world.apply(entry, world.add(entry)) == 1
        assert (outcome(world).result, outcome(world).unanswered) == (Result.FAILED, True)
        assert "AWS did not answer GetRestApi. Nothing was changed." in outcome(world).detail
        assert (world.slack.posts, world.jira.by_ticket) == ([], {})
        assert world.github.checks[0]["conclusion"] == "failure"
        assert world.files == {entry.path}

    def test_is_left_at_once_by_a_job_that_has_no_role(self, world: World, entry: Entry) -> None:
        commit = world.add(entry)
        world.apply(entry, commit)
        assert world.pauses == [5, 10, 15]
        world.aws.no_role = True
        world.apply(entry, commit)
        assert outcome(world).unanswered
        assert world.pauses == [5, 10, 15]

    def test_is_applied_by_the_next_job_as_if_it_were_the_first(self, world: World, entry: Entry) -> None:
        commit = world.add(entry)
        world.apply(entry, commit)
        world.aws.away = False
        assert world.apply(entry, commit) == 0
        assert outcome(world).result is Result.APPLIED
        [post] = world.slack.posts
        assert "is in force until" in post["text"]

    def test_is_left_too_when_a_write_was_not_answered_and_nothing_of_it_is_there(self, world: World) -> None:
        entry = world.entry()
        world.aws.mute = True
        world.apply(entry, world.add(entry))
        assert outcome(world).unanswered
        assert "What was there before has been put back, as read back from AWS." in outcome(world).detail

    def test_fails_loudly_when_something_was_begun_and_nobody_can_look(self, world: World) -> None:
        entry = world.entry()
        world.aws.mute = True
        world.aws.before_write.append(lambda: setattr(world.aws, "away", True))
        assert world.apply(entry, world.add(entry)) == 1
        assert not outcome(world).unanswered
        assert "AWS could not be read again" in world.slack.said("C0INFRA")
        assert entry.id in world.slack.said(ALERTS)

    def test_fails_loudly_when_putting_it_back_failed(self, world: World) -> None:
        entry = world.entry()
        world.aws.mute, world.aws.restore_fault = True, "AWS refused UpdateRestApi (AccessDeniedException)"
        world.apply(entry, world.add(entry))
        assert not outcome(world).unanswered
        assert "could NOT be put back" in world.slack.said(ALERTS)

    def test_fails_loudly_when_a_job_before_has_begun_it_and_nobody_can_look(self, world: World) -> None:
        entry = world.entry()
        commit, world.aws.wants_before = world.add(entry), True

        def dies() -> None:
            raise KeyboardInterrupt

        world.aws.before_write.append(dies)
        with pytest.raises(KeyboardInterrupt):
            world.apply(entry, commit)
        world.aws.away = True
        world.apply(entry, commit)
        assert (outcome(world).result, outcome(world).unanswered) == (Result.FAILED, False)
        assert "could not be applied" in world.slack.said("C0INFRA")

    def test_fails_loudly_when_aws_says_no(self, world: World) -> None:
        entry = world.entry()
        world.aws.observe_faults["apigateway/222222222222/eu-west-1/a1payments"] = "AWS refused GetRestApi."
        world.apply(entry, world.add(entry))
        assert not outcome(world).unanswered
        assert entry.id in world.slack.said(ALERTS)


def test_what_came_by_pull_request_fails_loudly_and_says_how_it_is_tried_again(world: World) -> None:
    world.aws.away = True
    before, after = world.head, world.land(world.written(expires_in="30d"))
    assert world.push(before, after) == 1
    told = outcome(world).detail
    assert "When AWS answers again, re-run the job's failed jobs in GitHub: it is applied then." in told
    assert "aw-7k3m9q" in world.slack.said(ALERTS)
    world.aws.away = False
    assert world.push(before, after) == 0
    assert (outcome(world).result, world.live()) == (Result.APPLIED, {"aw-7k3m9q"})


class TestTheEndOfWhatNeverBegan:
    def test_comes_at_its_deadline_without_aws_and_without_noise(self, world: World, entry: Entry) -> None:
        world.aws.wants_before = True
        world.apply(entry, world.add(entry))
        world.now += HOUR
        assert world.sweep() == 0
        assert outcome(world).result is Result.REVERTED
        assert "has ended before it began" in outcome(world).detail
        assert (world.files, world.slack.said(ALERTS)) == (set(), "")

    def test_is_not_told_of_what_a_job_has_begun(self, world: World) -> None:
        entry = world.entry()
        world.aws.wants_before = True
        world.apply(entry, world.add(entry))
        world.now += HOUR
        world.aws.away = True
        assert world.sweep() == 1
        assert outcome(world).result is Result.FAILED
        assert world.files >= {entry.path}

    def test_is_not_told_where_what_is_made_leaves_no_record(self, world: World, entry: Entry) -> None:
        world.apply(entry, world.add(entry))
        world.now += HOUR
        assert world.sweep() == 1
        assert outcome(world).result is Result.FAILED
        world.aws.away = False
        assert world.sweep() == 0
        assert world.files == set()


class TestAnEndThatAwsGivesNoAnswerTo:
    """What leaves no record is seen gone at AWS itself; of what was never made, people hear nothing meanwhile."""

    def ends(self, world: World, sweeps: int = 5) -> None:
        world.now += HOUR
        for _ in range(sweeps):
            assert world.sweep() == 1
            world.now += timedelta(minutes=15)

    def heard(self, world: World) -> bool:
        """Whether anybody has heard of it from a job."""
        return bool(world.slack.posts or world.jira.by_ticket)

    def live(self, world: World) -> Entry:
        """A request that is in force, of which everybody has been told, and then AWS is away."""
        entry = world.entry()
        assert world.apply(entry, world.add(entry)) == 0
        world.slack.posts.clear()
        world.jira.by_ticket.clear()
        world.aws.away = True
        return entry

    def test_is_left_to_the_coordinator_and_never_escalated_if_it_never_began(
        self, world: World, entry: Entry
    ) -> None:
        world.apply(entry, world.add(entry))
        self.ends(world)
        assert (outcome(world).result, outcome(world).unanswered) == (Result.FAILED, True)
        assert not self.heard(world)
        world.aws.away = False
        assert world.sweep() == 0
        assert outcome(world).result is Result.REVERTED

    def test_of_what_is_in_force_fails_loudly_and_is_escalated(self, world: World) -> None:
        entry = self.live(world)
        self.ends(world, 1)
        assert outcome(world).unanswered
        assert "could not be taken back" in world.slack.said("C0INFRA")
        assert entry.id in world.slack.said(ALERTS)
        self.ends(world, 2)
        assert f"ESCALATION: {entry.id}" in world.slack.said(ALERTS)

    def test_fails_loudly_where_nobody_can_tell_what_was_made(self, world: World, entry: Entry) -> None:
        world.apply(entry, world.add(entry))
        self.ends(world, 3)
        assert not self.heard(world)
        world.github.run_faults = [TryLater("GitHub", "list the runs of apply.yml", "503")] * 2
        assert world.sweep() == 1
        assert f"ESCALATION: {entry.id}" in world.slack.said(ALERTS)

    def test_fails_loudly_where_a_newer_job_died_without_a_report(self, world: World, entry: Entry) -> None:
        world.apply(entry, world.add(entry))
        world.github.applying.insert(0, replace(world.github.applying[0], id=7))
        self.ends(world, 1)
        assert "could not be taken back" in world.slack.said(ALERTS)
        self.ends(world, 2)
        assert f"ESCALATION: {entry.id}" in world.slack.said(ALERTS)

    def test_fails_loudly_for_what_nobody_but_a_person_has_tried_again(self, world: World) -> None:
        before, after = world.head, world.land(world.written(expires_in="30d"))
        assert world.push(before, after) == 0
        world.aws.away = True
        world.now += timedelta(days=30)
        assert world.sweep() == 1
        assert "could not be taken back" in world.slack.said(ALERTS)

    def test_fails_loudly_where_another_of_its_targets_refuses_it(self, world: World) -> None:
        entry = world.entry()
        books = SimpleNamespace(finding=lambda *_: SimpleNamespace(entry=entry), sites=lambda _: ())
        silence = News(Outcome(entry.id, Result.FAILED, "So.", NOW, unanswered=True), entry)
        refusal = News(Outcome(entry.id, Result.FAILED, "No.", NOW), entry)
        for told, quiet in (((silence, silence), True), ((silence, refusal), False)):
            [item] = gathered(told, cast(Ledger, books))
            assert item.left_to_coordinator.left is quiet


def test_a_report_says_whether_it_can_be_tried_again_and_an_older_one_does_not() -> None:
    told = Outcome("aw-222222", Result.FAILED, "So.", NOW, unanswered=True)
    assert load_outcomes(dump_outcomes((told,))) == (told,)
    older = dump_outcomes((told,)).replace(', "unanswered": true', "")
    assert load_outcomes(older)[0].unanswered is False
