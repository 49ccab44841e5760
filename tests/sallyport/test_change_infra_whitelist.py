"""Letting an address in: one canonical form, never wider than typed, and every fault where it can be mended."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.changes.protocol import Access
from sallyport.changes.sources import is_public
from sallyport.problems import Problems
from tests.sallyport.examples import policies

CATALOGUE = policies().catalogue
HOME = InfraWhitelist("198.51.100.10/32", "Home office")
V4, V6 = ipaddress.IPv4Address, ipaddress.IPv6Address
addresses = st.ip_addresses()


def asked(address: str = "198.51.100.10", environment: str = "non-prod", **more: str) -> InfraWhitelist:
    """The change that a form with these answers makes."""
    return InfraWhitelist.from_answers({"environment": environment, "address": address, **more}, CATALOGUE)


def refused(address: str = "198.51.100.10", environment: str = "non-prod", **more: str) -> list[tuple[str, str]]:
    """What a form with these answers is told, by field."""
    with pytest.raises(Problems) as error:
        asked(address, environment, **more)
    return [(problem.field, problem.sentence) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("198.51.100.10", "198.51.100.10/32"),
        (" 198.51.100.10\n", "198.51.100.10/32"),
        ("198.51.100.0/28", "198.51.100.0/28"),
        ("198.51.100.0/255.255.255.240", "198.51.100.0/28"),
        ("2001:DB8:0::10", "2001:db8::10/128"),
        ("2001:db8:0:0::/64", "2001:db8::/64"),
    ],
)
def test_an_address_has_one_form_however_it_is_typed(typed: str, address: str) -> None:
    assert asked(typed) == InfraWhitelist(address)


@given(addresses, st.integers(0, 128), st.sampled_from(["non-prod", "prod"]))
def test_what_is_let_in_is_never_wider_than_what_was_typed(
    address: V4 | V6, length: int, environment: str
) -> None:
    typed = f"{address}/{min(length, address.max_prefixlen)}"
    try:
        found = asked(typed, environment)
    except Problems:
        return
    network = ipaddress.ip_network(found.address)
    assert network == ipaddress.ip_network(typed)
    assert is_public(network)
    assert str(network) == found.address
    assert network.prefixlen >= {("non-prod", 4): 24, ("prod", 4): 32}.get((environment, network.version), 48)


@given(addresses)
def test_every_public_address_can_be_let_in_and_no_other_can(address: V4 | V6) -> None:
    public = is_public(ipaddress.ip_network(address))
    if public:
        assert asked(str(address)).address == str(ipaddress.ip_network(address))
    else:
        assert [field for field, _ in refused(str(address))] == ["address"]


@given(addresses, st.integers(1, 127))
def test_host_bits_are_refused_with_the_address_alone(address: V4 | V6, length: int) -> None:
    typed = f"{address}/{length % address.max_prefixlen}"
    if ipaddress.ip_interface(typed).network.network_address == address:
        return
    ((field, said),) = refused(typed)
    assert field == "address"
    assert f"has host bits set; did you mean {address}/{address.max_prefixlen} (one address)" in said


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused_in_words(typed: str) -> None:
    try:
        found = asked(typed)
    except Problems:
        assert [field for field, _ in refused(typed)] == ["address"]
    else:
        assert found.problems("non-prod", CATALOGUE) == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "an address is needed; write one such as 198.51.100.10 or 2001:db8::10"),
        ("home", "“home” is not an address range; write one such as 198.51.100.10/32, or an address alone"),
        ("198.51.100.10, 198.51.100.11", "is not an address range"),
        ("198.51.100.10/28", "did you mean 198.51.100.10/32 (one address) or 198.51.100.0/28 (16 addresses)?"),
        ("0.0.0.0/0", "0.0.0.0/0 would let in everybody; name the addresses that call, at widest a /24"),
        ("::/0", "::/0 would let in everybody; name the addresses that call, at widest a /48"),
        ("198.51.0.0/16", "198.51.0.0/16 would let in 65536 addresses; name the addresses that call, at widest"),
        ("10.1.2.3", "10.1.2.3/32 is not an address of the internet, so that calls never come from it"),
        ("172.16.0.9", "is not an address of the internet"),
        ("192.168.1.20", "is not an address of the internet"),
        ("100.64.0.1", "is not an address of the internet"),
        ("127.0.0.1", "is not an address of the internet"),
        ("169.254.169.254", "is not an address of the internet"),
        ("224.0.0.1", "is not an address of the internet"),
        ("255.255.255.255", "is not an address of the internet"),
        ("::1", "is not an address of the internet"),
        ("fe80::1", "is not an address of the internet"),
        ("fd00::1", "is not an address of the internet"),
        ("ff02::1", "is not an address of the internet"),
        ("::ffff:198.51.100.10", "is not an address of the internet"),
    ],
)
def test_what_cannot_be_let_in_is_refused_with_the_remedy(typed: str, said: str) -> None:
    ((field, sentence),) = refused(typed)
    assert field == "address"
    assert said in sentence


def test_a_range_that_the_environment_takes_no_wider_is_not_offered() -> None:
    assert refused("198.51.100.10/28", "prod") == [
        ("address", "198.51.100.10/28 has host bits set; did you mean 198.51.100.10/32 (one address)?")
    ]
    assert "at widest a /32" in refused("198.51.100.0/28", "prod")[0][1]


def test_an_ip_version_without_a_prefix_list_has_no_place() -> None:
    assert refused("2001:db8::10", "prod") == [
        ("address", "Allow list takes only IPv4 addresses here; name the one that calls come from")
    ]


def test_every_wrong_field_is_told_in_one_pass() -> None:
    assert refused("home", "nowhere", description="x" * 101) == [
        ("address", "“home” is not an address range; write one such as 198.51.100.10/32, or an address alone"),
        ("description", "the description has 101 characters; say it in 100"),
        ("environment", "Allow list does not exist in nowhere: known: non-prod, prod"),
    ]


def test_a_description_is_one_line_of_what_can_be_shown() -> None:
    assert asked(description="  Home\n office ").description == "Home office"
    assert asked(description="José’s café 👩‍💻").description == "José’s café 👩‍💻"
    for text in ("half an emoji \ud83d", "bell \x07"):
        assert refused(description=text) == [
            ("description", "the description has a character that cannot be shown; type it anew")
        ]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("198.51.100.10", "198.51.100.10 is written 198.51.100.10/32"),
        ("198.51.100.10/24", "198.51.100.10/24 has host bits set"),
        ("2001:DB8::/64", "2001:DB8::/64 is written 2001:db8::/64"),
        ("0.0.0.0/0", "would let in everybody"),
        ("anywhere", "is not an address range"),
    ],
)
def test_an_entry_that_somebody_wrote_is_held_to_the_same(address: str, said: str) -> None:
    (problem,) = InfraWhitelist(address).problems("non-prod", CATALOGUE)
    assert (problem.field, said in problem.sentence) == ("address", True)


@pytest.mark.parametrize("change", [HOME, InfraWhitelist("2001:db8::10/128")])
def test_a_change_comes_back_from_its_entry_as_it_was(change: InfraWhitelist) -> None:
    assert InfraWhitelist.from_mapping(change.to_mapping()) == change
    assert None not in change.to_mapping().values()


def test_the_target_is_the_allow_list_of_the_environment() -> None:
    assert HOME.lock("non-prod", CATALOGUE) == "allow-list/111111111111/eu-west-1/non-prod"
    role = "arn:aws:iam::111111111111:role/sallyport-apply"
    assert HOME.access("non-prod", CATALOGUE) == Access("111111111111", "eu-west-1", role)
    with pytest.raises(LookupError, match="does not exist in nowhere"):
        HOME.lock("nowhere", CATALOGUE)


def test_people_are_told_what_it_is_what_it_does_and_how_it_ends() -> None:
    assert HOME.title(CATALOGUE) == "198.51.100.10/32 (Home office)"
    assert HOME.details(CATALOGUE) == (("Address", "198.51.100.10/32"), ("Description", "Home office"))
    assert InfraWhitelist("198.51.100.0/28").details(CATALOGUE) == (("Address", "198.51.100.0/28"),)
    assert HOME.effect("non-prod", CATALOGUE) == (
        "Calls from 198.51.100.10/32 (one address) reach Non-production on ports 80, 443, 7233."
    )
    assert "(16 addresses) reach Production wherever the prefix list pl-0123456789abcdef0 is let in." in (
        InfraWhitelist("198.51.100.0/28").effect("prod", CATALOGUE)
    )
    assert HOME.undo().startswith("When it ends, the address is no longer let in, unless another request")
    assert HOME.owners(CATALOGUE) == {"lee@example.com"}
