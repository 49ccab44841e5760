"""The journal as a newer version leaves it: an older replica reports what waits there, and does what it knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from prometheus_client import generate_latest

from coordinator.__main__ import main
from coordinator.journal.tables import calls, effects, requests
from coordinator.lifecycle import Lane
from coordinator.metrics import observe_journal
from coordinator.pace import Pace
from coordinator.reconciler import ALERT_AFTER, NOT_LET_IN
from coordinator.requests import Request, State
from coordinator.slack.health import WELL, health
from sallyport.outcomes import Result
from tests.coordinator.conftest import Store
from tests.coordinator.desk import MINUTE, Desk
from tests.coordinator.tower import Tower

NEWER = "carrier-pigeon"  # a lane, a kind of effect, and a state that nobody here knows


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


def test_a_request_in_a_state_that_only_a_newer_version_knows_is_left_to_it(
    desk: Desk, request_: Request, tower: Tower
) -> None:
    with desk.journal.writing() as connection:
        connection.execute(sa.update(requests).where(requests.c.id == request_.id).values(state=NEWER))
    desk.now += timedelta(days=1)
    tower.look()
    observe_journal(desk.journal)
