"""Allow lists without AWS: the union of leases, turns and room, by example and by property."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.executors.allow_lists.drift import drift
from actions.executors.allow_lists.planning import additions, make_plan, removals
from actions.executors.allow_lists.state import Holder, ListState, Opening, Rule, openings, say, set_scene
from actions.executors.protocol import Claims, Plan, Target
from sallyport.changes.allow_list import AllowList
from sallyport.changes.protocol import Access
from sallyport.entries import Approval, Entry
from tests.actions.executors.support import START, entry

WEB, TEMPORAL, LIST = "sg-00000001", "sg-00000002", "pl-00000004"
GROUPS = AllowList("Allow list", {WEB: (80, 443), TEMPORAL: (7233,)}, {}, {4: 24, 6: 48}, 60)
LISTS = AllowList("Allow list", {}, {4: LIST}, {4: 24, 6: 48}, 60)
TARGET = Target("allow-list/111111111111/eu-west-1/dev", "dev", Access("111111111111", "eu-west-1", "role"))
ADDRESSES = ("198.51.100.10/32", "198.51.100.11/32", "192.0.2.0/24")


def lease(number: int, address: str, *, hours: int = 4) -> Entry:
    expires = START + timedelta(hours=hours)
    return entry(f"iw-{number:06}", "infra-whitelist", {"address": address}, environment="dev", expires_at=expires)


def aws(allow_list: AllowList, rules: tuple[Rule, ...] = (), room: int = 60) -> ListState:
    """What AWS has, with the same room everywhere."""
    used = {4: 0, 6: 0}
    holders = {one: Holder(one, used, {4: room, 6: room}, int(one == LIST)) for one in allow_list.ids}
    return ListState(allow_list, holders, rules, {})


def plan(state: ListState, live: list[Entry], ended: list[Entry]) -> Plan[ListState]:
    claims = Claims(tuple(live), tuple(ended), {}, START)
    return make_plan(TARGET, set_scene(state.allow_list, claims), state)


def made(found: Plan[ListState]) -> ListState:
    """AWS after the plan was carried out: what was new has an id."""
    return replace(
        found.wanted, rules=tuple(replace(r, id=r.id or f"sgr-{r.opening}") for r in found.wanted.rules)
    )


def open_now(state: ListState) -> set[Opening]:
    return {rule.opening for rule in state.rules if rule.opening}


# Each event of a story: somebody asks for an address, or the n-th of those who hold one ends.
events = st.lists(st.sampled_from(ADDRESSES) | st.integers(0, 5), max_size=12)


@settings(deadline=None)  # a dozen plans each
@given(events, st.sets(st.sampled_from(ADDRESSES)), st.sampled_from([GROUPS, LISTS]))
def test_any_order_of_entries_and_ends_leaves_exactly_the_union_of_leases_and_what_others_made(
    story: list[Any], by_hand: set[str], allow_list: AllowList
) -> None:
    others = tuple(Rule(f"sgr-{o}", o.holder, o, ours=False) for o in openings(allow_list, sorted(by_hand)))
    state, live, ended = aws(allow_list, others), list[Entry](), list[Entry]()
    for number, event in enumerate(story):
        if isinstance(event, str):
            live.append(lease(number, event))
        elif live:
            ended.append(live.pop(event % len(live)))
        found = plan(state, live, ended)
        state = made(found)
        leased = {
            opening for one in live for opening in openings(allow_list, [one.changes[0].to_mapping()["address"]])
        }
        assert open_now(state) == leased | open_now(aws(allow_list, others))
        assert set(others) <= set(state.rules)
        assert plan(state, live, ended).is_empty
        assert plan(state, live, ended).unchanged == {one.id for one in live}
    assert set(plan(state, [], ended + live).wanted.rules) == set(others)


@given(st.lists(st.sampled_from(ADDRESSES), max_size=6), st.integers(0, 6), st.sampled_from([GROUPS, LISTS]))
def test_no_plan_exceeds_a_quota_and_who_came_first_goes_first(
    addresses: list[str], room: int, allow_list: AllowList
) -> None:
    live = [
        replace(lease(n, a), approvals=(Approval("lee@example.com", START - timedelta(minutes=n), "slack"),))
        for n, a in enumerate(addresses)
    ]
    found = plan(aws(allow_list, room=room), live, [])
    for holder, coming in additions(found).items():
        assert len(coming) <= room, holder
    refused = [one for one in live if one.id in found.refusals]
    let_in = {opening.cidr for opening in open_now(found.wanted)}
    assert not {str(one.changes[0].to_mapping()["address"]) for one in refused} & let_in
    assert {one.id for one in live} == found.refusals.keys() | {e for s in found.steps for e in s.entries}
    if refused and (first := live[-1]).id in found.refusals:
        assert all(one.id in found.refusals for one in live), f"{first.id} was approved first"


@given(
    st.sets(st.sampled_from(ADDRESSES)), st.sets(st.sampled_from(ADDRESSES)), st.sets(st.sampled_from(ADDRESSES))
)
def test_drift_is_nothing_exactly_when_aws_has_what_is_asked_for(
    asked: set[str], ours: set[str], theirs: set[str]
) -> None:
    wanted = frozenset(openings(GROUPS, asked))
    rules = [Rule(f"ours-{o}", o.holder, o, ours=True) for o in openings(GROUPS, ours - theirs)]
    rules += [Rule(f"theirs-{o}", o.holder, o, ours=False) for o in openings(GROUPS, theirs)]
    found = drift(wanted, rules)
    assert {o.cidr for o in found.missing} == asked - ours - theirs
    assert {r.opening.cidr for r in found.extra if r.opening} == ours - theirs - asked
    assert {r.opening.cidr for r in found.standing if r.opening} == theirs & asked
    assert found.is_none == (asked <= ours | theirs and ours - theirs <= asked)
    assert bool(list(found.sentences())) != found.is_none


def test_an_address_that_fits_one_group_and_not_the_other_is_refused_for_both() -> None:
    state = aws(GROUPS)
    state = replace(state, holders={**state.holders, TEMPORAL: Holder(TEMPORAL, {4: 60, 6: 0}, {4: 60, 6: 60})})
    found = plan(state, [lease(1, ADDRESSES[0])], [])
    assert (
        f"{TEMPORAL} is full: 60 of 60 IPv4 rules are used, and this needs 1 more" in found.refusals["iw-000001"]
    )
    assert found.steps == ()


@pytest.mark.parametrize(
    ("used", "said"),
    [
        (48, None),
        (50, "Nearly full: 50 of 60 IPv4 rules of the security group {}, so that 5 more addresses fit."),
        (57, "Nearly full: 57 of 60 IPv4 rules of the security group {}, so that 1 more address fits."),
        (59, "Nearly full: 59 of 60 IPv4 rules of the security group {}, so that no further address fits."),
    ],
)
def test_who_is_let_in_where_few_more_fit_is_told_before_the_limit(used: int, said: str | None) -> None:
    there = tuple(Rule(f"sgr-{o}", o.holder, o, ours=True) for o in openings(GROUPS, [ADDRESSES[0]]))
    state = aws(GROUPS, there)
    state = replace(state, holders={**state.holders, WEB: replace(state.holders[WEB], used={4: used, 6: 60})})
    assert plan(state, [lease(1, ADDRESSES[0])], []).notes == (
        {"iw-000001": said.format(f"{WEB} are used")} if said else {}
    )


def test_two_who_ask_for_one_address_need_its_room_once() -> None:
    found = plan(aws(LISTS, room=1), [lease(1, ADDRESSES[0]), lease(2, ADDRESSES[0])], [])
    assert found.refusals == {}
    assert [step.entries for step in found.steps] == [("iw-000001", "iw-000002")]


def test_an_address_that_has_no_place_is_refused_and_never_called_let_in() -> None:
    found = plan(aws(LISTS), [lease(1, "2001:db8::10/128")], [])
    assert "has no place for the address" in found.refusals["iw-000001"]
    assert found.unchanged == frozenset()


def test_a_rule_that_is_ours_and_was_edited_goes() -> None:
    edited = Rule("sgr-1", WEB, None, ours=True)
    found = plan(aws(GROUPS, (edited, Rule("sgr-2", WEB, None, ours=False))), [], [])
    assert removals(found) == {WEB: (edited,)}


@pytest.mark.parametrize(
    ("cidrs", "said"),
    [
        (ADDRESSES[:1], f"{WEB} (ports 80, 443), {TEMPORAL} (port 7233)"),
        (ADDRESSES, f"{WEB} (ports 80, 443), {TEMPORAL} (port 7233)"),
    ],
)
def test_places_are_named_once_with_their_ports(cidrs: tuple[str, ...], said: str) -> None:
    assert say(openings(GROUPS, cidrs)) == said
    assert say(openings(LISTS, cidrs)) == LIST
