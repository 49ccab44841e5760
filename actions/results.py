"""From what a job did at a target to one outcome for each entry: the honest sentence that everybody is told.

Pure functions. “Applied” and “reverted” are said only of what the last look at AWS has shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from actions import messages
from actions.executors.protocol import Verb
from actions.ledger import Ledger
from actions.reconcile import Settlement
from actions.verification import Finding
from sallyport.catalogue import Catalogue
from sallyport.entries import Entry
from sallyport.outcomes import Outcome, Result, state_of


@dataclass(frozen=True, slots=True)
class News:
    """An outcome with the entry it is about; `entry` is None where nothing was ever proven."""

    outcome: Outcome
    entry: Entry | None = None
    settlement: Settlement | None = None
    told: bool = True  # in the thread and the ticket; otherwise only in the job's own report
    tampered: bool = False  # its file on main is not what was approved
    whole: bool = True  # it is about all of the entry's targets
    override: Entry | None = None  # what let it end, together with more than policy lets end at once
    left: bool = False  # to the coordinator, which tells that it waits and has it tried again

    @property
    def held(self) -> str:
        """What a threshold has left in force together with it, as a sentence; empty if it has not."""
        return self.settlement.held if self.settlement and self.outcome.held else ""

    @property
    def is_failed_end(self) -> bool:
        """Whether it was to be taken back and is not, unlike what failed to begin, or what a threshold holds."""
        if self.outcome.result is not Result.FAILED:
            return False
        if self.settlement is None:
            return True
        claims = self.settlement.claims
        return claims is not None and any(entry.id == self.outcome.request_id for entry in claims.ended)

    @property
    def left_to_coordinator(self) -> News:
        """The same, but what waits for AWS is the coordinator's to tell and to try again, if that approved it."""
        ours = self.entry is not None and self.entry.attestation is not None
        return replace(self, told=False, left=True) if ours and self.outcome.unanswered else self

    @property
    def standing(self) -> str:
        """Name a state that goes on, so that it is told once and not by every job; empty where none does."""
        if self.held:
            return state_of(f"{self.outcome.at:%F}\n{self.held}")
        return state_of(self.outcome.detail) if self.is_failed_end else ""

    @property
    def is_loud(self) -> bool:
        """Whether the alert channel must hear of it: it failed, was tampered with, or nobody else can be told."""
        if self.held or self.left:
            return False  # the alert channel hears of all of them at once
        unheard = self.entry is None and not self.outcome.result.good
        return self.outcome.result is Result.FAILED or self.tampered or unheard


