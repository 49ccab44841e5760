"""Whether an API has room for one more change, as far as that can be told without looking at AWS. Pure.

Only what entries bring is counted, by the code that writes it. What others have there comes on top, which the plan
of the job counts; so nothing is refused here that would fit, but for an address in a range that somebody else put
into an IP set which is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sallyport.catalogue import Catalogue
from sallyport.changes.api_whitelisting import Api, ApiWhitelisting, Endpoint
from sallyport.changes.ip_sets import CAPACITY, IpSet, version_of
from sallyport.changes.protocol import Change, Held
from sallyport.changes.room import when_it_fits
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
    return _no_room_in_policy(wish, beside, api, _arn(change, environment, catalogue), limit)


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
    def addresses(held: Iterable[Held]) -> int:
        values = (v for one in held if isinstance(one.change, ApiWhitelisting) for v in one.change.source.values)
        return len({value for value in values if version_of(value) == version})

    whole = addresses([*beside, wish])
    if whole <= CAPACITY or whole == addresses(beside):
        return None
    what = (
        f"the IP set {spec.name} of {api.title} has no room for it: Sallyport's part of it has "
        f"{addresses(beside):,} of {CAPACITY:,} addresses, and this would make it {whole:,}"
    )
    when = when_it_fits(wish, beside, lambda held: addresses(held) <= CAPACITY)
    return Problem(what, f"{when}, or name fewer ranges or one that holds them", field=_FIELD)


def policy_size(held: Iterable[Held], arn: ApiArn, *, private: bool) -> int:
    """Return how many characters a policy has that lets in what is *held*, and nothing else."""
    changes = ((one.change, one.until) for one in held)
    doors = merge(
        (Door.of(change, until), sources_of(change, arn.partition))
        for change, until in changes
        if isinstance(change, ApiWhitelisting)
    )
    return Policy(tuple(to_statement(d, s, arn, private=private) for d, s in doors.items())).size(arn)


def _place_of(change: Change, environment: str, catalogue: Catalogue) -> object:
    """Name what a change takes room of: sets, or the policy of an API; None where the catalogue has lost it."""
    try:
        api = Api.find(catalogue, change.api, environment) if isinstance(change, ApiWhitelisting) else None
    except LookupError:
        return None
    if api is None or not isinstance(change, ApiWhitelisting):
        return None
    return tuple(api.ip_sets.values()) if change.is_kept_by_sets(api) else api.lock(environment, catalogue)


def _arn(change: ApiWhitelisting, environment: str, catalogue: Catalogue) -> ApiArn:
    access = change.access(environment, catalogue)
    rest_api = Api.find(catalogue, change.api, environment).rest_api
    return ApiArn(access.role.split(":")[1], access.region, access.account, rest_api)
