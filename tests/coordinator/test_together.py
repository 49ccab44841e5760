"""What several write at the same moment is one transaction, and nobody bears another's fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from coordinator.journal.together import MOST, Together

LONG = 10.0  # seconds that nothing here takes


class Lost(Exception):
    """A fault of the place that is written to."""


@dataclass
class Book:
    """Holds up the first group until all others wait, and keeps every group that was tried."""

    fails: Callable[[Sequence[int]], None] = lambda _: None
    groups: list[list[int]] = field(default_factory=list)
    goes_on: threading.Event = field(default_factory=threading.Event)

    def write(self, items: Sequence[int]) -> list[str]:
        self.groups.append(list(items))
        if len(self.groups) == 1:
            assert self.goes_on.wait(LONG)
        self.fails(items)
        return [f"written {item}" for item in items]


def written(book: Book, others: int) -> list[Future[str]]:
    """Write 0, and 1 to *others* while that is going on."""
    together = Together(book.write, shared=(Lost,))
    with ThreadPoolExecutor(others + 1) as pool:
        futures = [pool.submit(together.write, 0)]
        until(lambda: bool(book.groups))
        futures += [pool.submit(together.write, number) for number in range(1, others + 1)]
        until(lambda: len(together._waiting) == others)
        book.goes_on.set()
    return futures


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        threading.Event().wait(0.001)


def result(future: Future[str]) -> str:
    error = future.exception(LONG)
    return repr(error) if error else future.result()


def test_who_is_alone_waits_for_nobody() -> None:
    book = Book()
    book.goes_on.set()
    assert Together(book.write, shared=(Lost,)).write(7) == "written 7"
    assert book.groups == [[7]]


def test_those_who_come_while_another_writes_are_written_in_one_go_and_each_gets_their_own() -> None:
    book = Book()
    found = written(book, others=5)
    assert [result(one) for one in found] == [f"written {number}" for number in range(6)]
    assert [sorted(group) for group in book.groups] == [[0], [1, 2, 3, 4, 5]]


def test_who_finds_a_group_full_is_written_by_the_next_one() -> None:
    book = Book()
    found = written(book, others=2 * MOST + 3)
    assert [result(one) for one in found] == [f"written {number}" for number in range(2 * MOST + 4)]
    assert [len(group) for group in book.groups] == [1, MOST, MOST, 3]


def test_a_fault_of_one_is_that_ones_alone() -> None:
    def fails(items: Sequence[int]) -> None:
        if 3 in items:
            raise ValueError("three")

    book = Book(fails)
    found = [result(one) for one in written(book, others=4)]
    assert found == ["written 0", "written 1", "written 2", "ValueError('three')", "written 4"]


def test_a_fault_of_the_place_is_everybodys_and_nobody_tries_again_for_them() -> None:
    def fails(items: Sequence[int]) -> None:
        if 0 not in items:
            raise Lost

    book = Book(fails)
    found = [result(one) for one in written(book, others=3)]
    assert found == ["written 0", "Lost()", "Lost()", "Lost()"]
    assert len(book.groups) == 2


def test_a_writer_that_is_killed_leaves_nobody_waiting() -> None:
    def fails(items: Sequence[int]) -> None:
        if 0 not in items:
            raise SystemExit

    book = Book(fails)
    assert [result(one) for one in written(book, others=2)] == ["written 0", "SystemExit()", "SystemExit()"]
