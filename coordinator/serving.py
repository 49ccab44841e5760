"""Runs the service under uvicorn until a signal, with the worker beside it; started by `coordinator serve`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping

import structlog
import uvicorn

from coordinator.alerts import Alerts
from coordinator.clients import connect
from coordinator.config import read_config
from coordinator.essentials import Essentials
from coordinator.logs import configure_logging
from coordinator.server import web_app
from coordinator.service import Service
from coordinator.supervisor import Supervisor

log = structlog.get_logger()

SWITCH = 0.001  # seconds that background threads may keep a listener waiting for the interpreter


def run(variables: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT; Problems or ValueError if the settings or policies are not usable."""
    sys.setswitchinterval(SWITCH)
    configure_logging()
    config = read_config(variables)
    clients = connect(config)
    in_log_only = Alerts(clients.slack, "")  # the worker reads the same policies and tells the operators
    essentials = Essentials(config, clients, in_log_only)
    service = Service(essentials)
    supervisor = Supervisor(variables, Alerts(clients.slack, config.alert_channel))
    essentials.journal.on_work = supervisor.wake
    essentials.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again once it has shut down
    supervisor.start()
    try:
        service.start()
        uvicorn.run(web_app(service), host="0.0.0.0", port=config.port, log_level="warning", access_log=False)  # noqa: S104
    finally:
        supervisor.stop()
        essentials.stop()
        service.stop()
        log.info("coordinator.stopped")
