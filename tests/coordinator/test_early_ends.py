"""What any job ends before its time is over in the journal, on the card and in the ticket, and told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.early_ends import WORKFLOWS
from coordinator.outside.commits import entry_of
from coordinator.outside.runs import APPLY
from coordinator.requests import Request, State
from sallyport.audit import Deed
from sallyport.changes.removal_override import FLOW as OVERRIDE
from sallyport.changes.removal_override import RemovalOverride
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import Refused, Unknown
from tests.coordinator.asks import HOUR
from tests.coordinator.desk import MINUTE
from tests.coordinator.tower import Tower, live

WORDS = "It was not proven any more."
MERGED = "merged.yml"


def ended(tower: Tower, request: Request, **different: object) -> Outcome:
    return replace(Outcome(request.id, Result.REVERTED, WORDS, tower.desk.now), **different)  # type: ignore[arg-type]


def card(tower: Tower) -> str:
    tower.desk.work()
    return "\n".join(message.visible_text for message in tower.desk.messages("lee", "infra-requests"))


def ends(tower: Tower, request: Request) -> int:
    return [fact.deed for fact, _ in tower.desk.journal.facts(request.id)].count(Deed.REVERTED)


@pytest.fixture(autouse=True)
def _swept(tower: Tower) -> None:
    """The safety net is there."""
    tower.sweeps()


class TestOneEntry:
    """Nobody has asked for its end, and no override is live."""

    @pytest.mark.parametrize("workflow", WORKFLOWS)
    def test_is_over_everywhere_whichever_job_ended_it(self, tower: Tower, active: Request, workflow: str) -> None:
        assert "Live until" in card(tower)
        tower.runs(workflow, ended(tower, active))
        for _ in range(2):
            assert tower.look() == []
        after = tower.desk.request(active)
        assert (after.state, after.closing) == (State.ENDED, f"It ended before its time. {WORDS}")
        assert f"It ended before its time. {WORDS}" in card(tower)
        assert any(WORDS in message.visible_text for message in tower.desk.messages("ana"))
        assert "ended" in tower.desk.issue.labels
        assert WORDS in tower.desk.issue.comments[-1].body
        assert ends(tower, active) == 1

    def test_that_a_sweep_ended_is_over_also_if_another_sweep_came_after_it(
        self, tower: Tower, active: Request
    ) -> None:
        tower.sweeps(ended(tower, active))
        tower.sweeps()
        tower.look()
        assert tower.desk.request(active).state is State.ENDED

    def test_is_not_ended_again_at_its_deadline(self, tower: Tower, active: Request) -> None:
        tower.sweeps(ended(tower, active))
        tower.look()
        tower.desk.github.delete(entry_of(active).path)
        tower.desk.now = (active.expires_at or tower.desk.now) + MINUTE
        tower.desk.work()
        tower.desk.job_ends(active, Result.REVERTED, run="expire")
        tower.desk.now += MINUTE
        tower.desk.work()
        assert ends(tower, active) == 1
        assert WORDS in tower.desk.request(active).closing

    def test_that_ended_at_its_deadline_or_goes_on_is_left_to_its_own_watch(
        self, tower: Tower, active: Request
    ) -> None:
        tower.runs(MERGED, ended(tower, active, continued_by="aw-222222"))
        tower.look()
        tower.desk.now = (active.expires_at or tower.desk.now) + MINUTE
        tower.sweeps(ended(tower, active))
        tower.look(timedelta())
        assert tower.desk.request(active).state is State.ACTIVE

    def test_whose_end_is_heard_before_its_beginning_is_over_too(self, tower: Tower) -> None:
        request = tower.desk.approve(tower.desk.submit())
        tower.desk.work()
        tower.runs(MERGED, ended(tower, request))
        tower.look()
        assert tower.desk.request(request).state is State.APPLYING
        tower.desk.job_ends(request, Result.APPLIED)
        tower.desk.work()
        tower.look()
        assert tower.desk.request(request).state is State.ENDED


class TestAnOverride:
    """The next job at its target ends what it lets end, and itself by that."""

    USED = "It is used up: it let 3 entries end."
    CHANGES = (RemovalOverride("api-whitelisting", "apigateway/222222222222/eu-west-1/a1payments", 3),)

    @pytest.fixture
    def override(self, tower: Tower) -> Request:
        return live(tower.desk, key="view:V2", flow=OVERRIDE, changes=self.CHANGES)

    @pytest.mark.parametrize("workflow", WORKFLOWS)
    def test_is_over_with_what_it_let_end_and_their_cards_say_so(
        self, tower: Tower, active: Request, override: Request, workflow: str
    ) -> None:
        tower.runs(workflow, ended(tower, active), ended(tower, override, detail=self.USED))
        assert tower.look() == []
        for request, why in ((active, WORDS), (override, self.USED)):
            after = tower.desk.request(request)
            assert after.state is State.ENDED
            assert after.closing == f"It ended before its time. {why}"
        assert ends(tower, override) == 1

    def test_stays_live_while_jobs_end_nothing_by_it(
        self, tower: Tower, active: Request, override: Request
    ) -> None:
        tower.runs(APPLY, Outcome(active.id, Result.ALREADY, "It is there.", tower.desk.now))
        assert tower.look() == []
        assert tower.desk.request(override).state is State.ACTIVE
        assert tower.desk.request(active).state is State.ACTIVE


class TestReading:
    def test_finds_what_ended_while_the_coordinator_was_away(self, tower: Tower, active: Request) -> None:
        tower.look()
        tower.desk.now += HOUR
        tower.runs(MERGED, ended(tower, active))
        tower.desk.now += 2 * HOUR
        tower.runs(MERGED)
        tower.restart()
        tower.look()
        assert tower.desk.request(active).state is State.ENDED

    def test_reads_each_report_once(self, tower: Tower) -> None:
        def reads() -> int:
            before = tower.desk.github.calls.count("check_runs")
            tower.look()
            return int(tower.desk.github.calls.count("check_runs") - before)

        reads()
        tower.runs(MERGED, Outcome("aw-999999", Result.APPLIED, "Live.", tower.desk.now))
        assert (reads(), reads()) == (1, 0)

    def test_goes_back_no_further_than_to_what_may_tell_more(self, tower: Tower) -> None:
        for _ in range(30):
            tower.runs(MERGED)
            tower.look(10 * MINUTE)
        tower.restart()
        before = tower.desk.github.calls.count("check_runs")
        tower.look()
        assert tower.desk.github.calls.count("check_runs") - before <= 2, "the last one, and the sweep"

    def test_waits_for_a_run_that_is_under_way(self, tower: Tower, active: Request) -> None:
        run = tower.desk.github.begins(MERGED, "push")
        tower.look(20 * MINUTE)
        tower.look(20 * MINUTE)
        tower.desk.github.report(run, ended(tower, active))
        tower.desk.github.complete(run)
        tower.look()
        assert tower.desk.request(active).state is State.ENDED

    def test_waits_for_one_that_failed_and_is_started_again(self, tower: Tower, active: Request) -> None:
        run = tower.desk.github.begins(MERGED, "push")
        tower.desk.github.complete(run, "failure")
        tower.look(20 * MINUTE)
        tower.desk.github.rerun(run)
        tower.look(20 * MINUTE)
        tower.desk.github.report(run, ended(tower, active))
        tower.desk.github.complete(run)
        tower.look()
        assert tower.desk.request(active).state is State.ENDED

    def test_a_workflow_that_github_does_not_know_holds_up_no_other(self, tower: Tower, active: Request) -> None:
        tower.desk.github.fail("runs_of", Refused("GitHub", "list the runs", "Not Found", status=404))
        tower.runs(MERGED, ended(tower, active))
        tower.lookout.early_ends.look()
        assert tower.desk.request(active).state is State.ENDED

    def test_more_runs_than_github_lists_are_looked_at_for_the_last_hours(
        self, tower: Tower, active: Request
    ) -> None:
        tower.runs(APPLY, ended(tower, active))
        tower.desk.github.fail("runs_of", Unknown("GitHub", "list the runs", "there are more than 1000"))
        tower.lookout.early_ends.look()
        assert tower.desk.request(active).state is State.ENDED
