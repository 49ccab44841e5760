"""`actions merged`: applies exactly what one push brought, each target once: one read, one write, one read back.

The jobs of one push are one for each role, and run side by side; targets behind one role share its rate limits and
take turns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from actions import messages
from actions.commands.expire import Share
from actions.coverage import Checks, Shown, shown_at
from actions.executors.protocol import Plan
from actions.finish import finish
from actions.guards import Guard
from actions.job import Job
from actions.ledger import Books
from actions.log import logger
from actions.planning import plan_text
from actions.pushes import Push, read_push
from actions.reconcile import settle
from actions.records import BookRecord
from actions.results import News, Teller, gathered
from actions.verification import Finding, Site
from sallyport.entries import FOLDER, path_of
from sallyport.outcomes import Outcome, Result


def run(job: Job, push: Push, share: Share) -> int:
    """Settle every target of the push that the role of this job can change; 1 unless all of it is in force."""
    books = job.books()
    findings = read_push(push, books.ledger, job.workspace, job.clock()).to_settle
    sites = _sites(books, findings, share)
    coverage = _Coverage(job.writer, {finding.id: finding for finding in findings})
    news: list[News] = []
    for number, (site, ids) in enumerate(sites.items(), 1):
        log = logger(run=job.run.id, target=site.target.lock, progress=f"{number} of {len(sites)}")
        log.info("settling")
        record = BookRecord(books, job.writer, job.make_executor, job.pause, also=ids)
        guard = coverage.guard(ids)
        settlement = settle(site, record, job.clock, f"run {job.run.id}", job.pause, guard)
        done = plan_text(settlement.plan) if settlement.plan else ""
        log.info("settled", plan=done, writes=len(settlement.plans), fault=settlement.fault)
        told = Teller.of(settlement, books.ledger, ids, job.clock()).news()
        news += told
        silent = ids - {item.outcome.request_id for item in told}
        news += [_unsettled(job, books, site, one, settlement.fault) for one in sorted(silent)]
    title = f"Push {push.after[:12]} in {share.environment}"
    return finish(job, books, gathered(news, books.ledger), title, coverage.beyond(push, job))


@dataclass(slots=True)
class _Coverage:
    """Holds every plan against what the reviewers of its entries were shown, and remembers whom it stopped."""

    checks: Checks
    findings: Mapping[str, Finding]
    stopped: dict[str, Finding] = field(default_factory=dict)
    _shown: dict[str, Shown] = field(default_factory=dict)

    def guard(self, ids: Collection[str]) -> Guard:
        """Return the guard for the plan of a target with the entries *ids* of this push."""
        by_head: dict[str, list[str]] = {}
        for one in ids:
            if pull := self.findings[one].pull:
                by_head.setdefault(pull.head, []).append(one)

        def guard(plan: Plan[Any]) -> str:
            for head, those in by_head.items():
                if refusal := self._at(head).refusal(plan, those):
                    self.stopped |= {one: self.findings[one] for one in those if one not in plan.unchanged}
                    return refusal
            return ""

        return guard

    def beyond(self, push: Push, job: Job) -> list[tuple[str, str]]:
        """Return the stopped entries that the push added, as (flow, id): their files go."""
        changed = job.workspace.changed(push.before, push.after, f"{FOLDER}/")
        added = (finding for finding in self.stopped.values() if changed[path_of(finding.flow, finding.id)] == "A")
        return [(finding.flow, finding.id) for finding in added]

    def _at(self, head: str) -> Shown:
        if head not in self._shown:
            self._shown[head] = shown_at(self.checks, head)
        return self._shown[head]


def _sites(books: Books, findings: Collection[Finding], share: Share) -> dict[Site, set[str]]:
    """Return the targets of this job's share with the entries that the push touched at each."""
    found: dict[Site, set[str]] = {}
    for finding in findings:
        for site in books.ledger.sites(finding):
            if (site.target.environment, site.target.access.role) == (share.environment, share.role):
                found.setdefault(site, set()).add(finding.id)
    return found


def _unsettled(job: Job, books: Books, site: Site, one: str, fault: str) -> News:
    """Tell of an entry of which the target said nothing: the fault kept anybody from looking."""
    finding = books.ledger.finding(site.flow, one)
    detail = messages.not_settled(one, site.target.lock, fault)
    return News(Outcome(one, Result.FAILED, detail, job.clock(), finding.deadline), finding.entry)
