"""Text in summaries shows as typed, whatever was typed."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from actions.markdown import bounded, inert, link, table
from actions.runner import annotation, one_line
from sallyport.problems import Place, Problem

ANYTHING = st.text(st.one_of(st.characters(), st.sampled_from("`*_[]<>&|~#!$^@:\\\"'{}\n\r.wW/-")), max_size=60)


@given(ANYTHING)
def test_inert_text_holds_no_sign_that_markdown_or_html_acts_on(text: str) -> None:
    bare = re.sub(r"&#\d+;", "", inert(text))
    assert not set(bare) & set("\\`*_[]{}<>&|~#!$^@:\"'\n\r")


@given(ANYTHING)
def test_inert_text_reads_as_what_was_typed(text: str) -> None:
    shown = html.unescape(inert(text)).replace("\u2060", "")
    typed = re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+", " ", text).strip()
    assert shown == typed.replace("\u2060", "")


@given(ANYTHING)
def test_inert_text_mentions_nobody_and_makes_no_picture(text: str) -> None:
    shown = html.unescape(inert(text))
    assert not re.search(r"(?<![\w.+-])@\w", shown)
    assert not re.search(r":[\w+-]+:", shown)


@given(ANYTHING)
def test_a_line_is_one_line_and_no_command(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not line.lstrip().startswith("::")
    assert "##[" not in line


@given(ANYTHING, ANYTHING)
def test_an_annotation_is_one_command_whatever_a_name_or_a_sentence_holds(name: str, what: str) -> None:
    command = annotation(Problem(what, "", Place(name, 3, 4)))
    assert "\n" not in command
    assert "\r" not in command
    properties = command.removeprefix("::error ").partition("::")[0]
    assert properties.count(",") == 2


def test_a_cell_ends_no_column() -> None:
    assert table(("a",), [(inert("x | y"),)]).split("\n")[2].count("|") == 2


def test_a_long_text_is_cut_at_a_line_and_says_so() -> None:
    text = bounded("ä line\n" * 1000, 500)
    assert len(text.encode()) <= 500
    assert text.endswith("*The rest is in the job's log.*\n")
    assert bounded("short", 500) == "short"


def test_an_address_ends_no_link_early() -> None:
    assert link("x](y)", "https://a.example/b) [c](d e)`") == (
        "[x&#93;(y)](https://a.example/b%29%20%5Bc%5D%28d%20e%29%60)"
    )
