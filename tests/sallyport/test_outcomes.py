"""Outcomes: what a job writes is what the coordinator reads, and anything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sallyport.outcomes import Outcome, Result, dump_outcomes, load_outcomes
from tests.sallyport.examples import NOW, ids, moments, texts

NEEDED = ("request_id", "result", "detail", "at", "expires_at", "evidence")
GOOD = Outcome("aw-7k3m9q", Result.APPLIED, "It is live.", NOW, NOW, ("policy 12 of 12 statements",))

outcomes = st.lists(
    st.builds(
        Outcome,
        ids,
        st.sampled_from(Result),
        st.just("") | texts,
        moments,
        st.none() | moments,
        st.lists(texts, max_size=2).map(tuple),
    ),
    max_size=3,
).map(tuple)


@settings(max_examples=50)
@given(outcomes)
def test_what_a_job_writes_reads_as_the_same_outcomes(written: tuple[Outcome, ...]) -> None:
    assert load_outcomes(dump_outcomes(written)) == written


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "7", '"text"', "{}", "[1]", "[[]]", "[null]", '["text"]', "[{}]", "[", "Infinity"),
        "[" * 100_000,
        *(json.dumps([{**GOOD.to_mapping(), "result": other}]) for other in ("done", None, [])),
        *(
            json.dumps([{**GOOD.to_mapping(), "at": other}])
            for other in ("today", None, 7, "2026-02-30T00:00:00Z")
        ),
        *(json.dumps([{**GOOD.to_mapping(), "expires_at": other}]) for other in ("never", 7)),
        *(json.dumps([{**GOOD.to_mapping(), "evidence": other}]) for other in (None, "abc", [1])),
        *(json.dumps([{**GOOD.to_mapping(), name: 7}]) for name in ("request_id", "detail", "continued_by")),
        *(json.dumps([{k: v for k, v in GOOD.to_mapping().items() if k != gone}]) for gone in NEEDED),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the outcomes of a job"):
        load_outcomes(text)


@pytest.mark.parametrize(
    ("result", "good"),
    [
        (Result.APPLIED, True),
        (Result.ALREADY, True),
        (Result.REVERTED, True),
        (Result.REFUSED, False),
        (Result.FAILED, False),
    ],
)
def test_a_result_is_good_if_aws_is_as_it_should_be(result: Result, *, good: bool) -> None:
    assert result.good is good


def test_what_names_no_other_entry_goes_on_under_none() -> None:
    facts = {name: fact for name, fact in GOOD.to_mapping().items() if name in NEEDED}
    assert load_outcomes(json.dumps([facts])) == (GOOD,)


def test_what_goes_on_under_another_entry_says_which() -> None:
    over = replace(GOOD, result=Result.REVERTED, continued_by="aw-222222")
    assert load_outcomes(dump_outcomes((over,))) == (over,)
