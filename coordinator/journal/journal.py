"""Every change of the coordinator's memory: a fact, its state, its effects and its audit row in one transaction.

A transition is one compare-and-swap on (id, state, revision). The loser of a race is told who won.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError

from coordinator.journal import effects as outbox
from coordinator.journal import silences
from coordinator.journal.drafts import Drafts
from coordinator.journal.effects import Done, Work
from coordinator.journal.questions import Questions
from coordinator.journal.reading import read_request
from coordinator.journal.rows import decision_values, fact_values, new_request, request_values
from coordinator.journal.silences import Unheard
from coordinator.journal.tables import deciders, decisions, facts, requests
from coordinator.journal.turns import Turns
from coordinator.lifecycle import (
    FOLLOWS,
    PLATFORMS,
    Armed,
    Happening,
    Lane,
    Move,
    granted,
    on_answer,
    on_extension,
    on_fact,
    on_route,
    on_state,
    on_submit,
)
from coordinator.requests import Ask, Decision, Request, Route, State
from sallyport.audit import FIRST, Deed, Fact
from sallyport.ids import new_id
from sallyport.times import format_moment

log = structlog.get_logger()

_NEW_REQUEST = sa.insert(requests)  # built once: building a statement costs more than running it
_NEW_FACT = sa.insert(facts)
_NEW_DECISION = sa.insert(decisions)
_NEW_DECIDER = sa.insert(deciders)


class OutcomeUnknown(Exception):
    """The database was lost while it committed: the change may be recorded or not."""


class AlreadyDecided(Exception):
    """Somebody was faster, or this person has decided before; `request` says how it stands."""

    def __init__(self, request: Request) -> None:
        self.request = request
        super().__init__(f"{request.id} is {request.state}")


class Journal(Questions):
    """The coordinator's database. `on_work` is told which lanes have something to do after each commit."""

    def __init__(self, engine: sa.Engine, on_work: Callable[[set[Lane]], None] = lambda _: None) -> None:
        super().__init__(engine)
        self._engine = engine
        self._turns = Turns(Path(engine.url.database or "")) if engine.dialect.name == "sqlite" else None
        self.on_work = on_work
        self.drafts = Drafts(self._reader.begin, self._patiently)

    # Facts

    def submit(self, ask: Ask) -> Request:
        """Record a new request; a submission that was recorded before returns the request it made then."""
        values = request_values(ask, new_id(ask.prefix))
        asked = Fact(values["id"], 1, Deed.ASKED, ask.submitted_at, ask.requester, ask.facts())
        armed, move = on_submit(ask), granted(ask)
        request = new_request(ask, values["id"])
        try:
            with self._urgently() as connection:
                connection.execute(_NEW_REQUEST, values)
                connection.execute(_NEW_FACT, fact_values(asked))
                _ask_them(connection, request.id, ask.route)
                lanes = outbox.arm(connection, request.id, armed) | _show_extension(
                    connection, request, ask.submitted_at
                )
                if move is not None:
                    lanes |= _apply(connection, request, move)
                    request = read_request(connection, request.id)
        except IntegrityError:
            earlier = self.by_submission(ask.key)
            if earlier is None:
                return self.submit(ask)  # two ids collided; the next one will not
            return earlier
        except OutcomeUnknown:
            with suppress(DBAPIError):
                if recorded := self.by_submission(ask.key):
                    return recorded  # only the answer to the commit was lost
            raise
        self._tell(lanes)
        return request

    def decide(self, request_id: str, decision: Decision, settle: Callable[[Request], Move | None]) -> Request:
        """Record one person's decision; *settle* says, knowing all decisions, whether it settles the request.

        Raises AlreadyDecided when the request is no longer pending or the person has decided before.
        """
        try:
            return self._decide(request_id, decision, settle)
        except OutcomeUnknown:
            with suppress(DBAPIError):
                request = self.request(request_id)
                if decision in request.decisions:
                    return request  # only the answer to the commit was lost
            raise

    def _decide(self, request_id: str, decision: Decision, settle: Callable[[Request], Move | None]) -> Request:
        with self._urgently() as connection:
            request = read_request(connection, request_id, lock=True)
            if request.state is not State.PENDING or any(d.by == decision.by for d in request.decisions):
                raise AlreadyDecided(request)
            connection.execute(_NEW_DECISION, decision_values(request_id, decision))
            request = request.with_decision(decision)
            move = settle(request)
            lanes = _apply(connection, request, move) if move else set()
            request = read_request(connection, request_id)
        self._tell(lanes)
        return request

    def move(self, request_id: str, move: Move | Callable[[Request], Move | None]) -> Request:
        """Record what a person did to a request; returns it as it stands afterwards.

        Where the move depends on how the request stands, it is a function of the request at that moment.
        """
        with self._urgently() as connection:
            standing = read_request(connection, request_id, lock=True)
            found = move(standing) if callable(move) else move
            lanes = _apply(connection, standing, found) if found else set()
            request = read_request(connection, request_id)
        self._tell(lanes)
        return request

    def reroute(self, request_id: str, happening: Happening, route: Route) -> None:
        """Ask other people than before; nothing happens if the request waits no longer, or waits for them."""
        with self._patiently() as connection:
            request = read_request(connection, request_id, lock=True)
            if request.state is not State.PENDING or set(request.deciders) == set(route.deciders):
                return
            lanes = _apply(connection, request, Move(happening, route=route))
        self._tell(lanes)

    def arm(self, request_id: str, effect: Armed) -> None:
        """Arm an effect that a person asks for and that is no fact before it is done."""
        with self._urgently() as connection:
            lanes = outbox.arm(connection, request_id, [effect])
        self._tell(lanes)

    # Effects

    def claim(self, lane: Lane, now: datetime, limit: int = 1) -> list[Work]:
        """Lease due effects of *lane*; nobody else gets them before they are done or the lease is over."""
        with self._reader.begin() as connection:
            if not outbox.is_due(connection, lane, now):
                return []
        with self._patiently() as connection:
            return outbox.claim(connection, lane, now, limit)

    def finish(self, work: Work, done: Done) -> None:
        """Record that an effect is done, and what follows from it, in one transaction."""
        with self._patiently() as connection:
            if not outbox.finish(connection, work, done.result):
                return
            lanes = outbox.waiting_for(connection, work)
            if done.then is not None:
                request = read_request(connection, work.request_id, lock=True)
                move = done.then(request) if callable(done.then) else done.then
                lanes |= _apply(connection, request, move) if move else set()
            lanes |= outbox.arm(connection, work.request_id, done.arm)
        self._tell(lanes)

    def put_off(self, work: Work, due: datetime) -> None:
        """Look at an effect again at *due*; nothing went wrong."""
        with self._patiently() as connection:
            outbox.put_off(connection, work, due)

    def retry(
        self, work: Work, again: datetime, error: str, *, uncertain: bool, unheard: Unheard | None = None
    ) -> None:
        """Try an effect at the moment *again*; with *uncertain*, the attempt may have succeeded.

        *unheard* tells of a call without an answer; None where one came, or where it was our own fault.
        """
        with self._patiently() as connection:
            outbox.retry(connection, work, again, error, uncertain=uncertain, unheard=unheard)

    def unheard(self, lane: Lane, call: Unheard) -> None:
        """Note a call to the platform of *lane* that was for no effect, and got no answer."""
        with self._patiently() as connection:
            silences.unheard(connection, PLATFORMS[lane], "", 0, call)

    def answered(self, lane: Lane, now: datetime) -> None:
        """Note that the platform of *lane* gives answers: it is not silent, or not any more."""
        platform = PLATFORMS.get(lane)
        if platform is None or platform not in {silence.platform for silence in self.silences()}:
            return
        lanes = [one for one, its in PLATFORMS.items() if its == platform]
        with self._patiently() as connection:
            waits = outbox.any_due(connection, lanes, now)
            if silences.answered(connection, platform, now, waits=waits):
                outbox.release(connection, lanes)

    def override(self, request_id: str, effect: str, happening: Happening, *, parked: bool) -> bool:
        """Have a waiting effect tried at once, or left alone, as an operator says; that is a fact.

        False if it does not wait, or is being done right now. Raises UnknownRequest.
        """
        with self._patiently() as connection:
            read_request(connection, request_id, lock=True)
            if not outbox.override(connection, request_id, effect, happening.at, parked=parked):
                return False
            lanes = _record(connection, request_id, happening)
        self.on_work(lanes)
        return True

    def reclaim(self) -> int:
        """Take back what a dead worker had claimed, where no other worker can be at work: on SQLite."""
        if self._turns is None:
            return 0
        with self._patiently() as connection:
            return outbox.reclaim(connection)

    # For what else belongs into the same database

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction that gives way to people who wait."""
        with self._patiently() as connection:
            yield connection

    @contextmanager
    def _urgently(self) -> Iterator[sa.Connection]:
        """Open a transaction for a person who waits."""
        with self._turns.urgent() if self._turns else nullcontext(), self._transaction() as connection:
            yield connection

    @contextmanager
    def _patiently(self) -> Iterator[sa.Connection]:
        """Open a transaction for a worker."""
        with self._turns.patient() if self._turns else nullcontext(), self._transaction() as connection:
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction; whatever fails before its commit has changed nothing."""
        with self._engine.connect() as connection, connection.begin() as transaction:
            yield connection
            try:
                transaction.commit()
            except DBAPIError as error:
                connection.invalidate()  # or the next to use it finds itself in the midst of this transaction
                raise OutcomeUnknown(str(error)) from error

    def _tell(self, lanes: set[Lane]) -> None:
        """Wake the workers; what is recorded stands even if nobody could be woken, for they look by themselves."""
        try:
            self.on_work(lanes)
        except Exception:
            log.exception("journal.wake-failed", lanes=sorted(lanes))


