"""What proves an entry, and where it is in force: pure functions over an entry and the policies of main.

An entry is wanted if its file fits the schema, its signature holds against the keys of main or the reviews of its
pull request suffice, policy accepts it again, GitHub bears out the confirmation that policy wants, and its id
never ended before. Any doubt is a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from actions.executors.protocol import Target
from sallyport import attestations
from sallyport.catalogue import Catalogue
from sallyport.changes import Change
from sallyport.decisions import entry_refusals
from sallyport.entries import Entry
from sallyport.policies import Policies
from sallyport.reviews import PullRequest


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
    pull: PullRequest | None = None  # the one whose reviews prove it
    recorded: bool = True  # its file says what was approved: who, until when, and in which ticket
    fault: str = ""  # why nobody can tell now whether it is proven, a sentence; then it neither begins nor ends

    @property
    def deadline(self) -> datetime | None:
        known = self.entry or self.claimed
        return known.expires_at if known else None

    def is_wanted(self, now: datetime) -> bool:
        return self.present and self.entry is not None and not self.doubt and self.entry.is_live(now)


def parts_of(entry: Entry, catalogue: Catalogue) -> Mapping[Target, Entry]:
    """Return what of *entry* is at each of its targets; LookupError if nobody can know, or one role cannot."""
    changes: dict[Target, list[Change]] = {}
    for change in entry.changes:
        lock, access = change.lock(entry.environment, catalogue), change.access(entry.environment, catalogue)
        changes.setdefault(Target(lock, entry.environment, access), []).append(change)
    roles = {target.access for target in changes}
    if len(roles) > 1:
        raise LookupError(f"its changes need {len(roles)} roles; write one entry for each")
    if len(changes) == 1:
        return dict.fromkeys(changes, entry)
    return {target: replace(entry, changes=tuple(those)) for target, those in changes.items()}


def target_of(entry: Entry, catalogue: Catalogue) -> Target:
    """Return the one target of *entry*; LookupError if it has none or several."""
    targets = tuple(parts_of(entry, catalogue))
    if len(targets) != 1:
        raise LookupError(f"its changes are at {len(targets)} targets, and a lock is for one")
    return targets[0]


def sites_of(finding: Finding, policies: Policies) -> Mapping[Site, Entry]:
    """Return where *finding* is, or was, in force, and what of it; LookupError says why nobody can know."""
    entry = finding.entry or finding.claimed
    if entry is None:
        raise LookupError("no version of it in the repository's history was ever approved")
    return {Site(finding.flow, target): part for target, part in parts_of(entry, policies.catalogue).items()}


def proof_refusal(entry: Entry, policies: Policies) -> str:
    """Say why *entry*, as it stands, is not proven to be approved; empty if it is."""
    if reason := attestations.refusal(entry, policies.keys):
        return reason
    return "; ".join(entry_refusals(entry, policies)) or place_refusal(entry, policies)


def place_refusal(entry: Entry, policies: Policies) -> str:
    """Say why nobody can tell where *entry* is in force; empty if the catalogue does."""
    try:
        parts_of(entry, policies.catalogue)
    except LookupError as error:
        return str(error)
    return ""
