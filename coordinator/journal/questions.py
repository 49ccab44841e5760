"""What can be asked of the coordinator's memory: each question is one transaction that only reads.

Nothing here waits for a turn to write, so that people who look hold up nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from coordinator.journal import silences
from coordinator.journal.newer import UNKNOWN
from coordinator.journal.reading import MANY, read_request, read_requests
from coordinator.journal.rows import to_fact
from coordinator.journal.silences import Silence
from coordinator.journal.tables import deciders, effects, facts, requests
from coordinator.lifecycle import KNOWN, Lane
from coordinator.requests import STANDING, Kept, Request, State
from sallyport.audit import Fact


class Questions:
    """The half of the journal that changes nothing."""

    def __init__(self, engine: sa.Engine) -> None:
        self._reader = engine.execution_options(read_only=True)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads."""
        with self._reader.begin() as connection:
            yield connection

    def request(self, request_id: str) -> Request:
        """Return the request; UnknownRequest if there is none that this version knows."""
        with self._reader.begin() as connection:
            return read_request(connection, request_id)

    def has(self, request_id: str) -> bool:
        """Tell whether there is such a request, also one that only a newer version can read."""
        with self._reader.begin() as connection:
            return connection.scalar(sa.select(requests.c.id).where(requests.c.id == request_id)) is not None

    def result(self, request_id: str, effect: str) -> Mapping[str, Any]:
        """Return what an effect of a request has brought, empty while it has not been done."""
        row = sa.and_(effects.c.request_id == request_id, effects.c.name == effect)
        with self._reader.begin() as connection:
            return connection.scalar(sa.select(effects.c.result).where(row)) or {}

    def requests(self, ids: Sequence[str]) -> Iterator[Request]:
        """Return the requests with these *ids*, in their order, some at a time: memory does not grow with them.

        What only a newer version can read is left out, here and wherever many are asked for.
        """
        for begin in range(0, len(ids), MANY):
            with self._reader.begin() as connection:
                some = read_requests(connection, ids[begin : begin + MANY])
            yield from some

    def facts(self, request_id: str) -> list[tuple[Fact, str]]:
        """Return the audit trail of a request, in order, each fact with its stored digest."""
        query = sa.select(facts).where(facts.c.request_id == request_id).order_by(facts.c.number)
        with self._reader.begin() as connection:
            return [(to_fact(row), row.digest) for row in connection.execute(query)]

    def ids(self) -> list[str]:
        """Return all request ids, oldest first."""
        with self._reader.begin() as connection:
            return list(connection.scalars(sa.select(requests.c.id).order_by(requests.c.submitted_at)))

    def asked_by(self, slack_id: str, most: int, states: Collection[State] = tuple(State)) -> list[Request]:
        """Return the newest requests of a person that are in one of *states*."""
        theirs = (requests.c.requester_slack == slack_id, requests.c.state.in_([state.value for state in states]))
        query = sa.select(requests.c.id).where(*theirs)
        return self._requests(query.order_by(requests.c.submitted_at.desc()).limit(most))

    def to_decide(self, slack_id: str, most: int) -> list[Request]:
        """Return the requests that wait for a person's decision, those with the least time left first."""
        theirs = sa.select(deciders.c.request_id).where(deciders.c.slack_id == slack_id)
        query = sa.select(requests.c.id).where(requests.c.id.in_(theirs)).order_by(requests.c.decide_by)
        return self._requests(query.limit(most))

    def pending(self) -> dict[str, int]:
        """Return all requests that wait for a decision, by id, with the number of the newest fact about each.

        Those with the least time left come first.
        """
        newest = sa.select(sa.func.max(facts.c.number)).where(facts.c.request_id == requests.c.id)
        query = sa.select(requests.c.id, newest.scalar_subquery()).where(requests.c.state == State.PENDING.value)
        with self._reader.begin() as connection:
            return {row[0]: row[1] for row in connection.execute(query.order_by(requests.c.decide_by))}

    def emergencies(self) -> dict[tuple[str, str], int]:
        """Return how often the glass was ever broken, by flow and environment."""
        where = requests.c.flow, requests.c.environment
        alarms = sa.select(*where, sa.func.count()).join(effects, effects.c.request_id == requests.c.id)
        query = alarms.where(effects.c.name == "alarm").group_by(*where)
        with self._reader.begin() as connection:
            return {(flow, environment): count for flow, environment, count in connection.execute(query)}

    def standing(self, flow: str, environment: str) -> list[Request]:
        """Return what was approved and has not ended, of one flow in one environment, oldest first."""
        of_flow = sa.and_(requests.c.flow == flow, requests.c.environment == environment)
        query = sa.select(requests.c.id).where(of_flow, requests.c.state.in_([one.value for one in STANDING]))
        return self._requests(query.order_by(requests.c.submitted_at))

    def kept(self, flow: str, environment: str, now: datetime) -> Kept | None:
        """Return until when somebody keeps an environment up, the longest; None if nobody does at *now*.

        That holds in whatever state the request is by which they do.
        """
        of_flow = sa.and_(requests.c.flow == flow, requests.c.environment == environment)
        query = sa.select(requests.c.kept_until, requests.c.kept_by).where(of_flow, requests.c.kept_until > now)
        with self._reader.begin() as connection:
            row = connection.execute(query.order_by(requests.c.kept_until.desc()).limit(1)).first()
            return Kept(row.kept_until, row.kept_by) if row else None

    def was_submitted(self, key: str) -> bool:
        """Tell whether there is a request of this submission, also one that only a newer version can read."""
        with self._reader.begin() as connection:
            return connection.scalar(sa.select(requests.c.id).where(requests.c.submission == key)) is not None

    def by_submission(self, key: str) -> Request | None:
        """Return the request that was made by this submission; None if there was none."""
        with self._reader.begin() as connection:
            request_id = connection.scalar(sa.select(requests.c.id).where(requests.c.submission == key))
            return read_request(connection, request_id) if request_id else None

    def _requests(self, ids: sa.Select[str]) -> list[Request]:
        with self._reader.begin() as connection:
            return read_requests(connection, connection.scalars(ids).all())

    def waiting(self) -> Sequence[sa.Row[Any]]:
        """Return the effects that are not done yet, soonest first, each with the state of its request.

        And with what of it is `unknown`, where only a newer version can do it: “effect ticket-in-triplicate”.
        """
        found = sa.select(effects, requests.c.state, UNKNOWN.label("unknown"))
        of_requests = found.join(requests, requests.c.id == effects.c.request_id)
        query = of_requests.where(effects.c.done < effects.c.wanted).order_by(effects.c.due)
        with self._reader.begin() as connection:
            return connection.execute(query).all()

    def unknown(self) -> dict[str, int]:
        """Return what is unknown of the effects that wait for a newer version, and of how many it is."""
        what = UNKNOWN.label("what")
        waiting = sa.select(what).where(effects.c.done < effects.c.wanted, UNKNOWN.is_not(None)).subquery()
        query = sa.select(waiting.c.what, sa.func.count()).group_by(waiting.c.what)
        with self._reader.begin() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def failing(self) -> Sequence[sa.Row[Any]]:
        """Return the effects whose last attempt failed; few do, where many wait."""
        query = sa.select(effects).where(effects.c.done < effects.c.wanted, effects.c.error != "")
        with self._reader.begin() as connection:
            return connection.execute(query).all()

    def backlog(self, now: datetime) -> dict[str, tuple[int, datetime]]:
        """Return how many effects are due and not done in each lane that has some, and since when one is.

        By the lane's name: it may be one that only another version knows.
        """
        count, oldest = sa.func.count(), sa.func.min(effects.c.due)
        due = sa.select(effects.c.lane, count, oldest).where(
            effects.c.done < effects.c.wanted, effects.c.due <= now
        )
        with self._reader.begin() as connection:
            rows = connection.execute(due.group_by(effects.c.lane))
            return {lane: (many, since) for lane, many, since in rows}

    def away_since(self) -> Mapping[Lane, datetime]:
        """Return the lanes in which something waits for a platform that gives no answer, and since when."""
        query = sa.select(effects.c.lane, sa.func.min(effects.c.away_since).label("since"))
        query = query.where(effects.c.away_since.is_not(None)).group_by(effects.c.lane)
        with self._reader.begin() as connection:
            return {Lane(row.lane): row.since for row in connection.execute(query) if row.lane in KNOWN}

    def silences(self) -> list[Silence]:
        """Return the platforms that are silent, and those that catch up."""
        with self._reader.begin() as connection:
            return silences.read_all(connection)
