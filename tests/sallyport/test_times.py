"""Durations and moments: one grammar, read and written without loss, and no guess about time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.times import (
    format_duration,
    format_moment,
    parse_duration,
    parse_moment,
    parse_when,
    round_up,
    rounding,
    say_duration,
    utc_now,
)
from tests.sallyport.examples import moments


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("4h", timedelta(hours=4)),
        ("7d", timedelta(days=7)),
        (" 4H ", timedelta(hours=4)),
        ("999999d", timedelta(days=999_999)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "4", "h", "0h", "00h", "04h", "-4h", "+4h", "4.5h", "4 h", "4h30m", "1w", "1000000s", "４h", "٤h", "4hh"],
)
def test_anything_else_is_refused_with_a_form_that_would_work(text: str) -> None:
    with pytest.raises(ValueError, match="such as 30m, 4h or 7d") as error:
        parse_duration(text)
    assert f"“{text}”" in str(error.value)


@given(st.builds("{}{}".format, st.integers(1, 999_999), st.sampled_from("smhd")))
def test_a_duration_that_is_written_reads_as_the_same_length(text: str) -> None:
    length = parse_duration(text)
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    ("seconds", "short", "words"),
    [
        (86400, "1d", "1 day"),
        (90000, "25h", "25 hours"),
        (3600, "1h", "1 hour"),
        (5400, "90m", "90 minutes"),
        (61, "61s", "61 seconds"),
        (0, "0s", "0 seconds"),
    ],
)
def test_a_length_is_written_in_the_largest_unit_that_keeps_it_exact(seconds: int, short: str, words: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == short
    assert say_duration(timedelta(seconds=seconds)) == words


@given(moments)
def test_a_moment_that_is_written_reads_as_the_same_moment(moment: datetime) -> None:
    assert parse_moment(format_moment(moment)) == moment


def test_a_moment_is_written_in_utc_to_the_second() -> None:
    moment = datetime(2026, 11, 21, 10, 12, 44, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert format_moment(moment) == "2026-11-21T09:12:44Z"


def test_a_moment_without_a_time_zone_is_refused_rather_than_guessed() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        format_moment(datetime(2026, 11, 21))  # noqa: DTZ001 - the fault under test


@pytest.mark.parametrize(
    "text",
    [
        *("", "never", "2026-11-21", "2026-11-21T09:12:44", "2026-11-21T09:12:44+00:00", "2026-11-21 09:12:44Z"),
        *("2026-11-21T09:12Z", "2026-11-21T09:12:44.5Z", "2026-11-21t09:12:44z", " 2026-11-21T09:12:44Z"),
        *("2026-11-21T09:12:44Z\n", "٢٠٢٦-11-21T09:12:44Z", "2026-11-21T24:00:00Z", "26-11-21T09:12:44Z"),
        *("2026-13-21T09:12:44Z", "2026-02-30T09:12:44Z", "2026-11-21T09:12:60Z", "0000-11-21T09:12:44Z"),
    ],
)
def test_what_is_not_a_utc_moment_is_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not a moment") as error:
        parse_moment(text)
    assert f"“{text}”" in str(error.value)


def test_the_wall_clock_is_read_in_utc() -> None:
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-17", "2026-11-17T00:00:00Z"),
        ("2026-11-17 14:00", "2026-11-17T14:00:00Z"),
        (" 2026-11-17T14:00:05 ", "2026-11-17T14:00:05Z"),
        ("2026-11-17 14:00Z", "2026-11-17T14:00:00Z"),
        ("2026-11-17 14:00+01:00", "2026-11-17T13:00:00Z"),
    ],
)
def test_a_moment_that_a_person_types_is_in_utc_unless_it_names_an_offset(text: str, moment: str) -> None:
    assert format_moment(parse_when(text)) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "17.11.2026", "2026-11-31", "14:00"])
def test_what_is_no_moment_is_answered_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-11-17, 2026-11-17 14:00"):
        parse_when(text)


GRAINS = st.sampled_from([timedelta(seconds=1), *(timedelta(minutes=m) for m in (15, 60, 360, 1440))])


@given(moments, GRAINS)
def test_what_is_rounded_up_is_never_earlier_and_never_a_grain_later(moment: datetime, grain: timedelta) -> None:
    rounded = round_up(moment, grain)
    assert moment <= rounded < moment + grain
    assert (rounded - rounded.replace(hour=0, minute=0, second=0)) % grain == timedelta()
    assert round_up(rounded, grain) == rounded
    assert rounding(moment - grain * 3, grain * 3, grain) == rounded - moment


@given(moments)
def test_without_a_grain_nothing_is_rounded(moment: datetime) -> None:
    assert round_up(moment, timedelta()) == moment
