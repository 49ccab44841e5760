"""Runs the service under uvicorn until a signal, with the worker beside it; started by `coordinator serve`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping

import structlog
import uvicorn

from coordinator.clients import connect
from coordinator.config import read_config
from coordinator.courtesy import SWITCH
from coordinator.essentials import Essentials
from coordinator.logs import configure_logging
from coordinator.server import web_app
from coordinator.service import Service
from coordinator.supervisor import Supervisor

log = structlog.get_logger()


def run(variables: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT; Problems or ValueError if the settings or policies are not usable."""
    sys.setswitchinterval(SWITCH)
    configure_logging()
    config = read_config(variables)
    clients = connect(config)
    essentials = Essentials(config, clients)
    service = Service(essentials)
    supervisor = Supervisor(variables, essentials.alerts)
    essentials.journal.on_work = supervisor.wake
    essentials.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again once it has shut down
    supervisor.start()
    try:
        service.start()
        _answer(service, config.port)
    finally:
        supervisor.stop()
        essentials.stop()
        service.stop()
        log.info("coordinator.stopped")


def _answer(service: Service, port: int) -> None:
    """Answer over HTTP; the loop and the parser in C leave the interpreter to what a command is about."""
    uvicorn.run(
        web_app(service),
        host="0.0.0.0",  # noqa: S104 - it is reached through what is in front of it
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )
