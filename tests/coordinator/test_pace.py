"""GitHub's limits on content hold whatever is to be done, and nothing ever stands still because of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.journal import Journal
from coordinator.lifecycle import Lane
from coordinator.pace import ALLOWANCES, HOUR, MINUTE, Call, Pace, pause
from tests.coordinator.asks import NOW, SECOND
from tests.coordinator.conftest import Store

PUBLISHED = {MINUTE: 80, HOUR: 500}  # by GitHub


def in_any(span: timedelta, calls: list[Call]) -> int:
    """Return the most calls that any such time has seen."""
    return max((sum(call.at <= one.at < call.at + span for one in calls) for call in calls), default=0)


def recent(calls: list[Call], now: datetime) -> list[Call]:
    return [call for call in calls if call.at > now - HOUR]


def make_all(wanted: list[tuple[Lane, timedelta]]) -> list[Call]:
    """Make calls one after the other, each as soon as it is wanted and may be made."""
    calls: list[Call] = []
    now = NOW
    for lane, after in wanted:
        now += after
        while wait := pause(recent(calls, now), lane, now):
            now += wait
        calls.append(Call(now, lane))
    return calls


@given(st.randoms(use_true_random=False), st.sampled_from([0, 1, 5]))
@settings(max_examples=20, deadline=None)
def test_no_minute_and_no_hour_sees_more_calls_than_github_takes(chance: Random, slowest: int) -> None:
    lanes = sorted(ALLOWANCES)
    calls = make_all([(chance.choice(lanes), chance.randint(0, slowest) * SECOND) for _ in range(700)])
    assert all(in_any(span, calls) <= most for span, most in PUBLISHED.items())


def test_work_that_never_ends_goes_on_at_a_steady_pace() -> None:
    """Commits and dispatches in turn, as many as may be, for hours: no pause is longer than a minute."""
    calls: list[Call] = []
    now, longest = NOW, timedelta()
    while now < NOW + 4 * HOUR:
        free = {lane: pause(recent(calls, now), lane, now) for lane in (Lane.COMMIT, Lane.DISPATCH)}
        lane = min(free, key=lambda one: free[one])
        if calls:
            longest = max(longest, now + free[lane] - calls[-1].at)
        now += free[lane]
        calls.append(Call(now, lane))
    assert longest <= MINUTE
    assert in_any(HOUR, calls) <= PUBLISHED[HOUR]
    assert {call.lane for call in recent(calls, now)} == {Lane.COMMIT, Lane.DISPATCH}


def test_what_takes_access_back_finds_room_when_work_has_spent_its_own() -> None:
    calls = [Call(NOW - 30 * SECOND, Lane.DISPATCH)] * ALLOWANCES[Lane.DISPATCH].minute
    assert pause(calls, Lane.DISPATCH, NOW) == 30 * SECOND
    assert pause(calls, Lane.EXPIRY, NOW) == timedelta()


def test_who_creates_nothing_waits_for_nothing() -> None:
    calls = [Call(NOW, Lane.COMMIT)] * 500
    assert pause(calls, Lane.JIRA, NOW) == timedelta()


def test_a_restart_and_another_replica_know_what_was_called(store: Store) -> None:
    here, there = Pace(store.journal()), Pace(store.journal())
    for _ in range(ALLOWANCES[Lane.COMMIT].minute):
        here.note(Lane.COMMIT, NOW)
    assert there.pause(Lane.COMMIT, NOW + SECOND) == MINUTE - SECOND
    assert there.pause(Lane.COMMIT, NOW + MINUTE) == timedelta()


def test_what_is_an_hour_ago_is_forgotten(journal: Journal) -> None:
    pace = Pace(journal)
    for _ in range(ALLOWANCES[Lane.COMMIT].hour // 2):
        pace.note(Lane.COMMIT, NOW)
    assert pace.pause(Lane.COMMIT, NOW + 2 * MINUTE) == timedelta()
    assert pace.pause(Lane.COMMIT, NOW + SECOND) > timedelta()
    pace.note(Lane.COMMIT, NOW + HOUR)
    assert pace.pause(Lane.COMMIT, NOW + HOUR + SECOND) == timedelta()
