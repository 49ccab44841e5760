"""`actions plan`: what would be done at every target, or at those of some requests. It writes nothing."""

from __future__ import annotations

from collections.abc import Collection

import click

from actions.executors.protocol import TargetFault
from actions.job import Job
from actions.ledger import Ledger
from actions.markdown import inert
from actions.planning import plan_markdown
from actions.verification import Finding, Site


def run(job: Job, request_ids: Collection[str]) -> int:
    """Print the plans as Markdown; a target that cannot be planned does not keep others from it."""
    ledger = job.books().ledger
    sites, failed = _sites(ledger, request_ids)
    parts = [f"⛔ {inert(reason)}\n" for reason in failed]
    for site in sites:
        try:
            parts.append(_plan(job, ledger, site))
        except TargetFault as fault:
            failed.append(str(fault))
            parts.append(f"#### {inert(site.target.lock)}\n\n🔴 {inert(str(fault))}\n")
    text = "\n".join(parts) or "Nothing is in force, and nothing is asked for.\n"
    click.echo(text)
    job.runner.summarise(text)
    return 1 if failed else 0


def _plan(job: Job, ledger: Ledger, site: Site) -> str:
    claims = ledger.claims(site, job.clock())
    executor = job.make_executor(site.flow, ledger.policies)
    state = executor.observe(site.target, claims)
    return plan_markdown(executor.plan(site.target, state, claims))


def _sites(ledger: Ledger, request_ids: Collection[str]) -> tuple[list[Site], list[str]]:
    """Return the targets to plan, each once, and a sentence for each entry that has none."""
    sites: dict[Site, None] = {}
    problems = [f"{one} is not in the repository." for one in request_ids if ledger.find(one) is None]
    for finding in _findings(ledger, request_ids):
        try:
            sites |= dict.fromkeys(ledger.sites(finding))
        except LookupError as error:
            problems.append(f"{finding.id} has no target: {error}.")
    return list(sites), problems


def _findings(ledger: Ledger, request_ids: Collection[str]) -> list[Finding]:
    if request_ids:
        return [finding for finding in map(ledger.find, request_ids) if finding]
    return [finding for flow in ledger.policies.flows for finding in ledger.findings(flow)]
