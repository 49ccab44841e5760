"""What must be known to undo is committed once, for all targets that bring it, on the main that plans saw."""

from __future__ import annotations

import pytest

from actions.befores import before_path, read_before
from actions.executors.protocol import Before
from actions.registrar import Registrar, Wish
from sallyport.platforms.errors import Refused
from tests.actions.repository import git
from tests.actions.world import World

FLOW, ONE = "prod-access", "pa-222222"


def record(world: World) -> Before:
    path = before_path(FLOW, ONE)
    return read_before(world.read(path).encode(), path)


def test_targets_of_one_entry_each_add_their_part_to_its_record(world: World) -> None:
    books = world.job().books()
    registrar, ledger = Registrar(books, world.github), books.ledger
    for lock in ("sso/1", "sso/2", "sso/3"):
        assert registrar.keep(Wish(FLOW, [Before(ONE, {lock: [lock]})], {}, ledger))
    assert record(world).facts == {"sso/1": ["sso/1"], "sso/2": ["sso/2"], "sso/3": ["sso/3"]}


def test_what_a_plan_changed_or_dropped_is_so_in_the_record_too(world: World) -> None:
    books = world.job().books()
    registrar, ledger = Registrar(books, world.github), books.ledger
    first = Before(ONE, {"sso/1": "old", "sso/2": "old"})
    assert registrar.keep(Wish(FLOW, [first], {}, ledger))
    assert registrar.keep(Wish(FLOW, [Before(ONE, {**first.facts, "sso/3": "new"})], {ONE: first}, ledger))
    assert registrar.keep(Wish(FLOW, [Before(ONE, {"sso/1": "new"})], {ONE: first}, ledger))
    assert record(world).facts == {"sso/1": "new", "sso/3": "new"}


def test_a_record_that_is_there_already_is_not_committed_again(world: World) -> None:
    books = world.job().books()
    registrar = Registrar(books, world.github)
    for _ in range(2):
        assert registrar.keep(Wish(FLOW, [Before(ONE, {"sso/1": "old"})], {}, books.ledger))
    books.refresh()
    assert Registrar(books, world.github).keep(Wish(FLOW, [Before(ONE, {"sso/1": "old"})], {}, books.ledger))
    assert world.github.commits == [f"Record what was there before {ONE}"]


def test_a_plan_made_before_somebody_else_committed_is_made_anew(world: World) -> None:
    books = world.job().books()
    registrar, old = Registrar(books, world.github), books.ledger
    world.add(world.entry())
    books.refresh()  # by another target of the job
    assert not registrar.keep(Wish(FLOW, [Before(ONE, {"sso/1": "old"})], {}, old))
    assert registrar.keep(Wish(FLOW, [Before(ONE, {"sso/1": "old"})], {}, books.ledger))
    assert git(world.bare, "log", "-1", "--format=%s", "main") == f"Record what was there before {ONE}"


def test_what_github_refuses_is_told_to_whoever_brought_it(world: World) -> None:
    books = world.job().books()
    world.github.faults.append(Refused("GitHub", "commit", "the branch is protected"))
    with pytest.raises(Refused, match="protected"):
        Registrar(books, world.github).keep(Wish(FLOW, [Before(ONE, {"sso/1": "old"})], {}, books.ledger))
    assert Registrar(books, world.github).kept([ONE]) == {}
