"""What a command costs: processor seconds, wall seconds, and the most memory it held, children included.

Processor time is the measure on a machine that others use too; wall time is shown beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the processor (user and system) and of the wall, and the largest process in megabytes."""

    processor: float
    wall: float
    megabytes: float

    def each(self, start: Cost, count: int) -> float:
        """Return the milliseconds of the processor for each of *count* items, beyond a *start* without them."""
        return (self.processor - start.processor) / count * 1000


def cost_of(words: Sequence[str], folder: Path, **variables: str) -> Cost:
    """Run `python -m` with *words* in *folder*, which must succeed."""
    begun = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=folder, stdout=subprocess.DEVNULL, env={**os.environ, **variables}
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise click.ClickException(f"{' '.join(words)} ended with {child.returncode}")
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - begun, used.ru_maxrss / 1024)


def least(words: Sequence[str], folder: Path, times: int, **variables: str) -> Cost:
    """Return the cheapest of several runs: what others on the machine add is not the command's."""
    return min((cost_of(words, folder, **variables) for _ in range(times)), key=lambda cost: cost.processor)


def load() -> str:
    """Say how busy the machine is, for whoever reads the figures."""
    return f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