def _ask_them(connection: sa.Connection, request_id: str, route: Route) -> None:
    """Record whose turn it is, in place of whose it was."""
    connection.execute(sa.delete(deciders).where(deciders.c.request_id == request_id))
    if route.deciders:
        rows = [{"request_id": request_id, "slack_id": slack_id} for slack_id in route.deciders]
        connection.execute(_NEW_DECIDER, rows)


def _apply(connection: sa.Connection, request: Request, move: Move) -> set[Lane]:
    if move.to is not None and move.to not in FOLLOWS.get(request.state, frozenset()):
        return set()
    now = move.happening.at
    lanes = _record(connection, request.id, _with_deadline(move))
    if move.to is not None:
        _swap(connection, request, move, move.to)
        if request.state is State.PENDING:
            _ask_them(connection, request.id, Route())
        if request.state is State.CONFIRMING:
            lanes |= outbox.arm(connection, request.id, on_answer(now))
        lanes |= outbox.arm(connection, request.id, on_state(read_request(connection, request.id), now))
        lanes |= _show_extension(connection, request, now)
    elif move.route is not None and request.state is State.PENDING:
        lanes |= _reroute(connection, request, move.route, now)
    elif times := _times(move):
        connection.execute(sa.update(requests).where(requests.c.id == request.id).values(**times))
    return lanes | outbox.arm(connection, request.id, move.arm)


