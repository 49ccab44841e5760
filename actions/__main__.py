"""The command line of the jobs: `python -m actions …`.

Each command imports what it needs when it runs, so that help and a sweep with nothing to do cost next to nothing.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from actions.job import Job

REQUEST = "--request-id"


@click.group()
def main() -> None:
    """Make AWS match the approved requests in this checkout of the main branch."""


@main.command()
@click.argument("paths", nargs=-1)
@click.option("--base", default="", help="A commit: check what HEAD changed since it left that commit.")
def validate(paths: tuple[str, ...], base: str) -> None:
    """Check policies and entries: all problems in one pass.

    PATHS are files or folders below policies/ and requests/; without any and without --base, everything is
    checked.
    """
    from actions.commands.validate import run

    _read(lambda job: run(job, paths, base))


@main.command()
@click.argument("flow")
@click.option("--requested-by", required=True, help="Your e-mail address.")
def new(flow: str, requested_by: str) -> None:
    """Write a commented example of an entry of FLOW, for a pull request."""
    from actions.commands.new import new

    _read(lambda job: new(job, flow, requested_by))


@main.command(name="import")
@click.argument("flow")
@click.option("--csv", "table", required=True, type=click.Path(path_type=Path), help="A table: one change a row.")
@click.option("--requested-by", required=True, help="Your e-mail address.")
@click.option("--environment", required=True, help="The environment of all of them.")
@click.option("--reason", required=True, help="Why they are needed.")
def import_(flow: str, table: Path, requested_by: str, environment: str, reason: str) -> None:
    """Write entries of FLOW from a table, for a pull request.

    The columns are the fields of the flow's form.
    """
    from actions.commands.new import import_table

    _read(lambda job: import_table(job, flow, table, requested_by, environment, reason))


@main.command()
@click.option(REQUEST, required=True, help="The id of the request.")
@click.option("--commit", required=True, help="The commit that brought its entry.")
def target(request_id: str, commit: str) -> None:
    """Output a request's role, region and account."""
    from actions.commands.target import run

    _read(lambda job: run(job, request_id, commit))


@main.command()
@click.option(REQUEST, "request_ids", multiple=True, help="Plan only this request's target; may be repeated.")
@click.option("--base", default="", help="A commit: show in the pull request what merging HEAD into it would do.")
@click.option("--environment", default="", help="With --base: the environment to plan.")
@click.option("--role", default="", help="With --base: the read-only role this job has assumed.")
def plan(request_ids: tuple[str, ...], base: str, environment: str, role: str) -> None:
    """Show what would be done at every target; nothing is written."""
    from actions.commands import plan, preview

    def command(job: Job) -> int:
        if not base:
            return plan.run(job, request_ids)
        if job.pull is None:
            raise click.UsageError("--base is for the job of a pull request")
        return preview.run(job, job.pull, preview.View(base, environment, role))

    _read(command)


@main.command()
@click.option("--environment", required=True, help="An environment of the catalogue's infrastructure.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of Markdown.")
@click.option("--channel", default="", help="Where in Slack the picture is to stand; needs --message.")
@click.option("--message", default="", help="The message (its ts) that the picture takes the place of.")
@click.option("--offers", default="", help="The buttons under it, such as “start look”.")
@click.option("--coming", default="", help="What the coordinator knows of the stop that comes next.")
def status(environment: str, channel: str, message: str, offers: str, coming: str, *, as_json: bool) -> None:
    """Show how an environment is now: services, databases, and what keeps it stopped."""
    from actions.commands.status import Picture, run
    from sallyport.coming import read_coming
    from sallyport.offers import read_offers

    if bool(channel) != bool(message):
        raise click.UsageError("--channel and --message belong together")
    try:
        picture = Picture(channel, message, read_offers(offers), read_coming(coming)) if channel else None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _look(lambda job: run(job, environment, as_json=as_json, picture=picture))


@main.command()
@click.option("--environment", required=True, help="An environment of policies/environments.yaml.")
def reader(environment: str) -> None:
    """Output the role that looks at an environment, and its region."""
    from actions.commands.status import place

    _read(lambda job: place(job, environment))


@main.command()
@click.option("--environment", required=True, help="An environment that has an allow list.")
@click.option("--lock", required=True, help="The lock the job holds.")
@click.option("--channel", default="", help="The Slack channel of the message to put the answer into.")
@click.option("--message", default="", help="The message (its ts) that the answer takes the place of.")
def refresh(environment: str, lock: str, channel: str, message: str) -> None:
    """Compare an environment's allow list with all live requests, mend it, and say what differed."""
    from actions.commands.refresh import Answer, run

    if bool(channel) != bool(message):
        raise click.UsageError("--channel and --message belong together")
    answer = Answer(channel, message) if channel else None
    _write(lambda job: run(job, environment, lock, answer))


@main.command(name="allow-list")
@click.option("--environment", required=True, help="An environment that has an allow list.")
def allow_list(environment: str) -> None:
    """Output the role that writes an environment's allow list, and its region."""
    from actions.commands.refresh import place

    _read(lambda job: place(job, environment))


