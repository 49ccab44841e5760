"""Whose transaction goes next on SQLite: threads of one process, and processes that share the file."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from coordinator.journal.turns import Turns

WAIT = 10.0  # seconds until a test gives up


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def threads() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Runs something in a thread, and waits for it at the end."""
    with ExitStack() as stack:

        def run(do: Callable[[], None]) -> None:
            thread = threading.Thread(target=do)
            thread.start()
            stack.callback(thread.join, WAIT)

        yield run


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def is_locked(path: Path) -> bool:
    """Whether somebody holds the file in any way."""
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def test_one_has_the_turn_at_a_time(database: Path, threads: Callable[[Callable[[], None]], None]) -> None:
    listeners, workers = Turns(database), Turns(database)
    inside, most, done = [0], [0], threading.Semaphore(0)

    def take(turns: Turns, *, urgently: bool) -> None:
        for _ in range(20):
            with turns.urgent() if urgently else turns.patient():
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1
        done.release()

    for _ in range(3):
        threads(lambda: take(listeners, urgently=True))
        threads(lambda: take(workers, urgently=False))
    assert all(done.acquire(timeout=WAIT) for _ in range(6))
    assert most == [1]


def test_a_person_waits_for_no_more_than_one_worker(
    database: Path, threads: Callable[[Callable[[], None]], None]
) -> None:
    listeners, workers = Turns(database), Turns(database)
    order: list[str] = []

    def work() -> None:
        with workers.patient():
            order.append("worker")

    def serve() -> None:
        with listeners.urgent():
            order.append("person")

    with listeners.urgent():
        for _ in range(5):
            threads(work)
        until(workers._patient.locked)
        threads(serve)
        until(lambda: is_locked(database.with_name("journal.db-urgent")))
    until(lambda: len(order) == 6)
    assert order.index("person") <= 1


def test_a_turn_ends_with_the_process_that_has_it(database: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from coordinator.journal.turns import Turns
with Turns(Path({str(database)!r})).urgent():
    print("taken", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "taken\n"
        assert is_locked(database.with_name("journal.db-turn"))
        other.kill()
        with Turns(database).patient():
            pass
