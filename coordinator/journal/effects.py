"""The outbox: effects are armed with the facts that cause them, claimed under a lease, and done once.

A lease is longer than a handler's calls can take together, so that nobody repeats one that may be under way.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from coordinator.journal import silences
from coordinator.journal.newer import IS_KNOWN
from coordinator.journal.silences import Unheard
from coordinator.journal.tables import effects
from coordinator.journal.tables import silences as silent
from coordinator.lifecycle import ALONE, BATCHED, KNOWN, PLATFORMS, Armed, Lane, Move
from coordinator.requests import Request

LEASE = timedelta(seconds=90)  # a look and a write, each with its timeout, and time to spare
CALL = timedelta(seconds=15)  # what a call of a process that died can still take: the clients' timeout and more
_ANSWERED: Mapping[str, Any] = {"error": "", "away_since": None}
_NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed effect: what to do, for which arming, and when an earlier attempt may have done it."""

    request_id: str
    name: str
    kind: str
    lane: Lane
    payload: Mapping[str, Any]
    arming: int
    lease: str
    attempts: int
    perhaps_done_at: datetime | None  # by the last attempt whose outcome is unknown; None: surely not done
    result: Mapping[str, Any]  # of the arming before, such as where the card was posted
    due: datetime

    @property
    def uncertain(self) -> bool:
        """Whether an earlier attempt may have done it."""
        return self.perhaps_done_at is not None

    @property
    def marker(self) -> str:
        """The effect's name in the outside world, by which a lost one is found again."""
        return f"{self.request_id}:{self.name}"


@dataclass(frozen=True, slots=True)
class Done:
    """The effect is done; `result` is remembered, and what follows is recorded in the same transaction.

    Where `then` depends on how the request stands, it is a function of the request at the moment of recording.
    """

    result: Mapping[str, Any] = field(default_factory=dict)
    then: Move | Callable[[Request], Move | None] | None = None
    arm: tuple[Armed, ...] = ()
    asked: bool = True  # whether the platform was asked for it


@dataclass(frozen=True, slots=True)
class Again:
    """Nothing is wrong and nothing is finished: look again at `due`."""

    due: datetime


def arm(connection: sa.Connection, armed: Iterable[tuple[str, Armed]]) -> set[Lane]:
    """Arm effects, each of a request by its id, in the running transaction; return the lanes that have work."""
    wanted = list(armed)
    if wanted:
        connection.execute(
            _ARM[connection.dialect.name], [_row(request_id, effect) for request_id, effect in wanted]
        )
    return {effect.lane for _, effect in wanted}


def _arm(insert: Any) -> Any:
    """Return the statement that arms an effect, or arms it again; it is built once, as it is not cheap."""
    fresh = insert(effects)
    again = {
        "wanted": effects.c.wanted + 1,
        "due": fresh.excluded.due,
        "after": fresh.excluded.after,
        "payload": fresh.excluded.payload,
        "attempts": 0,
        "leased_until": sa.case(
            (effects.c.lease == "", fresh.excluded.leased_until), else_=effects.c.leased_until
        ),
        "away_since": sa.func.coalesce(fresh.excluded.away_since, effects.c.away_since),
    }
    return fresh.on_conflict_do_update(index_elements=["request_id", "name"], set_=again)


_ARM = {"sqlite": _arm(sqlite.insert), "postgresql": _arm(postgresql.insert)}


def _row(request_id: str, effect: Armed) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "name": effect.name,
        "kind": effect.kind,
        "lane": effect.lane.value,
        "after": effect.after,
        "payload": dict(effect.payload),
        "wanted": 1,
        "done": 0,
        "due": effect.due,
        "leased_until": effect.not_before or _NEVER,
        "lease": "",
        "attempts": 0,
        "uncertain": False,
        "perhaps_done_at": None,
        "error": "",
        "away_since": effect.away_since,
        "result": {},
        "parked": False,
    }


def is_due(connection: sa.Connection, lane: Lane, now: datetime) -> bool:
    """Tell whether a claim would get anything, without a lock."""
    its = {"its_lanes": [lane.value], "platform": PLATFORMS.get(lane, ""), "now": now}
    return connection.execute(_ANY_MAY_BE_DONE, its).first() is not None