@main.command()
@click.option(REQUEST, required=True, help="The id of the request.")
@click.option("--commit", required=True, help="The commit that brought its entry.")
@click.option("--environment", required=True, help="The environment the job was started for.")
@click.option("--lock", required=True, help="The lock the job holds.")
@click.option("--also", default="", help="The ids of requests of the same target that wait with it.")
def apply(request_id: str, commit: str, environment: str, lock: str, also: str) -> None:
    """Apply a request, read it back, tell everybody.

    Its target becomes what all live entries ask for, never just this one.
    """
    from actions.commands.apply import Order, run

    _write(lambda job: run(job, Order(request_id, commit, environment, lock, tuple(also.split()))))


@main.command()
@click.option("--before", required=True, help="The commit that main was at before the push.")
@click.option("--after", required=True, help="The commit that the push brought.")
def record(before: str, after: str) -> None:
    """Hold what a push brought against its reviews, and record it.

    Opens the tickets, refuses what nobody approved, and outputs which roles have something to do.
    """
    from actions.commands.record import run
    from actions.pushes import Push

    _write(lambda job: run(job, Push(before, after)))


@main.command()
@click.option("--before", required=True, help="The commit that main was at before the push.")
@click.option("--after", required=True, help="The commit that the push brought.")
@click.option("--environment", required=True, help="The environment whose entries to apply.")
@click.option("--role", required=True, help="The role this job has assumed.")
def merged(before: str, after: str, environment: str, role: str) -> None:
    """Apply exactly what a push brought, each target once.

    Only what the role of this job can change.
    """
    from actions.commands.expire import Share
    from actions.commands.merged import run
    from actions.pushes import Push

    _write(lambda job: run(job, Push(before, after), Share(environment, role)))


@main.command()
@click.option(REQUEST, default="", help="Look at this request too, even if its file is gone.")
def due(request_id: str) -> None:
    """Output which roles have something to take back."""
    from actions.commands.due import run

    _read(lambda job: run(job, _ids(request_id)))


@main.command()
@click.option("--environment", required=True, help="The environment whose entries to take back.")
@click.option("--role", required=True, help="The role this job has assumed.")
@click.option(REQUEST, default="", help="Look at this request too, even if its file is gone.")
@click.option(
    "--pace", type=click.Choice(["quick", "slow"]), help="Only what ends quickly, or only what does not."
)
def expire(environment: str, role: str, request_id: str, pace: str | None) -> None:
    """Take back what is due, read it back, tell everybody.

    Only what the role of this job can take back; the files of what has ended are removed.
    """
    from actions.commands.expire import Share, run
    from actions.sweep import Pace

    only = Pace(pace) if pace else None
    _write(lambda job: run(job, Share(environment, role, _ids(request_id), only)))


@main.command()
def watched() -> None:
    """Output which roles look at what the catalogue names, and which may mend it."""
    from actions.commands.watched import run

    _read(run)


@main.command()
@click.option("--environment", default="", help="Only the targets of this environment.")
@click.option("--role", default="", help="Only the targets where this role works or looks.")
@click.option("--again-after", default="60s", help="When to look again at what differs, e.g. 60s.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--report", "mode", flag_value="report", help="Keep tickets of the findings, and alert.")
@click.option("--repair", "mode", flag_value="repair", help="Mend what policy says and an earlier report told.")
def drift(environment: str, role: str, again_after: str, mode: str | None, *, as_json: bool) -> None:
    """Show where AWS differs from what the live entries ask for; nothing is written unless asked for."""
    from actions.commands.drift import Scope, repair, report, show
    from actions.job import surveying
    from sallyport.times import parse_duration

    try:
        scope = Scope(environment, role, parse_duration(again_after).total_seconds())
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if mode is None:
        _read(lambda job: show(surveying(job), scope, as_json=as_json))
    else:
        command = repair if mode == "repair" else report
        _write(lambda job: command(surveying(job), scope))


def _ids(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _read(command: Callable[[Job], int]) -> None:
    from actions.job import reading_job

    _run(lambda: command(reading_job(os.environ)))


def _look(command: Callable[[Job], int]) -> None:
    from actions.job import looking_job

    _run(lambda: command(looking_job(os.environ)))


def _write(command: Callable[[Job], int]) -> None:
    from actions.job import writing_job

    _run(lambda: command(writing_job(os.environ)))


def _run(command: Callable[[], int]) -> None:
    """Run a command; what a person can mend is said in a sentence, without a traceback."""
    from actions.workspace import WorkspaceFault
    from sallyport.problems import Problems

    gc.freeze()
    gc.set_threshold(50_000)  # reading YAML makes many objects and no circles: looking for them is a quarter of it
    try:
        code = command()
    except (Problems, WorkspaceFault) as fault:
        click.echo(str(fault), err=True)
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main(prog_name="actions")
