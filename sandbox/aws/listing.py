"""EC2's listings: filters by name and values, and pages with a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.aws.errors import AwsError
from sandbox.aws.wire import Parameters, Result

PAGE = 100


def values_of(parameters: Parameters, known: Sequence[str]) -> dict[str, frozenset[str]]:
    """The values of each filter; raises `AwsError` for one that is not *known* (`tag:` stands for any key)."""
    found: dict[str, frozenset[str]] = {}
    for one in parameters.get("Filters", []):
        name = one["Name"]
        if name not in known and not (name.startswith("tag:") and "tag:" in known):
            raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")
        if not one.get("Values"):
            raise AwsError("InvalidParameterValue", f"The filter '{name}' has no value")
        found[name] = frozenset(one["Values"])
    if not found:
        raise AwsError("InvalidParameterValue", "the sandbox lists only what a filter names")
    return found


def listed(member: str, items: Sequence[dict[str, Any]], parameters: Parameters) -> Result:
    """One page of *items*. How many MaxResults may ask for is checked against the service's model."""
    size = parameters.get("MaxResults", PAGE)
    token = parameters.get("NextToken", "from-0").removeprefix("from-")
    if not token.isdecimal():
        raise AwsError("InvalidNextToken", "The token is not valid")
    start = int(token)
    rest = {"NextToken": f"from-{start + size}"} if start + size < len(items) else {}
    return {member: list(items[start : start + size]), **rest}
