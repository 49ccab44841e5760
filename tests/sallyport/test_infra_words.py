"""What may follow `/infra stop` and `/infra whitelist add`, and the answers it gives."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.changes.infra_words import stop_answers, time_of_day, ttl_problems, whitelist_answers
from sallyport.problems import Problems
from sallyport.times import next_time, parse_duration
from tests.sallyport.test_words import typed

MADRID = ZoneInfo("Europe/Madrid")
EVENING = datetime(2026, 11, 21, 20, 0, 13, tzinfo=MADRID)


def refusal(text: str, read=stop_answers) -> str:  # type: ignore[no-untyped-def]  # either reader
    with pytest.raises(Problems) as error:
        read(text, EVENING)
    return "; ".join(problem.sentence for problem in error.value.problems)


class TestStop:
    @pytest.mark.parametrize(
        ("text", "answers"),
        [
            ("dev", {"environment": "dev"}),
            ("Staging", {"environment": "staging"}),
            ("--env=staging", {"environment": "staging"}),
            ("--for 12h", {"duration": "12h"}),
            ("dev for 2H", {"environment": "dev", "duration": "2h"}),
            ("dev —until 08:00", {"environment": "dev", "duration": "12h"}),
            ("dev until 7:30", {"environment": "dev", "duration": "690m"}),
            ("dev --until 9pm", {"environment": "dev", "duration": "1h"}),
            ("dev --reason nobody works tonight", {"environment": "dev", "reason": "nobody works tonight"}),
        ],
    )
    def test_words_are_answers_and_what_is_left_out_is_not_answered(self, text: str, answers: object) -> None:
        assert stop_answers(text, EVENING) == answers

    def test_what_is_not_understood_is_told_all_at_once(self) -> None:
        assert refusal("dev now --fr 12h") == (
            "“--fr” is no option here; did you mean “--for”?; "
            "“now” is not understood at that place; options begin with --"
        )
        assert "--for and --until say it twice" in refusal("dev --for 2h --until 8:00")
        assert "write one such as 08:00 or 6:30pm" in refusal("dev --until noonish")

    @given(typed)
    def test_whatever_people_type_gets_an_answer(self, text: str) -> None:
        for read in (stop_answers, whitelist_answers):
            with suppress(Problems):
                assert all(read(text, EVENING).values())


class TestUntil:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("08:00", time(8)),
            ("8", time(8)),
            ("8.30", time(8, 30)),
            ("12am", time(0)),
            ("12pm", time(12)),
            ("6:30 PM", time(18, 30)),
        ],
    )
    def test_a_time_of_day_is_read_as_people_write_it(self, text: str, expected: time) -> None:
        assert time_of_day(text) == expected

    @pytest.mark.parametrize("text", ["", "24:00", "13pm", "0am", "8:60", "eight", "-1"])
    def test_what_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="no time of day"):
            time_of_day(text)

    @given(
        st.integers(0, 2 * 365 * 24 * 60 * 60).map(lambda seconds: EVENING + timedelta(seconds=seconds)),
        st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    )
    def test_it_is_the_next_such_time_on_the_persons_clock_in_whole_minutes(self, now: datetime, at: time) -> None:
        length = parse_duration(stop_answers(f"--until {at:%H:%M}", now)["duration"])
        ends = next_time(now, at)
        assert ends <= now.astimezone(UTC) + length < ends + timedelta(minutes=1)
        assert timedelta() < length <= timedelta(hours=25)

    def test_a_night_when_clocks_change_is_as_long_as_it_is(self) -> None:
        before = datetime(2026, 10, 24, 20, 0, tzinfo=MADRID)
        assert stop_answers("--until 08:00", before)["duration"] == "13h"


class TestWhitelist:
    @pytest.mark.parametrize(
        ("text", "answers"),
        [
            ("add 198.51.100.7", {"address": "198.51.100.7"}),
            ("198.51.100.7", {"address": "198.51.100.7"}),
            ("add <http://198.51.100.7|198.51.100.7> —ttl=7d", {"address": "198.51.100.7", "duration": "7d"}),
            (
                "add 198.51.100.7/32 --description=‘Home office’ --env staging",
                {
                    "address": "198.51.100.7/32",
                    "description": "Home office",
                    "environment": "staging",
                    "reason": "Home office",
                },
            ),
            ("add", {}),
        ],
    )
    def test_words_are_answers_and_a_description_is_a_reason(self, text: str, answers: object) -> None:
        assert whitelist_answers(text, EVENING) == answers

    @pytest.mark.parametrize("text", ["1m", "1440m", "1d", "365d", "24h"])
    def test_a_lifetime_is_from_a_minute_to_a_year(self, text: str) -> None:
        assert list(ttl_problems(text)) == []

    @pytest.mark.parametrize(
        ("text", "mend"),
        [
            ("1441m", "write 2d"),
            ("366d", "write 365d"),
            ("30s", "write 1m or more"),
            ("7", "such as 30m, 4h or 7d"),
        ],
    )
    def test_another_is_answered_with_the_nearest_that_works(self, text: str, mend: str) -> None:
        assert mend in refusal(f"add 198.51.100.7 --ttl={text}", whitelist_answers)
