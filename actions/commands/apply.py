"""`actions apply`: makes one request's target what all live entries ask for.

What the dispatch says is only a claim: it must agree with the repository, or nothing is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from actions import messages
from actions.finish import finish
from actions.job import Job
from actions.ledger import Ledger
from actions.log import logger
from actions.planning import plan_text
from actions.reconcile import settle
from actions.records import BookRecord
from actions.registrar import Registrar
from actions.results import News, Teller, gathered
from actions.verification import Finding, target_of
from actions.workspace import Workspace
from sallyport.entries import Entry, parse_entry, path_of
from sallyport.outcomes import Outcome, Result
from sallyport.problems import Problems

_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Order:
    """What the workflow was started with."""

    request_id: str
    commit: str
    environment: str
    lock: str
    also: tuple[str, ...] = ()  # requests of the same target that wait with it; of no use if they are not


def run(job: Job, order: Order) -> int:
    """Apply the request and report; 1 unless it is in force and everybody has been told."""
    log = logger(request_id=order.request_id, run=job.run.id)
    books = job.books()
    finding = books.ledger.find(order.request_id)
    refusal = _refusal(order, finding, books.ledger, job)
    if refusal:
        log.warning("refused", reason=refusal.outcome.detail)
        return finish(job, books, [refusal], f"Apply {order.request_id}")
    [site] = books.ledger.sites(_known(finding))  # a dispatch is for one target, or it was refused
    record = BookRecord(books, Registrar(books, job.writer), job.make_executor, job.pause)
    settlement = settle(site, record, job.clock, order.request_id, job.pause)
    asked = {order.request_id, *(one for one in order.also if _waits_with(order, one, books.ledger, job))}
    told = _news(order, books.ledger, Teller.of(settlement, books.ledger, asked, job.clock()), job)
    news = [item.left_to_coordinator for item in gathered(told, books.ledger)]
    done = plan_text(settlement.plan) if settlement.plan else ""
    log.info("settled", plan=done, writes=len(settlement.plans), fault=settlement.fault)
    return finish(job, books, news, f"Apply {order.request_id}")


def _news(order: Order, ledger: Ledger, teller: Teller, job: Job) -> list[News]:
    """Return what there is to tell; of the request itself always something."""
    news = list(teller.news())
    if not any(item.outcome.request_id == order.request_id for item in news):
        finding = ledger.find(order.request_id)
        fault = teller.settlement.fault or messages.not_there(order.request_id)
        deadline = finding.deadline if finding else None
        outcome = Outcome(order.request_id, Result.FAILED, fault, job.clock(), deadline)
        news.append(News(outcome, finding.entry if finding else None, teller.settlement))
    return news


def _waits_with(order: Order, request_id: str, ledger: Ledger, job: Job) -> bool:
    """Tell whether the job is for this request too; where it is not, it says nothing of it.

    The coordinator starts another job for whom it hears nothing of.
    """
    finding, named = ledger.find(request_id), _known(ledger.find(order.request_id))
    if finding is None or finding.flow != named.flow:
        return False
    return _refusal(replace(order, request_id=request_id), finding, ledger, job) is None


def _refusal(order: Order, finding: Finding | None, ledger: Ledger, job: Job) -> News | None:
    """Say why the request is not to be applied at all; None if it is."""
    now = job.clock()
    entry = finding.entry if finding else None
    detail = ""
    if finding is None or not finding.present:
        detail = messages.not_there(order.request_id)
    elif finding.doubt or entry is None:
        detail = messages.refused_unproven(order.request_id, finding.doubt or "was never approved")
    else:
        what = messages.what_of(entry, ledger.policies.catalogue)
        if mismatch := _mismatch(order, entry, ledger, job.workspace):
            detail = messages.refused(what, mismatch)
        elif entry.grant and entry.is_early(now):
            detail = messages.not_before(what, entry.grant.at)
        elif entry.expires_at and not entry.is_live(now):
            detail = messages.expired_before(what, entry.expires_at)
    if not detail:
        return None
    outcome = Outcome(order.request_id, Result.REFUSED, detail, now, finding.deadline if finding else None)
    return News(outcome, entry)


def _mismatch(order: Order, entry: Entry, ledger: Ledger, workspace: Workspace) -> str:
    """Say in what the dispatch does not agree with the repository; empty if in nothing."""
    head = ledger.snapshot.commit
    if not (_SHA.fullmatch(order.commit) and workspace.is_ancestor(order.commit, head)):
        return f"the job was started for the commit “{order.commit}”, which is not on the main branch"
    content = workspace.file(order.commit, path_of(entry.flow, entry.id))
    if content is None:
        return f"the job was started for the commit {order.commit[:12]}, which does not hold {entry.path}"
    try:
        then = parse_entry(content, entry.path, ledger.policies.schemas)
    except Problems as problems:
        return f"its file at the commit {order.commit[:12]} cannot be read: {problems.problems[0]}"
    return _named_wrong(order, then, ledger) or _named_wrong(order, entry, ledger)


def _named_wrong(order: Order, entry: Entry, ledger: Ledger) -> str:
    if entry.environment != order.environment:
        return f"the job was started for {order.environment}, and it is for {entry.environment}"
    try:
        lock = target_of(entry, ledger.policies.catalogue).lock
    except LookupError as error:
        return str(error)
    if lock != order.lock:
        return f"the job holds the lock “{order.lock}”, and its target is {lock}"
    return ""


def _known(finding: Finding | None) -> Finding:
    if finding is None:
        raise ValueError("a request that is not refused has a finding")
    return finding
