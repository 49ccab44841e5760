"""`coordinator audit`: prove the trail, and ask it what auditors ask."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from coordinator.audit.holding import Holding
    from coordinator.audit.trail import Trail


class _When(click.ParamType[datetime]):
    """A moment as a person types it."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        from sallyport.times import parse_when

        try:
            return value if isinstance(value, datetime) else parse_when(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def audit() -> None:
    """Prove the audit trail, and ask it who did and had what."""


@audit.command()
def verify() -> None:
    """Look for an edited, dropped, reordered or forged record: in the journal, in the sink, and between them."""
    from coordinator.audit import telling, verifying
    from coordinator.audit.sinks import DEFAULT, open_sink
    from sallyport.platforms.errors import PlatformError
    from sallyport.problems import Problems
    from sallyport.times import utc_now

    try:
        sink = open_sink(os.environ.get("AUDIT_URL") or DEFAULT, utc_now)
        report = verifying.verify(_trail(), sink)
    except (PlatformError, Problems) as error:
        raise click.ClickException(str(error)) from None
    for finding in report.findings:
        click.echo(telling.inert(finding), err=True)
    if report.findings:
        sys.exit(1)
    click.echo(telling.report(report))


@audit.command()
@click.argument("request_id")
def request(request_id: str) -> None:
    """Tell a request's story from its asking to its end."""
    from coordinator.audit.telling import story

    trail = _trail()
    facts = trail.journal.facts(request_id)
    if not facts:
        raise click.ClickException(f"there is no request “{request_id}”")
    for line in story(facts, trail.tickets(request_id).get(request_id, "")):
        click.echo(line)


@audit.command()
@click.option("--had", required=True, metavar="NAME", help="A permission set, account, API, or AWS target.")
@click.option("--at", required=True, type=_When(), help="A moment in UTC, or with its offset.")
def who(had: str, at: datetime) -> None:
    """Tell who had NAME at a moment, by whose approval, until when, and under which ticket."""
    from coordinator.audit.context import context_of
    from coordinator.audit.holding import folded, holdings, terms
    from coordinator.audit.telling import doubt, holding
    from sallyport.problems import nearest
    from sallyport.times import format_moment

    trail = _trail()
    known: dict[str, str] = {}
    found: list[Holding] = []
    newer: list[str] = []
    for request_id, chain in trail.chains():
        facts = [fact for fact, _ in chain]
        named = terms(context_of(facts))
        known |= named
        if folded(had) in named:
            found += holdings(facts, at)
            newer += [request_id] if not all(fact.is_known for fact in facts) else []
    if folded(had) not in known:
        raise click.ClickException(f"nobody ever asked for “{had}”; {nearest(had, known.values())}")
    tickets = trail.tickets() if found else {}
    for one in sorted(found, key=lambda one: (one.span.start, one.request_id)):
        click.echo(holding(one, tickets.get(one.request_id, "")))
    if not found:
        click.echo(f"Nobody had {had} at {format_moment(at)}.")
    if newer:
        click.echo(doubt(newer), err=True)


@audit.command()
@click.option("--csv", "form", flag_value="csv", help="A table for a spreadsheet.")
@click.option("--json", "form", flag_value="json", help="One record a line, as in the sink.")
@click.option("--since", type=_When(), help="From this moment on; UTC, or with its offset.")
@click.option("--until", type=_When(), help="Before this moment.")
def export(form: str | None, since: datetime | None, until: datetime | None) -> None:
    """Print the records of a time."""
    from coordinator.audit.tables import chosen, csv_lines, json_lines

    if form is None:
        raise click.UsageError("say --csv or --json")
    trail = _trail()
    records = chosen(trail, since, until)
    for line in csv_lines(records, trail.tickets()) if form == "csv" else json_lines(records):
        click.echo(line)


def _trail() -> Trail:
    from coordinator.audit.trail import Trail
    from coordinator.journal import Journal, open_store

    return Trail(Journal(open_store(os.environ.get("DATABASE_URL") or "sqlite:///sallyport.db")))
