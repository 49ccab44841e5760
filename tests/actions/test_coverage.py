"""Which plans what reviewers were shown covers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from actions.coverage import shown_of
from actions.executors.protocol import Plan, Step, Target, Verb
from sallyport.changes.protocol import Access

TARGET = Target(
    "apigateway/222222222222/eu-west-1/a1payments", "prod", Access("222222222222", "eu-west-1", "role")
)


def let(sources: str, *entries: str, verb: Verb = Verb.CREATE, until: int = 1) -> Step:
    moment = datetime(2026, 12, until, tzinfo=UTC).isoformat()
    return Step(verb, f"Let {sources} call POST /v1/charges until {moment}.", entries)


def plan(*steps: Step) -> Plan[Any]:
    return Plan(TARGET, None, None, steps)


SHOWN = shown_of([plan(let("198.51.100.1/32, 198.51.100.2/32 and 15 more", "aw-1", "aw-2"))])


@pytest.mark.parametrize(
    "step",
    [
        let("198.51.100.1/32", "aw-1"),
        let("198.51.100.1/32, 198.51.100.2/32, 203.0.113.1/32 and 3 more", "aw-1", "aw-2", "aw-9"),
        let("198.51.100.1/32", "aw-1", until=2),
        let("203.0.113.1/32", "aw-9"),
        Step(Verb.CREATE, "Deploy stage live, so that the policy is in force.", ("aw-1",), completes=True),
    ],
    ids=[
        "a part",
        "shared with others",
        "a deadline that counts from the merge",
        "of others alone",
        "its completion",
    ],
)
def test_what_is_covered(step: Step) -> None:
    assert SHOWN.refusal(plan(step), ["aw-1", "aw-2"]) == ""


@pytest.mark.parametrize(
    "step",
    [
        let("198.51.100.1/32", "aw-1", verb=Verb.REMOVE),
        Step(Verb.CREATE, "Close the API to everybody else.", ("aw-1",)),
        let("198.51.100.1/32", "aw-3"),
    ],
    ids=["another deed", "another kind of step", "an entry that was not shown"],
)
def test_what_is_not_covered(step: Step) -> None:
    said = SHOWN.refusal(plan(step), ["aw-1", "aw-2", "aw-3"])
    assert f"({SHOWN.digest}) does not cover “{step.sentence}”" in said


def test_a_target_of_which_no_plan_was_shown_is_not_held_to_one() -> None:
    assert shown_of([]).refusal(plan(let("198.51.100.1/32", "aw-1")), ["aw-1"]) == ""
