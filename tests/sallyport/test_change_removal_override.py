"""An override of the threshold on early ends: it names a flow, a target and a number, and nothing else is its."""

from __future__ import annotations

import pytest

from sallyport.changes.removal_override import RemovalOverride
from sallyport.policies import load_policies, read_folder
from sallyport.problems import Problems
from tests.sallyport.examples import ROOT

CATALOGUE = load_policies(read_folder(ROOT / "policies")).catalogue
LOCK = "apigateway/222222222222/eu-west-1/a1payments"
CHANGE = RemovalOverride("api-whitelisting", LOCK, 12)
ANSWERS = {"environment": "prod", "of": "api-whitelisting", "target": f" {LOCK} ", "most": " 12 "}


def test_a_form_makes_the_change_and_an_entry_keeps_it() -> None:
    assert RemovalOverride.from_answers(ANSWERS, CATALOGUE) == CHANGE
    assert RemovalOverride.from_mapping(CHANGE.to_mapping()) == CHANGE


@pytest.mark.parametrize("typed", ["", "0", "1", "1001", "-5", "12.5", "all", "1e3", "9999999"])
def test_a_number_that_nobody_could_judge_is_refused_at_its_field(typed: str) -> None:
    with pytest.raises(
        Problems, match="most: this is not how many entries may end; write a number from 2 to 1000"
    ):
        RemovalOverride.from_answers(ANSWERS | {"most": typed}, CATALOGUE)


@pytest.mark.parametrize(
    "typed", ["", "payments", "/etc/passwd", "a/../b c", "a/b\nc", "a/$(id)", f"a/{'b' * 200}"]
)
def test_what_is_no_target_is_refused_at_its_field(typed: str) -> None:
    with pytest.raises(Problems, match="copy it from the alarm"):
        RemovalOverride.from_answers(ANSWERS | {"target": typed}, CATALOGUE)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    fields = [problem.field for problem in RemovalOverride("No flow", "x", 0).problems("mars", CATALOGUE)]
    assert fields == ["environment", "of", "target", "most"]


@pytest.mark.parametrize(
    ("flow", "lock", "count", "permitted"),
    [
        ("api-whitelisting", LOCK, 12, True),
        ("api-whitelisting", LOCK, 13, False),
        ("infra-whitelist", LOCK, 12, False),
        ("api-whitelisting", f"{LOCK}2", 12, False),
    ],
)
def test_it_permits_what_it_names_and_no_more(flow: str, lock: str, count: int, *, permitted: bool) -> None:
    assert CHANGE.permits(flow, lock, count) is permitted


def test_its_job_holds_the_lock_of_the_target_with_the_role_of_the_environment() -> None:
    assert CHANGE.lock("prod", CATALOGUE) == LOCK
    assert CHANGE.access("prod", CATALOGUE).role == "arn:aws:iam::222222222222:role/sallyport-apply"
    assert CHANGE.owners(CATALOGUE) == frozenset()


def test_it_tells_whoever_decides_what_is_lost() -> None:
    assert CHANGE.title(CATALOGUE) == f"End of up to 12 entries of api-whitelisting at {LOCK}"
    assert "in Production that are not proven any more end at once" in CHANGE.effect("prod", CATALOGUE)
    assert ("At most", "12 entries, once") in CHANGE.details(CATALOGUE)
    assert "does not come back" in CHANGE.undo()
