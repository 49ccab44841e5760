"""The whole product in the sandbox, started once for each file of journeys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.company import Company, open_company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Everything running over Socket Mode, with the durations that policies give."""
    with open_company(tmp_path_factory.mktemp("company")) as running:
        yield running


@pytest.fixture(scope="module")
def hasty_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The same, where an approved request lives for eighteen seconds."""
    with open_company(tmp_path_factory.mktemp("hasty"), lifetime="18s") as running:
        yield running
