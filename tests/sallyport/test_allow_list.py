"""The allow list of an environment: what the catalogue may say of it, and what is refused before anybody asks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from sallyport.catalogue import Catalogue
from sallyport.changes.allow_list import ALLOW_LISTS, AllowList
from sallyport.changes.sources import parse_network
from tests.sallyport.examples import policies

GROUP, PREFIX_LIST = "sg-0123456789abcdef9", "pl-0123456789abcdef9"


def catalogue(**facts: Any) -> Catalogue:
    """The example catalogue with other facts of the list in non-prod."""
    found = policies().catalogue
    item = found.lists[ALLOW_LISTS]["main"]
    changed = replace(item, places={**item.places, "non-prod": facts})
    return Catalogue(found.environments, {**found.lists, ALLOW_LISTS: {"main": changed}})


def test_a_list_is_the_ports_of_security_groups() -> None:
    found = AllowList.find(policies().catalogue, "non-prod")
    assert found.ports == {"sg-0123456789abcdef0": (80, 443), "sg-0123456789abcdef1": (7233,)}
    assert found.where == "on ports 80, 443, 7233"
    assert found.rules_per_group == 60
    assert found.widest == {4: 24, 6: 48}
    assert found.takes(parse_network("2001:db8::1"))


def test_or_it_is_prefix_lists_of_one_ip_version_each() -> None:
    found = AllowList.find(policies().catalogue, "prod")
    assert found.prefix_lists == {4: "pl-0123456789abcdef0"}
    assert found.where == "wherever the prefix list pl-0123456789abcdef0 is let in"
    assert found.widest == {4: 32, 6: 48}
    assert found.takes(parse_network("198.51.100.10"))
    assert not found.takes(parse_network("2001:db8::1"))


def test_raised_quotas_may_be_told_as_far_as_aws_raises_them() -> None:
    facts = {"security_groups": {GROUP: [443]}, "rules_per_group": 100, "groups_per_interface": 10}
    assert AllowList.find(catalogue(**facts), "non-prod").rules_per_group == 100
    assert AllowList.find(catalogue(**facts), "non-prod").where == "on port 443"


def test_an_environment_without_a_list_is_told_where_there_are_some() -> None:
    with pytest.raises(LookupError, match="Allow list does not exist in staging: known: non-prod, prod"):
        AllowList.find(policies().catalogue, "staging")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "name either security_groups, each with its ports, or prefix_lists"),
        (
            {"security_groups": {GROUP: [80]}, "prefix_lists": {"ipv4": PREFIX_LIST}},
            "name either security_groups, each with its ports, or prefix_lists",
        ),
        ({"security_groups": [GROUP]}, "security_groups has no names with values below it"),
        ({"security_groups": {GROUP: []}}, "a list of different numbers from 1 to 65535"),
        ({"security_groups": {GROUP: 443}}, "a list of different numbers from 1 to 65535"),
        ({"security_groups": {GROUP: [443, 443]}}, "a list of different numbers from 1 to 65535"),
        ({"security_groups": {GROUP: [0]}}, "a list of different numbers from 1 to 65535"),
        ({"security_groups": {GROUP: [65536]}}, "a list of different numbers from 1 to 65535"),
        ({"security_groups": {GROUP: ["https"]}}, "a list of different numbers from 1 to 65535"),
        ({"security_groups": {"web": [443]}}, "“web” is no id such as sg-0a1b2c3d4e5f67890"),
        ({"prefix_lists": {"ipv4": GROUP}}, f"“{GROUP}” is no id such as"),
        ({"prefix_lists": {"ipv5": PREFIX_LIST}}, "“ipv5” is neither ipv4 nor ipv6"),
        ({"security_groups": {GROUP: [80]}, "widest": {"ipv4": 8}}, "a prefix length from 16 to 32"),
        ({"security_groups": {GROUP: [80]}, "widest": {"ipv6": 0}}, "widest must be a whole number above 0"),
        ({"security_groups": {GROUP: [80]}, "widest": {"ipv6": 16}}, "a prefix length from 32 to 128"),
        ({"security_groups": {GROUP: [80]}, "widest": {"ipv4": True}}, "widest must be a whole number above 0"),
        ({"security_groups": {GROUP: [80]}, "rules_per_group": "many"}, "must be a whole number above 0"),
        (
            {"security_groups": {GROUP: [80]}, "rules_per_group": 201},
            "201 rules a group and 5 groups an interface are more than the 1000 that AWS allows their",
        ),
        ({"prefix_lists": {"ipv4": PREFIX_LIST}, "max_entries": {"ipv4": 0}}, "must be a whole number above 0"),
        (
            {"prefix_lists": {"ipv4": PREFIX_LIST}, "max_entries": {"ipv4": 1001}},
            "max_entries is 1001, and a prefix list has at most 1000",
        ),
        (
            {"prefix_lists": {"ipv4": "pl-0123456789abcdef0"}},
            "pl-0123456789abcdef0 is in the allow list of another environment too",
        ),
    ],
)
def test_a_fact_that_cannot_be_is_refused_with_what_could(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        AllowList.find(catalogue(**facts), "non-prod")
