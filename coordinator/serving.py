"""Runs the service under uvicorn until a signal; started by `coordinator serve`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

import structlog
import uvicorn

from coordinator.config import read_config
from coordinator.server import web_app
from coordinator.service import Service, connect

SWITCH = 0.001  # seconds that a busy worker may keep a listener waiting for the interpreter


def run(variables: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT; Problems or ValueError if the settings or policies are not usable."""
    sys.setswitchinterval(SWITCH)
    _configure_logging()
    config = read_config(variables)
    service = Service(config, connect(config))
    service.start()
    try:
        uvicorn.run(web_app(service), host="0.0.0.0", port=config.port, log_level="warning", access_log=False)  # noqa: S104
    finally:
        service.stop()


def _configure_logging() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
