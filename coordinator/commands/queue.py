"""`coordinator queue`: what waits outside and why; one effect tried again, or left alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from coordinator.queueing import Queue

_NAME = click.argument("name", metavar="REQUEST:EFFECT")
_BY = click.option("--as", "by", required=True, metavar="EMAIL", help="Who you are: it goes to the audit trail.")
_REASON = click.option("--reason", required=True, help="Why: it goes to the audit trail and the ticket.")


@click.group(invoke_without_command=True)
@click.pass_context
def queue(context: click.Context) -> None:
    """Print what is waiting to be done outside, since when, and why."""
    if context.invoked_subcommand is not None:
        return
    from coordinator.audit.telling import inert
    from coordinator.audit.trail import Trail
    from coordinator.queueing import line
    from sallyport.times import format_moment

    found = _queue()
    for waiting in found.waiting():
        click.echo(inert(line(waiting)))
    for kept in Trail(found.journal).anchors():
        if not kept.exported:
            click.echo(f"{format_moment(kept.anchor.at)}  anchor:{kept.anchor.day}  waits for the audit sink")


@queue.command()
@_NAME
@_BY
@_REASON
def retry(name: str, by: str, reason: str) -> None:
    """Have one effect tried at once, also one that was parked."""
    from coordinator.queueing import NotInQueue

    try:
        _queue().retry(name, by, reason)
    except NotInQueue as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{name} is due now.")


@queue.command()
@_NAME
@_BY
@_REASON
def park(name: str, by: str, reason: str) -> None:
    """Have one effect left alone until it is retried; what waits for it waits on."""
    from coordinator.queueing import NotInQueue

    try:
        _queue().park(name, by, reason)
    except NotInQueue as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{name} is parked. “coordinator queue retry {name}” takes it up again.")


def _queue() -> Queue:
    from coordinator.journal import Journal, open_store
    from coordinator.queueing import Queue
    from sallyport.times import utc_now

    return Queue(Journal(open_store(os.environ.get("DATABASE_URL") or "sqlite:///sallyport.db")), utc_now)
