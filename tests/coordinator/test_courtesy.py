"""Who gives way to whom within one process."""

from __future__ import annotations

import pytest

from coordinator.courtesy import APART, BOUT, CROWD, MANY, REST, Bouts, Rush


class Clock:
    """Time that passes only by what is done."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("coordinator.courtesy.time", clock)
    return clock


class TestBouts:
    def test_short_work_never_rests(self, clock: Clock) -> None:
        bouts = Bouts()
        clock.now += BOUT / 2
        bouts.rest()
        assert clock.rests == []

    def test_long_work_rests_after_each_bout_and_longer_than_it_worked(self, clock: Clock) -> None:
        bouts = Bouts()
        for _ in range(20):
            clock.now += BOUT * 0.6
            bouts.rest()
        assert clock.rests == [pytest.approx(BOUT * 1.2 * REST)] * 10
        assert REST > 1


class TestRush:
    def test_what_follows_a_few_answers_waits_for_nothing(self, clock: Clock) -> None:
        rush = Rush()
        for _ in range(MANY - 1):
            rush.note()
        rush.take_turn()
        for _ in range(MANY):  # as many, but not at once
            clock.now += CROWD / 10
            rush.note()
        rush.take_turn()
        assert clock.rests == []

    def test_what_follows_very_many_is_done_piece_by_piece(self, clock: Clock) -> None:
        rush = Rush()
        for _ in range(MANY):
            rush.note()
        for _ in range(4):
            rush.take_turn()
        assert clock.rests == [0.0, *[pytest.approx(APART)] * 3]

    def test_it_passes_by_itself(self, clock: Clock) -> None:
        rush = Rush()
        for _ in range(MANY):
            rush.note()
        rush.take_turn()
        clock.now += CROWD
        rush.take_turn()
        assert clock.rests == [0.0]
