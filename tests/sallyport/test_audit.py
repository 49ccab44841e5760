"""The audit trail: whatever is edited, dropped, doubled or moved in a request's chain of facts is found."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sallyport.audit import FIRST, Deed, Fact, breaks
from tests.sallyport.examples import NOW, moments

Chain = list[tuple[Fact, str]]


def chain(deeds: list[Deed], request_id: str = "aw-7k3m9q") -> Chain:
    """Return the facts of one request with the digests that a store keeps beside them."""
    found: Chain = []
    previous = FIRST
    for number, deed in enumerate(deeds, 1):
        details: dict[str, Any] = {"step": number, "note": "é"}
        fact = Fact(
            request_id, number, deed, NOW + timedelta(minutes=number), "ana@example.com", details, previous
        )
        previous = fact.digest
        found.append((fact, previous))
    return found


chains = st.lists(st.sampled_from(Deed), min_size=1, max_size=6).map(chain)
STORY = chain([Deed.ASKED, Deed.APPROVED, Deed.COMMITTED, Deed.APPLIED])


@given(chains)
def test_an_untouched_chain_has_no_break(facts: Chain) -> None:
    assert breaks(facts) == []
    assert breaks([]) == []


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("request_id", "aw-222222"),
        ("number", 7),
        ("deed", Deed.DENIED),
        ("at", NOW),
        ("by", "kim@example.com"),
        ("details", {"step": 2, "note": "e"}),
        ("details", {}),
        ("previous", FIRST),
    ],
)
def test_an_edit_of_any_field_is_found_where_it_is(field: str, other: object) -> None:
    fact, stored = STORY[1]
    edited = [STORY[0], (replace(fact, **{field: other}), stored), *STORY[2:]]  # type: ignore[arg-type]  # the table names fields
    (sentence,) = breaks(edited)
    assert "fact 2" in sentence


def test_the_table_above_edits_every_field_that_a_fact_has() -> None:
    table: Any = test_an_edit_of_any_field_is_found_where_it_is.pytestmark[0].args[1]  # type: ignore[attr-defined]  # the mark
    assert {field for field, _ in table} == {field.name for field in fields(Fact)}


def test_a_break_is_told_with_its_request_and_its_fact() -> None:
    fact, stored = STORY[2]
    assert breaks([*STORY[:2], (replace(fact, by="eve"), stored), STORY[3]]) == [
        "aw-7k3m9q: fact 3 (committed) is not what was recorded"
    ]
    assert breaks([STORY[0], *STORY[2:]]) == ["aw-7k3m9q: fact 2 is missing"]
    assert breaks(STORY[1:]) == ["aw-7k3m9q: fact 1 is missing"]


@settings(max_examples=60)
@given(chains, st.data())
def test_an_edit_is_found_even_with_a_digest_to_match_unless_it_ends_the_chain(
    facts: Chain, data: st.DataObject
) -> None:
    """Whoever rewrites one fact must rewrite all that follow: the next one names the digest of before."""
    index = data.draw(st.integers(0, len(facts) - 1))
    fact, stored = facts[index]
    edited = replace(fact, by=data.draw(st.text()), at=data.draw(moments), deed=data.draw(st.sampled_from(Deed)))
    careless = [*facts[:index], (edited, stored), *facts[index + 1 :]]
    careful = [*facts[:index], (edited, edited.digest), *facts[index + 1 :]]
    assert (breaks(careless) == []) is (edited == fact)
    assert (breaks(careful) == []) is (edited == fact or index == len(facts) - 1)


@settings(max_examples=60)
@given(chains, st.data())
def test_a_fact_that_is_dropped_before_the_end_is_found(facts: Chain, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(facts) - 1))
    left = facts[:index] + facts[index + 1 :]
    assert (breaks(left) == []) is (index == len(facts) - 1)


@settings(max_examples=60)
@given(chains, st.data())
def test_facts_in_another_order_or_twice_are_found(facts: Chain, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(facts))
    doubled = data.draw(st.sampled_from(facts))
    assert (breaks(shuffled) == []) is (shuffled == facts)
    assert breaks([*facts, doubled]) != []


def test_facts_of_another_request_are_found() -> None:
    other = chain([Deed.ASKED, Deed.DENIED], "aw-222222")
    assert breaks([STORY[0], other[1]]) != []
    assert breaks([*STORY[:1], *other]) != []


def test_the_digest_does_not_depend_on_the_order_of_details() -> None:
    one = Fact("aw-7k3m9q", 1, Deed.ASKED, NOW, "ana@example.com", {"a": 1, "b": 2})
    assert replace(one, details={"b": 2, "a": 1}).digest == one.digest
