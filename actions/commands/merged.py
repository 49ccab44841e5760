"""`actions merged`: applies exactly what one push brought, each target once: one read, one write, one read back.

The jobs of one push are one for each role, and run side by side; targets behind one role share its rate limits and
take turns.
"""

from __future__ import annotations

from collections.abc import Collection

from actions import messages
from actions.commands.expire import Share
from actions.finish import finish
from actions.job import Job
from actions.ledger import Books
from actions.log import logger
from actions.planning import plan_text
from actions.pushes import Push, read_push
from actions.reconcile import settle
from actions.records import BookRecord
from actions.results import News, Teller, gathered
from actions.verification import Finding, Site
from sallyport.outcomes import Outcome, Result


def run(job: Job, push: Push, share: Share) -> int:
    """Settle every target of the push that the role of this job can change; 1 unless all of it is in force."""
    books = job.books()
    findings = read_push(push, books.ledger, job.workspace, job.clock()).to_settle
    sites = _sites(books, findings, share)
    news: list[News] = []
    for number, (site, ids) in enumerate(sites.items(), 1):
        log = logger(run=job.run.id, target=site.target.lock, progress=f"{number} of {len(sites)}")
        record = BookRecord(books, job.writer, job.make_executor, job.pause, also=ids)
        settlement = settle(site, record, job.clock, f"run {job.run.id}")
        done = plan_text(settlement.plan) if settlement.plan else ""
        log.info("settled", plan=done, writes=len(settlement.plans), fault=settlement.fault)
        told = Teller.of(settlement, books.ledger, ids, job.clock()).news()
        news += told
        silent = ids - {item.outcome.request_id for item in told}
        news += [_unsettled(job, books, site, one, settlement.fault) for one in sorted(silent)]
    return finish(job, books, gathered(news, books.ledger), f"Push {push.after[:12]} in {share.environment}")


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
