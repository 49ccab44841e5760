"""`actions watched`: which roles look at what the catalogue names, and which may mend it, as matrices of jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from actions import drift_words
from actions.drift_looking import managed_sites
from actions.job import Job
from actions.runner import one_line
from actions.verification import Site
from sallyport.flows import OnDrift


def run(job: Job) -> int:
    """Output `readers` and `menders`, one for each environment and role, and `looks` and `mends`: whether any."""
    books = job.books()
    flows = books.ledger.policies.flows
    sites = managed_sites(job, books, flows)
    for flow, environment in sorted({(s.flow, s.target.environment) for s in sites if not s.target.access.reader}):
        click.echo(one_line(drift_words.no_reader(environment, flow)))
    seen = [site for site in sites if site.target.access.reader]
    readers = _rows((site, site.target.access.reader) for site in seen)
    mended = [site for site in seen if flows[site.flow].drift is OnDrift.REPAIR]
    menders = _rows((site, site.target.access.role) for site in mended)
    job.runner.put(
        {
            "readers": json.dumps(readers),
            "looks": "true" if readers else "false",
            "menders": json.dumps(menders),
            "mends": "true" if menders else "false",
        }
    )
    click.echo(f"{len(seen)} of {len(sites)} targets are looked at, and {len(mended)} may be mended.")
    return 0


def _rows(sites: Iterable[tuple[Site, str]]) -> list[dict[str, str]]:
    rows = [(s.target.environment, role, s.target.access.region, s.target.access.account) for s, role in sites]
    names = ("environment", "role", "region", "account")
    return [dict(zip(names, row, strict=True)) for row in dict.fromkeys(rows)]