def claim(connection: sa.Connection, lane: Lane, now: datetime, limit: int) -> list[Work]:
    """Lease up to *limit* due effects of *lane*; one that waits for another is not due before that is done.

    What only a newer version knows is left to that one.

    Where the lane's platform is silent, or catches up, that takes a turn, which only one at a time can have. In
    some lanes a turn is for one effect alone, until the platform gives an answer.
    """
    lease = secrets.token_hex(8)
    silence = silences.read(connection, PLATFORMS[lane]) if lane in PLATFORMS else None
    if silence is not None and silence.until > now:
        return []
    if silence is not None and silence.since and lane in ALONE:
        limit = 1
    rows = connection.execute(_DUE, {"its_lanes": [lane.value], "now": now, "most": limit}).all()
    if silence is not None and rows:
        silences.take_turn(connection, silence, lease, now)
    works = [
        Work(
            request_id=row.request_id,
            name=row.name,
            kind=row.kind,
            lane=lane,
            payload=row.payload,
            arming=row.wanted,
            lease=lease,
            attempts=row.attempts,
            perhaps_done_at=(row.perhaps_done_at or now) if row.uncertain else None,
            result=row.result,
            due=row.due,
        )
        for row in rows
    ]
    for work in works:
        _update(
            connection, work, leased_until=now + LEASE, lease=lease, **_perhaps_done(now)
        )  # until it says otherwise
    return works


def reclaim(connection: sa.Connection) -> int:
    """Shorten the leases that a process left behind when it died; return how many there were.

    Only where no other worker can be at work. A call that it had just made may still arrive, so each
    lease lasts as long as a call can take.
    """
    held = sa.select(effects).where(effects.c.lease != "")
    rows = connection.execute(held).all()
    for row in rows:
        same = sa.and_(effects.c.request_id == row.request_id, effects.c.name == row.name)
        shorter = row.leased_until - LEASE + CALL
        connection.execute(sa.update(effects).where(same).values(leased_until=shorter, lease=""))
    return len(rows)


def waiting_for(connection: sa.Connection, work: Work) -> set[Lane]:
    """Return the lanes of the effects that waited for *work*, and its own if it was armed again meanwhile."""
    theirs = sa.or_(effects.c.after == work.name, effects.c.name == work.name)
    query = sa.select(effects.c.lane).where(effects.c.request_id == work.request_id, theirs)
    undone = query.where(effects.c.done < effects.c.wanted, effects.c.lane.in_(KNOWN))
    return {Lane(lane) for lane in connection.scalars(undone)}


def finish(connection: sa.Connection, work: Work, result: Mapping[str, Any]) -> bool:
    """Record that *work* is done; False if its lease was taken over meanwhile."""
    values = {"done": work.arming, "result": dict(result), "attempts": 0, **_perhaps_done(None), **_ANSWERED}
    return _update(connection, work, held=True, leased_until=_NEVER, lease="", **values)


def put_off(connection: sa.Connection, work: Work, due: datetime) -> None:
    """Look at *work* again at *due*; nothing went wrong."""
    values = {"attempts": 0, **_perhaps_done(work.perhaps_done_at), **_ANSWERED}
    _update(connection, work, held=True, leased_until=_NEVER, lease="", due=due, **values)


def release(connection: sa.Connection, works: Iterable[Work]) -> None:
    """Give back what was claimed and not attempted, as it was."""
    for work in works:
        _update(connection, work, held=True, leased_until=_NEVER, lease="", **_perhaps_done(work.perhaps_done_at))


def retry(
    connection: sa.Connection,
    work: Work,
    again: datetime,
    error: str,
    *,
    uncertain: bool,
    unheard: Unheard | None,
) -> None:
    """Try *work* at the moment *again*, looking first if the attempt may have succeeded.

    It stays due since when it was due, and so keeps its place before what came later. *unheard* tells of a call
    that the platform did not answer; the moment of the first one is kept. Where the platform is silent it needs no
    pause of its own, unless that lets another one see whether it is back; and none that is longer than the pause
    between two looks, as there may be no other.
    """
    platform = PLATFORMS.get(work.lane)
    if unheard and platform:
        is_silent = silences.unheard(connection, platform, work.lease, work.attempts, unheard)
        if is_silent and (work.lane in BATCHED or work.attempts < silences.ITS_OWN):
            again = unheard.at
        elif is_silent:
            again = min(again, unheard.at + silences.longest_pause(platform))
    _update(
        connection,
        work,
        held=True,
        leased_until=again,
        lease="",
        error=error,
        attempts=work.attempts + 1,
        away_since=sa.func.coalesce(effects.c.away_since, sa.literal(unheard.at, effects.c.away_since.type))
        if unheard
        else None,
        **({} if uncertain else _perhaps_done(work.perhaps_done_at)),  # its claim has noted it
    )


