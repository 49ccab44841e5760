"""The overrides of the threshold on early ends that are in force, and where they let entries end.

An override counts as any other entry does: verified, its deadline ahead. Any doubt about one is no override.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from actions.ledger import Ledger
from actions.verification import Site
from sallyport.changes.removal_override import FLOW, RemovalOverride
from sallyport.entries import Entry


def live_overrides(ledger: Ledger, now: datetime) -> tuple[Entry, ...]:
    """Return the overrides that are in force at *now* (UTC)."""
    if FLOW not in ledger.policies.flows:
        return ()
    return tuple(found.entry for found in ledger.findings(FLOW) if found.entry and found.is_wanted(now))


def sites_overridden(override: Entry, ledger: Ledger) -> Iterator[Site]:
    """Yield the targets, among those that any entry is at, where *override* lets entries end."""
    for change in override.changes:
        if isinstance(change, RemovalOverride):
            here = (site for site in ledger.sites_of_flow(change.of) if site.target.lock == change.target)
            yield from (site for site in here if site.target.environment == override.environment)
