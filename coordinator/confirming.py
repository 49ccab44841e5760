"""What a person could confirm in GitHub now, by the journal and the policies of the moment: GitHub is not asked.

It is derived anew each time somebody looks, so that no change of policies makes it wrong. Few can wait there at
once: GitHub limits how many pull requests are opened in an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import sqlalchemy as sa

from coordinator.journal import Journal
from coordinator.journal.rows import readable_changes
from coordinator.journal.tables import IS_CONFIRMING, effects, requests
from coordinator.requests import Request, State
from sallyport.confirming import who_may_confirm
from sallyport.people import Person
from sallyport.policies import Policies

_FACTS = (requests.c.id, requests.c.flow, requests.c.environment, requests.c.requester, requests.c.changes)
_IS_SHOWN = sa.exists().where(  # its pull request is there
    effects.c.request_id == requests.c.id, effects.c.name == "pull", effects.c.done > 0
)


def to_confirm(
    journal: Journal, policies: Policies, person: Person | None, now: datetime, most: int
) -> list[Request]:
    """Return what this person's review in GitHub would confirm, those with the least time left first."""
    if person is None or not person.github:
        return []
    ids = list(islice(_theirs(journal, policies, person, now), most))
    return [request for request in journal.requests(ids) if request.state is State.CONFIRMING]


def _theirs(journal: Journal, policies: Policies, person: Person, now: datetime) -> Iterator[str]:
    """Yield the ids of what waits in GitHub and is this person's to confirm; little is read of what is not."""
    query = sa.select(*_FACTS).where(IS_CONFIRMING, requests.c.decide_by > now, _IS_SHOWN)
    query = query.order_by(requests.c.decide_by)
    with journal.reading() as connection:
        rows = connection.execute(query).all()
    email = person.email.casefold()
    for row in rows:
        changes = readable_changes(row)
        if changes and email in who_may_confirm(row.flow, row.environment, row.requester, changes, policies):
            yield row.id
