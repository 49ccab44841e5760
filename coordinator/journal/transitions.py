"""What a change of a request is made of: its next fact, its next state, and what that arms.

Everything here runs inside a transaction that the journal has opened. Statements are built once, since building
one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from coordinator.journal import effects as outbox
from coordinator.journal.reading import read_request
from coordinator.journal.rows import fact_values
from coordinator.journal.tables import deciders, facts, requests
from coordinator.lifecycle import (
    FOLLOWS,
    Armed,
    Happening,
    Lane,
    Move,
    on_answer,
    on_extension,
    on_fact,
    on_route,
    on_state,
)
from coordinator.requests import Request, Route, State
from sallyport.audit import FIRST, Fact
from sallyport.times import format_moment

NEW_FACT = sa.insert(facts)
NEW_DECIDER = sa.insert(deciders)
_ID: sa.BindParameter[str] = sa.bindparam("its_id")
_FORGET_DECIDERS = sa.delete(deciders).where(deciders.c.request_id == _ID)
_LAST_FACT = (
    sa.select(facts.c.number, facts.c.digest)
    .where(facts.c.request_id == _ID)
    .order_by(facts.c.number.desc())
    .limit(1)
)


def apply(connection: sa.Connection, request: Request, move: Move) -> set[Lane]:
    """Record a move with all that it arms; nothing if the request is past it. Returns the lanes that have work."""
    if move.to is not None and move.to not in FOLLOWS.get(request.state, frozenset()):
        return set()
    now = move.happening.at
    lanes = record(connection, request.id, _with_deadline(move))
    if move.to is not None:
        _swap(connection, request, move, move.to)
        if request.state is State.PENDING:
            _ask(connection, request.id, Route())
        if request.state is State.CONFIRMING:
            lanes |= _arm(connection, request.id, on_answer(now))
        lanes |= _arm(connection, request.id, on_state(read_request(connection, request.id), now))
        lanes |= show_extension(connection, request, now)
    elif move.route is not None and request.state is State.PENDING:
        lanes |= _reroute(connection, request, move.route, now)
    elif times := _times(move):
        connection.execute(sa.update(requests).where(requests.c.id == request.id).values(**times))
    return lanes | _arm(connection, request.id, move.arm)


def record(connection: sa.Connection, request_id: str, happening: Happening) -> set[Lane]:
    """Append a fact to the request's chain, and arm its comment in the ticket."""
    last = connection.execute(_LAST_FACT, {"its_id": request_id}).one_or_none()
    number, previous = (last.number + 1, last.digest) if last else (1, FIRST)
    fact = Fact(request_id, number, happening.deed, happening.at, happening.by, happening.details, previous)
    connection.execute(NEW_FACT, fact_values(fact))
    return _arm(connection, request_id, on_fact(number, happening.deed, happening.at))


def show_extension(connection: sa.Connection, request: Request, now: datetime) -> set[Lane]:
    """Show at the request that *request* extends, if any, how that stands now."""
    if not request.extends:
        return set()
    return _arm(connection, request.extends, on_extension(read_request(connection, request.extends), now))


def _arm(connection: sa.Connection, request_id: str, armed: Iterable[Armed]) -> set[Lane]:
    return outbox.arm(connection, ((request_id, effect) for effect in armed))


def _ask(connection: sa.Connection, request_id: str, route: Route) -> None:
    """Record whose turn it is, in place of whose it was."""
    connection.execute(_FORGET_DECIDERS, {"its_id": request_id})
    if route.deciders:
        rows = [{"request_id": request_id, "slack_id": slack_id} for slack_id in route.deciders]
        connection.execute(NEW_DECIDER, rows)


def _reroute(connection: sa.Connection, request: Request, route: Route, now: datetime) -> set[Lane]:
    notify = list(dict.fromkeys((*request.notify, *route.notify)))
    connection.execute(sa.update(requests).where(requests.c.id == request.id).values(notify=notify))
    _ask(connection, request.id, route)
    return _arm(connection, request.id, on_route(read_request(connection, request.id), now))


def _with_deadline(move: Move) -> Happening:
    """Return what happened with the deadline that it sets, if it does."""
    if move.expires_at is None:
        return move.happening
    details = {**move.happening.details, "expires_at": format_moment(move.expires_at)}
    return replace(move.happening, details=details)


def _swap(connection: sa.Connection, request: Request, move: Move, to: State) -> None:
    same = sa.and_(
        requests.c.id == request.id,
        requests.c.state == request.state.value,
        requests.c.revision == request.revision,
    )
    values = {
        "state": to.value,
        "revision": request.revision + 1,
        "expires_at": move.expires_at or request.expires_at,
        "decide_by": move.decide_by or request.decide_by,
        "closing": move.closing or request.closing,
        **_times(move),
    }
    swapped = connection.execute(sa.update(requests).where(same).values(**values)).rowcount
    if swapped != 1:
        raise RuntimeError(f"{request.id} changed under its lock")


def _times(move: Move) -> dict[str, Any]:
    """Return the columns of when it begins and until when it is kept up, as far as *move* says."""
    begins = {"begins_at": move.begins_at} if move.begins_at else {}
    kept = {"kept_until": move.kept.until, "kept_by": move.kept.by} if move.kept else {}
    return {**begins, **kept}
