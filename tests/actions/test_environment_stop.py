"""The stop of an environment as jobs do it, with a real repository: stop, double stop, sweep, end, killed jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from actions.commands import status
from sallyport.outcomes import Result
from sandbox.aws import NONPROD
from sandbox.faults import Fault, Kind
from tests.actions.place import DAY, FIRST, HOUR, SECOND, KilledError, Place, on_loopback
from tests.actions.world import ALERTS, NOW

BEFORE = {"agent": 3, "api": 2, "nightly": 0, "worker": 1}
DURING = {"agent": 3, "api": 0, "nightly": 0, "worker": 0}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place(tmp_path)
    with on_loopback(place, monkeypatch):
        yield place


def test_a_night_from_stop_to_morning_is_told_service_by_service(place: Place) -> None:
    entry = place.stop()
    assert place.stops(entry) == 0
    assert place.tasks == DURING
    assert place.outcome().result is Result.APPLIED
    said = place.slack.said("C0INFRA").split("\n")
    assert said == [
        "✅ Applied. Stop of ECS services and databases in dev is in force until 2026-11-21 22:00 UTC, "
        "as read back from AWS.",
        "Stopped: 2 ECS services, 1 RDS instance, 1 Aurora cluster.",
        "ECS service acme-dev/agent keeps its 3 tasks: ECS alone decides how many a DAEMON service has.",
        "ECS service acme-dev/api is stopped, and comes back with 2 tasks.",
        "ECS service acme-dev/nightly had no task before, and gets none afterwards.",
        "ECS service acme-dev/worker is stopped, and comes back with 1 task.",
        "RDS instance acme-dev-db is stopped; AWS starts it at 2026-11-28 10:00 UTC, "
        "and it is stopped again then.",
        "Aurora cluster acme-dev-orders is stopped; AWS starts it at 2026-11-28 10:00 UTC, "
        "and it is stopped again then.",
    ]
    assert any("UpdateService acme-dev/api to 0 tasks, from 2: AWS request" in e for e in place.outcome().evidence)
    assert "Applied" in "\n".join(place.jira.by_ticket["OPS-142"])
    place.now = NOW + 12 * HOUR
    assert place.sweeps() == 0
    assert place.tasks == BEFORE
    assert place.database == "available"
    assert place.outcome().result is Result.REVERTED
    assert "Running again: 2 ECS services, 1 RDS instance, 1 Aurora cluster." in place.outcome().detail
    assert "ECS service acme-dev/api is running 2 of 2 tasks." in place.outcome().detail
    assert place.files == set()


def test_the_counts_are_on_main_before_aws_is_changed(place: Place) -> None:
    entry = place.stop()
    seen: list[tuple[str, str]] = []

    def look() -> None:
        calls = [call.operation for call in place.stand_in.calls]
        seen.append((" ".join(place.files), " ".join(c for c in calls if not c.startswith(("Desc", "List")))))

    place.github.before_commit.append(look)
    place.stops(entry)
    assert seen == [("requests/infra-stop/is-222222.yaml", "")]
    assert place.github.commits[0] == "Record what was there before is-222222"


def test_a_second_stop_while_stopped_keeps_the_true_counts_and_the_environment_down(place: Place) -> None:
    place.stops(place.stop())
    place.now += HOUR
    assert place.stops(place.stop(SECOND)) == 0
    assert place.outcome(SECOND).result is Result.ALREADY
    place.now = NOW + 12 * HOUR
    assert place.sweeps() == 0
    assert place.tasks == DURING
    assert "stays stopped for another request" in place.outcome(FIRST).detail
    assert place.files == {f"requests/infra-stop/{SECOND}.yaml", f"requests/infra-stop/{SECOND}.before.yaml"}
    place.now = NOW + 14 * HOUR
    assert place.sweeps() == 0
    assert place.tasks == BEFORE


@pytest.mark.parametrize("pause", [1, 3, 5])
def test_a_stop_that_is_killed_in_the_middle_is_completed_and_forgets_nothing(place: Place, pause: int) -> None:
    entry = place.stop()
    place.killed_at = pause
    with pytest.raises(KilledError):
        place.stops(entry)
    place.killed_at = 0
    assert place.stops(entry) == 0
    assert place.tasks == DURING
    assert place.database == "stopped"
    place.now = NOW + 12 * HOUR
    place.sweeps()
    assert place.tasks == BEFORE


def test_a_start_that_is_killed_in_the_middle_is_completed_by_the_next_sweep(place: Place) -> None:
    place.stops(place.stop())
    place.now = NOW + 12 * HOUR
    place.killed_at = 1
    with pytest.raises(KilledError):
        place.sweeps()
    assert place.tasks == DURING
    place.killed_at = 0
    assert place.sweeps() == 0
    assert place.tasks == BEFORE
    assert place.files == set()


def test_a_sweep_that_finds_everything_stopped_says_nothing(place: Place) -> None:
    place.stops(place.stop())
    place.now += HOUR
    posts, checks = list(place.slack.posts), list(place.github.checks)
    assert place.sweeps() == 0
    assert place.slack.posts == posts
    assert place.github.checks == checks


def test_a_sweep_leaves_alone_what_a_job_may_still_be_stopping(place: Place) -> None:
    place.stop()
    place.now += timedelta(minutes=30)
    assert place.due()["any"] == "false"
    place.now += timedelta(minutes=30)
    assert place.due()["any"] == "true"


def test_what_aws_starts_after_a_week_is_stopped_again_by_a_sweep_and_told(place: Place) -> None:
    place.stops(place.stop(lifetime=20 * DAY))
    place.now = NOW + 7 * DAY + HOUR
    assert place.database == "available"
    told = len(place.slack.posts)
    assert place.sweeps() == 0
    assert place.database == "stopped"
    assert len(place.slack.posts) == told + 1
    assert "AWS starts it at 2026-12-05" in place.slack.posts[-1]["text"]


def test_what_somebody_started_is_left_to_them_by_sweeps_and_by_the_end(place: Place) -> None:
    place.stops(place.stop())
    place.stand_in.ecs.scale(NONPROD, "acme-dev", "api", 3)
    place.now += HOUR
    assert place.sweeps() == 0
    assert place.tasks["api"] == 3
    place.now = NOW + 12 * HOUR
    assert place.sweeps() == 0
    assert place.tasks == {**BEFORE, "api": 3}
    assert "ECS service acme-dev/api is running 3 of 3 tasks, as somebody else left it." in place.outcome().detail


def test_an_end_that_aws_does_not_finish_is_loud_and_tried_again(place: Place) -> None:
    place.stops(place.stop())
    place.now = NOW + 12 * HOUR
    place.stand_in.rds.turn_time = HOUR
    assert place.sweeps() == 1
    assert place.outcome().result is Result.FAILED
    assert "not everything runs again" in place.slack.said(ALERTS)
    place.now += HOUR
    assert place.sweeps() == 0
    assert place.tasks == BEFORE


def test_a_stop_that_cannot_be_read_back_is_put_back_and_said_so(place: Place) -> None:
    place.at_pause[1] = lambda: place.stand_in.faults.add(Fault(Kind.STATUS, status=403))
    assert place.stops(place.stop()) == 1
    assert place.outcome().result is Result.FAILED
    assert "AWS refused Describe" in place.outcome().detail
    assert "What was there before has been put back, as read back from AWS." in place.outcome().detail
    assert place.tasks == BEFORE
    assert place.database == "available"


def test_a_sweep_that_cannot_look_fails_where_operators_see_it(place: Place, broken_reading: None) -> None:
    place.stop()
    place.now += HOUR
    assert place.sweeps() == 1


@pytest.fixture
def broken_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN000000000")


class TestStatus:
    def shown(
        self, place: Place, read: Callable[[], str], environment: str = "dev", *, as_json: bool = False
    ) -> str:
        assert status.run(place.job(), environment, as_json=as_json) == 0
        return read()

    def test_is_a_page_for_people(self, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
        place.stops(place.stop())
        capsys.readouterr()
        page = self.shown(place, lambda: capsys.readouterr().out)
        assert page.startswith("### Development (dev)\n\n> Stopped for ana&#64;example.com (is-222222) until ")
        assert "| acme-dev/api | stopped | 0 | 0 |" in page
        assert "| acme-dev/agent | daemon | 3 | 3 |" in page
        assert "| acme-dev-db (RDS instance) | stopped | 2026-11-28 10:00 UTC |" in page
        assert page in place.summary + "\n"

    def test_is_json_for_whoever_posts_it(self, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
        found = json.loads(self.shown(place, lambda: capsys.readouterr().out, as_json=True))
        assert found["services"][1] == {
            "cluster": "acme-dev",
            "name": "api",
            "state": "running",
            "running": 2,
            "desired": 2,
        }
        assert found["databases"][0]["state"] == "available"
        assert (found["stops"], found["missing"]) == ([], [])
        assert json.loads(place.outputs["status"]) == found

    def test_tells_why_a_database_is_never_stopped(self, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
        found = json.loads(self.shown(place, lambda: capsys.readouterr().out, "staging", as_json=True))
        assert found["databases"][1]["never_stopped_because"] == "it is a read replica"

    def test_writes_nothing(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASANDBOXTESTPLAN0")
        assert status.run(place.job(), "dev", as_json=False) == 0

    def test_of_what_has_no_infrastructure_says_which_have(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert status.run(place.job(), "dve", as_json=False) == 1
        assert "Infrastructure does not exist in dve: did you mean “dev”?" in capsys.readouterr().err
