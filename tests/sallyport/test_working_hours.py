"""Working hours: when a reminder may be sent, through week-ends and changes of the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.flows import Nudges
from sallyport.working_hours import is_time_zone, next_working_moment

MADRID = Nudges(2, "Europe/Madrid", time(9), time(18))
ZONES = ("Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20 10:00", "2026-11-20 10:00"),  # a Friday at work
        ("2026-11-20 08:00", "2026-11-20 08:00"),  # 09:00 in Madrid: they have just begun
        ("2026-11-20 07:59", "2026-11-20 08:00"),
        ("2026-11-20 16:59", "2026-11-20 16:59"),
        ("2026-11-20 17:00", "2026-11-23 08:00"),  # 18:00 in Madrid: they have gone, until Monday
        ("2026-11-21 12:00", "2026-11-23 08:00"),
        ("2026-11-22 23:30", "2026-11-23 08:00"),  # Sunday in UTC, Monday in Madrid
        ("2026-11-18 20:00", "2026-11-19 08:00"),
    ],
)
def test_what_falls_outside_of_working_hours_waits_for_the_next(moment: str, expected: str) -> None:
    assert next_working_moment(MADRID, utc(moment)) == utc(expected)


@pytest.mark.parametrize(
    ("friday", "monday"),
    [
        ("2026-03-27 20:00", "2026-03-30 07:00"),  # clocks go forward on Sunday the 29th: 09:00 is 07:00 UTC
        ("2026-10-23 20:00", "2026-10-26 08:00"),  # and back on Sunday the 25th: 09:00 is 08:00 UTC
    ],
)
def test_nine_o_clock_is_nine_o_clock_after_the_clocks_have_changed(friday: str, monday: str) -> None:
    assert next_working_moment(MADRID, utc(friday)) == utc(monday)


def test_hours_that_a_change_of_the_clock_cuts_are_as_long_as_they_are() -> None:
    cairo = Nudges(1, "Africa/Cairo", time(0, 30), time(2))  # on Friday, 2026-04-24, midnight became one o'clock
    assert next_working_moment(cairo, utc("2026-04-23 22:10")) == utc("2026-04-23 22:30")
    assert next_working_moment(cairo, utc("2026-04-23 23:00")) > utc("2026-04-24 12:00")


@given(
    minutes=st.integers(0, 15 * 365 * 24 * 60),
    zone=st.sampled_from(ZONES),
    start=st.integers(0, 22),
    length=st.integers(1, 23),
)
def test_it_is_never_before_never_outside_and_never_later_than_it_must_be(
    minutes: int, zone: str, start: int, length: int
) -> None:
    moment = utc("2020-01-01") + timedelta(minutes=minutes)
    hours = Nudges(1, zone, time(start), time(min(start + length, 23), 59))
    found = next_working_moment(hours, moment)
    local = found.astimezone(ZoneInfo(zone))
    assert moment <= found < moment + timedelta(days=4)
    assert local.weekday() < 5
    assert local.time() < hours.end
    assert next_working_moment(hours, found) == found
    if found > moment:
        assert next_working_moment(hours, found - timedelta(microseconds=1)) == found


def test_the_reader_s_own_zone_makes_no_difference() -> None:
    there = utc("2026-11-20 17:30").astimezone(ZoneInfo("Asia/Kolkata"))
    assert next_working_moment(MADRID, there) == utc("2026-11-23 08:00")


def test_a_zone_is_one_that_exists() -> None:
    assert is_time_zone("Europe/Madrid")
    for wrong in ("Europe/Madird", "", "../etc/passwd", "CEST+1:00"):
        assert not is_time_zone(wrong), wrong


def test_other_hours_are_other_hours() -> None:
    late = replace(MADRID, start=time(14), end=time(22))
    assert next_working_moment(late, utc("2026-11-20 10:00")) == utc("2026-11-20 13:00")