def _show_extension(connection: sa.Connection, request: Request, now: datetime) -> set[Lane]:
    """Show at the request that *request* extends, if any, how that stands now."""
    if not request.extends:
        return set()
    return outbox.arm(connection, request.extends, on_extension(read_request(connection, request.extends), now))


def _reroute(connection: sa.Connection, request: Request, route: Route, now: datetime) -> set[Lane]:
    notify = list(dict.fromkeys((*request.notify, *route.notify)))
    connection.execute(sa.update(requests).where(requests.c.id == request.id).values(notify=notify))
    _ask_them(connection, request.id, route)
    return outbox.arm(connection, request.id, on_route(read_request(connection, request.id), now))


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


def _record(connection: sa.Connection, request_id: str, happening: Happening) -> set[Lane]:
    """Append a fact to the request's chain, and arm its comment in the ticket."""
    last = connection.execute(
        sa.select(facts.c.number, facts.c.digest)
        .where(facts.c.request_id == request_id)
        .order_by(facts.c.number.desc())
        .limit(1)
    ).one_or_none()
    number, previous = (last.number + 1, last.digest) if last else (1, FIRST)
    fact = Fact(request_id, number, happening.deed, happening.at, happening.by, happening.details, previous)
    connection.execute(_NEW_FACT, fact_values(fact))
    return outbox.arm(connection, request_id, on_fact(number, happening.deed, happening.at))
