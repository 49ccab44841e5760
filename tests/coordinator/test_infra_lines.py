"""What a line after `/infra` means, where no flow is asked for."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from coordinator.infra.lines import FULL, SERVICES, Errand, Kind, read_errand
from sallyport.problems import Problems
from sallyport.times import parse_moment
from tests.sallyport.test_words import typed

TYPED_AT = datetime(2026, 11, 25, 16, 30, tzinfo=ZoneInfo("Europe/Madrid"))


@pytest.mark.parametrize(
    ("text", "errand"),
    [
        ("", Errand(Kind.HELP)),
        ("help", Errand(Kind.HELP)),
        ("status --help", Errand(Kind.HELP)),
        ("status", Errand(Kind.STATUS)),
        ("Status Staging", Errand(Kind.STATUS, "staging")),
        ("start —env=dev", Errand(Kind.START, "dev")),
        ("keep", Errand(Kind.KEEP)),
        ("keep dev until 22:00", Errand(Kind.KEEP, "dev", until="22:00")),
        ("keep staging —for 3H", Errand(Kind.KEEP, "staging", lasts="3h")),
        ("spin-up dev", Errand(Kind.SPINUP, "dev")),
        ("teardown dev", Errand(Kind.TEARDOWN, "dev", level=SERVICES)),
        ("teardown dev —level=“full”", Errand(Kind.TEARDOWN, "dev", level=FULL)),
        ("whitelist list", Errand(Kind.LIST)),
        ("whitelist ls staging", Errand(Kind.LIST, "staging")),
        ("whitelist refresh dev", Errand(Kind.REFRESH, "dev")),
        ("whitelist remove <http://1.2.3.4|1.2.3.4>", Errand(Kind.REMOVE, "", "1.2.3.4")),
        ("whitelist rm 1.2.3.4 staging", Errand(Kind.REMOVE, "staging", "1.2.3.4")),
        ("whitelist remove 1.2.3.4 --env staging", Errand(Kind.REMOVE, "staging", "1.2.3.4")),
    ],
)
def test_a_line_is_understood_as_people_write_it(text: str, errand: Errand) -> None:
    assert read_errand(text) == errand


@pytest.mark.parametrize(
    "text", ["stop", "stop dev --for 12h", "whitelist", "whitelist add 1.2.3.4", "WHITELIST 1.2.3.4"]
)
def test_what_asks_for_a_flow_is_left_to_it(text: str) -> None:
    assert read_errand(text) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("statsu dev", "did you mean “status”?"),
        ("stpo dev", "did you mean “stop”?"),
        ("start dev staging", "“staging” is not understood"),
        ("start dev --for 2h", "“--for” is no option here"),
        ("keep dev --for 2h --until 22:00", "--for and --until say it twice"),
        ("keep dev --until", "write it as --until 22:00"),
        ("kep dev", "did you mean “keep”?"),
        ("teardown dev --level=ful", "did you mean “full”?"),
        ("teardown dev --level", "write it as --level services or --level full"),
        ("whitelist remove", "no address is named"),
    ],
)
def test_what_is_not_understood_is_answered_with_the_nearest_right_form(text: str, answer: str) -> None:
    with pytest.raises(Problems) as error:
        read_errand(text)
    assert answer in error.value.problems[0].sentence


@given(typed)
def test_every_line_has_a_meaning_or_an_answer(text: str) -> None:
    for begin in ("", "status ", "teardown ", "keep ", "whitelist remove "):
        with suppress(Problems):
            if errand := read_errand(begin + text):
                errand.end(TYPED_AT)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("keep dev until 22:00", "2026-11-25T21:00:00Z"),
        ("keep dev --until 8am", "2026-11-26T07:00:00Z"),
        ("keep dev --for 3h", "2026-11-25T18:30:00Z"),
    ],
)
def test_an_end_is_meant_on_the_clock_of_who_types(text: str, end: str) -> None:
    errand = read_errand(text)
    assert errand is not None
    assert errand.end(TYPED_AT) == parse_moment(end)


@pytest.mark.parametrize(
    ("text", "answer"), [("keep --until 25:00", "is no time of day"), ("keep --for ever", "is not a duration")]
)
def test_an_end_that_is_none_is_answered(text: str, answer: str) -> None:
    errand = read_errand(text)
    assert errand is not None
    with pytest.raises(Problems, match=answer):
        errand.end(TYPED_AT)
