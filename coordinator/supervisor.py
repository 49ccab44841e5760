"""Starts the worker's process, wakes it, and starts it again when it dies; it never works itself.

A pipe is all that joins them, and the worker ends when it does: none is left behind, however this process ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from coordinator import orders
from coordinator.alerts import Kind
from coordinator.lifecycle import Lane
from coordinator.metrics import WORKER_STARTS

log = structlog.get_logger()

COMMAND = (sys.executable, "-m", "coordinator.worker")
STEADY = 60.0  # seconds after which a worker counts as having started well
LONGEST_PAUSE = 60.0  # seconds before another start
STOPS_WITHIN = 20.0  # seconds: what the calls under way may take, and time to spare


class Supervisor:
    """Keeps one worker's process running from `start` to `stop`."""

    def __init__(
        self, variables: Mapping[str, str], alert: Callable[[str, str], None], command: Sequence[str] = COMMAND
    ) -> None:
        self._variables = dict(variables)
        self._alert = alert
        self._command = command
        self._worker_end, self._our_end = os.pipe()
        os.set_blocking(self._our_end, False)  # who wakes the worker never waits for it
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._worker: subprocess.Popen[bytes] | None = None
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the worker, and watch it from now on."""
        self._watcher.start()

    def wake(self, lanes: set[Lane]) -> None:
        """Tell the worker which lanes have work. What is lost here it finds when it looks by itself."""
        self._tell(orders.wake(lanes))

    def stop(self) -> None:
        """Let the worker finish the calls that are under way, and end it."""
        with self._lock:
            self._stopping.set()
            worker = self._worker
        if worker is None:
            return
        self._tell(orders.STOP)
        try:
            worker.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            worker.kill()
        self._watcher.join()

    def _tell(self, order: str) -> None:
        with suppress(BlockingIOError):  # it has plenty to read already
            os.write(self._our_end, order.encode())

    def _watch(self) -> None:
        deaths = 0  # in a row, soon after a start
        while not self._stopping.is_set():
            began = time.monotonic()
            how = self._run_one()
            ran = time.monotonic() - began
            deaths = deaths + 1 if ran < STEADY else 0
            if self._stopping.wait(pause_after(deaths)):
                return
            self._tell_operators(f"The coordinator's worker {how}. It is started again.")

    def _run_one(self) -> str:
        """Start a worker, unless there shall be none any more, and return how it ended."""
        began = time.monotonic()
        try:
            worker = self._spawned()
        except OSError as error:  # the machine has no room for a process just now
            return f"could not be started ({error.strerror})"
        code = worker.wait() if worker else 0
        return f"ended ({code}) after {(time.monotonic() - began) / 60:.0f} minutes"

    def _tell_operators(self, sentence: str) -> None:
        """Raise the alert, if that can be: it needs the database, for want of which the worker may have died."""
        try:
            self._alert(Kind.WORKER.about("process"), sentence)
        except Exception:
            log.exception("worker.untold", sentence=sentence)

    def _spawned(self) -> subprocess.Popen[bytes] | None:
        """Start a worker; None when there shall be none any more."""
        with self._lock:
            if self._stopping.is_set():
                return None
            self._worker = subprocess.Popen(self._command, env=self._variables, stdin=self._worker_end)  # noqa: S603 - our own
            WORKER_STARTS.inc()
            log.info("worker.started", pid=self._worker.pid)
            return self._worker


def pause_after(deaths: int) -> float:
    """Return the seconds before another start: twice as long after each death in a row, up to the longest."""
    return min(2.0 ** min(deaths, 10), LONGEST_PAUSE)
