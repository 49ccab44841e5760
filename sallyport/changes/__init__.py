"""What each flow changes, as typed values. A new flow adds one module here and one line below."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sallyport.catalogue import Catalogue
from sallyport.changes.allow_list import ALLOW_LISTS, AllowList
from sallyport.changes.api_whitelisting import APIS, Api, ApiWhitelisting
from sallyport.changes.infra_stop import INFRASTRUCTURE, InfraStop
from sallyport.changes.infra_teardown import Estate, InfraTeardown
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.changes.prod_access import (
    ACCOUNTS,
    DIRECTORY,
    PERMISSION_SETS,
    Directory,
    PermissionSet,
    ProdAccess,
)
from sallyport.changes.protocol import Change, ChangeKind
from sallyport.changes.removal_override import RemovalOverride

KINDS: Mapping[str, type[Change]] = {
    "api-whitelisting": ApiWhitelisting,
    "infra-whitelist": InfraWhitelist,
    "infra-stop": InfraStop,
    "infra-teardown": InfraTeardown,
    "prod-access": ProdAccess,
    "removal-override": RemovalOverride,
}

# How the facts of a list's item in an environment are read: policies try each once, so that no request meets a
# broken one. KeyError names the fact that is missing, ValueError says which is wrong.
FACTS: Mapping[str, Callable[[Catalogue, str, str], object]] = {
    APIS: Api.check,
    PERMISSION_SETS: PermissionSet.find,
    ACCOUNTS: lambda catalogue, item, place: ProdAccess(item, "").account_id(place, catalogue),
    ALLOW_LISTS: lambda catalogue, _, place: AllowList.find(catalogue, place),
    INFRASTRUCTURE: lambda catalogue, _, place: Estate.find(catalogue, place),
    DIRECTORY: lambda catalogue, _, place: Directory.find(catalogue, place),
}

# Where what the items of a list stand for may belong to one environment alone: jobs of another would take away
# what this one's entries ask for.
TARGETS: Mapping[str, Callable[[Catalogue, str, str], str]] = {
    APIS: lambda catalogue, item, place: Api.find(catalogue, item, place).lock(place, catalogue),
}

__all__ = ["FACTS", "KINDS", "TARGETS", "Change", "ChangeKind"]
