"""Runs are read once for all who wait for them, and seldom enough that GitHub's limit is far away."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta

import pytest

from coordinator.journal import Again
from coordinator.outside.runs import APPLY
from coordinator.outside.watching import HOUR, REST, Watching
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import TryLater
from sallyport.platforms.github_answers import RunState
from tests.coordinator.asks import NOW
from tests.coordinator.desk import MINUTE
from tests.coordinator.fakes import FakeGitHub

LIMIT = 5_000  # reads an hour
READS = {"run", "runs_of", "check_runs", "head", "file", "find_run"}
SECOND = timedelta(seconds=1)


class PagedGitHub(FakeGitHub):
    """The strict GitHub, where a list is as many reads as it has pages."""

    def runs_of(self, workflow: str, created_after: datetime, event: str = "") -> tuple[RunState, ...]:
        found = super().runs_of(workflow, created_after, event)
        self.calls += ["runs_of"] * (len(found) // 100)
        return found


class Place:
    """A replica's watching at the strict GitHub, with a clock and many runs."""

    def __init__(self, runs: int = 1) -> None:
        self.now = NOW
        self.github = PagedGitHub(lambda: self.now)
        self.watching = Watching(self.github, lambda: self.now)  # type: ignore[arg-type]
        for _ in range(runs):
            self.starts()

    def starts(self) -> int:
        inputs = {"request_id": "aw-222222", "commit": "c", "environment": "prod", "lock": "l"}
        return self.github.dispatch(APPLY, inputs).id

    def look(self, run_id: int = 1) -> RunState | Again:
        return self.watching.look(APPLY, run_id)

    def reads(self, *methods: str) -> int:
        return sum(call in (methods or READS) for call in self.github.calls)


@pytest.fixture
def place() -> Place:
    return Place()


class TestOneRun:
    def test_those_who_wait_for_it_are_told_the_same_moment_by_one_read(self, place: Place) -> None:
        place.now += MINUTE
        answers = {place.look() for _ in range(50)}
        assert answers == {Again(place.now + 6 * SECOND)}
        assert place.reads() == 1
        place.now += 6 * SECOND
        assert {place.look() for _ in range(50)} == {Again(place.now + 6.6 * SECOND)}
        assert place.reads() == 2

    def test_its_end_and_its_reports_are_read_once_for_all(self, place: Place) -> None:
        place.github.report(1, Outcome("aw-222222", Result.APPLIED, "Live.", NOW))
        place.github.complete(1)
        for _ in range(50):
            run = place.look()
            assert isinstance(run, RunState)
            assert [one.detail for one in place.watching.outcomes(run)] == ["Live."]
        assert place.reads() == 2

    def test_that_it_is_over_is_not_believed_for_long_since_it_may_be_started_again(self, place: Place) -> None:
        place.github.complete(1, "failure")
        place.look()
        place.github.rerun(1)
        place.now += REST
        assert isinstance(place.look(), Again)

    def test_each_attempt_has_its_own_reports(self, place: Place) -> None:
        run = place.github.complete(1, "failure")
        assert place.watching.outcomes(run) == []
        place.github.rerun(1)
        place.github.report(1, Outcome("aw-222222", Result.APPLIED, "Live.", NOW))
        assert len(place.watching.outcomes(place.github.complete(1))) == 1

    def test_what_failed_to_be_read_is_read_again(self, place: Place) -> None:
        place.github.fail("run", TryLater("GitHub", "read a run", "away"))
        with pytest.raises(TryLater):
            place.look()
        assert isinstance(place.look(), Again)


class TestManyRuns:
    def test_those_under_way_are_read_together(self) -> None:
        place = Place(runs=40)
        for run_id in range(1, 41):
            place.look(run_id)
        place.now += MINUTE
        before = place.reads()
        assert {place.look(run_id) for run_id in range(1, 41)} == {Again(place.now + 6 * SECOND)}
        assert place.reads() == before + 1

    def test_one_that_the_list_does_not_show_yet_is_read_alone(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place.look()
        place.now += MINUTE
        young = place.starts()
        monkeypatch.setattr(place.github, "runs_of", lambda *_: (place.github.runs[0].state,))
        assert place.look(young) == Again(place.now + SECOND / 2)

    def test_one_that_waits_for_hours_makes_no_list_of_hours(self, place: Place) -> None:
        place.look()
        place.now += 3 * HOUR
        place.look(place.starts())
        assert place.reads("runs_of") == 0

    def test_a_thousand_that_wait_for_a_run_each_are_far_from_the_limit(self) -> None:
        """They begin within minutes, which is faster than runs are started, and nothing ends within the hour."""
        place, end = Place(runs=0), NOW + HOUR
        waiting = [(NOW + number * SECOND / 2, 0) for number in range(1000)]
        while waiting[0][0] < end:
            place.now, run_id = waiting[0]
            run_id = run_id or place.starts()
            answer = place.look(run_id)
            assert isinstance(answer, Again)
            heapq.heapreplace(waiting, (answer.due, run_id))
        assert len(place.github.runs) == 1000
        assert place.reads() < LIMIT / 2, "so that two replicas keep to it, with all else that they read"
