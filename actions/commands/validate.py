"""`actions validate`: every problem of policies and entries in one pass, where GitHub shows it in the diff.

In a pull request it looks at what the request changes, and also says which reviews are still missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import click

from actions.befores import SUFFIX as BEFORE
from actions.checking import Report, check
from actions.events import PullEvent
from actions.job import Job
from actions.judging import Seen
from actions.markdown import inert, table
from actions.runner import ANNOTATIONS, annotation, notice, one_line
from actions.workspace import WorkspaceFault
from sallyport.entries import FOLDER as REQUESTS
from sallyport.policies import FOLDER as POLICIES
from sallyport.problems import Place, Problem, Problems


def run(job: Job, paths: Sequence[str], base: str = "") -> int:
    """Print every problem; the first ten become annotations too, since GitHub shows no more of a step.

    With *base*, a commit, what HEAD changed since it left that commit is looked at.
    """
    changed = job.workspace.changed(base, "HEAD", POLICIES, REQUESTS) if base else {}
    asked = [*paths, *changed] if paths or base else [POLICIES, REQUESTS]
    report = check(job.workspace.root, asked, job.clock(), _seen(job))
    problems = Problems([*report.problems, *_records(changed)]).problems
    for problem in (*problems, *report.missing):
        click.echo(one_line(str(problem)))
    if job.runner.annotates:
        for line in [*map(annotation, problems[:ANNOTATIONS]), *map(notice, report.missing[:ANNOTATIONS])]:
            click.echo(line)
    verdict = _verdict(report, len(problems))
    click.echo(verdict)
    job.runner.summarise(_markdown(verdict, problems, report.missing))
    if base and job.pull:
        _offer_plan(job, job.pull, base)
    return 1 if problems else 0


def _offer_plan(job: Job, pull: PullEvent, base: str) -> None:
    """Output which roles can plan what the pull request changes, or say why none can."""
    from actions.commands.preview import readers  # it brings GitHub's client: a third of what all of it takes
    from actions.previewing import not_planned

    try:
        rows = readers(job, base)
    except (Problems, WorkspaceFault) as fault:
        rows, why = [], f"No plan was made: {fault}"
    else:
        why = not_planned(pull, has_role=bool(rows))
    if why:
        click.echo(one_line(why))
        job.runner.summarise(f"\n> {inert(why)}\n")
    job.runner.put({"readers": json.dumps(rows), "plans": "false" if why else "true"})


def _seen(job: Job) -> Seen | None:
    """Return the pull request that is being checked, as far as it has been reviewed; None where there is none."""
    if job.pull is None:
        return None
    reviews = job.github.reviews(job.pull.number) if job.github else ()
    return Seen(job.pull.as_seen, reviews)


def _records(changed: Iterable[str]) -> list[Problem]:
    what, mend = "records of what was there before are written by jobs alone", "leave it as it is on main"
    return [Problem(what, mend, Place(path, 1, 1)) for path in changed if path.endswith(BEFORE)]


def _verdict(report: Report, count: int) -> str:
    looked = f"{report.entries} entr{'y' if report.entries == 1 else 'ies'}"
    looked = f"policies and {looked}" if report.with_policies else looked
    found = f"{count} problem{'' if count == 1 else 's'} in {looked}." if count else f"No problem in {looked}."
    waiting = len(report.missing)
    return f"{found} {waiting} still need{'s' if waiting == 1 else ''} a review." if waiting else found


def _markdown(verdict: str, problems: Sequence[Problem], missing: Sequence[Problem]) -> str:
    parts = [f"### Validation\n\n{inert(verdict)}"]
    if problems:
        parts.append(table(("Where", "What", "How to mend it"), map(_row, problems)))
    if missing:
        parts.append(table(("Where", "What reviews have to add", "Who"), map(_row, missing)))
    return "\n\n".join(parts) + "\n"


def _row(problem: Problem) -> tuple[str, str, str]:
    return inert(str(problem.place or problem.field)), inert(problem.what), inert(problem.mend)
