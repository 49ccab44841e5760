"""The audit sink as one more place that calls go to: a write to its file may be lost, cut off, or never begin.

What the disk keeps of a write that failed is anybody's guess, so that a lost one leaves half of it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from coordinator.audit import file_sink
from tests.faults.wire import Wire


@contextmanager
def tapped_sink(wire: Wire) -> Iterator[None]:
    """Let the writes of the file sink pass the wire."""
    write = file_sink._write

    def tapped(file: int, data: bytes) -> None:
        wire.around("sink", "write", lambda: write(file, data) or True, torn(file, data))

    with patch.object(file_sink, "_write", tapped):
        yield


def torn(file: int, data: bytes) -> Callable[[], bool]:
    """Return what a disk does that fails in the midst of a write."""

    def lost() -> bool:
        os.write(file, data[: len(data) // 2])
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    return lost
