"""Room in resource policies and IP sets, foreseen from entries: what counts, and from when on there is some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.prod_access import ProdAccess
from sallyport.changes.protocol import Held
from sallyport.changes.sources import Source, SourceKind, parse_source
from sallyport.problems import Problem
from sallyport.resource_policies.document import ApiArn
from sallyport.resource_policies.room import api_room, policy_size, room_problem
from tests.sallyport.examples import NOW, policies, whitelisting

CATALOGUE = policies().catalogue
SETS = {
    "ipv4": "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/four/0a1b2c3d-0000-4000-8000-000000000004",
    "ipv6": "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/six/0a1b2c3d-0000-4000-8000-000000000006",
}
DAY = timedelta(days=1)
EMPTY = len('{"Version":"2012-10-17","Statement":[]}')


def with_sets(**facts: Any) -> Any:
    """The example catalogue, with sets for the Orders API of production."""
    items = CATALOGUE.lists["apis"]
    place = {**items["orders"].places["prod"], "ip_sets": SETS, **facts}
    lists = {**CATALOGUE.lists, "apis": {**items, "orders": replace(items["orders"], places={"prod": place})}}
    return replace(CATALOGUE, lists=lists)


def ranges(count: int, start: int = 0) -> Source:
    numbers = range(start, start + count)
    return Source(SourceKind.CIDR, tuple(f"81.{n // 65536}.{n // 256 % 256}.{n % 256}/32" for n in numbers))


def orders(source: Source, **facts: Any) -> ApiWhitelisting:
    return ApiWhitelisting("orders", "live", **{"method": "ANY", "path": "/*", "source": source, **facts})


def crowd(count: int, until: Any = NOW + DAY) -> Iterator[Held]:
    """Changes at the Payments API that take the room of a statement each."""
    for number in range(count):
        yield Held(whitelisting(path=f"/v1/{number:03}", source=ranges(1, number)), until)


def problem(
    wish: ApiWhitelisting, held: Iterable[Held], catalogue: Any = CATALOGUE, **facts: Any
) -> Problem | None:
    return room_problem(Held(wish, NOW + 30 * DAY), list(held), "prod", catalogue, **facts)


class TestAPolicy:
    def test_what_fits_is_no_problem(self) -> None:
        assert problem(whitelisting(), []) is None
        assert problem(whitelisting(), crowd(20)) is None

    def test_what_does_not_is_told_at_its_field_with_the_numbers_and_from_when_on_it_would(self) -> None:
        held = [*crowd(13), *crowd(14, NOW + 2 * DAY)]
        held = [replace(h, change=replace(h.change, path=f"/v2/{n:03}")) for n, h in enumerate(held)]  # type: ignore[type-var]
        found = problem(whitelisting(), held)
        assert found is not None
        assert found.field == "source"
        arn = ApiArn("aws", "eu-west-1", "222222222222", "a1payments")
        used = policy_size(held, arn, private=False)
        whole = policy_size([*held, Held(whitelisting(), NOW)], arn, private=False)
        assert used <= 8192 < whole
        assert (
            f"Sallyport's part of it has {used:,} of 8,192 characters, and this would make it {whole:,}"
            in found.what
        )
        assert found.mend.startswith("ask again after 2026-11-22T09:12:44Z, name fewer ranges")

    def test_it_names_the_first_end_that_makes_enough_room(self) -> None:
        first, second = list(crowd(1, NOW + DAY)), list(crowd(9, NOW + 2 * DAY))
        wish = whitelisting(path="/v1/x", source=ranges(40))
        found = problem(wish, [*first, *second[1:]], limit=2500)
        assert found is not None
        assert found.mend.startswith("ask again after 2026-11-23T09:12:44Z")

    def test_what_never_ends_makes_no_room(self) -> None:
        found = problem(whitelisting(), crowd(40, None))
        assert found is not None
        assert found.mend.startswith("give back some of those that have no end")

    def test_sources_of_one_path_and_deadline_share_a_statement(self) -> None:
        held = [Held(whitelisting(source=ranges(1, n)), NOW + 30 * DAY) for n in range(280)]
        assert problem(whitelisting(), held) is None

    def test_what_is_held_elsewhere_takes_none_of_its_room(self) -> None:
        elsewhere = [
            replace(held, change=orders(ranges(1), method="GET", path=f"/v1/{number}"))
            for number, held in enumerate(crowd(40))
        ]
        lost = [replace(held, change=replace(whitelisting(), api="gone")) for held in crowd(40)]
        assert problem(whitelisting(), [*elsewhere, *lost]) is None

    def test_a_private_api_takes_more_room_for_its_key(self) -> None:
        held = [Held(whitelisting(), None)]
        arn = ApiArn("aws", "eu-west-1", "222222222222", "a1payments")
        sizes = [policy_size(held, arn, private=private) for private in (False, True)]
        assert sizes[1] - sizes[0] == len("aws:VpcSourceIp") - len("aws:SourceIp")
        assert policy_size([], arn, private=False) == EMPTY


class TestIpSets:
    CATALOGUE = with_sets()

    def test_a_set_takes_what_no_policy_could(self) -> None:
        held = [Held(orders(ranges(50, 50 * n)), NOW + n * DAY) for n in range(199)]
        assert problem(orders(ranges(50, 9_950)), held, self.CATALOGUE) is None

    def test_what_is_more_than_it_holds_is_told_with_the_numbers(self) -> None:
        held = [Held(orders(ranges(50, 50 * n)), NOW + DAY + n * DAY) for n in range(200)]
        found = problem(orders(ranges(2, 20_000)), held, self.CATALOGUE)
        assert found is not None
        assert found.sentence == (
            "the IP set four of Orders API has no room for it: Sallyport's part of it has 10,000 of 10,000 "
            "addresses, and this would make it 10,002; ask again after 2026-11-22T09:12:44Z, or name fewer ranges "
            "or one that holds them"
        )

    def test_an_address_that_is_held_already_takes_no_room(self) -> None:
        held = [Held(orders(ranges(50, 50 * n)), NOW + DAY) for n in range(200)]
        assert problem(orders(ranges(1)), held, self.CATALOGUE) is None

    def test_each_ip_version_has_room_of_its_own(self) -> None:
        held = [Held(orders(ranges(50, 50 * n)), NOW + DAY) for n in range(200)]
        assert problem(orders(parse_source("2001:db8::1")), held, self.CATALOGUE) is None

    def test_the_policy_is_not_filled_by_what_stands_in_sets(self) -> None:
        held = [Held(orders(ranges(50, 50 * n)), NOW + n * DAY) for n in range(60)]
        assert problem(orders(ranges(1), method="GET"), held, self.CATALOGUE) is None
        assert problem(orders(ranges(1), method="GET"), held) is not None


def test_a_change_of_another_flow_has_room() -> None:
    assert room_problem(Held(ProdAccess("prod-main", "ProdReadOnly"), None), [], "prod", CATALOGUE) is None


class TestWhatAFormSays:
    """How little fits at an API, before a source is named."""

    @pytest.mark.parametrize(
        ("there", "says"),
        [
            (0, ""),
            (21, ""),
            (22, "Of statements as long as those there, 5 more would fit;"),
            (26, "Of statements as long as those there, one more would fit;"),
            (27, "Of statements as long as those there, no further one would fit;"),
        ],
    )
    def test_where_few_statements_fit_it_says_so_with_the_numbers(self, there: int, says: str) -> None:
        held = list(crowd(there))
        found = api_room(held, "prod", "payments", CATALOGUE)
        used = policy_size(held, ApiArn("aws", "eu-west-1", "222222222222", "a1payments"), private=False)
        numbers = f"Sallyport's part of the resource policy of Payments API has {used:,} of 8,192 characters."
        assert found.startswith(f"Nearly full: {numbers} {says}" if says else "")
        assert bool(found) == bool(says)

    def test_what_it_says_is_so(self) -> None:
        held = list(crowd(22))
        more = [Held(whitelisting(path=f"/v2/{n:03}", source=ranges(1, n)), NOW + DAY) for n in range(6)]
        assert problem(more[4].change, [*held, *more[:4]]) is None  # type: ignore[arg-type]
        assert problem(more[5].change, [*held, *more[:5]]) is not None  # type: ignore[arg-type]

    def test_what_is_held_at_another_api_does_not_count(self) -> None:
        assert api_room(crowd(27), "prod", "orders", CATALOGUE) == ""

    def test_where_sets_keep_it_their_addresses_count(self) -> None:
        held = [Held(orders(ranges(50, 50 * n)), NOW + DAY) for n in range(200)]
        assert api_room(held[:199], "prod", "orders", with_sets()) == ""
        found = api_room([*held[:199], Held(orders(ranges(49, 9_950)), NOW + DAY)], "prod", "orders", with_sets())
        assert found == (
            "Nearly full: Sallyport's part of the IP set four of Orders API has 9,999 of 10,000 addresses, so "
            "that at most 1 more address fits."
        )

    def test_of_what_the_catalogue_does_not_have_it_says_nothing(self) -> None:
        assert api_room(crowd(27), "prod", "gone", CATALOGUE) == ""
