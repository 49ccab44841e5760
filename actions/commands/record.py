"""`actions record`: the first look at what a push brought. It changes nothing in AWS.

What reviews prove is recorded, with a ticket for each file; what they do not is refused, loudly. It outputs which
roles have something to do, so that a push of the coordinator's own commits starts no further job.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from actions import messages
from actions.books import Books
from actions.finish import finish
from actions.job import Job
from actions.log import logger
from actions.pushes import Push, Pushed, read_push
from actions.recording import record
from actions.results import News
from actions.verification import Finding
from sallyport.entries import path_of
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import PlatformError


def run(job: Job, push: Push) -> int:
    """Record, refuse, and output `any` and `accesses`; 1 if anything was refused or could not be recorded."""
    books = job.books()
    pushed = read_push(push, books.ledger, job.workspace, job.clock())
    log = logger(run=job.run.id, before=push.before, after=push.after)
    log.info("read", proven=len(pushed.proven), refused=len(pushed.refused), removed=len(pushed.removed))
    faults = _recorded(job, books, pushed.proven)
    news = [_refusal(job, finding) for finding in pushed.refused]
    news += [_unasked(job, finding) for finding in pushed.removed if _is_unasked(job, books, push, finding)]
    job.runner.put(_outputs(books, pushed))
    return finish(job, books, news, f"Push {push.after[:12]}", faults=faults)


def _recorded(job: Job, books: Books, findings: Sequence[Finding]) -> list[str]:
    """Open the tickets and commit what is known now; return a sentence for each thing that could not be done."""
    fresh = [finding for finding in findings if finding.pull and _is_incomplete(job, finding)]
    tickets: dict[str, str] = {}
    faults = []
    for finding in fresh:
        if job.tickets and finding.entry and finding.pull:
            try:
                tickets[finding.id] = job.tickets.open(finding.entry, finding.pull, books.ledger.policies)
            except PlatformError as error:
                faults.append(messages.no_ticket(finding.id, str(error)))
    if fresh and (fault := record(books, job.writer, fresh, tickets, job.pause)):
        faults.append(messages.not_recorded(", ".join(finding.id for finding in fresh), fault))
    return faults


def _is_incomplete(job: Job, finding: Finding) -> bool:
    """Tell whether something is missing in its file: what the reviews made of it, or a ticket."""
    has_ticket = not job.tickets or not finding.entry or finding.entry.ticket
    return not (finding.recorded and has_ticket)


def _refusal(job: Job, finding: Finding) -> News:
    result = Result.FAILED if finding.fault else Result.REFUSED
    detail = messages.refused_unproven(finding.id, finding.doubt)
    return News(Outcome(finding.id, result, detail, job.clock(), finding.deadline))


def _is_unasked(job: Job, books: Books, push: Push, finding: Finding) -> bool:
    """Tell whether a file was deleted without a pull request: access ends all the same, but not quietly."""
    path = path_of(finding.flow, finding.id)
    [commit, *_] = job.workspace.landings(f"{push.before}..{push.after}", path, "D")[path]
    try:
        return books.landing(commit) is None
    except PlatformError:
        return True


def _unasked(job: Job, finding: Finding) -> News:
    detail = messages.deleted_unasked(finding.id)
    return News(Outcome(finding.id, Result.REFUSED, detail, job.clock(), finding.deadline))


def _outputs(books: Books, pushed: Pushed) -> dict[str, str]:
    accesses = {}
    for finding in pushed.to_settle:
        for site in books.ledger.sites(finding):
            access = site.target.access
            accesses[site.target.environment, access.role] = {
                "environment": site.target.environment,
                "role": access.role,
                "region": access.region,
                "account": access.account,
            }
    return {"accesses": json.dumps(list(accesses.values())), "any": "true" if accesses else "false"}
