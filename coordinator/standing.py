"""Which alerts stand, in the journal: what operators were told last about each subject, also across a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from coordinator.journal import Journal
from coordinator.journal.tables import alerts

_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class Standing:
    """One alert; `over` once its cause is gone, `told` once the alert channel shows it as it is."""

    subject: str
    sentence: str
    since: datetime
    over: bool
    told: bool


@dataclass(frozen=True, slots=True)
class Board:
    """The alerts of one journal; each change is one compare-and-swap, so that one replica tells of it."""

    journal: Journal

    def raised(self, subject: str, sentence: str, now: datetime) -> Standing | None:
        """Note that *sentence* is so; None if that is what stands already."""
        values = {"sentence": sentence, "since": now, "over": False, "told": False}
        with self.journal.writing() as connection:
            fresh = _INSERT[connection.dialect.name](alerts).values(subject=subject, **values)
            differs = sa.or_(alerts.c.sentence != sentence, alerts.c.over)
            upsert = fresh.on_conflict_do_update(index_elements=["subject"], set_=values, where=differs)
            changed = connection.execute(upsert.returning(alerts.c.subject)).first() is not None
        return Standing(subject, sentence, now, over=False, told=False) if changed else None

    def ended(self, subject: str, now: datetime, since: datetime | None = None) -> Standing | None:
        """Note that its cause is gone; None if nothing stood, or not what stands *since* then."""
        same = sa.and_(alerts.c.subject == subject, ~alerts.c.over)
        with self.journal.writing() as connection:
            row = connection.execute(sa.select(alerts).where(same)).one_or_none()
            if row is None or (since is not None and row.since != since):
                return None
            change = sa.update(alerts).where(same, alerts.c.since == row.since)
            if connection.execute(change.values(over=True, told=False, since=now)).rowcount != 1:
                return None  # another replica was faster, or has more to say
        return Standing(subject, row.sentence, now, over=True, told=False)

    def told(self, alert: Standing) -> None:
        """Note that the channel shows *alert*; one that is over is forgotten with that."""
        row = sa.and_(alerts.c.subject == alert.subject, alerts.c.since == alert.since)
        change = sa.delete(alerts).where(row) if alert.over else sa.update(alerts).where(row).values(told=True)
        with self.journal.writing() as connection:
            connection.execute(change)

    def all(self) -> list[Standing]:
        """Return every alert, oldest first; those that are over have still to be told as over."""
        with self.journal.reading() as connection:
            rows = connection.execute(sa.select(alerts).order_by(alerts.c.since, alerts.c.subject))
            return [Standing(row.subject, row.sentence, row.since, row.over, row.told) for row in rows]
