"""The stop that a schedule asks for, as jobs see it: they trust the schedules on main, and no signature alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sallyport.changes.infra_stop import InfraStop
from sallyport.entries import POLICY, SCHEDULE, Approval, Entry, Grant
from sallyport.outcomes import Result
from tests.actions.place import FIRST, HOUR, Place, on_loopback
from tests.actions.world import NOW

OPENING = datetime(2026, 11, 23, 6, tzinfo=UTC)  # 07:00 in Madrid, on the Monday after NOW
SCHEDULES = """\
nights:
  environments: [dev]
  timezone: Europe/Madrid
  working_hours: {from: "07:00", to: "20:00"}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place(tmp_path)
    place.commit("Let dev sleep", {"policies/schedules.yaml": SCHEDULES.encode()})
    with on_loopback(place, monkeypatch):
        yield place


def scheduled(place: Place, **different: object) -> Entry:
    """Commit what the schedule asks for on this Saturday, with the coordinator's signature."""
    usual = {
        "flow": "infra-stop",
        "environment": "dev",
        "requested_by": "schedule:nights",
        "asked": "",
        "approvals": (),
        "grant": Grant(SCHEDULE, place.now),
        "changes": (InfraStop("dev"),),
        "expires_at": OPENING,
    }
    made = place.entry(FIRST, **{**usual, **different})
    place.commit_of[FIRST] = place.add(made)
    return made


def test_it_is_done_without_anybodys_approval_and_ends_when_the_schedule_says(place: Place) -> None:
    by_day = place.tasks
    assert place.stops(scheduled(place)) == 0
    assert place.outcome().result is Result.APPLIED
    assert place.tasks["api"] == 0
    place.now = OPENING
    assert place.sweeps() == 0
    assert place.tasks == by_day


def test_it_may_be_ended_before(place: Place) -> None:
    by_day = place.tasks
    made = scheduled(place)
    place.stops(made)
    place.now += HOUR
    place.add(place.signer.sign(replace(made, expires_at=place.now, attestation=None)))
    assert place.sweeps(FIRST) == 0
    assert place.tasks == by_day


def test_a_schedule_that_is_merged_while_it_is_stopped_changes_nothing_of_it(place: Place) -> None:
    place.stops(scheduled(place))
    place.commit("Let dev stay up", {"policies/schedules.yaml": b"{}\n"})
    place.now += HOUR
    assert place.sweeps() == 0
    assert place.tasks["api"] == 0


ANA = "ana@example.com"
FORGED = {
    "by day": (
        {"grant": Grant(SCHEDULE, datetime(2026, 11, 20, 12, tzinfo=UTC))},
        "the schedule nights keeps dev up at 2026-11-20T12:00:00Z",
    ),
    "longer": (
        {"expires_at": OPENING + timedelta(seconds=1)},
        "the schedule nights wants dev up again at 2026-11-23T06:00:00Z, before it would end",
    ),
    "elsewhere": (
        {"environment": "staging", "changes": (InfraStop("staging"),)},
        "no schedule asks for infra-stop in staging",
    ),
    "production": (
        {"environment": "prod", "changes": (InfraStop("prod"),)},
        "policy has no rule for infra-stop in prod",
    ),
    "a person": (
        {"requested_by": ANA},
        "dev sleeps by the schedule nights, and it was asked for by ana@example.com",
    ),
    "another schedule": (
        {"requested_by": "schedule:days"},
        "dev sleeps by the schedule nights, and it was asked for by the schedule days",
    ),
    "policy": (
        {"grant": Grant(POLICY, NOW), "expires_at": NOW + HOUR},
        "only members of engineering may ask for this",
    ),
    "approved": (
        {"grant": None, "approvals": (Approval("lee@example.com", NOW, "slack"),), "expires_at": NOW + HOUR},
        "only members of engineering may ask for this",
    ),
    "another change": (
        {"changes": (InfraStop("staging"),)},
        "the change names staging, and its entry dev",
    ),
}


@pytest.mark.parametrize(("different", "why"), FORGED.values(), ids=FORGED.keys())
def test_a_signed_entry_that_no_schedule_asks_for_is_refused(
    place: Place, different: dict[str, object], why: str
) -> None:
    by_day = place.tasks
    made = scheduled(place, **different)
    assert place.apply(made, place.commit_of[FIRST], environment=made.environment) == 1
    assert place.outcome().result is Result.REFUSED
    assert why in place.outcome().detail
    assert place.tasks == by_day


def test_one_that_is_committed_before_its_time_is_refused_and_the_sweep_does_nothing_about_it(
    place: Place,
) -> None:
    by_day = place.tasks
    night = datetime(2026, 11, 23, 19, tzinfo=UTC)
    made = scheduled(place, grant=Grant(SCHEDULE, night), expires_at=night + 11 * HOUR)
    assert place.stops(made) == 1
    assert "its time begins at 2026-11-23 19:00:00 UTC. Nothing was changed." in place.outcome().detail
    place.now += HOUR
    place.sweeps()
    assert place.tasks == by_day


def test_clocks_may_differ_by_what_is_usual(place: Place) -> None:
    assert place.stops(scheduled(place, grant=Grant(SCHEDULE, NOW + timedelta(minutes=10)))) == 0


def test_an_entry_says_what_it_was_granted_by(place: Place) -> None:
    text = scheduled(place).to_yaml()
    assert "requested_by: schedule:nights" in text
    assert "through: schedule" in text
