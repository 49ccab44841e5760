"""Whether an API has room for one more change, as far as that can be told without looking at AWS. Pure.

Only what entries bring is counted, by the code that writes it. What others have there comes on top, which the plan
of the job counts; so nothing is refused here that would fit, but for an address in a range that somebody else put
into an IP set which is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sallyport.catalogue import Catalogue
from sallyport.changes.api_whitelisting import Api, ApiWhitelisting, Endpoint, access_in
from sallyport.changes.ip_sets import CAPACITY, IpSet, version_of
from sallyport.changes.protocol import Change, Held
from sallyport.changes.room import FEW, nearly_full, when_it_fits
from sallyport.problems import Problem
from sallyport.resource_policies.document import LIMIT, ApiArn, Policy
from sallyport.resource_policies.statements import Door, merge, sources_of, to_statement

_FIELD = "source"


def room_problem(
    wish: Held, held: Iterable[Held], environment: str, catalogue: Catalogue, *, limit: int = LIMIT
) -> Problem | None:
    """Say why *wish* does not fit beside what is *held* in the same environment, with numbers; None if it may."""
    change = wish.change
    if not isinstance(change, ApiWhitelisting):
        return None
    api = Api.find(catalogue, change.api, environment)
    place = _place_of(change, environment, catalogue)
    beside = [one for one in held if _place_of(one.change, environment, catalogue) == place]
    if change.is_kept_by_sets(api):
        problems = (_no_room_in_set(spec, version, wish, beside, api) for version, spec in api.ip_sets.items())
        return next((problem for problem in problems if problem), None)
    return _no_room_in_policy(wish, beside, api, _arn(api, environment, catalogue), limit)


def _no_room_in_policy(wish: Held, beside: Sequence[Held], api: Api, arn: ApiArn, limit: int) -> Problem | None:
    def size(held: Iterable[Held]) -> int:
        return policy_size(held, arn, private=api.endpoint is Endpoint.PRIVATE)

    whole = size([*beside, wish])
    if whole <= limit:
        return None
    what = (
        f"the resource policy of {api.title} has no room for it: Sallyport's part of it has {size(beside):,} of "
        f"{limit:,} characters, and this would make it {whole:,}"
    )
    when = when_it_fits(wish, beside, lambda held: size(held) <= limit)
    mend = f"{when}, name fewer ranges or one that holds them, or ask the operators for WAF IP sets"
    return Problem(what, mend, field=_FIELD)


def _no_room_in_set(spec: IpSet, version: int, wish: Held, beside: Sequence[Held], api: Api) -> Problem | None:
    used, whole = _addresses(beside, version), _addresses([*beside, wish], version)
    if whole <= CAPACITY or whole == used:
        return None
    what = (
        f"the IP set {spec.name} of {api.title} has no room for it: Sallyport's part of it has "
        f"{used:,} of {CAPACITY:,} addresses, and this would make it {whole:,}"
    )
    when = when_it_fits(wish, beside, lambda held: _addresses(held, version) <= CAPACITY)
    return Problem(what, f"{when}, or name fewer ranges or one that holds them", field=_FIELD)


def _addresses(held: Iterable[Held], version: int) -> int:
    """Return how many different addresses of that IP version are *held*."""
    values = (v for one in held if isinstance(one.change, ApiWhitelisting) for v in one.change.source.values)
    return len({value for value in values if version_of(value) == version})


def api_room(held: Iterable[Held], environment: str, api: str, catalogue: Catalogue) -> str:
    """Say how little fits at *api* beside what is *held*, before a source is named; empty where much does."""
    try:
        found = Api.find(catalogue, api, environment)
    except LookupError:
        return ""
    place = tuple(found.ip_sets.values()) or found.lock(environment, catalogue)
    beside = [one for one in held if _place_of(one.change, environment, catalogue) == place]
    if found.ip_sets:
        hints = (_left_in_set(spec, version, beside, found) for version, spec in found.ip_sets.items())
        return " ".join(hint for hint in hints if hint)
    return _left_in_policy(beside, found, catalogue, environment)


def _left_in_policy(beside: Sequence[Held], api: Api, catalogue: Catalogue, environment: str) -> str:
    if not beside:
        return ""
    arn = _arn(api, environment, catalogue)
    policy = _policy(beside, arn, private=api.endpoint is Endpoint.PRIVATE)
    used, each = policy.size(arn), policy.size(arn) // len(policy.statements)
    left = max(0, LIMIT - used) // each
    if left > FEW:
        return ""
    fit = {0: "no further one", 1: "one more"}
    return (
        f"Nearly full: Sallyport's part of the resource policy of {api.title} has {used:,} of {LIMIT:,} "
        f"characters. Of statements as long as those there, {fit.get(left, f'{left} more')} would fit; a source "
        "for the same method and path until the same end takes less."
    )


def _left_in_set(spec: IpSet, version: int, beside: Sequence[Held], api: Api) -> str:
    used = _addresses(beside, version)
    part = f"the IP set {spec.name} of {api.title} has {used:,} of {CAPACITY:,} addresses"
    return nearly_full(part, max(0, CAPACITY - used))


def policy_size(held: Iterable[Held], arn: ApiArn, *, private: bool) -> int:
    """Return how many characters a policy has that lets in what is *held*, and nothing else."""
    return _policy(held, arn, private=private).size(arn)


def _policy(held: Iterable[Held], arn: ApiArn, *, private: bool) -> Policy:
    changes = ((one.change, one.until) for one in held)
    doors = merge(
        (Door.of(change, until), sources_of(change, arn.partition))
        for change, until in changes
        if isinstance(change, ApiWhitelisting)
    )
    return Policy(tuple(to_statement(d, s, arn, private=private) for d, s in doors.items()))


def _place_of(change: Change, environment: str, catalogue: Catalogue) -> object:
    """Name what a change takes room of: sets, or the policy of an API; None where the catalogue has lost it."""
    try:
        api = Api.find(catalogue, change.api, environment) if isinstance(change, ApiWhitelisting) else None
    except LookupError:
        return None
    if api is None or not isinstance(change, ApiWhitelisting):
        return None
    return tuple(api.ip_sets.values()) if change.is_kept_by_sets(api) else api.lock(environment, catalogue)


def _arn(api: Api, environment: str, catalogue: Catalogue) -> ApiArn:
    access = access_in(environment, catalogue)
    return ApiArn(access.role.split(":")[1], access.region, access.account, api.rest_api)
