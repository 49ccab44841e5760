"""The line on the home tab: which platform gives no answer, since when, and what follows when it does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from coordinator.lifecycle import Lane
from coordinator.slack.health import PATIENCE, WELL, health
from sallyport.platforms.errors import Refused
from sallyport.platforms.slack_text import date
from sandbox.faults import Fault, Kind, Moment
from tests.coordinator.asks import HOUR, NOW
from tests.coordinator.desk import MINUTE, Desk

SINCE = NOW - HOUR


def test_where_nothing_waits_all_is_well() -> None:
    assert health({}, NOW) == WELL


def test_what_may_get_through_at_the_next_attempt_is_no_news() -> None:
    assert health({Lane.JIRA: NOW - PATIENCE + timedelta(seconds=1)}, NOW) == WELL


def test_a_platform_that_is_away_is_named_with_what_follows() -> None:
    since = date(SINCE)
    assert health({Lane.JIRA: SINCE}, NOW) == (
        f":warning: JIRA has not answered since {since}; tickets follow when it is back."
    )


def test_a_platform_is_told_of_once_and_from_its_first_silence() -> None:
    away = {Lane.COMMIT: SINCE, Lane.RUNS: SINCE - HOUR, Lane.JIRA: SINCE}
    lines = health(away, NOW).split("\n")
    assert len(lines) == 2
    assert date(SINCE - HOUR) in lines[0]


class TestWhatTheJournalKnows:
    def away(self, desk: Desk) -> dict[Lane, datetime]:
        return dict(desk.journal.away_since())

    def test_it_is_away_from_the_first_attempt_without_an_answer_until_one_has_one(self, desk: Desk) -> None:
        desk.jira.faults.add(Fault(Kind.STATUS, Moment.BEFORE, status=503, times=8))
        desk.submit()
        start = desk.now
        desk.settle(MINUTE)
        assert self.away(desk) == {Lane.JIRA: start}
        desk.jira.faults.clear()
        desk.settle(10 * MINUTE)
        assert self.away(desk) == {}

    def test_a_platform_that_refuses_is_not_away(self, desk: Desk) -> None:
        desk.slack.deactivate("lee")
        desk.submit()
        desk.settle(MINUTE)
        assert self.away(desk) == {}

    @pytest.mark.parametrize("fault", [Refused("GitHub", "commit", "no"), ZeroDivisionError()])
    def test_our_own_fault_is_not_a_platform_s(self, desk: Desk, fault: Exception) -> None:
        desk.approve(desk.submit())
        desk.github.fail("commit", fault)
        desk.work(Lane.COMMIT)
        assert self.away(desk) == {}
