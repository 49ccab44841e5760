"""`actions target`: which role a request's job must assume, for the step that does it.

It decides nothing: a request that cannot be applied has no role here, and `actions apply` says why.
"""

from __future__ import annotations

import click

from actions.job import Job
from actions.runner import one_line


def run(job: Job, request_id: str, commit: str) -> int:
    """Print and output role, region and account; all are empty where there is nothing to apply."""
    ledger = job.books().ledger
    finding = ledger.find(request_id)
    facts = {"role": "", "region": "", "account": ""}
    known = job.workspace.is_ancestor(commit, ledger.snapshot.commit)
    if finding is None or not known or not finding.is_wanted(job.clock()):
        click.echo(one_line(f"{request_id}: there is nothing to apply; “actions apply” says why."))
    else:
        access = next(iter(ledger.sites(finding))).target.access
        facts = {"role": access.role, "region": access.region, "account": access.account}
        click.echo(one_line(f"{request_id}: {access.role} in {access.region}"))
    job.runner.put(facts)
    return 0
