"""Concurrency groups: who holds one, who waits, and who is cancelled, without any process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sandbox.github.runs import Claim, Order, RunQueue, Ticket


class Line:
    """A queue whose runs go on until they are told to end."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self._changed = threading.Condition()
        self._ended: set[int] = set()
        self.queue = RunQueue(self._execute, limit=2)

    def _execute(self, ticket: Ticket) -> str:
        with self._changed:
            self.started.append(ticket.order.id)
            self._changed.notify_all()
            self._changed.wait_for(lambda: ticket.order.id in self._ended or ticket.cancelled.is_set(), 10)
        return "cancelled" if ticket.cancelled.is_set() else "success"

    def order(self, number: int, claim: Claim | None) -> None:
        facts = ("x.yml", "X", "X", number, number, "push", "refs/heads/main", "sha", "ana", {}, {})
        self.queue.submit(Order(*facts, claim=claim))  # type: ignore[arg-type]  # a row of facts, in order

    def wait_started(self, *numbers: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(numbers) <= set(self.started), 5)

    def end(self, *numbers: int) -> None:
        with self._changed:
            self._ended.update(numbers)
            self._changed.notify_all()

    def nudge(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def state(self) -> dict[int, str | None]:
        return {run.id: run.conclusion or run.status for run in self.queue.runs()}


@pytest.fixture
def line() -> Iterator[Line]:
    one = Line()
    yield one
    one.end(*range(200))
    one.queue.close()


def test_by_default_only_the_newest_waits_and_the_others_are_cancelled(line: Line) -> None:
    for number in (1, 2, 3):
        line.order(number, Claim("lock", cancel_in_progress=False, queue_max=False))
    line.wait_started(1)
    assert line.state() == {1: "in_progress", 2: "cancelled", 3: "queued"}
    line.end(1, 3)
    line.queue.wait_idle(5)
    assert line.state() == {1: "success", 2: "cancelled", 3: "success"}


def test_with_queue_max_all_wait_and_run_in_order_one_at_a_time(line: Line) -> None:
    for number in range(5):
        line.order(number, Claim("Lock" if number % 2 else "lock", cancel_in_progress=False, queue_max=True))
    line.wait_started(0)
    assert line.started == [0]
    line.end(*range(5))
    line.queue.wait_idle(5)
    assert line.started == [0, 1, 2, 3, 4]
    assert set(line.state().values()) == {"success"}


def test_with_queue_max_the_hundred_and_first_waiting_run_is_cancelled(line: Line) -> None:
    for number in range(102):
        line.order(number, Claim("lock", cancel_in_progress=False, queue_max=True))
    assert [number for number, state in line.state().items() if state == "cancelled"] == [101]


def test_cancel_in_progress_stops_the_holder_for_the_newcomer(line: Line) -> None:
    claim = Claim("lock", cancel_in_progress=True, queue_max=False)
    line.order(1, claim)
    line.wait_started(1)
    line.order(2, claim)
    line.nudge()
    line.wait_started(2)
    assert line.state() == {1: "cancelled", 2: "in_progress"}


def test_other_groups_and_runs_without_a_group_are_not_held_up_but_only_two_run_at_once(line: Line) -> None:
    line.order(1, Claim("a", cancel_in_progress=False, queue_max=True))
    line.order(2, None)
    line.order(3, Claim("b", cancel_in_progress=False, queue_max=True))
    line.wait_started(1, 2)
    assert line.state()[3] == "queued"
    line.end(1)
    line.wait_started(3)


def test_waiting_for_idleness_is_bounded_and_names_what_still_runs(line: Line) -> None:
    line.order(7, None)
    line.wait_started(7)
    with pytest.raises(TimeoutError, match=r"7 \(x.yml, in_progress\)"):
        line.queue.wait_idle(0.01)


def test_closing_cancels_what_runs_and_what_waits(line: Line) -> None:
    for number in (1, 2, 3):
        line.order(number, Claim("lock", cancel_in_progress=False, queue_max=True))
    line.wait_started(1)
    closer = threading.Thread(target=line.queue.close)
    closer.start()
    while closer.is_alive():
        line.nudge()
        closer.join(0.01)
    assert set(line.state().values()) == {"cancelled"}
