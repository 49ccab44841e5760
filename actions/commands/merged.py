"""`actions merged`: applies exactly what one push brought, each target once: one read, one write, one read back.

The jobs of one push are one for each role, and run side by side; targets behind one role share its rate limits,
and as many of them are worked on at once as those allow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any

from structlog.typing import FilteringBoundLogger

from actions import messages
from actions.books import Books
from actions.commands.expire import Share
from actions.coverage import Checks, Shown, shown_at
from actions.executors.protocol import Plan
from actions.finish import finish
from actions.guards import Guard
from actions.job import Job
from actions.log import logger
from actions.planning import plan_text
from actions.pushes import Push, read_push
from actions.reconcile import Settlement, settle
from actions.records import BookRecord
from actions.results import News, Teller, gathered
from actions.side_by_side import over_targets
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
    for site, progress, (settlement, at) in _settled(job, books, sites, coverage):
        done = plan_text(settlement.plan) if settlement.plan else ""
        log = _logger(job, site, progress)
        log.info("settled", plan=done, writes=len(settlement.plans), fault=settlement.fault)
        with books.lock:
            told = Teller.of(settlement, books.ledger, sites[site], at).news()
            silent = sites[site] - {item.outcome.request_id for item in told}
            news += [*told, *(_unsettled(job, books, site, one, settlement.fault) for one in sorted(silent))]
    title = f"Push {push.after[:12]} in {share.environment}"
    return finish(job, books, gathered(news, books.ledger), title, coverage.beyond(push, job))


def _settled(
    job: Job, books: Books, sites: Mapping[Site, Collection[str]], coverage: _Coverage
) -> Iterator[tuple[Site, str, tuple[Settlement, datetime]]]:
    """Yield how each target was settled, and when (UTC), with how far the job is."""

    def work(site: Site, record: BookRecord) -> tuple[Settlement, datetime]:
        guard = coverage.guard(sites[site])
        return settle(site, record, job.clock, f"run {job.run.id}", job.pause, guard), job.clock()

    return over_targets(job, books, sites, partial(_logger, job), work)


def _logger(job: Job, site: Site, progress: str) -> FilteringBoundLogger:
    return logger(run=job.run.id, target=site.target.lock, progress=progress)


@dataclass(slots=True)
class _Coverage:
    """Holds every plan against what the reviewers of its entries were shown, and remembers whom it stopped."""

    checks: Checks
    findings: Mapping[str, Finding]
    stopped: dict[str, Finding] = field(default_factory=dict)
    _shown: dict[str, Shown] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)  # targets are worked on side by side

    def guard(self, ids: Collection[str]) -> Guard:
        """Return the guard for the plan of a target with the entries *ids* of this push."""
        by_head: dict[str, list[str]] = {}
        for one in ids:
            if pull := self.findings[one].pull:
                by_head.setdefault(pull.head, []).append(one)

        def guard(plan: Plan[Any]) -> str:
            with self._lock:
                for head, those in by_head.items():
                    if refusal := self._at(head).refusal(plan, those):
                        self.stopped |= {one: self.findings[one] for one in those if one not in plan.unchanged}
                        return refusal
            return ""

        return guard

    def beyond(self, push: Push, job: Job) -> list[tuple[str, str]]:
        """Return the stopped entries that the push added, as (flow, id): their files go."""
        changed = job.workspace.changed(push.before, push.after, f"{FOLDER}/")
        stopped = (finding for one, finding in self.findings.items() if one in self.stopped)
        added = (finding for finding in stopped if changed[path_of(finding.flow, finding.id)] == "A")
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
