"""The targets of fuzzing still run: each takes the seeds from which it is fuzzed, and bytes that are nothing."""

from __future__ import annotations

import pytest

from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_seeds(name: str) -> None:
    target, seeds = TARGETS[name]
    given = list(seeds())
    assert given
    for data in (*given, b"", b"\xff\xfe\x00"):
        target(data)
