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
from coordinator.journal.rows import fact_values
from coordinator.journal.tables import deciders, effects, facts, requests
from coordinator.lifecycle import (
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
from coordinator.requests import WAITED_FOR, Request, Route, State
from coordinator.states import FOLLOWS
from sallyport.audit import FIRST, Fact
from sallyport.times import format_moment

NEW_FACT = sa.insert(facts)
NEW_DECIDER = sa.insert(deciders)
_ID: sa.BindParameter[str] = sa.bindparam("its_id")
_FORGET_DECIDERS = sa.delete(deciders).where(deciders.c.request_id == _ID)
_ARMED = sa.select(effects.c.name).where(effects.c.request_id == _ID)
_LAST_FACT = (
    sa.select(facts.c.number, facts.c.digest)
    .where(facts.c.request_id == _ID)
    .order_by(facts.c.number.desc())
    .limit(1)
)


def apply(connection: sa.Connection, request: Request, move: Move) -> tuple[Request, set[Lane]]:
    """Record a move with all that it arms; nothing if the request is past it.

    *request* was read under its lock, so that nothing of it needs to be read again. Returns it as it stands then,
    and the lanes that have work.
    """
    if move.to is not None and move.to not in FOLLOWS.get(request.state, frozenset()):
        return request, set()
    now, after = move.happening.at, request
    armed = _append(connection, request.id, _with_deadline(move))
    if move.to is not None:
        after = _swap(connection, request, move, move.to)
        if request.state is State.PENDING:
            _ask(connection, request.id, Route())
        if request.state is State.CONFIRMING:
            armed += on_answer(now)
        armed += on_state(after, now)
    elif move.route is not None and request.state in WAITED_FOR:
        after = _reroute(connection, request, move.route)
        armed += on_route(after, now)
    elif times := _times(move):
        connection.execute(sa.update(requests).where(requests.c.id == request.id).values(**times))
        after = _with_times(request, move)
    armed += move.arm
    lanes = _arm(connection, request.id, armed)
    if move.to is not None:
        lanes |= show_extension(connection, request, now)
    return replace(after, armed=after.armed | {effect.name for effect in armed}), lanes


def record(connection: sa.Connection, request_id: str, happening: Happening) -> set[Lane]:
    """Append a fact to the request's chain, and arm its comment in the ticket."""
    return _arm(connection, request_id, _append(connection, request_id, happening))


def _append(connection: sa.Connection, request_id: str, happening: Happening) -> list[Armed]:
    """Append a fact to the request's chain; return what it arms."""
    last = connection.execute(_LAST_FACT, {"its_id": request_id}).one_or_none()
    number, previous = (last.number + 1, last.digest) if last else (1, FIRST)
    fact = Fact(request_id, number, happening.deed, happening.at, happening.by, happening.details, previous)
    connection.execute(NEW_FACT, fact_values(fact))
    return on_fact(number, happening.deed, happening.at)


def show_extension(connection: sa.Connection, request: Request, now: datetime) -> set[Lane]:
    """Show at the request that *request* extends, if any, how that stands now."""
    if not request.extends:
        return set()
    armed = connection.scalars(_ARMED, {"its_id": request.extends}).all()
    return _arm(connection, request.extends, on_extension(armed, now))


def _arm(connection: sa.Connection, request_id: str, armed: Iterable[Armed]) -> set[Lane]:
    return outbox.arm(connection, ((request_id, effect) for effect in armed))


def _ask(connection: sa.Connection, request_id: str, route: Route) -> None:
    """Record whose turn it is, in place of whose it was."""
    connection.execute(_FORGET_DECIDERS, {"its_id": request_id})
    if route.deciders:
        rows = [{"request_id": request_id, "slack_id": slack_id} for slack_id in route.deciders]
        connection.execute(NEW_DECIDER, rows)


def _reroute(connection: sa.Connection, request: Request, route: Route) -> Request:
    """Record whose turn it is, and who was ever asked."""
    notify = tuple(dict.fromkeys((*request.notify, *route.notify)))
    connection.execute(sa.update(requests).where(requests.c.id == request.id).values(notify=list(notify)))
    _ask(connection, request.id, route)
    return replace(request, notify=notify, deciders=tuple(sorted(route.deciders)))


def _with_deadline(move: Move) -> Happening:
    """Return what happened with the deadline that it sets, if it does."""
    if move.expires_at is None:
        return move.happening
    details = {**move.happening.details, "expires_at": format_moment(move.expires_at)}
    return replace(move.happening, details=details)


def _swap(connection: sa.Connection, request: Request, move: Move, to: State) -> Request:
    """Put the request into its next state, if it still is where it was read."""
    same = sa.and_(
        requests.c.id == request.id,
        requests.c.state == request.state.value,
        requests.c.revision == request.revision,
    )
    after = replace(
        _with_times(request, move),
        state=to,
        revision=request.revision + 1,
        deciders=(),
        expires_at=move.expires_at or request.expires_at,
        decide_by=move.decide_by or request.decide_by,
        closing=move.closing or request.closing,
    )
    values = {
        "state": after.state.value,
        "revision": after.revision,
        "expires_at": after.expires_at,
        "decide_by": after.decide_by,
        "closing": after.closing,
        **_times(move),
    }
    swapped = connection.execute(sa.update(requests).where(same).values(**values)).rowcount
    if swapped != 1:
        raise RuntimeError(f"{request.id} changed under its lock")
    return after


def _with_times(request: Request, move: Move) -> Request:
    """Return the request with when it begins and until when it is kept up, as far as *move* says."""
    return replace(request, begins_at=move.begins_at or request.begins_at, kept=move.kept or request.kept)


def _times(move: Move) -> dict[str, Any]:
    """Return the columns of the same."""
    begins = {"begins_at": move.begins_at} if move.begins_at else {}
    kept = {"kept_until": move.kept.until, "kept_by": move.kept.by} if move.kept else {}
    return {**begins, **kept}
