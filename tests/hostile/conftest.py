"""What the tests of the coordinator stand on, here too; what is logged of thousands of faults is not drawn."""

from __future__ import annotations

import pytest
import structlog

from tests.coordinator.conftest import installed, places

__all__ = ["installed", "places"]


@pytest.fixture(autouse=True, scope="session")
def _no_logs() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), processors=[lambda *_: ""])
