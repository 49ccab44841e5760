"""What very many live entries cost: validation, the scan for what is due, planning, and applying one of them.

Run by hand: python -m benchmarks.repository [--entries 10000] [--times 2]
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from benchmarks.costs import Cost, cost_of, least, load
from benchmarks.repositories import repository
from sandbox.installation import PRODUCT


@click.command()
@click.option("--entries", default=10_000)
@click.option("--times", default=2, help="How often each is run; the cheapest counts.")
@click.option("--only", multiple=True, help="A word of what to measure; may be repeated.")
def main(entries: int, times: int, only: tuple[str, ...]) -> None:
    """Measure each command with one entry and with many; the difference is what entries cost."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        few, many = repository(Path(folder, "few"), 0), repository(Path(folder, "many"), entries)
        click.echo(load())
        for name, words, each in (
            ("floor of validation", ("benchmarks.floor", "{}"), entries),
            ("validate everything", ("actions", "validate"), entries),
            ("validate a change of one", ("actions", "validate", "--base", "HEAD^"), entries),
            ("due: the scan of a sweep", ("actions", "due"), entries),
            ("plan of what is as it should be", ("benchmarks.settling", "{}", "plan", "{}.aws"), entries // 2),
            ("apply one: who else is there", ("benchmarks.settling", "{}", "one", "<id>"), entries),
        ):
            if only and not any(word in name for word in only):
                continue
            costs = []
            for place in (few, many):
                own = words[0] == "actions"
                if "plan" in words:
                    cost_of(("benchmarks.settling", str(place.root), "settle", f"{place.root}.aws"), PRODUCT)
                filled = [w.replace("{}", str(place.root)).replace("<id>", place.newest.id) for w in words]
                costs.append(least(filled, place.root if own else PRODUCT, times, GITHUB_OUTPUT=os.devnull))
            _report(name, costs[0], costs[1], each)
        click.echo(load())


def _report(name: str, start: Cost, cost: Cost, count: int) -> None:
    click.echo(
        f"{name:<34} start {start.processor:6.2f} s {start.megabytes:4.0f} MB   "
        f"{count:>7,} entries {cost.processor:7.2f} s {cost.megabytes:5.0f} MB   "
        f"each {cost.each(start, count):6.3f} ms   wall {cost.wall:7.2f} s"
    )


if __name__ == "__main__":
    main()
