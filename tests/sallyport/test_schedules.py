"""When environments sleep: local days through changes of the clock, holidays, and the files that say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.policies import Policies, load_policies, read_folder
from sallyport.problems import Problems
from sallyport.schedules import Period, Schedule, said_of, schedule_named
from sallyport.whatif.explaining import explain
from sallyport.whatif.machine_readable import mapping
from sallyport.whatif.sentences import text
from tests.coordinator.asks import ROOT

HOUR = timedelta(hours=1)
WORKDAYS = frozenset(range(5))
MADRID = Schedule(
    name="office-hours",
    environments=("dev",),
    timezone="Europe/Madrid",
    days=WORKDAYS,
    opens=time(7),
    closes=time(20),
    holidays=frozenset(),
    shortest=HOUR,
    longest_keep=timedelta(days=3),
)
ZONES = ("Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo", "UTC")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def period(edges: str) -> Period:
    start, end = edges.split(" to ")
    return Period(utc(start), utc(end))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-25 12:00", None),  # a Wednesday at work
        ("2026-11-25 18:59", None),
        ("2026-11-25 19:00", "2026-11-25 19:00 to 2026-11-26 06:00"),  # 20:00 in Madrid
        ("2026-11-26 05:59", "2026-11-25 19:00 to 2026-11-26 06:00"),
        ("2026-11-26 06:00", None),
        ("2026-11-28 12:00", "2026-11-27 19:00 to 2026-11-30 06:00"),  # a Saturday
    ],
)
def test_it_sleeps_at_night_and_through_weekends(moment: str, expected: str | None) -> None:
    assert MADRID.period_at(utc(moment)) == (period(expected) if expected else None)


def test_a_holiday_is_slept_through_and_joins_what_is_beside_it() -> None:
    christmas = replace(MADRID, holidays=frozenset({date(2026, 12, 24), date(2026, 12, 25)}))
    asleep = christmas.period_at(utc("2026-12-24 10:00"))
    assert asleep == period("2026-12-23 19:00 to 2026-12-28 06:00")


@pytest.mark.parametrize(
    "expected",
    [
        "2026-03-27 19:00 to 2026-03-30 05:00",  # clocks go forward on the 29th: 07:00 is 05:00 UTC
        "2026-10-23 18:00 to 2026-10-26 06:00",  # and back on the 25th
    ],
)
def test_a_stop_is_from_local_time_to_local_time(expected: str) -> None:
    found = period(expected)
    assert MADRID.period_at(found.start + HOUR) == found


def test_hours_may_end_on_the_next_day_but_not_in_a_holiday() -> None:
    late = replace(MADRID, opens=time(6), closes=time(1), holidays=frozenset({date(2026, 11, 26)}))
    assert late.period_at(utc("2026-11-25 00:30")) == period("2026-11-25 00:00 to 2026-11-25 05:00")
    assert late.period_at(utc("2026-11-25 23:30")) == period("2026-11-25 23:00 to 2026-11-27 05:00")


def test_hours_that_a_change_of_the_clock_leaves_out_are_none() -> None:
    skipped = replace(MADRID, days=frozenset(range(7)), opens=time(2), closes=time(3))
    assert skipped.period_at(utc("2026-03-29 12:00")) == period("2026-03-28 02:00 to 2026-03-30 00:00")


def schedules() -> st.SearchStrategy[Schedule]:
    """Schedules of every kind; no hours begin or end when clocks of the zones change."""
    times = st.sampled_from([time(0), time(5, 30), time(7), time(12), time(20), time(23, 45)])
    days = st.frozensets(st.integers(0, 6), min_size=1)
    holidays = st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=8)
    zones = st.sampled_from(ZONES[:4])
    names = ("days", "opens", "closes", "holidays", "timezone")
    made = st.tuples(days, times, times, holidays, zones).map(
        lambda facts: replace(MADRID, **dict(zip(names, facts, strict=True)))
    )
    return made.filter(lambda one: len(one.days) < 7 or one.opens != one.closes)  # no file can say “always up”


def is_up(schedule: Schedule, moment: datetime) -> bool:
    """Whether it is up, read off a clock on the wall."""
    local = moment.astimezone(ZoneInfo(schedule.timezone)).replace(tzinfo=None)
    if local.date() in schedule.holidays:
        return False
    for day in (local.date(), local.date() - timedelta(days=1)):
        opens, closes = datetime.combine(day, schedule.opens), datetime.combine(day, schedule.closes)
        closes += timedelta(days=closes <= opens)
        if day.weekday() in schedule.days and day not in schedule.holidays and opens <= local < closes:
            return True
    return False


moments = st.integers(0, 2 * 365 * 24 * 4).map(lambda quarter: utc("2026-01-01") + quarter * HOUR / 4)


@given(schedules(), moments)
def test_at_any_moment_it_sleeps_where_a_clock_on_the_wall_says_so(schedule: Schedule, moment: datetime) -> None:
    assert (schedule.period_at(moment) is None) is is_up(schedule, moment)


@given(schedules(), moments)
def test_periods_come_in_order_and_between_them_it_is_up(schedule: Schedule, moment: datetime) -> None:
    found = list(islice((one for one in schedule.periods(moment) if one.start < utc("2028-02-01")), 5))
    assert found[0].end > moment
    for one, other in pairwise(found):
        assert one.start < one.end < other.start
        assert is_up(schedule, one.end)
    assert schedule.period_at(found[0].start) == found[0], "wherever one begins to look"


@given(st.sampled_from(ZONES), moments)
def test_every_period_begins_and_ends_at_the_times_it_names(zone: str, moment: datetime) -> None:
    found = next(replace(MADRID, timezone=zone).periods(moment))
    shown = [edge.astimezone(ZoneInfo(zone)).strftime("%H:%M") for edge in (found.start, found.end)]
    assert shown == ["20:00", "07:00"]


class TestComing:
    AFTERNOON = utc("2026-11-25 15:00")

    def test_it_is_the_next_period(self) -> None:
        assert MADRID.coming(self.AFTERNOON) == period("2026-11-25 19:00 to 2026-11-26 06:00")

    def test_what_somebody_keeps_up_is_not_slept(self) -> None:
        until = utc("2026-11-25 21:00")
        assert MADRID.coming(self.AFTERNOON, until) == period("2026-11-25 21:00 to 2026-11-26 06:00")

    def test_what_is_left_of_a_period_must_be_long_enough(self) -> None:
        following = period("2026-11-26 19:00 to 2026-11-27 06:00")
        assert MADRID.coming(utc("2026-11-26 05:00")) == period("2026-11-25 19:00 to 2026-11-26 06:00")
        assert MADRID.coming(utc("2026-11-26 05:01")) == following
        assert MADRID.coming(self.AFTERNOON, utc("2026-11-26 05:30")) == following

    def test_a_keep_of_several_days_leaves_out_the_nights_in_it(self) -> None:
        kept = utc("2026-11-27 12:00")
        assert MADRID.coming(self.AFTERNOON, kept) == period("2026-11-27 19:00 to 2026-11-30 06:00")

    def test_where_no_period_is_long_enough_none_comes(self) -> None:
        assert replace(MADRID, shortest=timedelta(days=9)).coming(self.AFTERNOON) is None


@pytest.mark.parametrize(
    ("different", "words"),
    [
        ({}, "Monday to Friday from 07:00 to 20:00 (Europe/Madrid)"),
        ({"days": frozenset(range(7))}, "every day from 07:00 to 20:00 (Europe/Madrid)"),
        ({"days": frozenset({0, 2})}, "Monday and Wednesday from 07:00 to 20:00 (Europe/Madrid)"),
        (
            {"opens": time(), "closes": time(), "holidays": frozenset({date(2026, 12, 25)})},
            "Monday to Friday (Europe/Madrid), but for 1 holiday",
        ),
    ],
)
def test_it_says_when_it_is_up(different: dict[str, object], words: str) -> None:
    assert replace(MADRID, **different).words() == words  # type: ignore[arg-type]  # of several fields


def test_it_is_a_requester_that_no_person_can_be() -> None:
    assert MADRID.requester == "schedule:office-hours"
    assert (schedule_named(MADRID.requester), schedule_named("schedule@example.com")) == ("office-hours", "")
    assert (said_of(MADRID.requester), said_of("ana@example.com")) == (
        "the schedule office-hours",
        "ana@example.com",
    )


# Files

GOOD = """\
nights:
  environments: [dev, staging]
  timezone: Europe/Madrid
  working_hours: {from: "07:00", to: "20:00"}
  holidays: [2026-12-25]
