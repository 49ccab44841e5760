"""Does the tests' work in as many processes as the machine has cores: each run is one thread's work.

A process has its own premises, and walks each journey undisturbed once, to compare with.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import structlog

from tests.faults.journeys import Journey
from tests.faults.matrix import Cell, Ended, check, check_looks, run
from tests.faults.premises import Premises, open_premises
from tests.faults.storms import Storm, check_storm

T = TypeVar("T")
LONGEST = 180  # seconds that a test waits for what it asked for

_open = ExitStack()  # of this process; it ends with it


@lru_cache(maxsize=1)
def premises() -> Premises:
    """Return this process's premises."""
    folder = _open.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
    return _open.enter_context(open_premises(Path(folder)))


@lru_cache(maxsize=32)
def undisturbed(journey: Journey) -> Ended:
    """Return how a journey ends to which nothing happens."""
    return run(premises(), journey)


def does_cell(cell: Cell) -> None:
    check(premises(), cell, undisturbed(cell.journey))


def does_looks(write: Cell) -> None:
    check_looks(premises(), write, undisturbed(write.journey))


def does_storm(storm: Storm) -> None:
    check_storm(premises(), storm, undisturbed(storm.journey))


class Bench:
    """What came of each piece of work."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool
        self._futures: dict[tuple[Callable[..., None], object], Future[None]] = {}

    def begin(self, do: Callable[[T], None], piece: T) -> None:
        """Start with a piece of work, as soon as those before it are done."""
        self._futures[do, piece] = self._pool.submit(do, piece)

    def result(self, do: Callable[[T], None], piece: T) -> None:
        """Wait for a piece, which is begun unless it was, and raise what was raised in it."""
        if (do, piece) not in self._futures:
            self.begin(do, piece)
        self._futures[do, piece].result(LONGEST)


@contextmanager
def open_bench() -> Iterator[Bench]:
    """Start the processes, and stop them in the end with whatever is left to do."""
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks that threads hold
    pool = ProcessPoolExecutor(min(os.cpu_count() or 1, 8), spawn, _begin)
    try:
        yield Bench(pool)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the coordinator's log to itself: in these tests it is full of errors."""
    before = structlog.get_config()
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.disable(logging.NOTSET)


def _begin() -> None:
    for name in set(os.environ) - {"HOME", "PATH", "PYTHONPATH", "TMPDIR"}:
        del os.environ[name]  # no proxy or token of this machine is any client's business, and each looks for some
    _open.enter_context(quiet())
    multiprocessing.util.Finalize(_open, _open.close, exitpriority=10)  # servers and folders end with the process
