"""`actions expire`: takes back everything due that one role can take back, each target on its own.

It also repairs what AWS undoes by itself. A target that fails keeps no other from its end; what failed is loud,
and due again at the next sweep.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from structlog.typing import FilteringBoundLogger

from actions import messages
from actions.books import Books
from actions.executors.protocol import Claims, Executor, TargetFault
from actions.finish import finish
from actions.job import Job
from actions.log import logger
from actions.planning import plan_text
from actions.reconcile import Settlement, settle
from actions.records import BookRecord
from actions.results import News, Teller, gathered
from actions.side_by_side import over_targets
from actions.sweep import Overdue, Pace, Sweep
from actions.unmade import quieted
from actions.verification import Site
from sallyport.outcomes import Outcome, Result


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a sweep that one job takes: everything due in this environment with this role, at this pace."""

    environment: str
    role: str
    request_ids: tuple[str, ...] = ()  # looked at although nothing in the checkout says that they are due
    pace: Pace | None = None  # None takes what is quick and what is slow

    def has(self, item: Overdue) -> bool:
        at = self.pace in {None, item.pace}
        return at and (item.environment, item.access.role) == (self.environment, self.role)


def run(job: Job, share: Share) -> int:
    """Take back what is due and repair what AWS undid; 1 if anything failed or somebody could not be told."""
    books = job.books()
    sweep = Sweep(job.workspace, lambda: books)
    overdue = [item for item in sweep.overdue(job.clock(), share.request_ids) if share.has(item)]
    undone = [item for item in sweep.undone(job.clock()) if share.has(item)]
    news: list[News] = []
    unheard = False  # a fault that is in the log alone
    sites = _by_site(overdue, undone)
    for site, progress, done in _settled(job, books, sites):
        _log(job, site, sites[site], progress, done)
        said = _told(job, books, done, sites[site])
        unheard = unheard or bool(done.settlement.fault and not said)
        news += said
    if undone and not overdue and not news:
        return int(unheard)
    told = {item.outcome.request_id for item in news}
    left = [item for item in overdue if item.finding.id not in told]
    news += [_untouched(item, job) for item in left]
    title = f"Expire in {share.environment}: {len(overdue)} due"
    news = quieted(job, list(gathered(news, books.ledger)))
    code = finish(job, books, news, title, [(i.finding.flow, i.finding.id) for i in left if _is_over(i, job)])
    return code or int(unheard)


def _by_site(overdue: Sequence[Overdue], undone: Sequence[Overdue]) -> dict[Site, list[str]]:
    """Return the ids to take back by site; a site that is only looked at again has none."""
    sites: dict[Site, list[str]] = {item.site: [] for item in undone if item.site is not None}
    for item in overdue:
        if item.site is not None:
            sites.setdefault(item.site, []).append(item.finding.id)
    return sites


@dataclass(frozen=True, slots=True)
class _Done:
    """How a target was settled, and when (UTC); what was cleared away there, or why nothing was."""

    settlement: Settlement
    at: datetime
    tidied: tuple[str, ...] = ()
    untidy: str = ""


def _settled(job: Job, books: Books, sites: Mapping[Site, Collection[str]]) -> Iterator[tuple[Site, str, _Done]]:
    def log(site: Site, progress: str) -> FilteringBoundLogger:
        return _logger(job, site, sites[site], progress)

    def work(site: Site, record: BookRecord) -> _Done:
        settlement = settle(site, record, job.clock, f"run {job.run.id}", job.pause)
        done = _Done(settlement, job.clock())
        if settlement.fault or settlement.claims is None:
            return done
        return _tidy(record.executor(site.flow), done, settlement.claims)

    return over_targets(job, books, sites, log, work)


def _logger(job: Job, site: Site, ids: Collection[str], progress: str) -> FilteringBoundLogger:
    return logger(run=job.run.id, target=site.target.lock, request_id=",".join(ids), progress=progress)


def _log(job: Job, site: Site, ids: Collection[str], progress: str, done: _Done) -> None:
    log, settlement = _logger(job, site, ids, progress), done.settlement
    plan = plan_text(settlement.plan) if settlement.plan else ""
    log.info("settled", plan=plan, writes=len(settlement.plans), fault=settlement.fault)
    for what in done.tidied:
        log.info("tidied", done=what)
    if done.untidy:
        log.warning("untidy", fault=done.untidy)


def _told(job: Job, books: Books, done: _Done, ids: Collection[str]) -> tuple[News, ...]:
    settlement = done.settlement
    log = logger(run=job.run.id, target=settlement.site.target.lock)
    with books.lock:
        news = Teller.of(settlement, books.ledger, set(ids), done.at).news()
    for item in news:
        deadline = item.outcome.expires_at
        late = (item.outcome.at - deadline).total_seconds() if deadline else None
        log.info("told", result=item.outcome.result, entry=item.outcome.request_id, late_seconds=late)
    return news


def _tidy(executor: Executor[Any], done: _Done, claims: Claims) -> _Done:
    """Clear away what earlier ends left behind; what stays is harmless, and the next sweep tries again."""
    try:
        return replace(done, tidied=executor.housekeeping(done.settlement.site.target, claims))
    except Exception as fault:
        return replace(done, untidy=str(fault) if isinstance(fault, TargetFault) else repr(fault))


def _untouched(item: Overdue, job: Job) -> News:
    """Tell of what was due and has no outcome: never approved, or nobody knows where it is in force."""
    finding, now = item.finding, job.clock()
    if finding.entry is None and _is_over(item, job):
        detail = messages.never_proven(finding.id, finding.doubt)
        return News(Outcome(finding.id, Result.REFUSED, detail, now, finding.deadline))
    detail = messages.unattributable(finding.id, item.fault or finding.doubt)
    return News(Outcome(finding.id, Result.FAILED, detail, now, finding.deadline), finding.entry)


def _is_over(item: Overdue, job: Job) -> bool:
    """Tell whether a file asks for nothing any more and never was approved, so that it can go."""
    finding = item.finding
    claimed = finding.claimed
    return finding.entry is None and claimed is not None and not claimed.is_live(job.clock())
