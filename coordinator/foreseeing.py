"""Whether there is room for what a person asks for beside all that is approved, by what the journal knows.

It is asked while a person waits: one query, and no call to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from coordinator.journal import Journal
from coordinator.journal.rows import readable_changes
from coordinator.journal.tables import requests
from coordinator.requests import STANDING, Request
from sallyport.changes.protocol import Held
from sallyport.flows import ENVIRONMENT, Flow
from sallyport.forecasts import FORECASTS, HINTS, ROOMS
from sallyport.policies import Policies
from sallyport.problems import Problem


def no_room(
    journal: Journal, policies: Policies, flow: Flow, environment: str, wish: Held, now: datetime
) -> Problem | None:
    """Say why *wish* would not fit, at its field; None if it may, or if that cannot be foreseen for the flow."""
    if flow.id not in FORECASTS:
        return None
    return FORECASTS[flow.id](wish, held(journal, flow.id, environment, now), environment, policies.catalogue)


def room_left(journal: Journal, policies: Policies, request: Request, now: datetime) -> str:
    """Say how little room there will be beside *request*; empty where it is enough or cannot be foreseen."""
    if request.flow not in HINTS:
        return ""
    there = held(journal, request.flow, request.environment, now)
    wishes = (Held(change, request.expires_at) for change in request.changes)
    hint, catalogue = HINTS[request.flow], policies.catalogue
    return " ".join(text for wish in wishes if (text := hint(wish, there, request.environment, catalogue)))


def room_at_first(
    journal: Journal, policies: Policies, flow: Flow, answers: Mapping[str, str], now: datetime
) -> str:
    """Say how little room there is before anybody has asked; empty where it is enough or cannot be foreseen.

    Also where *answers* do not say yet what has to be known for it.
    """
    room, environment = ROOMS.get(flow.id), answers[ENVIRONMENT]
    if room is None or (room.needs and not answers.get(room.needs)):
        return ""
    there = held(journal, flow.id, environment, now)
    return room.tell(there, environment, answers.get(room.needs, ""), policies.catalogue)


def held(journal: Journal, flow: str, environment: str, now: datetime) -> list[Held]:
    """Return the changes of one flow in one environment that are approved and whose end is ahead.

    What only a newer version can read is left out: this is a forecast, and the job measures.
    """
    ahead = sa.or_(requests.c.expires_at.is_(None), requests.c.expires_at > now)
    query = sa.select(requests.c.flow, requests.c.changes, requests.c.expires_at).where(
        requests.c.flow == flow,
        requests.c.environment == environment,
        requests.c.state.in_([state.value for state in STANDING]),
        ahead,
    )
    with journal.reading() as connection:
        rows = connection.execute(query).all()
    return [Held(change, row.expires_at) for row in rows for change in readable_changes(row)]
