"""Where calls to an API may come from: address ranges, a VPC endpoint, an AWS account, or an IAM role."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from sallyport.documents import JSON

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

WIDEST = {4: 24, 6: 48}  # the shortest prefixes one person's approval may open
_VPCE = re.compile(r"vpce-[0-9a-f]{8,17}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}")
MAX_RANGES = 50
_network = lru_cache(maxsize=1024)(ipaddress.ip_network)
_NEVER_PUBLIC = {  # by IP version
    4: tuple(
        map(
            _network,
            (
                *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
                *("192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
            ),
        )
    ),
    6: tuple(map(_network, ("::/127", "::ffff:0:0/96", "100::/64", "fc00::/7", "fe80::/10", "ff00::/8"))),
}


class SourceKind(StrEnum):
    """The values are the keys that an entry uses."""

    CIDR = "cidr"
    VPC_ENDPOINT = "vpce"
    ACCOUNT = "account"
    ROLE = "role"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of source with its values in canonical form; ANYWHERE has none."""

    kind: SourceKind
    values: tuple[str, ...] = ()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, JSON]) -> Source:
        kind, value = next(iter(mapping.items()))
        if kind == SourceKind.CIDR and isinstance(value, list):
            return cls(SourceKind.CIDR, tuple(map(str, value)))
        return cls(SourceKind(kind), () if kind == SourceKind.ANYWHERE else (str(value),))

    def to_mapping(self) -> dict[str, JSON]:
        match self.kind:
            case SourceKind.CIDR:
                return {"cidr": list(self.values)}
            case SourceKind.ANYWHERE:
                return {"anywhere": True}
            case _:
                return {self.kind.value: self.values[0]}

    @property
    def networks(self) -> tuple[Network, ...]:
        return tuple(map(_network, self.values)) if self.kind is SourceKind.CIDR else ()

    def __str__(self) -> str:
        words = {
            SourceKind.VPC_ENDPOINT: "VPC endpoint ",
            SourceKind.ACCOUNT: "AWS account ",
            SourceKind.ROLE: "IAM role ",
        }
        return (
            "anywhere" if self.kind is SourceKind.ANYWHERE else words.get(self.kind, "") + ", ".join(self.values)
        )


def parse_source(text: str) -> Source:
    """Read what a person typed; ValueError says which part is wrong and the nearest right form."""
    text = text.strip()
    if not text:
        return Source(SourceKind.ANYWHERE)
    if _VPCE.fullmatch(text):
        return Source(SourceKind.VPC_ENDPOINT, (text,))
    if _ACCOUNT.fullmatch(text):
        return Source(SourceKind.ACCOUNT, (text,))
    if _ROLE.fullmatch(text):
        return Source(SourceKind.ROLE, (text,))
    if text.startswith(("vpce", "arn:")):
        raise ValueError(
            f"“{text}” is not a VPC endpoint such as vpce-0a1b2c3d4e5f67890, "
            "nor a role such as arn:aws:iam::123456789012:role/name"
        )
    networks = [parse_network(part) for part in re.split(r"[\s,;]+", text) if part]
    if len(networks) > MAX_RANGES:
        raise ValueError(f"{len(networks)} ranges in one request; ask for at most {MAX_RANGES} at a time")
    if not networks:
        raise ValueError(f"“{text}” names no address range; write one such as 198.51.100.10/32, or leave it empty")
    distinct = sorted(set(networks), key=lambda network: (network.version, network))
    return Source(SourceKind.CIDR, tuple(map(str, distinct)))


def parse_network(text: str, widest: Mapping[int, int] = WIDEST) -> Network:
    """Read one address or range; a bare address is the range of itself. ValueError offers nothing too wide."""
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        interface = None
    if interface is None or "%" in text:  # a zone (fe80::1%eth0) means something on one machine only
        raise ValueError(
            f"“{text}” is not an address range; write one such as 198.51.100.10/32, or an address alone"
        )
    network: Network = interface.network
    if interface.ip == network.network_address:
        return network
    host = f"{interface.ip}/{interface.ip.max_prefixlen}"
    wider = f" or {network} ({network.num_addresses} addresses)" if not width_problem(network, widest) else ""
    raise ValueError(f"{text} has host bits set; did you mean {host} (one address){wider}?")


@lru_cache(maxsize=1024)  # a file is judged by its form, by policy, and at its target: each time all of its ranges
def form_problem(text: str) -> str | None:
    """Tell why *text*, as an entry's file has it, is not a range in the one form that is kept and compared."""
    try:
        network = parse_network(text)
    except ValueError as error:
        return str(error)
    return None if str(network) == text else f"{text} is written {network}"


def width_problem(network: Network, widest: Mapping[int, int] = WIDEST) -> str | None:
    """Tell why *network* is too wide for a whitelist, if it is; *widest* has a prefix length by IP version."""
    shortest = widest[network.version]
    if network.prefixlen >= shortest:
        return None
    who = "everybody" if network.prefixlen == 0 else f"{network.num_addresses} addresses"
    return f"{network} would let in {who}; name the addresses that call, at widest a /{shortest}"


@lru_cache(maxsize=1024)
def is_public(network: Network) -> bool:
    """Tell whether calls over the internet can come from *network* (IANA special-purpose registries)."""
    return not any(map(network.overlaps, _NEVER_PUBLIC[network.version]))
