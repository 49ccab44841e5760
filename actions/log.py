"""Logs of a job: JSON lines on standard error, with the request they are about. Imported by commands only."""

from __future__ import annotations

import logging
import sys
from typing import cast

import structlog
from structlog.typing import FilteringBoundLogger


def configure() -> None:
    """Send logs to standard error, one JSON object a line: no value can begin a line of its own."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def logger(**facts: object) -> FilteringBoundLogger:
    return cast("FilteringBoundLogger", structlog.get_logger(**facts))
