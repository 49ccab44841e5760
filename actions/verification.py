"""What proves an entry, and where it is in force: pure functions over an entry and the policies of main.

An entry is wanted if its file fits the schema, its signature holds against the keys of main, policy accepts it
again, and its id never ended before. Any doubt is a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from actions.executors.protocol import Target
from sallyport import attestations
from sallyport.catalogue import Catalogue
from sallyport.decisions import entry_refusals
from sallyport.entries import Entry
from sallyport.policies import Policies


@dataclass(frozen=True, slots=True)
class Site:
    """A target with the flow whose executor works on it."""

    flow: str
    target: Target


@dataclass(frozen=True, slots=True)
class Finding:
    """One id with what the repository proves about it."""

    id: str
    flow: str
    entry: Entry | None  # what is wanted or to be taken back, as once signed; None if nothing was ever proven
    claimed: Entry | None  # what the file on main says, proven or not
    doubt: str  # why it is not wanted, as the end of a sentence that begins with the id; empty if it is proven
    present: bool  # its file is on main

    @property
    def deadline(self) -> datetime | None:
        known = self.entry or self.claimed
        return known.expires_at if known else None

    def is_wanted(self, now: datetime) -> bool:
        return self.present and self.entry is not None and not self.doubt and self.entry.is_live(now)


def target_of(entry: Entry, catalogue: Catalogue) -> Target:
    """Return the one target of *entry*; LookupError says what the catalogue does not know."""
    locks = {change.lock(entry.environment, catalogue) for change in entry.changes}
    if len(locks) > 1:
        raise LookupError(f"its changes are at {len(locks)} targets; write one entry for each")
    access = entry.changes[0].access(entry.environment, catalogue)
    return Target(locks.pop(), entry.environment, access)


def site_of(finding: Finding, policies: Policies) -> Site:
    """Return where *finding* is, or was, in force; LookupError says why nobody can know."""
    entry = finding.entry or finding.claimed
    if entry is None:
        raise LookupError("no version of it in the repository's history was ever approved")
    return Site(finding.flow, target_of(entry, policies.catalogue))


def proof_refusal(entry: Entry, policies: Policies) -> str:
    """Say why *entry*, as it stands, is not proven to be approved; empty if it is."""
    if reason := attestations.refusal(entry, policies.keys):
        return reason
    if reasons := entry_refusals(entry, policies):
        return "; ".join(reasons)
    try:
        target_of(entry, policies.catalogue)
    except LookupError as error:
        return str(error)
    return ""
