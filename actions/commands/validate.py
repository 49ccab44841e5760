"""`actions validate`: every problem of policies and entries in one pass, where GitHub shows it in the diff."""

from __future__ import annotations

from collections.abc import Sequence

import click

from actions.checking import Report, check
from actions.job import Job
from actions.markdown import inert, table
from actions.runner import ANNOTATIONS, annotation, one_line
from sallyport.problems import Problem


def run(job: Job, paths: Sequence[str]) -> int:
    """Print every problem; the first ten become annotations too, since GitHub shows no more of a step."""
    report = check(job.workspace.root, paths, job.clock())
    for problem in report.problems:
        click.echo(one_line(str(problem)))
    if job.runner.annotates:
        for problem in report.problems[:ANNOTATIONS]:
            click.echo(annotation(problem))
    click.echo(_verdict(report))
    job.runner.summarise(_markdown(report))
    return 1 if report.problems else 0


def _verdict(report: Report) -> str:
    count = len(report.problems)
    looked = f"{report.entries} entr{'y' if report.entries == 1 else 'ies'}"
    looked = f"policies and {looked}" if report.with_policies else looked
    return f"{count} problem{'' if count == 1 else 's'} in {looked}." if count else f"No problem in {looked}."


def _markdown(report: Report) -> str:
    text = f"### Validation\n\n{_verdict(report)}\n"
    return (
        f"{text}\n{table(('Where', 'What', 'How to mend it'), map(_row, report.problems))}\n"
        if report.problems
        else text
    )


def _row(problem: Problem) -> tuple[str, str, str]:
    return inert(str(problem.place or problem.field)), inert(problem.what), inert(problem.mend)
