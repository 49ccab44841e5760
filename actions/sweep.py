"""What is due in the checkout, and whose job it is: the entries that have ended and still have files.

A sweep cannot be blocked by one bad file: what nobody can attribute is given to somebody all the same, loudly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from actions.befores import SUFFIX as BEFORE
from actions.books import Books
from actions.deadlines import KEYS, Due, scan
from actions.executors import LONGER_THAN_A_JOB, SLOW_TO_END, UNDONE_BY_AWS
from actions.ledger import Ledger
from actions.overrides import live_overrides, sites_overridden
from actions.verification import Finding, Site
from actions.workspace import Workspace
from sallyport.changes.protocol import Access
from sallyport.changes.removal_override import FLOW as OVERRIDE
from sallyport.documents import load
from sallyport.entries import FOLDER
from sallyport.flows import ENVIRONMENT, Flow
from sallyport.policies import Policies
from sallyport.problems import Problems

REMEMBERED = timedelta(days=1)
APPLIED_WITHIN = timedelta(
    minutes=45
)  # of the last approval, or its confirmation: until then the job that applies an entry may be at it


class Pace(StrEnum):
    """How long taking something back may take: what is quick waits for nothing that is slow."""

    QUICK = "quick"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Overdue:
    """An entry that must be taken back. `site` is None where nobody can tell what it changed."""

    finding: Finding
    why: str
    environment: str
    access: Access
    site: Site | None
    fault: str = ""

    @property
    def pace(self) -> Pace:
        flow = self.site.flow if self.site else self.finding.flow
        return Pace.SLOW if flow in SLOW_TO_END else Pace.QUICK


class Sweep:
    """Looks for what is due; the books are opened only if something may be."""

    def __init__(self, workspace: Workspace, open_books: Callable[[], Books]) -> None:
        self._workspace = workspace
        self._open_books = open_books
        self._books: Books | None = None

    @property
    def books(self) -> Books:
        self._books = self._books or self._open_books()
        return self._books

    def overdue(self, now: datetime, also: Collection[str] = ()) -> tuple[Overdue, ...]:
        """Return what is due at *now*; *also* names ids to look at although nothing in the checkout says so."""
        candidates = {(due.flow, due.id): due.why for due in self._candidates(now)}
        found = [self.books.ledger.finding(flow, one) for flow, one in candidates]
        known = [finding for finding in map(self._known, also) if finding and _may_be_left(finding, now)]
        found += [finding for finding in known if (finding.flow, finding.id) not in candidates]
        return tuple(
            overdue
            for finding in found
            if not finding.is_wanted(now) and not _may_go_on(finding, now)
            for overdue in self._attributed(
                finding, candidates.get((finding.flow, finding.id), "it was asked for")
            )
        )

    def undone(self, now: datetime) -> tuple[Overdue, ...]:
        """Return what to look at again although nothing there is due.

        AWS may have undone live entries, a job may not have ended them, or an override lets others end.
        """
        findings = (self.books.ledger.finding(flow, one) for flow, one in self._undoable())
        live = (finding for finding in findings if finding.is_wanted(now) and not _is_fresh(finding, now))
        why = "AWS may have undone it, or it may not be complete"
        again = [item for finding in live for item in self._attributed(finding, why)]
        return (*again, *self._overridden(now))

    def _overridden(self, now: datetime) -> Iterator[Overdue]:
        """Yield the targets at which an override in force lets end what the threshold has held."""
        if not self._names(OVERRIDE):
            return
        ledger = self.books.ledger
        for override in live_overrides(ledger, now):
            finding = ledger.finding(OVERRIDE, override.id)
            for site in sites_overridden(override, ledger):
                why = f"it lets entries end at {site.target.lock}"
                yield Overdue(finding, why, site.target.environment, site.target.access, site)

    def _undoable(self) -> Iterator[tuple[str, str]]:
        for flow in sorted(UNDONE_BY_AWS):
            yield from (
                (flow, name.removesuffix(".yaml")) for name in self._names(flow) if not name.endswith(BEFORE)
            )
        for flow in sorted(LONGER_THAN_A_JOB):
            yield from ((flow, name.removesuffix(BEFORE)) for name in self._names(flow) if name.endswith(BEFORE))

    def _names(self, flow: str) -> list[str]:
        return sorted(path.name for path in (self._workspace.root / FOLDER / flow).glob("*.yaml"))

    def _candidates(self, now: datetime) -> list[Due]:
        self._workspace.insist_on_history()
        glanced = list(scan(self._workspace.root, now, self._may_be_permanent, self._replaced_keys()))
        known = {(due.flow, due.id) for due in glanced}
        touched = self._workspace.disturbed(self._workspace.head(), f"{FOLDER}/")
        changed = [_due(path) for path in touched if (self._workspace.root / path).is_file()]
        return glanced + [due for due in changed if due and (due.flow, due.id) not in known]

    def _replaced_keys(self) -> frozenset[str]:
        """Return the files of keys that have had more than one content: what they signed is proven anew."""
        ever = self._workspace.blobs(self._workspace.head(), f"{KEYS}/")
        return frozenset(path for path, contents in ever.items() if len(contents) > 1)

    def _known(self, entry_id: str) -> Finding | None:
        return self.books.ledger.find(entry_id)

    def _may_be_permanent(self, flow_id: str, content: bytes) -> bool:
        flow = self.books.ledger.policies.flows.get(flow_id)
        if flow is None or not any(rule.lifetime.permanent for rule in flow.rules):
            return False
        return _rule_allows(self.books.ledger.policies, flow, content)

    def _attributed(self, finding: Finding, why: str) -> tuple[Overdue, ...]:
        """Return one item for each target where it must be taken back."""
        try:
            sites = self.books.ledger.sites(finding)
        except LookupError as error:
            environment, access = responsible(finding, self.books.ledger)
            return (Overdue(finding, why, environment, access, None, str(error)),)
        return tuple(Overdue(finding, why, s.target.environment, s.target.access, s) for s in sites)


def _may_go_on(finding: Finding, now: datetime) -> bool:
    """Tell whether an entry whose deadline is ahead is left alone, since GitHub cannot be asked about it now."""
    return bool(finding.fault) and finding.claimed is not None and finding.claimed.is_live(now)


def _is_fresh(finding: Finding, now: datetime) -> bool:
    decided = finding.entry.decided if finding.entry else ()
    return any(now < moment + APPLIED_WITHIN for moment in decided)


def _may_be_left(finding: Finding, now: datetime) -> bool:
    """Tell whether something of an entry may be left in AWS although its file is gone.

    Long after its deadline it is not asked any more: what AWS has then may be somebody else's.
    """
    return finding.present or finding.deadline is None or now < finding.deadline + REMEMBERED


def responsible(finding: Finding, ledger: Ledger) -> tuple[str, Access]:
    """Return the environment whose job reports on what nobody can attribute: the one it names, or the first."""
    environments = ledger.policies.catalogue.environments
    known = finding.entry or finding.claimed
    named = environments.get(known.environment) if known else None
    place = named or next(iter(environments.values()))
    return place.id, Access(place.account, place.region, place.role)


def _rule_allows(policies: Policies, flow: Flow, content: bytes) -> bool:
    """Tell whether the rule for an entry allows a permanent one; an unreadable file allows nothing."""
    try:
        data = load(content, flow.id).data
    except Problems:
        return False
    facts: Mapping[str, Any] = data if isinstance(data, dict) else {}
    answers = {ENVIRONMENT: str(facts.get("environment"))}
    changes = facts.get("changes")
    for change in changes if isinstance(changes, list) else []:
        if isinstance(change, dict):
            answers |= {name: value for name, value in change.items() if isinstance(value, str)}
    rule = policies.rule_for(flow, answers)
    return rule is not None and rule.lifetime.permanent


def _due(path: str) -> Due | None:
    parts = path.split("/")
    if len(parts) != 3 or not parts[2].endswith(".yaml") or parts[2].count(".") != 1:
        return None
    return Due(parts[1], parts[2].removesuffix(".yaml"), "its file was changed after it had been committed")
