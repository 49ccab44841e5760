"""Words and options of a typed line: every text has a reading, and the usual slips have the right one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.words import Line, read_words, unlinked

SIGNS = "-–—=“”‘’'\"<>|&; \n:/.1a"
typed = (
    st.text()
    | st.text(SIGNS)
    | st.lists(st.sampled_from(["--for", "=", "'", "dev", "—ttl=", "“x y”"])).map(" ".join)
)


def read(text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    line = read_words(text, wordy=("reason",), bare=("until",))
    return line.words, dict(line.options)


@pytest.mark.parametrize("dash", ["--", "—", "–", "-", "−−", "‑‑"])
@pytest.mark.parametrize("join", [" ", "=", " = ", "= ", " ="])
def test_an_option_is_understood_with_any_dash_and_with_or_without_an_equals_sign(dash: str, join: str) -> None:
    assert read(f"dev {dash}for{join}12h") == (("dev",), {"for": "12h"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("--reason='home office'", "home office"),
        ("--reason=‘home office’", "home office"),
        ("--reason “home office”", "home office"),
        ('--reason="home office"', "home office"),
        ("--reason „home office“", "home office"),
        ("--reason home office", "home office"),
        ("--reason=home office", "home office"),
        ("--reason='it’s Ana's home'", "it’s Ana's home"),
        ("--reason='never closed", "never closed"),
        ("--reason=a&lt;b &amp;&amp; c", "a<b && c"),
        ("--reason '--for me'", "--for me"),
        ("--reason", ""),
    ],
)
def test_a_value_of_several_words_is_understood_with_all_kinds_of_quotes_and_without(
    text: str, value: str
) -> None:
    assert read(text) == ((), {"reason": value})


def test_quotes_end_a_value_so_that_words_after_it_are_words_again() -> None:
    assert read("--reason='home office' dev") == (("dev",), {"reason": "home office"})
    assert read("--reason “home office” dev") == (("dev",), {"reason": "home office"})


def test_some_options_need_no_dashes() -> None:
    assert read("dev UNTIL 8am") == (("dev",), {"until": "8am"})


def test_a_quoted_word_is_never_an_option() -> None:
    assert read("'--for' “until”") == (("--for", "until"), {})


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3.4",
        "<http://1.2.3.4|1.2.3.4>",
        "<http://1.2.3.4>",
        "<https://1.2.3.4/|https://1.2.3.4/>",
        "http://1.2.3.4",
        "<mailto:1.2.3.4|1.2.3.4>",
    ],
)
def test_an_address_that_slack_or_a_browser_made_a_link_of_is_the_address(text: str) -> None:
    (word,) = read_words(text).words
    assert unlinked(word) == "1.2.3.4"


def test_a_range_and_an_ipv6_address_are_left_as_they_are() -> None:
    assert [unlinked(word) for word in ("1.2.3.0/28", "2001:db8::1/64")] == ["1.2.3.0/28", "2001:db8::1/64"]


def test_what_cannot_be_meant_is_answered_with_the_nearest_right_form() -> None:
    line = Line(("dev", "staging"), {"fro": "12h", "until": ""})
    problems = [*line.problems({"for": "12h", "until": "08:00"}), *line.too_many(1)]
    assert [problem.sentence for problem in problems] == [
        "“--fro” is no option here; did you mean “--for”?",
        "--until has no value; write it as --until 08:00",
        "“staging” is not understood at that place; options begin with --",
    ]


@given(typed)
def test_every_text_has_a_reading(text: str) -> None:
    line = read_words(text, wordy=("reason",), bare=("until",))
    assert all(name == name.casefold() for name in line.options)


@given(st.lists(st.text("abcdefg.123", min_size=1).filter(lambda word: word != "until"), max_size=6))
def test_plain_words_come_back_in_order(words: list[str]) -> None:
    assert read("  ".join(words)) == (tuple(words), {})