def any_due(connection: sa.Connection, lanes: Iterable[Lane], now: datetime) -> bool:
    """Tell whether anything in *lanes* could be done now."""
    theirs = {"its_lanes": [lane.value for lane in lanes], "now": now}
    return connection.execute(_ANY_DUE, theirs).first() is not None


def any_other(connection: sa.Connection, lanes: Iterable[Lane], lease: str) -> bool:
    """Tell whether anything in *lanes* is not done, beside what is held under *lease*."""
    theirs = effects.c.lane.in_([lane.value for lane in lanes])
    undone = sa.and_(theirs, effects.c.done < effects.c.wanted, effects.c.lease != lease)
    return connection.execute(sa.select(sa.literal(1)).where(undone, IS_KNOWN).limit(1)).first() is not None


def resume(connection: sa.Connection, lanes: Iterable[Lane]) -> None:
    """Let everything be tried again in its order that waits for its next attempt at a platform that was silent.

    What somebody is just changing is left to them: they claim it, or arm it anew, which lets it be tried too.
    """
    theirs = effects.c.lane.in_([lane.value for lane in lanes])
    waits = sa.and_(theirs, effects.c.done < effects.c.wanted, effects.c.away_since.is_not(None))
    row = sa.tuple_(effects.c.request_id, effects.c.name)
    idle = sa.select(effects.c.request_id, effects.c.name).where(waits, effects.c.lease == "")
    change = sa.update(effects).where(row.in_(idle.with_for_update(skip_locked=True)))
    connection.execute(change.values(leased_until=_NEVER))


def override(connection: sa.Connection, request_id: str, name: str, now: datetime, *, parked: bool) -> bool:
    """Make a waiting effect due at once, or leave it alone; False if it does not wait, or is being done."""
    row = sa.and_(effects.c.request_id == request_id, effects.c.name == name)
    idle = sa.or_(effects.c.lease == "", effects.c.leased_until <= now)
    free = sa.and_(row, effects.c.done < effects.c.wanted, idle)
    at_once = {"due": sa.case((effects.c.due > now, now), else_=effects.c.due), "leased_until": _NEVER}
    values = {"parked": True} if parked else {"parked": False, "attempts": 0, **at_once}
    return connection.execute(sa.update(effects).where(free).values(**values)).rowcount == 1


def _is_due() -> sa.ColumnElement[bool]:
    """Return the condition of a claim; statements are built once, since building them costs more than running."""
    before = effects.alias("before")
    waits = (
        sa.select(sa.literal(1))
        .where(before.c.request_id == effects.c.request_id, before.c.name == effects.c.after)
        .where(before.c.done < before.c.wanted)
        .exists()
    )
    now = sa.bindparam("now", type_=effects.c.due.type)
    of_lanes = effects.c.lane.in_(sa.bindparam("its_lanes", expanding=True))
    is_open = sa.and_(of_lanes, effects.c.done < effects.c.wanted, ~effects.c.parked)
    return sa.and_(is_open, effects.c.due <= now, effects.c.leased_until <= now, ~waits, IS_KNOWN)


_OF_PLATFORM = silent.c.platform == sa.bindparam("platform")
_NOW = sa.bindparam("now", type_=silent.c.until.type)
_IS_CLOSED = sa.select(sa.literal(1)).where(_OF_PLATFORM, silent.c.until > _NOW).exists()
_ANY_DUE = sa.select(sa.literal(1)).where(_is_due()).limit(1)
_ANY_MAY_BE_DONE = _ANY_DUE.where(~_IS_CLOSED)
_DUE = (
    sa.select(effects)
    .where(_is_due())
    .order_by(effects.c.due, effects.c.request_id, effects.c.name)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)


def _perhaps_done(at: datetime | None) -> dict[str, Any]:
    """Return the columns that say when an attempt may have done an effect, if one may have."""
    return {"uncertain": at is not None, "perhaps_done_at": at}


def _update(connection: sa.Connection, work: Work, *, held: bool = False, **values: Any) -> bool:
    row = sa.and_(effects.c.request_id == work.request_id, effects.c.name == work.name)
    if held:
        row = sa.and_(row, effects.c.lease == work.lease)
    return connection.execute(sa.update(effects).where(row).values(**values)).rowcount == 1
