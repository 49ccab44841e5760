"""What a job costs before it does anything: the command line alone, and imports, policies and verification.

Run by hand: python -m benchmarks.jobs
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from sandbox.company import open_company

RUNS = 7


def timed(command: list[str], folder: Path) -> list[float]:
    """Run *command* several times and return the seconds of each, which must succeed."""
    seconds = []
    for _ in range(RUNS):
        start = time.monotonic()
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, env={**os.environ, "GITHUB_OUTPUT": os.devnull}
        )
        seconds.append(time.monotonic() - start)
    return seconds


def report(name: str, seconds: list[float]) -> None:
    click.echo(
        f"{name:<46} min {min(seconds):.3f}  median {statistics.median(seconds):.3f}  max {max(seconds):.3f} s"
    )


@click.command()
def main() -> None:
    """Measure in a clone of a repository with one live entry."""
    with tempfile.TemporaryDirectory() as name, open_company(Path(name)) as company:
        company.slack.person("ana").types("/prod-access for the benchmark", channel="infra-requests")
        company.slack.person("lee").sees("for the benchmark").press("Approve production access")
        company.slack.person("ana").sees("Live until", timeout=60)
        company.github.wait_idle(60)
        clone = Path(name) / "clone"
        subprocess.run(["git", "clone", "--quiet", company.bare, clone], check=True)
        entry = next(p for p in (clone / "requests/prod-access").glob("pa-*.yaml") if "before" not in p.name)
        log = ["git", "-C", str(clone), "log", "--format=%H", "-1", "--diff-filter=A", "--", str(entry)]
        commit = subprocess.run(log, capture_output=True, text=True, check=True).stdout.strip()
        actions = [sys.executable, "-m", "actions"]
        report("actions --help", timed([*actions, "--help"], clone))
        target = [*actions, "target", "--request-id", entry.stem, "--commit", commit]
        report("actions target: imports, policies, verification", timed(target, clone))
        report("actions due: the scan of a sweep", timed([*actions, "due"], clone))


if __name__ == "__main__":
    main()
