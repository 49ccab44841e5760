"""From the press of Approve to the dispatched job: our own time, without the stand-ins', and the outside calls.

Run by hand: python -m benchmarks.decision [--requests 20]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from sandbox.company import Company, open_company
from sandbox.github import Run


@click.command()
@click.option("--requests", default=20)
def main(requests: int) -> None:
    """Approve one request after the other, with the jobs' own work left out."""
    with tempfile.TemporaryDirectory() as folder, open_company(Path(folder)) as company:
        ana, lee = company.slack.person("ana"), company.slack.person("lee")
        own, calls = [], []
        github = company.github.faults
        for number in range(requests):
            answer = ana.types(f"/prod-access benchmark {number}", channel="infra-requests")
            request_id = "pa-" + answer.text.split("(pa-")[1][:6]
            card = lee.sees(f"benchmark {number}", timeout=30)
            github.calls.clear()
            github.seconds.clear()
            pressed = datetime.now(UTC)
            card.press("Approve production access")
            run = _started(company, request_id)
            theirs = sum(github.seconds[: len(github.calls)])
            own.append(((run.created_at - pressed).total_seconds() - theirs) * 1000)
            calls.append([f"{method} {path.rsplit('/', 1)[-1]}" for method, path in github.calls])
            company.github.wait_idle(60)
            time.sleep(1)  # the coordinator learns that the job is over
        click.echo(f"own time: median {statistics.median(own):.0f} ms, max {max(own):.0f} ms")
        for made in calls:
            click.echo(f"calls to GitHub: {', '.join(made)}")


def _started(company: Company, request_id: str) -> Run:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in company.github.runs:
            if run.name == f"apply {request_id}":
                return run
        time.sleep(0.002)
    raise TimeoutError(request_id)


if __name__ == "__main__":
    main()
