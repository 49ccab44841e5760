"""Logs of a job: JSON lines on standard error, with the request they are about.

structlog is imported with the first line: it is a fifth of what `validate` would otherwise hold in memory.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


def logger(**facts: object) -> FilteringBoundLogger:
    return cast("FilteringBoundLogger", _structlog().get_logger(**facts))


@cache
def _structlog() -> ModuleType:
    """Send logs to standard error, one JSON object a line: no value can begin a line of its own."""
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    return structlog
