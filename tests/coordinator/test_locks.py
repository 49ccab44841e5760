"""Two transactions about one request on PostgreSQL: they come one after the other, whoever is first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from coordinator.journal import Done, Journal, Unheard
from coordinator.journal import effects as outbox
from coordinator.journal.reading import read_request
from coordinator.lifecycle import Armed, Lane
from coordinator.requests import State
from sallyport.audit import Deed
from tests.coordinator.asks import HOUR, NOW, SECOND, approve, ask, claim, happened, names
from tests.coordinator.conftest import Store
from tests.coordinator.test_supervisor import until

AGAIN = Armed("watch-expiry", "watch-expiry", Lane.RUNS, NOW)


@pytest.fixture
def postgresql(postgres: Callable[[], str]) -> Iterator[Store]:
    store = Store(postgres())
    yield store
    store.close()


@pytest.mark.parametrize(
    "done", [Done(then=happened(Deed.NOT_REVERTED)), Done(arm=(AGAIN,))], ids=["a fact follows", "an effect does"]
)
def test_what_is_recorded_of_an_effect_waits_for_whoever_changes_its_request(
    postgresql: Store, done: Done
) -> None:
    """Were either to hold what the other needs next, PostgreSQL would refuse one: a person, or the worker."""
    journal = postgresql.journal()
    request = journal.submit(ask(lifetime=HOUR))
    approve(journal, request.id)
    _do(journal, Lane.COMMIT, "commit", {"commit": "c1"})
    _do(journal, Lane.EXPIRY, "expire", {"run": 1})
    work = claim(journal, Lane.RUNS, "watch-expiry", NOW + HOUR)
    with ThreadPoolExecutor(1) as worker:
        with journal.writing() as connection:
            read_request(connection, request.id, lock=True)
            recorded = worker.submit(journal.finish, work, done)
            until(lambda: _waits(journal))
            outbox.arm(connection, [(request.id, AGAIN)])  # as giving back does
        recorded.result(10)
    assert journal.request(request.id).state is State.APPROVED


def test_what_waits_for_a_platform_is_let_go_around_whoever_changes_it(postgresql: Store) -> None:
    journal = postgresql.journal()
    request = journal.submit(ask())
    for work in journal.claim(Lane.SLACK, NOW, 10):  # the thread is written last, and so comes last to the update
        journal.retry(work, NOW + 2 * HOUR, "no answer", uncertain=False, unheard=Unheard(NOW, 1.0))
    thread, card = (
        Armed(name, kind, Lane.SLACK, NOW) for name, kind in (("thread", "thread"), ("card:U0LEE", "card"))
    )
    with ThreadPoolExecutor(1) as worker:
        with journal.writing() as connection:
            read_request(connection, request.id, lock=True)
            outbox.arm(connection, [(request.id, thread)])
            resumed = worker.submit(journal.answered, Lane.SLACK, NOW + HOUR)
            until(lambda: resumed.done() or _waits(journal))
            outbox.arm(connection, [(request.id, card)])
        resumed.result(10)
    assert names(journal.claim(Lane.SLACK, NOW + 2 * HOUR - SECOND, 10)) == ["card:U0LEE", "thread"]


def _do(journal: Journal, lane: Lane, name: str, result: dict[str, object]) -> None:
    journal.finish(claim(journal, lane, name, NOW + HOUR), Done(result))


def _waits(journal: Journal) -> bool:
    """Tell whether somebody waits for a lock of somebody else's."""
    waiting = sa.text(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with journal.reading() as connection:
        return connection.execute(waiting).first() is not None
