"""Premises for the tests that run journeys in their own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.bench import quiet
from tests.faults.premises import Premises, open_premises


@pytest.fixture(scope="module")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    """Everything that runs share, in this process, which keeps its log to itself."""
    folder: Path = tmp_path_factory.mktemp("premises")
    with quiet(), open_premises(folder) as opened:
        yield opened