"""


def policies_with(written: str) -> Policies:
    return load_policies({**read_folder(ROOT / "policies"), "schedules.yaml": written.encode()})


def test_a_schedule_is_read_with_what_it_does_not_say() -> None:
    found = policies_with(GOOD).schedule_of("staging")
    assert found == replace(
        MADRID, name="nights", environments=("dev", "staging"), holidays=frozenset({date(2026, 12, 25)})
    )


@pytest.mark.parametrize(
    ("hours", "days", "opens", "closes"),
    [
        ('nights: {from: "20:00", to: "07:00"}\n  weekends: true', WORKDAYS, time(7), time(20)),
        ('nights: {from: "20:00", to: "07:00"}', frozenset(range(7)), time(7), time(20)),
        ("weekends: true", WORKDAYS, time(), time()),
        ('working_hours: {days: [mon, sun], from: "08:30", to: "00:00"}', frozenset({0, 6}), time(8, 30), time()),
    ],
)
def test_nights_and_weekends_say_the_same_as_working_hours(
    hours: str, days: frozenset[int], opens: time, closes: time
) -> None:
    found = policies_with(f"nights:\n  environments: [dev]\n  timezone: UTC\n  {hours}\n").schedule_of("dev")
    assert found is not None
    assert (found.days, found.opens, found.closes) == (days, opens, closes)


def test_without_schedules_nothing_sleeps() -> None:
    files = {path: content for path, content in read_folder(ROOT / "policies").items() if path != "schedules.yaml"}
    assert load_policies(files).schedule_of("dev") is None


def test_the_repository_ships_none_and_an_example_that_can_be_taken() -> None:
    shipped = (ROOT / "policies" / "schedules.yaml").read_text()
    assert not policies_with(shipped).schedules
    taken = shipped.split("{}\n")[1].replace("# ", "", 5)
    assert "\n#" not in taken
    example = policies_with(taken).schedule_of("dev")
    assert example is not None
    assert (example.name, len(example.holidays)) == ("office-hours", 4)


def faults(written: str) -> list[str]:
    with pytest.raises(Problems) as caught:
        policies_with(written)
    return [f"{problem.place}: {problem.sentence}" for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        (("Madrid", "Madird"), "3:13", "“Europe/Madird” is no time zone; did you mean “Europe/Madrid”?"),
        (("staging", "prod"), "2:23", "prod is production, which is never stopped"),
        (("staging", "stagign"), "2:23", "“stagign” is no environment; did you mean “staging”?"),
        (("staging", "non-prod"), "2:23", "Infrastructure does not exist in non-prod"),
        (("2026-12-25", "2026-02-30"), "5:14", "“2026-02-30” is no date of the calendar"),
        (("2026-12-25", "25.12."), "5:14", "item 1 of holidays “25.12.” does not have the right form"),
        (("20:00", "07:00"), "4:38", "the working hours from 07:00 to 07:00 have no length"),
        (('{from: "07:00", to: "20:00"}', "{days: [mo]}"), "4:26", "did you mean “mon”?"),
        (
            ("  holidays", "  weekends: true\n  holidays"),
            "4:18",
            "nights says both when it is up and when it sleeps",
        ),
        (('working_hours: {from: "07:00", to: "20:00"}', "weekends: false"), "2:3", "does not say when anything"),
        (("holidays", "hollidays"), "5:14", "unknown field “hollidays”; did you mean “holidays”?"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(change: tuple[str, str], place: str, sentence: str) -> None:
    found = faults(GOOD.replace(*change))
    assert any(f"schedules.yaml:{place}" in fault and sentence in fault for fault in found), found


def test_an_environment_has_one_schedule() -> None:
    second = 'weekends:\n  environments: [dev]\n  timezone: UTC\n  nights: {from: "20:00", to: "07:00"}\n'
    assert "dev is in the schedule nights too, and the two would overlap" in faults(GOOD + second)[0]


def without(change: Callable[[str], str]) -> str:
    """The first problem where the flow that stops is another."""
    path = "flows/infra-stop.yaml"
    files = {**read_folder(ROOT / "policies"), "schedules.yaml": GOOD.encode()}
    with pytest.raises(Problems) as caught:
        load_policies({**files, path: change(files[path].decode()).encode()})
    return caught.value.problems[0].sentence


def test_an_environment_without_a_rule_to_stop_it_is_refused() -> None:
    found = without(lambda flow: flow.replace("when: {environment: staging}", "when: {environment: non-prod}"))
    assert found.startswith("staging has no rule in the flow infra-stop")


def test_nothing_sleeps_without_a_channel_in_which_people_are_warned() -> None:
    found = without(lambda flow: flow.replace("channel: C0INFRA\n", ""))
    assert found.startswith("dev has no channel in which its people are warned")


def test_an_explanation_says_that_it_is_stopped_without_being_asked_for() -> None:
    policies = policies_with(GOOD)
    explained = explain(policies, policies.flows["infra-stop"], "ana@example.com", {"environment": "dev"})
    assert text(explained).split("Schedule\n")[1].split("\n\n")[0] == (
        "  “nights” keeps it up Monday to Friday from 07:00 to 20:00 (Europe/Madrid), but for 1 holiday; "
        "at other times it is stopped without being asked.\n"
        "  Who may ask for a stop may keep it up, for 3 days at most; less than 1 hour is not slept."
    )
    assert cast(Any, mapping(explained)["schedule"])["name"] == "nights"
    awake = explain(policies, policies.flows["infra-stop"], "ana@example.com", {"environment": "prod"})
    assert "Schedule" not in text(awake)
