"""The pure parts of whitelisting: documents, patterns, doors, deny lists, and what a whole plan lets through."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.executors.api_gateway.deny_lists import blocks
from actions.executors.api_gateway.difference import differ
from actions.executors.api_gateway.marks import Mark, mark_of
from actions.executors.api_gateway.state import ApiState, set_scene
from actions.executors.protocol import Claims
from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.sources import SourceKind
from sallyport.entries import Entry
from sallyport.resource_policies.document import ApiArn, Policy, parse, same
from sallyport.resource_policies.patterns import as_pattern, overlap
from sallyport.resource_policies.statements import Door, merge, read_statement, sources_of, to_statement
from sandbox.aws.judge import Gate, Visit, passes
from tests.actions.executors.support import START, charge, policies, whitelisting

ARN = ApiArn("aws", "eu-west-1", "222222222222", "a1payments")
PLAIN = '{"Version":"2012-10-17","Statement":[{"Sid":"a/b","Effect":"Allow","Principal":"*"}]}'
ADDRESSES = st.integers(0, 15).map(lambda n: f"198.51.100.{n}/32")
RANGES = st.integers(28, 32).flatmap(
    lambda size: st.integers(0, 15).map(
        lambda n: str(ipaddress.ip_network(f"198.51.100.{n}/{size}", strict=False))
    )
)


def door(kind: SourceKind = SourceKind.CIDR, path: str = "/v1/charges") -> Door:
    return Door("live", "POST", path, kind, START)


def deny(condition: dict[str, Any], **facts: Any) -> Policy:
    statement = {"Sid": "no", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "execute-api:/*"}
    return Policy(({**statement, "Condition": condition, **facts},))


# Documents


@pytest.mark.parametrize("raw", [PLAIN, json.dumps(PLAIN)[1:-1], json.dumps(PLAIN)[1:-1].replace("/", "\\/")])
def test_a_policy_reads_the_same_plain_and_escaped(raw: str) -> None:
    assert parse(raw) == parse(PLAIN)


@pytest.mark.parametrize("raw", [None, ""])
def test_an_absent_policy_is_none(raw: str | None) -> None:
    assert parse(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        "{bad",
        "[]",
        '{"Version":"2012-10-17"}',
        '{"Statement":"all"}',
        '{"Statement":[{},7]}',
        '{"Statement":{"Condition":{"Bool":1}}}',
    ],
)
def test_what_is_no_policy_is_an_error(raw: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(raw)


def test_policies_are_compared_by_meaning() -> None:
    one = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/live/GET/x",
    }
    other = {
        "Principal": {"AWS": ["*"]},
        "Resource": [f"{ARN}/live/GET/x"],
        "Action": ["execute-api:Invoke"],
        "Effect": "Allow",
    }
    assert same(Policy((one,)), Policy((other,)), ARN)
    assert not same(Policy((one,)), Policy((one | {"Effect": "Deny"},)), ARN)
    assert not same(Policy((one,)), None, ARN)


def test_the_size_counts_the_expanded_form() -> None:
    short = Policy(({"Effect": "Allow", "Resource": "execute-api:/*"},))
    assert short.size(ARN) == len(
        f'{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Resource":"{ARN}/*"}}]}}'
    )


# Patterns and doors


@given(st.text("ab*?", max_size=5), st.text("ab", max_size=5))
def test_a_pattern_overlaps_the_texts_it_matches(pattern: str, text: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(symbol, symbol) for symbol in pattern)
    assert overlap(pattern, text) == bool(re.fullmatch(expression, text))
    assert overlap(text, pattern) == overlap(pattern, text)


@given(st.text("a*", max_size=4), st.text("a*", max_size=4))
def test_overlap_has_no_order(one: str, other: str) -> None:
    assert overlap(one, other) == overlap(other, one)


def test_path_parameters_stand_for_anything() -> None:
    assert as_pattern("/v1/{id}/x/{proxy+}") == "/v1/*/x/*"


@pytest.mark.parametrize(
    ("source", "sources"),
    [
        ({"cidr": ["198.51.100.0/31", "2001:db8::/64"]}, {"198.51.100.0/31", "2001:db8::/64"}),
        ({"vpce": "vpce-0a1b2c3d4e5f60718"}, {"vpce-0a1b2c3d4e5f60718"}),
        ({"account": "333333333333"}, {"arn:aws:iam::333333333333:root"}),
        ({"role": "arn:aws:iam::333333333333:role/x"}, {"arn:aws:iam::333333333333:role/x"}),
        ({"anywhere": True}, {"anywhere"}),
    ],
)
@pytest.mark.parametrize("until", [None, START])
@pytest.mark.parametrize("method", ["GET", "ANY"])
def test_every_statement_we_write_is_read_back_as_it_was(
    source: dict[str, Any], sources: set[str], until: datetime | None, method: str
) -> None:
    change = ApiWhitelisting.from_mapping(charge(source=source, method=method, path="/v1/{id}"))
    made, found = Door.of(change, until), sources_of(change, "aws")
    assert found == sources
    statement = to_statement(made, found, ARN, private=False)
    assert re.fullmatch(r"Sallyport[0-9a-f]{12}", str(statement["Sid"]))
    assert read_statement(statement, ARN, private=False) == (made, found)
    assert read_statement({**statement, "Resource": f"{ARN}/*"}, ARN, private=False) is None


@given(st.lists(RANGES, min_size=1))
def test_merging_ranges_lets_in_exactly_the_same_addresses(ranges: list[str]) -> None:
    merged = merge([(door(), frozenset({r})) for r in ranges])[door()]
    assert _addresses(merged) == _addresses(ranges)
    assert len(merged) <= len(set(ranges))


def _addresses(ranges: Any) -> set[str]:
    return {str(address) for r in ranges for address in ipaddress.ip_network(r)}


# Deny statements


@pytest.mark.parametrize(
    ("condition", "source", "stops"),
    [
        ({}, "198.51.100.1/32", True),
        ({"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}}, "198.51.100.1/32", True),
        ({"NotIpAddress": {"AWS:sourceip": "198.51.100.0/24"}}, "198.51.100.1/32", False),
        ({"NotIpAddress": {"aws:VpcSourceIp": ["10.0.0.0/8"]}}, "198.51.100.1/32", True),
        ({"IpAddress": {"aws:SourceIp": ["198.51.100.0/24"]}}, "198.51.100.1/32", True),
        ({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}}, "198.51.100.1/32", False),
        ({"Bool": {"aws:SecureTransport": "false"}}, "198.51.100.1/32", False),
        ({"StringNotEquals": {"aws:SourceVpce": ["vpce-1"]}}, "198.51.100.1/32", True),
    ],
)
def test_a_deny_stops_addresses_of_a_public_api(condition: dict[str, Any], source: str, *, stops: bool) -> None:
    found = list(blocks(deny(condition), door(), frozenset({source}), ARN, private=False))
    assert bool(found) == stops


def test_a_deny_of_other_endpoints_stops_an_endpoint_of_a_private_api() -> None:
    policy = deny({"StringNotEquals": {"aws:SourceVpce": ["vpce-1"]}})
    found = list(blocks(policy, door(SourceKind.VPC_ENDPOINT), frozenset({"vpce-2"}), ARN, private=True))
    assert [block.editable for block in found] == [False]
    assert not list(blocks(policy, door(SourceKind.VPC_ENDPOINT), frozenset({"vpce-1"}), ARN, private=True))


def test_a_deny_elsewhere_stops_nothing() -> None:
    policy = deny({}, Resource=[f"{ARN}/live/GET/v2/*"])
    assert not list(blocks(policy, door(), frozenset({"198.51.100.1/32"}), ARN, private=False))


# Marks


def test_a_mark_is_read_back_from_its_description() -> None:
    mark = mark_of(None, "live", (), ARN)
    assert Mark.read(mark.description("run 17 (aw-222222)\nsecond line")) == mark
    assert Mark.read("sallyport by hand") is None


def test_a_mark_tells_our_part_of_a_stage_from_the_rest() -> None:
    mine = to_statement(door(), frozenset({"198.51.100.1/32"}), ARN, private=False)
    foreign = {"Sid": "office", "Effect": "Allow"}
    both = mark_of(Policy((foreign, mine)), "live", (), ARN)
    assert both.others == mark_of(Policy((foreign,)), "live", (), ARN).others
    assert both.ours != mark_of(Policy((foreign,)), "live", (), ARN).ours
    assert mark_of(Policy((mine,)), "test", (), ARN).ours == mark_of(None, "test", (), ARN).ours


# The whole, judged by AWS's rules

ENTRIES = st.lists(
    st.tuples(st.sampled_from(["/v1/charges", "/v1/orders/*"]), RANGES, st.sampled_from([1, 2, 3])), max_size=8
)


def _live(found: list[tuple[str, str, int]]) -> tuple[Entry, ...]:
    return tuple(
        whitelisting(
            f"aw-{n:06}",
            charge(path=path, source={"cidr": [cidr]}),
            expires_at=START + timedelta(hours=hours),
        )
        for n, (path, cidr, hours) in enumerate(found)
    )


def _planned(state: ApiState, live: tuple[Entry, ...]) -> ApiState:
    scene = set_scene(state, Claims(live, (), {}, START), policies().catalogue)
    return replace(state, policy=differ(scene, scene.live).policy)


@given(ENTRIES, ENTRIES, st.integers(0, 15), st.integers(0, 3), st.sampled_from(["/v1/charges", "/v1/orders/7"]))
def test_from_any_state_a_plan_lets_in_exactly_whom_live_entries_name(
    earlier: list[tuple[str, str, int]], now: list[tuple[str, str, int]], host: int, hours: int, path: str
) -> None:
    office = {"Sid": "office", "Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke"}
    foreign = {**office, "Resource": f"{ARN}/*", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
    state = _planned(ApiState(ARN, private=False, policy=Policy((foreign,))), _live(earlier))
    planned = _planned(state, _live(now))
    assert planned.policy is not None
    assert planned.policy.others == (foreign,)
    at, address = START + timedelta(hours=hours), f"198.51.100.{host}"
    gate = Gate(f"{ARN}/live", "222222222222", False, "NONE", json.loads(planned.policy.text(ARN)))
    wanted = any(
        overlap(entry_path, path)
        and ipaddress.ip_address(address) in ipaddress.ip_network(cidr)
        and hours < lifetime
        for entry_path, cidr, lifetime in now
    )
    assert passes(gate, Visit("POST", path, at, source_ip=address)) == wanted
    assert passes(gate, Visit("POST", path, at, source_ip="192.0.2.1"))


@given(ENTRIES)
def test_a_plan_made_again_changes_nothing(found: list[tuple[str, str, int]]) -> None:
    planned = _planned(ApiState(ARN, private=False, policy=None), _live(found))
    scene = set_scene(planned, Claims(_live(found), (), {}, START), policies().catalogue)
    assert differ(scene, scene.live).is_empty
