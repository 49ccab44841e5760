"""The end of every job that changes AWS: tell everybody, then remove the files of what was taken back.

Telling comes first, so that a job that dies in between tells twice rather than never.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import click

from actions import messages
from actions.books import Books
from actions.ends import ends
from actions.escalating import escalations
from actions.job import Job
from actions.records import close
from actions.reporting import Reporter
from actions.results import News
from actions.runner import one_line
from actions.telling import summary_markdown
from actions.workspace import WorkspaceFault
from sallyport.outcomes import Result
from sallyport.platforms.errors import PlatformError
from sallyport.problems import Problems


def finish(
    job: Job,
    books: Books,
    news: Sequence[News],
    title: str,
    remove: Collection[tuple[str, str]] = (),
    faults: Sequence[str] = (),
) -> int:
    """Report *news*, and remove the files of reverted entries and of *remove*; return the exit code.

    *faults* are sentences about what already went wrong beside the entries.
    """
    warning = books.ledger.snapshot.warning
    summary = summary_markdown(title, news, [warning] if warning else [])
    job.runner.summarise(summary)
    for item in news:
        click.echo(one_line(f"{item.outcome.request_id}: {item.outcome.result}: {item.outcome.detail}"))
    reporter = Reporter(job.channels, job.writer, job.run.id, job.run.url, job.sha, job.pause, job.clock)
    faults = [*faults, *reporter.report(news, summary), *_advanced(job, books, news)]
    faults += [fault for found in ends(news, books.ledger.policies) for fault in reporter.announce(found)]
    faults += [fault for text in escalations(job, news) for fault in reporter.alert(*text)]
    faults += _removed(job, books, [*remove, *_reverted(news)], reporter)
    for fault in faults:
        click.echo(one_line(fault), err=True)
    job.runner.summarise("".join(f"\n> 🔴 {fault}\n" for fault in map(one_line, faults)))
    job.runner.summarise(reporter.links(news))
    bad = any((item.told or item.left) and not item.outcome.result.good for item in news)
    return 1 if bad or faults else 0


def _reverted(news: Sequence[News]) -> list[tuple[str, str]]:
    ended = (n for n in news if n.whole and n.outcome.result is Result.REVERTED)
    return [(n.entry.flow, n.entry.id) for n in ended if n.entry]


def _advanced(job: Job, books: Books, news: Sequence[News]) -> list[str]:
    """Bring the tickets of what came by pull requests to their status; the coordinator keeps its own."""
    faults = []
    for item in news:
        if job.tickets and item.entry and item.entry.attestation is None and item.whole:
            try:
                job.tickets.advance(item.entry, item.outcome.result, books.ledger.policies)
            except PlatformError as error:
                faults.append(messages.not_told(f"the ticket {item.entry.ticket}", item.entry.id, str(error)))
    return faults


def _removed(job: Job, books: Books, ended: Collection[tuple[str, str]], reporter: Reporter) -> list[str]:
    if not ended:
        return []
    try:
        fault = close(books, job.writer, ended, job.pause)
    except (WorkspaceFault, Problems) as error:
        fault = str(error)
    if not fault:
        return []
    sentence = messages.not_removed(", ".join(sorted(one for _, one in ended)), fault)
    return [sentence, *reporter.alert("files-not-removed", sentence)]
