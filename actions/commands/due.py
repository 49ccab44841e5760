"""`actions due`: what has ended and still has files, as the matrix of the jobs that take it back."""

from __future__ import annotations

import json
from collections.abc import Collection

import click

from actions.job import Job
from actions.runner import one_line
from actions.sweep import Overdue, Sweep


def run(job: Job, request_ids: Collection[str]) -> int:
    """Output `accesses`, one for each role and pace with something to take back or to look at again, and `any`."""
    sweep = Sweep(job.workspace, job.books)
    overdue, undone = sweep.overdue(job.clock(), request_ids), sweep.undone(job.clock())
    accesses = list({_access(item): None for item in (*overdue, *undone)})
    for item in overdue:
        click.echo(one_line(f"{item.finding.id} is due: {item.why}"))
    for item in undone:
        click.echo(one_line(f"{item.finding.id} is looked at: {item.why}"))
    if not accesses:
        click.echo("Nothing is due.")
    names = ("environment", "role", "region", "account", "pace")
    rows = [dict(zip(names, access, strict=True)) for access in accesses]
    job.runner.put({"accesses": json.dumps(rows), "any": "true" if rows else "false"})
    return 0


def _access(item: Overdue) -> tuple[str, str, str, str, str]:
    return item.environment, item.access.role, item.access.region, item.access.account, item.pace.value
