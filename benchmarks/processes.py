"""What a process of the coordinator holds and has used, as Linux tells it in /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import click

SERVE, WORKER = "coordinator serve", "coordinator.worker"


@dataclass(frozen=True, slots=True)
class Held:
    """Megabytes now and at most so far, threads, and seconds of the processor since its start."""

    megabytes: float
    most: float
    threads: int
    processor: float

    def __str__(self) -> str:
        memory = f"{self.megabytes:.0f} MB, at most {self.most:.0f} MB"
        return f"{self.threads} threads, {memory}, {self.processor:.1f} s of the processor"


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs, by its place in /proc."""

    place: Path

    @classmethod
    def of(cls, name: str, folder: Path) -> Process:
        """Find the process of *folder*'s coordinator that runs `python -m` *name*."""
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                here = str(folder) in (place / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if here and f"-m {name}" in words:
                return cls(place)
        raise click.ClickException(f"no process runs {name}")

    def held(self) -> Held:
        """Look at it."""
        facts = dict(line.split(":\t", 1) for line in (self.place / "status").read_text().splitlines())
        now, most = (int(facts[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
        ticks = sum(map(int, (self.place / "stat").read_text().rpartition(")")[2].split()[11:13]))
        return Held(now, most, int(facts["Threads"]), ticks / os.sysconf("SC_CLK_TCK"))
