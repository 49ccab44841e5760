"""`python -m sandbox demo` plays the story and stops; `serve` keeps everything running to play with."""

from __future__ import annotations

import contextlib
import errno
import signal
import sys
import tempfile
import threading
from pathlib import Path

import click

from sandbox.company import open_company
from sandbox.demo import run

PORTS = {"slack": 8801, "jira": 8802, "github": 8803, "aws": 8804}


@click.group()
def main() -> None:
    """Sallyport on one machine, with no account anywhere."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@main.command()
def demo() -> None:
    """Play both requests from the slash command to the revert; fails if anything is not as it should be."""
    sys.exit(run())


@main.command()
@click.option("--lifetime", default="", help="Replace every default duration, e.g. 2m.")
@click.option("--http", is_flag=True, help="Signed HTTP requests instead of Socket Mode.")
def serve(lifetime: str, http: bool) -> None:
    """Keep everything running until Ctrl-C."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sallyport-")))
        try:
            company = stack.enter_context(open_company(folder, lifetime=lifetime, http=http, ports=PORTS))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            taken = ", ".join(str(port) for port in PORTS.values())
            raise click.ClickException(
                f"One of the ports {taken} is in use; is another sandbox running? Stop it first."
            ) from None
        click.echo("Slack   http://localhost:8801/   be Ana, Lee, Sam or Kim; /prod-access, /apiwhitelisting")
        click.echo("JIRA    http://localhost:8802/")
        click.echo("GitHub  http://localhost:8803/acme/infra")
        click.echo("AWS     http://localhost:8804/sandbox/aws")
        click.echo(f"Coordinator  {company.coordinator.url}/metrics   log {folder}/coordinator.log")
        command = company.coordinator.command(folder)
        click.echo(f"Operator     {command} queue, and every other command of the coordinator")
        click.echo("Ctrl-C stops everything.")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
