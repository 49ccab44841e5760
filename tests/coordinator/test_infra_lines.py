"""What a line after `/infra` means, where no flow is asked for."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given

from coordinator.infra.lines import FULL, SERVICES, Errand, Kind, read_errand
from sallyport.problems import Problems
from tests.sallyport.test_words import typed


@pytest.mark.parametrize(
    ("text", "errand"),
    [
        ("", Errand(Kind.HELP)),
        ("help", Errand(Kind.HELP)),
        ("status --help", Errand(Kind.HELP)),
        ("status", Errand(Kind.STATUS)),
        ("Status Staging", Errand(Kind.STATUS, "staging")),
        ("start —env=dev", Errand(Kind.START, "dev")),
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
    for begin in ("", "status ", "teardown ", "whitelist remove "):
        with suppress(Problems):
            read_errand(begin + text)
