"""The coordinator's command line. Each command imports what it needs, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

import click

from sallyport.problems import Problems


@click.group()
def main() -> None:
    """Self-service infrastructure from Slack: the service, and its operators' tools."""


@main.command()
def serve() -> None:
    """Run the coordinator until it is told to stop (SIGTERM, SIGINT)."""
    from coordinator.serving import run

    try:
        run(os.environ)
    except (Problems, ValueError) as error:
        raise click.ClickException(f"the coordinator cannot start:\n{error}") from None


@main.group()
def policies() -> None:
    """Look at the policies of this checkout."""


@policies.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path("policies"))
def check(folder: Path) -> None:
    """Check every policy file and print all problems in one pass."""
    from sallyport.policies import load_policies, read_folder

    try:
        loaded = load_policies(read_folder(folder))
    except Problems as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"{len(loaded.flows)} flows, {len(loaded.people.persons)} people: all policies hold together.")


@main.group()
def keys() -> None:
    """Make and publish the keys that attest entries."""


@keys.command()
def new() -> None:
    """Print a new private key for COORDINATOR_SIGNING_KEY."""
    from sallyport.attestations import new_key_pair

    click.echo(new_key_pair()[0], nl=False)


@keys.command()
@click.argument("private", type=click.File("r"), default="-")
def public(private: TextIO) -> None:
    """Print the public half of PRIVATE (a file, or standard input) for policies/keys/<id>.pem."""
    from sallyport.attestations import public_half

    click.echo(public_half(private.read()), nl=False)


@main.command()
def queue() -> None:
    """Print what is waiting to be done outside, since when, and why."""
    from coordinator.journal import Journal, open_store

    journal = Journal(open_store(os.environ.get("DATABASE_URL") or "sqlite:///sallyport.db"))
    for effect in journal.waiting():
        tail = f"  {effect.attempts} attempts: {effect.error}" if effect.error else ""
        click.echo(f"{effect.due:%Y-%m-%dT%H:%M:%SZ}  {effect.request_id}  {effect.name}{tail}")


@main.group()
def audit() -> None:
    """Read and prove the audit trail."""


@audit.command()
def verify() -> None:
    """Look for an edited, dropped or reordered fact in every request's chain."""
    from coordinator.journal import Journal, open_store
    from sallyport.audit import breaks

    journal = Journal(open_store(os.environ.get("DATABASE_URL") or "sqlite:///sallyport.db"))
    ids = journal.ids()
    found = [sentence for request_id in ids for sentence in breaks(journal.facts(request_id))]
    for sentence in found:
        click.echo(sentence, err=True)
    if found:
        sys.exit(1)
    click.echo(f"{len(ids)} requests: no fact was changed or dropped.")


@main.command()
@click.option("--request-url", default="", help="Address of /slack/events; leave it out for Socket Mode.")
def manifest(request_url: str) -> None:
    """Print the Slack app manifest for the flows of this checkout."""
    from coordinator.slack.manifest import manifest_yaml
    from sallyport.policies import load_policies, read_folder

    click.echo(manifest_yaml(load_policies(read_folder(Path("policies"))), request_url), nl=False)


if __name__ == "__main__":
    main()
