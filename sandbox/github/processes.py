"""Stopping a process and everything it started: SIGINT, a time of grace, then SIGKILL.

act gives every step a session of its own, so that the process group is not enough: the tree is walked. Only
descendants of the given process are ever signalled.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

_PROC = Path("/proc")


def stop(process: subprocess.Popen[str], grace: float) -> None:
    """Interrupt `process`, wait up to `grace` seconds for it, then kill what is left of its tree."""
    tree = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        tree |= descendants(process.pid)
        process.kill()
        process.wait()
    for pid in tree & set(_parents()):
        _kill(pid)


def descendants(pid: int) -> set[int]:
    parents = _parents()
    found, fresh = set[int](), {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def running(pid: int, words: str) -> set[int]:
    """The descendants of `pid` whose program is Python, called with `words` at the beginning."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True)
    called = (line.split(maxsplit=2) for line in listing.stdout.splitlines())
    fitting = {
        int(found[0])
        for found in called
        if len(found) == 3 and Path(found[1]).name.startswith("python") and found[2].startswith(words)
    }
    return fitting & descendants(pid)


def _parents() -> dict[int, int]:
    if (_PROC / "self" / "stat").exists():
        pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
        return {pid: parent for pid in pids if (parent := _parent(pid)) is not None}
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    return {int(pid): int(parent) for pid, parent in (line.split() for line in listing.stdout.splitlines())}


def _parent(pid: int) -> int | None:
    """From /proc/<pid>/stat, whose second field is a name in parentheses; None for a zombie or a gone process."""
    try:
        state, parent = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state == "Z" else int(parent)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
