"""Every change of the coordinator's memory: a fact, its state, its effects and its audit row in one transaction.

A transition is one compare-and-swap on (id, state, revision). The loser of a race is told who won.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from coordinator.journal import effects as outbox
from coordinator.journal import silences, submitting, transitions
from coordinator.journal.drafts import Drafts
from coordinator.journal.effects import Done, Work
from coordinator.journal.questions import Questions
from coordinator.journal.reading import lock_request, read_request
from coordinator.journal.rows import decision_values
from coordinator.journal.silences import Unheard
from coordinator.journal.submitting import New
from coordinator.journal.tables import IS_CONFIRMING, decisions, requests
from coordinator.journal.together import Together
from coordinator.journal.turns import Turns
from coordinator.lifecycle import PLATFORMS, Armed, Happening, Lane, Move
from coordinator.requests import Ask, Decision, Request, Route, State
from sallyport.ids import new_id

log = structlog.get_logger()

_NEW_DECISION = sa.insert(decisions)
_LOST = (OperationalError, InterfaceError)  # it is the database, and nothing that anybody asked for


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
        self._submissions = Together(self._submit, shared=(OutcomeUnknown, *_LOST))
        self.drafts = Drafts(self._reader.begin, self._patiently)

    # Facts

    def submit(self, ask: Ask) -> Request:
        """Record a new request; a submission that was recorded before returns the request it made then.

        Those of the same moment share one transaction, which is what a stream of them can afford.
        """
        try:
            return self._submissions.write(New.of(ask, new_id(ask.prefix)))
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

    def _submit(self, news: Sequence[New]) -> list[Request]:
        with self._urgently() as connection:
            made, lanes = submitting.write(connection, news)
        self._tell(lanes)
        return made

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
            request, lanes = transitions.apply(connection, request, move) if move else (request, set())
        self._tell(lanes)
        return request

    def move(self, request_id: str, move: Move | Callable[[Request], Move | None]) -> Request:
        """Record what a person did to a request; returns it as it stands afterwards.

        Where the move depends on how the request stands, it is a function of the request at that moment.
        """
        with self._urgently() as connection:
            standing = read_request(connection, request_id, lock=True)
            found = move(standing) if callable(move) else move
            request, lanes = transitions.apply(connection, standing, found) if found else (standing, set())
        self._tell(lanes)
        return request

    def reroute(self, request_id: str, happening: Happening, route: Route) -> None:
        """Ask other people than before; nothing happens if the request waits no longer, or waits for them."""
        with self._patiently() as connection:
            request = read_request(connection, request_id, lock=True)
            if request.state is not State.PENDING or set(request.deciders) == set(route.deciders):
                return
            _, lanes = transitions.apply(connection, request, Move(happening, route=route))
        self._tell(lanes)

    def arm(self, request_id: str, effect: Armed) -> None:
        """Arm an effect that a person asks for and that is no fact before it is done."""
        with self._urgently() as connection:
            lanes = outbox.arm(connection, [(request_id, effect)])
        self._tell(lanes)

    def arm_confirming(self, effect: Armed) -> None:
        """Arm an effect of everything that waits for its approval in GitHub."""
        with self._patiently() as connection:
            waiting = connection.scalars(sa.select(requests.c.id).where(IS_CONFIRMING)).all()
            lanes = outbox.arm(connection, [(request_id, effect) for request_id in waiting])
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
            if done.then is not None or done.arm:
                lock_request(connection, work.request_id)  # before its effects, as everybody does who changes it
            if not outbox.finish(connection, work, done.result):
                return
            lanes = outbox.waiting_for(connection, work)
            if done.then is not None:
                request = read_request(connection, work.request_id, lock=True)
                move = done.then(request) if callable(done.then) else done.then
                lanes |= transitions.apply(connection, request, move)[1] if move else set()
            lanes |= outbox.arm(connection, ((work.request_id, effect) for effect in done.arm))
        self._tell(lanes)

    def put_off(self, work: Work, due: datetime) -> None:
        """Look at an effect again at *due*; nothing went wrong."""
        with self._patiently() as connection:
            outbox.put_off(connection, work, due)

    def release(self, works: Sequence[Work]) -> None:
        """Give back effects that were claimed and not attempted."""
        with self._patiently() as connection:
            outbox.release(connection, works)

    def retry(
        self, work: Work, again: datetime, error: str, *, uncertain: bool, unheard: Unheard | None = None
    ) -> None:
        """Try an effect at the moment *again*; with *uncertain*, the attempt may have succeeded.

        *unheard* tells of a call without an answer; None where one came, or where it was our own fault.
        """
        with self._patiently() as connection:
            outbox.retry(connection, work, again, error, uncertain=uncertain, unheard=unheard)

    def unheard(self, lane: Lane, call: Unheard, lease: str = "", attempts: int = 0) -> bool:
        """Note that the platform of *lane* gave no answer, outside of an effect; tell whether it is silent.

        *lease* is that of the effect whose turn it was to ask, and *attempts* how often the same was asked before.
        """
        with self._patiently() as connection:
            return silences.unheard(connection, PLATFORMS[lane], lease, attempts, call)

    def pass_on(self, lane: Lane, lease: str, now: datetime) -> None:
        """Let another effect have the turn at the platform of *lane* that this *lease* had and does not need."""
        lanes = [one for one, its in PLATFORMS.items() if its == PLATFORMS[lane]]
        with self._patiently() as connection:
            waits = outbox.any_other(connection, lanes, lease)
            silences.pass_on(connection, PLATFORMS[lane], lease, now, waits=waits)

    def give_back(self, lane: Lane, lease: str, now: datetime) -> None:
        """Let somebody else ask the platform of *lane* at once, since whoever has this *lease* did not need to."""
        if self._is_well(lane):
            return
        with self._patiently() as connection:
            silences.give_back(connection, PLATFORMS[lane], lease, now)

    def answered(self, lane: Lane, now: datetime) -> None:
        """Note that the platform of *lane* gives answers: it is not silent, or not any more."""
        if self._is_well(lane):
            return
        platform = PLATFORMS[lane]
        lanes = [one for one, its in PLATFORMS.items() if its == platform]
        with self._patiently() as connection:
            waits = outbox.any_due(connection, lanes, now)
            if silences.answered(connection, platform, now, waits=waits):
                outbox.resume(connection, lanes)

    def _is_well(self, lane: Lane) -> bool:
        """Tell whether nothing keeps *lane* from its platform, if it has one."""
        return PLATFORMS.get(lane) not in {silence.platform for silence in self.silences()}

    def override(self, request_id: str, effect: str, happening: Happening, *, parked: bool) -> bool:
        """Have a waiting effect tried at once, or left alone, as an operator says; that is a fact.

        False if it does not wait, or is being done right now. Raises UnknownRequest.
        """
        with self._patiently() as connection:
            read_request(connection, request_id, lock=True)
            if not outbox.override(connection, request_id, effect, happening.at, parked=parked):
                return False
            lanes = transitions.record(connection, request_id, happening)
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
