"""Where calls may come from: read in one canonical form, never wider than typed, and refused with the remedy."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.changes.sources import (
    MAX_RANGES,
    Network,
    Source,
    SourceKind,
    form_problem,
    is_public,
    parse_network,
    parse_source,
    width_problem,
)
from tests.sallyport.examples import sources

ROLE = "arn:aws:iam::123456789012:role/team/deployer"


@pytest.mark.parametrize(
    ("typed", "ranges"),
    [
        ("198.51.100.10", ["198.51.100.10/32"]),
        ("198.51.100.10/32", ["198.51.100.10/32"]),
        (" 198.51.100.0/24 ", ["198.51.100.0/24"]),
        ("198.51.100.0/255.255.255.0", ["198.51.100.0/24"]),
        ("2001:db8::1", ["2001:db8::1/128"]),
        ("2001:DB8:0:0::/48", ["2001:db8::/48"]),
        ("0.0.0.0/0", ["0.0.0.0/0"]),
        ("::/0", ["::/0"]),
        ("198.51.100.1,198.51.100.1/32, 198.51.100.1", ["198.51.100.1/32"]),
        ("203.0.113.9, 198.51.100.7", ["198.51.100.7/32", "203.0.113.9/32"]),
        (
            "2001:db8::1\n198.51.100.9;198.51.100.10\t\n",
            ["198.51.100.9/32", "198.51.100.10/32", "2001:db8::1/128"],
        ),
        ("198.51.100.7,,;", ["198.51.100.7/32"]),
    ],
)
def test_ranges_are_sorted_distinct_and_canonical(typed: str, ranges: list[str]) -> None:
    assert parse_source(typed) == Source(SourceKind.CIDR, tuple(ranges))


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("vpce-0a1b2c3d4e5f67890", SourceKind.VPC_ENDPOINT),
        ("vpce-0a1b2c3d", SourceKind.VPC_ENDPOINT),
        ("123456789012", SourceKind.ACCOUNT),
        ("012345678901", SourceKind.ACCOUNT),
        (ROLE, SourceKind.ROLE),
        ("arn:aws-cn:iam::123456789012:role/x", SourceKind.ROLE),
    ],
)
def test_an_endpoint_an_account_and_a_role_are_told_by_their_form(typed: str, kind: SourceKind) -> None:
    assert parse_source(f" {typed}\n") == Source(kind, (typed,))


@pytest.mark.parametrize("typed", ["", "  ", "\n"])
def test_nothing_typed_is_anywhere(typed: str) -> None:
    assert parse_source(typed) == Source(SourceKind.ANYWHERE)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("198.51.100.10/24", "did you mean 198.51.100.10/32 (one address) or 198.51.100.0/24 (256 addresses)?"),
        ("198.51.100.10/8", "198.51.100.10/8 has host bits set; did you mean 198.51.100.10/32 (one address)?"),
        ("0.0.0.1/0", "0.0.0.1/0 has host bits set; did you mean 0.0.0.1/32 (one address)?"),
        ("2001:db8::1/32", "did you mean 2001:db8::1/128 (one address)?"),
        ("198.51.100.10/33", "“198.51.100.10/33” is not an address range"),
        ("198.51.100.010", "“198.51.100.010” is not an address range"),
        ("198.51.100", "“198.51.100” is not an address range"),
        ("198.51.100.256", "“198.51.100.256” is not an address range"),
        ("１９８.51.100.10", "is not an address range"),
        ("198.51.100.1٠", "is not an address range"),
        ("１２３４５６７８９０１２", "is not an address range"),
        ("12345678901", "“12345678901” is not an address range"),
        ("198.51.100.1-198.51.100.9", "is not an address range; write one such as 198.51.100.10/32"),
        ("example.com", "“example.com” is not an address range"),
        ("198.51.100.7 and 198.51.100.8", "“and” is not an address range"),
        ("198.51.100.7 / 32", "“/” is not an address range"),
        ("198.51.100.7,*", "“*” is not an address range"),
        ("*", "“*” is not an address range"),
        ("2001:db8::1%eth0", "is not an address range"),
        (",", "“,” names no address range; write one such as 198.51.100.10/32, or leave it empty"),
        (" ; ,\n", "“; ,” names no address range"),
        (
            "vpce-XYZ",
            "“vpce-XYZ” is not a VPC endpoint such as vpce-0a1b2c3d4e5f67890, nor a role such as arn:aws",
        ),
        ("vpce-0a1b2c3d vpce-0a1b2c3e", "is not a VPC endpoint"),
        ("arn:aws:iam::123456789012:user/ana", "is not a VPC endpoint"),
        ("arn:aws:iam::123456789012:role/*", "is not a VPC endpoint"),
        ("arn:aws:iam::123456789012:root", "is not a VPC endpoint"),
        ("arn:aws:iam::１２３456789012:role/x", "is not a VPC endpoint"),
        ("arn:aws:iam::123456789012:role/é", "is not a VPC endpoint"),
        (" ".join(f"198.51.100.{n}" for n in range(51)), "51 ranges in one request; ask for at most 50 at a time"),
    ],
)
def test_what_is_no_source_is_refused_with_the_nearest_that_works(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_source(typed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("198.51.100.10/32", None),
        ("198.51.100.0/23", "198.51.100.0/23 would let in 512 addresses"),
        ("198.51.100.0/24", None),
        ("0.0.0.0/0", "0.0.0.0/0 would let in everybody; name the addresses that call, at widest a /24"),
        ("::/0", "::/0 would let in everybody; name the addresses that call, at widest a /48"),
        ("2001:db8::/47", "2001:db8::/47 would let in 2417851639229258349412352 addresses"),
        ("2001:db8::/48", None),
    ],
)
def test_a_range_wider_than_one_persons_approval_opens_is_told(text: str, said: str | None) -> None:
    found = width_problem(parse_network(text))
    assert found is None if said is None else str(found).startswith(said)


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("8.8.8.8/32", True),
        ("2600::/48", True),
        ("172.15.0.0/24", True),
        ("172.32.0.0/24", True),
        *((text, False) for text in ("10.1.2.0/24", "172.16.0.1/32", "192.168.1.0/24", "127.0.0.1/32")),
        *((text, False) for text in ("100.64.0.1/32", "169.254.169.254/32", "224.0.0.1/32", "0.0.0.0/0")),
        *((text, False) for text in ("198.18.0.1/32", "255.255.255.255/32", "::1/128", "::/128", "fd00::/48")),
        *((text, False) for text in ("fe80::1/128", "ff02::1/128", "::ffff:8.8.8.8/128", "::/0", "100::/64")),
    ],
)
def test_only_addresses_of_the_internet_are_public(text: str, *, public: bool) -> None:
    assert is_public(parse_network(text)) is public


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("198.51.100.10/32", None),
        ("198.51.100.10", "198.51.100.10 is written 198.51.100.10/32"),
        ("2001:DB8::/48", "2001:DB8::/48 is written 2001:db8::/48"),
        ("198.51.100.10/24", "198.51.100.10/24 has host bits set; did you mean"),
        ("banana", "“banana” is not an address range"),
    ],
)
def test_a_file_may_hold_only_the_canonical_form(text: str, said: str | None) -> None:
    found = form_problem(text)
    assert found is None if said is None else str(found).startswith(said)


@pytest.mark.parametrize(
    ("source", "mapping", "words"),
    [
        (parse_source("198.51.100.7 198.51.100.8"), {"cidr": ["198.51.100.7/32", "198.51.100.8/32"]}, None),
        (parse_source("vpce-0a1b2c3d"), {"vpce": "vpce-0a1b2c3d"}, "VPC endpoint vpce-0a1b2c3d"),
        (parse_source("123456789012"), {"account": "123456789012"}, "AWS account 123456789012"),
        (parse_source(ROLE), {"role": ROLE}, f"IAM role {ROLE}"),
        (parse_source(""), {"anywhere": True}, "anywhere"),
    ],
)
def test_a_source_is_recorded_under_its_kind_and_said_in_words(
    source: Source, mapping: dict[str, object], words: str | None
) -> None:
    assert source.to_mapping() == mapping
    assert str(source) == (words or "198.51.100.7/32, 198.51.100.8/32")


def test_only_ranges_have_networks() -> None:
    assert parse_source("198.51.100.7").networks == (ipaddress.ip_network("198.51.100.7/32"),)
    assert parse_source("").networks == parse_source("123456789012").networks == ()


@given(sources)
def test_a_recorded_source_reads_as_the_same_source(source: Source) -> None:
    assert Source.from_mapping(source.to_mapping()) == source


networks: st.SearchStrategy[Network] = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: ipaddress.ip_network(f"{pair[0]}/{pair[1]}", strict=False))


@given(st.lists(networks, min_size=1, max_size=MAX_RANGES), st.sampled_from([",", " ", "\n", "; ", ",\n"]))
def test_the_canonical_form_is_never_wider_than_typed_and_reads_as_itself(
    ranges: list[Network], separator: str
) -> None:
    source = parse_source(separator.join(map(str, ranges)))
    assert set(source.networks) == set(ranges)
    assert parse_source(",".join(source.values)) == source
    assert [form_problem(value) for value in source.values] == [None] * len(source.values)


@given(st.text("0123456789./:abcdef,; \n-vpcearniml*", max_size=40))
def test_whatever_is_typed_is_read_or_refused_in_words_and_reads_as_itself_again(typed: str) -> None:
    try:
        source = parse_source(typed)
    except ValueError as error:
        assert len(str(error)) > 20  # noqa: PT017 - either end is fine; a refusal must explain
    else:
        assert parse_source(",".join(source.values)) == source
