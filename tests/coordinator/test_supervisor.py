"""The supervisor with a worker that only pretends: woken, started again, and ended."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from coordinator import orders
from coordinator.lifecycle import Lane
from coordinator.supervisor import LONGEST_PAUSE, Supervisor, pause_after

WAIT = 10.0  # seconds until a test gives up
SCRIPT = 'echo "started $$" >> "$DIARY"; while read line && [ "$line" != stop ]; do echo "$line" >> "$DIARY"; done'


@dataclass
class Yard:
    """A supervisor, what its workers wrote down, and what operators were told."""

    diary: Path
    alerts: list[tuple[str, str]] = field(default_factory=list)
    untellable: int = 0  # alerts that cannot be raised before one can

    def __post_init__(self) -> None:
        variables = {"DIARY": str(self.diary), "PATH": os.environ["PATH"]}
        self.supervisor = Supervisor(variables, self._alert, ("sh", "-c", SCRIPT))

    def _alert(self, *alert: str) -> None:
        if self.untellable:
            self.untellable -= 1
            raise OperationalError("INSERT INTO alerts", {}, OSError("the database is away"))
        self.alerts.append(alert)  # type: ignore[arg-type]  # it is called with two

    @property
    def lines(self) -> list[str]:
        return self.diary.read_text().splitlines() if self.diary.exists() else []

    @property
    def workers(self) -> list[int]:
        """The process ids of all workers so far."""
        return [int(line.split()[1]) for line in self.lines if line.startswith("started")]


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path / "diary")
    yard.supervisor.start()
    until(lambda: yard.workers)
    yield yard
    yard.supervisor.stop()


def test_the_worker_is_told_which_lanes_have_work(yard: Yard) -> None:
    yard.supervisor.wake({Lane.SLACK, Lane.COMMIT})
    until(lambda: "commit slack" in yard.lines)


def test_a_worker_that_dies_is_started_again_and_the_operators_are_told(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.supervisor.LONGEST_PAUSE", 0.0)
    os.kill(yard.workers[0], signal.SIGKILL)
    until(lambda: len(yard.workers) == 2)
    (told,) = yard.alerts
    assert told == (
        "worker-down:process",
        "The coordinator's worker ended (-9) after 0 minutes. It is started again.",
    )


def test_what_is_said_while_there_is_no_worker_the_next_one_hears(tmp_path: Path) -> None:
    yard = Yard(tmp_path / "diary")
    yard.supervisor.wake({Lane.JIRA})
    yard.supervisor.start()
    until(lambda: "jira" in yard.lines)
    yard.supervisor.stop()


def test_a_worker_that_does_not_read_holds_up_nobody(yard: Yard) -> None:
    os.kill(yard.workers[0], signal.SIGSTOP)
    for _ in range(20_000):  # more than a pipe holds
        yard.supervisor.wake(set(Lane))
    os.kill(yard.workers[0], signal.SIGCONT)


def test_a_pause_that_grows_keeps_a_worker_that_cannot_start_from_being_a_nuisance(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(yard.supervisor._stopping, "wait", pauses.append)  # and nothing stops
    for number in range(4):
        until(lambda number=number: len(yard.workers) == number + 1)
        os.kill(yard.workers[-1], signal.SIGKILL)
    until(lambda: len(yard.workers) == 5)
    assert pauses == [2.0, 4.0, 8.0, 16.0]


def test_a_worker_that_dies_with_the_database_is_started_again_although_nobody_can_be_told(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What operators were told is in the database, which a worker cannot start without either."""
    monkeypatch.setattr("coordinator.supervisor.LONGEST_PAUSE", 0.0)
    yard.untellable = 2
    for number in range(1, 4):
        os.kill(yard.workers[-1], signal.SIGKILL)
        until(lambda number=number: len(yard.workers) == number + 1)
    assert [about for about, _ in yard.alerts] == ["worker-down:process"]


def test_a_process_that_the_machine_refuses_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.supervisor.LONGEST_PAUSE", 0.0)
    spawn, refusals = subprocess.Popen, [OSError(errno.EAGAIN, "fork"), OSError(errno.ENOMEM, "fork")]

    def reluctant(*given: Any, **named: Any) -> subprocess.Popen[bytes]:
        if refusals:
            raise refusals.pop()
        return spawn(*given, **named)

    monkeypatch.setattr("coordinator.supervisor.subprocess.Popen", reluctant)
    yard = Yard(tmp_path / "diary")
    yard.supervisor.start()
    until(lambda: yard.workers)
    yard.supervisor.stop()
    assert len(yard.alerts) == 2


def test_the_pause_before_another_start_grows_to_a_longest_and_stays_there() -> None:
    assert [pause_after(deaths) for deaths in (0, 1, 5)] == [1.0, 2.0, 32.0]
    assert pause_after(100_000) == LONGEST_PAUSE  # a database may be away for days


def test_stopping_ends_the_worker_and_starts_no_other(yard: Yard) -> None:
    yard.supervisor.stop()
    assert not is_running(yard.workers[0])
    assert len(yard.workers) == 1
    assert yard.alerts == []


def test_a_worker_that_does_not_end_is_killed(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.supervisor.STOPS_WITHIN", 0.05)
    os.kill(yard.workers[0], signal.SIGSTOP)
    yard.supervisor.stop()
    assert not is_running(yard.workers[0])


class TestOrders:
    def test_lanes_are_woken_as_they_are_named_until_the_order_to_stop(self) -> None:
        woken: list[set[Lane]] = []
        given = [
            orders.wake({Lane.COMMIT, Lane.JIRA}),
            orders.wake({Lane.CLOCK}),
            orders.STOP,
            orders.wake(set(Lane)),
        ]
        assert orders.obey(given, woken.append)
        assert woken == [{Lane.COMMIT, Lane.JIRA}, {Lane.CLOCK}]

    def test_the_end_of_the_pipe_is_no_order_to_stop(self) -> None:
        assert not orders.obey([orders.wake({Lane.SLACK})], lambda _: None)

    def test_half_an_order_that_a_dead_worker_left_unread_does_no_harm(self) -> None:
        woken: list[set[Lane]] = []
        orders.obey(["ommit slack\n"], woken.append)
        assert woken == [{Lane.SLACK}]
