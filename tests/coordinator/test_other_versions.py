"""The journal as a newer version leaves it: an older replica reports what waits there, and does what it knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from coordinator.__main__ import main
from coordinator.journal import Done
from coordinator.journal.tables import calls, effects
from coordinator.kinds import KINDS
from coordinator.leaving import Leaving
from coordinator.lifecycle import Lane
from coordinator.metrics import observe_journal
from coordinator.pace import Pace
from coordinator.queueing import NotInQueue, Queue
from coordinator.reconciler import ALERT_AFTER, NOT_LET_IN
from coordinator.requests import Request, State
from coordinator.slack.health import WELL, health
from sallyport.outcomes import Outcome, Result
from tests.coordinator.asks import claim
from tests.coordinator.conftest import Store
from tests.coordinator.desk import MINUTE, Desk
from tests.coordinator.test_newer_in_the_journal import NEWER, alter, arm, paused
from tests.coordinator.tower import Tower


@pytest.fixture
def request_(desk: Desk) -> Request:
    """A live request, of which a newer replica has to do something that has failed."""
    request = desk.approve(desk.submit())
    desk.settle(MINUTE)
    row = {"request_id": request.id, "name": NEWER, "kind": NEWER, "lane": NEWER, "due": desk.now, "wanted": 1}
    row |= {"after": "thread", "payload": {}, "done": 0, "leased_until": desk.now, "lease": "", "uncertain": False}
    row |= {"attempts": ALERT_AFTER, "error": "It rains.", "away_since": desk.now, "result": {}, "parked": False}
    with desk.journal.writing() as connection:
        connection.execute(sa.insert(effects).values(**row))
    return request


def change(desk: Desk, **values: Any) -> None:
    with desk.journal.writing() as connection:
        connection.execute(sa.update(effects).where(effects.c.lane == NEWER).values(**values))


class TestALaneThatOnlyANewerVersionKnows:
    def test_is_shown_in_the_queue(self, desk: Desk, request_: Request, sqlite: Store) -> None:
        shown = CliRunner(env={"DATABASE_URL": sqlite.url}).invoke(main, ["queue"])
        assert shown.exit_code == 0, shown.output
        assert f"{request_.id}:{NEWER}" in shown.output
        assert "It rains." in shown.output

    @pytest.mark.usefixtures("request_")
    def test_is_measured(self, desk: Desk) -> None:
        observe_journal(desk.journal)
        assert f'sallyport_effects_pending{{lane="{NEWER}"}} 1.0' in generate_latest().decode()

    def test_is_looked_after(self, desk: Desk, request_: Request, tower: Tower) -> None:
        assert any("It rains." in line for line in tower.look())
        change(desk, error=f"No.{NOT_LET_IN}")
        tower.look()
        change(desk, done=1, error="")
        assert any("Over" in line for line in tower.look())

    def test_is_claimed_by_nobody_and_keeps_nothing_else_waiting(self, desk: Desk, request_: Request) -> None:
        desk.work()
        with desk.journal.reading() as connection:
            row = connection.execute(sa.select(effects).where(effects.c.lane == NEWER)).one()
        assert (row.done, row.lease, row.attempts) == (0, "", ALERT_AFTER)
        change(desk, after="watch")  # the finish of what it waits for wakes the lanes that are there
        desk.job_ends(request_, Result.APPLIED)
        desk.settle(MINUTE)
        assert desk.request(request_).state is State.ACTIVE

    @pytest.mark.usefixtures("request_")
    def test_is_no_platform_of_which_people_are_told(self, desk: Desk) -> None:
        assert health(desk.journal.away_since(), desk.now) == WELL

    def test_counts_against_github_s_pace_all_the_same(self, desk: Desk) -> None:
        with desk.journal.writing() as connection:
            connection.execute(sa.insert(calls), [{"at": desk.now, "lane": NEWER}] * 80)
        assert Pace(desk.journal).pause(Lane.COMMIT, desk.now) > timedelta()


class TestAnEffectOfAKindThatOnlyANewerVersionKnows:
    def test_keeps_nothing_waiting_that_is_claimed_with_it(self, desk: Desk) -> None:
        first, second = (desk.approve(desk.submit(key)) for key in "ab")
        arm(desk.journal, first, due=desk.now - MINUTE)
        desk.work()
        assert all(desk.request(one).is_committed for one in (first, second))
        [row] = [row for row in desk.journal.waiting() if row.kind == NEWER]
        assert (row.lease, row.attempts, row.error) == ("", 0, "")
        assert desk.alerts == []

    def test_says_in_the_queue_that_it_is_left_alone(self, desk: Desk, sqlite: Store) -> None:
        request = desk.submit()
        arm(desk.journal, request)
        shown = CliRunner(env={"DATABASE_URL": sqlite.url}).invoke(main, ["queue"])
        left = f"left to a newer version of Sallyport, for this one knows no effect “{NEWER}”"
        assert f"{request.id}:{NEWER}  {left}\n" in shown.output

    def test_is_neither_retried_nor_parked_by_a_version_that_does_not_know_what_it_does(self, desk: Desk) -> None:
        request = desk.submit()
        arm(desk.journal, request)
        name = f"{request.id}:{NEWER}"
        queue = Queue(desk.journal, lambda: desk.now)
        for hand in (queue.retry, queue.park):
            with pytest.raises(NotInQueue, match=r"left to a newer version of Sallyport.*retry or park it there"):
                hand(name, "ops@example.com", "It is in the way")
        assert len(desk.journal.facts(request.id)) == 1

    def test_is_told_in_the_log_once_and_again_when_there_is_something_else(self, desk: Desk) -> None:
        request, leaving = desk.submit(), Leaving(desk.journal)
        arm(desk.journal, request)
        with capture_logs() as logs:
            leaving.look()
            leaving.look()
            arm(desk.journal, request, name="again")
            leaving.look()
        [line] = logs
        assert (line["event"], line["unknown"], line["effects"]) == ("journal.newer", [f"effect {NEWER}"], 1)
        arm(desk.journal, request, name="other", kind="other")
        with capture_logs() as logs:
            leaving.look()
            leaving.look()
        assert [line["unknown"] for line in logs] == [[f"effect {NEWER}", "effect other"]]

    def test_is_none_for_which_there_are_hands(self, desk: Desk) -> None:
        hands = desk.reconciler._hands
        assert hands.single.keys() | hands.batch.keys() == KINDS


class TestARequestThatOnlyANewerVersionCanRead:
    def test_is_no_hindrance_to_who_looks_after_everything(
        self, desk: Desk, request_: Request, tower: Tower
    ) -> None:
        alter(desk.journal, request_, state=NEWER)
        desk.now += timedelta(days=1)
        tower.look()
        observe_journal(desk.journal)

    def test_is_told_when_a_sweep_fails_to_take_it_back_for_nobody_here_watches_it(
        self, desk: Desk, active: Request, tower: Tower
    ) -> None:
        alter(desk.journal, active, state=NEWER)
        tower.sweeps(Outcome(active.id, Result.FAILED, "AWS said no.", desk.now))
        assert any(active.id in line and "AWS said no." in line for line in tower.look())
        assert tower.look() == []

    def test_is_named_in_the_queue(self, desk: Desk) -> None:
        request = desk.submit()
        alter(desk.journal, request, state=NEWER)
        whys = {one.why for one in Queue(desk.journal, lambda: desk.now).waiting()}
        assert f"left to a newer version of Sallyport, for this one knows no state “{NEWER}”" in whys
        with pytest.raises(NotInQueue, match=f"{request.id}:ticket is left to a newer version"):
            Queue(desk.journal, lambda: desk.now).retry(f"{request.id}:ticket", "ops@example.com", "Please")

    def test_keeps_nothing_waiting_that_was_claimed_before_it_became_so(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = (desk.approve(desk.submit(key)) for key in "ab")
        claims = desk.journal.claim

        def meanwhile(*arguments: Any) -> Any:
            works = claims(*arguments)
            alter(desk.journal, first, state=NEWER)
            return works

        monkeypatch.setattr(desk.journal, "claim", meanwhile)
        assert desk.reconciler.step(Lane.COMMIT)
        assert desk.request(second).is_committed
        [row] = [row for row in desk.journal.waiting() if (row.request_id, row.name) == (first.id, "commit")]
        assert (row.lease, row.uncertain, row.attempts) == ("", False, 1)
        assert row.error.startswith(f"Sallyport cannot read {first.id} now: ValueError")

    def test_is_looked_for_by_the_newer_version_where_this_one_could_not_record_what_it_did(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = (desk.approve(desk.submit(key)) for key in "ab")
        commits = desk.github.commit

        def meanwhile(*arguments: Any) -> Any:
            alter(desk.journal, first, state=NEWER)
            return commits(*arguments)

        monkeypatch.setattr(desk.github, "commit", meanwhile)
        desk.work(Lane.COMMIT)
        assert desk.request(second).is_committed
        [row] = [row for row in desk.journal.waiting() if (row.request_id, row.name) == (first.id, "commit")]
        assert (row.lease, row.uncertain) == ("", True)
        alter(desk.journal, first, state="approved")
        desk.settle(MINUTE)
        assert desk.request(first).is_committed
        assert len(desk.github.commits) == 1, "it was found, and not made again"

    def test_is_named_in_the_ticket_of_what_extends_it(self, desk: Desk, active: Request) -> None:
        alter(desk.journal, active, state=NEWER)
        extension = desk.submit("extension", extends=active.id)
        desk.work(Lane.JIRA)
        key = desk.request(extension).ticket
        [issue] = [issue for issue in desk.jira.issues if issue.key == key]
        assert f"*Extends:* {active.id}, {active.ticket}" in issue.description


def test_the_records_of_a_request_wait_when_a_fact_comes_that_only_a_newer_version_knows(desk: Desk) -> None:
    request = desk.submit()
    work = claim(desk.journal, Lane.AUDIT, "audit", desk.now)
    desk.journal.move(request.id, paused(desk.now))
    answer = desk.exporting.export(work, request)
    assert not isinstance(answer, Done)
    desk.journal.put_off(work, answer.due)
    desk.work(Lane.AUDIT)
    assert desk.sink.records == {}
    assert "audit" in desk.waiting()
