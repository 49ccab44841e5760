"""From the press of Approve to the dispatch that GitHub gets: our own time, and the outside calls.

The time that GitHub's stand-in takes for the commit is taken off; Slack's, which delivers the press, is not.
Run by hand: python -m benchmarks.decision [--requests 20]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import click

from sandbox.company import open_company
from sandbox.faults import Faults


@click.command()
@click.option("--requests", default=20)
def main(requests: int) -> None:
    """Approve one request after the other, with the jobs' own work left out."""
    with tempfile.TemporaryDirectory() as folder, open_company(Path(folder)) as company:
        ana, lee = company.slack.person("ana"), company.slack.person("lee")
        own, calls = [], []
        github = company.github.faults
        for number in range(requests):
            ana.types(f"/prod-access benchmark {number}", channel="infra-requests")
            card = lee.sees(f"benchmark {number}", timeout=30)
            github.calls.clear()
            github.seconds.clear()
            pressed = time.monotonic()
            card.press("Approve production access")
            sent = _dispatched(github)
            theirs = sum(github.seconds)
            own.append((sent - pressed - theirs) * 1000)
            calls.append([f"{method} {path.rsplit('/', 1)[-1]}" for method, path in github.calls])
            company.github.wait_idle(60)
            time.sleep(1)  # the coordinator learns that the job is over, and tells everybody
        click.echo(
            f"own time: median {statistics.median(own):.0f} ms, min {min(own):.0f} ms, max {max(own):.0f} ms"
        )
        for made in calls:
            click.echo(f"calls to GitHub: {', '.join(made)}")


def _dispatched(github: Faults) -> float:
    """Wait for the dispatch and return when it came in."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(path.endswith("/dispatches") for _, path in list(github.calls)):
            return time.monotonic()
        time.sleep(0.001)
    raise TimeoutError("no dispatch came")


if __name__ == "__main__":
    main()
