"""New requests, any number of them in one transaction: the rows of each, its first fact, and what that arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from coordinator.journal import effects as outbox
from coordinator.journal import transitions
from coordinator.journal.rows import fact_values, new_request, request_values
from coordinator.journal.tables import requests
from coordinator.lifecycle import Armed, Lane, Move, granted, on_submit
from coordinator.requests import Ask, Request
from sallyport.audit import Deed, Fact

_NEW_REQUEST = sa.insert(requests)


@dataclass(frozen=True, slots=True)
class New:
    """A request that is to be recorded; `move` is the approval that nobody needs to give."""

    request: Request
    row: dict[str, Any]
    asked: Fact
    armed: list[Armed]
    move: Move | None

    @classmethod
    def of(cls, ask: Ask, request_id: str) -> New:
        """Return the request that *ask* makes."""
        asked = Fact(request_id, 1, Deed.ASKED, ask.submitted_at, ask.requester, ask.facts())
        row, armed = request_values(ask, request_id), on_submit(ask)
        request = replace(new_request(ask, request_id), armed=frozenset(effect.name for effect in armed))
        return cls(request, row, asked, armed, granted(ask))


def write(connection: sa.Connection, news: Sequence[New]) -> tuple[list[Request], set[Lane]]:
    """Record them in the running transaction; return them as they stand, and the lanes that have work."""
    connection.execute(_NEW_REQUEST, [new.row for new in news])
    connection.execute(transitions.NEW_FACT, [fact_values(new.asked) for new in news])
    deciders = [
        {"request_id": new.request.id, "slack_id": slack_id} for new in news for slack_id in new.request.deciders
    ]
    if deciders:
        connection.execute(transitions.NEW_DECIDER, deciders)
    lanes = outbox.arm(connection, ((new.request.id, effect) for new in news for effect in new.armed))
    made = []
    for new in news:
        lanes |= transitions.show_extension(connection, new.request, new.request.submitted_at)
        request = new.request
        if new.move is not None:
            request, more = transitions.apply(connection, request, new.move)
            lanes |= more
        made.append(request)
    return made, lanes
