"""Plans for IP sets, whatever is in them: others' addresses stay, live entries stand in them, ended ones leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actions.drift import Kind, drifts_of
from actions.executors.attempts import Attempts
from actions.executors.ip_sets.guards import Guard, read_guard
from actions.executors.ip_sets.planning import changes, make_plan
from actions.executors.ip_sets.state import Addition, KeptSet, SetsState, set_scene, write_record
from actions.executors.protocol import Claims, Plan, Target, TargetFault
from actions.verification import Site
from sallyport.changes.ip_sets import IpSet
from sallyport.resource_policies.document import ApiArn
from sallyport.resource_policies.patterns import covers
from sallyport.resource_policies.ranges import Ranges
from tests.actions.executors.support import START, policies, target_of
from tests.actions.executors.test_ip_sets import IPV4_SET, IPV6_SET, partner

CATALOGUE = policies().catalogue
TARGET: Target = target_of(partner("aw-222222"), policies())
ARN = ApiArn("aws", "eu-west-1", "222222222222", "a1partners")
SPEC, SPEC6 = IpSet.read(str(IPV4_SET)), IpSet.read(str(IPV6_SET))
GUARD = Guard("partners", turns_away=True, lets_in=frozenset({SPEC.arn, SPEC6.arn}))

hosts = st.integers(0, 9).map(lambda n: f"198.51.100.{n}")
addresses = st.frozensets(hosts.map("{}/32".format) | st.just("198.51.100.0/29"), max_size=6)
asks = st.lists(st.lists(hosts, min_size=1, max_size=3, unique=True), max_size=4)


def state(there: frozenset[str]) -> SetsState:
    sets = {SPEC.arn: KeptSet(SPEC, there, 4, "token"), SPEC6.arn: KeptSet(SPEC6, frozenset(), 6, "token")}
    return SetsState(TARGET.lock, sets, {"live": GUARD})


def claims(live: list[list[str]], ended: list[list[str]], ours: frozenset[str]) -> Claims:
    """Entries of which the ended ones are known to have put *ours* in, and live ones what of it they ask for."""
    living = tuple(partner(f"aw-{n:06}", *ips) for n, ips in enumerate(live))
    over = tuple(partner(f"aw-{n:06}", *ips) for n, ips in enumerate(ended, start=100))
    before = {}
    for one in (*living, *over):
        asked = frozenset(value for change in one.changes for value in change.source.values)  # type: ignore[attr-defined]
        if own := asked & ours:
            before[one.id] = write_record(one.id, [Addition(SPEC.arn, "live", own)], TARGET.lock, None)
    return Claims(living, over, before, START)


def plan(found: SetsState, known: Claims, limit: int = 10_000) -> Plan[SetsState]:
    return make_plan(TARGET, set_scene(found, known, CATALOGUE), ARN, limit)


@given(there=addresses, ours=addresses, live=asks, ended=asks)
def test_others_stay_live_ones_stand_in_it_and_ended_ones_leave(
    there: frozenset[str], ours: frozenset[str], live: list[list[str]], ended: list[list[str]]
) -> None:
    known = claims(live, ended, ours)
    recorded = {a for b in known.before.values() for a in b.facts[TARGET.lock]["ip_sets"][0]["added"]}  # type: ignore[index, call-overload]
    made = plan(state(there), known)
    after = made.wanted.sets[SPEC.arn].addresses
    others = there - recorded
    asked = {f"{ip}/32" for ips in live for ip in ips}
    assert others <= after
    assert not made.refusals
    assert all(Ranges.of(after).hold(address) for address in asked)
    assert after - others <= asked
    kept = {b.entry_id: b for b in made.before}
    settled = plan(replace(made.wanted), replace(known, before={**known.before, **kept}))
    assert settled.is_empty
    assert settled.unchanged == {entry.id for entry in known.live}


@given(there=addresses, live=asks, limit=st.integers(0, 12))
def test_a_set_is_never_filled_beyond_what_it_holds_and_nobody_loses_a_place(
    there: frozenset[str], live: list[list[str]], limit: int
) -> None:
    known = claims(live, [], there)
    made = plan(state(there), known, limit)
    after = made.wanted.sets[SPEC.arn].addresses
    assert len(after) <= max(limit, len(there))
    assert there & frozenset(f"{ip}/32" for ips in live for ip in ips) <= after
    fitting = {entry.id for entry in known.live} - made.refusals.keys()
    assert all(
        f"{ip}/32" in after or Ranges.of(after).hold(ip)
        for n, ips in enumerate(live)
        for ip in ips
        if f"aw-{n:06}" in fitting
    )


def test_ten_thousand_addresses_are_planned_at_once() -> None:
    ips = [f"81.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(10_000)]
    known = claims([ips[n : n + 50] for n in range(0, 10_000, 50)], [], frozenset())
    made = plan(state(frozenset()), known)
    assert not made.refusals
    (change,) = changes(made.observed, made.wanted)
    assert len(change.coming) == 10_000
    assert len(made.before) == 200


def test_drift_is_told_with_what_would_mend_it_or_why_nothing_does() -> None:
    known = claims([["198.51.100.1"]], [["198.51.100.2"]], frozenset({"198.51.100.1/32", "198.51.100.2/32"}))
    site = Site("api-whitelisting", TARGET)

    def drifts(found: SetsState) -> list[tuple[Kind, str]]:
        seen = drifts_of(site, plan(found, known), (), known, lambda _: None)
        return [(drift.kind, drift.sentence) for drift in seen]

    assert drifts(state(frozenset({"198.51.100.2/32"}))) == [
        (
            Kind.MISSING,
            "Put 198.51.100.1/32 into the IP set partners-ipv4: "
            "it may use any method on every path of stage live.",
        ),
        (Kind.EXTRA, "Take 198.51.100.2/32 out of the IP set partners-ipv4."),
    ]
    open_to_all = replace(state(frozenset({"198.51.100.1/32"})), guards={"live": replace(GUARD, turns_away=False)})
    ((kind, sentence),) = drifts(open_to_all)
    assert kind is Kind.MISSING
    assert "lets in everybody whom no rule blocks" in sentence


def test_a_guard_is_read_from_what_a_web_acl_says() -> None:
    reference = {"IPSetReferenceStatement": {"ARN": SPEC.arn}}
    acl: dict[str, Any] = {
        "Name": "partners",
        "DefaultAction": {"Allow": {}},
        "Rules": [
            {"Action": {"Count": {}}, "Statement": reference},
            {"OverrideAction": {"None": {}}, "Statement": {"ManagedRuleGroupStatement": {}}},
        ],
    }
    assert read_guard(acl, ["here", "there"], "here") == Guard("partners", elsewhere=("there",))
    acl |= {"DefaultAction": {"Block": {}}, "Rules": [{"Action": {"Allow": {}}, "Statement": reference}]}
    assert read_guard(acl, ["here"], "here") == Guard("partners", turns_away=True, lets_in=frozenset({SPEC.arn}))


def test_a_pattern_covers_what_it_surely_matches() -> None:
    assert covers("arn:x/*", "arn:x/live/*/*")
    assert covers("arn:x/live/*", "arn:x/live/*/*")
    assert covers("arn:x/live/*/*", "arn:x/live/*/*")
    assert not covers("arn:x/live/GET/*", "arn:x/live/*/*")
    assert not covers("arn:x/live/?/*", "arn:x/live/*/*")
    assert not covers("arn:x/live", "arn:x/live/*/*")


def test_an_attempt_at_several_things_keeps_what_was_done_before_it_failed() -> None:
    def some() -> Any:
        yield "one"
        raise TargetFault("two failed.", passing=True)

    made = Attempts()
    assert not made.make_all(some)
    assert made.make_all(lambda: ("three",))
    assert made.done == ["one", "three"]