@dataclass(frozen=True, slots=True)
class Teller:
    """Turns a settlement into news. `asked` names the entries that this job is about; `doubts` is by id."""

    settlement: Settlement
    catalogue: Catalogue
    asked: Collection[str]
    doubts: Mapping[str, str]
    gone: Collection[str]  # ids whose files are off main already: their end has been told
    now: datetime

    @classmethod
    def of(cls, settlement: Settlement, ledger: Ledger, asked: Collection[str], now: datetime) -> Teller:
        """Return the teller with what the ledger knows about the entries."""
        ended = settlement.claims.ended if settlement.claims else ()
        findings = {entry.id: ledger.finding(entry.flow, entry.id) for entry in ended}
        doubts = {one: finding.doubt for one, finding in findings.items()}
        gone = {one for one, finding in findings.items() if not finding.present}
        return cls(settlement, ledger.policies.catalogue, asked, doubts, gone, now)

    def news(self) -> tuple[News, ...]:
        """Return what there is to tell: of entries asked about, of those changed, and of those refused."""
        claims = self.settlement.claims
        if claims is None:
            return ()
        found = [self._live(entry) for entry in claims.live] + [self._ended(entry) for entry in claims.ended]
        return tuple(news for news in found if news)

    def _live(self, entry: Entry) -> News | None:
        last, what = self.settlement.last, messages.what_of(entry, self.catalogue)
        if self.settlement.claims and entry.id in self.settlement.claims.doubted:
            news = self._tell(entry, Result.FAILED, messages.held(what, self.settlement.held))
            return replace(news, outcome=replace(news.outcome, held=True), tampered=True)
        asked, made = entry.id in self.asked, entry.id in self.settlement.caused(Verb.CREATE)
        if last and entry.id in last.refusals:
            refusal = messages.refused(what, last.refusals[entry.id])
            return self._tell(entry, Result.REFUSED, refusal, told=asked or made)
        if last and entry.id in last.declared and not self.settlement.fault:
            return self._tell(entry, Result.APPLIED, last.declared[entry.id]) if asked else None
        if last and entry.id in last.unfinished and not self.settlement.fault:
            unfinished = messages.unfinished(what, last.unfinished[entry.id])
            return self._tell(entry, Result.FAILED, unfinished) if asked or made else None
        there = last is not None and entry.id in last.unchanged
        if there and not made:
            detail = messages.already(what, entry.expires_at)
            return self._tell(entry, Result.ALREADY, detail) if asked else None
        if self.settlement.fault:
            return self._apply_failed(entry, what, shown=there if last else None) if asked or made else None
        if there:
            return self._tell(entry, Result.APPLIED, messages.applied(what, entry.expires_at))
        return self._tell(entry, Result.FAILED, messages.not_found_after(what)) if asked or made else None

    def _apply_failed(self, entry: Entry, what: str, *, shown: bool | None) -> News:
        begun = bool(self.settlement.plans)
        lock = self.settlement.site.target.lock
        aftermath = messages.aftermath(restored=self.settlement.restored, begun=begun, shown=shown, lock=lock)
        detail = messages.apply_failed(what, self.settlement.fault, aftermath)
        if not self._is_unanswered(entry, begun=begun, shown=shown):
            return self._tell(entry, Result.FAILED, detail)
        if entry.attestation is None:
            detail = f"{detail} {messages.RERUN}"  # nobody but a person has it tried again
        news = self._tell(entry, Result.FAILED, detail)
        return replace(news, outcome=replace(news.outcome, unanswered=True))

    def _is_unanswered(self, entry: Entry, *, begun: bool, shown: bool | None) -> bool:
        """Tell whether it failed for want of an answer alone, and left everything as it was.

        Where a job before this one has begun something, only AWS can say that nothing is left of it.
        """
        claims = self.settlement.claims
        recorded = claims is not None and entry.id in claims.before
        seen_gone = shown is False and self.settlement.restored is not False
        return self.settlement.unanswered and (seen_gone or not (begun or recorded))

    def _ended(self, entry: Entry) -> News | None:
        removed = entry.id in self.settlement.caused(Verb.REMOVE)
        if not removed and entry.id not in self.asked:
            return None
        what = messages.what_of(entry, self.catalogue)
        if entry.id in self.settlement.never_begun and not removed and not self.doubts.get(entry.id):
            return self._tell(entry, Result.REVERTED, messages.never_begun(what))
        if self.settlement.fault:
            detail = messages.revert_failed(what, self.settlement.fault, entry.expires_at, self.now)
            news = self._tell(entry, Result.FAILED, detail)
            return replace(news, outcome=replace(news.outcome, unanswered=self.settlement.unanswered))
        last = self.settlement.last
        if last and entry.id in last.refusals:
            return self._tell(entry, Result.FAILED, messages.revert_waits(what, last.refusals[entry.id]))
        told = removed or entry.id not in self.gone
        if doubt := self.doubts.get(entry.id):
            override = self.settlement.override if self._is_early(entry) else None
            detail = messages.reverted_in_doubt(what, entry.id, doubt)
            detail = f"{detail} {messages.let_through(override)}" if override else detail
            news = self._tell(entry, Result.REVERTED, detail, told=told)
            return replace(news, tampered=entry.id not in self.gone, override=override)
        if last and entry.id in last.declared:
            return self._tell(entry, Result.REVERTED, last.declared[entry.id], told=told)
        if other := self._continuation(entry):
            detail = messages.continued(what, entry.id, other)
            return self._tell(entry, Result.REVERTED, detail, told=told, continued_by=other.id)
        beside_others = bool(self.settlement.claims and self.settlement.claims.live)
        detail = messages.reverted(what, entry.expires_at, self.now, beside_others=beside_others)
        return self._tell(entry, Result.REVERTED, detail, told=told)

    def _is_early(self, entry: Entry) -> bool:
        """Tell whether *entry* is one of those whose number a threshold limits."""
        claims = self.settlement.claims
        return claims is not None and entry.id in claims.doubted and entry.is_live(self.now)

    def _continuation(self, entry: Entry) -> Entry | None:
        """Return the longest live entry by which the same person has kept all that *entry* asked for.

        One that this job had to make first does not count: there was a gap before it.
        """
        live = self.settlement.claims.live if self.settlement.claims else ()
        last = self.settlement.last
        there = last.unchanged - self.settlement.caused(Verb.CREATE) if last else frozenset()
        same = [
            other
            for other in live
            if other.id in there
            and other.requested_by == entry.requested_by
            and all(change in other.changes for change in entry.changes)
        ]
        return max(same, key=lambda other: (other.expires_at is None, other.expires_at or self.now), default=None)

    def _tell(
        self, entry: Entry, result: Result, detail: str, *, told: bool = True, continued_by: str = ""
    ) -> News:
        evidence = self.settlement.evidence if result is not Result.REFUSED else ()
        note = self.settlement.last.notes.get(entry.id, "") if self.settlement.last else ""
        detail = f"{detail}\n{note}" if note else detail
        outcome = Outcome(entry.id, result, detail, self.now, entry.expires_at, evidence, continued_by)
        return News(outcome, entry, self.settlement, told)


