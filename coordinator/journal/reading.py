"""Reads requests whole, each with its decisions, results, deciders and newest extension: many cost what one does.

The statements are built once, since building one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar

import sqlalchemy as sa

from coordinator.journal.rows import UNREADABLE, to_request
from coordinator.journal.tables import deciders, decisions, effects, requests
from coordinator.requests import Request

Row = sa.Row[*tuple[Any, ...]]

MANY = 200  # requests that are read at once at most

_IDS: sa.BindParameter[str] = sa.bindparam("ids", expanding=True)
_REQUESTS = sa.select(requests).where(requests.c.id.in_(_IDS))
_LOCKED = _REQUESTS.with_for_update()
_LOCK = sa.select(requests.c.id).where(requests.c.id == sa.bindparam("its_id")).with_for_update()
_DECISIONS = (
    sa.select(decisions)
    .where(decisions.c.request_id.in_(_IDS))
    .order_by(decisions.c.request_id, decisions.c.at, decisions.c.by)
)
_RESULTS = (
    sa.select(effects.c.request_id, effects.c.name, effects.c.result)
    .where(effects.c.request_id.in_(_IDS))
    .order_by(effects.c.request_id)
)
_DECIDERS = (
    sa.select(deciders).where(deciders.c.request_id.in_(_IDS)).order_by(deciders.c.request_id, deciders.c.slack_id)
)
_EXTENSIONS = (
    sa.select(requests.c.extends, requests.c.id, requests.c.state, requests.c.expires_at)
    .where(requests.c.extends.in_(_IDS))
    .order_by(requests.c.extends, requests.c.submitted_at.desc(), requests.c.id)
)


class UnknownRequest(LookupError):
    """This version knows no such request; the sentence says why."""

    _sentence: ClassVar[str] = "There is no request {id}."

    def __init__(self, request_id: str) -> None:
        super().__init__(self._sentence.format(id=request_id))


class NewerRequest(UnknownRequest):
    """There is one, and it is as only a newer version can read it; what is in the way is the cause."""

    _sentence = "A newer version of Sallyport, which this one cannot follow, is at work on {id}; try again later."


def read_request(connection: sa.Connection, request_id: str, *, lock: bool = False) -> Request:
    """Return one request; UnknownRequest if there is none that this version knows.

    With *lock*, nobody else changes it meanwhile.
    """
    found = _read(connection, (request_id,), _LOCKED if lock else _REQUESTS)
    request = found[0] if found else UnknownRequest(request_id)
    if isinstance(request, UnknownRequest):
        raise request
    return request


def lock_request(connection: sa.Connection, request_id: str) -> None:
    """Let nobody else change a request until the transaction ends."""
    connection.execute(_LOCK, {"its_id": request_id})


def read_requests(connection: sa.Connection, ids: Sequence[str]) -> list[Request]:
    """Return the requests with these *ids*, in their order; whatever this version knows none of is left out."""
    return [request for request in _read(connection, ids, _REQUESTS) if isinstance(request, Request)]


def _read(connection: sa.Connection, ids: Sequence[str], query: sa.Select[Any]) -> list[Request | NewerRequest]:
    those = {"ids": list(ids)}
    rows = {row.id: row for row in connection.execute(query, those)}
    made = _by_request(connection.execute(_DECISIONS, those), lambda row: row.request_id)
    done = _by_request(connection.execute(_RESULTS, those), lambda row: row.request_id)
    asked = _by_request(connection.execute(_DECIDERS, those), lambda row: row.request_id)
    extending = _by_request(connection.execute(_EXTENSIONS, those), lambda row: row.extends)
    return [
        _request(
            rows[one],
            made.get(one, ()),
            done.get(one, ()),
            [row.slack_id for row in asked.get(one, ())],
            next(iter(extending.get(one, ())), None),
        )
        for one in ids
        if one in rows
    ]


def _request(row: Row, *its: Any) -> Request | NewerRequest:
    """Return a request, or that it cannot be read, which is no fault of those that are read with it."""
    try:
        return to_request(row, *its)
    except UNREADABLE as error:
        newer = NewerRequest(row.id)
        newer.__cause__ = error
        return newer


def _by_request(rows: Iterable[Row], whose: Callable[[Row], str]) -> Mapping[str, Sequence[Row]]:
    """Return *rows*, which are ordered by it, by the request that each is of."""
    return {request_id: tuple(theirs) for request_id, theirs in groupby(rows, whose)}
