"""The coordinator's two processes in the sandbox: whichever dies, nothing is lost and nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator

import pytest

from sandbox.company import Company
from tests.journeys.scenes import approve, ask_access, has_access, until


@pytest.fixture
def running(company: Company) -> Iterator[Company]:
    """The company with a coordinator that has just started."""
    company.coordinator.kill()
    company.coordinator._log.unlink()
    company.coordinator.start()
    yield company
    company.coordinator.kill()
    company.coordinator.start()


def logged(company: Company, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in company.coordinator.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def workers(company: Company) -> list[int]:
    """The process ids of all workers so far."""
    return [int(str(line["pid"])) for line in logged(company, "worker.started")]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_request_goes_on_when_the_worker_is_killed(running: Company) -> None:
    ask_access(running, "kill the worker")
    os.kill(workers(running)[0], signal.SIGKILL)
    approve(running, "kill the worker")
    until(lambda: has_access(running), "Ana has access")
    assert len(workers(running)) == 2
    running.slack.person("sam").sees("The coordinator's worker ended (-9)", where="alerts")
    with urllib.request.urlopen(f"{running.coordinator.url}/metrics") as answer:
        assert "sallyport_worker_starts_total 2.0" in answer.read().decode()


def test_sigterm_to_serve_ends_both_in_good_order(running: Company) -> None:
    process = running.coordinator._process
    assert process is not None
    until(lambda: workers(running), "there is a worker")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not is_running(workers(running)[0])
    assert logged(running, "worker.stopped")
    assert logged(running, "coordinator.stopped")


def test_no_worker_is_left_behind_when_serve_is_killed(running: Company) -> None:
    process = running.coordinator._process
    assert process is not None
    until(lambda: workers(running), "there is a worker")
    process.kill()
    process.wait(20)
    until(lambda: not is_running(workers(running)[0]), "the worker is gone")
