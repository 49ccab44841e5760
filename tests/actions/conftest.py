"""Fixtures of the tests of the actions package."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.actions.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
