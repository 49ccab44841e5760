"""Logs of a job: JSON lines on standard error, with the request they are about.

structlog is imported with the first line: it is a fifth of what `validate` would otherwise hold in memory.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


def logger(**facts: object) -> FilteringBoundLogger:
    """Return a logger whose lines are one JSON object each: no value can begin a line of its own."""
    import structlog

    made = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return cast("FilteringBoundLogger", made.bind(**facts))
