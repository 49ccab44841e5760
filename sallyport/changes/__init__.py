"""What each flow changes, as typed values. A new flow adds one module here and one line below."""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.prod_access import ProdAccess
from sallyport.changes.protocol import Change, ChangeKind

KINDS: Mapping[str, type[Change]] = {
    "api-whitelisting": ApiWhitelisting,
    "prod-access": ProdAccess,
}

__all__ = ["KINDS", "Change", "ChangeKind"]
