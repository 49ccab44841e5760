"""What people have typed into forms that they have not sent yet, so that a stray click loses nothing.

A draft belongs to one form and one person, is replaced by what they type next, and is forgotten after a day.
One whose form was sent is none any more. Nothing here is a fact: no audit row follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from coordinator.journal.tables import drafts, requests

KEPT_FOR = timedelta(days=1)

Transaction = Callable[[], AbstractContextManager[sa.Connection]]


@dataclass(frozen=True, slots=True)
class Draft:
    """The answers of a form, by field, as they stood at `kept_at`; `form` is the key its submission would have."""

    form: str
    slack_id: str
    flow: str
    answers: Mapping[str, str]
    kept_at: datetime


class Drafts:
    """The journal's drafts; *reading* and *writing* open a transaction."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def keep(self, draft: Draft) -> None:
        """Remember a draft in place of the older one of its form, and forget those of yesterday."""
        row = {
            "form": draft.form,
            "slack_id": draft.slack_id,
            "flow": draft.flow,
            "answers": dict(draft.answers),
            "kept_at": draft.kept_at,
        }
        with self._writing() as connection:
            connection.execute(sa.delete(drafts).where(drafts.c.kept_at < draft.kept_at - KEPT_FOR))
            connection.execute(_KEEP[connection.dialect.name], row)

    def of_form(self, form: str, now: datetime) -> Draft | None:
        """Return what was typed into *form*; None if nothing was, it was sent, or a day has passed."""
        return next(iter(self._find(drafts.c.form == form, now)), None)

    def of_person(self, slack_id: str, now: datetime) -> list[Draft]:
        """Return what the person may go on with, the newest first."""
        return self._find(drafts.c.slack_id == slack_id, now)

    def _find(self, which: sa.ColumnElement[bool], now: datetime) -> list[Draft]:
        sent = sa.exists().where(requests.c.submission == drafts.c.form)
        query = sa.select(drafts).where(which, drafts.c.kept_at >= now - KEPT_FOR, ~sent)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(drafts.c.kept_at.desc())).all()
        return [Draft(row.form, row.slack_id, row.flow, row.answers, row.kept_at) for row in rows]


def _keep(insert: Any) -> Any:
    """Return the statement that stores a draft unless a newer one of its form is there."""
    fresh = insert(drafts)
    newer = {"answers": fresh.excluded.answers, "kept_at": fresh.excluded.kept_at}
    return fresh.on_conflict_do_update(
        index_elements=[drafts.c.form], set_=newer, where=drafts.c.kept_at <= fresh.excluded.kept_at
    )


_KEEP = {"sqlite": _keep(sqlite.insert), "postgresql": _keep(postgresql.insert)}
