"""Slash commands as fast as a whole company could type them: delays, answers, durability, memory, processor time.

Each command is a request by the quick path, durable before its answer. The coordinator, its worker, the stand-ins
and the load share two cores. In the end the coordinator is killed, and whatever it has acknowledged must be in its
journal. The floor is a Bolt app that does nothing, on the same server, in the same run.
Run by hand: python -m benchmarks.load [--rate 200] [--seconds 60] [--database postgresql://…, which must be empty]
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa

from benchmarks import costs
from benchmarks.ack import do_nothing, signed, wait_for
from benchmarks.processes import SERVE, WORKER, Held, Process
from benchmarks.sending import Answered, send
from sandbox.company import Company, open_company

CORES = 2
FLOOR_PORT = 8898
FLOOR_SECONDS = 10
LOOK_EVERY = 1.0  # seconds, at the processes
MOST_COMMANDS = 60_000
SLACK_WAITS = 3.0  # seconds


@click.command()
@click.option("--rate", default=200, type=click.IntRange(1, 1000), help="Commands a second.")
@click.option("--seconds", default=60, type=click.IntRange(4, 600), help="How long.")
@click.option("--database", default="", help="Where the journal is; a SQLite file if not given.")
def main(rate: int, seconds: int, database: str) -> None:
    """Measure the floor, and then the coordinator."""
    if rate * seconds > MOST_COMMANDS:
        raise click.UsageError(f"that is more than {MOST_COMMANDS:,} commands")
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:CORES]))  # whatever is started inherits it
    click.echo(costs.load())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = database or f"sqlite:///{folder}/journal.db"
        with open_company(folder, http=True, database=url) as company:
            with _floor(company) as floor:
                _report("do-nothing", send(floor, quick_path, signed, rate, FLOOR_SECONDS))
            watch = Watch([Process.of(name, folder) for name in (SERVE, WORKER)])
            answers = send(f"{company.coordinator.url}/slack/events", quick_path, signed, rate, seconds)
            watch.stop()
            company.coordinator.kill()
            _report("coordinator", answers)
            for process, looks in zip(("listeners", "worker"), watch.looks, strict=True):
                click.echo(_course(process, looks, len(answers)))
        click.echo(_kept(url, answers))
    click.echo(costs.load())


def quick_path(number: int) -> dict[str, str]:
    """A command that is a request by itself; each has its own trigger."""
    return {
        "command": "/prod-access",
        "text": f"debugging the checkout 500s, case {number}",
        "user_id": "U0ANA",
        "team_id": "T0ACME",
        "channel_id": "C0INFRA",
        "response_url": "http://localhost:9/none",
        "trigger_id": f"{time.time_ns()}.{number}",
        "api_app_id": "A0",
        "token": "x",
    }


class Watch:
    """Looks at processes now and then until it is stopped; `looks` are those at each."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self.looks: list[list[Held]] = [[process.held()] for process in processes]
        self._processes = processes
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        """Look a last time."""
        self._stopping.set()
        self._thread.join()

    def _look(self) -> None:
        going = True
        while going:
            going = not self._stopping.wait(LOOK_EVERY)
            for looks, process in zip(self.looks, self._processes, strict=True):
                looks.append(process.held())


@contextmanager
def _floor(company: Company) -> Iterator[str]:
    """Run the app that does nothing while the block lasts; its address."""
    arguments = (FLOOR_PORT, f"{company.addresses['slack']}/api/", os.sched_getaffinity(0))
    idle = multiprocessing.get_context("spawn").Process(target=do_nothing, args=arguments, daemon=True)
    idle.start()
    try:
        wait_for(FLOOR_PORT)
        yield f"http://localhost:{FLOOR_PORT}/slack/events"
    finally:
        idle.terminate()


def _report(name: str, answers: Sequence[Answered]) -> None:
    took = sorted(answer.took for answer in answers)
    of = lambda share: took[min(int(len(took) * share), len(took) - 1)] * 1000  # noqa: E731 - said thrice
    faults = sum(answer.status != 200 for answer in answers)
    late = sum(one > SLACK_WAITS for one in took)
    click.echo(
        f"{name:<12} n={len(took):6}  p50 {of(0.5):6.1f}  p99 {of(0.99):6.1f}  max {of(1):6.1f} ms  "
        f"over 3 s: {late}  not 200: {faults}"
    )


def _course(name: str, looks: Sequence[Held], commands: int) -> str:
    """Tell how much memory a process held through the run, and what a command cost it."""
    points = [looks[int((len(looks) - 1) * part / 4)].megabytes for part in range(5)]
    course = " > ".join(f"{point:.0f}" for point in points)
    processor = (looks[-1].processor - looks[0].processor) / commands * 1000
    return f"{name:<12} {course} MB, {looks[-1].threads} threads, {processor:.1f} ms of the processor a command"


def _kept(url: str, answers: Sequence[Answered]) -> str:
    """Compare what was acknowledged with what the journal has after the coordinator was killed."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        recorded = connection.scalar(sa.text("SELECT count(*) FROM requests"))
    engine.dispose()
    told = sum(b"Asked:" in answer.body for answer in answers)
    return f"acknowledged as asked: {told}; in the journal after kill -9: {recorded}"


if __name__ == "__main__":
    main()
