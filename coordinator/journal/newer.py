"""What only a newer version knows in the journal, while an upgrade is under way or after one that was taken back.

It is left to that version: nobody here claims it, and it keeps nothing else waiting. One expression says what that
is, so that claims, the queue and the log cannot differ about it.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from coordinator.journal.tables import effects, facts, requests
from coordinator.kinds import KINDS, TELL_A_FACT, TELL_ALL_FACTS
from coordinator.lifecycle import KNOWN
from coordinator.requests import STATES
from sallyport.audit import DEEDS
from sallyport.changes import KINDS as FLOWS


def _names(known: Iterable[str]) -> list[sa.ColumnElement[str]]:
    """Return names as the statement spells them: as parameters they would be put in anew at each run."""
    return [_text(name) for name in sorted(known)]


def _text(name: str) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{name}'", sa.String)


def _unless(
    known: Iterable[str], what: str, name: sa.ColumnElement[str]
) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[str]]:
    """Return the case in which *name* is none of the *known*, and how that is said."""
    return name.not_in(_names(known)), _text(f"{what} ") + name


def _of_request() -> sa.ColumnElement[str]:
    its = requests.alias("its_request")
    unknown = sa.case(_unless(STATES, "state", its.c.state), _unless(FLOWS, "flow", its.c.flow))
    return sa.select(unknown).where(its.c.id == effects.c.request_id).correlate(effects).scalar_subquery()


def _of_facts() -> sa.ColumnElement[str]:
    """Return the deed that is unknown of a fact which the effect tells; null for an effect that tells none."""
    told = facts.alias("told")
    its_own = effects.c.name == effects.c.kind + _text(":") + sa.cast(told.c.number, sa.String)
    is_told = sa.or_(effects.c.kind.in_(_names(TELL_ALL_FACTS)), its_own)
    unknown = told.c.deed.not_in(_names(DEEDS))
    first = sa.select(_text("deed ") + sa.func.min(told.c.deed))
    found = first.where(told.c.request_id == effects.c.request_id, unknown, is_told).correlate(effects)
    return sa.case((effects.c.kind.in_(_names(TELL_A_FACT | TELL_ALL_FACTS)), found.scalar_subquery()))


# What of an effect, its request, or the facts that it tells is unknown here: `state paused`. Null: nothing is.
UNKNOWN: sa.ColumnElement[str | None] = sa.case(
    _unless(KNOWN, "lane", effects.c.lane),
    _unless(KINDS, "effect", effects.c.kind),
    else_=sa.func.coalesce(_of_request(), _of_facts()),
)
# PostgreSQL takes a comparison with null for one that hardly any row passes, and then sorts all that is due.
IS_KNOWN = sa.case((UNKNOWN.is_(None), sa.true()), else_=sa.false())
