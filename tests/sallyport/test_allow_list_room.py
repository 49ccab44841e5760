"""Room in security groups and prefix lists, foreseen from requests: what counts, and when there is some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sallyport.catalogue import Catalogue
from sallyport.changes.allow_list import ALLOW_LISTS
from sallyport.changes.allow_list_room import address_hint, address_problem, address_room
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.changes.protocol import Held
from tests.sallyport.examples import NOW, policies, whitelisting

CATALOGUE = policies().catalogue  # non-prod: a group with two ports and one with one; prod: a list for IPv4
DAY = timedelta(days=1)
NEW = Held(InfraWhitelist("198.51.100.10/32"), NOW + 30 * DAY)
NEW6 = replace(NEW, change=InfraWhitelist("2001:db8::10/128"))


def crowd(count: int, until: datetime | None = NOW + DAY, net: str = "203.0.113") -> Iterator[Held]:
    for number in range(count):
        yield Held(InfraWhitelist(f"{net}.{number}/32"), until)


def at(place: str, **facts: Any) -> Catalogue:
    """The example catalogue with further facts of the list at *place*."""
    item = CATALOGUE.lists[ALLOW_LISTS]["main"]
    places = {**item.places, place: {**item.places[place], **facts}}
    return replace(CATALOGUE, lists={**CATALOGUE.lists, ALLOW_LISTS: {"main": replace(item, places=places)}})


class TestASecurityGroup:
    def test_an_address_takes_a_rule_for_every_port_and_the_last_that_fits_is_no_problem(self) -> None:
        assert address_problem(NEW, crowd(29), "non-prod", CATALOGUE) is None

    def test_what_does_not_fit_is_told_at_its_field_with_the_numbers_and_from_when_on_it_would(self) -> None:
        held = [*crowd(29, NOW + 2 * DAY), *crowd(1, NOW + DAY, "192.0.2")]
        found = address_problem(NEW, held, "non-prod", CATALOGUE)
        assert found is not None
        assert found.field == "address"
        assert (
            "the security group sg-0123456789abcdef0 has no room for it: Sallyport's part of it has 60 of 60 IPv4 "
            "rules, and this would make it 62" in found.what
        )
        assert found.mend.startswith("ask again after 2026-11-22T09:12:44Z, or have AWS raise the quota")

    def test_what_never_ends_makes_no_room(self) -> None:
        found = address_problem(NEW, crowd(30, None), "non-prod", CATALOGUE)
        assert found is not None
        assert found.mend.startswith("give back some of those that have no end")

    def test_an_address_that_is_held_already_takes_no_room_and_one_held_twice_takes_it_once(self) -> None:
        held = [*crowd(29), *crowd(29), NEW]
        assert address_problem(NEW, held, "non-prod", CATALOGUE) is None
        assert address_problem(replace(NEW, change=InfraWhitelist("192.0.2.1/32")), held, "non-prod", CATALOGUE)

    def test_each_ip_version_has_a_quota_of_its_own(self) -> None:
        assert address_problem(NEW6, crowd(30), "non-prod", CATALOGUE) is None

    def test_a_raised_quota_counts(self) -> None:
        assert address_problem(NEW, crowd(30), "non-prod", at("non-prod", rules_per_group=62)) is None


class TestAPrefixList:
    def test_it_has_as_many_entries_as_the_catalogue_says_and_else_as_aws_lets_it(self) -> None:
        assert address_problem(NEW, crowd(200), "prod", CATALOGUE) is None
        found = address_problem(NEW, crowd(40), "prod", at("prod", max_entries={"ipv4": 40}))
        assert found is not None
        assert "the prefix list pl-0123456789abcdef0 has no room for it" in found.what
        assert "has 40 of 40 entries, and this would make it 41" in found.what
        assert "with max_entries" in found.mend


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (23, ""),
        (24, "has 50 of 60 IPv4 rules, so that at most 5 more addresses fit."),
        (28, "has 58 of 60 IPv4 rules, so that at most 1 more address fits."),
        (29, "has 60 of 60 IPv4 rules, so that no further address fits."),
    ],
)
def test_where_few_more_would_fit_it_is_said_beforehand(there: int, says: str) -> None:
    hint = address_hint(NEW, crowd(there), "non-prod", CATALOGUE)
    assert hint == (says and f"Nearly full: Sallyport's part of the security group sg-0123456789abcdef0 {says}")


@pytest.mark.parametrize(("there", "says"), [(24, ""), (25, "has 50 of 60 IPv4 rules, so that at most 5 more")])
def test_it_is_said_before_an_address_is_named_too(there: int, says: str) -> None:
    found = address_room(crowd(there), "non-prod", CATALOGUE)
    assert says in found
    assert bool(found) == bool(says)
    assert "IPv6" not in found, "there is room enough for those"


def test_where_there_is_no_list_nothing_is_said() -> None:
    assert address_room([], "nowhere", CATALOGUE) == ""


def test_other_changes_take_no_room() -> None:
    other = Held(whitelisting(), None)
    assert address_problem(other, crowd(99), "non-prod", CATALOGUE) is None
    assert address_hint(other, crowd(99), "non-prod", CATALOGUE) == ""
    assert address_problem(NEW, [*crowd(29), other], "non-prod", CATALOGUE) is None
