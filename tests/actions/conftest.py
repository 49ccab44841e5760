"""Fixtures of the tests of the actions package."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest
from botocore.loaders import JSONFileLoader

from tests.actions.world import World


@pytest.fixture(autouse=True, scope="session")
def _models_of_aws() -> Iterator[None]:
    """Read each model of an AWS service once: every job has a session of boto3, which would read all it needs."""
    read = cache(JSONFileLoader().load_file)
    with patch.object(JSONFileLoader, "load_file", lambda _, path: read(path)):
        yield


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
