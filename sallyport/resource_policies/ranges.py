"""Address ranges of which many are asked whether they hold others. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sallyport.changes.sources import Network


@dataclass(frozen=True, slots=True)
class Ranges:
    """Some ranges; a look costs as much as there are different prefix lengths among them."""

    prefixes: frozenset[tuple[int, int, int]]  # the IP version, the length, and the bits
    lengths: Mapping[int, frozenset[int]]  # by IP version

    @classmethod
    def of(cls, texts: Iterable[str]) -> Ranges:
        return _ranges(frozenset(texts))

    def hold(self, text: str, *, besides_itself: bool = False) -> bool:
        """Tell whether the range *text* lies in one of these, which may be required to be another one."""
        network = network_of(text)
        longest = network.prefixlen - besides_itself
        return any(
            length <= longest and _prefix(network, length) in self.prefixes
            for length in self.lengths[network.version]
        )


@lru_cache(maxsize=256)
def _ranges(texts: frozenset[str]) -> Ranges:
    """Return some ranges, which are asked once for each of the entries that share them."""
    networks = list(map(network_of, texts))
    lengths = {version: frozenset(n.prefixlen for n in networks if n.version == version) for version in (4, 6)}
    return Ranges(frozenset(_prefix(network, network.prefixlen) for network in networks), lengths)


def _prefix(network: Network, length: int) -> tuple[int, int, int]:
    """Name the range of *length* that *network* is in."""
    return network.version, length, int(network.network_address) >> (network.max_prefixlen - length)


@lru_cache(maxsize=4096)
def network_of(text: str) -> Network:
    """Return a range of which host bits do not matter."""
    return ipaddress.ip_network(text, strict=False)