_WORST_FIRST = (Result.FAILED, Result.REFUSED, Result.APPLIED, Result.REVERTED, Result.ALREADY)


def gathered(news: Iterable[News], ledger: Ledger) -> tuple[News, ...]:
    """Return one item for each entry, however many targets it is at: the worst of them is how it ended.

    An entry that was taken back at some of its targets only is not told to have ended. An override ends with its
    use.
    """
    by_id: dict[str, list[News]] = {}
    for item in news:
        by_id.setdefault(item.outcome.request_id, []).append(item)
    used = _used([item for items in by_id.values() for item in items])
    return (*(_one_of(items, ledger) for items in by_id.values()), *used)


def _used(news: Iterable[News]) -> Iterator[News]:
    """Yield the end of each override by which entries were taken back; after a fault it is needed again."""
    ended: dict[str, list[News]] = {}
    for item in news:
        if item.override:
            ended.setdefault(item.override.id, []).append(item)
    for items in ended.values():
        [first, *_] = items
        if first.override and first.settlement:
            ids = [item.outcome.request_id for item in items]
            detail = messages.override_used(first.override.id, ids, first.settlement.site.target.lock)
            used, deadline = first.override, first.override.expires_at
            yield News(Outcome(used.id, Result.REVERTED, detail, first.outcome.at, deadline), used)


def _one_of(items: list[News], ledger: Ledger) -> News:
    worst = min(items, key=lambda item: _WORST_FIRST.index(item.outcome.result))
    if worst.entry is None:
        return worst
    finding = ledger.finding(worst.entry.flow, worst.entry.id)
    whole = _covers(items, finding, ledger)
    details = " ".join(dict.fromkeys(item.outcome.detail for item in items))
    evidence = tuple(line for item in items for line in item.outcome.evidence)
    told = any(item.told for item in items) and (whole or not worst.outcome.result.good)
    failed = [item.outcome for item in items if item.outcome.result is Result.FAILED]
    unanswered = bool(failed) and all(outcome.unanswered for outcome in failed)
    outcome = replace(worst.outcome, detail=details, evidence=evidence, unanswered=unanswered)
    return replace(worst, outcome=outcome, entry=finding.entry or worst.entry, told=told, whole=whole)


def _covers(items: list[News], finding: Finding, ledger: Ledger) -> bool:
    try:
        sites = set(ledger.sites(finding))
    except LookupError:
        return True
    return sites <= {item.settlement.site for item in items if item.settlement}
