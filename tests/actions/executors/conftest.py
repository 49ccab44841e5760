"""Fixtures: a clock that waiting moves, and AWS on loopback that lives by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.aws import AwsStandIn
from tests.actions.executors.support import Clock, aws_on_loopback


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[AwsStandIn]:
    with aws_on_loopback(monkeypatch, clock) as stand_in:
        yield stand_in
