"""`actions plan --base`: what the merge of a pull request would do in AWS, as one comment that is kept up to date.

It only reads AWS, with a role that can do no more. Entries are planned as if everybody who may review them had.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import click

from actions import previewing
from actions.books import Books
from actions.coverage import CHECK_BYTES, CHECK_NAME, shown_of
from actions.events import PullEvent
from actions.executors.protocol import Plan, TargetFault
from actions.job import Job
from actions.ledger import Ledger
from actions.previewing import Preview
from actions.pushes import entries_of
from actions.telling import check_summary
from actions.verification import Finding, Site
from sallyport.entries import FOLDER, path_of


@dataclass(frozen=True, slots=True)
class View:
    """What one job looks at: what the pull request changes in this environment, with this read-only role."""

    base: str
    environment: str
    role: str


def run(job: Job, pull: PullEvent, view: View) -> int:
    """Plan, and show it in the pull request; 1 if a target could not be planned."""
    findings, ledger = changed_findings(job, job.books(), view.base)
    preview = _preview(job, ledger, [finding for finding in findings if _is_in(finding, ledger, view)], view)
    body = previewing.comment(preview, pull, view.environment, job.run.url)
    click.echo(body)
    job.runner.summarise(body)
    shown = shown_of(preview.plans)
    text = shown.dump()
    if len(text.encode()) <= CHECK_BYTES:
        title = f"Plan {shown.digest} in {view.environment}"
        summary = check_summary(body, CHECK_BYTES)
        conclusion = "failure" if preview.faults else "success"
        job.writer.check_run(
            CHECK_NAME, pull.head, job.run.id, conclusion, title, summary, text, job.run.url or None
        )
    job.writer.put_comment(pull.number, f"sallyport-plan:{view.environment}", body)
    return 1 if preview.faults else 0


def changed_findings(job: Job, books: Books, base: str) -> tuple[list[Finding], Ledger]:
    """Return what is known of the entries that HEAD changed since *base*, as if all that may be reviewed were."""
    changed = job.workspace.changed(base, "HEAD", f"{FOLDER}/")
    entries = entries_of(changed, books.ledger)
    ledger = books.assuming(frozenset(path_of(flow, one) for flow, one in entries), job.clock())
    return [ledger.finding(flow, one) for flow, one in entries], ledger


def readers(job: Job, base: str) -> list[dict[str, str]]:
    """Return the environments that a pull request touches, with the roles that may look at them."""
    findings, ledger = changed_findings(job, job.books(), base)
    sites = {site: None for finding in findings for site in _sites(finding, ledger)}
    rows = [(s.target.environment, s.target.access.reader, s.target.access.region) for s in sites]
    names = ("environment", "role", "region")
    return [dict(zip(names, row, strict=True)) for row in dict.fromkeys(rows) if row[1]]


def _sites(finding: Finding, ledger: Ledger) -> Collection[Site]:
    try:
        return ledger.sites(finding)
    except LookupError:
        return ()


def _is_in(finding: Finding, ledger: Ledger, view: View) -> bool:
    """Tell whether a finding is this job's to show; what has no target is everybody's."""
    sites = _sites(finding, ledger)
    return not sites or any(_is_seen(site, view) for site in sites)


def _is_seen(site: Site, view: View) -> bool:
    return (site.target.environment, site.target.access.reader) == (view.environment, view.role)


def _preview(job: Job, ledger: Ledger, findings: Collection[Finding], view: View) -> Preview:
    sites: dict[Site, list[str]] = {}
    for finding in findings:
        for site in _sites(finding, ledger):
            if _is_seen(site, view):
                sites.setdefault(site, []).append(finding.id)
    plans: list[Plan[Any]] = []
    faults: dict[str, str] = {}
    for site, ids in sites.items():
        try:
            plans.append(_plan(job, ledger, site, ids))
        except TargetFault as fault:
            faults[site.target.lock] = str(fault)
    return Preview(tuple(findings), tuple(plans), faults, ledger.policies)


def _plan(job: Job, ledger: Ledger, site: Site, ids: Iterable[str]) -> Plan[Any]:
    claims = ledger.claims(site, job.clock(), ids)
    executor = job.make_executor(site.flow, ledger.policies)
    return executor.plan(site.target, executor.observe(site.target, claims), claims)
