"""Records as lines of JSON in a folder, one file for each day of writing: appended and synced, never changed.

A write that a crash cut off leaves a torn line; the same record then stands whole after it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from coordinator.audit.records import Record
from coordinator.audit.sink import Found
from sallyport.platforms.errors import Refused, Unknown

SUFFIX = ".jsonl"
_PLATFORM = "The audit folder"


@dataclass(frozen=True, slots=True)
class FileSink:
    """The sink of `file:`. Several processes may share the folder."""

    folder: Path
    now: Callable[[], datetime]

    def put(self, records: Sequence[Record]) -> None:
        data = "".join(f"{record.line}\n" for record in records).encode()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.folder / f"{self.now():%Y-%m-%d}{SUFFIX}") as file:
                _write(file, b"\n" + data if _is_torn(file) else data)
            _sync(self.folder)
        except OSError as error:
            raise Unknown(_PLATFORM, "take a record", f"{error.strerror} ({self.folder})") from error

    def read(self) -> Iterator[Found]:
        try:
            for path in sorted(self.folder.glob(f"*{SUFFIX}")):
                lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
                for number, line in enumerate(lines, 1):
                    if line and not _was_torn(line, lines, number):
                        yield Found(f"{path.name}:{number}", line)
        except OSError as error:
            raise Refused(_PLATFORM, "be read", f"{error.strerror} ({self.folder})") from error


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Open a file for appending, as the only one who writes to it."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _write(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
    os.fsync(file)


def _sync(folder: Path) -> None:
    """Make a new file's name as durable as its content."""
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _is_torn(file: int) -> bool:
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def _was_torn(line: str, lines: Sequence[str], after: int) -> bool:
    """Tell whether a crash cut *line* off: what was written then is there again, whole, further down."""
    return not line.endswith("}") and any(lines[n].startswith(line) for n in range(after, len(lines)))
