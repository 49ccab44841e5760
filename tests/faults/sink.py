"""The audit sink as one more place that calls go to: a write to its file may be lost, cut off, or never begin.

What the disk keeps of a write that failed is anybody's guess, so that a lost one leaves half of it. A bucket's
calls pass the wire as all others of AWS do.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import boto3
from botocore.config import Config

from coordinator.audit import file_sink
from coordinator.audit.trail import Trail
from tests.faults.premises import AWS_VARIABLES
from tests.faults.wire import Wire

BUCKET = "acme-audit"


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


@contextmanager
def named_anchors(wire: Wire) -> Iterator[None]:
    """Name what is recorded of an anchor: that there is one, and that the sink has it."""
    with ExitStack() as stack:
        for name in ("anchor", "mark_exported"):
            stack.enter_context(patch.object(Trail, name, _named(wire, name)))
        yield


def _named(wire: Wire, name: str) -> Callable[..., object]:
    do = getattr(Trail, name)

    def named(trail: Trail, *rest: object) -> object:
        with wire.committing(name):
            return do(trail, *rest)

    return named


def make_bucket() -> str:
    """Make the bucket as its owner does, at AWS by its standard variables; return its AUDIT_URL."""
    place: Any = {"LocationConstraint": AWS_VARIABLES["AWS_DEFAULT_REGION"]}
    client = boto3.Session().client("s3", config=Config(s3={"addressing_style": "path"}))
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place, ObjectLockEnabledForBucket=True)
    return f"s3://{BUCKET}/trail"
