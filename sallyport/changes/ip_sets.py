"""WAF IP sets, as the catalogue names them: they keep a stage that more addresses call than a policy can hold.

A set knows addresses and nothing else: who stands in it may use every method on every path of the stage, and stays
until somebody takes it out. Nothing here says what AWS has in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self, cast

from sallyport.changes.protocol import Access
from sallyport.changes.sources import Source, SourceKind
from sallyport.documents import JSON
from sallyport.problems import quoted

CAPACITY = 10_000  # addresses of one IP set (AWS WAF quotas)
REGIONAL = "REGIONAL"  # the scope of what guards API Gateway
_ARN = re.compile(
    r"arn:aws[a-z-]*:wafv2:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):(?P<scope>[a-z]+)"
    r"/ipset/(?P<name>[A-Za-z0-9_-]{1,128})/(?P<id>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"
)
_VERSIONS = {"ipv4": 4, "ipv6": 6}


@dataclass(frozen=True, slots=True)
class IpSet:
    """One WAFv2 IP set of the regional scope, by its ARN and the parts of it that calls need."""

    arn: str
    region: str
    account: str
    name: str
    id: str

    @classmethod
    def read(cls, arn: str) -> Self:
        """Read an ARN as AWS shows it; ValueError says why it is none of a set that can guard an API."""
        found = _ARN.fullmatch(arn)
        if not found:
            raise ValueError(f"{quoted(arn)} is no ARN of a WAF IP set, such as {_EXAMPLE}")
        if found["scope"] != REGIONAL.lower():
            raise ValueError(f"{arn} is of the scope {found['scope']}, and an API needs a regional one")
        return cls(arn, found["region"], found["account"], found["name"], found["id"])


IpSets = Mapping[int, IpSet]  # by IP version; empty where no set keeps the stage
_EXAMPLE = "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/partners/0a1b2c3d-0000-4000-8000-000000000004"


def read_ip_sets(facts: JSON, access: Access) -> IpSets:
    """Read `ip_sets` of a place, which fit the schema; ValueError says which of them is wrong."""
    arns = cast(Mapping[str, str], facts)
    found = {_VERSIONS[name]: IpSet.read(arn) for name, arn in arns.items()}
    for one in found.values():
        if (one.account, one.region) != (access.account, access.region):
            raise ValueError(f"{one.arn} is not in {access.account}, {access.region}, where the API is")
    if len({one.arn for one in found.values()}) < len(found):
        raise ValueError("ip_sets names one set for both IP versions, and each set is of one")
    return found


def neighbours(mine: Mapping[str, JSON], others: Iterable[Mapping[str, JSON]]) -> Iterator[str]:
    """Yield why a place with sets of its own cannot stand beside *others*: what is let in there is let in here."""
    arns = set(_arns(mine))
    for facts in others:
        if shared := sorted(arns & set(_arns(facts))):
            yield f"{shared[0]} keeps another API or stage too, and lets its callers in at both"
        elif (facts.get("rest_api"), facts.get("stage")) == (mine.get("rest_api"), mine.get("stage")):
            stage = f"stage {facts.get('stage')} of {facts.get('rest_api')}"
            yield f"{stage} is named twice, and its ip_sets keep all of it"


def set_problems(title: str, sets: IpSets, source: Source) -> list[str]:
    """Say why *source* has no place in the sets."""
    if source.kind is not SourceKind.CIDR:
        return [f"{title} is kept by a WAF IP set, which knows addresses only; name the address ranges that call"]
    versions = " and ".join(f"IPv{version}" for version in sorted(sets))
    return [
        f"{value} has no place: {title} has an IP set for {versions} only; name the address that calls come from"
        for value in source.values
        if version_of(value) not in sets
    ]


def version_of(value: str) -> int:
    """Return the IP version of a range."""
    return 6 if ":" in value else 4


def _arns(facts: Mapping[str, JSON]) -> Iterable[str]:
    return cast(Mapping[str, str], facts.get("ip_sets", {})).values()
